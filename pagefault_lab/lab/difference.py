"""What differs between two points of time: registers, memory, and the structures in it that the processor reads.

Every word of memory that differs is told once: as what it means, if it is part of a structure that lay at this place at
both points (a page-table entry, a descriptor, a gate, a field of the TSS), and else as part of a range. What nobody
will miss is kept apart: free pages, the kernel's log, lines that were typed, what was left below a stack pointer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import peeking, tables
from pagefault_lab.lab.changed_ranges import ChangedRange, Places, changed_ranges
from pagefault_lab.lab.moments import Moment
from pagefault_lab.lab.results import Missing
from pagefault_lab.lab.tables import DescriptorEntry, DescriptorTable, HiddenSegment, IdtEntry, Register
from pagefault_lab.machine.memory import PAGE, WORDS, ZEROS, framed
from pagefault_lab.machine.paging import ACCESSED, DIRTY, LARGE, PRESENT
from pagefault_lab.machine.registers import ESP, PG, PSE, SS
from pagefault_lab.machine.step import changes, visible
from pagefault_lab.machine.tss import FIELDS
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.symbols import Symbols
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.machine import Machine

NEVER_USED: Final = framed(ZEROS)
STACK_REACH: Final = PAGE  # how far below a stack pointer something may have been left over


class HiddenChange(NamedTuple):
    """A segment register whose hidden part differs, though its selector does not."""

    before: HiddenSegment
    after: HiddenSegment


class EntryChange(NamedTuple):
    """A page-table entry, `level` "PDE" or "PTE", at a physical address, for the page at `linear`.

    None if what lay there was no table in use.
    """

    linear: int
    level: str
    address: int
    before: int | None
    after: int | None

    @property
    def only_noted(self) -> bool:
        """Whether only that differs which the processor notes itself."""
        if self.before is None or self.after is None:
            return False
        return not (self.before ^ self.after) & ~(ACCESSED | DIRTY)


class DescriptorChange(NamedTuple):
    """A descriptor of the GDT or the LDT; None if the table was too short for it."""

    table: str
    before: DescriptorEntry | None
    after: DescriptorEntry | None


class GateChange(NamedTuple):
    """The gate of a vector, each in the IDT that IDTR pointed to then; None if that was too short for it."""

    before: IdtEntry | None
    after: IdtEntry | None


class FieldChange(NamedTuple):
    """A field of the TSS, each in the one that TR named then; None if there was none."""

    name: str
    before: int | None
    after: int | None


class TlbChange(NamedTuple):
    """How many pages the TLB holds now and did not then, the other way round, and holds otherwise."""

    added: int
    dropped: int
    changed: int


class Difference(NamedTuple):
    """All that differs. `free` are frames (numbers) that were free at both points; `printed` is by how many bytes the
    kernel's log has grown, None without one; `devices` are those whose state differs."""

    before: Moment
    after: Moment
    registers: tuple[Register, ...]
    hidden: tuple[HiddenChange, ...]
    descriptors: tuple[DescriptorChange, ...]
    gates: tuple[GateChange, ...]
    fields: tuple[FieldChange, ...]
    entries: tuple[EntryChange, ...]
    memory: tuple[ChangedRange, ...]
    log: tuple[ChangedRange, ...]
    printed: int | None
    typed: tuple[ChangedRange, ...]
    left_over: tuple[ChangedRange, ...]
    free: tuple[int, ...]
    devices: tuple[str, ...]
    tlb: TlbChange

    @property
    def matters(self) -> bool:
        """Whether anything differs that a program may depend on: registers, structures, or memory in use."""
        return any((self.registers, self.hidden, self.descriptors, self.gates, self.fields, self.entries, self.memory))

    @property
    def anything(self) -> bool:
        """Whether anything differs at all."""
        others = (self.log, self.typed, self.left_over, self.free, self.devices, any(self.tlb))
        return self.matters or any(others)


