"""The host's hand in the page tables and in the TLB: `map`, `unmap`, `protect`, `flush`.

Entries are written straight into the frames of the tables of CR3, as a debugger would: no TLB entry goes, and the guest
kernel is not asked. Only that a frame is taken is noted where the kernel notes it, or it would be given away once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.stale_translations import Staleness
from pagefault_lab.lab.tables import TlbLine, exactly, pages, tlb
from pagefault_lab.lab.walks import walk_now
from pagefault_lab.machine.memory import PAGE, WORDS
from pagefault_lab.machine.paging import PRESENT, USER, WRITABLE, Lookup, PageWalk
from pagefault_lab.machine.registers import PG
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.formats import Length, Rights
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

KERNEL_SPACE: Final = 0xC0000000  # by custom of i386 kernels the pages from here on are the supervisor's
MOST_PAGES: Final = 1024  # at once


class EntryEdit(NamedTuple):
    """One entry that the host has written: that of the page at `linear`, `level` "PDE" or "PTE", at the physical
    `address`."""

    linear: int
    level: str
    address: int
    before: int
    after: int


class PageTablesEdited(NamedTuple):
    """What the host has changed in the page tables, in order. `taken` are frames (numbers) that were free before, now
    zeros and in use. `now` is what a walk for the first page finds; `symbol` names that."""

    edits: tuple[EntryEdit, ...]
    taken: tuple[int, ...]
    now: PageWalk
    symbol: str


class Flushed(NamedTuple):
    """What went out of the TLB: all of it, or what it held for the page of `linear`."""

    linear: int | None
    dropped: tuple[TlbLine, ...]


def map_page(session: Session, address: int, frame: int | None, rights: Rights) -> Iterator[object]:
    """Let the page of an address be `frame` (physical address; a free one if None), with a page table if needed."""
    machine = session.machine
    linear = address & 0xFFFFF000
    found = _tables(machine, linear)
    pde = found.lookups[0]
    if pde.present and len(found.lookups) == 1:
        raise _large(linear)
    if frame is not None and frame % PAGE:
        hint = f"a frame begins at a multiple of 0x1000: {frame & 0xFFFFF000:#010x}"
        raise Problem(f"{frame:#010x} is not the address of a frame", hint)
    taken = _free_frames(session, (frame is None) + (not pde.present))
    stale = Staleness(session)
    session.changing()
    for number in taken:
        _take(session, number)
    left = list(taken)
    user = linear < KERNEL_SPACE if rights.user is None else rights.user
    visible = PRESENT | (USER if user else 0)
    edits = []
    if not pde.present:
        edits.append(_write(machine, linear, pde, left.pop() << 12 | WRITABLE | visible))
    pte = _tables(machine, linear).lookups[1]
    place = left.pop() << 12 if frame is None else frame
    writable = rights.writable is not False
    edits.append(_write(machine, linear, pte, place | (WRITABLE if writable else 0) | visible))
    session.changed_by_host()
    yield _edited(session, edits, taken)
    if frame is not None:
        yield from _doubts(session, frame)
    yield from stale.told((linear,))


def unmap(session: Session, address: int, length: Length | None) -> Iterator[object]:
    """Clear P in the entries of the pages from an address on; the entries keep all else."""
    machine = session.machine
    linear = address & 0xFFFFF000
    end = linear + PAGE if length is None else address + length.number if length.relative else length.number
    if end <= linear:
        raise Problem(f"{end:#010x} lies before {address:#010x}", "`unmap ADDRESS +BYTES` or an end behind it")
    if end - linear > MOST_PAGES * PAGE:
        raise Problem(f"{-(-(end - linear) // PAGE)} pages are too many", f"at most {MOST_PAGES} at once")
    leaves: dict[int, tuple[int, Lookup]] = {}  # by the entry's address: a 4 MiB page is one
    for page in range(linear, min(end, 1 << 32), PAGE):
        leaf = _tables(machine, page).lookups[-1]
        if leaf.present:
            leaves.setdefault(leaf.address, (page, leaf))
    if not leaves:
        raise _not_mapped(session, linear)
    stale = Staleness(session)
    session.changing()
    edits = [_write(machine, page, leaf, leaf.entry & ~PRESENT) for page, leaf in leaves.values()]
    session.changed_by_host()
    yield _edited(session, edits)
    yield from stale.told(range(linear, end, PAGE))


def protect(session: Session, address: int, rights: Rights) -> Iterator[object]:
    """Set R/W and U/S of the entry that maps the page of an address, as far as `rights` says something of them."""
    machine = session.machine
    linear = address & 0xFFFFF000
    leaf = _tables(machine, linear).lookups[-1]
    if not leaf.present:
        raise _not_mapped(session, linear)
    entry = leaf.entry
    for bit, wanted in ((WRITABLE, rights.writable), (USER, rights.user)):
        if wanted is not None:
            entry = entry | bit if wanted else entry & ~bit
    stale = Staleness(session)
    session.changing()
    edit = _write(machine, linear, leaf, entry)
    session.changed_by_host()
    yield _edited(session, [edit])
    yield from stale.told((linear,))


def flush(session: Session, address: int | None) -> Iterator[Flushed]:
    """Drop what the TLB holds for the page of an address, as INVLPG does; without one everything, global or not."""
    cpu = session.machine.cpu
    held = tlb(session.machine, session.symbols.name).lines
    session.changing()
    if address is not None:
        cpu.invalidate(address)
    else:
        cpu.tlb.drop_all(keep_global=False)
        cpu.forget_pages()
    session.changed_by_host()
    yield Flushed(address, tuple(line for line in held if line.linear >> 12 not in cpu.tlb.entries))


# --- entries


def _tables(machine: Machine, linear: int) -> PageWalk:
    """What the tables say of a page, whatever the TLB believes; a Problem if there are none."""
    if not machine.cpu.cr0 & PG:
        raise Problem(
            "paging is off (CR0.PG = 0): there are no page tables", "every linear address is its own physical address"
        )
    found = walk_now(machine, linear)
    for lookup in found.lookups:
        if not machine.memory.exists(lookup.address >> 12):
            raise Problem(
                f"the {lookup.level} of {linear:#010x} would lie at physical {lookup.address:#010x}",
                f"there is no memory: it ends at {machine.memory.size:#010x}",
            )
    return found


def _write(machine: Machine, linear: int, lookup: Lookup, entry: int) -> EntryEdit:
    machine.memory.write(lookup.address, 4, entry)
    return EntryEdit(linear, lookup.level, lookup.address, lookup.entry, entry)


def _edited(session: Session, edits: list[EntryEdit], taken: tuple[int, ...] = ()) -> PageTablesEdited:
    linear = edits[0].linear
    now = walk_now(session.machine, linear)
    return PageTablesEdited(tuple(edits), taken, now, exactly(linear, session.symbols.name))


def _not_mapped(session: Session, linear: int) -> Problem:
    """The problem of a page that the tables do not map: which level is to blame."""
    missing = _tables(session.machine, linear).lookups[-1]
    page = f"{linear:#010x}"
    hint = f"`map {page}` puts a page there"
    if linear >> 12 in session.machine.cpu.tlb.entries:
        hint = f"the TLB still holds the page: `flush {page}` drops it"
    return Problem(f"nothing is mapped at {page}: P=0 in the {missing.level}", hint)


def _large(linear: int) -> Problem:
    return Problem(
        f"{linear:#010x} lies in a 4 MiB page, which has no page table",
        f"`unmap {linear:#010x}` takes the whole page away first; `set pde({linear:#010x}) = ...` changes it",
    )


# --- frames


def _free_frames(session: Session, count: int) -> tuple[int, ...]:
    """So many free frames, the highest ones: they are the last that a kernel gives to others."""
    if not count:
        return ()
    owned = session.world.page_map
    if owned is not None:
        users = peeking.read_bytes(session.machine, owned.start, owned.frames)
        free = [number for number in range(owned.frames) if not users[number]]
    else:
        free = _unused(session.machine)
    if len(free) < count:
        raise Problem("no frame of memory is free", "`map ADDRESS FRAME` names one")
    return tuple(free[-count:])


def _unused(machine: Machine) -> list[int]:
    """Where nobody keeps count: the frames of zeros, those last that the fewest entries name.

    Where all of memory is mapped one to one, each frame is named once by that, and those in use once more.
    """
    directory, memory = machine.cpu.cr3 & 0xFFFFF000, machine.memory
    tables = (memory.read(directory + 4 * index, 4) for index in range(WORDS))
    named = Counter([directory >> 12, *(pde >> 12 for pde in tables if pde & PRESENT)])
    for page in pages(machine):
        first = page.physical >> 12
        named.update(range(first, first + page.size // PAGE))
    zeros = [number for number, words in enumerate(memory.frames) if words is None or not any(words)]
    return sorted(zeros, key=lambda number: (-named[number], number))


def _take(session: Session, number: int) -> None:
    """Make a frame zeros, and note its user where the kernel does."""
    machine = session.machine
    for word in range(WORDS):
        machine.memory.write(number << 12 | word << 2, 4, 0)
    owned = session.world.page_map
    if owned is not None:
        peeking.place(machine, owned.start + number, b"\1")


def _doubts(session: Session, frame: int) -> Iterator[Message]:
    """What is strange about a frame that the user named."""
    memory, owned = session.machine.memory, session.world.page_map
    if not memory.exists(frame >> 12):
        text = f"there is no memory at physical {frame:#010x}: it reads as ones; memory ends at {memory.size:#010x}"
        yield Message(text, "warning")
    elif owned is not None and not peeking.read(session.machine, owned.start + (frame >> 12), 1):
        yield Message(f"the kernel counts the frame at {frame:#010x} as free and may give it to others", "warning")
