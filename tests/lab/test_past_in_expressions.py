"""What expressions know of the past: events of the chronicle, and the machine as it was."""

import pytest
from benches import do, value

from pagefault_lab.lab import expressions
from pagefault_lab.lab.patterns import PATTERNS
from pagefault_lab.lab.scopes import Then
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.notices import What
from pagefault_lab.problem import Problem

READ_ONLY = "movl %eax,message"


@pytest.fixture
def busy(linux: Session) -> Session:
    """A session in which much has happened: two faults of a user, a system call, work of the kernel's."""
    do(linux, READ_ONLY, "c", "user", "movl user_hole,%eax", "c", "user", "int3", "c", "kernel")
    do(linux, "movl %cr3,%eax", "movl %eax,%cr3", "invlpg message", "movb $65,%al", "movw $0x3f8,%dx", "outb %al,%dx")
    return linux


def matching(session: Session, what: What, *numbers: int | None) -> int:
    """How many events have these numbers, by looking at them all."""
    return sum(
        all(wanted in (None, told) for wanted, told in zip(numbers, event.numbers, strict=False))
        for event in session.chronicle.events(what)
    )


def test_events_are_counted_as_the_chronicle_has_them(busy: Session) -> None:
    for name, what in (
        ("fault", What.FAULT), ("interrupt", What.INTERRUPT), ("ring", What.RING), ("cr3", What.CR3),
        ("port", What.PORT), ("flush", What.FLUSH), ("table", What.TABLE), ("idt", What.IDT),
        ("shutdown", What.SHUTDOWN),
    ):  # fmt: skip
        assert value(busy, f"count({name})") == busy.chronicle.count(what)
        assert value(busy, f"ever({name})") == (busy.chronicle.count(what) > 0)
    for vector in range(20):
        assert value(busy, f"count(fault({vector}))") == matching(busy, What.FAULT, vector)
        assert value(busy, f"count(fault(vector == {vector}))") == matching(busy, What.FAULT, vector)
    for old in range(4):
        assert value(busy, f"count(ring({old}))") == matching(busy, What.RING, old)
        for new in range(4):
            assert value(busy, f"count(ring({old}, {new}))") == matching(busy, What.RING, old, new)
    assert value(busy, "ever(fault) && ever(ring(3, 0)) && ever(cr3) && ever(flush(message + 4)) && ever(port(0x3f8))")
    assert value(busy, "ever(flush(0)) || ever(shutdown)") == 0


def test_a_condition_names_fields_of_the_event_and_whatever_else_there_is_now(busy: Session) -> None:
    assert value(busy, "count(fault(14, error & 2))") == 1
    assert value(busy, "count(fault(14, write, cr2 == message))") == 1
    assert value(busy, "count(fault(14, !write && !present))") == value(busy, "count(fault(14, error == 4))")
    written = matching(busy, What.PORT, 0x3F8, ord("A"), None, 1)
    assert value(busy, "count(port(0x3f8, write && value == 'A'))") == written > 0
    do(busy, "set $ebx = message")
    assert value(busy, "count(fault(cr2 == $ebx))") == 1
    assert value(busy, "count(cr3(after == $cr3))") == value(busy, "count(cr3(cr3))")


def test_the_last_event_is_a_record_and_alone_its_step(busy: Session) -> None:
    event = busy.chronicle.last(What.FAULT)
    assert event is not None
    assert value(busy, "last(fault) + 0") == value(busy, "last(fault).step") == event.step
    assert value(busy, "last(fault).vector") == event.numbers[0]
    assert value(busy, "last(fault).eip") == event.address
    assert value(busy, "last(fault(14, write)).cr2 == message")
    assert busy.history.story(value(busy, "last(fault(14)) + 0")).deliveries
    (shown,) = do(busy, "p last(fault)")
    assert [field.name for field in shown.fields] == list(PATTERNS["fault"].record.fields)


def test_what_has_not_happened_is_a_problem_and_as_a_condition_false(busy: Session) -> None:
    with pytest.raises(Problem, match=r"no fault\(6\) has happened"):
        do(busy, "p last(fault(6)).eip")
    for text in ("last(fault(6)).eip", "last(fault(6)).eip == 0", "!last(fault(6))", "last(shutdown) || 1"):
        assert not expressions.parse(text).holds(busy)
    assert expressions.parse("!ever(fault(6))").holds(busy)
    with pytest.raises(Problem, match="division"):
        expressions.parse("1 / 0").holds(busy)


def test_an_edit_of_a_page_table_is_found_by_the_address_that_it_maps(linux: Session) -> None:
    do(linux, "subl $0x3000,%esp")
    assert value(linux, "ever(table($esp))") == 0
    do(linux, "pushl %eax", "c")  # the stack grows
    assert value(linux, "last(table($esp)).after == pte($esp) && !last(table($esp)).before")
    assert value(linux, "last(table($esp)).entry == &pte($esp)")
    assert value(linux, "ever(table(0xffc00000))") == 0


