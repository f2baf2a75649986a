"""Nothing is missing: iced-x86's list of the 486's integer instructions against the table and the disassembler.

The list is an outsider's, so that an instruction forgotten in our table is not forgotten in its test as well.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from pagefault_lab.assembler.disassembler import PREFIXES, disassemble
from pagefault_lab.machine.decoder import Instruction, decode

iced = pytest.importorskip("iced_x86", reason="iced-x86's list of instructions is what coverage is counted against")

FEATURES_OF_A_486 = {"INTEL8086", "INTEL186", "INTEL286", "INTEL386", "INTEL486", "MOV_TR"}

NOT_IN_THE_TABLE = {
    "UD0": "its only meaning is #UD, as of everything that is not in the table",
    "UD0_R16_RM16": "the same",
    "UD0_R32_RM32": "the same",
    "UD1_R16_RM16": "the same",
    "UD1_R32_RM32": "the same",
}
# in the table, but without a text that GNU as turns into these bytes
ONLY_AS_BYTES = {
    **{
        f"{name}_RM8_IMM8_82": "another opcode of 80; as writes 80"
        for name in ("ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP")
    },
    **{f"SAL_RM{operands}": "another digit of SHL; as writes /4" for operands in (
        "8_1", "16_1", "32_1", "8_CL", "16_CL", "32_CL", "8_IMM8", "16_IMM8", "32_IMM8",
    )},
    "TEST_RM8_IMM8_F6R1": "another digit of TEST; as writes /0",
    "TEST_RM16_IMM16_F7R1": "the same",
    "TEST_RM32_IMM32_F7R1": "the same",
    **{
        f"{name}_REL8_16{counter}": "as drops the operand size before these"
        for name, counter in (
            ("LOOP", "_CX"), ("LOOP", "_ECX"), ("LOOPE", "_CX"), ("LOOPE", "_ECX"), ("LOOPNE", "_CX"),
            ("LOOPNE", "_ECX"), ("JCXZ", ""), ("JECXZ", ""),
        )
    },
    "SALC": "as has no name for it",
}  # fmt: skip


def names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


@cache
def instructions_of_a_486() -> frozenset[str]:
    """iced's names of all that may stand in 32-bit code."""
    features, found = names(iced.CpuidFeature), set()
    for code, name in names(iced.Code).items():
        instruction, row = iced.Instruction(), iced.OpCodeInfo(code)
        instruction.code = code
        known = {features[feature] for feature in instruction.cpuid_features()} <= FEATURES_OF_A_486
        if row.is_instruction and row.mode32 and row.encoding == iced.EncodingKind.LEGACY and known:
            found.add(name)
    return frozenset(found)


@cache
def samples() -> dict[str, bytes]:
    """Bytes of each of them, as iced reads them: such as have a text, if any have."""
    codes = names(iced.Code)
    found: dict[str, bytes] = {}
    first_bytes = [bytes([byte]) for byte in range(256) if byte != 0x0F and byte not in PREFIXES]
    modrms = [mod | reg << 3 | 3 for mod in (0x00, 0xC0) for reg in range(8)]
    for opcode in first_bytes + [bytes([0x0F, byte]) for byte in range(256)]:
        for prefix in (b"", b"\x66", b"\x67", b"\x66\x67"):
            for modrm in modrms:
                data = prefix + opcode + bytes([modrm]) + bytes.fromhex("11 22 33 44 55 66 77 18")
                instruction = iced.Decoder(32, data, iced.DecoderOptions.MOV_TR).decode()
                name = codes[instruction.code]
                if name not in found or disassemble(found[name]).mnemonic == ".byte":
                    found[name] = data[: instruction.len]
    return {name: found[name] for name in sorted(instructions_of_a_486()) if name in found}


def decoded(data: bytes) -> Instruction:
    return decode(iter(data).__next__, 4)


def test_the_list_is_as_long_as_the_manual_lets_expect() -> None:
    assert len(instructions_of_a_486()) > 590
    assert instructions_of_a_486() - set(samples()) == {"UD0"}  # which iced knows with ModRM, too, and so reads


def test_every_instruction_of_a_486_is_in_the_table() -> None:
    for name, data in samples().items():
        if name not in NOT_IN_THE_TABLE:
            instruction = decoded(data)
            assert instruction.bytes == data, name
            assert callable(instruction.form.function), name


@pytest.mark.skipif(shutil.which("as") is None, reason="GNU as is the judge of the text")
def test_every_instruction_of_a_486_has_a_text_that_as_turns_into_it(tmp_path: Path) -> None:
    texts = {name: disassemble(data) for name, data in samples().items() if name not in NOT_IN_THE_TABLE}
    assert {name for name, line in texts.items() if line.mnemonic == ".byte"} == set(ONLY_AS_BYTES)
    # a branch to an absolute address as one to a distance, as each text is written as if at address 0
    lines = [re.sub(r"(\b(?:j\w+|call|loop\w*)) (0x\w+)$", r"\1 . + \2", line.text) for line in texts.values()]
    (tmp_path / "all.s").write_text("\n".join([*lines, ""]))
    subprocess.run(["as", "--32", "-o", "all.o", "all.s"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", "all.o", "all"], cwd=tmp_path, check=True)
    assert (tmp_path / "all").read_bytes() == b"".join(line.bytes for line in texts.values())
