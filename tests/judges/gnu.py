"""GNU as and ld as judges: what a source means, in bytes and symbols."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


def is_installed() -> bool:
    return all(shutil.which(tool) for tool in ("as", "ld", "objcopy", "nm"))


@dataclass(frozen=True)
class Linked:
    """A source assembled and linked: a flat file with .text and .data, where it belongs, and its symbols."""

    image: Path
    base: int
    symbols: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.symbols[name]


def link(source: Path, base: int, folder: Path) -> Linked:
    """Assemble as i386 and link at `base`; a warning of as is an error."""
    unit, program, image = folder / "unit.o", folder / "program.elf", folder / "image.bin"
    _run("as", "--32", "--fatal-warnings", "-I", source.parent, "-o", unit, source)
    _run("ld", "-m", "elf_i386", "-N", "-Ttext", hex(base), "-e", hex(base), "-o", program, unit)
    _run("objcopy", "-O", "binary", "-j", ".text", "-j", ".data", program, image)
    symbols = {name: int(value, 16) for value, _, name in map(str.split, _run("nm", program).splitlines())}
    return Linked(image, base, symbols)


def assemble(text: str, base: int, folder: Path) -> bytes:
    """The bytes of a few lines that will lie at `base`."""
    source = folder / "lines.s"
    source.write_text(text + "\n")
    return link(source, base, folder).image.read_bytes()


def _run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout
