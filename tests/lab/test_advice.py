"""Advice: each is right where it is given, since following it removes the failure, and none is given where all is well.

A wrong state is built in a session and its failure executed. The advice is what the rule says of it, before and after.
Then what the remedy says is done, and the same is executed once more.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from benches import do, only, steps, value
from builders import HANDLERS, IDT, PRESENT, TSS_BASE, USER, WRITABLE, map_page, on_bench, two_rings

from pagefault_lab.lab import advice
from pagefault_lab.lab.advice import NEXT_FAULT, NEXT_STEP, Advice, Advised, Hint
from pagefault_lab.lab.results import Ran
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.step import Interrupted, Retired, ShutDown

LESSONS = Path(__file__).parents[2] / "lessons"
HEAP = "movl %eax,user_heap"  # a page fault of a user that the kernel repairs


def now(session: Session) -> dict[str, Advice]:
    """What is wrong now, by the rules that say it."""
    return {each.rule: each for each in only(Advised, do(session, "advice")).advice}


def of_why(session: Session) -> dict[str, Advice]:
    """What `why` has to say about the last fault."""
    found = [each for each in do(session, "why") if isinstance(each, Advised)]
    return {each.rule: each for advised in found for each in advised.advice}


def failed(session: Session, line: str) -> list[Delivery]:
    """The deliveries that failed when the line was executed."""
    return [each for step in steps(do(session, line)) for each in step.deliveries if each.failed is not None]


def serves_a_page_fault(session: Session) -> bool:
    """Whether a user's page fault is delivered and repaired, and the instruction then executed."""
    told = steps(do(session, HEAP))
    assert told[-1].deliveries
    return not failed_of(told[-1].deliveries) and only(Ran, do(session, "c")).stopped.name == "RETIRED"


def failed_of(deliveries: tuple[Delivery, ...]) -> list[Delivery]:
    return [each for each in deliveries if each.failed is not None]


# --- the way into the handler: wrong, what is said, the remedy


class Wrong(NamedTuple):
    """Lines that make it wrong, the rule that says so, and lines that do what its remedy says."""

    make: tuple[str, ...]
    rule: str
    repair: tuple[str, ...]


SELECTOR = ("set idt(14).selector = 0x10",)
ON_THE_WAY_IN = {
    "the IDT's page is unmapped": Wrong(("unmap idtr.base", "flush"), "idt not mapped", ("map idtr.base 0x11c000",)),
    "the IDT is too short": Wrong(
        ("kernel", "short: .word 14*8+6; .long idt_alias", "lidt short", "user"),
        "wrong gate",
        ("kernel", "long: .word 0x7ff; .long idt_alias", "lidt long", "user"),
    ),
    "the entry is no gate": Wrong(("poke idt_alias+14*8 0 0",), "wrong gate", ("back",)),
    "the gate is not present": Wrong(("set idt(14).present = 0",), "wrong gate", ("set idt(14).present = 1",)),
    "the selector is null": Wrong(("set idt(14).selector = 0",), "wrong gate", SELECTOR),
    "the selector lies outside": Wrong(("set idt(14).selector = 0x500",), "wrong gate", SELECTOR),
    "the selector is the TSS's": Wrong(("set idt(14).selector = 0x60",), "wrong gate", SELECTOR),
    "the selector is the user's": Wrong(("set idt(14).selector = 0x18",), "wrong gate", SELECTOR),
    "the handler is not mapped": Wrong(
        ("set idt(14).offset = 0xd0000000",), "handler not mapped", ("set idt(14).offset = page_fault",)
    ),
    "ESP0 is not mapped": Wrong(
        ("poke init_tss+4 0xd0001000",), "inner stack unusable", ("poke init_tss+4 [current]+THREAD_SIZE",)
    ),
    "SS0 is the user's": Wrong(("poke init_tss+8 0x2b",), "inner stack unusable", ("poke init_tss+8 0x18",)),
    "SS0 is null": Wrong(("poke init_tss+8 0",), "inner stack unusable", ("poke init_tss+8 0x18",)),
}


@pytest.mark.parametrize("wrong", ON_THE_WAY_IN.values(), ids=ON_THE_WAY_IN.keys())
def test_what_is_wrong_on_the_way_in_is_foreseen_fails_and_is_repaired_by_following_the_advice(
    wrong: Wrong, linux: Session
) -> None:
    assert not now(linux)
    do(linux, *wrong.make)
    assert now(linux)[wrong.rule].when == NEXT_FAULT
    foreseen = now(linux)[wrong.rule]
    do(linux, HEAP)
    if wrong.rule == "handler not mapped":
        assert now(linux)[wrong.rule].when == NEXT_STEP
        do(linux, "si")
    met = of_why(linux)[wrong.rule]
    assert (met.sentence, met.when) == (foreseen.sentence, "")
    do(linux, *(["back"] * (2 if wrong.rule == "handler not mapped" else 1)), *wrong.repair)
    assert not now(linux)
    assert serves_a_page_fault(linux)