def compare(session: Session, first: tuple[Moment, Machine], second: tuple[Moment, Machine]) -> Difference:
    """What differs between two machines of one session."""
    (then, before), (last, after) = first, second
    descriptors = (
        *_descriptors(session, tables.gdt, before, after),
        *_descriptors(session, tables.ldt, before, after),
    )
    gates = tuple(_gates(session, before, after))
    fields = tuple(_fields(before, after))
    told = _told_words(before, after, (*descriptors, *gates), fields)
    typed = _typed_bytes(session, before, after)
    apart = {
        "log": _log_words(session, before, after),
        "left_over": _below_stacks(before, session.symbols) & _below_stacks(after, session.symbols),
    }
    free = _free_frames(session, before) & _free_frames(session, after)
    tables_then, tables_now = _page_tables(before), _page_tables(after)
    differing = _differing_frames(before, after)
    entries: list[EntryChange] = []
    rooms = (session.world.user_calls, session.world.kernel_calls)
    calls = {region.start & ~(PAGE - 1) for region in rooms if region is not None}  # their pages are the bench's
    parts: dict[str, dict[int, int]] = {"memory": {}, "log": {}, "typed": {}, "left_over": {}}
    for number in differing.keys() - free:
        table_then, table_now = tables_then.get(number), tables_now.get(number)
        for word, bits in differing[number].items():
            entry = _entry(word, before, after, table_then, table_now)
            if entry is not None:
                if not (entry.only_noted and entry.linear in calls):
                    entries.append(entry)
            elif word not in told:
                if placed := bits & typed.get(word, 0):
                    parts["typed"][word] = placed
                if rest := bits & ~placed:
                    parts[next((name for name, own in apart.items() if word in own), "memory")][word] = rest
    places = Places(session.symbols, (before, after), differing.keys() - free)
    ranges = {name: tuple(changed_ranges(words, before, after, places)) for name, words in parts.items()}
    return Difference(
        then,
        last,
        _registers(session, before, after),
        tuple(_hidden(before, after)),
        descriptors,
        gates,
        fields,
        tuple(sorted(entries, key=lambda entry: (entry.level, entry.linear))),
        ranges["memory"],
        ranges["log"],
        _printed(session, before, after),
        ranges["typed"],
        ranges["left_over"],
        tuple(sorted(differing.keys() & free)),
        _devices(before, after),
        _tlb(before, after),
    )


# --- the processor


def _registers(session: Session, before: Machine, after: Machine) -> tuple[Register, ...]:
    """Registers that differ, then what else the processor remembers."""
    found = []
    for name, old, new in changes(visible(before.cpu), visible(after.cpu)):
        symbol = session.symbols.name(new) or "" if name in ("eip", "cr2") else ""
        found.append(Register(name, new, old, symbol))
    for (name, old), (_, new) in zip(_states(before.cpu), _states(after.cpu), strict=True):
        if old != new:
            found.append(Register(name, new, old, ""))
    return tuple(found)


def _states(cpu: Cpu) -> Iterator[tuple[str, int]]:
    yield "halted", int(cpu.halted)
    yield "shut down", int(cpu.shutdown)
    yield "single-step trap due", int(cpu.trapping)
    yield "interrupts held back", cpu.shadow
    yield "interrupts waiting", len(cpu.pending)


def _hidden(before: Machine, after: Machine) -> Iterator[HiddenChange]:
    pairs = zip(tables.segment_registers(before).segments, tables.segment_registers(after).segments, strict=True)
    for old, new in pairs:
        if old.selector == new.selector and old._replace(stale=False) != new._replace(stale=False):
            yield HiddenChange(old, new)


def _tlb(before: Machine, after: Machine) -> TlbChange:
    then, now = before.cpu.tlb.entries, after.cpu.tlb.entries
    changed = sum(then[page] != now[page] for page in then.keys() & now.keys())
    return TlbChange(len(now.keys() - then.keys()), len(then.keys() - now.keys()), changed)


def _devices(before: Machine, after: Machine) -> tuple[str, ...]:
    now = after.ports.save()
    return tuple(name for name, state in before.ports.save().items() if state != now[name])


# --- structures


def _descriptors(
    session: Session, table_of: Callable[..., DescriptorTable], before: Machine, after: Machine
) -> Iterator[DescriptorChange]:
    then, now = (table_of(machine, session.symbols.name) for machine in (before, after))
    for old, new in zip_longest(then.entries, now.entries):
        if old is None or new is None or old.descriptor != new.descriptor:
            yield DescriptorChange(now.table, old, new)


def _gates(session: Session, before: Machine, after: Machine) -> Iterator[GateChange]:
    then, now = (tables.idt(machine, session.symbols.name) for machine in (before, after))
    for old, new in zip_longest(then.entries, now.entries):
        if old is None or new is None or old.gate != new.gate:
            yield GateChange(old, new)


def _fields(before: Machine, after: Machine) -> Iterator[FieldChange]:
    then, now = (
        {field.name: field.value for field in tables.tss(machine, lambda _: None).fields} for machine in (before, after)
    )
    for name in FIELDS:
        if then.get(name) != now.get(name):
            yield FieldChange(name, then.get(name), now.get(name))


def _told_words(
    before: Machine,
    after: Machine,
    changed: Iterable[DescriptorChange | GateChange],
    fields: Iterable[FieldChange],
) -> set[int]:
    """The words of memory in which a structure that is told of lay at both points."""
    found: set[int] = set()
    for change in changed:
        if change.before is not None and change.after is not None:
            found |= _words(before, change.before.address, 8) & _words(after, change.after.address, 8)
    for name in (field.name for field in fields):
        size = 2 if name in tables.SHORT_FIELDS else 4
        then, now = (_words(machine, machine.cpu.tr.base + FIELDS[name], size) for machine in (before, after))
        found |= then & now
    return found


class _Table(NamedTuple):
    """A page directory or a page table: the page of its first entry, and how far the next one's is, as a shift."""

    level: str
    linear: int
    shift: int


