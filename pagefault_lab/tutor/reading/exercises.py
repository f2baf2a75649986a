"""The exercises of a lesson: the bodies of `task`, `ask` and `predict`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.problem import Problem
from pagefault_lab.tutor import questions
from pagefault_lab.tutor.editions import constant
from pagefault_lab.tutor.lesson import AnyExercise, Ask, Goal, Predict, Question, Remark, Task, Wrong
from pagefault_lab.tutor.reading.fences import Fence, check_options
from pagefault_lab.tutor.reading.table import Table

if TYPE_CHECKING:
    from pagefault_lab.tutor.reading.file import File

_OPTIONAL: Final = re.compile(r"#[ \t]*optional[ \t]*$")


def is_optional(line: str) -> bool:
    """Whether a line of an answer may be left out: it ends in `# optional`."""
    return _OPTIONAL.search(line) is not None


class ExerciseReader:
    """Reads the exercises of one file, from its first on."""

    def __init__(self, file: File, is_student_edition: bool) -> None:
        self.file = file
        self.is_student_edition = is_student_edition
        self.exercises: dict[str, AnyExercise] = {}
        self.tasks = 0  # those that are wrong are counted too

    def read(self, fence: Fence) -> AnyExercise | None:
        """What the body of an exercise says; None if that is wrong."""
        check_options(self.file, fence)
        self.tasks += fence.word == "task"
        body = Table(self.file, fence.lines, fence.start + 2)
        if body.is_sound:
            body.check(fence.word)
        if not body.is_sound:
            return None
        table = body.table
        shared = {
            "id": table["id"],
            "title": table.get("title", ""),
            "hints": tuple(table.get("hints", ())),
            "remarks": tuple(
                Remark(body.expressions["messages", number, "when"], message["say"])
                for number, message in enumerate(table.get("messages", ()))
            ),
            "after": table.get("after", ""),
            "line": fence.start + 1,
        }
        exercise = self._of_kind(fence.word, body, shared)
        other = self.exercises.setdefault(exercise.id, exercise)
        if other is not exercise:
            hint = f"the other one stands in line {other.line}"
            body.complain(("id",), f"there are two exercises {exercise.id}", hint)
        return exercise

    def _of_kind(self, word: str, body: Table, shared: dict[str, Any]) -> AnyExercise:
        match word:
            case "task":
                return self._task(body, shared)
            case "ask":
                return self._ask(body, shared)
            case _:
                return self._predict(body, shared)

    def _task(self, body: Table, shared: dict[str, Any]) -> Task:
        table = body.table
        goals = [
            Goal(body.expressions["goals", number, "holds"], goal["points"], goal.get("text", ""))
            for number, goal in enumerate(table.get("goals", ()))
        ]
        task = Task(
            **shared,
            text=table.get("text", ""),
            goals=tuple(goals or [Goal(body.expressions["goal",], table["points"])]),
            answer=body.lines_of("answer") if "answer" in table else None,
            wrong=tuple(
                Wrong(body.lines_of("wrong", number, "lines"), wrong["earns"], wrong.get("says", ""))
                for number, wrong in enumerate(table.get("wrong", ()))
            ),
            budget=table.get("budget"),
            continues=table.get("continues", False),
        )
        if task.answer is None and not self.is_student_edition:
            body.complain((), "this task has no answer", "answer: the lines that solve it")
        if task.continues and self.tasks == 1:
            body.complain(("continues",), "there is no task before this one that it could continue", "leave it out")
        for number, wrong in enumerate(task.wrong):
            if wrong.earns > task.points:
                sentence = f"this wrong answer cannot earn {wrong.earns}"
                body.complain(("wrong", number, "earns"), sentence, f"the task has {task.points}")
        return task

    def _ask(self, body: Table, shared: dict[str, Any]) -> Ask:
        question = self._question(body, "question")
        tries = 1 if len(question.choices) == 2 else 2
        return Ask(**shared, question=question, points=body.table["points"], tries=body.table.get("tries", tries))

    def _predict(self, body: Table, shared: dict[str, Any]) -> Predict:
        table = body.table
        own = [self._question(body, "text", "questions", number) for number in range(len(table.get("questions", ())))]
        return Predict(
            **shared,
            text=table.get("text", ""),
            lines=body.lines_of("lines"),
            questions=(*map(questions.usual, table.get("asks", ())), *own),
            each=table.get("points", 1),
        )

    def _question(self, body: Table, text: str, *keys: str | int) -> Question:
        """The question in the table at these keys, which has it under the key `text`."""
        table = body.at(*keys)
        choices = tuple(table.get("choices", ()))
        answer = body.expressions.get((*keys, "answer"))
        if answer is None and not self.is_student_edition:
            body.complain((*keys, "digest"), "only a student edition knows an answer by its digest", "write the answer")
        if answer is not None:
            try:
                number = constant(answer)
            except Problem as problem:
                body.complain((*keys, "answer"), problem.sentence, problem.hint, problem.column or 0)
            else:
                if choices and number is not None and not 1 <= number <= len(choices):
                    hint = f"a number from 1 to {len(choices)}, or an expression that gives one"
                    body.complain((*keys, "answer"), f"there is no choice {number}", hint)
        return Question(table[text], answer, choices, table.get("digest", ""))
