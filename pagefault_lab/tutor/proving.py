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
(lesson_files.py), and each executes at most as many instructions as the lesson's budget says. What all proofs of a
lesson take together is bounded, too, in the same way on every computer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice, pairwise, zip_longest
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from pagefault_lab.lab.session import Session
from pagefault_lab.machine.effort import EFFORT, TooMuch
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.findings import Finding, LessonProved, Proof, Unproved, place_in
from pagefault_lab.tutor.lesson import STUDENT, Ask, Lab, Lines, Predict, Program, Prose, Show, Task
from pagefault_lab.tutor.player import exhaust
from pagefault_lab.tutor.questions import NONE
from pagefault_lab.tutor.quoting import fill
from pagefault_lab.tutor.reading import is_optional
from pagefault_lab.tutor.told import AskShown, LessonLine, PredictShown, ProseShown, TaskShown
from pagefault_lab.tutor.trials import FIRST, Remarks, Trials, checked_of, lines_for, outcome_of, task_of, try_on
from pagefault_lab.tutor.variants import draw

if TYPE_CHECKING:
    from pagefault_lab.tutor.attempt import Attempt
    from pagefault_lab.tutor.lesson import Lesson, Part, Question, Wrong

__all__ = ["KINDS", "SEEDS", "Finding", "LessonProved", "Proof", "counted", "proofs", "shown"]

KINDS: Final = ("begin", "show", "unsolved", "answer", "without", "wrong", "hint", "message", "seed", "variant")
SEEDS: Final = 20  # how many are tried
MOST_PAIRS: Final = 8  # of seeds whose answers are exchanged
MOST_EFFORT: Final = 50_000_000  # for each seed: what a careful lesson takes ten times
MOST_SHOWN: Final = 1_000  # lines of a `show` block

Found = TypeVar("Found")
Drawn: TypeAlias = Callable[[object], Sequence[str]]  # the lines that a layer above makes of a value


def proofs(lesson: Lesson, drawn: Drawn, seeds: int = SEEDS, effort: int | None = None) -> Iterator[Proof]:
    """All that is to be proved of a lesson, in the order of its parts; for so many seeds, if it has variants.

    `drawn` is what makes lines of the values in `show` blocks. The proofs may take this `effort` together
    (machine/effort.py); where that ends, they fail.
    """
    proving = _Proving(lesson, drawn, seeds, MOST_EFFORT * max(seeds, SEEDS) if effort is None else effort)
    for at in range(len(lesson.parts)):
        if proving.can_begin(at):
            yield from proving.of_part(at)


def shown(lesson: Lesson, drawn: Drawn) -> Iterator[tuple[Show, tuple[str, ...]]]:
    """The `show` blocks of a lesson, in their order, each with the lines that belong below its command. A Problem if
    that takes too long."""
    proving = _Proving(lesson, drawn, 1, MOST_EFFORT)
    for at in range(len(lesson.parts)):
        yield from proving.within_effort(partial(proving.shown, at))


def counted(proofs: Iterable[Proof]) -> dict[str, int]:
    """How many proofs of each kind there are, in the order of KINDS."""
    counts = Counter(proof.kind for proof in proofs)
    return {kind: counts[kind] for kind in KINDS if kind in counts}


