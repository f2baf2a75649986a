"""The lecture's module in its forms, and a table of faults."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from benches import do, only, value

from pagefault_lab.lab import kernel_log, tables
from pagefault_lab.lab.modules import ModuleLoaded
from pagefault_lab.lab.session import Session

LESSONS = Path(__file__).parents[2] / "lessons"
TASK_SIZE = 0xC0000000


class Form(NamedTuple):
    """One form of the module: the words for insmod, and the compiler that they need, if any."""

    words: str
    compiler: str = ""

    def insmod(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """What insmod yields. Without the compiler the test is skipped."""
        if self.compiler:
            if shutil.which(self.compiler) is None:
                pytest.skip(f"{self.compiler} is not installed")
            monkeypatch.setenv("CC", self.compiler)
        return do(session, f"insmod {self.words}")

    def load(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> str:
        """Load it, and give the module's name."""
        loaded: ModuleLoaded = only(ModuleLoaded, self.insmod(session, monkeypatch))
        return loaded.name


FORMS = (
    Form("lecture.s"),
    *(Form(f"{level} lecture.c", compiler) for compiler in ("gcc", "clang") for level in ("-O0", "-O2")),
    *(Form("lecture-two.s lecture-two.c", compiler) for compiler in ("gcc", "clang")),
)
PUBLISHED = Form("lecture-as-published.s")


def forms(*others: Form) -> pytest.MarkDecorator:
    """A test of every good form, and of these others."""
    return pytest.mark.parametrize(
        "form", [pytest.param(form, id=f"{form.words} {form.compiler}".strip()) for form in (*FORMS, *others)]
    )


class Typed(NamedTuple):
    """Lines, and what the module logs of the faults that they cause; an expression in braces is an address."""

    lines: tuple[str, ...]
    logged: tuple[str, ...]


# Each cause that there can be, of data and of fetches. A fault that nothing can repair starts the task anew.
FAULTS = (
    Typed(("movl user_heap,%eax", "c"), ("    1 hello[1] cr2=0804c000 eip=08030000 ura",)),
    Typed(("movl %eax,user_heap+0x1000", "c"), ("    2 hello[1] cr2=0804d000 eip=08030005 uwa",)),
    Typed(("incl user_heap+0x2000", "c"), ("    3 hello[1] cr2=0804e000 eip=0803000a uwa",)),
    # fork makes the pages read-only until one of the two tasks writes
    Typed(("movl $2,%eax", "int $0x80", "c"), ()),
    Typed(("movl %eax,counter", "c"), ("    4 hello[1] cr2=0804a000 eip=08030017 uwp",)),
    Typed(("movl %eax,user_rodata", "c"), ("    5 hello[1] cr2=08049000 eip=0803001c uwp",)),
    Typed(("movl _text,%eax", "c"), ("    6 hello[1] cr2=c0100000 eip=08030021 urp",)),
    Typed(("jmp user_hole", "c"), ("    7 hello[1] cr2=08050000 eip=08050000 ura x",)),
    Typed(("jmp _text", "c"), ("    8 hello[1] cr2=c0100000 eip=c0100000 urp x",)),
    # an instruction whose fetch reaches into the next page, which is absent: CR2 is not EIP
    Typed(
        ("movb $0xE9,user_heap+0xFFF", "c", "jmp user_heap+0xFFF", "tb user_heap+0x1004", "c"),
        ("    9 hello[1] cr2=0804cfff eip=08030030 uwa", "   10 hello[1] cr2=0804d000 eip=0804cfff ura"),
    ),
    Typed(("kernel", "movl user_heap+0x2000,%eax", "c"), ("   11 hello[1] cr2=0804e000 eip={kernel_scratch} sra",)),
    Typed(("movl %eax,user_heap+0x3000", "c"), ("   12 hello[1] cr2=0804f000 eip={kernel_scratch+5} swa",)),
    # srp cannot happen: what is present, the supervisor may read, and without SMEP execute
    Typed(("movl user_rodata,%eax",), ()),
    Typed(("movb $0xC3,user_scratch+0x800", "call user_scratch+0x800", "c"), ()),
    Typed(("user", "movl $2,%eax", "int $0x80", "c", "kernel"), ()),
    Typed(("movl %eax,counter", "c"), ("   13 hello[1] cr2=0804a000 eip={kernel_scratch+27} swp",)),
    Typed(("movl %eax,idt_alias", "c"), ("   14 hello[1] cr2={idt_alias} eip={kernel_scratch+32} swp",)),
    # the Oops tries to show the code at EIP
    Typed(
        ("kernel", "jmp user_hole", "c"),
        ("   15 hello[1] cr2=08050000 eip=08050000 sra x", "   16 hello[1] cr2=08050000 eip={probe_byte_load} sra"),
    ),
)
CAUSES = {"sra", "swa", "swp", "ura", "urp", "uwa", "uwp", "sra x", "ura x", "urp x"}


def expected(session: Session, lines: Iterable[str]) -> list[str]:
    """The lines with their addresses in this kernel."""
    return [re.sub(r"{(.*?)}", lambda match: f"{value(session, match[1]):08x}", line) for line in lines]


def logged(session: Session) -> list[str]:
    """The module's lines in the kernel's log."""
    log = session.world.log
    assert log is not None
    return re.findall(r"[ \d]{5} \w+\[\d+\] cr2=.*", kernel_log.read(session.machine, log).text)


def effects(session: Session) -> tuple[Any, ...]:
    """What a fault may change for the task: its registers, and its pages with their rights and contents.

    Left out is which frames the pages have, of which a module takes some, and the page of the system calls that insmod
    has made.
    """
    machine, calls = session.machine, session.world.user_calls
    cpu = machine.cpu
    registers = (*cpu.registers, cpu.eip, cpu.eflags, *(segment.selector for segment in cpu.segments), cpu.cr2)
    pages = {
        page.linear: (page.rights, page.accessed, page.dirty, sha256(machine.memory.read_bytes(page.physical, 4096)))
        for page in tables.pages(machine)
        if page.linear < TASK_SIZE and calls is not None and page.linear != calls.start & ~4095
    }
    return registers, {linear: (*rights, contents.hexdigest()) for linear, (*rights, contents) in pages.items()}


def script(name: str) -> list[str]:
    """The lines of a lesson that are executed."""
    lines = (LESSONS / name).read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]
