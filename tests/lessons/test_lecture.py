"""The lecture's module: in assembly and in C, at every level and by every compiler, the same lines and effects."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from benches import do, only, value
from judges import gnu
from lecture import CAUSES, FAULTS, FORMS, LESSONS, PUBLISHED, Form, effects, expected, forms, logged

from pagefault_lab.lab import peeking
from pagefault_lab.lab.modules import ModuleFailed
from pagefault_lab.lab.results import Disassembly, Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.registers import DS, ES, ESP

IDT_SIZE = 256 * 8
DMA_END = 0xC1000000


def idt(session: Session) -> bytes:
    """All gates of the table that IDTR points to."""
    return peeking.read_bytes(session.machine, session.machine.cpu.idtr.base, IDT_SIZE)


def users(session: Session, page: int) -> int:
    """How many the kernel believes to use a page, by its linear address."""
    return value(session, f"u8[mem_map + ({page} - 0xC0000000 >> 12)]")


# ---- Start and stop


@forms(PUBLISHED)
def test_init_module_activates_a_copy_with_another_gate_14(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, old = idt(linux), linux.machine.cpu.idtr
    form.load(linux, monkeypatch)
    base, limit = linux.machine.cpu.idtr.base, linux.machine.cpu.idtr.limit
    assert limit == old.limit == IDT_SIZE - 1
    assert base % 4096 == 0
    assert 0xC0000000 < base < DMA_END
    assert users(linux, base) == 1
    assert idt(linux)[: 14 * 8] + idt(linux)[15 * 8 :] == before[: 14 * 8] + before[15 * 8 :]
    assert value(linux, "idt(14).offset") == value(linux, "isr0x0E")
    assert value(linux, "idt(14).selector") == 0x10
    assert peeking.read_bytes(linux.machine, old.base, IDT_SIZE) == before  # the table that exists is left alone
    assert value(linux, "[old_isr]") == value(linux, "page_fault")
    for name, table in (("oldidtr", old.base), ("newidtr", base)):
        assert value(linux, f"u16[{name}]") == IDT_SIZE - 1
        assert value(linux, f"u16[{name}+2] | u16[{name}+4] << 16") == table


@forms()
def test_the_gate_is_an_interrupt_gate_that_no_user_may_call(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    assert value(linux, "u16[idtr.base + 14*8 + 4]") == 0x8E00
    do(linux, "int $14")
    assert value(linux, "fault.vector") == 13
    assert value(linux, "fault.error") == 14 * 8 + 2
    assert logged(linux) == []


@forms(PUBLISHED)
def test_cleanup_module_restores_idtr_and_frees_the_page(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = linux.machine.cpu.idtr
    name = form.load(linux, monkeypatch)
    page = linux.machine.cpu.idtr.base
    do(linux, "movl user_heap,%eax", "c", f"rmmod {name}")
    assert linux.machine.cpu.idtr == old
    assert users(linux, page) == 0
    do(linux, "movl user_heap+0x1000,%eax")
    assert value(linux, "$eip") == value(linux, "page_fault")
    do(linux, "c")
    assert len(logged(linux)) == 1


@forms(PUBLISHED)
def test_the_old_idt_is_active_before_the_page_is_freed(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = linux.machine.cpu.idtr
    name = form.load(linux, monkeypatch)
    page = linux.machine.cpu.idtr.base
    do(linux, "tb free_page", f"rmmod {name}")
    assert value(linux, "$eip") == value(linux, "free_page")
    assert value(linux, "[$esp+4]") == page
    assert linux.machine.cpu.idtr == old
    assert users(linux, page) == 1


@forms(PUBLISHED)
def test_without_a_page_below_16_mib_nothing_is_changed(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_all_dma_pages(linux)
    before, old = idt(linux), linux.machine.cpu.idtr
    failed = only(ModuleFailed, form.insmod(linux, monkeypatch))
    assert (failed.call, failed.error) == ("init_module", "-ENOMEM")
    assert linux.machine.cpu.idtr == old
    assert idt(linux) == before
    assert value(linux, "[module_list]") == 0


def take_all_dma_pages(session: Session) -> None:
    """Let the guest's kernel give away every page of the zone."""
    do(session, "kernel", "asm", "again: pushl $0", "pushl $GFP_DMA", "call __get_free_pages", "addl $8, %esp")
    do(session, "testl %eax, %eax", "jnz again", "end")
    assert only(Ran, do(session, "run")).stopped is Stopped.END_OF_TYPED
    do(session, "jmp kernel_prompt", "user")


# ---- Faults


@pytest.fixture(scope="module")
def effects_without() -> list[tuple[Any, ...]]:
    """The effects of each fault where no module is loaded."""
    plain = Session("linux")
    found = []
    for typed in FAULTS:
        do(plain, *typed.lines)
        found.append(effects(plain))
    return found


