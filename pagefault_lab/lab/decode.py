"""Numbers explained: an error code from an Oops, an entry from a dump, a selector from an exam, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pagefault_lab.machine.faults import VECTORS
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.registers import CR0_NAMES, CR4_NAMES, FLAG_NAMES
from pagefault_lab.machine.segmentation import LDT, SYSTEM_TYPES, Descriptor
from pagefault_lab.problem import Problem


class Field(NamedTuple):
    """Bits `high` to `low` of a number: their name, their value, and what that means."""

    name: str
    high: int
    low: int
    value: int
    meaning: str


class Decoded(NamedTuple):
    """A number as what it is: `bits` wide, its fields from the highest bit down, and in one sentence."""

    what: str
    value: int
    bits: int
    fields: tuple[Field, ...]
    sentence: str


def decode(kind: str, value: int) -> Iterator[Decoded]:
    """What a number means as a `kind` (KINDS); an error code has two readings. A Problem if it is too large."""
    bits, read = KINDS[kind]
    if value < 0 or value >> bits:
        raise Problem(f"{value:#x} is no {kind}", f"that has {bits} bits")
    yield from read(value)


class _Bits:
    """Takes a number apart from its highest bit down."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.fields: list[Field] = []

    def bits(self, name: str, high: int, low: int, meaning: str | Callable[[int], str] = "") -> int:
        """A field of several bits; `meaning` is text, or makes text of the value."""
        value = self.value >> low & (1 << high - low + 1) - 1
        self.fields.append(Field(name, high, low, value, meaning if isinstance(meaning, str) else meaning(value)))
        return value

    def bit(self, name: str, place: int, one: str, zero: str = "") -> bool:
        """A field of one bit, and what each of its values means."""
        value = self.value >> place & 1
        self.fields.append(Field(name, place, place, value, one if value else zero))
        return bool(value)

    def rest(self, high: int, low: int) -> None:
        """Bits that are reserved."""
        value = self.value >> low & (1 << high - low + 1) - 1
        self.fields.append(Field("0", high, low, value, "reserved, but not 0" if value else ""))

    def decoded(self, what: str, bits: int, sentence: str) -> Decoded:
        return Decoded(what, self.value, bits, tuple(self.fields), sentence)


# --- error codes


def _error(value: int) -> Iterator[Decoded]:
    if value < 0x20:
        yield page_fault_error(value)
    if value >> 16 == 0:
        yield selector_error(value)
    else:
        raise Problem(f"{value:#x} is no error code", "the upper 16 bits of one are 0 (stale on some processors)")


def page_fault_error(value: int) -> Decoded:
    """The error code of #PF (SDM vol. 3, 4.7)."""
    bits = _Bits(value)
    bits.rest(31, 5)
    fetch = bits.bit("I/D", 4, "an instruction fetch (only with PAE and NX)", "no instruction fetch, or not told")
    reserved = bits.bit("RSVD", 3, "a reserved bit was set in an entry", "no reserved bit")
    user = bits.bit("U/S", 2, "the access was a user's: CPL was 3", "the access was the supervisor's")
    write = bits.bit("W/R", 1, "the access was a write", "the access was a read or a fetch")
    present = bits.bit("P", 0, "the page is present: its rights refused", "a page or its page table is not present")
    who = "a user" if user else "the supervisor"
    doing = "write to" if write else "fetch from" if fetch else "read or fetch from"
    if reserved:
        why = "through an entry with a reserved bit set"
    elif not present:
        why = "that is not present"
    elif user:
        why = "that is read-only or the supervisor's" if write else "of the supervisor"
    elif write:
        why = "that is read-only, with CR0.WP=1"
    else:
        why = "that is present: plain 32-bit paging never says this"
    return bits.decoded("error code of #PF", 32, f"{who} tried to {doing} a page {why}")


