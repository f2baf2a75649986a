"""Taking a lesson: where parts begin, what earns points, and that a recording alone says how it went."""

import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from taking import begun_again, do, lesson_of, standing, taken, wrong

from pagefault_lab.lab.recording import Writer, read
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.lesson_files import named_files
from pagefault_lab.tutor.player import exhaust
from pagefault_lab.tutor.told import (
    AnswerShown,
    AskShown,
    Checked,
    HintShown,
    LessonLine,
    LessonShown,
    PartBegun,
    Predicted,
    PredictShown,
    ProseShown,
    Remarked,
    Solved,
    TaskShown,
    Wronged,
)

TASK = """
```task
id = "{id}"
{more}points = 10
goal = "{goal}"
hints = ["look", "look again"]
after = "It is {{{{ $ebx }}}}."
answer = "{answer}"
[[messages]]
when = "$ebx == 3"
say = "3 is too little"
```
"""


def task(goal: str = "ebx == 5", answer: str = "movl $5,%ebx", id: str = "set", more: str = "") -> str:
    return TASK.format(goal=goal, answer=answer, id=id, more=more)


def lab(*lines: str, word: str = "lab") -> str:
    return "\n".join(("", f"```{word}", *lines, "```", ""))


def of_kind(kind: type, values: list[object]) -> list[object]:
    return [value for value in values if isinstance(value, kind)]


# --- where a part begins


def test_a_part_begins_behind_the_blocks_above_it_whatever_was_done_in_another() -> None:
    attempt = taken(lab("movl $1,%eax") + task() + lab("incl %eax") + task(id="second"))
    do(attempt, "movl $77,%eax", "movl $5,%ecx", "lesson next")
    registers = attempt.session.machine.cpu.registers
    assert (registers[0], registers[1]) == (2, 0)


def test_what_a_block_does_aside_does_not_lead_on() -> None:
    attempt = taken(lab("movl $0,%eax") + lab("movl $1,%eax", word="lab aside") + task() + task(id="second"))
    assert attempt.session.machine.cpu.registers[0] == 1
    do(attempt, "lesson next")
    assert attempt.session.machine.cpu.registers[0] == 0


def test_a_fresh_block_leaves_what_is_above_it_behind() -> None:
    attempt = taken(
        lab("movl $1,%eax") + task() + lab("movl $2,%ecx", word="lab fresh") + task(id="second") + "\nText."
    )
    before = Session().machine.cpu.registers[0]
    do(attempt, "lesson next")
    assert attempt.session.machine.cpu.registers[0:2] == [before, 2]
    do(attempt, "lesson next")
    assert attempt.session.machine.cpu.registers[0:2] == [before, 2]


def test_a_quiet_block_says_nothing_and_any_other_is_typed_for_all_to_see() -> None:
    attempt = taken(
        "Text." + "\n\n---\n" + lab("movl $1,%eax", word="lab quiet") + lab("# Two.", "movl $2,%ecx") + task()
    )
    values = do(attempt, "lesson next")
    assert [line.line for line in values if isinstance(line, LessonLine)] == ["movl $2,%ecx"]
    assert "Two." in [prose.text for prose in values if isinstance(prose, ProseShown)]
    assert attempt.session.machine.cpu.registers[:2] == [1, 2]


def test_a_program_is_placed_and_not_executed() -> None:
    attempt = taken(lab("there: movl $9,%eax", "jmp there", word="asm") + task(goal="eax == 9", answer="si"))
    assert attempt.session.machine.steps == 0
    assert of_kind(Solved, do(attempt, "si"))


def test_a_task_continues_where_the_one_before_was_solved() -> None:
    body = task() + lab("movl $1,%edx") + task("ecx == ebx + 1", "leal 1(%ebx),%ecx", "second", "continues = true\n")
    attempt = taken(body)
    assert "set" in str(wrong(attempt, "lesson next"))
    assert "set" in str(wrong(attempt, "lesson goto 2"))
    do(attempt, "movl $1,%esi", "hint", "movl $5,%ebx", "movl $1,%edi", "lesson next")
    registers = attempt.session.machine.cpu.registers
    assert (registers[6], registers[3], registers[7], registers[2]) == (1, 5, 0, 1), "up to the line that solved it"
    do(attempt, "movl $0,%ebx", "reset")
    assert registers is not attempt.session.machine.cpu.registers
    assert attempt.session.machine.cpu.registers[3] == 5
    assert of_kind(Solved, do(attempt, "movl $6,%ecx"))
    assert begun_again(attempt).standings == attempt.standings


