"""What would become of an access: `walk` asks the page tables, `why ADDRESS` lets a copy of the machine try it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab import authors
from pagefault_lab.lab.authors import Written
from pagefault_lab.lab.walks import cached, judge, walk_now
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import PG
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class AskedWalk(NamedTuple):
    """A walk that somebody asked for; nothing was changed by it. `walk` is None while paging is off.

    `cached` is what the TLB holds of the page: with it, the processor would not walk for this access. `stale` tells how
    the tables contradict that, "" if they agree; `changed` who changed them then. `symbol` names the address.
    """

    linear: int
    walk: PageWalk | None
    cached: TlbEntry | None
    stale: str
    symbol: str
    changed: Written | None


class AskedAccess(NamedTuple):
    """An access that was tried on a copy of the machine: what would become of it now.

    `judged` is what decides it, the TLB's entry or a walk; None while paging is off. `asked` is what the tables say of
    it. `written` tells who last wrote the entry that refuses.
    """

    kind: Kind
    user: bool
    judged: PageWalk | TlbHit | None
    asked: AskedWalk
    written: Written | None


def ask(session: Session, linear: int, kind: Kind, user: bool) -> AskedWalk:
    """Walk for an access of that kind, by a user or by the supervisor."""
    machine, symbol = session.machine, session.symbols.name(linear) or ""
    if not machine.cpu.cr0 & PG:
        return AskedWalk(linear, None, None, "", symbol, None)
    entry, stale = cached(machine, linear)
    found = walk_now(machine, linear, kind, user)
    return AskedWalk(linear, found, entry, stale, symbol, authors.of_tables(session, found) if stale else None)


def attempt(session: Session, linear: int, kind: Kind, user: bool) -> AskedAccess:
    """Try an access of that kind."""
    asked = ask(session, linear, kind, user)
    judged = judge(session.machine, linear, kind, user) if asked.walk is not None else None
    return AskedAccess(kind, user, judged, asked, authors.of_refusal(session, judged))
