"""Proving a lesson right: everything that must be so before it is handed out, as many small proofs.

    begin      the blocks of a part do what they say without a complaint, and its texts can be shown
    show       what stands in a `show` block is what its command says
    unsolved   nothing is solved, and nothing earned, before someone does something
    answer     the answer of a task solves it within its budget and earns all points; that of a question is one
    without    without any one line (unless it ends in `# optional`) the answer does not solve the task any more
    wrong      a wrong answer earns what it declares, does not solve the task, and is told what it names
    hint       a hint does not give a line of the answer away
    message    when a message is said can be found out, and it can be said
    seed       all that must be so of the answer, for another seed
    variant    the answer of one seed does not solve the task of another

Lessons come from strangers. Their lines, and the answers in them, reach no files but the lesson's own
(lesson_files.py), and each executes at most as many instructions as the lesson's budget says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice, pairwise, zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from pagefault_lab.lab import expressions
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.attempt import Attempt
from pagefault_lab.tutor.lesson import STUDENT, Ask, Lab, Lines, Predict, Program, Prose, Show, Task
from pagefault_lab.tutor.lesson_files import LessonFiles
from pagefault_lab.tutor.questions import NONE
from pagefault_lab.tutor.quoting import fill, written
from pagefault_lab.tutor.reading import is_optional
from pagefault_lab.tutor.told import (
    AskShown,
    Checked,
    LessonLine,
    PredictShown,
    ProseShown,
    TaskShown,
)
from pagefault_lab.tutor.variants import draw

if TYPE_CHECKING:
    from pagefault_lab.lab.contexts import Context
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.tutor.attempt import Standing
    from pagefault_lab.tutor.lesson import Lesson, Part, Question, Remark, Wrong

KINDS: Final = ("begin", "show", "unsolved", "answer", "without", "wrong", "hint", "message", "seed", "variant")
SEEDS: Final = 20  # how many are tried
FIRST: Final = ""  # the seed for which everything is proved
MOST_PAIRS: Final = 8  # of seeds whose answers are exchanged
_NUMBER: Final = re.compile(r"-?[0-9]\w*")

Drawn: TypeAlias = Callable[[object], Sequence[str]]  # the lines that a layer above makes of a value


class Finding(NamedTuple):
    """What is wrong with a lesson: the proof that has failed, and where in the file: `line` from 1, `column` from 0 on;
    `text` is that line. `expected` and `happened` may have several lines; `hint` says what to write instead."""

    proof: str
    file: str
    line: int
    column: int
    text: str
    sentence: str
    expected: str
    happened: str
    hint: str


class LessonProved(NamedTuple):
    """How many proofs of which kind there were of a lesson, and how many of them have failed."""

    file: str
    title: str
    proofs: dict[str, int]
    failed: int


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing to be proved. `part` is the id of the exercise that it is about, or the number of a part without one;
    `name` says in a few words what it is, `line` where that stands in the lesson's file."""

    lesson: Lesson
    part: str
    kind: str
    name: str
    line: int
    prove: Callable[[], object]  # raises a Problem; what that does not know of its place is the proof's

    def run(self) -> Finding | None:
        """What is wrong; None if nothing is."""
        try:
            self.prove()
        except Problem as problem:
            return self._finding(problem)
        return None

    def _finding(self, problem: Problem) -> Finding:
        lines = self.lesson.source.split("\n")
        line, column = _place(problem, lines, problem.line or self.line)
        expected, happened = (problem.expected, problem.happened) if isinstance(problem, Unproved) else ("", "")
        return Finding(
            f"{self.part}::{self.name}", self.lesson.name, line, column, lines[line - 1],
            problem.sentence, expected, happened, problem.hint or "",
        )  # fmt: skip


class Unproved(Problem):
    """What is wrong with a lesson, where something else was `expected` than has `happened`."""

    def __init__(
        self, sentence: str, hint: str, expected: str = "", happened: str = "", line: int | None = None
    ) -> None:
        super().__init__(sentence, hint, line=line)
        self.expected = expected
        self.happened = happened


def _place(problem: Problem, lines: Sequence[str], line: int) -> tuple[int, int]:
    """The line of the file, and the column in it, of a problem that was found in the block that begins in `line`, or in
    that line itself. What is about text that was filled in has the line's first column."""
    before = (problem.text or "")[: problem.column or 0]
    written = (problem.text or "").split("\n")[before.count("\n")]
    for number, text in enumerate(lines[line - 1 :], line):
        if number > line and text.lstrip().startswith(("```", "~~~")):
            break
        if written.strip() and (start := text.find(written)) >= 0:
            return number, start + len(before) - before.rfind("\n") - 1
    return line, len(lines[line - 1]) - len(lines[line - 1].lstrip())


