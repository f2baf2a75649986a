from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Path
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("trace", group="looking")
def trace(session: Session, switch: Literal["on", "off"] | None = None, file: Path | None = None) -> Iterator[object]:
    """Tell every step that the machine makes from now on, one line each, whatever lets it go on: typed lines, si, c.

      trace on              on the screen, but for steps that are told in full
      trace on steps.txt    into a file, which begins anew
      trace on steps.jsonl  one JSON object a step, with all that happened in it
      trace off
      trace                 whether it is on

    `back` writes no line; what is executed after it is traced as any other step. Runs are slow meanwhile: some ten
    thousand steps a second instead of millions.
    """
    if file is not None and switch != "on":
        raise Problem(f"{file}: a file belongs to `trace on`", f"trace on {file}")
    if switch == "on":
        session.trace.start(file)
    elif switch == "off":
        session.trace.stop()
    yield session.trace.state
