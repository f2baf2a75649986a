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

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from pagefault_lab.lab.recording import Input, Line, Recording, replay
from pagefault_lab.lab.results import Message
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem, closest
from pagefault_lab.tutor.beginning import Beginning
from pagefault_lab.tutor.exercises.ask import AskAtHand
from pagefault_lab.tutor.exercises.predict import PredictAtHand
from pagefault_lab.tutor.exercises.showing import lesson_shown
from pagefault_lab.tutor.exercises.standing import Standing
from pagefault_lab.tutor.exercises.task import TaskAtHand
from pagefault_lab.tutor.lesson import Ask, Predict, Task
from pagefault_lab.tutor.player import Player, exhaust
from pagefault_lab.tutor.told import PartBegun

if TYPE_CHECKING:
    from pagefault_lab.tutor.exercises.at_hand import Doing
    from pagefault_lab.tutor.lesson import AnyExercise, Lesson, Part
    from pagefault_lab.tutor.told import AskShown, LessonShown, PredictShown, TaskShown

_AnyAtHand: TypeAlias = TaskAtHand | AskAtHand | PredictAtHand


class Attempt:
    """A lesson, its variant for a seed, and the session in which it is taken.

    `at` is the index of the part where one stands, `standings` are by the exercises' ids. `values` are those of the
    variants, `scope` makes what the lesson's expressions see. A Problem of the lesson's own lines has its place in
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
        self.scope = self._player.scope
        self.at = 0
        self.standings = {exercise.id: Standing() for exercise in lesson.exercises}
        self._solutions: dict[str, list[Input]] = {}  # how a task was solved, for one that continues
        self._tried: dict[str, list[Input]] = {}  # what was typed at one that was left unsolved
        self._is_of_another_version = False
        self.without_solution: set[str] = set()  # tasks that continue one which this version finds unsolved
        self._beginning = Beginning(self.session)
        self._told: list[object] = []  # what the present part has told when it began
        self._at_hand = self._taken_up()

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
        yields. A Problem as `lab.recording.replay` has it.

        Of one that was made with another version of the lesson, a task that continues one which is unsolved in this
        version begins all the same, where what was typed has led; and what was typed at it goes as far as it goes.
        """
        self._is_of_another_version = recording.lesson.get("digest", self.lesson.digest) != self.lesson.digest
        exhaust(self.begin(0))
        self.session.behind_line = self._behind_repeated_line
        try:
            yield from replay(recording, self.session, take, self._begins_as_it_did)
        finally:
            self.session.behind_line = self._behind_line
            self._is_of_another_version = False

    def _begins_as_it_did(self) -> bool:
        """Whether the present part begins where it did when it was recorded."""
        return self._unsolved_before(self.at) is None

    def _behind_repeated_line(self) -> Iterator[object]:
        """The same as it was. A Problem there is one of the lesson's own lines or texts: it was told when the line was
        typed, and what was typed after it was typed all the same."""
        with suppress(Problem):
            yield from self._behind_line()

    def _behind_line(self) -> Iterator[object]:
        """What the lesson does and says when a line is recorded."""
        session = self.session
        doings, changed = session.deferred, session.changes
        self._beginning.follow(changed)
        if doings and not changed:
            self._beginning.leave_out()
        elif self._at_hand is not None and not session.unfinished:
            judged = list(self._at_hand.judge())
            doings = [lambda: judged, *doings]
        newest = self.recording.inputs[-1]
        if isinstance(newest, Line) and newest.text.strip() == "next":
            yield Message("`next` is gdb's, and makes a step: `lesson next` goes on to the next part", "warning")
        yield from self._to_their_end(doings)

    @staticmethod
    def _to_their_end(doings: Sequence[Doing]) -> Iterator[object]:
        """Do this, and tell it. What is broken off while it is told is done all the same: its line is recorded."""
        for number, doing in enumerate(doings):
            try:
                yield from doing()
            except (GeneratorExit, KeyboardInterrupt):
                for each in doings[number:]:
                    exhaust(each())
                raise

    def _behind_this_line(self, doing: Doing) -> Iterator[object]:
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
        if isinstance(self.exercise, Task) and (typed := self._beginning.typed()):
            self._tried[self.exercise.id] = typed
        if tells or at != self.at:
            self._told = []
        self.at = at
        self._at_hand = at_hand = self._taken_up()
        if at_hand is not None and self._unsolved_before(at) is not None:
            self.without_solution.add(at_hand.exercise.id)
        if tells:
            self._told.append(self.begun())
            yield self._told[-1]
        for value in self._prepare(tells):
            self._told.append(value)
            yield value
        if at_hand is not None:
            at_hand.begin()
            yield at_hand.shown()

    def begun(self) -> PartBegun:
        """The part where one stands."""
        exercise = self.exercise
        return PartBegun(
            self.lesson.title, self.at + 1, len(self.lesson.parts), "" if exercise is None else exercise.id
        )

    def _taken_up(self) -> _AnyAtHand | None:
        """The present exercise as it is when its part begins."""
        player = self._player
        match self.exercise:
            case None:
                return None
            case Task() as task:
                return TaskAtHand(task, self.standings[task.id], player, self._beginning, self._solutions)
            case Ask() as ask:
                return AskAtHand(ask, self.standings[ask.id], player)
            case Predict() as predict:
                prepare = partial(self._prepare, tells=False)
                return PredictAtHand(predict, self.standings[predict.id], player, prepare)

    def _prepare(self, tells: bool) -> Iterator[object]:
        """Bring the machine to where the part begins; yields what its blocks say, if that is told."""
        yield from self._player.begin(self.at, {**self._tried, **self._solutions}, tells)
        self._beginning.mark()

    def _check_continues(self, at: int) -> None:
        task = self._unsolved_before(at)
        if task is not None and not self._is_of_another_version:
            sentence = f"part {at + 1} begins where {task.id} was solved, and it is not yet"
            others = range(at + 1, len(self.lesson.parts))
            beyond = next((other + 1 for other in others if self._unsolved_before(other) is None), None)
            passing = "" if beyond is None else f", `lesson goto {beyond}` passes it over"
            raise Problem(sentence, f"`lesson goto {task.id}` goes to it{passing}")

    def _unsolved_before(self, at: int) -> AnyExercise | None:
        """The task that is to be solved next, before the one of a part can continue it; None if all are."""
        task = None
        before = self.lesson.continued(at)
        while before is not None:
            exercise = self.lesson.parts[before].exercise
            if exercise is not None and exercise.id not in self._solutions:
                task = exercise
            before = self.lesson.continued(before)
        return task

    # --- what the commands do

    def shown(self) -> TaskShown | AskShown | PredictShown:
        """The present exercise; a Problem in a part without one."""
        return self._here().shown()

    def check(self) -> Iterator[object]:
        """How the present exercise stands, and what there is to say to it."""
        yield from self._here().check()

    def task(self) -> Iterator[object]:
        """The present exercise once more."""
        yield self.shown()

    def text(self) -> Iterator[object]:
        """All that the present part has told when it began, and its exercise, once more."""
        exercise = () if self._at_hand is None else (self.shown(),)
        return self._behind_this_line(lambda: (*self._told, *exercise))

    def hint(self) -> Iterator[object]:
        """The next hint; behind the last one, that again."""
        return self._behind_this_line(self._here().hint())

    def answer(self) -> Iterator[object]:
        """Show the answer to someone who has tried."""
        return self._behind_this_line(self._here().answer())

    def say(self, text: str) -> Iterator[object]:
        """Reply to a question, or to the next ones of a prediction."""
        return self._behind_this_line(self._here().say(text))

    def _here(self) -> _AnyAtHand:
        """The present exercise; a Problem in a part without one."""
        if self._at_hand is None:
            raise Problem("there is nothing to do in this part", "`lesson next` goes on")
        return self._at_hand

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
        """Begin the present part anew. What it has told is not told again where it has an exercise."""
        return self._behind_this_line(partial(self.begin, self.at, tells=self.exercise is None))

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
        return lesson_shown(self.lesson, self.standings, self.at, self._player.filled, over)

    def list_parts(self) -> Iterator[object]:
        """The list of parts."""
        yield self.overview()


def attempt_of(session: Session) -> Attempt:
    """The attempt that a session is; a Problem if no lesson is taken in it."""
    if isinstance(session.attempt, Attempt):
        return session.attempt
    raise Problem("no lesson is being taken here", "in the shell, `pagefault-lab lesson` lists them")
