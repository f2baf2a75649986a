"""`micro`: a step's stages are its events, all of them in their order; and one goes to and fro in them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from benches import do, everything, only
from builders import (
    IDT,
    KERNEL_CODE,
    KERNEL_STACK,
    PRESENT,
    USER_CODE,
    USER_DATA,
    USER_STACK,
    USER_TEXT,
    map_page,
    on_bench,
    set_gate,
    two_rings,
)  # fmt: skip
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagefault_lab.lab.explain import Explanation
from pagefault_lab.lab.rescue import GivenUp
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.stages import Stages, StageShown, take_apart
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.machine.delivery import Delivery, Entered, Pushed
from pagefault_lab.machine.events import Access, Check
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import ESP, TF
from pagefault_lab.machine.step import Interrupted, Retired, ShutDown, Step, Unsupported
from pagefault_lab.problem import Problem

STORE = b"\x89\x03"  # movl %eax,(%ebx)
CELL = 0x14000


def absent(machine: Machine) -> Machine:
    map_page(machine, CELL, 0)
    return machine


def interrupted_from_outside() -> Machine:
    machine = two_rings(b"\x90")
    machine.interrupt(0x1F)
    return machine


def asking_for_a_gate_that_lets_it() -> Machine:
    machine = two_rings(b"\xcd\x11")
    set_gate(machine, 0x11, KERNEL_CODE, 0x6110, 0xEE00)
    return machine


def returning_to_the_outer_ring() -> Machine:
    machine = two_rings(b"\xcf", cpl=0)
    top = KERNEL_STACK - 0x14
    for place, value in enumerate((USER_TEXT, USER_CODE, 0x202, USER_STACK + 0x100, USER_DATA)):
        machine.memory.write(top + 4 * place, 4, value)
    machine.cpu.registers[ESP] = top
    return machine


def with_a_gate_of_no_use() -> Machine:
    machine = absent(two_rings(STORE, ebx=CELL))
    set_gate(machine, 14, 0, 0x9000, 0x8E00)
    return machine


def without_an_idt() -> Machine:
    machine = absent(two_rings(STORE, ebx=CELL))
    map_page(machine, IDT, 0)
    return machine


def single_stepped() -> Machine:
    machine = two_rings(b"\x40")  # incl %eax
    machine.cpu.eflags |= TF
    return machine


def fetching_where_nothing_is() -> Machine:
    machine = two_rings()
    map_page(machine, USER_TEXT, 0)
    return machine


def leading_to_a_task() -> Machine:
    machine = absent(two_rings(STORE, ebx=CELL))
    set_gate(machine, 14, 0x28, 0, 0x8500)
    return machine


SCENES: dict[str, tuple[Callable[[], Machine], type]] = {
    "retired": (lambda: two_rings(b"\x90"), Retired),
    "a push": (lambda: two_rings(b"\x53"), Retired),
    "all registers pushed": (lambda: two_rings(b"\x60"), Retired),
    "all registers popped": (lambda: two_rings(b"\x61"), Retired),
    "read and written": (lambda: two_rings(b"\xff\x03", ebx=CELL), Retired),
    "from memory to memory": (lambda: two_rings(b"\xa5", esi=CELL, edi=CELL + 0xFFE), Retired),
    "fault in the same ring": (lambda: absent(two_rings(STORE, cpl=0, ebx=CELL)), Interrupted),
    "fault with a switch of stacks": (lambda: absent(two_rings(STORE, ebx=CELL)), Interrupted),
    "fault of a rule": (lambda: two_rings(b"\xfa"), Interrupted),  # cli at CPL 3
    "fault of the fetch": (fetching_where_nothing_is, Interrupted),
    "no instruction": (lambda: two_rings(b"\x0f\xff"), Interrupted),
    "software interrupt": (asking_for_a_gate_that_lets_it, Retired),
    "software interrupt refused": (lambda: two_rings(b"\xcd\x0e"), Interrupted),
    "interrupt from outside": (interrupted_from_outside, Interrupted),
    "return to the outer ring": (returning_to_the_outer_ring, Retired),
    "single step": (single_stepped, Interrupted),
    "double fault": (with_a_gate_of_no_use, Interrupted),
    "triple fault": (without_an_idt, ShutDown),
    "not simulated": (leading_to_a_task, Unsupported),
}  # fmt: skip
scenes = pytest.mark.parametrize("scene", SCENES)


def shown_of(session: Session, line: str = "micro") -> StageShown:
    found: StageShown = only(StageShown, do(session, line))
    return found


def all_stages(session: Session) -> Iterator[StageShown]:
    """The stages of the next step."""
    while True:
        shown = shown_of(session)
        yield shown
        if shown.is_last:
            return


def step_of(scene: str) -> Step:
    make, end = SCENES[scene]
    step = make().step()
    assert isinstance(step.end, end)
    return step


@scenes
def test_the_stages_are_the_events_of_the_step_in_their_order(scene: str) -> None:
    step = step_of(scene)
    found = list(all_stages(on_bench(SCENES[scene][0]())))
    assert [shown.at for shown in found] == list(range(len(found)))
    assert [event for shown in found for event in shown.stage.events] == list(step.all_events())
    assert all(shown.stage.events for shown in found if shown.stage.attempt is not None)


@scenes
def test_the_last_stage_leads_to_where_a_step_leads_and_no_other_anywhere(scene: str) -> None:
    session, twin = on_bench(SCENES[scene][0]()), on_bench(SCENES[scene][0]())
    before = everything(session)[:4]
    for shown in all_stages(session):
        assert shown.is_last or everything(session)[:4] == before
    do(twin, "si")
    assert everything(session)[:4] == everything(twin)[:4]


@scenes
def test_the_stack_grows_to_what_the_processor_pushed(scene: str) -> None:
    step = step_of(scene)
    found = list(all_stages(on_bench(SCENES[scene][0]())))
    for attempt, delivery in enumerate(step.deliveries):
        sizes = []
        for shown in (each for each in found if each.stage.attempt == attempt):
            so_far = [event for event in shown.attempt.events if isinstance(event, Pushed)]  # type: ignore[union-attr]
            assert [(slot.address, slot.value, slot.by) for slot in shown.stack] == [
                (each.linear, each.value, "CPU") for each in so_far
            ]
            sizes.append(len(so_far))
        assert sizes == sorted(sizes)
        assert sizes[-1] == len(delivery.frame)


@scenes
def test_an_attempt_is_shown_as_far_as_it_has_come(scene: str) -> None:
    step = step_of(scene)
    found = list(all_stages(on_bench(SCENES[scene][0]())))
    for attempt, delivery in enumerate(step.deliveries):
        shown = [each.attempt for each in found if each.stage.attempt == attempt]
        assert shown[-1] == delivery
        assert all(each is not None and each.failed is None and not each.becomes for each in shown[:-1])
        for each in shown:
            assert each is not None
            assert each.events == delivery.events[: len(each.events)]


def kinds(shown: StageShown) -> list[type]:
    return [type(event) for event in shown.stage.events]


def test_each_push_of_a_delivery_and_its_entry_are_stages_of_their_own() -> None:
    found = list(all_stages(on_bench(absent(two_rings(STORE, ebx=CELL)))))
    pushes = [event.name for shown in found for event in shown.stage.events if isinstance(event, Pushed)]
    assert pushes == ["SS", "ESP", "EFLAGS", "CS", "EIP", "error code"]
    assert all(kinds(shown).count(Pushed) <= 1 for shown in found)
    assert kinds(found[-1]) == [Entered]
    assert [shown for shown in found if Delivery in kinds(shown)] == [
        shown for shown in found if kinds(shown) == [Delivery]
    ]


def test_rules_and_what_is_read_for_them_do_not_share_a_stage() -> None:
    for scene, (make, _) in SCENES.items():
        for shown in all_stages(on_bench(make())):
            assert not {Check, Access} <= set(kinds(shown)), scene


def test_both_halves_of_an_entry_are_one_stage() -> None:
    found = list(all_stages(on_bench(absent(two_rings(STORE, ebx=CELL)))))
    gate = next(shown for shown in found if "GateRead" in str(kinds(shown)))
    assert sum(kind is Access for kind in kinds(gate)) == 2


def test_what_a_return_pops_is_told_by_its_names() -> None:
    found = list(all_stages(on_bench(returning_to_the_outer_ring())))
    assert [slot.meaning for slot in reversed(found[-1].stack)] == [
        "EIP (popped)", "CS (popped)", "EFLAGS (popped)", "ESP (popped)", "SS (popped)",
    ]  # fmt: skip


def test_what_an_instruction_did_before_its_single_step_trap_is_a_stage() -> None:
    found = list(all_stages(on_bench(single_stepped())))
    done = [shown.at for shown in found if not shown.stage.events]
    raised = [shown.at for shown in found if Delivery in kinds(shown)]
    assert [index + 1 for index in done] == raised


# --- to and fro

PROGRAM = ("asm", "movl $user_bss,%ebx", "pushl %ebx", "movl %eax,(%ebx)", "popl %ecx", "int $0x80", "nop", "end")
STEPS = 24


def start() -> Session:
    session = Session("linux")
    for line in PROGRAM:
        do(session, line)
    return session


def trail() -> tuple[list[tuple[int, int]], list[Any]]:
    """Every (step, stage) of the program in order, and the states between the steps."""
    session = start()
    places, states = [], [everything(session)[:4]]
    for number in range(STEPS):
        (told,) = (value for value in do(session, "si") if isinstance(value, Story))
        places += [(number, index) for index in range(len(take_apart(told).stages))]
        states.append(everything(session)[:4])
    return places, states


PLACES, STATES = trail()


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=8))
def test_forward_and_back_move_along_the_same_stages(moves: list[tuple[bool, int]]) -> None:
    session = start()
    place = -1
    for onward, count in moves:
        for _ in range(count):
            if not onward and place <= 0:
                with pytest.raises(Problem):
                    do(session, "micro back")
                break
            if onward and place + 1 == len(PLACES):
                break
            place += 1 if onward else -1
            shown = shown_of(session, "micro" if onward else "micro back")
            step = shown.whole.told.step.number
            assert (step, shown.at) == PLACES[place]
            assert everything(session)[:4] == STATES[step + shown.is_last]


def test_going_back_from_a_last_stage_takes_the_step_back_and_forward_makes_it_again() -> None:
    session = start()
    *_, last = all_stages(session)
    assert session.machine.steps == 1
    shown_of(session, "micro back")
    assert session.machine.steps == 0
    assert shown_of(session) == last
    assert session.machine.steps == 1


def test_back_without_a_step_in_hand_goes_into_the_one_that_was_made_last(linux: Session) -> None:
    do(linux, "movl $5,%eax")
    shown = shown_of(linux, "micro back")
    assert shown.whole.told.text == "movl $0x5,%eax"
    assert shown.at == len(shown.whole.stages) - 2
    assert linux.machine.steps == 0


def test_back_restores_the_stage_at_which_a_line_was_typed() -> None:
    session = start()
    do(session, "micro")
    second = shown_of(session)
    before = everything(session)
    do(session, "set $ecx = 7", "back")
    assert everything(session) == before
    assert shown_of(session, "micro back").at == second.at - 1


@pytest.mark.parametrize("line", ["set $ecx = 7", "si", "map 0x40000000", "flush", "irq 0"])
def test_whatever_else_changes_the_machine_ends_the_walk(line: str) -> None:
    session = start()
    do(session, "micro", "micro", line)
    shown = shown_of(session)
    assert shown.at == 0
    assert shown.whole.told.step.number == session.machine.steps


def test_going_elsewhere_in_time_ends_the_walk() -> None:
    session = start()
    do(session, "si", "si", "micro", "micro", "reverse-stepi")
    shown = shown_of(session)
    assert (shown.at, shown.whole.told.step.number) == (0, 1)


def test_looking_around_does_not_end_the_walk() -> None:
    session = start()
    do(session, "micro", "info registers", "x/4xw $esp", "p eax")
    assert shown_of(session).at == 1


def test_back_undoes_the_line_that_made_the_step() -> None:
    session = start()
    before = everything(session)[:4]
    *_, last = all_stages(session)
    do(session, "back")
    assert everything(session)[:4] == before
    assert shown_of(session) == last


# --- a fault once more


def test_a_fault_is_replayed_and_the_machine_stays(linux: Session) -> None:
    (told,) = (value for value in do(linux, "movl %eax,0") if isinstance(value, Story))
    do(linux, "si 3")
    before = everything(linux)[:4]
    events = [*shown_of(linux, "micro fault").stage.events]
    while not (shown := shown_of(linux)).is_last:
        events += shown.stage.events
    assert [*events, *shown.stage.events] == list(told.step.all_events())
    assert everything(linux)[:4] == before
    after = shown_of(linux)
    assert not after.replayed
    assert (after.at, after.whole.told.step.number) == (0, linux.machine.steps)


def test_an_earlier_fault_is_replayed_by_its_number(linux: Session) -> None:
    do(linux, "movl %eax,0", "c", "movl %eax,message", "si 3")
    before = everything(linux)[:4]
    for number, address in ((1, 0), (2, linux.symbols["message"])):
        shown = shown_of(linux, f"micro fault {number}")
        assert (shown.at, shown.replayed) == (0, True)
        assert shown.whole.told.step.deliveries[0].fault.linear == address
        assert shown.whole.told.step == only(Explanation, do(linux, f"why fault {number}")).story.step
        assert everything(linux)[:4] == before
    with pytest.raises(Problem, match="no fault 3") as raised:
        do(linux, "micro fault 3")
    assert "number 2" in str(raised.value.hint)


def test_a_fault_replayed_has_a_first_stage(linux: Session) -> None:
    do(linux, "movl %eax,0", "micro fault")
    with pytest.raises(Problem, match="first stage"):
        do(linux, "micro back")


def test_without_a_fault_there_is_none_to_replay(linux: Session) -> None:
    with pytest.raises(Problem, match="no fault yet"):
        do(linux, "micro fault")


# --- where there is no step


def test_there_is_no_stage_before_the_history(linux: Session) -> None:
    with pytest.raises(Problem, match="there is no step before this one"):
        do(linux, "micro back")
    do(linux, "incl %eax; incl %ecx", "goto 1", "micro back")
    assert linux.machine.steps == 0
    with pytest.raises(Problem, match="there is no step before this one"):
        do(linux, "micro back")


def test_without_code_there_is_no_stage(linux: Session) -> None:
    with pytest.raises(Problem, match="nothing to execute"):
        do(linux, "micro")


def test_a_halted_processor_has_no_next_stage(bare: Session) -> None:
    do(bare, "hlt")
    with pytest.raises(Problem, match="halted"):
        do(bare, "micro")


def test_a_shut_down_processor_has_no_next_stage_but_the_way_back() -> None:
    session = on_bench(without_an_idt())
    *_, last = all_stages(session)
    assert last.is_last
    with pytest.raises(Problem, match="shut down"):
        do(session, "micro")
    assert not shown_of(session, "micro back").is_last
    assert not session.machine.cpu.shutdown


def test_the_last_stage_of_a_triple_fault_tells_what_a_step_tells_then() -> None:
    session, twin = on_bench(without_an_idt()), on_bench(without_an_idt())
    told: list[Any] = []
    while not session.machine.cpu.shutdown:
        told = do(session, "micro")
    assert only(GivenUp, told) == only(GivenUp, do(twin, "si"))


# --- the mode


def test_in_the_mode_every_step_is_told_by_its_stages(linux: Session) -> None:
    assert only(Message, do(linux, "micro on"))
    (fault,) = (value for value in do(linux, "movl %eax,0") if isinstance(value, Stages))
    assert [event for _, events in fault.stages for event in events] == list(fault.told.step.all_events())
    assert len([value for value in do(linux, "si 3") if isinstance(value, Stages)]) == 3
    do(linux, "micro off")
    assert any(isinstance(value, Story) for value in do(linux, "si"))


def test_an_empty_line_shows_the_next_stage(linux: Session) -> None:
    do(linux, "movl %eax,0", "micro fault")
    assert linux.repetition == "micro"
    do(linux, "micro")
    assert linux.repetition == "micro"
    do(linux, "micro back")
    assert linux.repetition == "micro back"


def test_an_empty_line_does_not_go_on_from_a_replayed_fault_to_the_present(linux: Session) -> None:
    do(linux, "movl %eax,0", "micro fault")
    while not (shown := shown_of(linux)).is_last:
        assert linux.repetition == "micro"
    assert shown.replayed
    assert linux.repetition == ""


@settings(deadline=None, max_examples=60)
@given(st.binary(min_size=4, max_size=40), st.sampled_from([0, 3]), st.integers(0, 0xFFFFFFFF), st.booleans())
def test_whatever_runs_can_be_taken_apart(code: bytes, cpl: int, number: int, trap: bool) -> None:
    machine = two_rings(code, cpl, ebx=CELL, eax=number)
    machine.cpu.eflags |= TF if trap else 0
    map_page(machine, CELL, PRESENT)
    for _ in range(12):
        step = machine.step()
        stages = take_apart(tell(step)).stages
        assert [event for _, events in stages for event in events] == list(step.all_events())
        assert stages
