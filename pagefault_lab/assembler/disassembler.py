"""Bytes to AT&T text, from the same table that the decoder and the assembler use.

The text of a line, given to an assembler at the same address, turns into the very same bytes. Most bytes are what an
assembler would choose anyway. Some are a choice that a pseudo prefix can ask for: `{load}` the other direction of a
register move, `{disp8}` and `{disp32}` (`{disp16}`) a longer displacement. Prefixes without effect are words of their
own (`ds`, `data16`, `addr16`). What no text asks for is printed as `.byte`, with the readable text as a comment:

    movl %eax,(%ebx)            89 03
    {disp8} movl %eax,0x0(%ebx) 89 43 00
    ds movl %eax,(%ebx)         3e 89 03
    .byte 0xc7,0xc0,0x5,0x0,0x0,0x0  # movl $0x5,%eax
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from pagefault_lab.machine.decoder import BASES_16, REPEAT_PREFIXES, SEGMENT_PREFIXES, Instruction, decode
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.instructions import Form, by_mnemonic
from pagefault_lab.machine.operands import (
    ControlRegister,
    DebugRegister,
    FarPointer,
    Immediate,
    Memory,
    Operand,
    Register8,
    Register16,
    Register32,
    SegmentRegister,
    Target,
    TestRegister,
)
from pagefault_lab.machine.registers import DS, EBP, ESP, MASK, NAMES, SEGMENT_NAMES, SS, sign_extend

Symbols: TypeAlias = Callable[[int], str | None]

PREFIXES = frozenset({*SEGMENT_PREFIXES, 0x67, 0x66, *REPEAT_PREFIXES, 0xF0})
# GNU as emits prefixes in this order, one of each group
GROUPS = (frozenset(SEGMENT_PREFIXES), frozenset({0x67}), frozenset({0x66}), frozenset(REPEAT_PREFIXES), {0xF0})
UNWRITABLE = frozenset({"esc", "salc"})  # mnemonics that GNU as does not know
LOOPS = range(0xE0, 0xE4)  # LOOPNE, LOOPE, LOOP, JECXZ: they have no long form
UNCONDITIONAL = frozenset({"jmp", "call", "ljmp", "lcall"})
PORT_STEMS = frozenset({"in", "out", "ins", "outs"})  # they write (%dx), as objdump does
REPEATABLE = frozenset({"ret", "nop", "bsf", "bsr"})  # as lets a repeat prefix stand before these, too


class _Cut(Exception):
    """The bytes end before the instruction does."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a listing: `mnemonic operands`, the mnemonic with its prefixes.

    `comment` is the readable text where the line is `.byte`; "" for bytes that are no instruction at all. `reference`
    is the address that the operands name, if any: a branch target or memory without registers; `symbol` its name.
    """

    address: int
    bytes: bytes
    mnemonic: str
    operands: str
    comment: str = ""
    reference: int | None = None
    symbol: str = ""

    @property
    def length(self) -> int:
        return len(self.bytes)

    @property
    def text(self) -> str:
        """What an assembler turns back into the bytes."""
        text = f"{self.mnemonic} {self.operands}".rstrip()
        return f"{text}  # {self.comment}" if self.comment else text

    @property
    def annotated(self) -> str:
        """The text for a reader: with the symbol of the address that it names."""
        return f"{self.text} <{self.symbol}>" if self.symbol else self.text


def disassemble(data: bytes, address: int = 0, default_size: int = 4, symbols: Symbols | None = None) -> Line:
    """The first line of `data`, which lies at `address`; `default_size` is 4, or 2 for 16-bit code.

    A byte that begins no whole instruction is a `.byte` of its own. `data` holds at least one byte.
    """
    rest = iter(data)

    def fetch() -> int:
        for byte in rest:
            return byte
        raise _Cut

    try:
        instruction = decode(fetch, default_size)
    except (FaultRaised, _Cut):
        return _bytes(data[:1], address)
    return line_of(instruction, address, symbols)


def listing(data: bytes, address: int = 0, symbols: Symbols | None = None, default_size: int = 4) -> Iterator[Line]:
    """All lines of `data`, one after the other."""
    place = 0
    while place < len(data):
        line = disassemble(data[place : place + 15], address + place & MASK[4], default_size, symbols)
        yield line
        place += line.length


def text_of(instruction: Instruction, address: int, symbols: Symbols | None = None) -> str:
    """A decoded instruction as a reader wants it: `jmp 0x1234 <symbol+4>`."""
    return line_of(instruction, address, symbols).annotated


def line_of(instruction: Instruction, address: int, symbols: Symbols | None = None) -> Line:
    """A decoded instruction at `address` as a line; `symbols` gives the name of an address, or None."""
    spelling = _Spelling(instruction, address)
    reference = spelling.reference()
    symbol = (symbols(reference) or "") if symbols is not None and reference is not None else ""
    mnemonic, operands = spelling.mnemonic(), spelling.operands()
    pseudo = spelling.pseudo_prefix()
    if pseudo is None:
        return _bytes(instruction.bytes, address, f"{mnemonic} {operands}".rstrip(), reference, symbol)
    return Line(address, instruction.bytes, pseudo + mnemonic, operands, "", reference, symbol)


def _bytes(data: bytes, address: int, comment: str = "", reference: int | None = None, symbol: str = "") -> Line:
    return Line(address, data, ".byte", ",".join(f"{byte:#x}" for byte in data), comment, reference, symbol)


class _Spelling:
    """How one instruction is written."""

    def __init__(self, instruction: Instruction, address: int) -> None:
        self.instruction = instruction
        self.form = instruction.form
        self.next_address = address + instruction.length
        count = 0
        while instruction.bytes[count] in PREFIXES:
            count += 1
        self.prefixes = instruction.bytes[:count]
        self.default_size = 6 - instruction.operand_size if 0x66 in self.prefixes else instruction.operand_size
        self.memory = next((operand for operand in instruction.operands if isinstance(operand, Memory)), None)
        self.branch = next((operand for operand in instruction.operands if isinstance(operand, Target)), None)

    # --- words

    def mnemonic(self) -> str:
        """The mnemonic, behind the words for those prefixes that neither it nor the operands show."""
        form, instruction = self.form, self.instruction
        words = []
        if instruction.segment is not None and not self.shows_segment:
            words.append(SEGMENT_NAMES[instruction.segment])
        if 0x67 in self.prefixes and not self.shows_address_size:
            words.append(f"addr{8 * instruction.address_size}")
        if 0x66 in self.prefixes and (form.operand_size is None or self.branch is not None):
            words.append(f"data{8 * instruction.operand_size}")
        if instruction.repeat:
            words.append(self.repeat_word())
        if instruction.lock:
            words.append("lock")
        return " ".join((*words, self.sized_mnemonic()))

    def repeat_word(self) -> str:
        if self.instruction.repeat == "repne":
            return "repnz"
        return "rep" if self.form.repeat == "rep" else "repz"

    def sized_mnemonic(self) -> str:
        """The mnemonic; in 16-bit code with the suffix that 32-bit code leaves out (`ret`, `jmp`, `loop`)."""
        form = self.form
        if self.branch is not None and form.operand_size is not None:
            return form.stem  # jne with the word data16: there is no jnew
        if self.default_size == 2 and form.mnemonic == form.stem and 4 in (form.operand_size, form.address_size):
            table = by_mnemonic()
            if form.stem + "l" in table or form.stem + "w" in table:
                return form.stem + "l"
        return form.mnemonic

    @property
    def shows_segment(self) -> bool:
        """Whether the segment override is seen in the memory operand."""
        memory = self.memory
        return memory is not None and memory.override and memory.segment != _default_segment(memory)

    @property
    def shows_address_size(self) -> bool:
        """Whether the address size is seen: in the mnemonic, or in the registers that address memory."""
        memory = self.memory
        return self.form.address_size is not None or (
            memory is not None and (memory.base is not None or memory.index is not None)
        )

    # --- operands

    def operands(self) -> str:
        pairs = zip(self.form.operands, self.instruction.operands, strict=True)
        return ",".join(self.operand(pattern, operand) for pattern, operand in pairs)

    def operand(self, pattern: str, operand: Operand) -> str:
        star = "*" if pattern[0] == "*" else ""
        match operand:
            case Register32(number) if self.form.stem == "esc":
                return f"%st({number})"  # the coprocessor's register; ours are not meant
            case Register32(number, size) | Register16(number, size) | Register8(number, size):
                name = f"%{NAMES[size][number]}"
                return f"({name})" if pattern == "%dx" and self.form.stem in PORT_STEMS else star + name
            case Memory():
                return star + self.address(pattern, operand)
            case Immediate(value):
                return f"${value:#x}"
            case Target():
                return f"{self.target(operand):#x}"
            case FarPointer(selector, offset):
                return f"${selector:#x},${offset:#x}"
            case SegmentRegister(number):
                return f"%{SEGMENT_NAMES[number]}"
            case ControlRegister(number):
                return f"%cr{number}"
            case DebugRegister(number):
                return f"%dr{number}"
            case TestRegister(number):
                return f"%tr{number}"

    def address(self, pattern: str, memory: Memory) -> str:
        """`segment:displacement(base,index,scale)`; string operands name their segment always, as objdump does."""
        segment = ""
        if (memory.override and memory.segment != _default_segment(memory)) or pattern[:2] in ("si", "di", "bx"):
            segment = f"%{SEGMENT_NAMES[memory.segment]}:"
        if memory.base is None and memory.index is None:
            return f"{segment}{memory.displacement & MASK[memory.address_size]:#x}"
        displacement = f"{memory.displacement:#x}" if memory.displacement_size else ""
        names = NAMES[memory.address_size]
        base = f"%{names[memory.base]}" if memory.base is not None else ""
        index = f",%{names[memory.index]}" if memory.index is not None else ""
        scale = f",{memory.scale}" if index and memory.address_size == 4 else ""
        return f"{segment}{displacement}({base}{index}{scale})"

    def target(self, branch: Target) -> int:
        """The absolute address of a branch."""
        return self.next_address + branch.displacement & MASK[branch.size]

    def reference(self) -> int | None:
        if self.branch is not None:
            return self.target(self.branch)
        if self.memory is not None and self.memory.base is None and self.memory.index is None:
            return self.memory.displacement & MASK[self.memory.address_size]
        return None

    # --- what an assembler would make of the text

    def pseudo_prefix(self) -> str | None:
        """The pseudo prefix, if any, with which the text gives these bytes again; None if nothing does."""
        if self.form.mnemonic in UNWRITABLE or not self.prefixes_fit():
            return None
        if self.default_size == 2 and self.form.stem in ("bswap", "nop"):
            return None  # as does not take the other size for them
        choice, displacement = self.choice_prefix(), self.displacement_prefix()
        return None if choice is None or displacement is None else choice + displacement

    def prefixes_fit(self) -> bool:
        """Whether as would emit the same prefixes, in this order, for the words that `mnemonic` writes."""
        form = self.form
        order = [place for byte in self.prefixes for place, group in enumerate(GROUPS) if byte in group]
        if sorted(set(order)) != order:
            return False
        if self.instruction.repeat and not form.repeat and form.stem not in REPEATABLE:
            return False
        if not any(isinstance(operand, (Target, FarPointer)) for operand in self.instruction.operands):
            return True
        # before a branch as drops what it knows to be without effect, and does not keep the order of the rest
        if form.opcode[0] in LOOPS:
            return not self.prefixes.strip(b"\x67")
        hints = b"" if form.stem in UNCONDITIONAL else b"\x2e\x3e"
        return len(self.prefixes) < 2 and not self.prefixes.strip(b"\x66" + hints)

    def choice_prefix(self) -> str | None:
        """What makes as choose this form for the text: "" if it does anyway, None if nothing does."""
        form = self.form
        preferred = next(other for other in _spelled_alike(form) if other is form or self.could_be(other))
        if preferred is form:
            return ""
        if self.branch is not None:
            return f"{{disp{8 * self.default_size}}} "
        turned = preferred.opcode[-1] ^ form.opcode[-1] == 2 and preferred.operands == form.operands[::-1]
        return "{load} " if turned else None

    def could_be(self, other: Form) -> bool:
        """Whether another form could encode the same operands."""
        if other.memory_only if self.memory is None else other.register_only:
            return False
        return all(map(self.fits, other.operands, self.form.operands, self.instruction.operands))

    def fits(self, other: str, own: str, operand: Operand) -> bool:
        """Whether an operand that was decoded by the pattern `own` could be encoded by the pattern `other`."""
        if other == own:
            return True
        match operand:
            case Register32(number, size) | Register16(number, size) | Register8(number, size):
                return other in (f"r{8 * size}", f"rm{8 * size}", f"%{NAMES[size][number]}")
            case Memory(base=base, index=index, size=size):
                return other in (f"rm{8 * size}", f"m{8 * size}") or (
                    other == f"moffs{8 * size}" and base is None and index is None
                )
            case Immediate(value, size):
                if other[0] == "$":
                    return int(other[1:], 0) == value
                if other == "imm8":
                    return sign_extend(value, 1, size) == value
                return other == f"imm{8 * size}"
            case Target(displacement, _, encoded):
                saved = encoded - 1 + len(self.form.opcode) - 1
                return other == "rel8" and -128 <= displacement + saved <= 127
        return False

    def displacement_prefix(self) -> str | None:
        """What makes as choose the displacement's length; None if it would write ModRM and SIB in another way."""
        if not self.form.modrm:
            return ""
        behind_opcode = self.instruction.bytes[len(self.prefixes) + len(self.form.opcode) :]
        if self.memory is None:
            return "" if behind_opcode[0] >= 0xC0 else None
        reg = behind_opcode[0] & 0x38
        if behind_opcode.startswith(addressing(self.memory, reg)):
            return ""
        width = self.memory.displacement_size
        if width and behind_opcode.startswith(addressing(self.memory, reg, width)):
            return f"{{disp{8 * width}}} "
        return None