def selector_error(value: int) -> Decoded:
    """The error code of #TS, #NP, #SS and #GP: a selector, with flags in the place of its RPL (SDM vol. 3, 6.13)."""
    bits = _Bits(value)
    bits.rest(31, 16)
    in_idt, nothing = bool(value & 2), not value & 0xFFFE
    blamed = "no entry: no selector is to blame, or a null one" if nothing else "entry {0}, at byte {1:#x}"
    index = bits.bits("index", 15, 3, lambda index: blamed.format(index, 8 * index))
    table = ("of no matter: IDT=1",) * 2 if in_idt else ("of the LDT", "" if nothing else "of the GDT")
    local = bits.bit("TI", 2, *table)
    idt = bits.bit("IDT", 1, "of the IDT: a gate", "not of the IDT")
    external = bits.bit("EXT", 0, "met while another event was delivered", "caused by the program itself")
    if idt:
        row = VECTORS.get(index)
        what = f"gate {index} of the IDT" + (f" ({row.mnemonic})" if row else "")
    elif nothing:
        what = "no selector, or a null one"
    else:
        what = f"selector {value & 0xFFFC:#x}, entry {index} of the {'LDT' if local else 'GDT'}"
    return bits.decoded(
        "error code of #TS, #NP, #SS, #GP", 32, what + (", while another event was delivered" if external else "")
    )


# --- tables of paging


def _entry(value: int, level: str) -> Decoded:
    bits = _Bits(value)
    directory = level == "PDE"
    to_table = directory and not value & 0x80  # the processor then ignores D and G (SDM vol. 3, 4.3)
    ignored = ("ignored in an entry that leads to a page table",) * 2
    bits.bits("frame", 31, 12, lambda frame: f"{'page table' if directory else 'page'} at {frame << 12:#010x}")
    bits.bits("avl", 11, 9, "free for the kernel")
    kept = "global: a load of CR3 keeps it in the TLB, if CR4.PGE=1"
    bits.bit("G", 8, *(ignored if to_table else (kept, "not global")))
    if directory:
        bits.bit("PS", 7, "a page of 4 MiB, if CR4.PSE=1", "leads to a page table")
    else:
        bits.bit("PAT", 7, "PAT index bit", "")
    bits.bit("D", 6, *(ignored if to_table else ("written since the bit was cleared", "not written")))
    bits.bit("A", 5, "used since the bit was cleared", "not used")
    bits.bit("PCD", 4, "not cached", "")
    bits.bit("PWT", 3, "write-through", "")
    user = bits.bit("U/S", 2, "a user may reach it", "only the supervisor may reach it")
    writable = bits.bit("R/W", 1, "may be written", "read-only: for users, and with CR0.WP=1 for all")
    present = bits.bit("P", 0, "present", "not present: no other bit is looked at")
    if not present:
        sentence = "not present: any access is a page fault with P=0"
    else:
        what = "4 MiB page" if directory and value & 0x80 else "page table" if directory else "page"
        sentence = f"{what} at {value & 0xFFFFF000:#010x}, {'writable' if writable else 'read-only'}, "
        sentence += "for users and the supervisor" if user else "for the supervisor only"
        if directory:
            sentence += "; as far as the PTEs allow it too" if not value & 0x80 else ""
    return bits.decoded(level, 32, sentence)


# --- segments and gates


def _selector(value: int) -> Iterator[Decoded]:
    bits = _Bits(value)
    index = bits.bits("index", 15, 3, lambda index: f"entry {index}, at byte {8 * index:#x} of the table")
    local = bits.bit("TI", 2, "the LDT", "the GDT")
    rpl = bits.bits("RPL", 1, 0, "requested privilege level; in CS and SS it is the CPL")
    table = "LDT" if local else "GDT"
    sentence = f"entry {index} of the {table}, RPL {rpl}" if value & 0xFFFC else "the null selector"
    yield bits.decoded("selector", 16, sentence)