def test_who_cannot_go_on_to_a_part_is_told_how_to_pass_it_over() -> None:
    further = task("ecx == 6", "movl $6,%ecx", "second", "continues = true\n")
    assert wrong(taken(task() + further), "lesson next").hint == "`lesson goto set` goes to it"
    attempt = taken(task() + further + further.replace("second", "third") + "\nThe end.\n")
    problem = wrong(attempt, "lesson next")
    assert problem.sentence == "part 2 begins where set was solved, and it is not yet"
    assert problem.hint == "`lesson goto set` goes to it, `lesson goto 4` passes it over"
    do(attempt, "lesson goto 4")
    assert attempt.is_last


def test_what_was_given_up_in_a_block_is_done_again_too() -> None:
    body = task() + task("ecx == 6", "movl $6,%ecx", "second", "continues = true\n")
    attempt = taken(body)
    do(attempt, "asm", "nop")
    attempt.session.abandon()
    do(attempt, "movl $5,%ebx", "lesson next")
    assert attempt.session.machine.cpu.registers[3] == 5


def test_goals_see_only_what_happened_since_the_task_began() -> None:
    attempt = taken(lab("movl user_heap,%eax", "c") + task("ever(fault(14)) && count(fault) == 1"))
    assert not of_kind(Solved, do(attempt, "nop"))
    assert of_kind(Solved, do(attempt, "movl user_heap+0x1000,%eax"))


def test_text_sees_what_the_blocks_above_it_have_done() -> None:
    text = "{{/d count(fault(14)) }} at {{/x last(fault(14)).cr2 }}"
    attempt = taken(task() + lab("movl user_heap,%eax") + text)
    do(attempt, "nop", "nop", "movl $5,%ebx")
    assert ProseShown("1 at 0x804c000") in do(attempt, "lesson next")


def test_what_was_undone_has_not_happened() -> None:
    attempt = taken(task("ever(fault(14)) && ebx == 5"))
    do(attempt, "movl user_heap,%eax", "back")
    assert not of_kind(Solved, do(attempt, "movl $5,%ebx"))


def test_who_goes_back_to_before_the_task_is_told_so_and_earns_nothing_there() -> None:
    attempt = taken(lab("movl $5,%ebx", "movl $0,%ebx") + task())
    assert of_kind(Message, do(attempt, "back"))
    assert (attempt.session.machine.cpu.registers[3], standing(attempt, "set").points) == (5, 0)
    do(attempt, "reset")
    assert attempt.session.machine.cpu.registers[3] == 0


@pytest.mark.parametrize(
    "instead", [("nop", "nop"), ("set $ecx = 1", "asm", "nop", "end", "si"), ("p 1", "nop", "nop")]
)
def test_who_does_something_else_instead_of_what_led_to_the_task_earns_nothing(instead: tuple[str, ...]) -> None:
    attempt = taken(lab("movl $7,%eax", "movl $0,%ebx") + task("eax != 7 && ebx != 5", "movl $8,%eax"))
    do(attempt, "back 2", *instead, "nop", "nop")
    assert standing(attempt, "set").points == 0
    do(attempt, "reset", "back", "redo", "movl $8,%eax")
    assert standing(attempt, "set").solved
    assert begun_again(attempt).standings == attempt.standings


def test_another_world_is_not_where_the_task_began() -> None:
    attempt = taken(task("ebx == 0 && steps == 0"))
    assert of_kind(Message, do(attempt, "world bare"))
    assert not standing(attempt, "set").solved


def test_what_is_broken_off_while_it_is_told_is_done_all_the_same() -> None:
    attempt = taken(task() + lab("movl $1,%ecx", "movl $2,%ecx") + PREDICT)
    do(attempt, "movl $5,%ebx")
    telling = attempt.execute("lesson next")
    assert isinstance(next(telling), PartBegun)
    telling.close()
    assert attempt.session.machine.cpu.registers[1] == 2
    telling = attempt.execute("say yes 7 user_rodata 2 0")
    next(telling)
    telling.close()
    assert standing(attempt, "write").points == 10
    assert begun_again(attempt).standings == attempt.standings


@pytest.mark.parametrize("line", ["say 6", "hint", "answer"])
def test_what_is_said_to_the_lesson_counts_when_it_is_told(line: str) -> None:
    attempt = taken(ASK.format(more='hints = ["six"]\n') if line != "answer" else task())
    if line == "answer":
        do(attempt, "nop")
    telling = attempt.execute(line)
    next(telling)
    telling.close()
    assert begun_again(attempt).standings == attempt.standings


def test_ctrl_c_stops_no_line_of_the_lesson() -> None:
    long = lab("movl $0,%ecx", "asm", "more: incl %ecx", "cmpl $400000,%ecx", "jne more", "end", "run")
    attempt = taken(task() + long + task(id="second"), "budget = 2_000_000")
    before = signal.signal(signal.SIGALRM, lambda *_: attempt.session.interrupt())
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        do(attempt, "lesson next")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert attempt.session.machine.cpu.registers[1] == 400_000
    assert begun_again(attempt).session.machine.steps == attempt.session.machine.steps


