"""Which changes could matter to a step: every field that the processor looked at where something was refused.

What is proposed is only to be tried (lab/whatif.py): nothing here judges what would follow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab.hypotheses import (
    ENTRY_BITS,
    EntryBits,
    Hypothesis,
    OtherAccess,
    Privilege,
    RegisterBits,
    SegmentField,
    SelectorLoaded,
    TableField,
    TranslationDropped,
    field_of,
)
from pagefault_lab.lab.walks import is_refused, walk_now
from pagefault_lab.machine.delivery import CodeChosen, GateRead, StackChosen
from pagefault_lab.machine.events import Access, Check, Kind, Reason, SegmentAccess
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.paging import LARGE, Lookup
from pagefault_lab.machine.registers import AC, AM, CR0_NAMES, CS, EM, FLAG_NAMES, PG, PSE, TF, TS, WP
from pagefault_lab.machine.segmentation import INTERRUPT_GATE32, Descriptor
from pagefault_lab.machine.tss import FIELDS, IO_MAP_BASE

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.machine.step import Step

RIGHTS: Final = ("P", "R/W", "U/S")
MOST_DESCRIPTORS: Final = 64  # of the GDT, of which a selector may be the right one

# masks in a descriptor's and a gate's high dword; the selector in a gate's low one
P, DPL, S, TYPE, GATE_TYPE, SELECTOR = 0x8000, 0x6000, 0x1000, 0x0F00, 0x1F00, 0xFFFF0000
STACK_SELECTORS: Final = {FIELDS[f"ss{ring}"]: ring for ring in range(3)}  # places in the TSS
STACK_POINTERS: Final = {FIELDS[f"esp{ring}"]: ring for ring in range(3)}


def candidates(
    machine: Machine,
    step: Step,
    linear: int | None,
    access: OtherAccess | None,
    stacks: Collection[int] | None = None,
) -> list[Hypothesis]:
    """Every change of what decided in `step`, the next one of `machine`: what reaches least first, each only once.

    `linear` is an address that was asked about, whether it was refused or not. `access` is the access that was refused
    or asked about, its `after` of no meaning; None if there is none that could be made in another way. `stacks` are the
    ESPs that the TSS is known to have held for an inner stack; None if no other is to be proposed.
    """
    stages = _stages(step)
    pages = [event.linear for events in stages for event in events if is_refused(event)]
    found: Iterable[Hypothesis] = chain(
        _translations(machine, pages if linear is None else [linear, *pages]),
        _stack_pointers(machine, step, stacks) if stacks is not None else (),
        *(_tables(machine, events) for events in stages),
        *(_segments(machine, events) for events in stages),
        (access._replace(after=kind) for kind in Kind if kind is not access.before) if access is not None else (),
        (Privilege(machine.cpu.cpl, cpl) for cpl in (0, 3) if cpl != machine.cpu.cpl),
        _switches(machine.cpu, any(_failed(events) for events in stages)),
    )
    return list(dict.fromkeys(found))


def _stages(step: Step) -> list[tuple[Any, ...]]:
    """The events of the instruction itself, then those of each delivery."""
    return [step.own_events, *(delivery.events for delivery in step.deliveries)]


def _failed(events: tuple[Any, ...]) -> Check | None:
    """The rule that failed, if one did."""
    return next((event for event in events if isinstance(event, Check) and not event.holds), None)


def _translations(machine: Machine, linears: Iterable[int]) -> Iterator[Hypothesis]:
    """What the TLB and the tables hold for pages: each bit that protects, and those that make a 4 MiB page."""
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        return
    pages: dict[int, int] = {}
    for linear in linears:
        pages.setdefault(linear >> 12, linear)
    for linear in pages.values():
        entry = cpu.tlb.entries.get(linear >> 12)
        if entry is not None:
            yield TranslationDropped(linear, entry)
    seen = set()
    walks = [walk_now(machine, linear) for linear in pages.values()]
    for level in ("PTE", "PDE"):
        for walk in walks:
            for lookup in walk.lookups:
                if lookup.level == level and lookup.address not in seen:
                    seen.add(lookup.address)
                    yield from _entry(lookup, walk.linear, bool(cpu.cr4 & PSE))


def _entry(lookup: Lookup, linear: int, pse: bool) -> Iterator[Hypothesis]:
    large = lookup.level == "PDE" and bool(lookup.entry & LARGE)
    for name in (*RIGHTS, *(("PS", "21..12") if large and pse else ())):
        before = field_of(lookup.entry, ENTRY_BITS[name])
        after = 1 - before if name != "21..12" else 0
        if after != before:
            frame = lookup.entry & 0xFFFFF000
            yield EntryBits(lookup.level, linear, lookup.address, name, before, after, frame)
    if large:
        yield RegisterBits("cr4", "PSE", int(pse), int(not pse))


def _switches(cpu: Cpu, rule_failed: bool) -> Iterator[Hypothesis]:
    """Bits for the whole machine: WP, whatever forbids something while it is set, and IOPL."""
    if cpu.cr0 & PG:
        yield RegisterBits("cr0", "WP", field_of(cpu.cr0, WP), 1 - field_of(cpu.cr0, WP))
    for bit in (AM, EM, TS):
        if cpu.cr0 & bit:
            yield RegisterBits("cr0", CR0_NAMES[bit], 1, 0)
    for bit in (AC, TF):
        if cpu.eflags & bit:
            yield RegisterBits("eflags", FLAG_NAMES[bit], 1, 0)
    if rule_failed and cpu.iopl < 3:
        yield RegisterBits("eflags", "IOPL", cpu.iopl, 3)


# --- segments


def _segments(machine: Machine, events: tuple[Any, ...]) -> Iterator[Hypothesis]:
    """What a segment register that refused an access could hold instead."""
    cpu = machine.cpu
    for event in events:
        if not isinstance(event, SegmentAccess) or event.fault is None:
            continue
        hidden = cpu.segments[event.segment]
        last = event.offset + event.size - 1
        if hidden.valid and hidden.limit < last <= 0xFFFFFFFF and not hidden.expand_down:
            yield SegmentField(event.segment, "limit", hidden.limit, last)
        for name in ("readable", "writable"):
            if hidden.valid and not getattr(hidden, name):
                yield SegmentField(event.segment, name, 0, 1)
        if event.segment != CS:
            for selector in _selectors(machine, lambda descriptor: descriptor.readable):
                selector |= cpu.cpl
                if selector != hidden.selector and _can_be_loaded(machine, event.segment, selector):
                    yield SelectorLoaded(event.segment, hidden.selector, selector)


def _can_be_loaded(machine: Machine, segment: int, selector: int) -> bool:
    try:
        machine.copy().cpu.load_segment(segment, selector)
    except FaultRaised:
        return False
    return True


def _selectors(machine: Machine, wanted: Callable[[Descriptor], bool]) -> Iterator[int]:
    """The selectors, with RPL 0, of the first descriptors of the GDT that are as wanted."""
    gdtr = machine.cpu.gdtr
    for index in range(1, min((gdtr.limit + 1) // 8, MOST_DESCRIPTORS)):
        low, high = (machine.cpu.peek(gdtr.base + 8 * index + part & 0xFFFFFFFF, 4) for part in (0, 4))
        if low is not None and high is not None and wanted(Descriptor(high << 32 | low)):
            yield index << 3


# --- the tables of the system


def _tables(machine: Machine, events: tuple[Any, ...]) -> Iterator[Hypothesis]:
    """Where a rule failed or a page was refused: the fields of every table entry that was read on the way there, and
    the limit that the rule names."""
    failed = _failed(events)
    if failed is None and not any(map(is_refused, events)):
        return
    numbers: Mapping[str, int] = failed.numbers if failed is not None else {}
    gates = {event.address: event for event in events if isinstance(event, GateRead)}
    reads = [event for event in events if isinstance(event, Access) and event.reason is Reason.TABLE]
    reads = [event for event in reads if event.kind is Kind.READ]
    code_wanted = bool(gates) and not any(isinstance(event, CodeChosen) for event in events)
    for first, second in zip_longest(reads, reads[1:]):
        if first.linear in gates:
            yield from _gate(machine, gates[first.linear], code_wanted)
        elif second is not None and first.size == second.size == 4 and second.linear == first.linear + 4:
            yield from _descriptor(machine, first.linear, second.value << 32 | first.value)
        elif first.size == 2:
            yield from _word_of_tss(machine, first, numbers)
    yield from _limits(machine.cpu, numbers)


def _gate(machine: Machine, read: GateRead, code_wanted: bool) -> Iterator[Hypothesis]:
    high = read.gate.raw >> 32

    def field(name: str, mask: int, after: int, part: int = 4) -> TableField:
        value = high if part else read.gate.raw & 0xFFFFFFFF
        return TableField("IDT", read.vector, name, read.address + part, 4, mask, field_of(value, mask), after)

    if not read.gate.belongs_in_idt:
        yield field("type", GATE_TYPE, INTERRUPT_GATE32)
    yield from (field("DPL", DPL, dpl) for dpl in range(4) if dpl != read.gate.dpl)
    yield field("P", P, int(not read.gate.present))
    if code_wanted:
        for selector in _selectors(machine, lambda descriptor: descriptor.code):
            if selector != read.gate.selector:
                yield field("selector", SELECTOR, selector, 0)


def _descriptor(machine: Machine, address: int, raw: int) -> Iterator[Hypothesis]:
    cpu, high = machine.cpu, raw >> 32
    table, base = "GDT", cpu.gdtr.base
    if not 0 <= address - base <= cpu.gdtr.limit:
        table, base = "LDT", cpu.ldtr.base
    index = (address - base & 0xFFFFFFFF) >> 3
    type_ = field_of(high, TYPE)
    choices = (
        ("DPL", DPL, range(4)),
        ("P", P, range(2)),
        ("S", S, range(2)),
        ("type", TYPE, [type_ ^ bit for bit in (8, 4, 2, 1)]),
    )
    for name, mask, values in choices:
        for after in values:
            if after != field_of(high, mask):
                yield TableField(table, index, name, address + 4, 4, mask, field_of(high, mask), after)


def _word_of_tss(machine: Machine, read: Access, numbers: Mapping[str, int]) -> Iterator[Hypothesis]:
    """The selector of an inner stack, or the two bytes of the I/O map that hold the bits of a port."""
    distance = read.linear - machine.cpu.tr.base & 0xFFFFFFFF
    if "bits" in numbers and distance != IO_MAP_BASE:
        mask = numbers["bits"] << numbers["port"] % 8
        yield TableField("TSS", numbers["port"], "I/O map", read.linear, 2, mask, field_of(read.value, mask), 0)
    elif distance in STACK_SELECTORS:
        ring = STACK_SELECTORS[distance]
        for selector in _selectors(machine, lambda descriptor: descriptor.writable):
            if selector | ring != read.value:
                yield TableField("TSS", ring, f"SS{ring}", read.linear, 2, 0xFFFF, read.value, selector | ring)


def _stack_pointers(machine: Machine, step: Step, known: Collection[int]) -> Iterator[TableField]:
    """Where a frame could not be pushed on an inner stack, another ESP for it in the TSS: those `known` to have been
    there, if something can be pushed there, else the end of the nearest page that only a supervisor may write."""
    for delivery in step.deliveries:
        chosen: StackChosen | None = delivery.stage(StackChosen)
        if delivery.failed is None or chosen is None or chosen.tss_address is None:
            continue
        ring = STACK_POINTERS.get(chosen.tss_address - chosen.tss_base & 0xFFFFFFFF)
        if ring is not None:
            for esp in [esp for esp in known if _takes_a_push(machine, esp)] or _nearest_stack(machine, chosen.esp):
                yield TableField("TSS", ring, f"ESP{ring}", chosen.tss_address, 4, 0xFFFFFFFF, chosen.esp, esp)


def _takes_a_push(machine: Machine, esp: int) -> bool:
    return not machine.cpu.cr0 & PG or not is_refused(walk_now(machine, esp - 4 & 0xFFFFFFFF, Kind.WRITE))


def _nearest_stack(machine: Machine, esp: int) -> Iterator[int]:
    from pagefault_lab.lab.tables import pages

    if not machine.cpu.cr0 & PG:
        return
    ends = (page.linear + page.size & 0xFFFFFFFF for page in pages(machine) if page.rights[:2] == (True, False))
    nearest = min(ends, key=lambda end: abs(end - esp), default=None)
    if nearest is not None:
        yield nearest


def _limits(cpu: Cpu, numbers: Mapping[str, int]) -> Iterator[Hypothesis]:
    """The smallest limit of a table or segment by which the rule would hold."""
    match numbers:
        case {"vector": vector, "limit": limit}:
            yield RegisterBits("idtr", "limit", limit, vector * 8 + 7)
        case {"selector": selector, "limit": limit}:
            yield RegisterBits("ldtr" if selector & 4 else "gdtr", "limit", limit, selector | 7)
        case {"TR": _, "limit": limit}:
            yield RegisterBits("tr", "limit", limit, IO_MAP_BASE + 1)
        case {"EIP": eip, "limit": limit}:
            yield SegmentField(CS, "limit", limit, eip)
