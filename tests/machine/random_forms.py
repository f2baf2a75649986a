"""Random instances of an instruction's forms, encoded here and not by the assembler, for tests to execute.

Registers and values lean towards the corners (0, 1, the sign bit, all ones), and memory operands, of all addressing
forms, towards one small window of memory, so that a test knows where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from pagefault_lab.machine.instructions import Form
from pagefault_lab.machine.registers import EBP, EBX, EDI, ESI, ESP, MASK, signed

CORNERS = (
    0, 1, 2, 3, 5, 9, 0x0F, 0x10, 0x1F, 0x20, 0x21, 0x7F, 0x80, 0x81, 0xFE, 0xFF, 0x100, 0x7FFF, 0x8000, 0x8001, 0xFFFF,
    0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFF8000, 0xFFFFFF80, 0xFFFFFFFE, 0xFFFFFFFF,
)  # fmt: skip
WINDOW = range(0x5100, 0x6F00)  # where memory operands lie; what they reach lies in the pages of REACH
REACH = range(0x4000, 0x8000)
SELECTORS = (0, 0x08, 0x10, 0x1B, 0x23, 0x28, 0x30, 0x38, 0x43, 0x48, 0x4B, 0xFFF8)  # a test may describe them in a GDT
BASES_16 = ((EBX, ESI), (EBX, EDI), (EBP, ESI), (EBP, EDI), (ESI, None), (EDI, None), (EBP, None), (EBX, None))
PREFIXES_OF_SEGMENTS = bytes.fromhex("26 36 3e 64 65")


def corner(random: Random) -> int:
    """A 32-bit number, often a corner case, of any of the three sizes."""
    kind = random.random()
    if kind < 0.45:
        return random.choice(CORNERS)
    if kind < 0.6:
        return random.randrange(256)
    if kind < 0.7:
        return random.randrange(-128, 0) & 0xFFFFFFFF
    return random.getrandbits(32)


@dataclass
class Instance:
    """One encoded instruction and the registers to execute it with. `address` is its memory operand's, if any."""

    form: Form
    registers: list[int]
    prefixes: bytes = b""
    code: bytes = b""
    address_size: int = 4
    address: int | None = None
    modrm: int | None = None
    addressing: set[int] = field(default_factory=set)  # registers that the address hangs on
    immediates: list[int] = field(default_factory=list)

    @property
    def bytes(self) -> bytes:
        return self.prefixes + self.code


def distinct(forms: Iterable[Form]) -> list[Form]:
    """One form for each encoding: other names for the same bytes are left out."""
    found: dict[object, Form] = {}
    for form in forms:
        key = (
            form.opcode, form.digit, form.operand_size, form.address_size, form.immediates, form.plus_register,
            form.register_only, form.memory_only,
        )  # fmt: skip
        found.setdefault(key, form)
    return list(found.values())


def memory_size(form: Form) -> int:
    """The bytes of the form's memory operand; 0 if it is only an address."""
    for pattern in form.operands:
        letters = pattern.removeprefix("*").rstrip("0123456789")
        if letters in ("rm", "m", "moffs", "si", "di"):
            return int(pattern.removeprefix("*")[len(letters) :] or 0) // 8
    return 0


def uses_stack(form: Form) -> bool:
    return form.name.startswith(("push", "pop", "call", "ret", "enter", "leave", "lcall", "lret", "iret", "int"))


def kinds(form: Form) -> tuple[bool | None, ...]:
    """What `in_memory` should be to have all kinds of instances: both, if the operand may be register or memory."""
    either = any(pattern.removeprefix("*").startswith("rm") for pattern in form.operands)
    return (False, True) if either and not form.register_only and not form.memory_only else (None,)


def instance(form: Form, random: Random, in_memory: bool | None = None, window: Sequence[int] = WINDOW) -> Instance:
    """A random instance whose memory operand lies in `window`, and all that it reaches in REACH.

    `in_memory` chooses for a form whose operand may be either a register or memory.
    """
    while True:
        made = _attempt(form, random, in_memory, window)
        if made is not None:
            return made


