"""GNU as as the judge: many statements in one call, or the sections of a whole file.

Both sides see every section at address 0, so that what as leaves to a linker can be done here: relocations against
symbols that the file itself defines are applied.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from elftools.elf.elffile import ELFFile

from pagefault_lab.assembler import assemble
from pagefault_lab.problem import Problems

BytesBetween: TypeAlias = Callable[[str, str], bytes]  # two labels

needs_as = pytest.mark.skipif(shutil.which("as") is None, reason="GNU as is not installed")


GOT32, PLT32, GOTOFF, GOTPC, GOT32X = 3, 4, 9, 10, 43
RELATIVE = (2, 21, 23, PLT32, GOTPC)


@dataclass
class Judgement:
    """What as made of a file. `refused` and `warned` hold its messages by line number."""

    sections: dict[str, bytes] = field(default_factory=dict)
    symbols: dict[str, int] = field(default_factory=dict)
    relocations: set[tuple[str, int, int, str]] = field(default_factory=set)  # section, offset, type, symbol
    refused: dict[int, str] = field(default_factory=dict)
    warned: dict[int, str] = field(default_factory=dict)


def judge(source: str, *options: str) -> Judgement:
    """The file as GNU as assembles it for the i386; nothing but messages if it refuses."""
    found = Judgement()
    with TemporaryDirectory() as folder:
        unit = Path(folder) / "unit.s"
        unit.write_text(source)
        command = ["as", "--32", *options, "-I", folder, "-o", str(unit.with_suffix(".o")), str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for line in done.stderr.splitlines():
            match = re.search(r"unit\.s:(\d+): (Error|Warning|Fatal error): (.*)", line)
            if match:
                messages = found.warned if match[2] == "Warning" else found.refused
                messages.setdefault(int(match[1]), match[3])
        if done.returncode == 0:
            _read_object(found, unit.with_suffix(".o").read_bytes())
        elif not found.refused:
            found.refused[0] = done.stderr
    return found


def _read_object(found: Judgement, contents: bytes) -> None:
    elf = ELFFile(BytesIO(contents))
    table = elf.get_section_by_name(".symtab")
    symbols = list(table.iter_symbols()) if table else []
    data: dict[int, bytearray] = {}
    slots: dict[str, int] = {}  # of the global offset table, which lies at 0 as everything does
    for number, section in enumerate(elf.iter_sections()):
        if section["sh_type"] == "SHT_NOBITS":
            found.sections[section.name] = bytes(section["sh_size"])
        elif section["sh_type"] not in ("SHT_SYMTAB", "SHT_STRTAB", "SHT_REL", "SHT_NULL", "SHT_GROUP"):
            data[number] = bytearray(section.data())
    for section in elf.iter_sections():
        if section["sh_type"] != "SHT_REL":
            continue
        target = data[section["sh_info"]]
        name = elf.get_section(section["sh_info"]).name
        for relocation in section.iter_relocations():
            symbol = symbols[relocation["r_info_sym"]]
            kind, offset = relocation["r_info_type"], relocation["r_offset"]
            size = {20: 2, 21: 2, 22: 1, 23: 1}.get(kind, 4)
            value = int.from_bytes(target[offset : offset + size], "little") + symbol["st_value"]
            if kind in (GOT32, GOT32X):
                value += slots.setdefault(symbol.name, 4 * len(slots)) - symbol["st_value"]
            elif symbol["st_shndx"] == "SHN_UNDEF" and symbol.name not in ("", "_GLOBAL_OFFSET_TABLE_"):
                found.relocations.add((name, offset, 1 if kind == GOTOFF else kind, symbol.name))
                continue
            if kind in RELATIVE:
                value -= offset
            target[offset : offset + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    for number, contents_ in data.items():
        found.sections[elf.get_section(number).name] = bytes(contents_)
    found.symbols = {symbol.name: symbol["st_value"] for symbol in symbols if symbol.name}


class AtZero(dict[str, int]):
    """A layout that puts every section at address 0."""

    def __init__(self, source: str) -> None:
        names = re.findall(r"\.(?:push)?section[ \t]+([^\s,;]+)", source)
        super().__init__({name.strip('"'): 0 for name in [".text", ".data", ".bss", ".got", *names]})


def ours(source: str) -> dict[str, bytes]:
    """The sections as we assemble them, with room of no contents as zeros."""
    program = assemble(source, layout=AtZero(source), allow_undefined=True)
    return {each.name: each.data or bytes(each.size) for each in program.sections}


def differences(source: str) -> list[str]:
    """What differs between as and us in the sections of one file; empty if nothing does."""
    judgement = judge(source)
    assert not judgement.refused, judgement.refused
    mine = ours(source)
    found: list[str] = []
    for name, expected in judgement.sections.items():
        if name.startswith((".note.GNU", ".comment", ".eh_frame", ".debug_", ".shstrtab")):
            continue
        got = mine.get(name, b"")
        if got != expected:
            place = next((i for i, pair in enumerate(zip(got, expected, strict=False)) if pair[0] != pair[1]), None)
            where = min(len(got), len(expected)) if place is None else place
            start = max(0, where - 8)
            found.append(
                f"{name} at {where:#x} of {len(expected):#x} (ours {len(got):#x}): "
                f"as {expected[start : where + 12].hex(' ')}, ours {got[start : where + 12].hex(' ')}"
            )
    return found


def statements_by_as(statements: list[str]) -> list[bytes | str]:
    """For each statement its bytes, or the message with which as refused it (warnings do not count)."""

    def assembled(source: str) -> tuple[dict[int, str], BytesBetween]:
        judgement = judge(source)
        text, symbols = judgement.sections.get(".text", b""), judgement.symbols
        return judgement.refused, lambda start, end: text[symbols[start] : symbols[end]]

    return _each_by(assembled, statements)


def statements_by_us(statements: list[str]) -> list[bytes | str]:
    """The same by us: bytes, or the sentence of the problem."""

    def assembled(source: str) -> tuple[dict[int, str], BytesBetween]:
        try:
            program = assemble(source, layout=AtZero(""), allow_undefined=True)
        except Problems as problems:
            return {problem.line: problem.sentence for problem in problems.problems if problem.line}, no_bytes
        symbols = program.symbols
        return {}, lambda start, end: program.data[symbols[start].value : symbols[end].value]

    return _each_by(assembled, statements)


def no_bytes(start: str, end: str) -> bytes:
    raise AssertionError("nothing was assembled")


def _each_by(
    assembled: Callable[[str], tuple[dict[int, str], BytesBetween]], statements: list[str]
) -> list[bytes | str]:
    """What an assembler makes of each statement: the messages of refused lines, or the bytes between two labels. What
    it refuses is left out, until it takes the rest."""
    results: list[bytes | str] = [""] * len(statements)
    wanted = list(range(len(statements)))
    while wanted:
        lines = [line for number in wanted for line in (f"S{number}: {statements[number]}", f"E{number}:")]
        refused, bytes_between = assembled("\n".join(lines) + "\n")
        if not refused:
            for number in wanted:
                results[number] = bytes_between(f"S{number}", f"E{number}")
            break
        bad = {(line - 1) // 2: message for line, message in refused.items()}
        for place, message in bad.items():
            results[wanted[place]] = message
        wanted = [number for place, number in enumerate(wanted) if place not in bad]
    return results
