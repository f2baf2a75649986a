from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import ModuleFile, ModuleWord
from pagefault_lab.lab import modules
from pagefault_lab.lab.formats import Setting
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("insmod", group="code")
def insmod(session: Session, file: ModuleFile, *more: ModuleWord) -> Iterator[object]:
    """Load a kernel module: link FILEs against what the kernel exports, and let the guest kernel start it.

      insmod lecture.s         insmod a.s b.c c.o
      insmod -O0 lecture.c     insmod blink.c times=3 text="on"
      insmod step lecture.s    only to the first instruction of init_module

    .s is assembled here, .c compiled by gcc or clang (CC; -O2 unless said otherwise), .o is i386 ELF. A file that is
    not in this folder is looked for among the lessons. The module's name is that of the first file; its init_module is
    called at CPL 0, and the module stays if that returns 0. NAME=VALUE sets a variable that MODULE_PARM declares, in
    assembly any.
    """
    words = (file, *more)
    files = [word for word in words if isinstance(word, Path)]
    if not files:
        raise Problem("no file is given", "insmod lecture.s")
    settings = {word.name: word.value for word in words if isinstance(word, Setting)}
    options = [word for word in words if isinstance(word, str)]
    optimization = next((word for word in reversed(options) if word.startswith("-O")), "-O2")
    yield from modules.insmod(session, files, settings, optimization, step="step" in options)