def test_a_gate_is_advised_the_selector_that_the_other_gates_have(linux: Session) -> None:
    do(linux, "set idt(14).selector = 0x60")
    found = now(linux)["wrong gate"]
    assert f"{value(linux, 'idt(13).selector'):#x}" in found.remedy
    assert found.numbers["selector"] == 0x60


def test_a_descriptor_that_was_overwritten_is_not_blamed_on_the_selector(linux: Session) -> None:
    do(linux, "poke gdt_table+0x10 0 0")
    assert "descriptor of 0x10" in now(linux)["wrong gate"].remedy


def test_a_tss_in_a_page_that_is_not_mapped_is_told(linux: Session) -> None:
    machine = two_rings(b"\x8b\x03", ebx=0x14000)
    map_page(machine, 0x14000, 0)
    session = on_bench(machine)
    machine.memory.write(0x2000 + 4 * (TSS_BASE >> 12), 4, 0)
    found = now(session)["inner stack unusable"]
    assert "TSS lies in a page that is not mapped" in found.sentence
    assert found.numbers["TSS"] == TSS_BASE
    machine.memory.write(0x2000 + 4 * (TSS_BASE >> 12), 4, TSS_BASE | PRESENT | WRITABLE)
    assert not now(session)
    assert isinstance(machine.step().end, Interrupted)


def test_a_stack_without_room_is_told_where_the_ring_stays(linux: Session) -> None:
    do(linux, "kernel", "movl $0xd0000000,%esp")
    told = do(linux, "pushl %eax")
    assert isinstance(steps(told)[-1].end, ShutDown)
    assert "no other stack" in of_why(linux)["inner stack unusable"].sentence
    do(linux, "back 2")
    assert isinstance(steps(do(linux, "pushl %eax"))[-1].end, Retired)


# --- wrong modules, and how the lessons repair them


def script(name: str) -> list[str]:
    """The lines of a lesson that are executed."""
    lines = (LESSONS / name).read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def play(session: Session, name: str, last: str) -> None:
    """Execute a lesson up to this line, the first of its kind."""
    lines = script(name)
    do(session, *lines[: lines.index(last) + 1])


def test_an_idt_in_a_page_of_vmalloc_is_foreseen_for_the_task_whose_directory_lacks_it(linux: Session) -> None:
    play(linux, "wrong/01-idt-not-mapped.lab", "insmod wrong/vmalloc-idt.s")
    found = now(linux)["idt not mapped"]
    assert found.when == NEXT_FAULT
    assert found.numbers["CR3"] != value(linux, "cr3")
    assert serves_a_page_fault(linux)  # here
    do(linux, "switch")
    assert value(linux, "cr3") == found.numbers["CR3"]
    assert isinstance(steps(do(linux, HEAP))[-1].end, ShutDown)
    assert "idt not mapped" in of_why(linux)


def test_a_handler_that_another_directory_lacks_is_foreseen_too(linux: Session) -> None:
    do(linux, "insmod lecture-as-published.s")
    found = now(linux)["handler not mapped"]
    assert found.numbers["CR3"] != value(linux, "cr3")
    assert found.numbers["gate 14"] == value(linux, "isr0x0E")
    do(linux, "rmmod lecture_as_published", "insmod lecture.s")
    assert not now(linux)


def test_writing_to_an_idt_that_is_mapped_read_only_is_told(linux: Session) -> None:
    do(linux, "kernel", "movw $0x8000,idt_alias+14*8")
    assert of_why(linux)["existing idt written"].numbers["IDTR base"] == value(linux, "idt_alias")
    do(linux, "back", "insmod lecture.s")
    assert value(linux, "idtr.base") != value(linux, "idt_alias")
    do(linux, "movl newidtr+2,%edi")
    assert isinstance(steps(do(linux, "movw $0x8000,14*8(%edi)"))[-1].end, Retired)


def test_an_int_that_its_gate_refuses_is_told_and_what_it_would_do_if_the_gate_allowed_it(linux: Session) -> None:
    do(linux, "int $14")
    assert "leave the gate" in of_why(linux)["int refused"].remedy
    do(linux, "back", "set idt(14).dpl = 3")
    assert "gate open to users" in now(linux)
    do(linux, "back", "set idt(0x80).dpl = 0", "int $0x80")
    assert "DPL 3" in of_why(linux)["int refused"].remedy
    do(linux, "back", "set idt(0x80).dpl = 3")
    (told,) = steps(do(linux, "int $0x80"))
    assert not failed_of(told.deliveries)


