from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Path
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("load", group="code")
def load(session: Session, file: Path) -> Iterator[object]:
    """Assemble a file and place it where typed code goes, or at its first `.org`, without executing it.

    Its labels become symbols. If you stand in typed code, EIP goes to `_start`, or to its first instruction.
    """
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Problem(f"{file} is not a text file") from None
    except (OSError, ValueError) as error:
        raise Problem(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    yield from session.code.load(f"load {file}", text, str(file), file.parent)