def test_who_wrote_memory_last_is_found_whoever_it_was(linux: Session) -> None:
    assert value(linux, "ever(write(user_data))") == 0
    do(linux, "movl $5,user_data", "movl $6,user_data", "nop")
    assert value(linux, "last(write(user_data)).step == 1 && last(write(user_data)).after == 6")
    assert value(linux, "last(write(user_data + 2, 1)) == 1")
    do(linux, "set u32[user_data] = 8")
    assert value(linux, "last(write(user_data)).eip == 0 && last(write(user_data)).before == 6")
    assert value(linux, "at(-1, last(write(user_data)).after)") == 6
    assert value(linux, "count(write(user_data))") == 3


def test_all_writes_to_memory_are_known_with_their_values(linux: Session) -> None:
    values = [7, 5, 5, 900, 3]
    for number in values:
        do(linux, f"movl ${number},user_data", "movl $1,user_data+4")
    do(linux, "set u32[user_data] = 12", "set u32[user_data] = 13", "incl user_data", "poke user_data 5", "nop")
    after = [*values, 12, 13, 14, 5]
    assert value(linux, "count(write(user_data))") == len(after)
    assert value(linux, "count(write(user_data, eip == 0))") == 3  # by the host
    for number in range(16):
        assert value(linux, f"count(write(user_data, after == {number}))") == after.count(number)
        assert value(linux, f"ever(write(user_data, 4, before == {number}))") == (number in after[:-1])
    assert value(linux, "last(write(user_data, after == 900)) == 6 && last(write(user_data, before == 3)) == 10")
    assert value(linux, "at(5, count(write(user_data)))") == 3
    assert value(linux, "u32[last(write(user_data, after == 900)).eip + 6]") == 900  # of the instruction's own bytes


def test_writes_of_a_loop_are_all_found_and_the_guests_by_their_step(linux: Session) -> None:
    do(linux, "asm", "movl $12000,%ecx", "again: movl %ecx,user_data", "loop again", "end", "c")
    assert value(linux, "count(write(user_data))") == 12000
    assert value(linux, "last(write(user_data, after == 11990)).step") == 1 + 2 * 10
    assert value(linux, "count(write(user_data, after & 1 && after < 1000))") == 500
    with pytest.raises(Problem, match="events would have to be looked at"):
        do(linux, f"p count(write(user_data, {' + '.join(['after'] * 60)}))")


def test_an_earlier_value_is_what_it_was(linux: Session) -> None:
    seen = []
    for number in range(12):
        seen.append(value(linux, "eax + ebx"))
        do(linux, f"movl ${number * 7},%{'eax' if number & 1 else 'ebx'}")
    for steps, was in enumerate(seen):
        assert value(linux, f"at({steps}, eax + ebx)") == was
        assert value(linux, f"at({steps - 12}, eax + ebx)") == was
    assert value(linux, "at(steps, eax)") == value(linux, "eax")
    for wrong in ("at(13, eax)", "at(-13, eax)", "at(1 << 80, eax)"):
        with pytest.raises(Problem, match="not in the past"):
            do(linux, f"p {wrong}")


def test_structures_and_events_are_those_of_then(linux: Session) -> None:
    do(linux, READ_ONLY)
    fault = value(linux, "steps")
    do(linux, "c", "user", "movl user_hole,%eax", "c")
    assert value(linux, "count(fault)") > value(linux, f"at({fault}, count(fault))") == 1
    assert value(linux, f"at({fault}, last(fault).cr2 == message && frame.error == 7 && fault.error == 7 && cpl == 0)")
    assert value(linux, f"at({fault} - 1, ever(fault))") == 0
    (shown,) = do(linux, f"p at({fault}, frame)")
    assert next(field.value for field in shown.fields if field.name == "error") == 7


def test_going_back_takes_events_out_of_the_past(linux: Session) -> None:
    do(linux, READ_ONLY)
    assert value(linux, "ever(fault)") == 1
    do(linux, "back")
    assert value(linux, "ever(fault)") == 0
    assert value(linux, "fault.step") == -1


def test_on_a_copy_an_expression_gives_what_it_gave_then(busy: Session) -> None:
    text = "count(fault) * 1000 + count(ring) * 100 + cpl * 10 + fault.error + (ever(fault) ? last(fault).step : 0)"
    expression = expressions.parse(text)
    steps = range(0, busy.machine.steps, busy.machine.steps // 7)
    known = {step: expression.value(Then.of(busy, busy.history.machine_at(step))) for step in steps}
    for step in steps:
        assert value(busy, f"at({step}, {text})") == known[step]
    assert len(set(known.values())) > 3
