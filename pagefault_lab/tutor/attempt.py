"""An attempt: someone takes a lesson. What they type are lines of one session, and their recording is the attempt.

Taking a lesson, going on with it another day, handing it in and grading it are the same here: lines are executed, or
repeated, and what they earn is found by looking at the machine.

    after a line       goals and remarks of a task are judged
    `lesson next`      a part begins: the world anew, then the blocks that lead to it
    `say 6`            a reply is judged; behind a prediction's last one, its lines are executed

All of that is done when the line is recorded, and then to its end: so the recording alone says how someone stands. What
the lesson itself types is no part of it: the lesson has that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from pagefault_lab.lab.recording import Input, Line, Recording, replay
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem, closest
from pagefault_lab.tutor import questions
from pagefault_lab.tutor.editions import opens
from pagefault_lab.tutor.lesson import Ask, Predict, Task
from pagefault_lab.tutor.player import Player, exhaust
from pagefault_lab.tutor.told import (
    AnswerShown,
    AskShown,
    Checked,
    GoalShown,
    HintShown,
    LessonShown,
    PartBegun,
    PartRow,
    Predicted,
    PredictedRow,
    PredictShown,
    QuestionShown,
    Remarked,
    Solved,
    TaskShown,
    Wronged,
)

if TYPE_CHECKING:
    from pagefault_lab.lab.contexts import Context
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.history import History
    from pagefault_lab.tutor.lesson import AnyExercise, Lesson, Part, Question

_Doing: TypeAlias = Callable[[], Iterable[object]]  # yields what it has to say; done twice, it comes to the same


@dataclass(slots=True)
class Standing:
    """How someone stands in an exercise. `points` are those that count. `over`: there is no more to earn. `lines` are
    how many were typed at it, `replies` what was said, `answered` whether its answer was shown before it was solved,
    `remarks` what was said to the mistakes made, each once."""

    points: int = 0
    solved: bool = False
    over: bool = False
    lines: int = 0
    hints: int = 0
    answered: bool = False
    replies: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class Attempt:
    """A lesson, its variant for a seed, and the session in which it is taken.

    `at` is the index of the part where one stands, `standings` are by the exercises' ids. `values` are those of the
    variants, `context` makes what the lesson's expressions see. A Problem of the lesson's own lines has its place in
    the lesson's file.
    """

    def __init__(self, lesson: Lesson, seed: str = "", session: Session | None = None) -> None:
        self.lesson = lesson
        self.seed = seed
        self.session = session or Session(lesson.world)
        self.recording = self.session.recording  # what was typed so far
        self.session.budget = lesson.budget
        self.session.attempt = self
        self.session.behind_line = self._behind_line
        self._player = Player(lesson, seed, self.session)
        self.values = self._player.values
        self.context = self._player.context
        self._filled = self._player.filled
        self.at = 0
        self.standings = {exercise.id: Standing() for exercise in lesson.exercises}
        self._solutions: dict[str, list[Input]] = {}  # how a task was solved, for one that continues
        self._own: set[int] = set()  # places in the recording of lines that speak of the lesson, not to the machine
        self._begun = _Begun(self.session.history, 0, 0, 0)
        self._stood_before = False  # whether one stood before where the part began, when the last line was finished
        self._said: list[int] = []  # what the replies to a prediction meant when they were given
        self._right: int | None = None  # the answer to the question where one stands
        self._held: frozenset[int] = frozenset()  # remarks of this exercise that held behind the last line
        self._done = False  # this exercise was solved since it began

    # --- where one stands

    @property
    def part(self) -> Part:
        return self.lesson.parts[self.at]

    @property
    def exercise(self) -> AnyExercise | None:
        return self.part.exercise

    @property
    def standing(self) -> Standing | None:
        """How one stands in the present exercise; None in a part without one."""
        return None if self.exercise is None else self.standings[self.exercise.id]

    @property
    def points(self) -> int:
        return sum(standing.points for standing in self.standings.values())

    @property
    def can_go_on(self) -> bool:
        """Whether there is nothing left to do in this part."""
        return self.standing is None or self.standing.over

    @property
    def is_asked(self) -> bool:
        """Whether a question waits for a reply."""
        return isinstance(self.exercise, Ask | Predict) and not self.can_go_on

    @property
    def is_last(self) -> bool:
        return self.at == len(self.lesson.parts) - 1

    # --- lines

    def execute(self, line: str) -> Iterator[object]:
        """Do what a line says that someone has typed; whatever it yields, and what the lesson says to it."""
        return self.session.execute(line)

    def replay(self, recording: Recording, take: Callable[[object], object] = id) -> Iterator[Input]:
        """Repeat a recorded attempt from its beginning; gives each input when it is done, and to `take` what its line
        yields. A Problem as `lab.recording.replay` has it."""
        exhaust(self.begin(0))
        self.session.behind_line = self._behind_repeated_line
        try:
            yield from replay(recording, self.session, take)
        finally:
            self.session.behind_line = self._behind_line

    def _behind_repeated_line(self) -> Iterator[object]:
        """The same as it was. A Problem there is one of the lesson's own lines or texts: it was told when the line was
        typed, and what was typed after it was typed all the same."""
        with suppress(Problem):
            yield from self._behind_line()

    def _behind_line(self) -> Iterator[object]:
        """What the lesson does and says when a line is recorded."""
        session = self.session
        doings, changed = session.deferred, session.changes
        if changed and self._stood_before:
            self._begun.is_lost = True
        self._stood_before = self._stands_before()
        if doings and not changed:
            self._own.add(len(self.recording.inputs) - 1)
        elif isinstance(self.exercise, Task) and not session.unfinished:
            judged = list(self._judge(self.exercise))
            doings = [lambda: judged, *doings]
        newest = self.recording.inputs[-1]
        if isinstance(newest, Line) and newest.text.strip() == "next":
            yield Message("`next` is gdb's, and made a step: `lesson next` goes on to the next part", "warning")
        yield from self._to_their_end(doings)

    @staticmethod
    def _to_their_end(doings: Sequence[_Doing]) -> Iterator[object]:
        """Do this, and tell it. What is broken off while it is told is done all the same: its line is recorded."""
        for number, doing in enumerate(doings):
            try:
                yield from doing()
            except (GeneratorExit, KeyboardInterrupt):
                for each in doings[number:]:
                    exhaust(each())
                raise

    def _behind_this_line(self, doing: _Doing) -> Iterator[object]:
        """Do this when the present line is recorded; nothing of it is said before."""
        if self.session.deferred:  # as by commands of a breakpoint
            raise Problem("one line says one thing to the lesson", "type a line for each")
        self.session.deferred.append(doing)
        return iter(())

    # --- beginning a part

    def begin(self, at: int, tells: bool = True) -> Iterator[object]:
        """Begin a part, by its index: the machine as the lesson wants it, the text, the exercise. Without `tells`, only
        the exercise is shown."""
        self._check_continues(at)
        self.at = at
        exercise = self.exercise
        if isinstance(exercise, Predict) and not self.standings[exercise.id].over:
            self._forget_replies(self.standings[exercise.id])
        if tells:
            parts = len(self.lesson.parts)
            yield PartBegun(self.lesson.title, at + 1, parts, exercise.id if exercise else "")
        yield from self._prepare(tells)
        self._done = False
        self._held = frozenset()
        self._right = None
        if isinstance(exercise, Ask) and exercise.question.answer is not None:
            self._right = self._asked(exercise.question.answer, exercise)
        if exercise is not None:
            yield self.shown()

    def _forget_replies(self, standing: Standing) -> None:
        """A prediction's questions are asked anew."""
        standing.replies, self._said = [], []

    def _prepare(self, tells: bool) -> Iterator[object]:
        """Bring the machine to where the part begins; yields what its blocks say, if that is told."""
        yield from self._player.begin(self.at, self._solutions, tells)
        history = self.session.history
        self._begun = _Begun(history, self._player.began, len(history.lines), len(self.recording.inputs))
        self._stood_before = False

    def _check_continues(self, at: int) -> None:
        before = self.lesson.continued(at)
        task = None if before is None else self.lesson.parts[before].exercise
        if task is not None and task.id not in self._solutions:
            sentence = f"this part begins where {task.id} was solved, and it is not yet"
            raise Problem(sentence, f"lesson goto {task.id}")

    # --- judging

    def _asked(self, expression: Expression, exercise: AnyExercise) -> int:
        """The value of an expression of the lesson."""
        try:
            return expression.value(self._player.context())
        except Problem as problem:
            raise self._player.placed(problem, exercise.line) from None

    def _goals(self, task: Task) -> tuple[GoalShown, ...]:
        context = self._player.context()
        return tuple(
            GoalShown(self._filled(goal.text, task.line), goal.points, _holds(goal.holds, context))
            for goal in task.goals
        )

    def _stands_before(self) -> bool:
        """Whether one stands before where the present part began, in a future in which it never has, or in another
        world."""
        begun, history = self._begun, self.session.history
        return (
            begun.is_lost
            or history is not begun.history
            or self.session.machine.steps < begun.steps
            or len(history.lines) < begun.lines
        )

    def _judge(self, task: Task) -> Iterator[object]:
        """Look at what the last line has come to."""
        standing = self.standings[task.id]
        standing.lines += 1
        if self._stood_before:
            yield Message("this is not where the task began; `lesson reset` begins it anew", "warning")
            return
        checked = self._checked(task)
        if not standing.answered:
            standing.points = max(standing.points, checked.earned)
        if self._done:
            return
        if not checked.solved:
            if checked.late:
                yield checked
            held = self._remarks(task)
            newly = [remark for place, remark in held.items() if place not in self._held]
            self._held = frozenset(held)
            yield from self._remarked(standing, newly)
        else:
            self._done = standing.solved = standing.over = True
            self._solutions[task.id] = self._typed()
            yield Solved(task.id, standing.points, task.points, self._filled(task.after, task.line))

    def _checked(self, task: Task) -> Checked:
        goals = self._goals(task)
        steps = self.session.machine.steps - self._begun.steps
        late = task.budget is not None and steps > task.budget
        earned = 0 if late else sum(goal.points for goal in goals if goal.holds)
        all_hold = all(goal.holds for goal in goals)
        return Checked(
            task.id, goals, earned, task.points, all_hold and not late, steps, task.budget, all_hold and late
        )

    def _remarks(self, exercise: AnyExercise, **more: int) -> dict[int, Remarked]:
        """What the lesson has to say now, by the number of the remark."""
        context = self._player.context(**more)
        return {
            place: Remarked(self._filled(remark.say, exercise.line))
            for place, remark in enumerate(exercise.remarks)
            if _holds(remark.when, context)
        }

    def _remarked(self, standing: Standing, remarks: Iterable[Remarked]) -> Iterator[Remarked]:
        """Say this to someone; how they stand includes it."""
        for remark in remarks:
            if remark.text not in standing.remarks:
                standing.remarks.append(remark.text)
            yield remark

    def _typed(self) -> list[Input]:
        """What was typed to the machine since the part began."""
        inputs = self.recording.inputs
        return [inputs[place] for place in range(self._begun.inputs, len(inputs)) if place not in self._own]

    # --- what the commands do

    def shown(self) -> TaskShown | AskShown | PredictShown:
        """The present exercise; a Problem in a part without one."""
        exercise, standing = self._here()
        line = exercise.line
        title = self._filled(exercise.title, line)
        hints = len(exercise.hints)
        match exercise:
            case Task():
                goals = tuple(GoalShown(self._filled(goal.text, line), goal.points, None) for goal in exercise.goals)
                return TaskShown(
                    exercise.id, title, self._filled(exercise.text, line), goals, exercise.points, standing.points,
                    standing.solved, hints, exercise.budget,
                )  # fmt: skip
            case Ask():
                question = exercise.question
                return AskShown(
                    exercise.id, title, self._filled(question.text, line), self._choices(question, line),
                    exercise.points, standing.points, exercise.tries - len(standing.replies), hints, standing.over,
                )  # fmt: skip
            case Predict():
                said = [*standing.replies, *[None] * len(exercise.questions)]
                asked = tuple(
                    QuestionShown(self._filled(question.text, line), self._choices(question, line), reply)
                    for question, reply in zip(exercise.questions, said, strict=False)
                )
                lines = tuple(self._filled(each, line) for each in exercise.lines.lines)
                return PredictShown(
                    exercise.id, title, self._filled(exercise.text, line), lines, asked, exercise.each,
                    standing.points, hints, standing.over,
                )  # fmt: skip

    def check(self) -> Iterator[object]:
        """How the present exercise stands, and what there is to say to it."""
        exercise, _ = self._here()
        if isinstance(exercise, Task):
            yield self._checked(exercise)
            yield from self._remarks(exercise).values()
        else:
            yield self.shown()

    def task(self) -> Iterator[object]:
        """The present exercise once more."""
        yield self.shown()

    def hint(self) -> Iterator[object]:
        """The next hint; behind the last one, that again."""
        exercise, standing = self._here()
        if not exercise.hints:
            raise Problem(f"{exercise.id} has no hints", "`lesson task` shows it again, `help` what the lab can do")
        number = min(standing.hints + 1, len(exercise.hints))
        text = self._filled(exercise.hints[number - 1], exercise.line)

        def show() -> Iterator[object]:
            standing.hints = number
            yield HintShown(exercise.id, number, len(exercise.hints), text)

        return self._behind_this_line(show)

    def answer(self) -> Iterator[object]:
        """Show the answer to someone who has tried."""
        exercise, standing = self._here()
        if not standing.over and not standing.lines and not standing.replies:
            raise Problem("try it first; then `answer` shows how it is done", "`lesson hint` helps")
        match exercise:
            case Task():
                if exercise.answer is None:
                    raise Problem("this edition of the lesson has no answers", "`lesson hint` helps")
                lines = tuple(self._filled(line, exercise.answer.first) for line in exercise.answer.lines)
            case Ask():
                if self._right is None:
                    raise Problem("this edition of the lesson has no answers", "`lesson hint` helps")
                lines = (questions.described(self._right, exercise.question),)
            case Predict():
                raise Problem("the machine has the answer", "say what you expect, and it is executed")
        counts = not standing.over

        def show() -> Iterator[object]:
            standing.answered = standing.answered or not standing.solved
            standing.over = True
            yield AnswerShown(exercise.id, lines, counts)

        return self._behind_this_line(show)

    def say(self, text: str) -> Iterator[object]:
        """Reply to a question, or to the next ones of a prediction."""
        exercise, standing = self._here()
        if isinstance(exercise, Task):
            raise Problem(f"{exercise.id} is a task, no question", "type what does it; `lesson task` shows it again")
        if standing.over:
            # no Problem: where an answer was corrected after class, what was said next must still be repeated
            told = Message(f"{exercise.id} is over, this counts no more: `lesson next` goes on")
            return self._behind_this_line(lambda: iter([told]))
        if isinstance(exercise, Ask):
            return self._behind_this_line(self._reply(exercise, standing, text))
        return self._behind_this_line(self._predict(exercise, standing, text))

    def _reply(self, ask: Ask, standing: Standing, text: str) -> _Doing:
        """What a reply comes to; a Problem if it says nothing."""
        said = questions.meaning(text, ask.question, self.session)
        replies = [*standing.replies, text]
        tries = ask.tries - len(replies)
        is_right = self._is_right(said, ask)
        over = is_right or tries <= 0
        after = self._filled(ask.after, ask.line) if over else ""
        right = "" if self._right is None or not over else questions.described(self._right, ask.question)
        remarks = () if is_right else tuple(self._remarks(ask, said=said).values())

        def reply() -> Iterator[object]:
            standing.replies, standing.solved, standing.over = replies, is_right, over
            if is_right:
                standing.points = ask.points
                yield Solved(ask.id, ask.points, ask.points, after)
            else:
                yield Wronged(ask.id, questions.described(said, ask.question), tries, right, after)
            yield from self._remarked(standing, remarks)

        return reply

    def _is_right(self, said: int, ask: Ask) -> bool:
        if self._right is None:
            return opens(said, ask.question.digest)
        return questions.is_right(said, self._right, ask.question)

    def _predict(self, predict: Predict, standing: Standing, text: str) -> _Doing:
        """What replies to the next questions come to; a Problem if one says nothing, or they are too many."""
        open_questions = predict.questions[len(standing.replies) :]
        texts = [text]
        try:
            questions.meaning(text, open_questions[0], self.session)
        except Problem:
            parts = text.split(",") if "," in text else text.split()
            if len(parts) == 1:
                raise
            texts = [part.strip() for part in parts]
        if len(texts) > len(open_questions):
            raise Problem(f"these are {len(texts)} replies to {len(open_questions)} questions")
        replies = [*standing.replies, *texts]
        meant = [
            questions.meaning(reply, each, self.session) for reply, each in zip(texts, open_questions, strict=False)
        ]
        said = [*self._said, *meant]

        def reply() -> Iterator[object]:
            standing.replies, self._said = replies, said
            if len(replies) < len(predict.questions):
                yield self.shown()
            else:
                yield from self._run_prediction(predict, standing)

        return reply

    def _run_prediction(self, predict: Predict, standing: Standing) -> Iterator[object]:
        """Execute what was predicted, where the part began, and compare. Where the lesson's lines do not work, its
        questions are open again."""
        try:
            exhaust(self._prepare(tells=False))
            yield from self._player.execute(predict.lines)
            rows = self._compared(predict)
        except Problem:
            self._forget_replies(standing)
            raise
        standing.points = predict.each * sum(row.is_right for row in rows)
        standing.over = True
        standing.solved = standing.points == predict.points
        after = self._filled(predict.after, predict.line)
        yield Predicted(predict.id, rows, standing.points, predict.points, after)

    def _compared(self, predict: Predict) -> tuple[PredictedRow, ...]:
        """What was said to each question, and what is so now."""
        rows = []
        for question, said in zip(predict.questions, self._said, strict=True):
            assert question.answer is not None
            right = self._asked(question.answer, predict)
            rows.append(
                PredictedRow(
                    self._filled(question.text, predict.line),
                    questions.described(said, question),
                    questions.described(right, question),
                    questions.is_right(said, right, question),
                )
            )
        return tuple(rows)

    def next(self) -> Iterator[object]:
        """Go on to the next part; behind the last one, tell how the lesson went."""
        if self.is_last:
            return self._behind_this_line(lambda: (self.overview(over=True),))
        at, left = self.at + 1, []
        self._check_continues(at)
        if self.exercise is not None and not self.can_go_on:
            id = self.exercise.id
            left.append(Message(f"{id} is left open; `lesson goto {id}` returns to it"))
        return self._behind_this_line(lambda: chain(left, self.begin(at)))

    def previous(self) -> Iterator[object]:
        """Go back to the part before."""
        if not self.at:
            raise Problem("this is the first part")
        return self._behind_this_line(partial(self.begin, self.at - 1))

    def reset(self) -> Iterator[object]:
        """Begin the present part anew."""
        return self._behind_this_line(partial(self.begin, self.at, tells=False))

    def goto(self, word: str) -> Iterator[object]:
        """Go to a part, by its number or its exercise's id."""
        ids = [part.exercise.id if part.exercise else "" for part in self.lesson.parts]
        if word in ids:
            at = ids.index(word)
        elif word.isdecimal() and 1 <= int(word[:9]) <= len(ids):
            at = int(word) - 1
        else:
            hint = closest(word, filter(None, ids)) or f"1 to {len(ids)}, or {', '.join(filter(None, ids))}"
            raise Problem(f"there is no part {word}", hint)
        self._check_continues(at)
        return self._behind_this_line(partial(self.begin, at))

    def overview(self, over: bool = False) -> LessonShown:
        """All parts, and how one stands in them."""
        rows = tuple(self._row(place, part) for place, part in enumerate(self.lesson.parts))
        lesson = self.lesson
        return LessonShown(lesson.title, lesson.key, rows, self.points, lesson.points, over)

    def list_parts(self) -> Iterator[object]:
        """The list of parts."""
        yield self.overview()

    def _row(self, place: int, part: Part) -> PartRow:
        here = place == self.at
        exercise = part.exercise
        if exercise is None:
            return PartRow(place + 1, "", "", "", 0, 0, "", 0, False, here)
        title = self._filled(exercise.title, exercise.line)
        standing = self.standings[exercise.id]
        begun = standing.lines or standing.replies or standing.hints
        state = "solved" if standing.solved else "missed" if standing.over else "begun" if begun else ""
        return PartRow(
            place + 1, exercise.id, type(exercise).__name__.lower(), title, standing.points, exercise.points,
            state, standing.hints, standing.answered, here,
        )  # fmt: skip

    def _here(self) -> tuple[AnyExercise, Standing]:
        """The present exercise; a Problem in a part without one."""
        if self.exercise is None:
            raise Problem("there is nothing to do in this part", "`lesson next` goes on")
        return self.exercise, self.standings[self.exercise.id]

    def _choices(self, question: Question, line: int) -> tuple[str, ...]:
        return tuple(self._filled(choice, line) for choice in question.choices)


@dataclass(slots=True)
class _Begun:
    """What there was when a part began: the history, its steps and lines, and how many inputs. It `is_lost` when
    something else was done instead of what led to it."""

    history: History
    steps: int
    lines: int
    inputs: int
    is_lost: bool = False


def attempt_of(session: Session) -> Attempt:
    """The attempt that a session is; a Problem if no lesson is taken in it."""
    if isinstance(session.attempt, Attempt):
        return session.attempt
    raise Problem("no lesson is being taken here", "in the shell, `pagefault-lab lesson` lists them")


def _holds(expression: Expression, context: Context) -> bool:
    """Whether an expression is true. Where it cannot be evaluated, the machine is not as it asks."""
    try:
        return expression.holds(context)
    except Problem:
        return False
