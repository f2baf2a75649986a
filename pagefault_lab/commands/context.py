from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.lab.context import context as context_of
from pagefault_lab.lab.results import Message

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("context", "ctx", group="looking")
def context(session: Session, switch: Literal["on", "off"] | None = None) -> Iterator[object]:
    """Show where the processor stands: code, registers, the last translation, what happened last, both stacks.

      context       now
      context on    after every line that changes something
      context off

    A star marks a register that the last line has changed, => the next instruction, -> the top of a stack. `layout`
    shows the same on the whole screen.
    """
    if switch is not None:
        session.shows_context = switch == "on"
    if switch == "off":
        yield Message("the context is shown when `context` asks for it")
    else:
        yield context_of(session)
