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
    """A source assembled and linked: as ELF, as a flat file, where that belongs, and its symbols."""

    program: Path
    image: Path
    base: int
    symbols: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.symbols[name]


def link(source: Path, base: int, folder: Path, outside: Linked | None = None) -> Linked:
    """Assemble as i386 and link at `base`, to .text and .data; a warning of as is an error.

    What the source does not define may be a symbol of `outside`. The image of such a part has its .bss in it, too.
    """
    unit, program, image = folder / "unit.o", folder / "program.elf", folder / "image.bin"
    _run("as", "--32", "--fatal-warnings", "-I", source.parent, "-o", unit, source)
    known = () if outside is None else ("--just-symbols", outside.program)
    _run("ld", "-m", "elf_i386", "-N", "-Ttext", hex(base), "-e", hex(base), *known, "-o", program, unit)
    bss = () if outside is None else ("-j", ".bss", "--set-section-flags", ".bss=alloc,load,contents")
    _run("objcopy", "-O", "binary", "-j", ".text", "-j", ".data", *bss, program, image)
    symbols = {name: int(value, 16) for value, _, name in map(str.split, _run("nm", program).splitlines())}
    return Linked(program, image, base, symbols)


def assemble(text: str, base: int, folder: Path) -> bytes:
    """The bytes of a few lines that will lie at `base`."""
    source = folder / "lines.s"
    source.write_text(text + "\n")
    return link(source, base, folder).image.read_bytes()


def _run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
    return done.stdout