def _page_tables(machine: Machine) -> dict[int, _Table]:
    """By frame, the directory of CR3 and its tables; a table that serves several entries has the lowest addresses."""
    cpu, memory = machine.cpu, machine.memory
    if not cpu.cr0 & PG:
        return {}
    found = {}
    for index in range(WORDS - 1, -1, -1):
        pde = memory.read((cpu.cr3 & 0xFFFFF000) + 4 * index, 4)
        if pde & PRESENT and not (pde & LARGE and cpu.cr4 & PSE):
            found[pde >> 12] = _Table("PTE", index << 22, 12)
    found[cpu.cr3 >> 12] = _Table("PDE", 0, 22)
    return found


def _entry(word: int, before: Machine, after: Machine, then: _Table | None, now: _Table | None) -> EntryChange | None:
    """The page-table entry that a word is, if it is one at both points, or at one of them and present there."""
    table = then or now
    if table is None or (then and now and then != now):
        return None
    old = before.memory.read(word, 4) if then else None
    new = after.memory.read(word, 4) if now else None
    if None in (old, new) and not ((old or 0) | (new or 0)) & PRESENT:
        return None
    return EntryChange(table.linear + ((word >> 2 & 1023) << table.shift), table.level, word, old, new)


# --- memory


def _differing_frames(before: Machine, after: Machine) -> dict[int, dict[int, int]]:
    """By frame, the words that differ: their physical addresses, and the bits that do."""
    found = {}
    for number, (old, new) in enumerate(zip(before.memory.frames, after.memory.frames, strict=True)):
        if old is new or (old or NEVER_USED) == (new or NEVER_USED):
            continue
        pairs = enumerate(zip(old or NEVER_USED, new or NEVER_USED, strict=True))
        found[number] = {number << 12 | index << 2: was ^ is_now for index, (was, is_now) in pairs if was != is_now}
    return found


def _words(machine: Machine, linear: int, size: int) -> set[int]:
    """The physical addresses of the words that `size` bytes at a linear address lie in, as far as they are mapped."""
    found: set[int] = set()
    address, end = linear & ~3, linear + size
    while address < end:
        stop = min(end, (address | PAGE - 1) + 1)
        place = peeking.locate(machine, address & 0xFFFFFFFF)
        if not isinstance(place, Missing):
            found.update(range(place, place + stop - address, 4))
        address = stop
    return found


def _free_frames(session: Session, machine: Machine) -> set[int]:
    """The frames that nobody uses, where the guest kernel keeps count of that."""
    owned = session.world.page_map
    if owned is None:
        return set()
    users, _ = peeking.readable(machine, owned.start, owned.frames)
    return {number for number, count in enumerate(users) if not count}


def _log_words(session: Session, before: Machine, after: Machine) -> set[int]:
    log = session.world.log
    if log is None:
        return set()
    then, now = (_words(machine, log.buffer, log.size) | _words(machine, log.counter, 4) for machine in (before, after))
    return then & now


def _printed(session: Session, before: Machine, after: Machine) -> int | None:
    log = session.world.log
    then, now = (None if log is None else machine.cpu.peek(log.counter, 4) for machine in (before, after))
    return None if then is None or now is None else now - then


def _typed_bytes(session: Session, before: Machine, after: Machine) -> dict[int, int]:
    """By word, the bits that typed lines have put there and nobody has changed since; all of commands' system calls."""
    world = session.world
    found: dict[int, int] = {}
    for region in (world.user_calls, world.kernel_calls):
        if region is not None:
            found |= dict.fromkeys(_words(after, region.start, region.end - region.start), 0xFFFFFFFF)
    for line in session.code.program:
        data = line.bytes
        with suppress(Problem):  # not mapped any more
            for place, length in peeking.pieces(after, line.address, len(data)):
                for address, byte in zip(range(place, place + length), data[:length], strict=True):
                    if after.memory.read(address, 1) == byte:
                        found[address & ~3] = found.get(address & ~3, 0) | 0xFF << 8 * (address & 3)
                data = data[length:]
    return found


def _below_stacks(machine: Machine, symbols: Symbols) -> set[int]:
    """The words below the stack pointers: of the stack in use, and of those of the inner rings, which are empty now.

    Nothing lives there by any calling convention. A stack ends at the symbol below it, at the latest.
    """
    cpu = machine.cpu
    tops = [cpu.segments[SS].base + cpu.registers[ESP]]
    inner = {field.name: field.value for field in tables.tss(machine, symbols.name).fields} if cpu.cpl else {}
    for ring in range(cpu.cpl):
        esp, segment = inner.get(f"esp{ring}"), tables.descriptor_of(machine, inner.get(f"ss{ring}") or 0)
        if esp is not None and segment is not None:
            tops.append(segment.base + esp)
    found: set[int] = set()
    for top in tops:
        near = symbols.nearest(top - 1 & 0xFFFFFFFF)
        reach = STACK_REACH if near is None else min(STACK_REACH, near.offset + 1)
        start = top - reach + 3 & ~3
        found |= _words(machine, start, (top & ~3) - start)
    return found
