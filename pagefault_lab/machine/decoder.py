"""Bytes to an instruction, one byte at a time, so that no byte beyond the instruction is ever fetched.

SDM vol. 2, chapter 2: prefixes, opcode, ModRM, SIB, displacement, immediates; at most 15 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pagefault_lab.machine.faults import INVALID_OPCODE, FaultRaised, general_protection
from pagefault_lab.machine.instructions import Form, table
from pagefault_lab.machine.operands import (
    ControlRegister,
    DebugRegister,
    FarPointer,
    Immediate,
    Memory,
    Operand,
    SegmentRegister,
    Target,
    TestRegister,
    register,
)
from pagefault_lab.machine.registers import (
    CS,
    DS,
    EBP,
    EBX,
    EDI,
    ES,
    ESI,
    ESP,
    FS,
    GS,
    NAMES,
    SEGMENT_NAMES,
    SS,
    sign_extend,
    signed,
)  # fmt: skip

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu

MAXIMUM_LENGTH = 15
SEGMENT_PREFIXES = {0x26: ES, 0x2E: CS, 0x36: SS, 0x3E: DS, 0x64: FS, 0x65: GS}
REPEAT_PREFIXES = {0xF2: "repne", 0xF3: "rep"}

WIDTHS = {"b": 1, "w": 2, "d": 4}
CONTROL_REGISTERS = (0, 2, 3, 4)
MOVES_OF_SYSTEM_REGISTERS = range(0x0F20, 0x0F27)  # ModRM.mod is ignored, rm is always a register (SDM vol. 2, MOV)

# 16-bit ModRM.rm to (base, index)
BASES_16 = ((EBX, ESI), (EBX, EDI), (EBP, ESI), (EBP, EDI), (ESI, None), (EDI, None), (EBP, None), (EBX, None))
_NAMED: Mapping[str, Operand] = {
    f"%{name}": register(number, size) for size, names in NAMES.items() for number, name in enumerate(names)
} | {f"%{name}": SegmentRegister(number) for number, name in enumerate(SEGMENT_NAMES)}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction. Sizes are in bytes; `repeat` is "", "rep" or "repne", as the prefix stands there."""

    form: Form
    operands: tuple[Operand, ...]
    bytes: bytes
    operand_size: int
    address_size: int
    segment: int | None  # the override prefix's segment register
    repeat: str
    lock: bool
    arguments: tuple[Any, ...]  # what the form's function takes after `cpu`

    @property
    def length(self) -> int:
        return len(self.bytes)

    def execute(self, cpu: Cpu) -> None:
        """Do it once; a repeated string instruction does one iteration (machine.py sees to the rest)."""
        self.form.function(cpu, *self.arguments)


def decode(fetch: Callable[[], int], default_size: int) -> Instruction:
    """Decode one instruction; `fetch` gives its bytes in order and may raise, `default_size` is 4, or 2 if CS.D=0.

    Raises FaultRaised: #UD for what a 486 does not know, #GP(0) beyond 15 bytes, and whatever `fetch` raises.
    """
    return _Decoding(fetch, default_size).instruction()


