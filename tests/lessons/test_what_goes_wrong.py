"""Each goes-wrong script: which deliveries were tried, what stopped them, and how it ended, by the manual's numbers.

A fault is vector, error code, and for a page fault CR2 (SDM vol. 3, 6.15). EXT, bit 0 of a selector's error code, is
set for what a delivery has met, unless an `int` asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from benches import only, steps, value
from lecture import LESSONS, script

from pagefault_lab.lab import kernel_log
from pagefault_lab.lab.explain import Explanation
from pagefault_lab.lab.modules import ModuleRemoved
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.events import Check
from pagefault_lab.machine.faults import DOUBLE_FAULT, Fault, general_protection, not_present, page_fault
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import DS

SCRIPTS = [file.stem for file in sorted(LESSONS.glob("wrong/*.lab"))]
ABSENT, WRITE, USER = 0, 2, 4  # a page fault's error code


class Lesson:
    """A script that is executed as far as a test wants."""

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self._lines = iter(script(f"wrong/{name}.lab"))

    def to(self, line: str, count: int = 1) -> list[Any]:
        """Go on up to this line, or to the `count`th of them; what it has yielded."""
        for found in self._lines:
            values = list(self.session.execute(found))
            count -= found == line
            if not count:
                return values
        raise AssertionError(f"there is no such line left: {line}")

    def to_the_end(self) -> str:
        """Go on to the end; what the kernel has printed in all."""
        for line in self._lines:
            list(self.session.execute(line))
        return self.log

    @property
    def log(self) -> str:
        door = self.session.world.log
        assert door is not None
        return kernel_log.read(self.session.machine, door).text.partition("Hello from user mode.\n")[2]

    @property
    def is_shut_down(self) -> bool:
        return self.session.machine.cpu.shutdown

    def __getitem__(self, expression: str) -> int:
        return value(self.session, expression)


class Attempt(NamedTuple):
    """To deliver a fault, or an interrupt: the rule that stopped it, what this raised, and what that made of both."""

    fault: Fault
    rule: str = ""
    met: Fault | None = None
    becomes: str = ""


def attempts(values: Iterable[Any]) -> list[Attempt]:
    """Those of the steps that were told."""
    return [
        Attempt(each.fault, broken_rule(each), each.failed, each.becomes)
        for step in steps(list(values))
        for each in step.deliveries
    ]


def broken_rule(delivery: Delivery) -> str:
    """As the check has it; of a walk the level and the bit that decided."""
    return next(broken_rules(delivery), "")


def broken_rules(delivery: Delivery) -> Iterator[str]:
    for event in delivery.events:
        if isinstance(event, Check) and not event.holds:
            yield event.rule
        if isinstance(event, PageWalk) and event.verdict is not None:
            yield f"{event.verdict.level}.{event.verdict.bit}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_line_is_a_right_one_and_in_the_end_the_processor_runs(name: str, linux: Session) -> None:
    Lesson(linux, name).to_the_end()
    assert not linux.machine.cpu.shutdown


def test_01_an_idt_that_this_directory_does_not_map_is_a_triple_fault(linux: Session) -> None:
    lesson = Lesson(linux, "01-idt-not-mapped")
    lesson.to("insmod wrong/vmalloc-idt.s")
    idt, heap = lesson["idtr.base"], lesson["user_heap"]
    assert lesson["pde(idtr.base).present"] == 1
    assert attempts(lesson.to("movl %eax,user_heap")) == [Attempt(page_fault(USER + WRITE, heap))]
    lesson.to("switch")
    assert lesson["pde(idtr.base).present"] == 0
    log = lesson.log
    assert attempts(lesson.to("movl %eax,user_heap")) == [
        Attempt(page_fault(USER + WRITE, heap), "PDE.P", page_fault(ABSENT, idt + 14 * 8), "double fault"),
        Attempt(DOUBLE_FAULT, "PDE.P", page_fault(ABSENT, idt + 8 * 8), "shutdown"),
    ]
    assert lesson.is_shut_down
    assert (lesson["cr2"], lesson.log) == (idt + 8 * 8, log)
    assert lesson.to_the_end().endswith("    1 other[2] cr2=0804c000 eip=08030005 uwa\n")


def test_02_the_read_only_idt_refuses_a_write_because_of_wp(linux: Session) -> None:
    lesson = Lesson(linux, "02-read-only-idt")
    gate = lesson["idt_alias + 14*8"]
    assert lesson["cr0 >> 16 & 1"] == 1
    told = lesson.to("movw $0x8000,idt_alias+14*8")
    assert attempts(told) == [Attempt(page_fault(3, gate))]
    lesson.to("c")
    assert lesson.log.startswith(f"Unable to handle kernel paging request at virtual address {gate:08x}\n")
    assert "\nOops: 0003\n" in lesson.log
    lesson.to("movl %eax,%cr0")
    assert lesson["cr0 >> 16 & 1"] == 0
    assert attempts(lesson.to("movw $0x8000,idt_alias+14*8")) == []
    assert lesson["u16[idt_alias + 14*8]"] == 0x8000
    lesson.to_the_end()
    assert lesson["idt(14).offset == isr0x0E"] == 1


REFUSED = {
    "03-wrong-selector": ("the gate leads to a code segment", general_protection(0x60 + 1)),
    "04-gate-not-present": ("the gate is present", not_present(14 * 8 + 2 + 1)),
    "05-idt-too-short": ("the gate lies inside the IDT", general_protection(14 * 8 + 2 + 1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_03_to_05_a_gate_that_cannot_be_used_makes_a_double_fault_of_a_page_fault(name: str, linux: Session) -> None:
    lesson = Lesson(linux, name)
    rule, met = REFUSED[name]
    fault = page_fault(USER + WRITE, lesson["user_heap"])
    assert attempts(lesson.to("movl %eax,user_heap")) == [
        Attempt(fault, rule, met, "double fault"),
        Attempt(DOUBLE_FAULT),
    ]
    assert lesson["$eip == double_fault && [$esp] == 0 && cr2 == user_heap"] == 1
    explained = only(Explanation, lesson.to("why"))
    assert (explained.fault, len(explained.deliveries)) == (fault, 2)


@pytest.mark.parametrize("name", ["03-wrong-selector", "04-gate-not-present"])
def test_03_and_04_a_double_fault_kills_the_task_and_the_right_gate_serves_the_next_one(
    name: str, linux: Session
) -> None:
    log = Lesson(linux, name).to_the_end().splitlines()
    assert log[0] == "hello[1]: trap double fault at eip 08030000 esp bfffffe0 error 0"
    assert log[1:4] == ["hello: Segmentation fault", "starting hello anew", "Hello from user mode."]
    assert log[4:] == ["    1 hello[1] cr2=0804c000 eip=08030005 uwa"]


def test_05_the_gates_above_the_limit_are_gone_too(linux: Session) -> None:
    lesson = Lesson(linux, "05-idt-too-short")
    refused = general_protection(0x80 * 8 + 2)
    told = lesson.to("int $0x80")
    assert lesson["idtr.limit"] == 14 * 8 + 6
    assert attempts(told) == [Attempt(Fault(0x80), "the gate lies inside the IDT", refused), Attempt(refused)]
    for _ in range(2):
        assert only(Ran, lesson.to("c")).place.name == "task_started"
    assert lesson.log.count("trap general protection fault") == lesson.log.count("error 402") == 3
    assert lesson.to_the_end().endswith("starting hello anew\nHello from user mode.\n")


def test_06_int_14_through_a_gate_of_dpl_3_pushes_no_error_code(linux: Session) -> None:
    lesson = Lesson(linux, "06-dpl-3")
    (step,) = steps(lesson.to("int $14"))
    (delivery,) = step.deliveries
    assert [pushed.name for pushed in delivery.frame] == ["SS", "ESP", "EFLAGS", "CS", "EIP"]
    eip = delivery.saved_eip
    lesson.to("until page_fault")
    cause = ["sra", "srp", "swa", "swp", "ura", "urp", "uwa", "uwp"][eip & 7]
    assert lesson.log.splitlines()[-1] == f"    2 hello[1] cr2=0804c000 eip=00000023 {cause}"
    lesson.to("until restore_iret")
    assert (lesson["[$esp]"], lesson["[$esp + 4]"], lesson["[$esp + 8]"]) == (0x23, 0x202, lesson["user_heap"] + 0x800)
    assert attempts(lesson.to("si")) == [Attempt(general_protection(0x200))]
    lesson.to("c")
    assert lesson.log.endswith("hello: Segmentation fault\nstarting hello anew\nHello from user mode.\n")
    refused = general_protection(0x72)
    assert attempts(lesson.to("int $14")) == [Attempt(Fault(14), "gate DPL >= CPL", refused), Attempt(refused)]
    assert "trap general protection fault at eip" in lesson.to_the_end()


def test_07_a_jump_through_a_null_ds_is_a_general_protection_fault_in_the_kernel(linux: Session) -> None:
    lesson = Lesson(linux, "07-jump-through-ds")
    lesson.to("si 4")
    assert (linux.ring, lesson["ds"]) == (0, 0)
    told = lesson.to("si")
    assert attempts(told) == [Attempt(general_protection(0))]
    assert steps(told)[0].cpl == 0
    explained = only(Explanation, lesson.to("why"))
    assert explained.segment is not None
    assert (explained.segment.segment, explained.segment.selector, explained.translation) == (DS, 0, None)
    lesson.to("c")
    assert "\ngeneral protection fault: 0000\n" in f"\n{lesson.log}"
    assert lesson.to_the_end().splitlines()[-1].endswith("uwa")
    assert (linux.ring, lesson["ds"]) == (3, 0)


def test_08_a_kernel_ds_that_is_left_is_null_after_the_iret(linux: Session) -> None:
    lesson = Lesson(linux, "08-ds-left")
    heap = lesson["user_heap"]
    assert attempts(lesson.to("movl %eax,user_heap")) == [Attempt(page_fault(USER + WRITE, heap))]
    assert lesson["ds"] == 0x2B
    lesson.to("user")
    assert (linux.ring, lesson["ds"], lesson["es"], lesson["pte(user_heap).present"]) == (3, 0, 0, 1)
    told = lesson.to("c")
    assert attempts(told) == [Attempt(general_protection(0))]
    assert steps(told)[0].cpl == 3
    explained = only(Explanation, lesson.to("why"))
    assert explained.segment is not None
    assert (explained.segment.segment, explained.segment.selector, explained.translation) == (DS, 0, None)
    assert "trap general protection fault at eip 08030000" in lesson.to_the_end()
    assert lesson["ds"] == 0x2B


def test_09_without_addl_an_address_is_popped_as_a_selector(linux: Session) -> None:
    lesson = Lesson(linux, "09-no-addl")
    lesson.to("ni")
    tos = lesson["[$esp]"]
    assert tos == lesson["$esp"] + 4
    assert attempts(lesson.to("si")) == [Attempt(general_protection(tos & 0xFFFC))]
    lesson.to("c")
    assert lesson.log.startswith(f"general protection fault: {tos & 0xFFFC:04x}\n")
    assert lesson.to_the_end().splitlines()[-1].endswith("uwa")


def test_10_an_absent_stack_of_ring_0_is_a_triple_fault(linux: Session) -> None:
    lesson = Lesson(linux, "10-esp0-not-mapped")
    pushing = page_fault(WRITE, 0xD0000FFC)
    assert attempts(lesson.to("movl %eax,user_heap")) == [
        Attempt(page_fault(USER + WRITE, lesson["user_heap"]), "PDE.P", pushing, "double fault"),
        Attempt(DOUBLE_FAULT, "PDE.P", pushing, "shutdown"),
    ]
    assert lesson.is_shut_down
    assert lesson["cr2"] == pushing.linear
    lesson.to_the_end()
    assert lesson["tss.esp0 == hello_task_union + THREAD_SIZE && pte(user_heap).present"] == 1


def test_11_a_fault_inside_the_handler_overwrites_cr2_and_is_no_double_fault(linux: Session) -> None:
    lesson = Lesson(linux, "11-late-cr2")
    bss, stack = lesson["user_bss"], lesson["user_heap + 0x1800"]
    outer, inner = page_fault(USER + WRITE, bss), page_fault(ABSENT, stack)
    assert attempts(lesson.to("movl %eax,user_bss")) == [Attempt(outer)]
    assert lesson["cr2"] == bss
    assert attempts(lesson.to("si")) == [Attempt(inner)]
    assert lesson["cr2"] == stack
    again = lesson.to("c")
    assert attempts(again) == [Attempt(outer)]
    assert only(Ran, again).stopped is Stopped.SAME_FAULT
    eip, inner_eip = steps(again)[0].eip, lesson["look_at_stack"]
    assert [line.partition(",")[0] for line in lesson.to_the_end().splitlines()[1:]] == [
        f"cr2={stack:08x} eip={inner_eip:08x}",
        f"cr2={stack:08x} eip={eip:08x}",
        f"cr2={bss:08x} eip={eip:08x}",
    ]


def test_12_a_handler_that_cannot_be_fetched_faults_until_the_frames_reach_the_gdt(linux: Session) -> None:
    lesson = Lesson(linux, "12-handler-not-mapped")
    lesson.to("switch")
    assert (lesson["pde(idtr.base).present"], lesson["pde(isr0x0E).present"]) == (1, 0)
    first = Attempt(page_fault(USER + WRITE, lesson["user_heap"]))
    assert attempts(lesson.to("movl %eax,user_heap")) == [first]
    fetch = page_fault(ABSENT, lesson["isr0x0E"])
    for _ in range(2):
        esp = lesson["$esp"]
        assert attempts(lesson.to("si")) == [Attempt(fetch)]
        assert (lesson["$esp"], lesson["$eip"]) == (esp - 16, fetch.linear)
    esp, code_descriptor = lesson["$esp"], lesson["gdt_table + 0x10"]
    ended = lesson.to("c")
    no_code = ("the gate leads to a code segment", general_protection(0x10 + 1))
    assert attempts(ended) == [Attempt(fetch, *no_code, "double fault"), Attempt(DOUBLE_FAULT, *no_code, "shutdown")]
    assert lesson.is_shut_down
    assert lesson["$esp"] <= code_descriptor < lesson["$esp"] + 16
    assert only(Ran, ended).steps == (esp - lesson["$esp"]) // 16 + 1
    assert not any(isinstance(value, ModuleRemoved) for value in ended)
    assert lesson["isr0x0E"] == fetch.linear
    assert lesson.to_the_end().endswith("    1 other[2] cr2=0804c000 eip=08030005 uwa\n")


def test_13_a_page_that_is_freed_too_early_is_an_idt_until_somebody_else_gets_it(linux: Session) -> None:
    lesson = Lesson(linux, "13-free-first")
    lesson.to("rmmod free_first")
    page = lesson["[page]"]
    assert (lesson["idtr.base"], lesson[f"u8[mem_map + ({page} - 0xC0000000 >> 12)]"]) == (page, 0)
    served = page_fault(ABSENT, lesson["user_heap"])
    assert attempts(lesson.to("movl user_heap,%eax")) == [Attempt(served)]
    assert only(Ran, lesson.to("c")).stopped is Stopped.RETIRED
    lesson.to("addl $4,%esp")
    assert lesson["$eax"] == page
    assert not any(lesson[f"[{page + place}]"] for place in range(0, 4096, 4))
    fault = page_fault(ABSENT, lesson["user_heap + 0x1000"])
    assert attempts(lesson.to("movl user_heap+0x1000,%eax")) == [
        Attempt(fault, "the entry is a gate", general_protection(14 * 8 + 2 + 1), "double fault"),
        Attempt(DOUBLE_FAULT, "the entry is a gate", general_protection(8 * 8 + 2 + 1), "shutdown"),
    ]
    assert lesson.is_shut_down


def test_14_without_an_idt_whatever_comes_is_a_triple_fault(linux: Session) -> None:
    lesson = Lesson(linux, "14-no-idt")
    outside = "the gate lies inside the IDT"
    hole = page_fault(ABSENT, lesson["user_hole"])
    of_df, of_gp = general_protection(8 * 8 + 2 + 1), general_protection(13 * 8 + 2 + 1)
    assert attempts(lesson.to("movl user_hole,%eax")) == [
        Attempt(hole, outside, general_protection(14 * 8 + 2 + 1), "double fault"),
        Attempt(DOUBLE_FAULT, outside, of_df, "shutdown"),
    ]
    own = general_protection(0x80 * 8 + 2)
    assert attempts(lesson.to("int $0x80")) == [
        Attempt(Fault(0x80), outside, own),
        Attempt(own, outside, of_gp, "double fault"),
        Attempt(DOUBLE_FAULT, outside, of_df, "shutdown"),
    ]
    assert attempts(lesson.to("movl user_hole,%eax")) == [
        Attempt(hole, "PDE.P", page_fault(ABSENT, 0xD0000000 + 14 * 8), "double fault"),
        Attempt(DOUBLE_FAULT, "PDE.P", page_fault(ABSENT, 0xD0000000 + 8 * 8), "shutdown"),
    ]
    assert lesson["cr2"] == 0xD0000000 + 8 * 8
    instead = general_protection(0x20 * 8 + 2 + 1)
    assert attempts(lesson.to("si")) == [
        Attempt(Fault(0x20), outside, instead),
        Attempt(instead, outside, of_gp, "double fault"),
        Attempt(DOUBLE_FAULT, outside, of_df, "shutdown"),
    ]
    assert lesson.is_shut_down
    lesson.to_the_end()
    assert lesson["idtr.limit"] == 256 * 8 - 1
