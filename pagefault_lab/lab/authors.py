"""Who last wrote what the processor went by: entries of page tables, gates, the stack that the TSS names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.history import Visitor
from pagefault_lab.lab.walks import is_stale, refusing
from pagefault_lab.machine.delivery import Delivery, StackChosen
from pagefault_lab.machine.events import Access, Kind, TlbHit
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.paging import ACCESSED, DIRTY, Lookup, PageWalk

if TYPE_CHECKING:
    from pagefault_lab.lab.origins import Origin
    from pagefault_lab.lab.session import Session


FRAME: Final = 4096


class Written(NamedTuple):
    """The last write to something that the processor read. `what` is `PDE`, `PTE`, `gate 14` or `ESP0`; `address` is
    where it lies, a physical one."""

    what: str
    address: int
    origin: Origin


def of_bytes(session: Session, what: str, physical: int, size: int, before: int | None = None) -> Written | None:
    """Who last wrote these bytes (before step number `before`, if given); None if they are as the history began.

    They may have been written in the meantime; but to know it, all of the history would have to be searched.
    """
    size = min(size, FRAME - physical % FRAME)
    then = session.machine if before is None else session.history.machine_at(before)
    began = Visitor(session.history, 0).machine
    if then.memory.read_bytes(physical, size) == began.memory.read_bytes(physical, size):
        return None
    return _search(session, what, physical, size, before)


def of_entry(session: Session, entry: Lookup, before: int | None = None) -> Written | None:
    """The same of an entry that a walk has read."""
    return of_bytes(session, entry.level, entry.address, 4, _behind_write(session, entry, before))


def of_tables(session: Session, tables: PageWalk, before: int | None = None) -> Written | None:
    """The last write to one of the entries that a walk reads: what has made the TLB stale.

    The last entry is as a rule the one, and may have been changed back. So it is searched for in all of the history.
    """
    *above, leaf = tables.lookups
    written = _search(session, leaf.level, leaf.address, 4, _behind_write(session, leaf, before))
    return latest((written, *(of_entry(session, each, before) for each in above)))


def _behind_write(session: Session, entry: Lookup, before: int | None) -> int | None:
    """From where to search back for who wrote an entry: the chronicle has what the guest wrote to tables in use.

    The processor's own setting of A and D does not count.
    """
    events = session.chronicle.backwards(What.TABLE, end=before)
    event = next((event for event in events if event.numbers[0] == entry.address), None)
    if event is None or (event.numbers[2] ^ entry.entry) & ~(ACCESSED | DIRTY):
        return before
    return event.step + 1


def _search(session: Session, what: str, physical: int, size: int, before: int | None) -> Written | None:
    from pagefault_lab.lab.origins import origin_of_bytes

    origin = origin_of_bytes(session, physical, size, before)
    return None if origin is None else Written(what, physical, origin)


def of_refusal(session: Session, judged: PageWalk | TlbHit | None, before: int | None = None) -> Written | None:
    """The last write to the entry that refused an access. Of a stale TLB entry it is what the tables say by now."""
    if isinstance(judged, TlbHit) and judged.tables is not None and is_stale(judged):
        return of_tables(session, judged.tables, before)
    entry = refusing(judged.tables if isinstance(judged, TlbHit) else judged)
    return None if entry is None else of_entry(session, entry, before)


def of_failure(session: Session, attempt: Delivery, before: int | None = None) -> Written | None:
    """The last write to what stopped a delivery: the entry of a page that it needs, or else what it read to get there.

    The rules about the code judge the gate and the descriptor that it names, those about the stack ESP0, SS0 and the
    descriptor of SS0. Of several, what was written last is to blame.
    """
    if attempt.failed is None:
        return None
    suspects: list[Written | None] = []
    last = attempt.events[-1]
    refused = isinstance(last, PageWalk | TlbHit)
    if refused:
        suspects.append(of_refusal(session, last, before))
    reads = [event for event in attempt.events if isinstance(event, Access) and event.kind is Kind.READ]
    stack: StackChosen | None = attempt.stage(StackChosen)
    if not refused or (stack is not None and stack.tss_address is not None):
        judged = slice(_CODE_READS, None) if len(reads) > _CODE_READS else slice(_CODE_READS)
        for (what, size), event in zip(_TABLE_READS[judged], reads[judged], strict=False):
            name = f"gate {attempt.fault.vector}" if what == "gate" else what
            suspects.append(of_bytes(session, name, event.physical, size, before) if size else None)
    return latest(suspects)


# What a delivery reads of tables, in this order, with its size. Descriptors are read in halves; with the first one
# goes the whole.
_TABLE_READS: Final[tuple[tuple[str, int], ...]] = (
    ("gate", 8), ("", 0), ("code descriptor", 8), ("", 0), ("ESP0", 4), ("SS0", 2), ("SS0's descriptor", 8), ("", 0),
)  # fmt: skip
_CODE_READS: Final = 4


def latest(found: Iterable[Written | None]) -> Written | None:
    """What was written last."""
    return max((each for each in found if each is not None), key=lambda each: each.origin.step, default=None)
