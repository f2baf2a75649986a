"""One instruction to bytes: the form that fits, then prefixes, opcode, ModRM, SIB, displacement, immediates.

Everything about opcodes comes from the instruction table (forms.py reads it). What is decided here is what as decides:
among the forms that fit, the first; a displacement of one byte where its value is known to fit; an operand's size from
its registers where the mnemonic has no suffix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pagefault_lab.assembler import complaints
from pagefault_lab.assembler.expressions import OFFSET_TABLE, Expression, Reference, as_signed, fits
from pagefault_lab.assembler.forms import IMPLIED, Writing, candidates, canonical
from pagefault_lab.assembler.operands import (
    Written,
    WrittenImmediate,
    WrittenMemory,
    WrittenRegister,
    default_segment,
)
from pagefault_lab.machine.registers import DS, EBP, ES, ESP, NAMES_16, SEGMENT_NAMES
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.machine.instructions import Form

# Prefixes come in this order, whatever the order they are written in.
SEGMENT, ADDRESS, DATA, REPEAT, LOCK = range(5)
PREFIXES: Final = {
    "es": (SEGMENT, 0x26), "cs": (SEGMENT, 0x2E), "ss": (SEGMENT, 0x36), "ds": (SEGMENT, 0x3E),
    "fs": (SEGMENT, 0x64), "gs": (SEGMENT, 0x65),
    "addr16": (ADDRESS, 0x67), "addr32": (ADDRESS, 0x67), "data16": (DATA, 0x66), "data32": (DATA, 0x66),
    "rep": (REPEAT, 0xF3), "repe": (REPEAT, 0xF3), "repz": (REPEAT, 0xF3),
    "repne": (REPEAT, 0xF2), "repnz": (REPEAT, 0xF2),
    "lock": (LOCK, 0xF0),
}  # fmt: skip
REPEATABLE: Final = ("ret", "nop", "bsf", "bsr")  # a repeat prefix is without effect, and later processors use it
OVERRIDES: Final = tuple(PREFIXES[name][1] for name in SEGMENT_NAMES)
WISHES: Final = ("load", "store", "disp8", "disp16", "disp32")  # {load} and so on, before a mnemonic
_SIZES: Final = {"b": 1, "w": 2, "d": 4}
_RM_16: Final = {
    ("bx", "si"): 0, ("bx", "di"): 1, ("bp", "si"): 2, ("bp", "di"): 3, ("si",): 4, ("di",): 5, ("bp",): 6, ("bx",): 7,
}  # fmt: skip


@dataclass(slots=True)
class Prefixes:
    """The prefixes written before a mnemonic: a byte for each slot, and the words."""

    slots: list[int | None] = field(default_factory=lambda: [None] * 5)
    words: list[str] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)

    def add(self, word: str, column: int) -> None:
        slot, byte = PREFIXES[word]
        if self.slots[slot] is not None:
            raise Problem(f"{word} is one prefix too many", "of each kind there can be only one", column=column)
        self.slots[slot] = byte
        self.words.append(word)

    def encoded(self) -> bytes:
        return bytes(byte for byte in self.slots if byte is not None)


@dataclass(slots=True)
class Field:
    """A value to be filled in later, at `offset` of the instruction."""

    offset: int
    size: int
    value: Expression
    relative: bool
    column: int


@dataclass(slots=True)
class Encoded:
    """The bytes of an instruction, with what is not yet known left zero."""

    code: bytearray
    fields: list[Field]


@dataclass(slots=True)
class Jump:
    """A jump whose length depends on the distance: opcodes (prefixes included) of both forms."""

    short: bytes
    long: bytes
    long_size: int
    target: Expression
    column: int


def encode(mnemonic: str, operands: Sequence[Written], prefixes: Prefixes, bits: int, column: int) -> Encoded | Jump:
    """The instruction for code of `bits` (32 or 16). `column` is the mnemonic's. Raises `Problem`."""
    mnemonic = canonical(mnemonic)
    shapes = tuple([operand.shape for operand in operands])
    possible = candidates(mnemonic, shapes)
    matching = [writing for writing in possible if _accepts(writing, operands)]
    if not matching and possible:
        matching = [writing for writing in possible if _accepts(writing, operands, unknown=True)]
    if len(operands) == 2 and matching:
        _check_address_sizes(operands)
    if not matching:
        raise complaints.no_form(mnemonic, operands, possible, column)
    writing = _choose(mnemonic, operands, matching, prefixes, bits, column)
    form = writing.form
    if prefixes.words:
        _check_prefixes(prefixes, form, operands, bits, column)
    if writing.relative == 1 and "disp8" not in prefixes.wishes:
        longer = _long_form(writing, matching, bits, prefixes)
        if longer is not None:
            return _jump(writing, longer, operands[0], prefixes, bits)
    return _Encoding(writing, operands, prefixes, bits).run()