class _Proving:
    """The proofs of one lesson: methods that raise a Problem if something is not as it must be."""

    def __init__(self, lesson: Lesson, drawn: Drawn, seeds: int, effort: int) -> None:
        self.lesson = lesson
        self.drawn = drawn
        self._most = seeds
        self._effort = effort  # that is left
        self.trials = Trials(lesson)

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
        line = _line_of(part)

        def proof(kind: str, name: str, line: int, prove: Callable[[], object]) -> Proof:
            id = part.exercise.id if part.exercise else f"part {at + 1}"
            return Proof(self.lesson, id, kind, name, line, partial(self.within_effort, prove))

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
            place, _ = place_in(Problem("", text=hint), self.lesson.source.split("\n"), task.line)
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

    def within_effort(self, prove: Callable[[], Found]) -> Found:
        """Prove something, or find something out, as long as there is effort left."""
        before = EFFORT.spent
        try:
            with EFFORT.at_most(self._effort):
                EFFORT.spend(1)
                return prove()
        except TooMuch:
            raise Problem(
                "the lines of this lesson take too long, and were given up",
                "let them execute less" + (", or try fewer --seeds" if self._most > 1 else ""),
                line=1,
            ) from None
        finally:
            self._effort -= EFFORT.spent - before

    # --- what must be so

    def begins(self, at: int, seed: str = FIRST) -> None:
        """The blocks work, and all texts can be shown."""
        attempt = self.trials.untouched(at, seed)
        for hint in attempt.exercise.hints if attempt.exercise else ():
            fill(hint, attempt.scope())

    def shown(self, at: int) -> list[tuple[Show, tuple[str, ...]]]:
        """The part's `show` blocks, and what belongs into each."""
        shows = {show.place: show for show in _shows(self.lesson.parts[at])}
        outputs: dict[int, list[str]] = {place: [] for place in shows}
        attempt = self.trials.begun(at)
        number = 0
        for value in attempt.begin(at):
            match value:
                case LessonLine():
                    number = value.number
                case ProseShown() | TaskShown() | AskShown() | PredictShown():
                    number = 0
                case _ if number in outputs:
                    outputs[number] += self.drawn(value)
                    if len(outputs[number]) > MOST_SHOWN:
                        raise Problem(
                            f"the command says more than {MOST_SHOWN:,} lines, which is too much for a `show` block",
                            "let it say less; or make it a `lab` block, whose output does not stand in the lesson",
                            text=shows[number].line,
                            line=number,
                        )
        return [(shows[place], tuple(output)) for place, output in outputs.items()]

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
            "(nothing more)" if written is None else written.strip(),
            "(nothing more)" if said is None else said.strip(),
            show.place + min(number, len(show.output)),
        )

    def is_unsolved(self, at: int, seed: str) -> None:
        """Nothing of a task is earned before something is done."""
        attempt = self.trials.untouched(at, seed)
        checked = checked_of(attempt)
        if checked.earned or checked.solved:
            raise Unproved(
                "this earns points before anything is done",
                "let the goal ask for what has happened since the task began: ever(fault(14)) && ...",
                f"0 of {checked.points} points",
                outcome_of(attempt, holding=True),
            )

    def is_solved(self, at: int, answer: Lines, seed: str = FIRST) -> None:
        """An answer solves the task and earns all its points."""
        run = self.trials.run(at, answer, seed)
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
                self._is_answered(ask, self.trials.to_be_used(at, seed))
            case Predict() as predict:
                self._is_predicted(predict, self.trials.to_be_used(at, seed))

    def _is_answered(self, ask: Ask, attempt: Attempt) -> None:
        """The answer of a question can be said, and is right."""
        question = ask.question
        if question.answer is None:
            return
        right = question.answer.value(attempt.scope())
        if question.choices and not 1 <= right <= len(question.choices):
            raise _no_choice(question, right)
        exhaust(attempt.execute(f"lesson say {_reply(right)}"))
        if not attempt.standings[ask.id].solved:
            sentence = "what is right cannot be said"
            raise Unproved(sentence, "an answer is a number of 32 bits, or -1 for none", happened=str(right))

    def _is_predicted(self, predict: Predict, attempt: Attempt) -> None:
        """Every question of a prediction has an answer that can be said: the machine is asked."""
        for _ in predict.questions:
            exhaust(attempt.execute("lesson say 1"))
        for question in predict.questions:
            assert question.answer is not None
            right = question.answer.value(attempt.scope())
            if question.choices and not 1 <= right <= len(question.choices):
                raise _no_choice(question, right)

    def is_needed(self, at: int, place: int) -> None:
        """A line of an answer cannot be left out."""
        attempt = self.trials.begun(at)
        task, standing = task_of(attempt)
        assert task.answer is not None
        lines = enumerate(lines_for(attempt, task.answer))
        try_on(attempt, [line for number, line in lines if number != place and not is_optional(line)])
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
        standing, outcome, _, problem = self.trials.run(at, wrong.lines)
        says = _words(fill(wrong.says, self.trials.untouched(at).scope()))
        if problem:
            raise problem
        if standing.solved:
            raise Unproved(
                "this wrong answer solves the task",
                "it is right then; or let a goal ask for what is wrong with it",
                f"not solved, {wrong.earns} of {task.points} points",
                f"solved, {standing.points} of {task.points} points",
            )
        best = f"{standing.points} of {task.points} points"
        if standing.points != wrong.earns:
            raise Unproved(
                f"this wrong answer earns {standing.points}",
                f"earns = {standing.points}; or other goals",
                f"{wrong.earns} of {task.points} points",
                outcome if outcome.startswith(best) else f"{best} at its best moment; at its end:\n{outcome}",
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
        attempt = self.trials.untouched(at)
        task, _ = task_of(attempt)
        said = _tokens(fill(hint, attempt.scope()))
        for line in lines_for(attempt, task.answer) if task.answer else ():
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
                remarks = [self.trials.run(at, lines).remarks for lines in tried]
            case Ask() as ask:
                remarks = [Remarks(ask.remarks)]
                for said in range(len(ask.question.choices) + 1):
                    remarks[0].look(self.trials.untouched(at).scope(said=said))
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
            attempt = self.trials.untouched(at, mine)
            task, _ = task_of(attempt)
            assert task.answer is not None
            lines, values = lines_for(attempt, task.answer), attempt.values
            attempt = self.trials.begun(at, other)
            if lines_for(attempt, task.answer) == lines:
                continue
            try_on(attempt, lines)
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
