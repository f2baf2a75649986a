"""Decoding judged by iced-x86: the same length and operands, and #UD for whatever a 486 does not know.

iced decodes what every x86 processor knows. `KNOWN` are the CPUID features, in iced's words, of what a 486 knows; the
tables behind it list where a 486, or this machine, answers otherwise, each with the reason.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.decoder import Instruction, decode
from pagefault_lab.machine.devices import Ports
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.memory import Memory as PhysicalMemory
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
from pagefault_lab.machine.registers import MASK, NAMES, SEGMENT_NAMES

iced = pytest.importorskip("iced_x86", reason="iced-x86 is the judge of decoding")

ADDRESS = 0x1234_5678
TAIL = bytes.fromhex("92 87 a4 b5 c6 d7 e8 f9 0a 1b 2c")  # no two bytes alike: one that is taken twice is seen
OPTIONS = (
    iced.DecoderOptions.MOV_TR  # MOV to and from the test registers: 386 and 486 only
    | iced.DecoderOptions.NO_PAUSE  # F3 90 is a NOP before the Pentium 4
    | iced.DecoderOptions.NO_WBNOINVD  # F3 0F 09 is a WBINVD before Ice Lake
    | iced.DecoderOptions.NO_MPFX_0FBC  # F3 0F BC is a BSF where there is no TZCNT
    | iced.DecoderOptions.NO_MPFX_0FBD  # F3 0F BD is a BSR where there is no LZCNT
)
# Not chosen, so #UD: UMOV (0F 10 to 13, undocumented and little known), XBTS (80386 A step), CMPXCHG486A (80486 A
# step), LOADALL386, and what Cyrix, AMD and Centaur had.


def names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


FEATURES, CODES, REGISTERS = names(iced.CpuidFeature), names(iced.Code), names(iced.Register)
# Not among them, so #UD: CPUID and RSM (late 486s had them, the 486 manual has not), RDTSC, RDMSR and CMPXCHG8B
# (Pentium), CMOV and the long NOP (Pentium Pro), and all that came later
KNOWN = {"INTEL8086", "INTEL186", "INTEL286", "INTEL386", "INTEL486", "MOV_TR"}

# iced knows these by the features above, a 486 does not
UNKNOWN = {
    "INVALID": "no instruction",
    "UD0": "its only meaning is #UD",
    "UD0_R16_RM16": "the same",
    "UD0_R32_RM32": "the same",
    "UD1_R16_RM16": "the same",
    "UD1_R32_RM32": "the same",
    "UD2": "the same",
}
# iced shows a register of another width than the processor reads or the table has
OF_ANY_WIDTH = {
    "ARPL_R32M16_R32": "a selector has 16 bits, whatever the operand size",
    "LLDT_R32M16": "the same",
    "LTR_R32M16": "the same",
    "VERR_R32M16": "the same",
    "VERW_R32M16": "the same",
    "LMSW_R32M16": "so has the machine status word",
    "MOV_SREG_RM16": "GNU as writes a 32-bit register and needs no prefix; 16 bits are read",
    "BSWAP_R16": "undefined by the manual; this machine swaps all 32 bits, as QEMU does",
}
ONLY_AN_ADDRESS = ("LEA_", "BOUND_", "SGDT_", "SIDT_", "LGDT_", "LIDT_", "INVLPG_")  # memory without a size here

KINDS = iced.OpKind
IMMEDIATE_SIZES = {
    KINDS.IMMEDIATE8: 1, KINDS.IMMEDIATE8_2ND: 1, KINDS.IMMEDIATE16: 2, KINDS.IMMEDIATE32: 4,
    KINDS.IMMEDIATE8TO16: 2, KINDS.IMMEDIATE8TO32: 4,
}  # fmt: skip
STRING_REGISTERS = {
    KINDS.MEMORY_SEG_SI: "si", KINDS.MEMORY_SEG_ESI: "esi", KINDS.MEMORY_ESDI: "di", KINDS.MEMORY_ESEDI: "edi",
}  # fmt: skip

Judgement = tuple[int, tuple[Any, ...]] | str  # (length, operands in AT&T order) or "#UD"


@cache
def known(code: int) -> bool:
    """Whether a 486 has the instruction that iced calls by this code."""
    instruction = iced.Instruction()
    instruction.code = code
    features = {FEATURES[feature] for feature in instruction.cpuid_features()}
    return features <= KNOWN and CODES[code] not in UNKNOWN


def judged(data: bytes, default_size: int = 4) -> tuple[str, Judgement]:
    """iced's name of the instruction, and what it is."""
    instruction = iced.Decoder(8 * default_size, data, OPTIONS, ip=ADDRESS).decode()
    name = CODES[instruction.code]
    if not known(instruction.code):
        return name, "#UD"
    operands = tuple(judged_operand(instruction, name, place) for place in range(instruction.op_count))
    if name.endswith("_TR") or name.startswith("MOV_TR"):
        a_486_has = all(register not in ("tr0", "tr1", "tr2") for _, register in operands)
        return name, (instruction.len, operands[::-1]) if a_486_has else "#UD"
    kept_by_att = name.startswith(("ENTER", "BOUND"))  # AT&T turns the order of all others
    return name, (instruction.len, operands if kept_by_att else operands[::-1])