def proofs(lesson: Lesson, drawn: Drawn, seeds: int = SEEDS) -> Iterator[Proof]:
    """All that is to be proved of a lesson, in the order of its parts; for so many seeds, if it has variants.

    `drawn` is what makes lines of the values in `show` blocks.
    """
    proving = _Proving(lesson, drawn, seeds)
    for at in range(len(lesson.parts)):
        if proving.can_begin(at):
            yield from proving.of_part(at)


def shown(lesson: Lesson, drawn: Drawn) -> Iterator[tuple[Show, tuple[str, ...]]]:
    """The `show` blocks of a lesson, in their order, each with the lines that belong below its command."""
    proving = _Proving(lesson, drawn, 1)
    for at in range(len(lesson.parts)):
        yield from proving.shown(at)


class _Remarks:
    """What becomes of an exercise's remarks in an attempt: which are `known` to be meant or not at one time or another,
    and what is wrong with those that are `unknown`, or are `unsaid` though they are meant."""

    def __init__(self, remarks: Sequence[Remark]) -> None:
        self._remarks = remarks
        self.known: set[int] = set()
        self.unknown: dict[int, Problem] = {}
        self.unsaid: dict[int, Problem] = {}

    def look(self, context: Context) -> None:
        """See what is meant now."""
        for place, remark in enumerate(self._remarks):
            try:
                holds = remark.when.holds(context)
            except Problem as problem:
                self.unknown.setdefault(place, problem)
                continue
            self.known.add(place)
            if holds:
                try:
                    fill(remark.say, context)
                except Problem as problem:
                    self.unsaid.setdefault(place, problem)


class Run(NamedTuple):
    """What lines that are typed at a task come to; `problem` is that of the first that could not be executed."""

    standing: Standing
    outcome: str
    remarks: _Remarks
    problem: Problem | None


def counted(proofs: Iterable[Proof]) -> dict[str, int]:
    """How many proofs of each kind there are, in the order of KINDS."""
    counts = Counter(proof.kind for proof in proofs)
    return {kind: counts[kind] for kind in KINDS if kind in counts}


