from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Path
from pagefault_lab.lab.results import Saved

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("save", group="session")
def save(session: Session, file: Path) -> Iterator[object]:
    """Write the lines of this session to a file, as a script: `pagefault-lab run FILE` does them again."""
    session.note_line("")
    world = session.recording.world
    lines = [f"# pagefault-lab, begun in the world {world}", f"world {world}"]
    lines += session.lines
    session.files.write(file, "\n".join(lines) + "\n")
    yield Saved(str(file), len(session.lines))
