from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.results import Message

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("tour", group="session")
def tour(session: Session) -> Iterator[object]:
    """Say how to be shown around: the lecture's path, line by line, each with a sentence.

    A tour begins in a world of its own, so it is started from the shell: `pagefault-lab tour`. Any script can be one:
    `pagefault-lab tour FILE` says its comments before its lines.
    """
    yield Message("a tour begins in a world of its own: quit, then type pagefault-lab tour in the shell")