# --- points


def test_the_best_moment_counts() -> None:
    body = """
```task
id = "both"
answer = "movl $1,%ebx; movl $2,%ecx"
[[goals]]
holds = "ebx == 1"
points = 3
text = "EBX is 1"
[[goals]]
holds = "ecx == 2"
points = 4
```
"""
    attempt = taken(body)
    do(attempt, "movl $1,%ebx")
    do(attempt, "movl $0,%ebx")
    assert standing(attempt, "both").points == 3
    (checked,) = of_kind(Checked, do(attempt, "check"))
    assert isinstance(checked, Checked)
    assert [goal.holds for goal in checked.goals] == [False, False]
    do(attempt, "movl $2,%ecx")
    assert standing(attempt, "both").points == 4
    assert of_kind(Solved, do(attempt, "movl $1,%ebx"))
    assert standing(attempt, "both").points == 7


def test_a_task_that_takes_too_many_steps_is_not_solved() -> None:
    attempt = taken(task(more="budget = 3\n"))
    do(attempt, "nop", "nop", "nop")
    (checked,) = of_kind(Checked, do(attempt, "movl $5,%ebx"))
    assert isinstance(checked, Checked)
    assert (checked.solved, checked.late, checked.earned) == (False, True, 0)
    do(attempt, "reset")
    assert of_kind(Solved, do(attempt, "movl $5,%ebx"))


def test_a_remark_is_made_when_it_comes_to_hold_and_by_check_whenever_it_holds() -> None:
    attempt = taken(task())
    assert of_kind(Remarked, do(attempt, "movl $3,%ebx")) == [Remarked("3 is too little")]
    assert not of_kind(Remarked, do(attempt, "nop"))
    assert of_kind(Remarked, do(attempt, "check"))
    assert standing(attempt, "set").remarks == ["3 is too little"]


def test_who_has_solved_a_task_is_told_no_mistakes_by_check() -> None:
    attempt = taken(task().replace('when = "$ebx == 3"', 'when = "$ebx != 4"'))
    assert of_kind(Remarked, do(attempt, "movl $3,%ebx"))
    assert of_kind(Solved, do(attempt, "movl $5,%ebx"))
    assert not of_kind(Remarked, do(attempt, "check"))


def test_a_part_without_an_exercise_is_told_anew_when_it_is_reset() -> None:
    attempt = taken("Only a text.\n")
    assert of_kind(ProseShown, do(attempt, "lesson reset"))


def test_an_answer_comes_after_trying_and_then_nothing_is_earned() -> None:
    attempt = taken(task())
    assert "try" in str(wrong(attempt, "answer"))
    do(attempt, "nop")
    assert of_kind(AnswerShown, do(attempt, "answer")) == [AnswerShown("set", ("movl $5,%ebx",), True)]
    assert of_kind(Solved, do(attempt, "movl $5,%ebx")) == [Solved("set", 0, 10, "It is 5.")]
    assert standing(attempt, "set").answered


def test_an_answer_that_is_looked_at_afterwards_costs_nothing() -> None:
    attempt = taken(task())
    do(attempt, "movl $5,%ebx", "answer")
    assert (standing(attempt, "set").points, standing(attempt, "set").answered) == (10, False)


def test_hints_come_one_by_one_and_are_counted() -> None:
    attempt = taken(task())
    texts = [getattr(value, "text", "") for value in do(attempt, "hint", "hint", "hint")]
    assert texts == ["look", "look again", "look again"]
    assert standing(attempt, "set").hints == 2


def test_the_last_hint_says_that_there_is_no_other() -> None:
    attempt = taken(task())
    told = of_kind(HintShown, do(attempt, "hint", "hint", "hint"))
    assert told == [
        HintShown("set", 1, 2, "look"),
        HintShown("set", 2, 2, "look again"),
        HintShown("set", 2, 2, "look again", again=True),
    ]
    assert standing(attempt, "set").hints == 2


def test_the_text_of_a_part_is_told_again_as_it_was_and_the_machine_stays() -> None:
    attempt = Attempt(lesson_of("EBX is {{ ebx }}.\n" + lab("movl $1,%ebx") + "And {{ ebx }}.\n" + task() + "End."))
    told = list(attempt.begin(0))
    assert do(attempt, "movl $3,%ebx", "text")[-len(told) :] == told
    assert attempt.session.machine.cpu.registers[3] == 3
    do(attempt, "lesson reset", "movl $3,%ebx")
    assert do(attempt, "lesson text") == told
    assert do(begun_again(attempt), "text") == told
    assert standing(attempt, "set").lines == 2
    told = do(attempt, "lesson next")[1:]
    assert do(attempt, "text") == told