# --- the way back


def test_an_error_code_that_is_left_is_told_before_iret_and_after_it(linux: Session) -> None:
    do(linux, HEAP, "asm", "back: iret", "end")
    do(linux, "jmp back")
    before = now(linux)["iret without the frame on top"]
    assert before.when == NEXT_STEP
    assert (before.numbers["on top"], before.remedy) == (6, "addl $4,%esp before the iret")
    assert before.numbers["EIP lies at"] == before.numbers["ESP"] + 4
    do(linux, "si")
    assert of_why(linux)["iret without the frame on top"]._replace(when=NEXT_STEP) == before
    do(linux, "back 2", "addl $4,%esp")
    do(linux, "jmp back")
    assert not now(linux)
    (told,) = steps(do(linux, "si"))
    assert isinstance(told.end, Retired)
    assert linux.ring == 3


def test_an_error_code_taken_for_eip_is_told_when_it_has_led_to_nonsense(linux: Session) -> None:
    do(linux, "kernel", "poke/b 0xc0200010 0xa1 0 0 0 0xd0", "jmp 0xc0200010", "si")  # movl 0xd0000000,%eax
    assert value(linux, "fault.error") == 0
    told = steps(do(linux, "iret"))
    assert isinstance(told[-1].end, Retired)  # to 0x0010:0x00000000: the low half of EIP is a good selector here
    assert linux.here == 0
    do(linux, "si")
    assert of_why(linux)["iret without the frame on top"].numbers["on top"] == 0


def test_an_argument_that_is_left_on_the_stack_is_told_at_the_pop_that_takes_it(linux: Session) -> None:
    play(linux, "wrong/09-no-addl.lab", "x/3xw $esp")
    before = now(linux)["pop of what another pushed"]
    assert (before.when, before.remedy[:9]) == (NEXT_STEP, "addl $4,%")
    do(linux, "si")
    assert of_why(linux)["pop of what another pushed"].numbers == before.numbers
    do(linux, "back", "addl $4,%esp")
    assert not now(linux)
    (told,) = steps(do(linux, "si"))
    assert isinstance(told.end, Retired)


def test_a_kernels_ds_left_to_the_user_is_told_before_the_return_and_at_the_fault_that_comes_of_it(
    linux: Session,
) -> None:
    do(linux, "insmod wrong/ds-left.s", HEAP, "until restore_iret")
    rule = "kernel segment left to the user"
    before = now(linux)[rule]
    assert (before.when, before.numbers["DS"], before.numbers["ES"]) == (NEXT_STEP, 0x18, 0x18)
    do(linux, "si", "si")
    assert value(linux, "fault.vector") == 13
    assert of_why(linux)[rule].numbers == before.numbers
    do(linux, "back 2", "movl $0x2b,%eax", "movl %eax,%ds", "movl %eax,%es")
    assert rule not in now(linux)
    do(linux, "until restore_iret" if linux.here != value(linux, "restore_iret") else "si")
    assert value(linux, "ds") == 0x2B


def test_a_user_who_loads_the_null_selector_is_not_taken_for_a_handler_that_left_it(linux: Session) -> None:
    do(linux, "xorl %eax,%eax", "movl %eax,%ds", "movl user_data,%eax")
    assert not of_why(linux)


def test_a_users_ds_in_the_handler_is_told_before_and_after_it_faults(linux: Session) -> None:
    play(linux, "wrong/07-jump-through-ds.lab", "sreg")
    before = now(linux)["users segment in the kernel"]
    assert (before.when, before.numbers) == (NEXT_STEP, {"DS": 0, "SS": 0x18})
    do(linux, "si")
    assert of_why(linux)["users segment in the kernel"].numbers == before.numbers
    do(linux, "back", "rmmod lecture_as_published") if linux.ring == 3 else do(linux, "c")
    for line in ("rmmod lecture_as_published", "insmod lecture.s", "xorl %eax,%eax", "movl %eax,%ds"):
        do(linux, line)
    do(linux, "movl %eax,%ss:user_heap+0x2000")
    assert only(Ran, do(linux, "c")).stopped.name == "RETIRED"