class _Decoding:
    """The state of decoding one instruction."""

    def __init__(self, fetch: Callable[[], int], default_size: int) -> None:
        self.fetch = fetch
        self.taken = bytearray()
        self.operand_size = self.address_size = default_size
        self.override: int | None = None
        self.opcode = self.modrm = 0
        self.memory: Memory | None = None
        self.widths: Iterator[str] = iter(())

    def next(self) -> int:
        if len(self.taken) == MAXIMUM_LENGTH:
            raise FaultRaised(general_protection(0))
        byte = self.fetch()
        self.taken.append(byte)
        return byte

    def number(self, size: int) -> int:
        return sum(self.next() << 8 * place for place in range(size))

    def instruction(self) -> Instruction:
        default_size = self.operand_size
        repeat = ""
        lock = False
        while True:
            byte = self.next()
            if byte == 0x66:
                self.operand_size = 6 - default_size
            elif byte == 0x67:
                self.address_size = 6 - default_size
            elif byte in SEGMENT_PREFIXES:
                self.override = SEGMENT_PREFIXES[byte]
            elif byte in REPEAT_PREFIXES:
                repeat = REPEAT_PREFIXES[byte]
            elif byte == 0xF0:
                lock = True
            else:
                break
        self.opcode = 0x0F00 | self.next() if byte == 0x0F else byte
        known = table(self.operand_size, self.address_size)
        found = known.get(self.opcode)
        form: Form | None
        if isinstance(found, list):
            self.modrm = self.next()
            if self.opcode in MOVES_OF_SYSTEM_REGISTERS:
                self.modrm |= 0xC0
            # all of ModRM may belong to the opcode, as with fninit; 00 before it would not show in the number
            whole = known.get(self.opcode << 8 | self.modrm) if self.opcode else None
            form = whole if isinstance(whole, Form) else found[self.modrm >> 2 & 0xE | (self.modrm >= 0xC0)]
        else:
            form = found
        if form is None:
            raise FaultRaised(INVALID_OPCODE)
        if form.modrm and self.modrm < 0xC0:
            self.memory = self.addressed()
        self.widths = iter(form.immediates)
        operands = tuple(self.operand(form, pattern) for pattern in form.operands)
        if lock and not (form.lockable and isinstance(operands[-1], Memory)):  # memory as the destination only
            raise FaultRaised(INVALID_OPCODE)
        sizes = {"operand_size": self.operand_size, "address_size": self.address_size}
        arguments = (*(sizes[name] for name in form.leading), *operands)
        return Instruction(
            form, operands, bytes(self.taken), self.operand_size, self.address_size, self.override, repeat, lock,
            arguments,
        )  # fmt: skip

    def addressed(self) -> Memory:
        """The memory operand that ModRM, SIB and displacement describe; a pattern gives its size."""
        mod, rm = self.modrm >> 6, self.modrm & 7
        index: int | None = None
        base: int | None = rm
        scale = 1
        if self.address_size == 2:
            base, index = BASES_16[rm]
            width = (0, 1, 2)[mod]
            if mod == 0 and rm == 6:
                base, width = None, 2
        else:
            width = (0, 1, 4)[mod]
            if rm == 4:
                sib = self.next()
                base = sib & 7
                scale = 1 << (sib >> 6)
                index = sib >> 3 & 7
                if index == ESP:
                    index = None
            if mod == 0 and base == EBP:
                base, width = None, 4
        displacement = signed(self.number(width), width) if width else 0
        return self.place(base, index, scale, displacement, width)

    def place(self, base: int | None, index: int | None, scale: int, displacement: int, width: int) -> Memory:
        """A memory operand in the default segment for its base, or in the override's."""
        default = SS if base in (ESP, EBP) else DS
        segment = default if self.override is None else self.override
        return Memory(
            segment, base, index, scale, displacement, self.address_size, 0, self.override is not None, width
        )

    def operand(self, form: Form, pattern: str) -> Operand:
        """The operand that a pattern stands for (the patterns: instructions/__init__.py)."""
        if pattern[0] == "%":
            return _NAMED[pattern]
        if pattern[0] == "$":
            return Immediate(int(pattern[1:], 0), 1, 0)
        pattern = pattern.removeprefix("*")
        letters = pattern.rstrip("0123456789")
        size = int(pattern[len(letters) :] or 0) // 8
        reg = self.modrm >> 3 & 7
        match letters:
            case "r":
                return register(self.opcode & 7 if form.plus_register else reg, size)
            case "rm" if self.modrm >= 0xC0:
                return register(self.modrm & 7, size)
            case "rm" | "m":
                assert self.memory is not None
                return replace(self.memory, size=size)
            case "mfar":
                assert self.memory is not None
                return replace(self.memory, size=self.operand_size)
            case "imm" | "uimm":
                width = WIDTHS[next(self.widths)[1]]
                if letters == "imm" and form.operand_size is not None and width < form.operand_size:
                    extended = sign_extend(self.number(width), width, form.operand_size)
                    return Immediate(extended, form.operand_size, width)
                return Immediate(self.number(width), size, width)
            case "rel":
                width = WIDTHS[next(self.widths)[1]]
                return Target(signed(self.number(width), width), self.operand_size, width)
            case "far":
                width = WIDTHS[next(self.widths)[1]]
                offset = self.number(width)
                return FarPointer(self.number(2), offset, width)
            case "moffs":
                displacement = signed(self.number(self.address_size), self.address_size)
                return replace(self.place(None, None, 1, displacement, self.address_size), size=size)
            case "si":
                return replace(self.place(ESI, None, 1, 0, 0), size=size)
            case "di":
                return Memory(ES, EDI, None, 1, 0, self.address_size, size, False, 0)
            case "bx":
                return replace(self.place(EBX, None, 1, 0, 0), size=size)
            case "sreg" if reg < 6:
                return SegmentRegister(reg)
            case "creg" if reg in CONTROL_REGISTERS:
                return ControlRegister(reg)
            case "dreg":
                return DebugRegister(reg)
            case "treg" if reg >= 3:
                return TestRegister(reg)
        raise FaultRaised(INVALID_OPCODE)
