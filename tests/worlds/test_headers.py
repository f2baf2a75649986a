"""The package's C headers, held against the guest kernel that they describe, by every compiler that is here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pagefault_lab.worlds import boot
from pagefault_lab.worlds.compiler import INCLUDE, compile_c
from pagefault_lab.worlds.elf import read_elf
from pagefault_lab.worlds.linking import Linked, Outside
from pagefault_lab.worlds.modules import errors

COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("gcc", "clang")
]
HEADERS = sorted(path.relative_to(INCLUDE).as_posix() for path in INCLUDE.rglob("*.h"))

# what C says, and the guest's own name for it
SAME = {
    "PAGE_OFFSET": "PAGE_OFFSET", "PAGE_SIZE": "PAGE_SIZE", "PAGE_MASK": "PAGE_MASK", "TASK_SIZE": "TASK_SIZE",
    "VMALLOC_START": "VMALLOC_START", "VMALLOC_END": "VMALLOC_END", "NR_TASKS": "NR_TASKS",
    "GFP_DMA": "GFP_DMA", "GFP_ATOMIC": "GFP_ATOMIC", "GFP_KERNEL": "GFP_KERNEL",
    "__KERNEL_CS": "KERNEL_CS", "__KERNEL_DS": "KERNEL_DS", "__USER_CS": "USER_CS", "__USER_DS": "USER_DS",
    "_PAGE_PRESENT": "PAGE_PRESENT", "_PAGE_RW": "PAGE_RW", "_PAGE_USER": "PAGE_USER",
    "_PAGE_ACCESSED": "PAGE_ACCESSED", "_PAGE_DIRTY": "PAGE_DIRTY",
    "offsetof(struct task_struct, pid)": "TASK_PID", "offsetof(struct task_struct, comm)": "TASK_COMM",
    "offsetof(struct task_struct, pgd)": "TASK_PGD",
    **{f"offsetof(struct pt_regs, {name})": f"PT_{name.upper()}"
       for name in ("ebx", "ecx", "edx", "esi", "edi", "ebp", "eax", "orig_eax", "eip", "eflags", "esp")},
    **{f"offsetof(struct pt_regs, x{name})": f"PT_{name.upper()}" for name in ("ds", "es", "cs", "ss")},
    "sizeof(struct pt_regs)": "PT_SIZE",
}  # fmt: skip
EVERYTHING = "".join(f"#include <{name}>\n" for name in HEADERS)


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CC", request.param)
    return str(request.param)


def longs_of(source: str, folder: Path) -> list[int]:
    """The numbers of the only data that a C source has."""
    file = folder / "source.c"
    file.write_text(source)
    compiled = compile_c(file)
    assert not compiled.warnings
    linked = Linked([read_elf(compiled.data, "source.o")], Outside({}, {}))
    data = bytes(linked.at(0))[linked.names()["found"].number :]
    return [int.from_bytes(data[place : place + 4], "little") for place in range(0, len(data), 4)]


def test_numbers_and_layouts_are_the_guests(compiler: str, tmp_path: Path) -> None:
    guest = boot("linux")[1].symbols
    found = longs_of(f"{EVERYTHING}\nconst unsigned long found[] = {{ {', '.join(SAME)} }};\n", tmp_path)
    assert dict(zip(SAME, found, strict=False)) == {said: guest[name] for said, name in SAME.items()}


def test_errors_have_the_guests_numbers() -> None:
    guest = boot("linux")[1]
    known = {name: number for number, (name, _) in errors().items()}
    theirs = {name: guest.symbols[name] for name in guest.constants if name.startswith("E") and name.isupper()}
    theirs = {name: number for name, number in theirs.items() if "_" not in name}
    assert {"ENOMEM", "EEXIST", "EINVAL", "ENOSYS"} <= theirs.keys()
    assert {name: known.get(name) for name in theirs} == theirs


def test_every_function_and_variable_they_declare_is_exported(compiler: str, tmp_path: Path) -> None:
    uses = """
void *found[] = {
        printk, panic, memcpy, memmove, memset, memcmp, strlen, strcmp, __get_free_pages, __get_free_page,
        get_free_page, get_zeroed_page, free_pages, free_page, vmalloc, vfree, vmalloc_sync_all, swapper_pg_dir,
        &current, task, (void *)&jiffies, idt_table, gdt_table, &idt_descr,
};
"""
    file = tmp_path / "uses.c"
    file.write_text(EVERYTHING + uses)
    found = read_elf(compile_c(file).data, "uses.o")
    world = boot("linux")[1]
    Linked([found], Outside({name: world.symbols[name] for name in world.exports}, {}))


@pytest.mark.parametrize("header", HEADERS)
def test_every_header_stands_alone_and_warns_of_nothing(header: str, compiler: str, tmp_path: Path) -> None:
    file = tmp_path / "alone.c"
    file.write_text(f"#include <{header}>\n#include <{header}>\n")
    for optimization in ("-O0", "-O2"):
        assert not compile_c(file, optimization).warnings


def test_a_pointer_to_an_idt_is_six_bytes_as_lidt_wants_it(compiler: str, tmp_path: Path) -> None:
    sizes = "sizeof(struct Xgt_desc_struct), offsetof(struct Xgt_desc_struct, address), sizeof(struct desc_struct)"
    assert longs_of(f"{EVERYTHING}\nconst unsigned long found[] = {{ {sizes} }};\n", tmp_path)[:3] == [6, 2, 8]