def judged_operand(instruction: Any, name: str, place: int) -> tuple[Any, ...]:
    kind = instruction.op_kind(place)
    if kind == KINDS.REGISTER:
        return ("register", REGISTERS[instruction.op_register(place)].lower())
    if kind in IMMEDIATE_SIZES:
        size = IMMEDIATE_SIZES[kind]
        return ("immediate", instruction.immediate(place) & MASK[size], size)
    if kind in (KINDS.NEAR_BRANCH16, KINDS.NEAR_BRANCH32):
        return ("target", instruction.near_branch_target)
    if kind in (KINDS.FAR_BRANCH16, KINDS.FAR_BRANCH32):
        offset = instruction.far_branch16 if kind == KINDS.FAR_BRANCH16 else instruction.far_branch32
        return ("far", instruction.far_branch_selector, offset)
    size = 0 if name.startswith(ONLY_AN_ADDRESS) else iced.MemorySizeInfo(instruction.memory_size).size
    segment = REGISTERS[instruction.memory_segment].lower()
    if kind in STRING_REGISTERS:
        fixed = kind in (KINDS.MEMORY_ESDI, KINDS.MEMORY_ESEDI)
        return ("memory", "es" if fixed else segment, STRING_REGISTERS[kind], "none", 1, 0, size)
    base, index = (REGISTERS[number].lower() for number in (instruction.memory_base, instruction.memory_index))
    if index == "al":  # of XLAT, whose function adds it
        index = "none"
    return ("memory", segment, base, index, instruction.memory_index_scale, instruction.memory_displacement, size)


def answered(data: bytes, default_size: int = 4) -> Judgement:
    """The same of our decoder."""
    rest = iter(data)
    try:
        instruction = decode(lambda: next(rest), default_size)
    except FaultRaised as raised:
        return raised.fault.row.mnemonic
    pairs = zip(instruction.form.operands, instruction.operands, strict=True)
    return instruction.length, tuple(answered_operand(instruction, pattern, operand) for pattern, operand in pairs)


def answered_operand(instruction: Instruction, pattern: str, operand: Operand) -> tuple[Any, ...]:
    match operand:
        case Register32(number, size) | Register16(number, size) | Register8(number, size):
            return ("register", NAMES[size][number])
        case SegmentRegister(number):
            return ("register", SEGMENT_NAMES[number])
        case ControlRegister(number):
            return ("register", f"cr{number}")
        case DebugRegister(number):
            return ("register", f"dr{number}")
        case TestRegister(number):
            return ("register", f"tr{number}")
        case Immediate(value, size):
            return ("immediate", value, size)
        case Target(displacement, size):
            return ("target", ADDRESS + instruction.length + displacement & MASK[size])
        case FarPointer(selector, offset):
            return ("far", selector, offset)
        case Memory(segment, base, index, scale, displacement, address_size, size):
            registers = ["none" if number is None else NAMES[address_size][number] for number in (base, index)]
            if pattern.endswith("mfar"):
                size += 2  # the selector behind the offset
            place = displacement & MASK[address_size]
            return ("memory", SEGMENT_NAMES[segment], *registers, scale, place, size)


def agree(name: str, judgement: Judgement, answer: Judgement, data: bytes, default_size: int) -> bool:
    if judgement == answer:
        return True
    if name in ("UD2", "INVALID") and not isinstance(answer, str):
        return executing_is_undefined(data, default_size)  # UD2 may be written; a MOV to CS shows its broken rule
    if name == "NOPW":
        return isinstance(judgement, tuple) and answer == (judgement[0], (("register", "ax"), ("register", "ax")))
    return name in OF_ANY_WIDTH and in_16_bits(judgement) == in_16_bits(answer)


def in_16_bits(judgement: Judgement) -> Judgement:
    if isinstance(judgement, str):
        return judgement
    length, operands = judgement
    return length, tuple(
        ("register", operand[1].removeprefix("e")) if operand[0] == "register" and len(operand[1]) == 3 else operand
        for operand in operands
    )


def executing_is_undefined(data: bytes, default_size: int) -> bool:
    instruction = decode(iter(data).__next__, default_size)
    try:
        instruction.execute(Cpu(PhysicalMemory(4096), Ports()))
    except FaultRaised as raised:
        return raised.fault.row.mnemonic == "#UD"
    return False


def disagreements(samples: Iterable[bytes], default_size: int = 4) -> list[str]:
    found = []
    for data in samples:
        name, judgement = judged(data, default_size)
        answer = answered(data, default_size)
        if not agree(name, judgement, answer, data, default_size):
            found.append(f"{data.hex(' ')} {name}: judged {judgement}, answered {answer}")
    return found


