from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Message

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("micro", group="running")
def micro(session: Session, what: Literal["next", "back", "on", "off"] | None = None) -> Iterator[object]:
    """Make the next step stage by stage: the fetch, each access, the rules, what the processor reads and pushes.

      micro         the next stage; an empty line does it again
      micro back    the stage before; from the first one, the step before
      micro on      tell all stages of every step from now on: si, typed lines
      micro off

    Nothing has happened to the machine before the last stage of a step: showing that makes the step. Below a stage
    stands what was pushed so far, and who pushed it. Whatever else changes the machine ends the walk. `micro fault`
    goes through a fault of the past.
    """
    from pagefault_lab.lab import micro as stages

    match what:
        case "on" | "off":
            session.by_stages = what == "on"
            yield Message("steps are told stage by stage" if session.by_stages else "steps are told as a whole")
        case "back":
            session.repetition = "micro back"
            yield from stages.backward(session)
        case _:
            session.repetition = "micro"
            yield from stages.forward(session)