def test_who_types_next_is_told_what_that_is() -> None:
    attempt = taken(task())
    (told,) = of_kind(Message, do(attempt, "nop", "back", "next"))
    assert "lesson next" in str(told)


def test_a_line_about_the_lesson_is_not_judged_and_one_that_is_wrong_is_none() -> None:
    attempt = taken(task())
    do(attempt, "hint", "task", "lesson", "check")
    wrong(attempt, "lesson goto nowhere")
    wrong(attempt, "movl %eax")
    assert standing(attempt, "set").lines == 0
    do(attempt, "nop")
    assert standing(attempt, "set").lines == 1


def test_the_values_of_a_variant_are_the_lessons_also_when_someone_sets_them() -> None:
    attempt = taken(task("ebx == $wanted"), "[variants]\nwanted = { one_of = [5] }")
    do(attempt, "set $wanted = 0")
    assert not of_kind(Solved, do(attempt, "movl $0,%ebx"))
    assert of_kind(Solved, do(attempt, "movl $5,%ebx"))


@pytest.mark.parametrize(
    "line", ["there: .long 5", "there = 0xbfffffe0", "asm\n.long 5\nthere: .long 5\nend", "set $kept = 5"]
)
def test_what_the_lessons_lines_have_named_is_the_lessons_also_when_someone_names_it_anew(line: str) -> None:
    lesson = lab("asm", "there: .long 1", "end", "set $kept = 1") + task("[there] == 5 || $kept == 5", "movl $5,there")
    attempt = taken(lesson + lab("nop") + task("[there] == 7", "movl $7,there", "further", "continues = true\n"))
    do(attempt, *line.split("\n"), "nop")
    assert not standing(attempt, "set").solved
    do(attempt, "lesson reset", "movl $5,there")
    assert standing(attempt, "set").solved
    do(attempt, "lesson next", "movl $7,there")
    assert standing(attempt, "further").solved


MODULE = """
        .globl  init_module, cleanup_module
init_module:
        xorl    %eax,%eax
cleanup_module:
        ret
        .data
{data}
"""


@pytest.mark.parametrize(
    "line", ["seen: .long 5", "movl $5,user_stack\nseen = user_stack", "insmod {other}", "rmmod mine\ninsmod {other}"]
)
def test_what_a_module_of_the_lesson_has_named_is_the_lessons_also_when_someone_names_it_anew(
    line: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.s").write_text(MODULE.format(data="seen: .long 1"))
    (tmp_path / "other.s").write_text(MODULE.format(data=".long 1; seen: .long 5"))
    attempt = Attempt(lesson_of(lab("insmod mine.s") + task("[seen] == 5"), folder=tmp_path), "x")
    exhaust(attempt.begin(0))
    do(attempt, *line.format(other=tmp_path / "other.s").split("\n"), "nop")
    assert not standing(attempt, "set").solved
    do(attempt, "lesson reset", "kernel", "movl $5,seen")
    assert standing(attempt, "set").solved


def test_what_someone_has_named_anew_in_a_solution_stays_so_in_the_task_that_continues() -> None:
    lesson = lab("asm", "there: .long 1", "end") + task("[there] == 1 && ebx == 5")
    attempt = taken(lesson + task("[there] == 7", "there: .long 7", "further", "continues = true\n"))
    do(attempt, "asm", "there: .long 7", "end", "movl $5,%ebx", "lesson next", "nop")
    assert standing(attempt, "further").solved


# --- questions

ASK = """
```ask
id = "code"
points = 2
question = "Which?"
answer = "ebx + 1"
after = "So it is."
{more}
[[messages]]
when = "$said == 9"
say = "nine is another one"
```
"""


@pytest.mark.parametrize("line", ["user_heap: nop", "user_heap = 0x08048000", "asm\nuser_heap:\nnop\nend"])
def test_a_name_of_the_world_is_the_lessons_also_when_someone_gives_it_to_something_else(line: str) -> None:
    attempt = taken(task("pte(user_heap).present", "movl %eax,user_heap"))
    do(attempt, *line.split("\n"), "nop")
    assert not standing(attempt, "set").solved
    do(attempt, "movl %eax,0x0804c000", "c")
    assert attempt.session.symbols.given["user_heap"] == 0x0804C000
    assert standing(attempt, "set").solved


def test_a_reply_without_say_is_told_how_to_say_it() -> None:
    attempt = taken(ASK.format(more="") + task())
    assert wrong(attempt, "1").hint == "to reply to the question: say 1"
    assert wrong(attempt, "hlep").hint == "did you mean help? or, to reply to the question: say hlep"
    do(attempt, "lesson next")
    assert "say" not in str(wrong(attempt, "fnord"))


def test_handing_in_is_for_the_shell() -> None:
    (told,) = of_kind(Message, do(taken(task()), "lesson submit"))
    assert "pagefault-lab lesson submit tested" in str(told)


def test_a_reply_counts_as_long_as_there_are_tries() -> None:
    attempt = taken(lab("movl $5,%ebx") + ASK.format(more=""))
    values = do(attempt, "say 9")
    assert values == [Wronged("code", "9", 1, "", ""), Remarked("nine is another one")]
    do(attempt, "movl $77,%ebx")
    assert do(attempt, "say 0x6") == [Solved("code", 2, 2, "So it is.")]
    assert of_kind(Message, do(attempt, "say 6"))


def test_behind_the_last_try_the_right_reply_is_told() -> None:
    attempt = taken(lab("movl $0,%ebx") + ASK.format(more="tries = 1"))
    assert do(attempt, "say 2") == [Wronged("code", "2", 0, "1", "So it is.")]
    assert standing(attempt, "code").points == 0
    assert of_kind(Message, do(attempt, "say 1"))


@pytest.mark.parametrize("reply", ["eax", "[0]", "fault.error", "page", "1 +", "{{ 1 }}", "p 1", "$x", "1 == 1"])
def test_a_reply_is_a_value_and_nothing_that_finds_one(reply: str) -> None:
    attempt = taken(ASK.format(more=""))
    wrong(attempt, f"say {reply}")
    assert standing(attempt, "code").replies == []


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        ("#PF", "say its number"), ("page fault", "say the value itself"), ("PF", "say the value itself"),
        ("14h", "0x14"), ("0Eh", "0xE"), ("011", "no 0 before it: 11"), ("present", "say the value itself"),
        ("user, write", "say the value itself"), ("P", "say the value itself"), ("x" * 5000, "say the value itself"),
    ],
)  # fmt: skip
def test_a_reply_that_is_no_value_is_told_how_to_say_it(reply: str, hint: str) -> None:
    problem = wrong(taken(ASK.format(more="")), f"say {reply}")
    assert hint in (problem.hint or "")
    assert len(problem.sentence) < 80