class _Proving:
    """The proofs of one lesson: methods that raise a Problem if something is not as it must be.

    Each begins in a session of its own, so that none can spoil another.
    """

    def __init__(self, lesson: Lesson, drawn: Drawn, seeds: int) -> None:
        self.lesson = lesson
        self.drawn = drawn
        self._most = seeds
        self._looked_at: tuple[tuple[int, str], Attempt] | None = None
        self._runs: dict[tuple[int, Lines, str], Run] = {}

    @cached_property
    def seeds(self) -> list[str]:
        """Seeds that draw different values, as many as there are and are wanted: first those that draw one for the
        first time."""
        if not self.lesson.variants or self._most == 1:
            return [FIRST]
        world = Session(self.lesson.world)
        found: dict[tuple[tuple[str, int], ...], str] = {}
        try:
            for seed in (FIRST, *map(str, range(1, 20 * self._most))):
                found.setdefault(tuple(draw(self.lesson, seed, world).items()), seed)
        except Problem:  # every proof finds that
            return [FIRST]
        seen: set[tuple[str, int]] = set()
        new: list[str] = []
        others: list[str] = []
        for values, seed in found.items():
            (others if seen.issuperset(values) else new).append(seed)
            seen.update(values)
        return [*new, *others][: self._most]

    def can_begin(self, at: int) -> bool:
        """Whether it is known how one gets to a part: an edition without answers does not say how a task is solved."""
        exercise = self.lesson.parts[at].exercise
        return self.lesson.edition != STUDENT or not (isinstance(exercise, Task) and exercise.continues)

    # --- which proofs there are

    def of_part(self, at: int) -> Iterator[Proof]:
        """The proofs of a part, by its index."""
        part = self.lesson.parts[at]
        proof = partial(Proof, self.lesson, part.exercise.id if part.exercise else f"part {at + 1}")
        line = _line_of(part)
        yield proof("begin", "begin", line, partial(self.begins, at))
        for number, show in enumerate(_shows(part), 1):
            yield proof("show", f"show {number}", show.place, partial(self.is_fresh, at, show))
        match part.exercise:
            case Task() as task:
                yield from self._of_task(at, task, proof)
            case Ask() as ask:
                if ask.question.answer is not None:
                    yield proof("answer", "answer", line, partial(self.is_solvable, at, FIRST))
                yield from self._of_remarks(at, ask, proof)
            case Predict() as predict:
                yield proof("answer", "answer", predict.lines.first, partial(self.is_solvable, at, FIRST))
        if self.varies(at):
            for seed in self.seeds[1:]:
                yield proof("seed", f"seed {seed}", line, partial(self.is_solvable, at, seed))
            if isinstance(part.exercise, Task) and len(self.seeds) > 1 and _quotes(part.exercise.answer):
                yield proof("variant", "another variant", line, partial(self.is_own, at))

    def _of_task(self, at: int, task: Task, proof: Callable[..., Proof]) -> Iterator[Proof]:
        """The proofs of a task but those for other seeds."""
        yield proof("unsolved", "unsolved", task.line, partial(self.is_unsolved, at, FIRST))
        if task.answer is not None:
            first = task.answer.first
            yield proof("answer", "answer", first, partial(self.is_solved, at, task.answer))
            if any(map(is_optional, task.answer.lines)):
                needed = Lines(tuple("" if is_optional(line) else line for line in task.answer.lines), first)
                yield proof("answer", "answer without what is optional", first, partial(self.is_solved, at, needed))
            for place, line in enumerate(task.answer.lines):
                if _says_something(line) and not is_optional(line):
                    needs = partial(self.is_needed, at, place)
                    yield proof("without", f"without line {place + 1}", first + place, needs)
        for number, wrong in enumerate(task.wrong, 1):
            yield proof("wrong", f"wrong {number}", wrong.lines.first, partial(self.earns, at, wrong))
        for number, hint in enumerate(task.hints, 1):
            place, _ = _place(Problem("", text=hint), self.lesson.source.split("\n"), task.line)
            yield proof("hint", f"hint {number}", place, partial(self.hides, at, hint))
        yield from self._of_remarks(at, task, proof)

    def _of_remarks(self, at: int, exercise: Task | Ask, proof: Callable[..., Proof]) -> Iterator[Proof]:
        for place in range(len(exercise.remarks)):
            yield proof("message", f"message {place + 1}", exercise.line, partial(self.can_be_said, at, place))

    def varies(self, at: int) -> bool:
        """Whether anything of a part can depend on the seed: a variant is named in it, or in what leads to it."""
        parts = self.lesson.parts
        leading: list[object] = [parts[at]]
        for part in parts[:at]:
            leading += [block for block in part.blocks if isinstance(block, Lab | Program) and not block.aside]
        while (before := self.lesson.continued(at)) is not None:
            leading.append(parts[before])
            at = before
        names = "|".join(map(re.escape, self.lesson.variants))
        return bool(names) and re.search(rf"\$({names})\b", repr(leading)) is not None

    # --- attempts

    def begun(self, at: int, seed: str = FIRST) -> Attempt:
        """An attempt that begins a part. A task that it continues is solved as its answer does."""
        session = Session(self.lesson.world)
        session.files = LessonFiles(self.lesson.folder)
        attempt = Attempt(self.lesson, seed, session)
        before = [at]
        while (place := self.lesson.continued(before[-1])) is not None:
            before.append(place)
        for place in reversed(before[1:]):
            _exhaust(attempt.begin(place, tells=False))
            task, _ = _task(attempt)
            if task.answer is not None:
                _exhaust(self._typing(attempt, task.answer))
        _exhaust(attempt.begin(at))
        return attempt

    def untouched(self, at: int, seed: str = FIRST) -> Attempt:
        """The same, to be looked at only: several proofs share it."""
        if self._looked_at is None or self._looked_at[0] != (at, seed):
            self._looked_at = (at, seed), self.begun(at, seed)
        return self._looked_at[1]

    def run(self, at: int, lines: Lines, seed: str = FIRST) -> Run:
        """What becomes of a task when these lines are typed at its begin; several proofs ask."""
        key = at, lines, seed
        if key not in self._runs:
            attempt = self.begun(at, seed)
            task, standing = _task(attempt)
            remarks = _Remarks(task.remarks)
            remarks.look(attempt.context())
            problem = None
            try:
                for _ in self._typing(attempt, lines):
                    remarks.look(attempt.context())
            except Problem as found:
                problem = found
            attempt.session.abandon()
            self._runs[key] = Run(standing, _outcome(attempt), remarks, problem)
        return self._runs[key]

    def _typing(self, attempt: Attempt, lines: Lines) -> Iterator[str]:
        """Type lines as a student does; gives each when it is done. A Problem at one that cannot be, with its place."""
        session = attempt.session
        for number, line in enumerate(_filled(attempt, lines), lines.first):
            try:
                for value in attempt.execute(line):
                    if isinstance(value, Ran) and value.stopped is Stopped.BUDGET:
                        raise Problem(f"this line takes more than {session.budget:,} instructions", "budget = ...")
            except Problem as problem:
                if problem.file != self.lesson.name:  # else it is about what the lesson says to the line
                    problem.line = number
                raise
            yield line
        if session.unfinished:
            raise Problem("the block that begins here is not finished", text=session.pending[0], line=lines.first)

    # --- what must be so

    def begins(self, at: int, seed: str = FIRST) -> None:
        """The blocks work, and all texts can be shown."""
        attempt = self.untouched(at, seed)
        for hint in attempt.exercise.hints if attempt.exercise else ():
            fill(hint, attempt.context())

    def shown(self, at: int) -> Iterator[tuple[Show, tuple[str, ...]]]:
        """The part's `show` blocks, and what belongs into each."""
        shows = {show.place: show for show in _shows(self.lesson.parts[at])}
        outputs: dict[int, list[str]] = {place: [] for place in shows}
        attempt = self.begun(at)
        number = 0
        for value in attempt.begin(at):
            match value:
                case LessonLine():
                    number = value.number
                case ProseShown() | TaskShown() | AskShown() | PredictShown():
                    number = 0
                case _ if number in outputs:
                    outputs[number] += self.drawn(value)
        for place, output in outputs.items():
            yield shows[place], tuple(output)

    def is_fresh(self, at: int, show: Show) -> None:
        """A `show` block holds what its command says."""
        fresh = next(output for each, output in self.shown(at) if each == show)
        if fresh == show.output:
            return
        pairs = enumerate(zip_longest(show.output, fresh), 1)
        number, (written, said) = next((number, pair) for number, pair in pairs if pair[0] != pair[1])
        raise Unproved(
            "this is not what the command says",
            "`pagefault-lab lesson update` writes it anew",
            "(nothing more)" if said is None else said.strip(),
            "(nothing more)" if written is None else written.strip(),
            show.place + min(number, len(show.output)),
        )

    def is_unsolved(self, at: int, seed: str) -> None:
        """Nothing of a task is earned before something is done."""
        attempt = self.untouched(at, seed)
        checked = _checked(attempt)
        if checked.earned or checked.solved:
            raise Unproved(
                "this earns points before anything is done",
                "let the goal ask for what has happened since the task began: ever(fault(14)) && ...",
                f"0 of {checked.points} points",
                _outcome(attempt, holding=True),
            )

    def is_solved(self, at: int, answer: Lines, seed: str = FIRST) -> None:
        """An answer solves the task and earns all its points."""
        run = self.run(at, answer, seed)
        if run.problem:
            raise run.problem
        if not run.standing.solved:
            raise Unproved(
                "the answer does not solve the task",
                "let the answer make every goal hold within the budget",
                "all points",
                run.outcome,
            )

    def is_solvable(self, at: int, seed: str) -> None:
        """All that must be so of a part for any seed: it begins, unsolved, and what its author thinks right is."""
        self.begins(at, seed)
        match self.lesson.parts[at].exercise:
            case Task(answer=answer):
                self.is_unsolved(at, seed)
                if answer is not None:
                    self.is_solved(at, answer, seed)
            case Ask() as ask:
                self._is_answered(ask, self.begun(at, seed))
            case Predict() as predict:
                self._is_predicted(predict, self.begun(at, seed))

    def _is_answered(self, ask: Ask, attempt: Attempt) -> None:
        """The answer of a question can be said, and is right."""
        question = ask.question
        if question.answer is None:
            return
        right = question.answer.value(attempt.context())
        if question.choices and not 1 <= right <= len(question.choices):
            raise _no_choice(question, right)
        _exhaust(attempt.execute(f"lesson say {_reply(right)}"))
        if not attempt.standings[ask.id].solved:
            sentence = "what is right cannot be said"
            raise Unproved(sentence, "an answer is a number of 32 bits, or -1 for none", happened=str(right))

    def _is_predicted(self, predict: Predict, attempt: Attempt) -> None:
        """Every question of a prediction has an answer that can be said: the machine is asked."""
        for _ in predict.questions:
            _exhaust(attempt.execute("lesson say 1"))
        for question in predict.questions:
            assert question.answer is not None
            right = question.answer.value(attempt.context())
            if question.choices and not 1 <= right <= len(question.choices):
                raise _no_choice(question, right)

    def is_needed(self, at: int, place: int) -> None:
        """A line of an answer cannot be left out."""
        attempt = self.begun(at)
        task, standing = _task(attempt)
        assert task.answer is not None
        lines = enumerate(_filled(attempt, task.answer))
        _try(attempt, [line for number, line in lines if number != place and not is_optional(line)])
        if standing.solved:
            raise Unproved(
                "without this line the answer solves the task as well",
                "leave it out, or end it with `# optional`; or let a goal ask for what it does",
                "not solved",
                f"solved, {standing.points} of {task.points} points",
            )

    def earns(self, at: int, wrong: Wrong) -> None:
        """A wrong answer earns what it declares, and is told what it names."""
        task = self.lesson.parts[at].exercise
        assert isinstance(task, Task)
        standing, outcome, _, problem = self.run(at, wrong.lines)
        says = _words(fill(wrong.says, self.untouched(at).context()))
        if problem:
            raise problem
        if standing.solved:
            raise Unproved(
                "this wrong answer solves the task",
                "it is right then; or let a goal ask for what is wrong with it",
                f"not solved, {wrong.earns} of {task.points} points",
                f"solved, {standing.points} of {task.points} points",
            )
        if standing.points != wrong.earns:
            raise Unproved(
                f"this wrong answer earns {standing.points}",
                f"earns = {standing.points}; or other goals",
                f"{wrong.earns} of {task.points} points",
                outcome,
            )
        if says and not any(_words(remark).startswith(says) for remark in standing.remarks):
            raise Unproved(
                "what it names is not said to this wrong answer",
                "`says` is how a message begins whose `when` comes to hold behind one of its lines",
                says,
                "\n".join(map(_words, standing.remarks)) or "nothing is said",
            )

    def hides(self, at: int, hint: str) -> None:
        """A hint does not hold a line of the answer as it is."""
        attempt = self.untouched(at)
        task, _ = _task(attempt)
        said = _tokens(fill(hint, attempt.context()))
        for line in _filled(attempt, task.answer) if task.answer else ():
            wanted = _tokens(line)
            places = range(len(said) - len(wanted) + 1)
            if len(line.split()) > 1 and any(said[place : place + len(wanted)] == wanted for place in places):
                raise Unproved("this hint gives a line of the answer away", "say what it must come to", happened=line)

    def can_be_said(self, at: int, place: int) -> None:
        """When a remark is made can be found out at one time or another: at the begin, or behind a line of an answer or
        a wrong answer; and it can be said then."""
        match self.lesson.parts[at].exercise:
            case Task(answer=answer, wrong=wrong):
                tried = [*([answer] if answer else ()), *(each.lines for each in wrong)]
                remarks = [self.run(at, lines).remarks for lines in tried]
            case Ask() as ask:
                remarks = [_Remarks(ask.remarks)]
                for said in range(len(ask.question.choices) + 1):
                    remarks[0].look(self.untouched(at).context(said=said))
            case _:
                remarks = []
        for each in remarks:
            if place in each.unsaid:
                raise each.unsaid[place]
        if remarks and not any(place in each.known for each in remarks):
            raise remarks[0].unknown[place]

    def is_own(self, at: int) -> None:
        """The answer of one seed does not solve the task of another, as far as their lines differ."""
        tried = []
        for mine, other in islice(pairwise(self.seeds), MOST_PAIRS):
            attempt = self.untouched(at, mine)
            task, _ = _task(attempt)
            assert task.answer is not None
            lines, values = _filled(attempt, task.answer), attempt.values
            attempt = self.begun(at, other)
            if _filled(attempt, task.answer) == lines:
                continue
            _try(attempt, lines)
            if not attempt.standings[task.id].solved:
                return
            differ = [name for name in values if values[name] != attempt.values[name]]
            tried.append(", ".join(f"{name} = {values[name]} where it is {attempt.values[name]}" for name in differ))
        if tried:
            raise Unproved(
                "the answer of one variant solves another one as well",
                "let a goal ask for the values of the variant: pte($place).present",
                "not solved by the lines for another seed",
                "\n".join(f"solved by those for {each}" for each in tried),
            )