def addressing(memory: Memory, reg: int, width: int | None = None) -> bytes:
    """ModRM, SIB and displacement as GNU as writes them; `reg` is ModRM.reg in its place, bits 5 to 3.

    The displacement takes `width` bytes, as few as possible if that is None.
    """
    base, index, displacement = memory.base, memory.index, memory.displacement
    full = memory.address_size
    if base is None:
        width = full
    elif width is None:
        always = base == EBP and (full == 4 or index is None)
        width = (1 if always else 0) if displacement == 0 else 1 if -128 <= displacement <= 127 else full
    sib = b""
    if full == 2:
        rm = 6 if base is None else BASES_16.index((base, index))
    elif index is not None or base == ESP:
        rm = 4
        scale = memory.scale.bit_length() - 1 if index is not None else 0
        sib = bytes((scale << 6 | (ESP if index is None else index) << 3 | (EBP if base is None else base),))
    else:
        rm = EBP if base is None else base
    mod = 0 if base is None else min(width, 2)
    return bytes((mod << 6 | reg | rm,)) + sib + (displacement & MASK[4]).to_bytes(4, "little")[:width]


def _default_segment(memory: Memory) -> int:
    return SS if memory.base in (ESP, EBP) else DS


@cache
def _spelled_alike(form: Form) -> tuple[Form, ...]:
    """The forms that as tries for the spelling of `form`, in its order, up to `form` itself."""
    branch = form.operands[:1] in (("rel16",), ("rel32",))  # written without its suffix
    spelling = form.stem if branch else form.mnemonic
    alike = [
        other
        for other in by_mnemonic()[spelling]
        if spelling == (other.stem if branch else other.mnemonic)
        and len(other.operands) == len(form.operands)
        and other.operand_size in (None, form.operand_size)
        and other.address_size in (None, form.address_size)
    ]
    return tuple(alike[: alike.index(form) + 1])