@pytest.mark.parametrize("reply", ["14", "0xE", "0XE", "0b1110", "$14", "$0xe", " 14 ", "fourteen", "fourteen + 0"])
def test_a_value_is_said_as_people_write_it(reply: str) -> None:
    attempt = taken(lab("fourteen = 14", "movl $13,%ebx") + ASK.format(more=""))
    assert of_kind(Solved, do(attempt, f"say {reply}"))


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("1", 1), ("2", 2), ("the PDE", 1), ("THE  pte", 2), ("`the PTE`", 2), ("none", 3), ("pte", 2), ("them", 3),
        ("of none", 3),
    ],
)  # fmt: skip
def test_a_choice_is_named_by_its_number_or_the_beginning_of_its_words(reply: str, number: int) -> None:
    choices = f'choices = ["the `PDE`", "the PTE", "none of them"]\ntries = {number}'
    attempt = taken(ASK.replace("ebx + 1", str(number)).format(more=choices))
    assert of_kind(Solved, do(attempt, f"say {reply}"))
    assert "could be one of several choices (say its number: 1, 2)" in str(
        wrong(taken(ASK.format(more=choices)), "say the")
    )
    assert "none of the choices (say a number from 1 to 3" in str(wrong(taken(ASK.format(more=choices)), "say #PF"))


@pytest.mark.parametrize("reply", ["us in the pde", "U/S in the PDE", "us pde", "US"])
def test_a_choice_may_be_named_as_the_screen_has_it(reply: str) -> None:
    choices = 'choices = ["P", "`U/S` in the PDE", "R/W in the PDE"]\ntries = 2'
    assert of_kind(Solved, do(taken(ASK.replace("ebx + 1", "2").format(more=choices)), f"say {reply}"))


@pytest.mark.parametrize("reply", ["8049000", "0x8049000", "134516736"])
def test_an_address_is_understood_without_its_prefix(reply: str) -> None:
    asked = ASK.replace("ebx + 1", "user_rodata").format(more="")
    assert of_kind(Solved, do(taken(asked), f"say {reply}"))
    predicted = PREDICT.replace('["fault", "error", "cr2", "entry", "ring"]', '["cr2"]')
    (told,) = of_kind(Predicted, do(taken(predicted), f"say {reply}"))
    assert isinstance(told, Predicted)
    assert [(row.said, row.is_right) for row in told.rows] == [("0x8049000", True)]