# --- attempts


def _exhaust(values: Iterable[object]) -> None:
    for _ in values:
        pass


def _try(attempt: Attempt, lines: Iterable[str]) -> None:
    """Type lines as a student does who goes on behind one that cannot be executed."""
    for line in lines:
        with suppress(Problem):
            _exhaust(attempt.execute(line))


def _task(attempt: Attempt) -> tuple[Task, Standing]:
    """The task where one stands, and how."""
    task = attempt.exercise
    assert isinstance(task, Task)
    return task, attempt.standings[task.id]


def _filled(attempt: Attempt, lines: Lines) -> tuple[str, ...]:
    """Lines as they are for this attempt."""
    context = attempt.context()
    return tuple(fill(line, context) for line in lines.lines)


def _checked(attempt: Attempt) -> Checked:
    """How a task stands."""
    return next(value for value in attempt.execute("lesson check") if isinstance(value, Checked))


def _outcome(attempt: Attempt, holding: bool = False) -> str:
    """What was earned, and the values of the goals that do not hold; or of those that do."""
    task, _ = _task(attempt)
    checked = _checked(attempt)
    told = [f"{checked.earned} of {checked.points} points"]
    if checked.late:
        told.append(f"{checked.steps:,} steps were made, and the budget is {checked.budget:,}")
    for goal, shown in zip(task.goals, checked.goals, strict=True):
        if checked.late or shown.holds == holding:
            told += values(goal.holds, attempt.context(), bool(shown.holds))
    return "\n".join(told)


