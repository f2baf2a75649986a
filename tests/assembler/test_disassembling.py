"""The disassembler's text: as a reader expects it, and turned by GNU as into the very same bytes."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagefault_lab.assembler import assemble_line
from pagefault_lab.assembler.disassembler import PREFIXES, Line, disassemble, listing, text_of
from pagefault_lab.machine.decoder import decode
from pagefault_lab.machine.instructions import forms

ADDRESS = 0x8000  # in the middle of what a 16-bit branch can reach

needs_gnu_as = pytest.mark.skipif(shutil.which("as") is None, reason="GNU as is the judge of the text")
needs_objdump = pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is the judge of the text")


def line_of(code: str, address: int = ADDRESS, default_size: int = 4) -> Line:
    return disassemble(bytes.fromhex(code), address, default_size)


# --- the text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("8903", "movl %eax,(%ebx)"),
        ("1e", "pushl %ds"),
        ("60", "pushal"),
        ("eb00", "jmp 0x8002"),
        ("6a10", "pushl $0x10"),
        ("83c0ff", "addl $0xffffffff,%eax"),
        ("8b45fc", "movl -0x4(%ebp),%eax"),
        ("8d4c5808", "leal 0x8(%eax,%ebx,2),%ecx"),
        ("648b1d34120000", "movl %fs:0x1234,%ebx"),
        ("a178563412", "movl 0x12345678,%eax"),
        ("ff2578563412", "jmp *0x12345678"),
        ("66ffe0", "jmpw *%ax"),
        ("ec", "inb (%dx),%al"),
        ("f3a5", "rep movsl %ds:(%esi),%es:(%edi)"),
        ("f2ae", "repnz scasb %es:(%edi),%al"),
        ("f0010b", "lock addl %ecx,(%ebx)"),
        ("0fb603", "movzbl (%ebx),%eax"),
        ("0f20c0", "movl %cr0,%eax"),
        ("9a1000000005 00", "lcall $0x5,$0x10"),
        ("678b1e3412", "addr16 movl 0x1234,%ebx"),
        ("678b4002", "movl 0x2(%bx,%si),%eax"),
        # a choice that a pseudo prefix asks for
        ("8bd8", "{load} movl %eax,%ebx"),
        ("894300", "{disp8} movl %eax,0x0(%ebx)"),
        ("894500", "movl %eax,0x0(%ebp)"),
        ("898304000000", "{disp32} movl %eax,0x4(%ebx)"),
        ("67898702 00", "{disp16} movl %eax,0x2(%bx)"),
        ("e900000000", "{disp32} jmp 0x8005"),
        # prefixes without effect
        ("3e8903", "ds movl %eax,(%ebx)"),
        ("3e90", "ds nop"),
        ("6688c3", "data16 movb %al,%bl"),
        ("667400", "data16 je 0x8003"),
        # what no text asks for
        ("89 0420", ".byte 0x89,0x4,0x20  # movl %eax,(%eax)"),
        ("8b0578563412", ".byte 0x8b,0x5,0x78,0x56,0x34,0x12  # movl 0x12345678,%eax"),
        ("c7c005000000", ".byte 0xc7,0xc0,0x5,0x0,0x0,0x0  # movl $0x5,%eax"),
        ("d6", ".byte 0xd6  # salc"),
        ("cd03", ".byte 0xcd,0x3  # int $0x3"),
        ("d9fe", ".byte 0xd9,0xfe  # esc %st(6)"),
        ("f38903", ".byte 0xf3,0x89,0x3  # repz movl %eax,(%ebx)"),
        # no instruction
        ("0fff", ".byte 0xf"),
        ("e9", ".byte 0xe9"),
        ("f090", ".byte 0xf0"),
    ],
)
def test_bytes_become_the_text_that_a_teacher_writes(code: str, text: str) -> None:
    assert line_of(code).text == text


def test_the_symbol_of_an_address_stands_behind_the_text_and_is_no_part_of_it() -> None:
    def symbols(address: int) -> str | None:
        return f"handler+{address - 0x1230}" if address >= 0x1230 else None

    line = disassemble(bytes.fromhex("eb02"), 0x1230, symbols=symbols)
    assert (line.text, line.reference, line.symbol) == ("jmp 0x1234", 0x1234, "handler+4")
    assert line.annotated == "jmp 0x1234 <handler+4>"
    instruction = decode(iter(bytes.fromhex("ff0534120000")).__next__, 4)
    assert text_of(instruction, 0, symbols) == "incl 0x1234 <handler+4>"
    assert text_of(instruction, 0) == "incl 0x1234"


def test_a_listing_goes_on_behind_a_byte_that_is_no_instruction() -> None:
    lines = list(listing(bytes.fromhex("90 0fff 8903"), 0x1000))
    assert [(line.address, line.length, line.text) for line in lines] == [
        (0x1000, 1, "nop"),
        (0x1001, 1, ".byte 0xf"),
        (0x1002, 1, ".byte 0xff"),
        (0x1003, 2, "movl %eax,(%ebx)"),
    ]


@given(st.binary(min_size=1, max_size=40), st.sampled_from([2, 4]))
def test_a_listing_of_any_bytes_has_all_of_them_in_order(data: bytes, default_size: int) -> None:
    lines = list(listing(data, 0xFFFFFFF0, default_size=default_size))
    assert b"".join(line.bytes for line in lines) == data
    assert all(line.text for line in lines)


# --- GNU as turns the text into the same bytes


def assembled(texts: Iterable[str], folder: Path, default_size: int = 4) -> bytes:
    """What `as --32` makes of the texts, all written as if at ADDRESS."""
    source, target = folder / "text.s", folder / "text.o"
    lines = [re.sub(r"^([^#*$%(]*\b(?:j\w+|call|loop\w*) )(0x\w+)$", relative, text) for text in texts]
    source.write_text("\n".join([".code16" if default_size == 2 else ".code32", *lines, ""]))
    run = subprocess.run(["as", "--32", "-o", target, source], capture_output=True, text=True, check=False)
    complaints = [
        f"{complaint}: {lines[int(complaint.split(':')[1]) - 2]}"
        for complaint in run.stderr.splitlines()
        if re.search(r":\d+: Error", complaint)
    ]
    assert not complaints, "\n".join(complaints[:20])
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", target, folder / "text.bin"], check=True)
    return (folder / "text.bin").read_bytes()


def relative(match: re.Match[str]) -> str:
    """A branch to an absolute address, as one to a distance from here, where as does not place the text."""
    distance = int(match[2], 16) - ADDRESS
    return f"{match[1]}. + {(distance + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000}"


def differences(samples: list[bytes], folder: Path, default_size: int = 4) -> list[str]:
    """Those samples that as does not give back, with their text and what as makes of it."""
    texts = [disassemble(sample, ADDRESS, default_size).text for sample in samples]
    if assembled(texts, folder, default_size) == b"".join(samples):
        return []
    found = []
    for sample, text in zip(samples, texts, strict=True):
        made = assembled([text], folder, default_size)
        if made != sample:
            found.append(f"{sample.hex(' ')}: {text}: {made.hex(' ')}")
            if len(found) == 20:
                break
    return found


def random_instructions(seed: int, count: int, default_size: int = 4) -> list[bytes]:
    """Instructions of every form in the table, with random ModRM, SIB, displacement, immediate and some prefixes."""
    chance = random.Random(seed)
    found: list[bytes] = []
    while len(found) < count:
        for form in forms():
            opcode = bytearray(form.opcode)
            if form.plus_register:
                opcode[-1] += chance.randrange(8)
            prefixes = bytes(chance.choices(bytes(PREFIXES), k=chance.choice([0, 0, 0, 1, 1, 2])))
            rest = bytearray(chance.choice([chance.randbytes(12), bytes(12), bytes([chance.randrange(256)] * 12)]))
            if form.modrm:
                digit = chance.randrange(8) if form.digit is None else form.digit
                rest[0] = chance.randrange(256) & 0xC7 | digit << 3
            line = disassemble(prefixes + bytes(opcode) + bytes(rest), ADDRESS, default_size)
            if line.mnemonic != ".byte" or line.comment:
                found.append(line.bytes)
    return found


@needs_gnu_as
@pytest.mark.parametrize("seed", range(4))
def test_as_turns_the_text_of_any_instruction_into_the_same_bytes(seed: int, tmp_path: Path) -> None:
    assert differences(random_instructions(seed, 4000), tmp_path) == []


@needs_gnu_as
def test_as_turns_the_text_of_16_bit_code_into_the_same_bytes(tmp_path: Path) -> None:
    assert differences(random_instructions(0, 4000, 2), tmp_path, 2) == []


# --- and so does our own assembler


@pytest.mark.parametrize("seed", range(2))
def test_our_assembler_turns_the_text_into_the_same_bytes(seed: int) -> None:
    for sample in random_instructions(seed, 2000):
        text = disassemble(sample, ADDRESS).text
        assert assemble_line(text, ADDRESS).data == sample, f"{sample.hex(' ')}: {text}"
    for sample in random_instructions(seed, 1000, 2):
        text = disassemble(sample, ADDRESS, 2).text
        assert assemble_line(f".code16\n{text}", ADDRESS).data == sample, f"{sample.hex(' ')}: {text}"


# --- objdump reads the same

OPTIONAL_SUFFIX = re.compile(r"\b((?:l?jmp|l?call|l?ret|iret|enter|leave|loopn?e?|bswap)l|(?:sldt|str|smsw)w)\b")
MODERN = ("tzcnt", "lzcnt", "bnd", "notrack", "pause")  # what a later processor makes of a prefix without effect


def with_optional_suffixes_left_out(text: str) -> str:
    return OPTIONAL_SUFFIX.sub(lambda match: match[1][:-1], text)


def objdump_lines(samples: list[bytes], folder: Path) -> dict[int, str]:
    """objdump's text by address, of the samples one behind the other from address 0."""
    file = folder / "samples"
    file.write_bytes(b"".join(samples))
    command = ["objdump", "-D", "-b", "binary", "-m", "i386", "-M", "suffix", "-w", "--no-show-raw-insn", str(file)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^ *([0-9a-f]+):\t(.*)$", output, re.MULTILINE)
    # %db7 is an old name of %dr7; as does not take movzww
    modern = {"%db": "%dr", "movzww": "movzxw", "movsww": "movsxw"}
    names = re.compile("|".join(modern))
    return {
        int(address, 16): names.sub(lambda name: modern[name[0]], " ".join(text.split())) for address, text in lines
    }


@needs_objdump
@pytest.mark.parametrize("seed", range(2))
def test_objdump_prints_the_same_but_for_suffixes_that_nobody_writes(seed: int, tmp_path: Path) -> None:
    written = re.compile(r"(rep\w* |lock )?\w+$")  # no pseudo prefix, no prefix without effect, no .byte
    samples = [sample for sample in random_instructions(seed, 6000) if written.match(disassemble(sample).mnemonic)]
    samples = [sample for sample in samples if sample != b"\x9b"]  # FWAIT: objdump reads FINIT and others with it
    theirs = objdump_lines(samples, tmp_path)
    address = 0
    for sample in samples:
        ours = disassemble(sample, address).text
        if sample.lstrip(bytes(PREFIXES))[0] in (0xD0, 0xD1):
            ours = ours.replace("$0x1,", "")  # a shift by one, which objdump leaves out
        if not theirs[address].startswith(MODERN):
            assert with_optional_suffixes_left_out(ours) == with_optional_suffixes_left_out(theirs[address])
        address += len(sample)