def test_a_cr2_that_a_fault_inside_the_handler_has_overwritten_is_told_where_it_is_read(linux: Session) -> None:
    play(linux, "wrong/11-late-cr2.lab", "movl %eax,user_bss")
    fault = value(linux, "cr2")
    do(linux, "until look_at_stack", "si")
    inner = value(linux, "cr2")
    assert inner != fault
    do(linux, "until look_at_cr2")
    assert not now(linux)  # the inner handler reads its own
    do(linux, "until look_at_cr2")
    found = now(linux)["cr2 overwritten"]
    assert (found.when, found.numbers) == (NEXT_STEP, {"CR2": inner, "this fault's": fault})


# --- what may go wrong later


HAZARDS = {
    "gate open to users": ("set idt(14).dpl = 3", "set idt(14).dpl = 0"),
    "page fault by a trap gate": ("set idt(14).type = 15", "set idt(14).type = 14"),
}


@pytest.mark.parametrize(("rule", "lines"), HAZARDS.items())
def test_a_hazard_is_told_as_long_as_it_is_there(rule: str, lines: tuple[str, str], linux: Session) -> None:
    make, repair = lines
    do(linux, make, "flush")
    found = now(linux)
    assert list(found) == [rule]
    assert found[rule].when == ""
    do(linux, repair, "flush")
    assert not now(linux)


def test_a_page_that_users_can_reach_is_told_of_the_idt_and_of_the_handler() -> None:
    machine = two_rings(b"\x90")
    session = on_bench(machine)
    for page, what in ((IDT, "the IDT"), (HANDLERS, "the handler of page faults")):
        map_page(machine, page, PRESENT | WRITABLE | USER)
        found = now(session)["page open to users"]
        assert found.sentence == f"{what} can be read and written by any user"
        map_page(machine, page, PRESENT | WRITABLE)
        assert not now(session)


def test_each_rule_is_tried_in_this_file() -> None:
    text = Path(__file__).read_text("utf-8")
    names = {judge.__name__.replace("_", " ") for judge in (*advice.RULES, *advice.HAZARDS)}
    assert {name for name in names if f'"{name}"' not in text} == set()


@pytest.mark.parametrize("judge", [*advice.RULES, *advice.HAZARDS], ids=lambda judge: judge.__name__)
def test_each_rule_says_what_the_manual_or_the_lecture_has_of_it(judge: advice.Rule) -> None:
    assert judge.__doc__


# --- no advice where nothing is wrong


FORBIDDEN = "movl $0,idt_alias+14*8"  # the lecture shows that the kernel's IDT is read-only


@pytest.mark.parametrize("name", ["lecture.lab", "tour.lab", "typed.lab"])
def test_in_a_lesson_where_all_is_well_there_is_no_advice_after_any_line(name: str, linux: Session) -> None:
    for line in script(name):
        given = {each.advice.rule for each in do(linux, line) if isinstance(each, Hint)}
        if not linux.unfinished:
            given |= now(linux).keys() | (of_why(linux).keys() if linux.fault is not None else set())
        assert given == ({"existing idt written"} if line == FORBIDDEN else set()), line


def test_in_the_handling_of_a_page_fault_there_is_no_advice_at_any_step(linux: Session) -> None:
    do(linux, "insmod lecture.s", HEAP)
    for _ in range(200):
        assert not now(linux)
        if linux.ring == 3:
            return
        do(linux, "si 97")
    raise AssertionError("it has not returned")


def test_a_machine_without_paging_and_without_an_idt_is_not_told_of_page_faults(bare: Session) -> None:
    assert not now(bare)


def test_without_a_tss_page_faults_of_the_supervisor_are_looked_at() -> None:
    machine = two_rings(b"\x90", cpl=0)
    machine.cpu.tr = type(machine.cpu.tr)()
    assert not now(on_bench(machine))


def test_looking_for_advice_changes_nothing(linux: Session) -> None:
    do(linux, "insmod lecture-as-published.s", HEAP)
    machine = linux.machine
    before, frames = machine.cpu.save(), [frame and list(frame) for frame in machine.memory.frames]
    assert now(linux)
    assert machine.cpu.save() == before
    assert [frame and list(frame) for frame in machine.memory.frames] == frames


# --- the line under a fault


def test_a_fault_with_advice_is_followed_by_the_first_of_it(linux: Session) -> None:
    do(linux, HEAP)
    (hint,) = (each for each in do(linux, "iret") if isinstance(each, Hint))
    assert (hint.advice.rule, hint.advice.when) == ("iret without the frame on top", "")


def test_arriving_at_an_iret_with_the_error_code_on_top_is_told_at_once(linux: Session) -> None:
    do(linux, HEAP)
    do(linux, "asm", "back: iret", "end")
    (hint,) = (each for each in do(linux, "jmp back") if isinstance(each, Hint))
    assert hint.advice.when == NEXT_STEP