def _reply(value: int) -> str:
    """A value as a student says it."""
    return "none" if value == NONE else str(value)


# --- what a lesson consists of


def _shows(part: Part) -> list[Show]:
    return [block for block in part.blocks if isinstance(block, Show)]


def _line_of(part: Part) -> int:
    """The line of the file by which a part is named: that of its exercise, else where it begins."""
    if part.exercise is not None:
        return part.exercise.line
    match part.blocks[:1]:
        case [Prose(_, line)]:
            return line
        case [Lab(lines) | Program(lines)]:
            return lines.first
        case [Show(_, _, place)]:
            return place
    return 1


def _says_something(line: str) -> bool:
    """Whether there is more in a line than a comment."""
    text = line.strip()
    return bool(text) and not text.startswith("#")


def _no_choice(question: Question, right: int) -> Problem:
    text = question.answer.text if question.answer else ""
    return Unproved(
        "the answer is none of the choices",
        "with choices, the answer is the number of one of them, from 1 on",
        f"1 to {len(question.choices)}",
        f"{text} = {right}",
    ).placed(text=text, column=0)


def _quotes(lines: Lines | None) -> bool:
    """Whether lines quote the machine, and so may depend on the variant."""
    return lines is not None and any("{{" in line for line in lines.lines)


def _words(text: str) -> str:
    """A text without the difference that its line breaks make."""
    return " ".join(text.split())


