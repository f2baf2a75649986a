"""The lecture from its first line to its last, with the machine's state after each line."""

from __future__ import annotations

import subprocess
import sys
from itertools import zip_longest
from typing import Any, Final

import pytest
from benches import do, only, value
from lecture import LESSONS, expected, logged, script

from pagefault_lab.lab import peeking
from pagefault_lab.lab.difference import Difference
from pagefault_lab.lab.results import KernelLog, Value
from pagefault_lab.lab.session import Session

IDT_SIZE: Final = 256 * 8
GATE_14: Final = slice(14 * 8, 15 * 8)

# Where a fault leads, and what it says: expressions that must be true.
AT_PAGE_FAULT: Final = ("cpl == 0", "$eip == page_fault", "fault.vector == 14", "[$esp] == fault.error")
AT_ISR: Final = ("cpl == 0", "$eip == isr0x0E", "fault.vector == 14", "[$esp] == fault.error")
IN_USER_MODE: Final = ("cpl == 3", "$cs == 0x23", "$ss == 0x2b", "$ds == 0x2b", "$es == 0x2b")
AT_KERNEL_PROMPT: Final = ("cpl == 0", "$eip == kernel_prompt", "$ss == 0x18", "$ds == 0x18", "$es == 0x18")

# Each line of lecture.lab, and what is true after it.
LECTURE: Final = (
    ("movl counter,%eax", *IN_USER_MODE, "$eax == 0x1001", "fault.count == 0"),
    ("walk counter write",),
    ("movl $user_heap,%ebx", *IN_USER_MODE, "$ebx == user_heap"),
    ("movl (%ebx),%eax", *AT_PAGE_FAULT, "fault.error == 4", "$cr2 == user_heap", "$eax == 0x1001"),
    ("why",),
    ("decode selector 0x23",),
    ("p cpl",),
    ("frame",),
    ("p tss.esp0 - $esp == 6*4", "[$esp+8] == 0x23", "[$esp+20] == 0x2b"),
    ("p gdt($tr >> 3).base == init_tss",),
    ("info tss", "tss.ss0 == $ss"),
    ("c", *IN_USER_MODE, "$eax == 0", "pte(user_heap).present", "fault.count == 1"),
    ("p pte(user_heap).present",),
    ("kernel", *AT_KERNEL_PROMPT),
    ("movl user_heap+0x1000,%eax", *AT_PAGE_FAULT, "fault.error == 0", "$cr2 == user_heap+0x1000"),
    ("frame", "[$esp+8] == 0x10"),
    ("p fault.error",),
    ("c", *AT_KERNEL_PROMPT, "pte(user_heap+0x1000).present"),
    ("seen: .word 0,0,0", *AT_KERNEL_PROMPT, "u16[seen] == 0", "[seen+2] == 0"),
    ("sidt seen", "u16[seen] == 0x7FF", "[seen+2] == idt_alias"),
    ("x/3xh seen",),
    ("movl $0,idt_alias+14*8", *AT_PAGE_FAULT, "fault.error == 3", "$cr2 == idt_alias+14*8", "!pte($cr2).writable"),
    ("back", *AT_KERNEL_PROMPT, "fault.error == 0"),
    ("user", *IN_USER_MODE),
    ("set $before = steps",),
    ("insmod lecture.s", *IN_USER_MODE, "[module_list]", "idtr.base == [page]", "[count] == 0", "idt(14).dpl == 0"),
    ("lsmod",),
    ("diff $before",),
    ("p idtr.base == [page] && [page] >= 0xC0000000 && [page] < 0xC1000000",),
    ("info idt 14", "idt(14).offset == isr0x0E", "idt(14).type == 14", "idt(14).selector == 0x10"),
    ("p [old_isr] == page_fault",),
    ("movl %eax,user_heap+0x2000", *AT_ISR, "fault.error == 6", "$cr2 == user_heap+0x2000", "[count] == 0"),
    ("set $entered = steps",),
    ("si 3", "tss.esp0 - $esp == 16*4", "u16[$esp+4] == 0x2b", "u16[$esp] == 0x2b", "[$esp+20] == $esp+40"),
    ("si 3", "$ds == 0x18", "$es == 0x18"),
    ("sreg",),
    ("si 2", "[$esp] == $esp+4", "!$df"),
    ("x/16xw [$esp]",),
    ("p [[$esp] + 10*4] == fault.error && [[$esp] + 11*4] == fault.eip",),
    ("ni", "[count] == 1", "tss.esp0 - $esp == 17*4"),
    ("p [count]",),
    ("si 5", "$eip == page_fault", "$esp == tss.esp0 - 6*4", "[$esp] == fault.error", "$ds == 0x2b", "$es == 0x2b"),
    ("p $eip == page_fault",),
    ("diff $entered",),
    ("c", *IN_USER_MODE, "pte(user_heap+0x2000).present", "[user_heap+0x2000] == $eax"),
    ("movl user_heap+0x3000,%eax", *AT_ISR, "fault.error == 4"),
    ("c", *IN_USER_MODE, "pte(user_heap+0x3000).present", "[count] == 2"),
    ("movl %eax,user_rodata", *AT_ISR, "fault.error == 7", "$cr2 == user_rodata"),
    ("c", *IN_USER_MODE, "[count] == 3", "!pte(user_heap).present"),
    ("movl _text,%eax", *AT_ISR, "fault.error == 5", "$cr2 == _text"),
    ("c", *IN_USER_MODE, "[count] == 4"),
    ("jmp user_hole", "cpl == 3", "$eip == user_hole", "[count] == 4"),
    ("si", *AT_ISR, "fault.error == 4", "$cr2 == user_hole", "fault.eip == user_hole"),
    ("c", *IN_USER_MODE, "[count] == 5"),
    ("kernel", *AT_KERNEL_PROMPT),
    ("movl user_heap,%eax", *AT_ISR, "fault.error == 0"),
    ("c", *AT_KERNEL_PROMPT, "[count] == 6", "pte(user_heap).present"),
    ("movl %eax,user_heap+0x1000", *AT_ISR, "fault.error == 2"),
    ("c", *AT_KERNEL_PROMPT, "[count] == 7", "pte(user_heap+0x1000).present"),
    ("movl user_rodata,%eax", *AT_KERNEL_PROMPT, "$eax == [user_rodata]", "[count] == 7"),
    ("movl %eax,idt_alias", *AT_ISR, "fault.error == 3", "$cr2 == idt_alias"),
    ("c", *IN_USER_MODE, "[count] == 8", "!pte(user_heap).present"),
    ("dmesg",),
    ("switch", *IN_USER_MODE, "[[current]] == 2"),
    ("p pde(isr0x0E).present", "pde(isr0x0E).present", "pte(isr0x0E).present"),
    ("movl %eax,user_heap", *AT_ISR, "fault.error == 6", "[[current]] == 2"),
    ("c", *IN_USER_MODE, "[count] == 9", "pte(user_heap).present"),
    ("switch", *IN_USER_MODE, "[[current]] == 1", "!pte(user_heap).present"),
    ("set $page = [page]",),
    ("rmmod lecture", *IN_USER_MODE, "[module_list] == 0", "idtr.base == idt_alias", "idt(14).offset == page_fault"),
    ("p idtr.base == idt_alias && u8[mem_map + ($page - 0xC0000000 >> 12)] == 0",),
    ("movl %eax,user_heap", *AT_PAGE_FAULT, "fault.error == 6"),
    ("c", *IN_USER_MODE, "pte(user_heap).present"),
    ("dmesg",),
    ("set $before = steps",),
    ("insmod lecture.s", "idtr.base == [page]", "idt(14).offset == isr0x0E", "[count] == 0"),
    ("rmmod lecture", "idtr.base == idt_alias", "idt(14).offset == page_fault"),
    ("diff $before",),
)

