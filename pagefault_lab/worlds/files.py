"""The door through which a session reaches the files of this computer: whatever it reads or writes, it does here.

So that what a line was given can be kept, and given once more when the files have changed or are gone, all reading
passes through `Files.given` as bytes. Whoever keeps and gives again (lab/recording.py) overrides that, and `write`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.worlds.compiler import Compiled

LARGEST: Final = 2 << 20  # bytes of a source


class Files:
    """The files as they are now. What cannot be read or written is a Problem."""

    def given(self, answer: Callable[[], bytes | None]) -> bytes | None:
        """What `answer` gives: everything that is read comes through here."""
        return answer()

    def found(self, file: Path, find: Callable[[Path], Path]) -> Path:
        """Where `find` finds a file."""
        place = self.given(lambda: find(file).as_posix().encode("utf-8", "surrogateescape"))
        assert place is not None
        return Path(place.decode("utf-8", "surrogateescape"))

    def read(self, file: Path) -> bytes:
        """The contents of a file."""
        found = self.given(lambda: contents(file))
        assert found is not None
        return found

    def text(self, file: Path) -> str:
        """The contents of a text file."""
        try:
            return self.read(file).decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(f"{file} is not a text file") from None

    def below(self, *folders: Path) -> Callable[[str], bytes | None]:
        """What .include and .incbin ask: the file of a name in the first of these folders that has it."""
        from pagefault_lab.assembler.inputs import read_below

        return lambda name: self.given(lambda: read_below(folders, name))

    def compile(self, file: Path, optimization: str) -> Compiled:
        """The object that a compiler of this computer makes of a file in C. What it warned of is told once only."""
        from pagefault_lab.worlds.compiler import Compiled, compile_c

        warnings: tuple[str, ...] = ()

        def answer() -> bytes:
            nonlocal warnings
            contents(file)
            data, warnings = compile_c(file, optimization)
            return data

        data = self.given(answer)
        assert data is not None
        return Compiled(data, warnings)

    def write(self, file: Path, text: str) -> None:
        """Write a text file; one that is there is replaced."""
        try:
            file.write_text(text, "utf-8", newline="\n")
        except (OSError, ValueError) as error:
            raise Problem(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def contents(file: Path) -> bytes:
    """The bytes of a file; a Problem if it cannot be read, or is larger than any source."""
    try:
        if file.stat().st_size > LARGEST:
            raise Problem(f"{file} is too large", f"at most {LARGEST >> 20} MiB")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        raise Problem(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