@pytest.mark.parametrize(("right", "reply"), [("0x10", "10"), ("0x1000", "1000"), ("0x100000000", "100000000")])
def test_fewer_or_more_digits_than_those_of_an_address_are_decimal(right: str, reply: str) -> None:
    assert of_kind(Wronged, do(taken(ASK.replace("ebx + 1", right).format(more="")), f"say {reply}"))


def test_an_address_without_its_prefix_is_told_in_both_ways_where_neither_is_right() -> None:
    attempt = taken(ASK.replace("$said == 9", "$said == 0x8050000").format(more=""))
    said = Wronged("code", "8050000 or 0x8050000", 1, "", "")
    assert do(attempt, "say 8050000") == [said, Remarked("nine is another one")]
    assert begun_again(attempt).standings == attempt.standings
    attempt = taken(ASK.replace("$said == 9", "$said > 9").format(more=""))
    assert do(attempt, "say 8050000") == [said, Remarked("nine is another one")], "once, if it goes for both"


def test_behind_the_last_try_what_is_right_has_the_last_word() -> None:
    attempt = taken(ASK.format(more=""))
    do(attempt, "say 3")
    assert do(attempt, "say 9") == [Remarked("nine is another one"), Wronged("code", "9", 0, "2", "So it is.")]


def test_where_an_answer_was_corrected_what_was_said_behind_it_still_counts() -> None:
    body = ASK.format(more="") + ASK.replace('id = "code"', 'id = "other"').format(more="")
    attempt = taken(body.replace("ebx + 1", "3"))
    do(attempt, "say 2", "say 3", "lesson next", "say 3")
    corrected = taken(body.replace("ebx + 1", "2", 1).replace("ebx + 1", "3"))
    for _ in corrected.replay(attempt.recording):
        pass
    assert (corrected.points, standing(corrected, "code").replies) == (4, ["2"])


# --- predictions

PREDICT = """
```predict
id = "write"
points = 2
lines = '''
movl %eax,user_rodata
'''
asks = ["fault", "error", "cr2", "entry", "ring"]
after = "It was {{ last(fault).error }}."
```
"""


def test_a_prediction_is_what_the_machine_then_does() -> None:
    attempt = taken(PREDICT)
    (shown,) = of_kind(PredictShown, do(attempt, "say yes 7"))
    assert isinstance(shown, PredictShown)
    assert [question.said for question in shown.questions] == ["yes", "7", None, None, None]
    assert "replies" in str(wrong(attempt, "say user_rodata 2 3 4"))
    (told,) = of_kind(Predicted, do(attempt, "say user_rodata, the PDE, 0"))
    assert isinstance(told, Predicted)
    assert [row.is_right for row in told.rows] == [True, True, True, False, True]
    assert (told.earned, told.points, told.after) == (8, 10, "It was 7.")


@pytest.mark.parametrize("reply", ["i think that it does work", "it is a read, so no", "no 6 7 8 9 or so"])
def test_a_sentence_is_no_reply_and_is_told_as_a_whole(reply: str) -> None:
    attempt = taken(PREDICT.replace('["fault", "error", "cr2", "entry", "ring"]', '["fault"]'))
    assert str(wrong(attempt, f"say {reply}")).startswith(f"{reply} is none of the choices")


def test_too_many_replies_are_counted() -> None:
    attempt = taken(PREDICT.replace('["fault", "error", "cr2", "entry", "ring"]', '["fault", "error"]'))
    assert str(wrong(attempt, "say no 6 7")) == "these are 3 replies to 2 questions"


def test_what_was_done_before_the_last_reply_is_no_part_of_what_was_predicted() -> None:
    attempt = taken(PREDICT)
    do(attempt, "protect user_rodata rwu", "movl $1,%eax", "say yes", "say 7", "say user_rodata", "say 2")
    (told,) = of_kind(Predicted, do(attempt, "say 0"))
    assert isinstance(told, Predicted)
    assert all(row.is_right for row in told.rows)


def test_a_reply_means_what_it_meant_when_it_was_given() -> None:
    attempt = taken(PREDICT)
    do(attempt, "there: movl $5,%eax", "say yes there", "there = 7", "say user_rodata 2 0")
    assert standing(attempt, "write").over
    assert begun_again(attempt).standings == attempt.standings


def test_a_prediction_whose_lines_do_not_work_is_asked_anew() -> None:
    attempt = taken(PREDICT.replace("movl %eax,user_rodata", "nonsense") + task())
    for _ in range(2):
        problem = wrong(attempt, "say yes 7 user_rodata 2 0")
        assert problem.file == "tested.md"
        assert standing(attempt, "write").replies == []
    do(attempt, "lesson next", "movl $5,%ebx")
    assert begun_again(attempt).standings == attempt.standings


