"""What the names of the expression language mean: tables, to which others may add.

QUANTITIES are plain names (`eax`, `cpl`). STRUCTURES have fields: some are there once (`fault.error`, `seg.ds.limit`),
of some an argument selects one (`pte(address).writable`). PATTERNS (patterns.py) are what `last(fault)` asks for.

What can be set is set as an instruction would do it: a new CR3 empties the TLB, but a page-table entry that is changed
in memory leaves the TLB stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.machine.faults import PAGE_FAULT, SELECTOR_ERRORS, Fault, FaultRaised
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.paging import Mapped
from pagefault_lab.machine.registers import (
    CR0_NAMES,
    CR4_NAMES,
    CS,
    FLAG_NAMES,
    IOPL,
    NAMES_8,
    NAMES_16,
    NAMES_32,
    PG,
    SEGMENT_NAMES,
)
from pagefault_lab.machine.segmentation import Descriptor
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.contexts import Context
    from pagefault_lab.lab.frames import FramePicture, Slot
    from pagefault_lab.lab.walks import Cached
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.machine.segmentation import Segment, SystemSegment

Reader = Callable[[Any], int]
Writer = Callable[[Any, int], None]


class Absent(Problem):
    """What is asked about does not exist, or has not happened: a condition about it is false."""


class Quantity(NamedTuple):
    """One number: how to read it of what it belongs to, and how to set it. A plain name belongs to the Context.

    Without `write` it cannot be set; `instead` then says what can be done. One that is `slow` lets the machine execute
    its past again: an expression can have a few of them.
    """

    meaning: str
    read: Reader
    write: Writer | None = None
    instead: str | None = None
    slow: bool = False


class Structure(NamedTuple):
    """Something with fields. `find` gives what they belong to, from the Context and the argument if it has a parameter.

    `whole` is what it is as a number, if it is one. `letters` are the manual's short names of fields.
    """

    meaning: str
    fields: Mapping[str, Quantity]
    find: Callable[..., Any] = lambda context: context
    parameter: str = ""
    whole: Quantity | None = None
    place: Quantity | None = None  # its address: what & gives
    letters: Mapping[str, str] = {}
    slow: bool = False

    def field(self, name: str) -> Quantity | None:
        """The field of a name, however it is spelled; None if there is none."""
        lower = name.lower()
        return self.fields.get(self.letters.get(lower, lower))


def unknown_field(owner: str, name: str, fields: Mapping[str, Quantity]) -> Problem:
    """The problem of a field that there is not."""
    every = ", ".join(fields)
    similar = closest(name, fields)
    return Problem(f"{owner} has no {name}", f"{similar} It has {every}" if similar else f"it has {every}")


def usage(name: str, structure: Structure) -> str:
    """As it is written: `pte(address)`, `tss`."""
    return f"{name}({structure.parameter})" if structure.parameter else name


# --- registers


def _general(number: int, low: int, bits: int) -> tuple[Reader, Writer]:
    mask = (1 << bits) - 1

    def read(context: Context) -> int:
        return context.machine.cpu.registers[number] >> low & mask

    def write(context: Context, value: int) -> None:
        registers = context.machine.cpu.registers
        registers[number] = registers[number] & ~(mask << low) | (value & mask) << low

    return read, write


def _register_bits(register: str, mask: int) -> tuple[Reader, Writer]:
    """Bits of EFLAGS or of a control register, which is written as a whole."""
    low = (mask & -mask).bit_length() - 1
    read_all, write_all = _control(register)

    def read(context: Context) -> int:
        return (read_all(context) & mask) >> low

    def write(context: Context, value: int) -> None:
        _check_width(value, (mask >> low).bit_length())
        write_all(context, read_all(context) & ~mask | value << low & mask)

    return read, write


def _segment(number: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return context.machine.cpu.segments[number].selector

    def write(context: Context, value: int) -> None:
        if number == CS:
            raise Problem("CS is loaded by jumps, calls and returns only", "ljmp $selector,$offset")
        try:
            context.machine.cpu.load_segment(number, value & 0xFFFF)
        except FaultRaised as raised:
            name = SEGMENT_NAMES[number].upper()
            error = "" if raised.fault.error is None else f"({raised.fault.error:#x})"
            raise Problem(f"{name} does not take {value:#x}: {raised.fault.row.mnemonic}{error}") from None

    return read, write


def _control(name: str) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return int(getattr(context.machine.cpu, name))

    def write(context: Context, value: int) -> None:
        cpu = context.machine.cpu
        change: Callable[[int], None] | None = getattr(cpu, f"write_{name}", None)
        if change is None:
            setattr(cpu, name, value & 0xFFFFFFFF)
        else:
            change(value & 0xFFFFFFFF)

    return read, write


def _debug(number: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return context.machine.cpu.debug[number]

    def write(context: Context, value: int) -> None:
        context.machine.cpu.debug[number] = value & 0xFFFFFFFF

    return read, write


def _table(name: str, field: str, mask: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return int(getattr(getattr(context.machine.cpu, name), field))

    def write(context: Context, value: int) -> None:
        cpu = context.machine.cpu
        setattr(cpu, name, replace(getattr(cpu, name), **{field: value & mask}))

    return read, write


def _selector(name: str) -> Reader:
    return lambda context: int(getattr(context.machine.cpu, name).selector)


def _last_value(context: Context) -> int:
    if context.last_value is None:
        raise Problem("no value was printed yet", "$_ is the last one that `p` gave")
    return context.last_value


QUANTITIES: Final[dict[str, Quantity]] = {}
for _number, _name in enumerate(NAMES_32):
    QUANTITIES[_name] = Quantity("general register", *_general(_number, 0, 32))
for _number, _name in enumerate(NAMES_16):
    QUANTITIES[_name] = Quantity(f"low half of {NAMES_32[_number]}", *_general(_number, 0, 16))
for _number, _name in enumerate(NAMES_8):
    QUANTITIES[_name] = Quantity(f"byte of {NAMES_32[_number & 3]}", *_general(_number & 3, 8 * (_number >> 2), 8))
for _number, _name in enumerate(SEGMENT_NAMES):
    QUANTITIES[_name] = Quantity("segment register", *_segment(_number))
QUANTITIES["eip"] = Quantity("the next instruction", *_control("eip"))
QUANTITIES["pc"] = QUANTITIES["eip"]
QUANTITIES["sp"] = QUANTITIES["esp"]  # as in gdb: the whole stack pointer
QUANTITIES["fp"] = QUANTITIES["ebp"]
QUANTITIES["eflags"] = Quantity("flags", *_control("eflags"))
for _mask, _name in FLAG_NAMES.items():
    QUANTITIES[_name.lower()] = Quantity("flag", *_register_bits("eflags", _mask))
QUANTITIES["iopl"] = Quantity("I/O privilege level", *_register_bits("eflags", IOPL))
for _name in ("cr0", "cr2", "cr3", "cr4"):
    QUANTITIES[_name] = Quantity("control register", *_control(_name))
for _number in (0, 1, 2, 3, 6, 7):
    QUANTITIES[f"dr{_number}"] = Quantity("debug register", *_debug(_number))
QUANTITIES["dr4"], QUANTITIES["dr5"] = QUANTITIES["dr6"], QUANTITIES["dr7"]
QUANTITIES["cpl"] = Quantity(
    "current privilege level", _control("cpl")[0], None, "`kernel` and `user` change the ring through a real gate"
)
QUANTITIES["tr"] = Quantity("task register", _selector("tr"), None, "ltr %ax loads it")
QUANTITIES["ldtr"] = Quantity("LDT register", _selector("ldtr"), None, "lldt %ax loads it")
QUANTITIES["steps"] = Quantity("steps made so far", lambda context: context.machine.steps)
QUANTITIES["_"] = Quantity("the value that p gave last", _last_value)


def _bits_of(register: str, names: Mapping[int, str]) -> Structure:
    fields = {
        name.lower(): Quantity(f"bit {(mask & -mask).bit_length() - 1}", *_register_bits(register, mask))
        for mask, name in names.items()
    }
    return Structure(f"the bits of {register.upper()}", fields)


# --- bits in memory


def _check_width(value: int, width: int) -> None:
    if not -(1 << width - 1) <= value < 1 << width:
        bits = f"0 to {(1 << width) - 1}" if width < 8 else f"it has {width} bits"
        raise Problem(f"{value:#x} does not fit", bits)


class _Entry:
    """The bytes of a structure in memory. `address` None: there is none, and it reads as 0."""

    def __init__(self, machine: Machine, address: int | None, size: int, physical: bool) -> None:
        self.machine = machine
        self.address = address
        self.size = size
        self.physical = physical
        self.raw = 0 if address is None else peeking.read(machine, address, size, physical)

    def store(self, raw: int) -> None:
        data = (raw & (1 << 8 * self.size) - 1).to_bytes(self.size, "little")
        peeking.place(self.machine, _address(self), data, self.physical)
        self.raw = raw


def _bits(meaning: str, *pieces: tuple[int, int]) -> Quantity:
    """A field in pieces: (lowest bit, width) in the entry, least significant piece first."""

    def read(entry: _Entry) -> int:
        value = shift = 0
        for low, width in pieces:
            value |= (entry.raw >> low & (1 << width) - 1) << shift
            shift += width
        return value

    def write(entry: _Entry, value: int) -> None:
        _check_width(value, sum(width for _, width in pieces))
        raw = entry.raw
        for low, width in pieces:
            mask = (1 << width) - 1
            raw = raw & ~(mask << low) | (value & mask) << low
            value >>= width
        entry.store(raw)

    return Quantity(meaning, read, write)


_WHOLE: Final = Quantity("all its bits", lambda entry: entry.raw, lambda entry, value: entry.store(value))


def _address(entry: _Entry) -> int:
    if entry.address is None:
        raise Problem("there is no such entry", "its page table is not present")
    return entry.address


_PLACE: Final = Quantity("where it lies", _address)
_ENTRY: Final = {
    "present": _bits("P", (0, 1)),
    "writable": _bits("R/W", (1, 1)),
    "user": _bits("U/S", (2, 1)),
    "write_through": _bits("PWT", (3, 1)),
    "cache_disable": _bits("PCD", (4, 1)),
    "accessed": _bits("A", (5, 1)),
    "dirty": _bits("D", (6, 1)),
    "large": _bits("PS", (7, 1)),
    "global": _bits("G", (8, 1)),
    "available": _bits("bits 11 to 9", (9, 3)),
    "frame": _bits("number of the page frame", (12, 20)),
}
_ENTRY_LETTERS: Final = {
    "p": "present", "rw": "writable", "us": "user", "pwt": "write_through", "pcd": "cache_disable", "a": "accessed",
    "d": "dirty", "ps": "large", "g": "global", "avl": "available",
}  # fmt: skip
_GATE: Final = {
    "offset": _bits("where it leads", (0, 16), (48, 16)),
    "selector": _bits("code segment", (16, 16)),
    "type": _bits("14 interrupt, 15 trap, 5 task gate", (40, 5)),
    "dpl": _bits("who may call it by INT n", (45, 2)),
    "present": _bits("P", (47, 1)),
}


def _read_limit(entry: _Entry) -> int:
    return Descriptor(entry.raw).limit


def _write_limit(entry: _Entry, value: int) -> None:
    units = value >> 12 if Descriptor(entry.raw).granular else value
    writer = _bits("", (0, 16), (48, 4)).write
    assert writer is not None
    writer(entry, units)


def _told(name: str, meaning: str) -> Quantity:
    """What a descriptor says by its type."""
    return Quantity(meaning, lambda entry: int(getattr(Descriptor(entry.raw), name)), None, "set .type, or .s")


_DESCRIPTOR: Final = {
    "base": _bits("linear address of its first byte", (16, 24), (56, 8)),
    "limit": Quantity("offset of its last byte", _read_limit, _write_limit),
    "type": _bits("the four type bits", (40, 4)),
    "s": _bits("S: 1 code or data, 0 system", (44, 1)),
    "dpl": _bits("privilege level", (45, 2)),
    "present": _bits("P", (47, 1)),
    "available": _bits("AVL", (52, 1)),
    "big": _bits("D/B", (54, 1)),
    "granular": _bits("G: the limit counts pages", (55, 1)),
    "code": _told("code", "a code segment"),
    "conforming": _told("conforming", "code that keeps the caller's CPL"),
    "expand_down": _told("expand_down", "data, valid beyond the limit"),
    "readable": _told("readable", "data, or code that may be read"),
    "writable": _told("writable", "data that may be written"),
    "accessed": _told("accessed", "A: it has been loaded"),
}
_DESCRIPTOR_LETTERS: Final = {"p": "present", "avl": "available", "db": "big", "b": "big", "d": "big", "g": "granular"}


def _pde(context: Context, argument: int) -> _Entry:
    directory = context.machine.cpu.cr3 & 0xFFFFF000
    return _Entry(context.machine, directory + ((argument & 0xFFFFFFFF) >> 22) * 4, 4, True)


def _pte(context: Context, argument: int) -> _Entry:
    pde = _pde(context, argument).raw
    if not pde & 1:
        return _Entry(context.machine, None, 4, True)
    if pde & 0x80 and context.machine.cpu.cr4 & 0x10:
        raise Problem(f"{argument & 0xFFFFFFFF:#010x} lies in a 4 MiB page: it has no PTE", "pde(..) is its entry")
    return _Entry(context.machine, (pde & 0xFFFFF000) + (argument >> 12 & 0x3FF) * 4, 4, True)


def _gate(context: Context, argument: int) -> _Entry:
    idtr = context.machine.cpu.idtr
    if argument < 0 or argument * 8 + 7 > idtr.limit:
        count = (idtr.limit + 1) // 8
        raise Problem(f"gate {argument} lies beyond the IDT's limit {idtr.limit:#x}", f"it has {count} gates")
    return _Entry(context.machine, idtr.base + argument * 8 & 0xFFFFFFFF, 8, False)


def _descriptor(table: str) -> Callable[[Context, int], _Entry]:
    def find(context: Context, argument: int) -> _Entry:
        register = getattr(context.machine.cpu, table)
        if table == "ldtr" and not register.valid:
            raise Problem("there is no LDT", "LDTR is null")
        if argument < 0 or argument * 8 + 7 > register.limit:
            hint = f"the number counts descriptors; selector {argument:#x} is number {argument >> 3}"
            raise Problem(f"descriptor {argument} lies beyond the limit {register.limit:#x}", hint)
        return _Entry(context.machine, register.base + argument * 8 & 0xFFFFFFFF, 8, False)

    return find


# --- what the page tables and the TLB make of an address


class _Page(NamedTuple):
    """What a walk for a read by the supervisor ends with."""

    end: Mapped | None


def _page(context: Context, argument: int) -> _Page:
    from pagefault_lab.lab.walks import walk_now

    linear = argument & 0xFFFFFFFF
    if not context.machine.cpu.cr0 & PG:
        return _Page(Mapped(linear, True, True, False, False))
    end = walk_now(context.machine, linear).end
    return _Page(end if isinstance(end, Mapped) else None)


def _of_page(meaning: str, name: str) -> Quantity:
    instead = "it follows from pde(..) and pte(..)"
    return Quantity(meaning, lambda page: int(getattr(page.end, name)) if page.end else 0, None, instead)


_PAGE: Final = {
    "present": Quantity("both levels are present", lambda page: int(page.end is not None), None, "set pte(..).present"),
    "writable": _of_page("R/W of both levels", "writable"),
    "user": _of_page("U/S of both levels", "user"),
    "global": _of_page("G, if CR4.PGE=1", "global_"),
    "large": _of_page("a 4 MiB page", "large"),
    "physical": _of_page("the physical address", "physical"),
}


def _cached(context: Context, argument: int) -> Cached:
    from pagefault_lab.lab.walks import cached

    return cached(context.machine, argument & 0xFFFFFFFF)


_TLB_INSTEAD: Final = "the TLB is filled by walks; `flush` drops entries"


def _of_tlb(meaning: str, name: str) -> Quantity:
    return Quantity(meaning, lambda cached: int(getattr(cached.entry, name)) if cached.entry else 0, None, _TLB_INSTEAD)


_TLB: Final = {
    "present": Quantity("the TLB holds the page", lambda cached: int(cached.entry is not None), None, _TLB_INSTEAD),
    "writable": _of_tlb("R/W of both levels", "writable"),
    "user": _of_tlb("U/S of both levels", "user"),
    "dirty": _of_tlb("a write needs no walk to set D", "dirty"),
    "global": _of_tlb("a load of CR3 keeps it", "global_"),
    "large": _of_tlb("a piece of a 4 MiB page", "large"),
    "frame": _of_tlb("number of the page frame", "frame"),
    "stale": Quantity("the page tables say otherwise", lambda cached: int(bool(cached.stale)), None, _TLB_INSTEAD),
}


# --- segment registers


def _segment_fields(name: str) -> Iterator[tuple[str, Quantity]]:
    """The fields of a segment register: the selector, and the hidden part, which only loading changes."""
    number = SEGMENT_NAMES.index(name)
    instead = "loading a selector loads it" + ("" if number == CS else f": set {name} = 0x10")

    def held(context: Context) -> Segment:
        return context.machine.cpu.segments[number]

    yield "selector", Quantity("the visible part", *_segment(number))
    yield from _of_selector(held, instead)
    for field, quantity in _DESCRIPTOR.items():
        yield field, Quantity(quantity.meaning, _through(held, quantity.read), None, instead)
    yield "valid", Quantity("0: null, any use of it faults", lambda context: int(held(context).valid), None, instead)


def _through(held: Callable[[Context], Any], read: Reader) -> Reader:
    return lambda context: int(read(held(context)))


def _system_fields(name: str) -> Iterator[tuple[str, Quantity]]:
    instead = {"tr": "ltr %ax loads it", "ldtr": "lldt %ax loads it"}[name]

    def held(context: Context) -> SystemSegment:
        found: SystemSegment = getattr(context.machine.cpu, name)
        return found

    yield "selector", QUANTITIES[name]
    yield from _of_selector(held, instead)
    for field, meaning in (
        ("base", "linear address of its first byte"), ("limit", "offset of its last byte"),
        ("type", "the four type bits when it was loaded"), ("valid", "0: null"),
    ):  # fmt: skip
        yield field, Quantity(meaning, _through(held, attrgetter(field)), None, instead)


def _of_selector(held: Callable[[Context], Segment | SystemSegment], instead: str) -> Iterator[tuple[str, Quantity]]:
    yield "index", Quantity("number of the descriptor", lambda context: held(context).selector >> 3, None, instead)
    yield "ti", Quantity("1: of the LDT", lambda context: held(context).selector >> 2 & 1, None, instead)
    yield "rpl", Quantity("requested privilege level", lambda context: held(context).selector & 3, None, instead)


# --- the TSS


def _tss_at(context: Context, offset: int, size: int) -> int:
    """The linear address of a field of the TSS."""
    tr = context.machine.cpu.tr
    if not tr.valid:
        raise Problem("there is no TSS", "TR is null until ltr loads it")
    if offset + size - 1 > tr.limit:
        raise Problem(f"this lies beyond the TSS's limit {tr.limit:#x}")
    return tr.base + offset & 0xFFFFFFFF


def _tss(offset: int, size: int) -> tuple[Reader, Writer]:
    def read(context: Context) -> int:
        return peeking.read(context.machine, _tss_at(context, offset, size), size)

    def write(context: Context, value: int) -> None:
        data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        peeking.place(context.machine, _tss_at(context, offset, size), data)

    return read, write


_TSS_PLACE: Final = Quantity("where it lies", lambda context: _tss_at(context, 0, 1))


def _tss_fields() -> dict[str, Quantity]:
    from pagefault_lab.lab.tables import SHORT_FIELDS
    from pagefault_lab.machine.tss import FIELDS

    return {
        name: Quantity(f"at {offset:#x}", *_tss(offset, 2 if name in SHORT_FIELDS else 4))
        for name, offset in FIELDS.items()
    }


# --- the last exception


def _last_fault(context: Context) -> tuple[Fault | None, int]:
    """The last exception, and the EIP that it saved."""
    return context.machine.cpu.last_fault or (None, -1)


def _fault_step(context: Context) -> int:
    event = context.chronicle.last(What.FAULT, end=context.machine.steps)
    return -1 if event is None else event.step


def _fault_cs(context: Context) -> int:
    step = _fault_step(context)
    if step < 0:
        raise Absent("no exception was delivered since the history begins")
    return context.history.story(step).cs


def _of_fault(read: Callable[[Fault], int | None]) -> Reader:
    def number(context: Context) -> int:
        fault, _ = _last_fault(context)
        found = None if fault is None else read(fault)
        return -1 if found is None else found

    return number


def error_bits(of_what: Callable[[Any], tuple[int, int]]) -> dict[str, Quantity]:
    """The bits of an error code; `of_what` gives vector and error code. What its kind of code has not is 0."""

    def quantity(meaning: str, vectors: tuple[int, ...], low: int, width: int = 1) -> Quantity:
        def read(owner: Any) -> int:
            vector, error = of_what(owner)
            return error >> low & (1 << width) - 1 if vector in vectors and error >= 0 else 0

        return Quantity(meaning, read)

    page, selector = (PAGE_FAULT,), SELECTOR_ERRORS
    return {
        "present": quantity("#PF, P: rights refused a present page", page, 0),
        "write": quantity("#PF, W/R: a write", page, 1),
        "user": quantity("#PF, U/S: at CPL 3", page, 2),
        "reserved": quantity("#PF, RSVD: a reserved bit was set", page, 3),
        "external": quantity("#TS to #GP, EXT: during another event", selector, 0),
        "idt": quantity("#TS to #GP, IDT: a gate is to blame", selector, 1),
        "ti": quantity("#TS to #GP, TI: of the LDT", selector, 2),
        "index": quantity("#TS to #GP: which descriptor or gate", selector, 3, 13),
    }


ERROR_LETTERS: Final = {"p": "present", "wr": "write", "us": "user", "rsvd": "reserved", "ext": "external"}


def _vector_and_error(context: Context) -> tuple[int, int]:
    fault, _ = _last_fault(context)
    return (-1, -1) if fault is None else (fault.vector, -1 if fault.error is None else fault.error)


_FAULT: Final = {
    "vector": Quantity("of the last exception; -1: none yet", _of_fault(lambda fault: fault.vector)),
    "error": Quantity("its error code; -1: it has none", _of_fault(lambda fault: fault.error)),
    "linear": Quantity("what CR2 received; -1: no page fault", _of_fault(lambda fault: fault.linear)),
    "eip": Quantity("the EIP that it saved", lambda context: _last_fault(context)[1]),
    "cs": Quantity("CS then", _fault_cs, slow=True),
    "step": Quantity("the step it ended; -1: before the history", _fault_step),
    "count": Quantity("how many exceptions were delivered", lambda context: context.machine.cpu.exceptions),
    **error_bits(_vector_and_error),
}


# --- the frame on the stack


class _Frame(NamedTuple):
    machine: Machine
    picture: FramePicture

    def slot(self, name: str) -> Slot:
        from pagefault_lab.lab.frames import PUSHED_BY_CPU

        for slot in self.picture.slots:
            if slot.by == PUSHED_BY_CPU and slot.meaning == name:
                return slot
        raise Absent(f"the frame on the stack holds no {name}")


def _frame(context: Context) -> _Frame:
    from pagefault_lab.lab.frames import frame

    picture = frame(context.history.session, context.machine.steps)
    if picture is None:
        raise Absent("there is no exception frame on the stack", "`p/a u32[$esp]` is what lies on top of it")
    return _Frame(context.machine, picture)


def _pushed(name: str, meaning: str) -> Quantity:
    def read(frame: _Frame) -> int:
        slot = frame.slot(name)
        return peeking.read(frame.machine, slot.address, slot.size)

    def write(frame: _Frame, value: int) -> None:
        slot = frame.slot(name)
        data = (value & (1 << 8 * slot.size) - 1).to_bytes(slot.size, "little")
        peeking.place(frame.machine, slot.address, data)

    return Quantity(meaning, read, write)


def _frame_vector(frame: _Frame) -> int:
    if frame.picture.fault is None:
        raise Absent("what was delivered is not known", "only the TSS tells of this frame")
    return frame.picture.fault.vector


_FRAME: Final = {
    "vector": Quantity("what was delivered", _frame_vector),
    "error": _pushed("error code", "the error code, while it is on the stack"),
    "eip": _pushed("EIP", "where iret goes on"),
    "cs": _pushed("CS", "its RPL is the ring that iret returns to"),
    "eflags": _pushed("EFLAGS", "the flags that iret restores"),
    "esp": _pushed("ESP", "the outer stack, if the ring changed"),
    "ss": _pushed("SS", "its segment"),
    "address": Quantity("linear address of the saved EIP", lambda frame: frame.slot("EIP").address),
    "ring": Quantity("the ring that was interrupted", lambda frame: frame.picture.outer),
}


def _in_memory(
    meaning: str,
    fields: Mapping[str, Quantity],
    find: Callable[[Context, int], _Entry],
    parameter: str,
    letters: Mapping[str, str],
) -> Structure:
    """A structure that an argument selects in a table."""
    return Structure(meaning, fields, find, parameter, _WHOLE, _PLACE, letters)


def _table_fields(register: str, table: str) -> dict[str, Quantity]:
    return {
        "base": Quantity(f"linear address of the {table}", *_table(register, "base", 0xFFFFFFFF)),
        "limit": Quantity("offset of its last byte", *_table(register, "limit", 0xFFFF)),
    }


STRUCTURES: Final[dict[str, Structure]] = {
    "pde": _in_memory("page directory entry of an address", _ENTRY, _pde, "address", _ENTRY_LETTERS),
    "pte": _in_memory("page table entry of an address; 0 if there is none", _ENTRY, _pte, "address", _ENTRY_LETTERS),
    "page": Structure("what both levels together say of an address", _PAGE, _page, "address"),
    "tlb": Structure("what the TLB holds of an address", _TLB, _cached, "address"),
    "idt": _in_memory("gate of a vector", _GATE, _gate, "vector", {"p": "present"}),
    "gdt": _in_memory("descriptor of the GDT", _DESCRIPTOR, _descriptor("gdtr"), "number", _DESCRIPTOR_LETTERS),
    "ldt": _in_memory("descriptor of the LDT", _DESCRIPTOR, _descriptor("ldtr"), "number", _DESCRIPTOR_LETTERS),
    "fault": Structure("the last exception", _FAULT, letters={**ERROR_LETTERS, "cr2": "linear", "number": "count"}),
    "frame": Structure("the exception frame on the stack", _FRAME, _frame, slow=True),
    "tss": Structure("the task-state segment that TR names", _tss_fields(), place=_TSS_PLACE),
    "idtr": Structure("where the IDT lies", _table_fields("idtr", "IDT")),
    "gdtr": Structure("where the GDT lies", _table_fields("gdtr", "GDT")),
    "eflags": _bits_of("eflags", FLAG_NAMES | {IOPL: "IOPL"}),
    "cr0": _bits_of("cr0", CR0_NAMES),
    "cr4": _bits_of("cr4", CR4_NAMES),
}
for _name in SEGMENT_NAMES:
    _register = Structure(
        "a segment register with its hidden part", dict(_segment_fields(_name)), letters=_DESCRIPTOR_LETTERS
    )
    STRUCTURES[_name] = STRUCTURES[f"seg.{_name}"] = _register
for _name in ("ldtr", "tr"):
    _register = Structure("a system register with its hidden part", dict(_system_fields(_name)))
    STRUCTURES[_name] = STRUCTURES[f"seg.{_name}"] = _register


class Group(NamedTuple):
    """Structures that have the same fields: how they are written, what they are."""

    names: tuple[str, ...]
    meaning: str
    fields: tuple[str, ...]


def overview() -> list[Group]:
    """All structures, for people."""
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name, structure in STRUCTURES.items():
        if f"seg.{name}" not in STRUCTURES:
            groups.setdefault(tuple(structure.fields), {})[usage(name, structure)] = structure.meaning
    return [Group(tuple(named), "; ".join(dict.fromkeys(named.values())), fields) for fields, named in groups.items()]
