"""A task: something to be done. Its goals are looked at after every line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.lab.results import Message
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.exercises.at_hand import AtHand, Doing, holds, no_answers
from pagefault_lab.tutor.exercises.showing import task_shown
from pagefault_lab.tutor.lesson import Task
from pagefault_lab.tutor.told import Checked, GoalShown, Solved, TaskShown

if TYPE_CHECKING:
    from pagefault_lab.lab.recording import Input
    from pagefault_lab.tutor.beginning import Beginning
    from pagefault_lab.tutor.exercises.standing import Standing
    from pagefault_lab.tutor.player import Player


class TaskAtHand(AtHand[Task]):
    """A task since its part has begun. How it is solved is left in `solutions`, by its id."""

    def __init__(
        self,
        task: Task,
        standing: Standing,
        player: Player,
        beginning: Beginning,
        solutions: dict[str, list[Input]],
    ) -> None:
        super().__init__(task, standing, player)
        self._beginning = beginning
        self._solutions = solutions
        self._held: frozenset[int] = frozenset()  # remarks that held behind the last line
        self._done = False  # it was solved since the part began

    def shown(self) -> TaskShown:
        return task_shown(self.exercise, self.standing, self._player.filled)

    def check(self) -> Iterator[object]:
        checked = self._checked()
        yield checked
        if not checked.solved:
            yield from self._remarks().values()

    def judge(self) -> Iterator[object]:
        task, standing = self.exercise, self.standing
        standing.lines += 1
        if self._beginning.is_ahead:
            yield Message("this is not where the task began; `lesson reset` begins it anew", "warning")
            return
        checked = self._checked()
        if not standing.answered:
            standing.points = max(standing.points, checked.earned)
        if self._done:
            return
        if not checked.solved:
            if checked.late:
                yield checked
            held = self._remarks()
            newly = [remark for place, remark in held.items() if place not in self._held]
            self._held = frozenset(held)
            yield from self._remarked(newly)
        else:
            self._done = standing.solved = standing.over = True
            self._solutions[task.id] = self._beginning.typed()
            yield Solved(task.id, standing.points, task.points, self._filled(task.after))

    def _checked(self) -> Checked:
        """How it stands now."""
        task, steps = self.exercise, self._beginning.steps
        scope = self._player.scope()
        goals = tuple(GoalShown(self._filled(goal.text), goal.points, holds(goal.holds, scope)) for goal in task.goals)
        late = task.budget is not None and steps > task.budget
        earned = 0 if late else sum(goal.points for goal in goals if goal.holds)
        all_hold = all(goal.holds for goal in goals)
        return Checked(
            task.id, goals, earned, task.points, all_hold and not late, steps, task.budget, all_hold and late
        )

    def _answer(self) -> tuple[str, ...]:
        answer = self.exercise.answer
        if answer is None:
            raise no_answers()
        return tuple(self._player.filled(line, answer.first) for line in answer.lines)

    def say(self, text: str) -> Doing:
        raise Problem(f"{self.exercise.id} is a task, no question", "type what does it; `lesson task` shows it again")
