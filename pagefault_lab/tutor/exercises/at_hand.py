"""What exercises of all kinds are for someone who is at one: hints, remarks, the answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from pagefault_lab.lab.results import Message
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.lesson import AnyExercise
from pagefault_lab.tutor.told import AnswerShown, HintShown, Remarked

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.tutor.exercises.standing import Standing
    from pagefault_lab.tutor.player import Player

Doing: TypeAlias = Callable[[], Iterable[object]]  # yields what it has to say; done twice, it comes to the same
AnyKind = TypeVar("AnyKind", bound=AnyExercise)


class AtHand(ABC, Generic[AnyKind]):
    """An exercise since its part has begun. Its `standing` is kept; all else is forgotten when a part begins.

    What someone asks of it is judged at once, with a Problem if it cannot be done, and has its effect as a Doing, when
    the line is recorded.
    """

    def __init__(self, exercise: AnyKind, standing: Standing, player: Player) -> None:
        self.exercise = exercise
        self.standing = standing
        self._player = player

    def begin(self) -> None:
        """The machine stands where the part begins."""

    @abstractmethod
    def shown(self) -> object:
        """The exercise."""

    def check(self) -> Iterator[object]:
        """How it stands, and what there is to say to it."""
        yield self.shown()

    def judge(self) -> Iterable[object]:
        """Look at what the line that was typed last has come to."""
        return ()

    def hint(self) -> Doing:
        """The next hint; behind the last one, that again."""
        exercise, standing = self.exercise, self.standing
        if not exercise.hints:
            raise Problem(f"{exercise.id} has no hints", "`lesson task` shows it again, `help` what the lab can do")
        number = min(standing.hints + 1, len(exercise.hints))
        again = standing.hints == number
        text = self._filled(exercise.hints[number - 1])

        def show() -> Iterator[object]:
            standing.hints = number
            yield HintShown(exercise.id, number, len(exercise.hints), text, again)

        return show

    def answer(self) -> Doing:
        """Show the answer to someone who has tried."""
        standing = self.standing
        if not standing.over and not standing.was_tried:
            raise Problem("try it first; then `answer` shows how it is done", "`lesson hint` helps")
        lines = self._answer()
        counts = not standing.over

        def show() -> Iterator[object]:
            standing.answered = standing.answered or not standing.solved
            standing.over = True
            yield AnswerShown(self.exercise.id, lines, counts)

        return show

    @abstractmethod
    def _answer(self) -> tuple[str, ...]:
        """What to type or to say; a Problem if that is not known."""

    @abstractmethod
    def say(self, text: str) -> Doing:
        """Reply to a question, or to the next ones of a prediction; a Problem if that says nothing."""

    # --- what the lesson says and asks

    def _filled(self, text: str) -> str:
        return self._player.filled(text, self.exercise.line)

    def _value(self, expression: Expression) -> int:
        """What an expression of the exercise gives now."""
        try:
            return expression.value(self._player.scope())
        except Problem as problem:
            raise self._player.placed(problem, self.exercise.line) from None

    def _remarks(self, **more: int) -> dict[int, Remarked]:
        """What the lesson has to say now, by the number of the remark; `more` are values that only remarks see."""
        scope = self._player.scope(**more)
        return {
            place: Remarked(self._filled(remark.say))
            for place, remark in enumerate(self.exercise.remarks)
            if holds(remark.when, scope)
        }

    def _remarked(self, remarks: Iterable[Remarked]) -> Iterator[Remarked]:
        """Say this to someone; how they stand includes it."""
        for remark in remarks:
            if remark.text not in self.standing.remarks:
                self.standing.remarks.append(remark.text)
            yield remark


class QuestionsAtHand(AtHand[AnyKind]):
    """An exercise that is done by replies."""

    def say(self, text: str) -> Doing:
        if self.standing.over:
            # no Problem: where an answer was corrected after class, what was said next must still be repeated
            told = Message(f"{self.exercise.id} is over, this counts no more: `lesson next` goes on")
            return lambda: (told,)
        return self._reply(text)

    @abstractmethod
    def _reply(self, text: str) -> Doing:
        """What a reply comes to that counts."""


def holds(expression: Expression, scope: Scope) -> bool:
    """Whether an expression is true. Where it cannot be evaluated, the machine is not as it asks."""
    try:
        return expression.holds(scope)
    except Problem:
        return False


def no_answers() -> Problem:
    """A student edition knows whether something is right, not what would be."""
    return Problem("this edition of the lesson has no answers", "`lesson hint` helps")
