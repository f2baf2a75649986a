"""Exercises and parts as they are shown: pure functions of the lesson and of how someone stands in it.

`filled` fills in the quotes of a text of the lesson that begins in a line of its file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from pagefault_lab.tutor.told import (
    AskShown,
    GoalShown,
    LessonShown,
    PartRow,
    PredictShown,
    QuestionShown,
    TaskShown,
)

if TYPE_CHECKING:
    from pagefault_lab.tutor.exercises.standing import Standing
    from pagefault_lab.tutor.lesson import AnyExercise, Ask, Lesson, Predict, Question, Task

Filled: TypeAlias = Callable[[str, int], str]


def task_shown(task: Task, standing: Standing, filled: Filled) -> TaskShown:
    """What is to be done; whether its goals hold, nobody has looked."""
    return TaskShown(
        task.id,
        filled(task.title, task.line),
        filled(task.text, task.line),
        tuple(GoalShown(filled(goal.text, task.line), goal.points, None) for goal in task.goals),
        task.points,
        standing.points,
        standing.solved,
        len(task.hints),
        task.budget,
    )


def ask_shown(ask: Ask, standing: Standing, filled: Filled) -> AskShown:
    """A question, with the tries that are left."""
    return AskShown(
        ask.id,
        filled(ask.title, ask.line),
        filled(ask.question.text, ask.line),
        _choices(ask.question, ask.line, filled),
        ask.points,
        standing.points,
        ask.tries - len(standing.replies),
        len(ask.hints),
        standing.over,
    )


def predict_shown(predict: Predict, standing: Standing, filled: Filled) -> PredictShown:
    """Lines and the questions about them, with what was said to these so far."""
    line = predict.line
    said = [*standing.replies, *[None] * len(predict.questions)]
    return PredictShown(
        predict.id,
        filled(predict.title, line),
        filled(predict.text, line),
        tuple(filled(each, line) for each in predict.lines.lines),
        tuple(
            QuestionShown(filled(question.text, line), _choices(question, line, filled), reply)
            for question, reply in zip(predict.questions, said, strict=False)
        ),
        predict.each,
        standing.points,
        len(predict.hints),
        standing.over,
    )


def _choices(question: Question, line: int, filled: Filled) -> tuple[str, ...]:
    return tuple(filled(choice, line) for choice in question.choices)


def lesson_shown(lesson: Lesson, standings: Mapping[str, Standing], at: int, filled: Filled, over: bool) -> LessonShown:
    """All parts, for someone who stands in the part with index `at`. `over`: they have come to the lesson's end."""
    rows = []
    for place, part in enumerate(lesson.parts):
        if part.exercise is None:
            rows.append(PartRow(place + 1, "", "", "", 0, 0, "", 0, False, place == at))
        else:
            rows.append(_row(place, part.exercise, standings[part.exercise.id], place == at, filled))
    earned = sum(standing.points for standing in standings.values())
    return LessonShown(lesson.title, lesson.key, tuple(rows), earned, lesson.points, over)


def _row(place: int, exercise: AnyExercise, standing: Standing, here: bool, filled: Filled) -> PartRow:
    return PartRow(
        place + 1,
        exercise.id,
        type(exercise).__name__.lower(),
        filled(exercise.title, exercise.line),
        standing.points,
        exercise.points,
        standing.state,
        standing.hints,
        standing.answered,
        here,
    )
