"""A prediction: questions about lines that are executed when all are answered. What the machine does is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING

from pagefault_lab.problem import Problem, count
from pagefault_lab.tutor import questions
from pagefault_lab.tutor.exercises.at_hand import Doing, QuestionsAtHand
from pagefault_lab.tutor.exercises.showing import predict_shown
from pagefault_lab.tutor.lesson import Predict
from pagefault_lab.tutor.player import exhaust
from pagefault_lab.tutor.told import Predicted, PredictedRow, PredictShown

if TYPE_CHECKING:
    from pagefault_lab.tutor.exercises.standing import Standing
    from pagefault_lab.tutor.lesson import Question
    from pagefault_lab.tutor.player import Player


class PredictAtHand(QuestionsAtHand[Predict]):
    """A prediction since its part has begun: unless it is over, its questions are asked anew. `prepare` brings the
    machine back to where the part began."""

    def __init__(self, predict: Predict, standing: Standing, player: Player, prepare: Doing) -> None:
        super().__init__(predict, standing, player)
        self._prepare = prepare
        self._said: list[tuple[int, ...]] = []  # what the replies can mean, as it was when they were given
        if not standing.over:
            standing.replies = []

    def shown(self) -> PredictShown:
        return predict_shown(self.exercise, self.standing, self._player.filled)

    def _answer(self) -> tuple[str, ...]:
        raise Problem("the machine has the answer", "say what you expect, and it is executed")

    def _reply(self, text: str) -> Doing:
        predict, standing = self.exercise, self.standing
        open_questions = predict.questions[len(standing.replies) :]
        texts = self._split(text, open_questions)
        meant = [self._meanings(reply, each) for reply, each in zip(texts, open_questions, strict=False)]
        replies, said = [*standing.replies, *texts], [*self._said, *meant]

        def reply() -> Iterator[object]:
            standing.replies, self._said = replies, said
            if len(replies) < len(predict.questions):
                yield self.shown()
            else:
                yield from self._run()

        return reply

    def _split(self, text: str, open_questions: Sequence[Question]) -> list[str]:
        """The replies that a text has: itself, if it is one to the next question. A Problem if it has too many; or if
        it has none, as a sentence has."""
        try:
            self._meanings(text, open_questions[0])
            return [text]
        except Problem:
            replies = [reply.strip() for reply in (text.split(",") if "," in text else text.split())]
            too_many = len(replies) > len(open_questions)
            if len(replies) == 1 or (too_many and not self._all_say(replies, open_questions)):
                raise
        if too_many:
            raise Problem(f"these are {len(replies)} replies to {count(len(open_questions), 'question')}")
        return replies

    def _all_say(self, replies: Sequence[str], open_questions: Sequence[Question]) -> bool:
        """Whether each of these is a reply to its question; those behind the last one, to that."""
        try:
            for reply, question in zip(replies, chain(open_questions, repeat(open_questions[-1])), strict=False):
                self._meanings(reply, question)
        except Problem:
            return False
        return True

    def _meanings(self, reply: str, question: Question) -> tuple[int, ...]:
        return questions.meanings(reply, question, self._player.session)

    def _run(self) -> Iterator[object]:
        """Execute the lines where the part began, and compare. Where the lesson's lines do not work, its questions are
        open again."""
        predict, standing = self.exercise, self.standing
        try:
            exhaust(self._prepare())
            yield from self._player.execute(predict.lines)
            rows = self._compared()
        except Problem:
            standing.replies, self._said = [], []
            raise
        standing.points = predict.each * sum(row.is_right for row in rows)
        standing.over = True
        standing.solved = standing.points == predict.points
        yield Predicted(predict.id, rows, standing.points, predict.points, self._filled(predict.after))

    def _compared(self) -> tuple[PredictedRow, ...]:
        """What was said to each question, and what is so now."""
        rows = []
        for question, said in zip(self.exercise.questions, self._said, strict=True):
            assert question.answer is not None
            right = self._value(question.answer)
            is_right = any(questions.is_right(each, right, question) for each in said)
            told = questions.described(right, question)
            rows.append(
                PredictedRow(
                    self._filled(question.text),
                    told if is_right else questions.told_again(said, question),
                    told,
                    is_right,
                )
            )
        return tuple(rows)
