from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import CodeAddress
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("run", "r", group="code")
def run(session: Session, address: CodeAddress | None = None) -> Iterator[object]:
    """Execute typed code from its beginning: from the last block (`asm`, `load`), else from the first line typed.

    With ADDRESS, from there. The registers are as they are. The lines of a file are executed from the shell:
    `pagefault-lab run FILE`, or `pagefault-lab tour FILE` line by line.
    """
    session.check_not_shut_down()
    start = session.code.start if address is None else address
    if start is None:
        raise Problem("nothing is typed yet")
    session.changing()
    session.go_to(start)
    yield from session.runner.go()