def _tokens(text: str) -> list[str]:
    """Words and signs, whatever blanks and case they are written with."""
    return re.findall(r"\w+|[^\w\s]", text.partition(" #")[0].casefold())


# --- the values of an expression


def values(expression: Expression, context: Context, holding: bool) -> Iterator[str]:
    """What an expression comes to: of `a && b` what holds, or what does not; of `a == b` what is compared."""
    for term in _split(expression.text, "&&"):
        sides = _split(term, "==", "!=", "<=", ">=", "<", ">")
        if len(sides) == 1:
            text = f"{term} = {_value(term, context)}"
        else:
            asked = [side for side in sides if not _NUMBER.fullmatch(side)]
            text = f"{term}: " + ", ".join(f"{side} = {_value(side, context)}" for side in asked)
        if _holds(term, context) == holding:
            yield text


def _holds(term: str, context: Context) -> bool:
    try:
        return expressions.parse(term).holds(context)
    except Problem:
        return False


def _value(text: str, context: Context) -> str:
    try:
        return written(expressions.parse(text).value(context), "", context)
    except Problem as problem:
        return problem.sentence


def _split(text: str, *signs: str) -> list[str]:
    """The parts of an expression between signs that stand in no parentheses; itself if || or ?: is outside of these."""
    depth, parts = 0, [""]
    for token in re.findall(r"&&|\|\||<<|>>|[=!<>]=|'.'|.", text, re.DOTALL):
        depth += (token in "([") - (token in ")]")
        if not depth and token in ("||", "?"):
            return [text]
        if not depth and token in signs:
            parts.append("")
        else:
            parts[-1] += token
    return [part.strip() for part in parts]
