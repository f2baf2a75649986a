"""Where a session stands, at a glance: what it shows is what the machine holds."""

import pytest
from benches import do, everything

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.lab.context import Context, context
from pagefault_lab.lab.results import Disassembly
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import PageWalk


def session_after(*lines: str, world: str = "linux") -> Session:
    session = Session(world)
    do(session, *lines)
    return session


def shown(*lines: str, world: str = "linux") -> Context:
    return context(session_after(*lines, world=world))


def here(code: Disassembly) -> int:
    return next(number for number, line in enumerate(code.lines) if line.here)


# --- code


def test_the_next_instruction_stands_among_those_that_surround_it() -> None:
    session = session_after("movl %eax,0", "si 4")
    code = context(session).code
    at = here(code)
    assert code.lines[at].address == session.here
    assert 0 < at < len(code.lines) - 1
    for line, following in zip(code.lines, code.lines[1:], strict=False):
        assert line.address + len(line.bytes) == following.address
    assert session.symbols.nearest(code.lines[0].address).name == session.symbols.nearest(session.here).name


def test_typed_lines_are_the_code_and_end_where_the_next_one_goes() -> None:
    session = session_after("movl $1,%eax", "movl $2,%ebx")
    code = context(session).code
    assert [line.text for line in code.lines] == ["movl $0x1,%eax", "movl $0x2,%ebx"]
    assert not any(line.here for line in code.lines)
    last = code.lines[-1]
    assert last.address + len(last.bytes) == session.here


@pytest.mark.parametrize("inside", [1, 2, 3, 4])
def test_amid_an_instruction_nothing_is_shown_before_that_does_not_end_there(inside: int) -> None:
    session = session_after("kernel", f"set $eip = page_fault + {inside}")  # its first instruction has five bytes
    code = context(session).code
    assert code.lines[0].address == session.here


# --- translation


def test_a_fault_shows_the_walk_that_refused() -> None:
    found = shown("movl %eax,0").translation
    assert isinstance(found, PageWalk)
    assert (found.linear, found.kind, found.user) == (0, Kind.WRITE, True)
    assert isinstance(found.end, Fault)


def test_a_step_shows_how_its_data_was_reached() -> None:
    first = shown("pushl %eax").translation
    assert isinstance(first, PageWalk | TlbHit)
    assert first.kind is Kind.WRITE
    second = shown("pushl %eax", "pushl %eax").translation
    assert isinstance(second, TlbHit)
    assert second.linear == first.linear - 4


def test_a_step_without_data_shows_how_it_was_fetched() -> None:
    found = shown("nop").translation
    assert found is not None
    assert found.kind is Kind.FETCH


def test_without_paging_nothing_was_translated() -> None:
    assert shown("nop", world="bare").translation is None


def test_a_run_shows_its_last_step() -> None:
    session = session_after("kernel", "finish")  # back at the user's instruction, by iret
    session.runner.last = None
    found = context(session).translation
    told = session.history.story(session.machine.steps - 1)
    assert found in [*told.all_events()]


# --- stacks


def test_the_users_stack_stands_beside_the_place_where_the_kernels_begins() -> None:
    session = session_after("pushl $0x1234")
    user, kernel = context(session).stacks
    assert (user.ring, user.told_by, user.top) == (3, "ESP", session.machine.cpu.registers[4])
    assert user.slots[-1].value == 0x1234
    assert (kernel.ring, kernel.told_by, kernel.slots) == (0, "tss.esp0", ())
    assert kernel.top == session.machine.cpu.peek(session.machine.cpu.tr.base + 4, 4)


def test_in_a_handler_the_users_stack_is_the_one_that_the_frame_has_saved() -> None:
    before = session_after("pushl $0x1234")
    esp = before.machine.cpu.registers[4]
    user, kernel = shown("pushl $0x1234", "movl %eax,0", "si 3").stacks
    assert (user.ring, user.told_by, user.top) == (3, "saved ESP", esp)
    assert user.slots[-1].value == 0x1234
    assert (kernel.ring, kernel.told_by) == (0, "ESP")
    assert [slot.meaning for slot in kernel.slots][:6] == ["SS", "ESP", "EFLAGS", "CS", "EIP", "error code"]


def test_a_fault_in_the_kernel_leaves_the_users_stack_known() -> None:
    session = session_after("kernel", "movl %eax,0x10")
    user, kernel = context(session).stacks
    assert session.machine.cpu.cpl == 0
    assert user.ring == 3
    assert user.told_by == "saved ESP"
    assert kernel.slots[-1].meaning == "error code"


def test_a_users_stack_ends_where_its_pages_end() -> None:
    user, _ = shown("movl $0xbffffff8,%esp").stacks
    assert [slot.address for slot in user.slots] == [0xBFFFFFFC, 0xBFFFFFF8]


def test_a_stack_that_is_not_mapped_is_told() -> None:
    user, _ = shown("movl $0x10,%esp").stacks
    assert user.missing
    assert user.slots == ()


def test_without_a_tss_there_is_one_stack() -> None:
    assert len(shown(world="bare").stacks) == 1


# --- events


def test_events_are_the_chronicles_newest() -> None:
    session = session_after("movl %eax,0", "back", "int $0x80")
    told = [row.event for row in context(session).timeline.rows if row.event is not None]
    assert told == [*session.chronicle.events()]


def test_in_the_past_what_comes_is_shown_too() -> None:
    session = session_after("movl %eax,0", "reverse-stepi")
    found = context(session).timeline
    assert (found.step, found.present) == (0, 1)
    assert [row.step for row in found.rows if row.event is not None] == [0, 0]


# --- context on


def test_it_is_shown_after_each_line_that_changes_something() -> None:
    session = session_after("context on")

    def shows(line: str) -> bool:
        return any(isinstance(value, Context) for value in do(session, line))

    assert shows("nop")
    assert not shows("p 1")
    assert shows("back")
    do(session, "context off")
    assert not shows("nop")


def test_looking_changes_nothing() -> None:
    session = session_after("movl %eax,0", "si 2")
    before = everything(session)
    assert context(session) == context(session)
    assert everything(session) == before