def _attempt(form: Form, random: Random, in_memory: bool | None, window: Sequence[int]) -> Instance | None:
    registers = [corner(random) for _ in range(8)]
    if uses_stack(form):
        registers[ESP] = random.choice(window)
        if form.name in ("enter", "leave"):
            registers[EBP] = random.choice(window)
    address_size = form.address_size or random.choice((4, 4, 4, 2))
    made = Instance(form, registers, address_size=address_size)
    for pattern in form.operands:  # strings and tables
        for letters, number in (("si", ESI), ("di", EDI), ("bx", EBX)):
            if pattern.startswith(letters):
                high = 0 if address_size == 4 else registers[number] & 0xFFFF0000
                registers[number] = high | random.choice(window)
    code = bytearray(form.opcode)
    if form.plus_register:
        code[-1] += random.randrange(8)
    if form.modrm:
        reg = random.randrange(8) if form.digit is None else form.digit
        memory = not form.register_only and (
            form.memory_only or (in_memory if in_memory is not None else random.random() < 0.6)
        )
        if memory:
            code += _memory(made, reg, random, window)
        else:
            made.modrm = 0xC0 | reg << 3 | random.randrange(8)
            code.append(made.modrm)
    for kind in form.immediates:
        code += _immediate(made, kind, random, window)
    made.code = bytes(code)
    made.prefixes = _prefixes(form, made, random)
    return made if _stays_in_reach(made) else None


def _prefixes(form: Form, made: Instance, random: Random) -> bytes:
    prefixes = []
    if form.operand_size == 2:
        prefixes.append(0x66)
    if made.address_size == 2:
        prefixes.append(0x67)
    if form.modrm and random.random() < 0.1:
        prefixes.append(random.choice(PREFIXES_OF_SEGMENTS))
    random.shuffle(prefixes)
    return bytes(prefixes)


def _memory(made: Instance, reg: int, random: Random, window: Sequence[int]) -> bytes:
    """ModRM, SIB and displacement of a random addressing form, so that it hits the window."""
    target = random.choice(window)
    registers = made.registers
    mod, rm = random.randrange(3), random.randrange(8)
    made.modrm = mod << 6 | reg << 3 | rm
    code = bytearray([made.modrm])
    scale = 1
    base: int | None
    index: int | None = None
    if made.address_size == 2:
        base, index = BASES_16[rm]
        width = (0, 1, 2)[mod]
        if mod == 0 and rm == 6:
            base, width = None, 2
    else:
        base = rm
        width = (0, 1, 4)[mod]
        if rm == 4:
            sib = random.randrange(256)
            code.append(sib)
            scale, index, base = 1 << (sib >> 6), sib >> 3 & 7, sib & 7
            if index == ESP:
                index = None
        if mod == 0 and base == EBP:
            base, width = None, 4
    mask = MASK[made.address_size]
    displacement = signed(random.getrandbits(8 * width), width) if width else 0

    def total() -> int:
        return sum((registers[base] if base is not None else 0, registers[index] * scale if index is not None else 0))

    if width == made.address_size and (base is None or random.random() < 0.5):
        displacement = target - total()
    elif base is not None and base != index:
        keep = registers[base] & ~mask
        registers[base] = keep | registers[base] + target - displacement - total() & mask
    elif base is not None:
        registers[base] = (target - displacement) // (1 + scale) & mask
    code += (displacement & MASK.get(width, 0)).to_bytes(width, "little")
    made.address = total() + displacement & mask
    made.addressing = {number for number in (base, index) if number is not None}
    return bytes(code)


def _immediate(made: Instance, kind: str, random: Random, window: Sequence[int]) -> bytes:
    if kind == "o":
        made.address = random.choice(window)
        return made.address.to_bytes(made.address_size, "little")
    width = {"b": 1, "w": 2, "d": 4}[kind[1]]
    value = corner(random) & MASK[width]
    if made.form.name == "enter" and kind == "iw":
        value &= 0x7FF
    if made.form.name == "ret_and_release":
        value &= 0x7FFF  # Unicorn takes it as signed
    made.immediates.append(value)
    code = value.to_bytes(width, "little")
    return code + random.choice(SELECTORS).to_bytes(2, "little") if kind[0] == "p" else code


def _stays_in_reach(made: Instance) -> bool:
    registers = made.registers
    touched = [made.address] if made.address is not None else []
    if uses_stack(made.form):
        touched.append(registers[ESP])
    if made.form.name.endswith("_string") and made.address is not None and made.modrm is not None:
        size = made.form.operand_size or 4
        number = signed(registers[made.modrm >> 3 & 7] & MASK[size], size)
        touched.append(made.address + number // (8 * size) * size)
    if made.form.name in ("enter", "leave"):
        touched.append(registers[EBP])
    return all(REACH.start + 0x900 <= place < REACH.stop - 0x100 for place in touched)