def _accepts(writing: Writing, operands: Sequence[Written], unknown: bool = False) -> bool:
    """Whether the values fit; a value that is not yet known fits no byte that is extended, except if `unknown`."""
    for pattern, operand in zip(writing.patterns, operands, strict=True):
        if isinstance(operand, WrittenImmediate):
            value = operand.value
            if pattern in ("$selector", "$offset"):
                continue
            if pattern[0] == "$":
                if type(value) is not int or value != int(pattern[1:]):
                    return False
                continue
            size = int(pattern.lstrip("uim")) // 8
            extended = size == 1 and pattern[0] == "i" and writing.form.operand_size is not None
            if type(value) is not int:
                if extended and not unknown:
                    return False
            elif extended:
                assert writing.form.operand_size is not None
                if not fits(value, writing.form.operand_size):
                    return False
                if not -128 <= as_signed(value, writing.form.operand_size) <= 127:
                    return False
            elif not fits(value, size) or (pattern[0] == "u" and value < -1 << 8 * size - 1):
                return False
        elif isinstance(operand, WrittenMemory) and operand.segment is not None and pattern.startswith("rel"):
            return False
    return True


def _check_address_sizes(operands: Sequence[Written]) -> None:
    """A string instruction's two places have one address size."""
    sizes = [each.address_size for each in operands if isinstance(each, WrittenMemory) and not each.through_dx]
    if len(sizes) == 2 and sizes[0] != sizes[1]:
        raise Problem("both addresses have either 32-bit or 16-bit registers", column=operands[1].column)