LOG: Final = """\
    1 hello[1] cr2=0804e000 eip=0803000e uwa
    2 hello[1] cr2=0804f000 eip=08030013 ura
    3 hello[1] cr2=08049000 eip=08030018 uwp
    4 hello[1] cr2=c0100000 eip=0803001d urp
    5 hello[1] cr2=08050000 eip=08050000 ura x
    6 hello[1] cr2=0804c000 eip={kernel_scratch+18} sra
    7 hello[1] cr2=0804d000 eip={kernel_scratch+23} swa
    8 hello[1] cr2={idt_alias} eip={kernel_scratch+33} swp
    9 other[2] cr2=0804c000 eip=08030029 uwa
""".splitlines()


class Watch:
    """What holds after every line, whatever was done."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.idtr = session.machine.cpu.idtr
        self.gates = self.table(self.idtr.base)
        self.pages: set[int] = set()  # that have held an IDT of ours

    def table(self, base: int) -> bytes:
        return peeking.read_bytes(self.session.machine, base, IDT_SIZE)

    def check(self) -> None:
        idtr = self.session.machine.cpu.idtr
        assert self.table(self.idtr.base) == self.gates  # the IDT that exists is not modified
        assert idtr.limit == self.idtr.limit
        if idtr.base == self.idtr.base:
            return
        self.pages.add(idtr.base)
        assert self.users(idtr.base) == 1
        ours, old = bytearray(self.table(idtr.base)), bytearray(self.gates)
        assert ours[GATE_14] != old[GATE_14]
        ours[GATE_14] = old[GATE_14]
        assert ours == old

    def check_restored(self) -> None:
        """The old IDT is active, and no page is kept."""
        assert self.session.machine.cpu.idtr == self.idtr
        assert self.pages
        assert not any(self.users(page) for page in self.pages)

    def users(self, page: int) -> int:
        """How many the kernel believes to use a page."""
        return value(self.session, f"u8[mem_map + ({page} - 0xC0000000 >> 12)]")


def perform(session: Session, line: str) -> list[Any]:
    """Execute a line; what it prints to be true is."""
    values = do(session, line)
    if line.startswith("p ") and "==" in line:
        assert only(Value, values).value == 1, line
    return values


def test_after_each_line_of_the_lecture_the_machine_is_as_it_must_be(linux: Session) -> None:
    watch = Watch(linux)
    differences: list[Difference] = []
    for line, (told, *truths) in zip_longest(script("lecture.lab"), LECTURE, fillvalue=("",)):
        assert line == told
        differences += (found for found in perform(linux, line) if isinstance(found, Difference))
        for truth in truths:
            assert value(linux, truth), f"{truth} after {line}"
        watch.check()
        if line == "rmmod lecture":
            watch.check_restored()
    assert logged(linux) == expected(linux, LOG)

    over_insmod, over_isr, over_module = differences
    assert [register.name for register in over_insmod.registers] == ["cr2", "idtr.base"]
    assert [gate.after and gate.after.vector for gate in over_insmod.gates] == [14]
    assert [register.name for register in over_isr.registers] == ["eip", "eflags"]
    assert [(word.symbol, word.before, word.after) for word in over_isr.memory] == [("count", 0, 1)]
    assert over_isr.printed == len(LOG[0]) + 1
    assert [register.name for register in over_module.registers] == ["cr2"]  # the directory learnt of the module
    assert not over_module._replace(registers=()).matters
    assert over_module.printed == 0


TYPED_LOG: Final = """\
page fault 1: error code 6, cr2=0804d000, eip=08030007
page fault 2: error code 4, cr2=0804e000, eip=0803000c
page fault 3: error code 7, cr2={_text}, eip=08030011
""".splitlines()


def test_the_same_steps_can_be_typed(linux: Session) -> None:
    watch = Watch(linux)
    for line in script("typed.lab"):
        perform(linux, line)
        watch.check()
        if line == "lidt newidtr":
            assert value(linux, "idtr.base == [newidtr+2] && idt(14).offset == isr0x0E && idt(14).dpl == 0")
            assert value(linux, "u16[idtr.base + 14*8 + 4]") == 0x8E00
    watch.check_restored()
    log = only(KernelLog, do(linux, "dmesg")).text
    assert [line for line in log.splitlines() if line.startswith("page fault")] == expected(linux, TYPED_LOG)


@pytest.mark.parametrize("name", ["lecture.lab", "typed.lab"])
def test_it_runs_from_start_to_end(name: str) -> None:
    words = [sys.executable, "-m", "pagefault_lab", "run", "--plain", str(LESSONS / name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