def test_a_prediction_counts_once() -> None:
    attempt = taken(PREDICT)
    do(attempt, "say no none none none 3")
    assert of_kind(Message, do(attempt, "say yes 7 user_rodata 2 0"))
    do(attempt, "reset")
    assert of_kind(Message, do(attempt, "say yes 7 user_rodata 2 0"))
    assert standing(attempt, "write").points == 0


# --- the end


def test_the_last_next_tells_how_it_went() -> None:
    attempt = taken(task() + ASK.format(more=""))
    do(attempt, "movl $5,%ebx", "lesson next")
    (shown,) = of_kind(LessonShown, do(attempt, "lesson next"))
    assert isinstance(shown, LessonShown)
    assert (shown.over, shown.earned, shown.points) == (True, 10, 12)
    assert [(row.exercise, row.state) for row in shown.rows] == [("set", "solved"), ("code", "")]


def test_one_can_go_anywhere() -> None:
    attempt = taken("Text.\n\n---\n" + task() + ASK.format(more=""))
    assert of_kind(AskShown, do(attempt, "lesson goto code"))
    assert of_kind(TaskShown, do(attempt, "previous"))
    do(attempt, "lesson goto 1")
    wrong(attempt, "previous")
    wrong(attempt, "task")


# --- recordings


MACHINE_LINES = [
    "movl $5,%ebx", "movl $3,%ebx", "movl user_heap,%eax", "c", "back", "redo", "si", "nop", "insmod lecture.s",
    "rmmod lecture", "kernel", "user", "set $ebx = 5", "world bare", "asm", "end", "l: jmp ahead", "ahead:", "p ebx",
    "nonsense", "poke user_data 1", "", "# a note", "trace off", "back 3", "user_heap: nop", "b $eip+1",
    "commands hint; say 5; reset", "run",
]  # fmt: skip
LESSON_LINES = [
    "hint", "check", "task", "lesson", "reset", "previous", "lesson next", "answer", "say 1", "say 5", "say yes",
    "say yes 7 user_rodata 2 0", "lesson goto 1", "lesson goto set", "lesson goto second", "lesson goto write",
]  # fmt: skip
WHOLE = (
    lab("movl $1,%eax")
    + task()
    + task("ecx == 6", "movl $6,%ecx", "second", "continues = true\n")
    + ASK.format(more="")
    + PREDICT
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(MACHINE_LINES) | st.sampled_from(LESSON_LINES), min_size=5, max_size=25))
def test_whatever_someone_types_is_repeated_with_the_same_result(lines: list[str]) -> None:
    attempt = taken(WHOLE)
    for line in lines:
        with suppress(Problem):
            do(attempt, line)
    if attempt.session.unfinished:
        attempt.session.abandon()
    writer = Writer()
    text = writer.head(attempt.recording)
    text += b"".join(writer.input(each, attempt.recording.contents) for each in attempt.recording.inputs)
    kept = read(text, "kept")
    assert kept.damaged is None
    other = taken(WHOLE)
    for _ in other.replay(kept.recording):
        pass
    assert other.standings == attempt.standings
    assert other.at == attempt.at
    assert other.session.machine.steps == attempt.session.machine.steps
    assert other.session.machine.cpu.registers == attempt.session.machine.cpu.registers


@pytest.mark.parametrize("text", ["after", "say"])
def test_a_text_of_the_lesson_that_cannot_be_said_ends_nothing(text: str) -> None:
    body = task()
    for before in ("It is {{ $ebx }}.",) if text == "after" else ("3 is too little",):
        body = body.replace(before, "{{ last(fault(14)).cr2 }}")
    attempt = taken(body + task(id="second"))
    assert wrong(attempt, "movl $5,%ebx" if text == "after" else "movl $3,%ebx").file == "tested.md"
    do(attempt, "lesson next", "movl $5,%ebx")
    assert standing(attempt, "second").solved
    assert begun_again(attempt).standings == attempt.standings


@pytest.mark.parametrize("line", ["", "# a note", "trace off", "save {file}"])
def test_what_is_not_recorded_is_no_attempt_at_a_task(line: str, tmp_path: Path) -> None:
    attempt = taken(task())
    do(attempt, line.format(file=tmp_path / "lines"))
    assert standing(attempt, "set").lines == 0
    assert "try" in str(wrong(attempt, "answer"))
    do(attempt, "asm", "nop")
    attempt.session.abandon()
    do(attempt, "# a note")
    assert begun_again(attempt).standings == attempt.standings