PREFIXES = bytes.fromhex("66 67 26 2e 36 3e 64 65 f0 f2 f3")
ESCAPES = range(0xD8, 0xE0)


def opcodes() -> Iterator[bytes]:
    """All opcodes of one and two bytes, but for prefixes and coprocessor escapes."""
    for byte in range(256):
        if byte not in PREFIXES and byte not in ESCAPES and byte != 0x0F:
            yield bytes([byte])
    for byte in range(256):
        yield bytes([0x0F, byte])


@pytest.mark.parametrize("prefix", [b"", b"\x66", b"\x67", b"\x66\x67"], ids=["none", "66", "67", "66-67"])
def test_all_opcodes_with_every_modrm(prefix: bytes) -> None:
    samples = (prefix + opcode + bytes([modrm]) + TAIL for opcode in opcodes() for modrm in range(256))
    assert disagreements(samples) == []


@pytest.mark.parametrize("prefix", [b"", b"\x66", b"\x67", b"\x66\x67"], ids=["none", "66", "67", "66-67"])
def test_all_opcodes_in_16_bit_code(prefix: bytes) -> None:
    modrms = [mod << 6 | reg << 3 | rm for mod in range(4) for reg in range(8) for rm in (3, 4, 6)]
    samples = (prefix + opcode + bytes([modrm]) + TAIL for opcode in opcodes() for modrm in modrms)
    assert disagreements(samples, 2) == []


@pytest.mark.parametrize("opcode", ["8b", "00", "8d", "81", "ff", "0fb6", "0fbb"])
def test_every_sib_byte_behind_every_modrm_that_has_one(opcode: str) -> None:
    modrms = [mod << 6 | reg << 3 | 4 for mod in range(3) for reg in range(8)]
    samples = (bytes.fromhex(opcode) + bytes([modrm, sib]) + TAIL for modrm in modrms for sib in range(256))
    assert disagreements(samples) == []


@pytest.mark.parametrize("segment", [b"\x26", b"\x2e", b"\x36", b"\x3e", b"\x64", b"\x65"], ids=bytes.hex)
def test_every_segment_override_with_all_addressing(segment: bytes) -> None:
    modrms = [mod << 6 | 3 << 3 | rm for mod in range(3) for rm in range(8)]
    samples = [segment + b"\x8b" + bytes([modrm]) + TAIL for modrm in modrms]
    samples += [b"\x67" + sample for sample in samples]
    strings_and_offsets = "a0 a1 a2 a3 a4 a5 a6 a7 aa ab ac ad ae af 6c 6d 6e 6f d7"
    samples += [segment + bytes([opcode]) + TAIL for opcode in bytes.fromhex(strings_and_offsets)]
    assert disagreements(samples) == []


@pytest.mark.parametrize("prefix", [b"", b"\x67", b"\x66", b"\x64"], ids=["none", "67", "66", "64"])
def test_coprocessor_escapes_have_the_length_and_the_memory_that_modrm_tells(prefix: bytes) -> None:
    for opcode in ESCAPES:
        for modrm in range(256):
            data = prefix + bytes([opcode, modrm]) + TAIL
            instruction = iced.Decoder(32, data, OPTIONS, ip=ADDRESS).decode()
            answer = answered(data)
            assert isinstance(answer, tuple), data.hex(" ")  # no escape is undefined: who answers decides
            if modrm >= 0xC0:
                assert answer[0] == len(prefix) + 2, data.hex(" ")
            elif not instruction.is_invalid:
                assert answer[0] == instruction.len, data.hex(" ")
                assert answer[1][-1][:-1] == judged_operand(instruction, "", 0)[:-1] or (
                    instruction.op0_kind == KINDS.REGISTER
                    and answer[1][-1][:-1] == judged_operand(instruction, "", 1)[:-1]
                ), data.hex(" ")


def random_samples(seed: int, count: int) -> Iterator[bytes]:
    """Random bytes, half of them behind some prefixes and half of those with an opcode of two bytes."""
    chance = random.Random(seed)
    for _ in range(count):
        prefixes = bytes(chance.choices(PREFIXES, k=chance.choice([0, 0, 1, 2, 3, 5])))
        opcode = chance.choice([b"", b"\x0f"]) + chance.randbytes(2)
        data = prefixes + opcode + chance.randbytes(12)
        if next(byte for byte in data if byte not in PREFIXES) not in ESCAPES:
            yield data


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_behind_random_prefixes(seed: int) -> None:
    assert disagreements(random_samples(seed, 10_000)) == []
    assert disagreements(random_samples(-1 - seed, 2_000), 2) == []


def test_more_than_fifteen_bytes_are_no_instruction_for_either() -> None:
    for length in range(13, 18):
        data = b"\x3e" * (length - 2) + b"\x89\x03"
        judgement, answer = judged(data + TAIL)[1], answered(data + TAIL)
        assert (judgement, answer) == ("#UD", "#GP") if length > 15 else judgement == answer
