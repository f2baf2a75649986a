"""A question about what the machine stands at."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.tutor import questions
from pagefault_lab.tutor.editions import opens
from pagefault_lab.tutor.exercises.at_hand import Doing, QuestionsAtHand, no_answers
from pagefault_lab.tutor.exercises.showing import ask_shown
from pagefault_lab.tutor.lesson import Ask
from pagefault_lab.tutor.told import AskShown, Remarked, Solved, Wronged


class AskAtHand(QuestionsAtHand[Ask]):
    """A question since its part has begun: what is right is what was so then, whatever was done since."""

    _right: int | None = None  # None: only its digest is known

    def begin(self) -> None:
        if self.exercise.question.answer is not None:
            self._right = self._value(self.exercise.question.answer)

    def shown(self) -> AskShown:
        return ask_shown(self.exercise, self.standing, self._player.filled)

    def _answer(self) -> tuple[str, ...]:
        if self._right is None:
            raise no_answers()
        return (questions.sayable(self._right, self.exercise.question),)

    def _reply(self, text: str) -> Doing:
        ask, standing = self.exercise, self.standing
        said = questions.meanings(text, ask.question, self._player.session)
        replies = [*standing.replies, text]
        tries = ask.tries - len(replies)
        is_right = any(self._is_right(each) for each in said)
        over = is_right or tries <= 0
        after = self._filled(ask.after) if over else ""
        right = "" if self._right is None or not over else questions.described(self._right, ask.question)
        remarks: dict[int, Remarked] = {}
        for each in () if is_right else said:
            remarks = self._remarks(said=each) | remarks

        def reply() -> Iterator[object]:
            standing.replies, standing.solved, standing.over = replies, is_right, over
            if is_right:
                standing.points = ask.points
                yield Solved(ask.id, ask.points, ask.points, after)
                return
            remarked = self._remarked(remarks.values())
            wronged = Wronged(ask.id, questions.told_again(said, ask.question), tries, right, after)
            # the last word is what is right, or what there is to think about
            yield from (*remarked, wronged) if over else (wronged, *remarked)

        return reply

    def _is_right(self, said: int) -> bool:
        question = self.exercise.question
        if self._right is None:
            return opens(said, question.digest)
        return questions.is_right(said, self._right, question)