def _choose(
    mnemonic: str, operands: Sequence[Written], matching: list[Writing], prefixes: Prefixes, bits: int, column: int
) -> Writing:
    first = matching[0]
    if len(matching) == 1 and bits == 32:
        return first
    if "load" in prefixes.wishes or "store" in prefixes.wishes:
        for writing in matching:
            last = len(writing.patterns) - 1
            if writing.form.modrm and (writing.rm == last) == ("store" in prefixes.wishes):
                return writing
    size = bits // 8
    if "data16" in prefixes.words or "data32" in prefixes.words:
        size = 6 - size
    if first.form.mnemonic != mnemonic:
        suffixes = {writing.form.suffix for writing in matching if writing.form.stem == mnemonic}
        if "b" in suffixes and len(suffixes) > 1:
            raise complaints.no_size(mnemonic, operands, matching, column)
    for writing in matching:
        if writing.form.operand_size in (None, size) and writing.form.address_size in (None, bits // 8):
            return writing
    if bits == 16 and not first.form.suffix:  # leave is leavew there
        for writing in candidates(mnemonic + "w", tuple(operand.shape for operand in operands)):
            return writing
    return first


def _long_form(short: Writing, matching: list[Writing], bits: int, prefixes: Prefixes) -> Writing | None:
    size = bits // 8
    if short.form.operand_size is not None:
        size = short.form.operand_size
    elif prefixes.slots[DATA] is not None:  # data16 jne: a distance of two bytes
        size = 6 - size
    for writing in matching:
        if (writing.relative or 0) > 1 and writing.form.operand_size in (None, size):
            return writing
    return None


def _jump(short: Writing, long: Writing, target: Written, prefixes: Prefixes, bits: int) -> Encoded | Jump:
    assert isinstance(target, WrittenMemory)
    assert target.displacement is not None
    both = []
    for writing in (short, long):
        encoding = _Encoding(writing, (target,), prefixes, bits)
        both.append(encoding.prefix() + writing.form.opcode)
    if f"disp{bits}" in prefixes.wishes:
        return _Encoding(long, (target,), prefixes, bits).run()
    assert long.relative is not None
    return Jump(both[0], both[1], long.relative, target.displacement, target.column)


def _check_prefixes(prefixes: Prefixes, form: Form, operands: Sequence[Written], bits: int, column: int) -> None:
    for word in prefixes.words:
        if word in (f"addr{bits}", f"data{bits}"):  # its byte would ask for the other size
            what = "addresses" if word[0] == "a" else "operands"
            hint = f"{what} have {bits} bits in this code without a prefix"
            raise Problem(f"{word} is redundant here", hint, column=column)
    if prefixes.slots[LOCK] is not None:
        memory = bool(operands) and (
            isinstance(operands[-1], WrittenMemory) or (form.name == "xchg" and isinstance(operands[0], WrittenMemory))
        )
        if not (form.lockable and memory):
            raise Problem(
                f"lock cannot stand before this {form.mnemonic}",
                "only before one that reads and writes memory; lock; as a statement of its own is always taken",
                column=column,
            )
    if form.immediates[:1] and form.immediates[0][0] in "cp":
        near = form.immediates[0][0] == "c" and form.mnemonic[0] in "jl"
        hints = (0x2E, 0x3E) if near else ()  # what later processors guess such a jump will do
        size_left_out = ADDRESS if form.address_size is None else DATA
        for word in prefixes.words:
            slot, byte = PREFIXES[word]
            if slot == size_left_out or (slot == SEGMENT and byte not in hints):  # as leaves it out, with a warning
                hint = f"{word}; as a statement of its own is always taken"
                raise Problem(f"{word} cannot stand before {form.mnemonic}", hint, column=column)
    if prefixes.slots[REPEAT] is not None and not form.repeat and form.stem not in REPEATABLE:
        word = next(word for word in prefixes.words if word.startswith("rep"))
        raise Problem(
            f"{word} cannot stand before {form.mnemonic}",
            f"only before a string instruction; {word}; as a statement of its own is always taken",
            column=column,
        )


class _Encoding:
    """The parts of one instruction being put together."""

    def __init__(self, writing: Writing, operands: Sequence[Written], prefixes: Prefixes, bits: int) -> None:
        self.writing = writing
        self.form = writing.form
        self.operands = operands
        self.prefixes = prefixes
        self.bits = bits
        self.slots = list(prefixes.slots)
        self.address_size = bits // 8
        if prefixes.slots[ADDRESS] is not None:
            self.address_size = 6 - self.address_size
        self.fields: list[Field] = []

    def run(self) -> Encoded:
        writing, form, operands = self.writing, self.form, self.operands
        memory: WrittenMemory | None = None
        for pattern, operand in zip(writing.patterns, operands, strict=True):
            if isinstance(operand, WrittenMemory) and not operand.through_dx and not pattern.startswith("rel"):
                self._address(operand, pattern)
                memory = operand
        code = bytearray(self.prefix())
        code += form.opcode
        if writing.plus is not None:
            register = operands[writing.plus]
            assert isinstance(register, WrittenRegister)
            code[-1] += register.register.number
        if form.modrm:
            if form.digit is not None:
                middle = form.digit
            else:
                assert writing.reg is not None
                chosen = operands[writing.reg]
                assert isinstance(chosen, WrittenRegister)
                middle = chosen.register.number
            assert writing.rm is not None
            place = operands[writing.rm]
            if isinstance(place, WrittenRegister):
                code.append(0xC0 | middle << 3 | place.register.number)
            else:
                assert isinstance(place, WrittenMemory)
                self._modrm(code, middle << 3, place)
        for kind, number in writing.fields:
            operand = operands[number]
            if kind == "o":
                assert memory is not None
                assert memory.displacement is not None
                self._value(code, memory.displacement, self.address_size, memory.column, what="address")
            elif kind[0] == "c":
                assert isinstance(operand, WrittenMemory)
                assert operand.displacement is not None
                self._value(code, operand.displacement, _SIZES[kind[1]], operand.column, relative=True)
            elif kind[0] == "p":
                selector, offset = operands[number], operands[number + 1]
                assert isinstance(selector, WrittenImmediate)
                assert isinstance(offset, WrittenImmediate)
                self._value(code, offset.value, _SIZES[kind[1]], offset.column, what="offset")
                self._value(code, selector.value, 2, selector.column, what="selector")
            else:
                assert isinstance(operand, WrittenImmediate)
                value, size = operand.value, _SIZES[kind[1]]
                if type(value) is int:  # known to fit, perhaps only after extension to the operand size
                    value &= (1 << 8 * size) - 1
                self._value(code, value, size, operand.column)
        return Encoded(code, self.fields)

    def prefix(self) -> bytes:
        """The prefixes, those that the form needs included."""
        form, slots, natural = self.form, self.slots, self.bits // 8
        if form.operand_size not in (None, natural) and form.name != "nop":  # 66 90 is another form, but does as little
            slots[DATA] = 0x66
        if form.address_size not in (None, natural) and self.prefixes.slots[ADDRESS] is not None:
            raise Problem("the address size is given twice", f"{form.mnemonic} has it already, without a prefix")
        if (form.address_size or self.address_size) != natural:
            slots[ADDRESS] = 0x67
        if form.immediates[:1] and form.immediates[0][0] == "c":  # a hint to a jump goes behind
            slots = [slots[ADDRESS], slots[DATA], slots[SEGMENT], *slots[REPEAT:]]
        return bytes([byte for byte in slots if byte is not None])

    def _address(self, memory: WrittenMemory, pattern: str) -> None:
        """Take over the operand's segment and address size into the prefixes."""
        if memory.address_size is not None:
            if self.prefixes.slots[ADDRESS] is not None and memory.address_size == self.bits // 8:
                raise Problem("the prefix asks for another address size than these registers", column=memory.column)
            self.address_size = memory.address_size
        segment = memory.segment
        if segment is None:
            return
        if pattern.startswith("di"):
            if segment != ES:
                raise Problem("a string's destination is always in %es", "leave the override out", column=memory.column)
            return
        default = DS if IMPLIED.match(pattern) else default_segment(memory)
        written = self.prefixes.slots[SEGMENT]
        if segment == default:
            return
        if written not in (None, OVERRIDES[segment]):
            raise Problem("a segment is given twice", "by a prefix and in the operand", column=memory.column)
        self.slots[SEGMENT] = OVERRIDES[segment]

    def _modrm(self, code: bytearray, middle: int, memory: WrittenMemory) -> None:
        """ModRM, SIB and displacement; `middle` is the register or digit, already shifted."""
        base, index, displacement = memory.base, memory.index, memory.displacement
        if base is None and index is None:
            assert displacement is not None
            code.append(middle | (5 if self.address_size == 4 else 6))
            self._value(code, displacement, self.address_size, memory.column, what="address")
            return
        if memory.address_size == 2:
            rm = _RM_16[tuple(NAMES_16[number] for number in (base, index) if number is not None)]
            full, needed, sib = 2, rm == 6, None
        else:
            full, needed, sib = 4, base == EBP, None
            if index is not None or base == ESP:
                rm = 4
                scale = memory.scale.bit_length() - 1
                sib = scale << 6 | (4 if index is None else index) << 3 | (EBP if base is None else base)
            else:
                assert base is not None
                rm = base
        size = self._displacement_size(displacement, full, needed, memory)
        if base is None:  # an index alone: mod 0 and base 5 mean a displacement of four bytes
            code += bytes((middle | rm, sib or 0))
            self._value(code, displacement or 0, 4, memory.column, what="displacement")
            return
        code.append({0: 0, 1: 0x40}.get(size, 0x80) | middle | rm)
        if sib is not None:
            code.append(sib)
        if size:
            number = as_signed(displacement, full) if type(displacement) is int else displacement or 0
            self._value(code, number, size, memory.column, what="displacement")

    def _displacement_size(
        self, displacement: Expression | None, full: int, needed: bool, memory: WrittenMemory
    ) -> int:
        wishes = self.prefixes.wishes
        if displacement is not None and type(displacement) is not int:
            return 1 if "disp8" in wishes else full
        value = displacement or 0
        if not fits(value, full):
            raise Problem(f"{value:#x} does not fit in a displacement of {8 * full} bits", column=memory.column)
        if "disp32" in wishes or "disp16" in wishes:
            fitting = f"disp{8 * full}"
            if fitting not in wishes:
                raise Problem(f"this displacement has {8 * full} bits", f"write {{{fitting}}}", column=memory.column)
            return full
        value = as_signed(value, full)
        if value == 0 and not needed and "disp8" not in wishes:
            return 0
        return 1 if -128 <= value <= 127 else full

    def _value(
        self,
        code: bytearray,
        value: Expression,
        size: int,
        column: int,
        *,
        relative: bool = False,
        what: str = "value",
    ) -> None:
        if type(value) is int and not relative:
            if not fits(value, size):
                raise Problem(f"{value:#x} does not fit in the {8 * size} bits of this {what}", column=column)
            code += (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            return
        if type(value) is Reference and value.symbol.name == OFFSET_TABLE and size == 4:
            # as means the table's distance from this instruction, whose address a call has just got
            value, relative = replace(value, addend=value.addend + len(code) + size), True
        self.fields.append(Field(len(code), size, value, relative, column))
        code += bytes(size)
