from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Message
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("micro", group="running")
def micro(session: Session, what: Literal["next", "back", "fault", "on", "off"] | None = None) -> Iterator[object]:
    """Make the next step stage by stage: the fetch, each access, the rules, what the processor reads and pushes.

      micro         the next stage; an empty line does it again
      micro back    the stage before; from the first one, the step before
      micro fault   the last fault once more; the machine stays where it is
      micro on      tell all stages of every step from now on: si, typed lines
      micro off

    Nothing has happened to the machine before the last stage of a step: showing that makes the step. Below a stage
    stands what was pushed so far, and who pushed it. Whatever else changes the machine ends the walk.
    """
    from pagefault_lab.lab import micro as stages

    match what:
        case "on" | "off":
            session.by_stages = what == "on"
            yield Message("steps are told stage by stage" if session.by_stages else "steps are told as a whole")
        case "back":
            session.repetition = "micro back"
            yield from stages.backward(session)
        case "fault":
            step = session.fault
            if step is None:
                raise Problem("there has been no fault yet", "`micro` goes through the next step, whatever it is")
            session.repetition = "micro"
            yield from stages.replay(session, step)
        case _:
            session.repetition = "micro"
            yield from stages.forward(session)
