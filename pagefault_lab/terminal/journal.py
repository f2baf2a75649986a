"""Journals: the input of each session at a terminal, in a file of its own that grows by every line that is finished.

What is in the file when the process is killed is what `--resume` brings back. A journal is locked as long as its
session lives; the lock goes with the process, however that ends. One of a session that was left says so at its end.
The journal of a lesson's attempt (attempts.py) has a name of its own, and takes the place of the one before.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.folders import state_folder

if TYPE_CHECKING:
    from pagefault_lab.lab.recording import Recording, Writer

CUT_OFF: Final = "the last session was cut off; pagefault-lab --resume brings it back"
KEPT: Final = 20
SUFFIX: Final = ".journal"
ENDED: Final = b'{"ended"'  # what the last line of a session that was left begins with (lab/recording.py)
LONGEST_ENDED: Final = 100  # bytes of that line
LOCKED_BYTE: Final = 0x7FFFFFF0  # on Windows, where a byte that is locked cannot be read


class Recorded(Protocol):
    """What can be written down: a session, or an attempt."""

    @property
    def recording(self) -> Recording: ...


class Journal:
    """Writes down the session that it follows. The file begins with the session's first line.

    A journal that `takes_over` another one, from which the session was brought back, begins with the first line behind
    that: it holds all that the other one does, and the other one goes. With a `path` that is the file, in the place of
    what was there; else it is a new one.
    """

    def __init__(self, takes_over: Kept | None = None, path: Path | None = None) -> None:
        self._takes_over = takes_over
        self._path = path
        self._recording: Recording | None = None
        self._descriptor: int | None = None
        self._writer: Writer | None = None
        self._inputs = 0  # that are safe, here or in the one taken over
        self._size = 0

    def follow(self, session: Recorded) -> None:
        """From now on, write down what is finished in this session."""
        self._recording = session.recording
        if self._takes_over is not None:
            self._inputs = len(session.recording.inputs)
        session.recording.grown = self.catch_up

    def begin(self) -> str | None:
        """Write down now what there is, be it nothing; a sentence if that cannot be."""
        self._inputs = -1
        return self.catch_up()

    def catch_up(self) -> str | None:
        """Write what is not yet written; a sentence if that cannot be, once.

        However this is broken off, the next time does it all again.
        """
        recording = self._recording
        if recording is None or self._inputs == len(recording.inputs):
            return None
        try:
            self._write(recording)
        except OSError as error:
            self._recording = None
            return f"from here on, nothing is kept for later: no journal can be written: {error.strerror}"
        return None

    def _write(self, recording: Recording) -> None:
        """Write the inputs that are not yet in the file, behind those that are; all, if there is no file yet."""
        from pagefault_lab.lab.recording import Writer

        inputs = len(recording.inputs)
        if self._descriptor is not None and self._writer is not None:
            writer = copy(self._writer)
            text = b"".join(writer.input(each, recording.contents) for each in recording.inputs[self._inputs : inputs])
            _put(self._descriptor, self._size, text)
        elif (path := self._path or _new_path()) is not None:
            writer = Writer()
            text = writer.head(recording)
            text += b"".join(writer.input(each, recording.contents) for each in recording.inputs[:inputs])
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if self._path is not None and sys.platform == "win32":  # where a file that is open cannot be replaced
                self._let_go()
            self._descriptor = _create(path, text)
            self._let_go()
        else:
            self._recording = None
            return
        self._writer, self._inputs, self._size = writer, inputs, self._size + len(text)

    def _let_go(self) -> None:
        """The one taken over is not needed any more."""
        if self._takes_over is not None:
            self._takes_over.drop()
            self._takes_over = None

    def end(self) -> None:
        """The session was left: nobody will miss it."""
        if self._takes_over is not None and self._takes_over.is_ours:
            self.begin()  # what was brought back has now been left
        if self._descriptor is not None and self._writer is not None:
            with suppress(OSError):
                _put(self._descriptor, self._size, self._writer.end())


class Kept:
    """A journal that nobody writes any more, locked so that nobody else takes it. `is_ours`: once another one holds all
    that it does, it can go."""

    def __init__(self, path: Path, descriptor: int, is_ours: bool) -> None:
        self.path = path
        self.is_ours = is_ours
        self._descriptor = descriptor

    def read(self) -> bytes:
        try:
            with open(self._descriptor, "rb", closefd=False) as stream:
                stream.seek(0)
                return stream.read()
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def has_ended(self) -> bool:
        """Whether the session was left. Nothing else can be done with the journal then."""
        with suppress(OSError), open(self._descriptor, "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - LONGEST_ENDED))
            return stream.read().splitlines()[-1].startswith(ENDED)
        return True

    def drop(self) -> None:
        """Leave it to others; if it is ours, another one holds all that it does, and it goes."""
        os.close(self._descriptor)
        if self.is_ours:
            with suppress(OSError):
                self.path.unlink()


def kept(file: str | None) -> Kept:
    """The journal in this file, without one the newest whose session does not live; a Problem if there is none."""
    if file is None:
        newest = next(_not_living(), None)
        if newest is not None:
            return newest
        if any(_newest_first()):
            raise Problem("the only session to resume is still open", "leave it where it is open first")
        raise Problem("there is no session to resume", "one at the prompt is kept as soon as a line of it is finished")
    try:
        found = taken(Path(file), is_ours=False)
    except (OSError, ValueError) as error:
        raise _unreadable(Path(file), error) from None
    if found is None:
        raise Problem(f"the session of {file} is still open", "leave it where it is open first")
    return found


def was_cut_off() -> bool:
    """Whether the session that would be resumed has ended without being left."""
    newest = next(_not_living(), None)
    return newest is not None and not newest.has_ended()


def _unreadable(path: Path, error: Exception) -> Problem:
    return Problem(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")


def taken(path: Path, is_ours: bool) -> Kept | None:
    """A journal, locked; None if its session lives. An OSError if there is none, or it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), os.stat(path)):  # else another took its place
        return Kept(path, descriptor, is_ours)
    os.close(descriptor)
    return None