def _descriptor(value: int) -> Iterator[Decoded]:
    descriptor = Descriptor(value)
    bits = _Bits(value)
    bits.bits("base 31..24", 63, 56, f"base {descriptor.base:#010x}")
    granular = bits.bit("G", 55, "the limit counts pages of 4096 bytes", "the limit counts bytes")
    bits.bit("D/B", 54, "32-bit", "16-bit")
    bits.rest(53, 53)
    bits.bit("avl", 52, "free for the kernel", "")
    bits.bits("limit 19..16", 51, 48, f"limit {descriptor.limit:#x}" + (" in bytes" if granular else ""))
    bits.bit("P", 47, "present", "not present")
    bits.bits("DPL", 46, 45, "privilege level")
    bits.bit("S", 44, "code or data", "a system descriptor")
    bits.bits("type", 43, 40, describe(descriptor))
    bits.bits("base 23..16", 39, 32)
    bits.bits("base 15..0", 31, 16)
    bits.bits("limit 15..0", 15, 0)
    present = "" if descriptor.present else ", not present"
    yield bits.decoded(
        "descriptor",
        64,
        f"{describe(descriptor)}, DPL {descriptor.dpl}, base {descriptor.base:#010x}, "
        f"limit {descriptor.limit:#x}{present}",
    )


def describe(descriptor: Descriptor, with_accessed: bool = True) -> str:
    """The type of a descriptor in words: `data, writable`, `32-bit TSS (busy)`."""
    if descriptor.system:
        return SYSTEM_TYPES.get(descriptor.type, f"reserved type {descriptor.type}")
    if descriptor.code:
        words = ["code", "readable" if descriptor.readable else "execute-only"]
        words += ["conforming"] if descriptor.conforming else []
    else:
        words = ["data", "writable" if descriptor.writable else "read-only"]
        words += ["expand-down"] if descriptor.expand_down else []
    return ", ".join([*words, "accessed"] if descriptor.accessed and with_accessed else words)


def is_segment(descriptor: Descriptor) -> bool:
    """Whether base and limit mean something: a segment, a TSS or an LDT, no gate."""
    return (
        not descriptor.system or descriptor.type == LDT or descriptor.is_tss(busy=True) or descriptor.is_tss(busy=False)
    )


def _gate(value: int) -> Iterator[Decoded]:
    gate = Gate(value)
    bits = _Bits(value)
    bits.bits("offset 31..16", 63, 48, f"leads to offset {gate.offset:#010x}")
    bits.bit("P", 47, "present", "not present")
    bits.bits("DPL", 46, 45, "least privileged ring that may use it by INT n; of no matter for faults")
    bits.bits("S type", 44, 40, gate.kind + (": clears IF" if gate.is_interrupt_gate else ""))
    bits.bits("0", 39, 32)
    bits.bits("selector", 31, 16, lambda selector: f"code segment {selector:#06x}")
    bits.bits("offset 15..0", 15, 0)
    if gate.belongs_in_idt:
        words = f"{gate.kind}, DPL {gate.dpl}, to {gate.selector:#06x}:{gate.offset:#010x}"
        words += "" if gate.present else ", not present: using it is #NP"
    else:
        words = f"no gate that an IDT may hold ({gate.kind}): using it is #GP"
    yield bits.decoded("gate", 64, words)


# --- registers

