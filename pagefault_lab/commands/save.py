from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Path
from pagefault_lab.lab.results import Saved
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("save", group="session")
def save(session: Session, file: Path) -> Iterator[object]:
    """Write the lines of this session to a file, as a script: `pagefault-lab run FILE` does them again."""
    session.note_line("")
    lines = [f"# pagefault-lab, begun in the world {session.first_world}", f"world {session.first_world}"]
    lines += session.lines
    try:
        file.write_text("\n".join(lines) + "\n", "utf-8")
    except (OSError, ValueError) as error:
        raise Problem(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    yield Saved(str(file), len(session.lines))
