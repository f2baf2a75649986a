"""Translations that the TLB holds and the page tables contradict: the processor goes by the TLB.

Whatever the host writes into memory drops no TLB entry. So every command that writes there looks before and after, and
tells which entries it has made stale:

    stale = Staleness(session)
    ...                         # the host writes
    yield from stale.told()
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab.tables import exactly
from pagefault_lab.lab.walks import contradiction, walk_now
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.paging import Mapped, PageWalk
from pagefault_lab.machine.registers import WP

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.tlb import TlbEntry

ACCESSES = tuple((user, kind) for user in (True, False) for kind in (Kind.READ, Kind.WRITE))


class Misled(NamedTuple):
    """An access that ends otherwise than the page tables say: `allowed` by the TLB, or refused by it."""

    user: bool
    kind: Kind
    allowed: bool


class StaleTranslation(NamedTuple):
    """A page for which the TLB and the page tables differ; `tables` is what a walk for a read by the supervisor finds.

    `difference` says what the tables say otherwise, `misled` for which accesses it decides whether they are allowed. A
    write to a page whose entry is not dirty is not among them: it walks the tables.
    """

    linear: int
    symbol: str
    entry: TlbEntry
    tables: PageWalk
    difference: str
    misled: tuple[Misled, ...]


class StaleTranslations(NamedTuple):
    """Pages of which the processor now believes what the page tables do not say any more."""

    pages: tuple[StaleTranslation, ...]


class Staleness:
    """What was stale before the host writes, so that afterwards only what is new is told."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.before = self._contradictions()

    def told(self, about: Collection[int] = ()) -> Iterator[StaleTranslations]:
        """The pages that have become stale, or stale otherwise; those at the addresses `about` in any case."""
        now = self._contradictions()
        stale = tuple(
            _stale_translation(self.session, linear, difference)
            for linear, difference in sorted(now.items())
            if linear in about or self.before.get(linear) != difference
        )
        if stale:
            yield StaleTranslations(stale)

    def _contradictions(self) -> dict[int, str]:
        """By address, of the pages for which the tables contradict the TLB."""
        machine = self.session.machine
        entries = {page << 12: entry for page, entry in machine.cpu.tlb.entries.items()}
        found = {linear: contradiction(machine, linear, entry) for linear, entry in entries.items()}
        return {linear: difference for linear, difference in found.items() if difference}


def _stale_translation(session: Session, linear: int, difference: str) -> StaleTranslation:
    machine = session.machine
    entry = machine.cpu.tlb.entries[linear >> 12]
    tables = walk_now(machine, linear)
    misled = []
    for user, kind in ACCESSES:
        allowed = _answer(entry, kind, user, bool(machine.cpu.cr0 & WP))
        if allowed is not None and allowed != isinstance(walk_now(machine, linear, kind, user).end, Mapped):
            misled.append(Misled(user, kind, allowed))
    return StaleTranslation(linear, exactly(linear, session.symbols.name), entry, tables, difference, tuple(misled))


def _answer(entry: TlbEntry, kind: Kind, user: bool, write_protect: bool) -> bool | None:
    """Whether a TLB entry allows an access; None if it leaves that to a walk, which is to set D."""
    if user and not entry.user:
        return False
    if kind is not Kind.WRITE:
        return True
    if not entry.writable and (user or write_protect):
        return False
    return True if entry.dirty else None
