"""The attempts at lessons in the user's folder: for each lesson, by its key, a journal, and what the list tells of it.

lessons/first-fault.journal                    the attempt, as journal.py keeps any session
lessons/first-fault.20261122-221533.journal    one that was kept aside
lessons/first-fault.progress                   how it stands: for the list, it earns nothing anywhere
lessons/first-fault.file                       where the lesson's file lay
lessons/student                                the name that was given last
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from getpass import getuser
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.folders import state_folder, state_path
from pagefault_lab.terminal.journal import SUFFIX, Journal, Kept, taken

if TYPE_CHECKING:
    from pagefault_lab.lab.recording import Read


class Progress(NamedTuple):
    """How an attempt stands: points, and exercises that are over. `digest` is that of the lesson."""

    digest: str
    earned: int
    points: int
    over: int
    exercises: int


def folder() -> Path | None:
    """The folder of attempts, made if it is missing; None if there can be none."""
    state = state_folder()
    if state is None:
        return None
    found = state / "lessons"
    try:
        found.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return found if os.access(found, os.R_OK | os.W_OK | os.X_OK) else None


def no_folder() -> str:
    """What is said where there can be none."""
    return f"{state_path() / 'lessons'} cannot be read and written"


def path_of(key: str) -> Path | None:
    """The journal of the attempt at a lesson, which may not be there; None if there can be none."""
    place = folder()
    return None if place is None else place / f"{key}{SUFFIX}"


def take(key: str) -> Kept | None:
    """The attempt at a lesson, for nobody else to go on with; None if there is none. A Problem if somebody does."""
    path = path_of(key)
    try:
        found = None if path is None or not path.exists() else taken(path, is_ours=False)
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from None
    if found is None and path is not None and path.exists():
        raise Problem("this lesson is open in another terminal", "leave it there first")
    return found


def journal(key: str, takes_over: Kept | None) -> Journal | None:
    """What writes down an attempt, in the place of the one before; None if nothing can be kept."""
    path = path_of(key)
    return None if path is None else Journal(takes_over, path)


def set_aside(kept: Kept) -> Path:
    """Copy an attempt to where it stays; where that is."""
    begun = kept.path.with_suffix(f".{time.strftime('%Y%m%d-%H%M%S')}{SUFFIX}")
    names = (begun if not number else begun.with_suffix(f".{number}{SUFFIX}") for number in count())
    path = next(path for path in names if not path.exists())
    try:
        path.write_bytes(kept.read())
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}", "the attempt is as it was") from None
    return path


def read(key: str) -> Read | None:
    """The attempt at a lesson as far as it can be read, also one that is open; None if there is none. A Problem if
    nobody can know."""
    from pagefault_lab.lab.recording import read as read_recording

    path = path_of(key)
    if path is None:
        raise Problem(f"no attempt can be found: {no_folder()}", "XDG_STATE_HOME names another folder")
    try:
        return read_recording(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from None


# --- for the list


def remember(key: str, progress: Progress) -> None:
    """Keep how an attempt stands; if that cannot be, the list says less."""
    path = path_of(key)
    if path is not None:
        _replace(path.with_suffix(".progress"), json.dumps(progress._asdict()))


def recall(key: str) -> Progress | None:
    """How the attempt at a lesson stood last; None if there is none, or nobody knows."""
    path = path_of(key)
    if path is None or not path.exists():
        return None
    try:
        found = json.loads(path.with_suffix(".progress").read_text("utf-8"))
        return Progress(str(found["digest"]), *(int(found[name]) for name in Progress._fields[1:]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Progress("", 0, 0, 0, 0)


def remember_file(key: str, file: Path) -> None:
    """Keep where the lesson of an attempt lies; if that cannot be, it must be named to hand the attempt in."""
    path = path_of(key)
    if path is not None:
        with suppress(OSError):
            _replace(path.with_suffix(".file"), str(file.resolve()))


def file_of(key: str) -> Path | None:
    """The file of the lesson of an attempt, which may be gone; None if nobody knows."""
    path = path_of(key)
    with suppress(OSError, ValueError):  # and no file is called as some keys that people type
        if path is not None and key == Path(key).name:
            return Path(path.with_suffix(".file").read_text("utf-8"))
    return None


def latest() -> str | None:
    """The key of the lesson that was taken last; None if none was."""
    place = folder()
    found = [] if place is None else [path for path in place.glob(f"*{SUFFIX}") if "." not in path.stem]
    return max(found, key=lambda path: path.stat().st_mtime_ns).stem if found else None


# --- whose they are


def student(named: str | None = None) -> str:
    """Whose attempts are made here: who is `named`, and from then on; else the name of the user."""
    if named is None:
        return _named() or _account()
    name = name_of(named)
    place = folder()
    if place is not None:
        _replace(place / "student", name)
    return name


def is_of_account(name: str) -> bool:
    """Whether nobody has given this name, but it is that of the user's account."""
    return name == _account() and name != _named()


def _named() -> str | None:
    """The name that was given last."""
    place = folder()
    with suppress(OSError, ValueError, Problem):
        if place is not None:
            return name_of((place / "student").read_text("utf-8"))
    return None


def _account() -> str:
    try:
        return name_of(getuser())
    except (OSError, KeyError, ImportError, Problem):  # nobody knows, as in a container
        return "student"


def name_of(named: str) -> str:
    """A name as it is kept, and can be handed in; a Problem if it is none."""
    from pagefault_lab.tutor.submission import LONGEST_NAME, one_line

    name = one_line(named, LONGEST_NAME)
    if not name:
        raise Problem("a student has a name", '--student "Ada Lovelace"')
    return name


def _replace(path: Path, text: str) -> None:
    """Write a file wholly or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    with suppress(OSError):
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)