def test_a_breakpoint_says_one_thing_to_the_lesson_and_the_line_that_hit_it_counts() -> None:
    attempt = taken(task() + task("ecx == 6", "movl $6,%ecx", "second", "continues = true\n"))
    do(attempt, "asm", "there: movl $5,%ebx", "nop", "end", "b there+5", "commands 1 hint; hint; hint", "run")
    assert (standing(attempt, "set").solved, standing(attempt, "set").hints) == (True, 1)
    do(attempt, "lesson next", "movl $6,%ecx")
    assert attempt.session.machine.cpu.registers[3] == 5
    assert begun_again(attempt).standings == attempt.standings


def test_a_breakpoint_cannot_guess() -> None:
    attempt = taken(ASK.format(more=""))
    do(attempt, "asm", "nop", "nop", "end", "b $eip+1", "commands 1 say 1; say 6; say 2", "run")
    assert standing(attempt, "code").replies == ["1"]
    assert standing(attempt, "code").points == 0


def test_what_the_lesson_types_is_not_recorded() -> None:
    attempt = taken(lab("movl $1,%eax") + task() + lab("insmod lecture.s") + task(id="second"))
    do(attempt, "lesson next", "nop")
    assert [line.text for line in attempt.recording.inputs if hasattr(line, "text")] == ["lesson next", "nop"]
    assert not attempt.recording.contents


# --- what a lesson's own lines may do


@pytest.mark.parametrize(
    "line",
    [
        "insmod outside.s", "insmod ../outside.s", "insmod {outside}", "load {outside}", "load ../outside.s",
        '.include "{outside}"', '.incbin "../outside.s"', "insmod inside.c", "quit",
    ],
)  # fmt: skip
def test_a_lesson_reads_its_own_files_only_and_runs_no_compiler(line: str, tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    folder.mkdir()
    outside = tmp_path / "outside.s"
    outside.write_text("nop\n")
    (folder / "inside.c").write_text("int init_module(void) { return 0; }\n")
    with pytest.raises(Problem) as raised:
        taken(lab("nop", line.format(outside=outside)), folder=folder)
    assert (raised.value.file, raised.value.line) == ("tested.md", 10)


def test_a_lesson_reads_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "inside.s").write_text("nop\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "more.s").write_text('.include "numbers.s"\n.include "constants.s"\n')
    (tmp_path / "parts" / "numbers.s").write_text(".equ five, 5\n.globl init_module\ninit_module: ret\n")
    taken(
        lab("load inside.s", "insmod lecture.s", "insmod ./parts/more.s", "# which has parts/numbers.s"),
        folder=tmp_path,
    )


@pytest.mark.parametrize(
    "name",
    ["other.md", "ada.submission", ".hidden.s", ".git/config.s", "../lesson/inside.s", "{folder}/inside.s", "link.s"],
)
def test_a_lesson_reads_nothing_else_that_lies_in_its_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    (folder / ".git").mkdir(parents=True)
    for other in ("other.md", "ada.submission", ".hidden.s", ".git/config.s", "inside.s", "../outside.s"):
        (folder / other).write_text("nop\n")
    (folder / "link.s").symlink_to("../outside.s")
    lesson = lesson_of(lab(f"load {name.format(folder=folder)}"), folder=folder)
    assert named_files(lesson) == {}
    with pytest.raises(Problem, match="that a lesson may read"):
        exhaust(Attempt(lesson).begin(0))


def test_a_lesson_reads_only_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "part3.s").write_text("nop\n")
    with pytest.raises(Problem, match="that a lesson may read") as raised:
        taken(lab("load part{{ 1 + 2 }}.s"), folder=tmp_path)
    assert raised.value.hint is not None
    assert "names it" in raised.value.hint


@pytest.mark.parametrize("line", ["save {file}", "trace on {file}", "trace html {file}", "picture idt {file}.svg"])
def test_a_lesson_writes_nothing(line: str, tmp_path: Path) -> None:
    file = tmp_path / "written"
    with suppress(Problem):
        attempt = taken(lab("nop", line.format(file=file), "nop") + task(), folder=tmp_path)
        do(attempt, "nop", "si")
    assert not list(tmp_path.iterdir())


def test_a_lesson_has_nothing_done_in_the_lines_of_a_student(tmp_path: Path) -> None:
    file = tmp_path / "written"
    lines = ("asm", "there: nop", "nop", "end", "b there+1", f"commands 1 save {file}", "nop")
    with pytest.raises(Problem, match="commands to breakpoints") as raised:
        taken(lab(*lines) + task(), folder=tmp_path)
    assert raised.value.line == 14
    attempt = Attempt(lesson_of(lab(*lines) + task()))
    with suppress(Problem):
        exhaust(attempt.begin(0))
    do(attempt, "run there")
    assert not file.exists()