def _not_living() -> Iterator[Kept]:
    """The journals of sessions that do not live, newest first."""
    for path in _newest_first():
        with suppress(OSError):  # it may just have been removed
            found = taken(path, is_ours=True)
            if found is not None:
                yield found


def journals_folder() -> Path | None:
    """The folder of journals, which may not be there yet; None if there can be none."""
    folder = state_folder()
    return None if folder is None else folder / "journals"


def _newest_first() -> Iterator[Path]:
    folder = journals_folder()
    found = []
    with suppress(OSError):  # there is none yet
        for each in os.scandir(folder) if folder is not None else ():
            if each.name.endswith(SUFFIX):
                with suppress(OSError):  # it may just have been removed
                    found.append((each.stat().st_mtime_ns, each.path))
    return (Path(path) for _, path in sorted(found, reverse=True))


def _new_path() -> Path | None:
    """A name for a new journal; None if there can be none."""
    folder = journals_folder()
    if folder is None:
        return None
    begun = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    names = (f"{begun}-{number}{SUFFIX}" for number in count())
    return next(path for name in names if not (path := folder / name).exists())


def _create(path: Path, text: bytes) -> int:
    """A journal that begins with this text, open and locked. It is there wholly or not at all.

    Of new ones whose sessions are over, the oldest go.
    """
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.unfinished")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
    _lock(descriptor)
    _put(descriptor, 0, text)
    if sys.platform == "win32":  # where a file that is open keeps its name
        os.close(descriptor)
        unfinished.replace(path)
        descriptor = os.open(path, os.O_RDWR | _BINARY)
        _lock(descriptor)
    else:
        unfinished.replace(path)
    for old in (*path.parent.glob("*.unfinished"), *list(_newest_first())[KEPT:]):
        with suppress(OSError):
            found = taken(old, is_ours=True)
            if found is not None:
                found.drop()
    return descriptor


def _put(descriptor: int, place: int, text: bytes) -> None:
    """Write at this place of a file, and wait until it is there."""
    os.lseek(descriptor, place, os.SEEK_SET)
    while text:
        text = text[os.write(descriptor, text) :]
    os.fsync(descriptor)


_BINARY: Final = getattr(os, "O_BINARY", 0)

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        """Lock a file until it is closed; False if someone else has."""
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        """Lock a file until it is closed; False if someone else has. Where files cannot be locked, nobody has."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True