FLAG_MEANINGS = {
    "CF": ("carry or borrow", "no carry"),
    "PF": ("the low byte has an even number of ones", "the low byte has an odd number of ones"),
    "AF": ("carry out of bit 3", "no carry out of bit 3"),
    "ZF": ("the result was 0", "the result was not 0"),
    "SF": ("the result was negative", "the result was not negative"),
    "TF": ("a debug trap after each instruction", "no single-step traps"),
    "IF": ("external interrupts are taken", "external interrupts wait"),
    "DF": ("string instructions count down", "string instructions count up"),
    "OF": ("signed overflow", "no signed overflow"),
    "NT": ("iret would switch tasks", "iret returns on this stack"),
    "RF": ("no instruction breakpoint for one instruction; set in the frame of a fault", ""),
    "VM": ("virtual-8086 mode", ""),
    "AC": ("alignment is checked at CPL 3, if CR0.AM=1", ""),
}
CR0_MEANINGS = {
    "PG": ("paging is on", "paging is off: linear = physical"),
    "CD": ("caches are off", ""),
    "NW": ("no write-back", ""),
    "AM": ("EFLAGS.AC counts at CPL 3", "alignment is never checked"),
    "WP": ("the supervisor must obey R/W=0 too", "the supervisor may write any present page"),
    "NE": ("x87 errors are #MF", "x87 errors are an external interrupt"),
    "ET": ("80387 (always 1 here)", ""),
    "TS": ("the task was switched: the next x87 instruction is #NM", ""),
    "EM": ("no x87: its instructions are #NM", ""),
    "MP": ("wait checks TS", ""),
    "PE": ("protected mode", "real mode"),
}
CR4_MEANINGS = {
    "VME": ("virtual-8086 extensions", ""),
    "PVI": ("protected-mode virtual interrupts", ""),
    "TSD": ("rdtsc needs CPL 0", ""),
    "DE": ("debugging extensions", ""),
    "PSE": ("4 MiB pages: PDE.PS counts", "PDE.PS does not count"),
    "MCE": ("machine-check exception", ""),
    "PGE": ("global pages: PTE.G counts", "PTE.G does not count"),
}


def _register(
    value: int,
    what: str,
    names: dict[int, str],
    meanings: dict[str, tuple[str, str]],
    wide: dict[str, int] | None = None,
) -> Decoded:
    """A register of single bits; `wide` are fields of more than one, by name with their lowest bit."""
    bits = _Bits(value)
    lows = {low: name for name, low in (wide or {}).items()}
    place = 31
    while place >= 0:
        if place - 1 in lows:
            low = place - 1
            bits.bits(
                lows[low], place, low, lambda level: f"least privileged ring that may do input and output: {level}"
            )
            place = low - 1
        elif 1 << place in names:
            name = names[1 << place]
            bits.bit(name, place, *meanings[name])
            place -= 1
        else:
            low = place
            while low and 1 << low - 1 not in names and low - 2 not in lows:
                low -= 1
            if what == "EFLAGS" and low == 1:
                bits.bits("1", place, 1, "always 1" if value >> 1 & 1 else "always 1 in a real one")
            else:
                bits.rest(place, low)
            place = low - 1
    found = [field.name for field in bits.fields if field.value and field.name not in "01"]
    return bits.decoded(what, 32, " ".join(found) if found else "no bit is set")


def eflags(value: int) -> Decoded:
    """EFLAGS, bit by bit."""
    return _register(value, "EFLAGS", FLAG_NAMES, FLAG_MEANINGS, {"IOPL": 12})


def cr0(value: int) -> Decoded:
    """CR0, bit by bit."""
    return _register(value, "CR0", CR0_NAMES, CR0_MEANINGS)


def cr4(value: int) -> Decoded:
    """CR4, bit by bit."""
    return _register(value, "CR4", CR4_NAMES, CR4_MEANINGS)


KINDS: dict[str, tuple[int, Callable[[int], Iterator[Decoded]]]] = {
    "error": (32, _error),
    "pte": (32, lambda value: iter((_entry(value, "PTE"),))),
    "pde": (32, lambda value: iter((_entry(value, "PDE"),))),
    "gate": (64, _gate),
    "selector": (16, _selector),
    "descriptor": (64, _descriptor),
    "eflags": (32, lambda value: iter((eflags(value),))),
    "cr0": (32, lambda value: iter((cr0(value),))),
    "cr4": (32, lambda value: iter((cr4(value),))),
}
