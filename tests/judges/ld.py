"""GNU ld as a judge of linking: it is told where each section of each object lies, and asked for the bytes there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile


def is_installed() -> bool:
    return all(shutil.which(tool) for tool in ("as", "ld", "objcopy"))


def assemble(source: str, target: Path) -> Path:
    """The object that GNU as makes of a text."""
    file = target.with_suffix(".s")
    file.write_text(source)
    done = subprocess.run(["as", "--32", "-o", str(target), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def link(
    files: Sequence[Path],
    places: Mapping[tuple[int, str], int],
    commons: Mapping[str, int],
    outside: Mapping[str, int],
    folder: Path,
) -> dict[int, bytes]:
    """By address the contents of the sections, which lie where `places` says of (number of the file, name).

    Common blocks lie where `commons` says. Equal strings stay apart: ld would merge them, and move what is behind.
    """
    apart = []
    for number, file in enumerate(files):
        copy = folder / f"{number}.o"
        merged = {".rodata.str1.1", ".rodata.str1.4", ".rodata.cst4", ".rodata.cst8", ".rodata.cst16"}
        flags = [f"--set-section-flags={name}=alloc,readonly,data,contents" for name in merged]
        subprocess.run(["objcopy", *flags, str(file), str(copy)], check=True)
        apart.append(copy)
    statements = [
        f".placed{place:x} {place:#x} : {{ {apart[number]}({name}) }}" for (number, name), place in places.items()
    ]
    symbols = [f"{name} = {value:#x};" for name, value in [*outside.items(), *commons.items()]]
    script = folder / "script.ld"
    script.write_text("\n".join(["SECTIONS {", *statements, "/DISCARD/ : { *(*) }", "}", *symbols]))
    program = folder / "program.elf"
    command = ["ld", "-m", "elf_i386", "-T", str(script), "-e", "0", "-o", str(program), *map(str, apart)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with program.open("rb") as stream:
        sections = [each for each in ELFFile(stream).iter_sections() if each.name.startswith(".placed")]
        return {each["sh_addr"]: each.data() for each in sections}
