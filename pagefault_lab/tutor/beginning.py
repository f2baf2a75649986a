"""Where the present part of a lesson began in its session, and what was done since."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagefault_lab.lab.recording import Input
    from pagefault_lab.lab.session import Session


class Beginning:
    """Where the present part began. `is_ahead`: someone has gone back to before it, and stands there, in a future in
    which it never was, or in another world."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._recording = session.recording
        self._own: set[int] = set()  # places in the recording of lines that speak of the lesson, not to the machine
        self.mark()

    def mark(self) -> None:
        """The part begins here."""
        session = self._session
        self._history = session.history
        self._steps = session.machine.steps
        self._lines = len(session.history.lines)
        self._inputs = len(self._recording.inputs)
        self._is_lost = False  # something else was done instead of what led to it
        self.is_ahead = False

    def follow(self, changed: bool) -> None:
        """A line was recorded; it has `changed` something or not."""
        session, history = self._session, self._session.history
        if changed and self.is_ahead:
            self._is_lost = True
        self.is_ahead = (
            self._is_lost
            or history is not self._history
            or session.machine.steps < self._steps
            or len(history.lines) < self._lines
        )

    def leave_out(self) -> None:
        """The line that was recorded last speaks of the lesson, not to the machine."""
        self._own.add(len(self._recording.inputs) - 1)

    @property
    def steps(self) -> int:
        """Those that the machine has made since."""
        return self._session.machine.steps - self._steps

    def typed(self) -> list[Input]:
        """What was typed to the machine since."""
        inputs = self._recording.inputs
        return [inputs[place] for place in range(self._inputs, len(inputs)) if place not in self._own]