@forms(PUBLISHED)
def test_each_fault_is_logged_and_has_the_effects_that_it_has_without_the_module(
    linux: Session, form: Form, effects_without: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    lines: list[str] = []
    for typed, effects_then in zip(FAULTS, effects_without, strict=True):
        do(linux, *typed.lines)
        lines += expected(linux, typed.logged)
        assert logged(linux) == lines
        assert value(linux, "[count]") == len(lines)
        assert effects(linux) == effects_then, typed.lines


@forms()
def test_a_fault_of_another_task_finds_the_module_mapped(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    do(linux, "switch", "movl user_heap,%eax", "c")
    assert logged(linux) == ["    1 other[2] cr2=0804c000 eip=08030000 ura"]
    assert value(linux, "pte(user_heap).present") == 1


def test_the_faults_have_every_cause_that_there_can_be(linux: Session) -> None:
    found = {" ".join(line.split()[4:]) for typed in FAULTS for line in typed.logged}
    assert found == CAUSES


@forms(PUBLISHED)
@pytest.mark.parametrize("enter", [(), ("kernel",)], ids=["CPL 3", "CPL 0"])
def test_every_register_and_the_frame_reach_the_old_handler_as_they_came(
    linux: Session, form: Form, enter: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    do(linux, *enter)
    values = enumerate(("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"), 0x11)
    do(linux, *(f"movl ${number:#x}{number:06x},%{name}" for number, name in values))
    do(linux, "movl user_heap,%eax")
    assert value(linux, "$eip") == value(linux, "isr0x0E")
    before = everything_that_the_old_handler_finds(linux)
    do(linux, "b page_fault", "c")
    assert value(linux, "$eip") == value(linux, "page_fault")
    assert everything_that_the_old_handler_finds(linux) == before


def everything_that_the_old_handler_finds(session: Session) -> tuple[Any, ...]:
    """All registers but EIP and the flags, which the frame has, and the stack up to its top."""
    cpu = session.machine.cpu
    esp = cpu.registers[ESP]
    frame = peeking.read_bytes(session.machine, esp, value(session, "tss.esp0") - esp)
    return (*cpu.registers, *cpu.segments, cpu.cr0, cpu.cr2, cpu.cr3, frame)


# ---- What the user may do to it


@forms()
def test_a_user_without_data_segments_and_with_df_is_served(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    do(linux, "std", "xorl %eax,%eax", "movl %eax,%ds", "movl %eax,%es")
    do(linux, "movl %ss:user_heap,%eax", "c")
    assert logged(linux) == ["    1 hello[1] cr2=0804c000 eip=08030007 ura"]
    cpu = linux.machine.cpu
    assert (cpu.segments[DS].selector, cpu.segments[ES].selector) == (0, 0)
    assert value(linux, "$df") == 1
    assert value(linux, "pte(user_heap).present") == 1


def test_the_published_one_reads_its_jump_through_the_users_null_ds(
    linux: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    PUBLISHED.load(linux, monkeypatch)
    do(linux, "xorl %eax,%eax", "movl %eax,%ds", "movl %ss:user_heap,%eax", "c")
    assert value(linux, "fault.vector") == 13
    assert value(linux, "fault.eip") == value(linux, "handler") - 6


# ---- Sources


@pytest.mark.skipif(not gnu.is_installed(), reason="GNU binutils are not installed")
@pytest.mark.parametrize(
    ("form", "assembled"),
    [(FORMS[0], "lecture.s"), (PUBLISHED, "lecture-as-published.s"), (FORMS[-2], "lecture-two.s")],
)
def test_both_assemblers_make_the_same_module(
    linux: Session, form: Form, assembled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    made = tmp_path / Path(assembled).with_suffix(".o")
    subprocess.run(["as", "--32", "--fatal-warnings", "-o", made, LESSONS / assembled], check=True)
    other = Session("linux")
    form._replace(words=form.words.replace(assembled, str(made))).load(other, monkeypatch)
    assert module(linux) == module(other)


def module(session: Session) -> bytes:
    """All bytes of the newest module."""
    address = value(session, "[module_list]")
    return peeking.read_bytes(session.machine, address, value(session, f"[{address} + MODULE_SIZE]"))


def test_the_published_one_differs_in_what_is_marked_as_a_hazard() -> None:
    good, published = (statements(LESSONS / name) for name in ("lecture.s", "lecture-as-published.s"))
    differences = [line for line in difflib.ndiff(good, published) if line[0] in "-+"]
    assert differences == [
        "+ selector: .long 0x10",
        "+ gate_type: .long 0xEF00",
        "- movl %cs, %eax",
        "+ movl selector, %eax",
        "- movw $0x8E00, %dx",
        "+ movw gate_type, %dx",
        "- call vmalloc_sync_all",
        "- cld",
        "- jmp *%ss:old_isr",
        "+ jmp *old_isr",
    ]


def statements(source: Path) -> list[str]:
    """A source without its comments, and without columns."""
    lines = (" ".join(line.partition("#")[0].split()) for line in source.read_text("utf-8").splitlines())
    return [line for line in lines if line]


@forms()
def test_the_stub_is_the_lectures_instruction_for_instruction(
    linux: Session, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    form.load(linux, monkeypatch)
    disassembled = only(Disassembly, do(linux, "disas isr0x0E, +29"))
    assert [line.text.split("<")[0].strip() for line in disassembled.lines] == [
        "pushal",
        "pushl %ds",
        "pushl %es",
        "movl %ss,%eax",
        "movl %eax,%ds",
        "movl %eax,%es",
        "cld",
        "pushl %esp",
        f"call {value(linux, 'handler'):#x}",
        "addl $0x4,%esp",
        "popl %es",
        "popl %ds",
        "popal",
        f"jmp *%ss:{value(linux, 'old_isr'):#x}",
    ]
