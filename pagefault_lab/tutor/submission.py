"""What a student hands in: the recording of an attempt (lab/recording.py), with a note for people at its end.

    {"recording": 1, "version": "0.1.0", "world": "linux", "digest": ..., "lesson": {"key": "first-fault",
     "digest": ..., "edition": "student", "student": "Ada Lovelace", "seed": "84c1..."}, "crc": ...}
    {"line": "movl $5,%eax", "steps": 4711, "crc": ...}
    {"line": "hint", "steps": 4711, "crc": ...}
    {"note": "first-fault, Ada Lovelace: 12 of 20 points, 31 lines; hints: touch 2; answers shown: none", "crc": ...}
    {"ended": true, "crc": ...}

Nothing in it is believed: whoever grades it repeats its lines. Reading one is bounded, and whatever is wrong with it is
one Problem.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab.recording import Line, Recording, Writer, read
from pagefault_lab.problem import Problem, count

if TYPE_CHECKING:
    from pagefault_lab.tutor.attempt import Attempt
    from pagefault_lab.tutor.lesson import Lesson

SUFFIX: Final = ".submission"
BEGINNING: Final = b'{"recording"'
LARGEST: Final = 4 << 20  # bytes of a submission
ROOM: Final = 8 << 20  # for the contents of files that its lines have read
MOST_LINES: Final = 5_000  # inputs
LONGEST_LINE: Final = 10_000  # characters of one
LONGEST_NAME: Final = 100  # characters of a name
_HEAD: Final = 10_000  # bytes of a first line, which are a few hundred

# characters that do something to a terminal, or to the direction in which it is read; and halves of none
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_HINT: Final = "`pagefault-lab lesson submit` writes one"


@dataclass(frozen=True, slots=True)
class Submission:
    """An attempt as it was handed in: `key` and `digest` say of which lesson, `student` and `seed` whose."""

    key: str
    digest: str
    edition: str
    student: str
    seed: str
    recording: Recording


def about(lesson: Lesson, student: str, seed: str) -> dict[str, str]:
    """What the recording of an attempt says of it: its `lesson`."""
    return {
        "key": lesson.key,
        "digest": lesson.digest,
        "edition": lesson.edition,
        "student": one_line(student, LONGEST_NAME),
        "seed": seed,
    }


def one_line(text: str, longest: int) -> str:
    """A text by a stranger, as it can stand in a line: without characters that command a screen, and cut."""
    text = " ".join(_UNFIT.sub("\ufffd", re.sub(r"[\t\n\r]", " ", text[: 4 * longest])).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


# --- writing


def write(attempt: Attempt) -> bytes:
    """The submission of an attempt, whose recording says whose it is."""
    recording, writer = attempt.recording, Writer()
    text = writer.head(recording)
    text += b"".join(writer.input(each, recording.contents) for each in recording.inputs)
    text += writer.note(summary(attempt)) + writer.end()
    _check_bounds(text, recording, "this attempt")
    return text


def summary(attempt: Attempt) -> str:
    """How an attempt stands, for people."""
    recording, standings = attempt.recording, attempt.standings.items()
    hints = ", ".join(f"{id} {standing.hints}" for id, standing in standings if standing.hints)
    answers = ", ".join(id for id, standing in standings if standing.answered)
    return (
        f"{attempt.lesson.key}, {recording.lesson.get('student') or 'no name'}: "
        f"{attempt.points} of {count(attempt.lesson.points, 'point')}, {count(recording.lines, 'line')}; "
        f"hints: {hints or 'none'}; answers shown: {answers or 'none'}"
    )


# --- reading


def claimed_student(data: bytes) -> str:
    """The student whom the beginning of a file names that cannot be read as a whole; "" for nobody. Anybody can have
    written that."""
    try:
        head = data[:_HEAD].removeprefix(BOM_UTF8).partition(b"\n")[0]
        return one_line(json.loads(head)["lesson"]["student"], LONGEST_NAME)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def read_submission(data: bytes, name: str) -> Submission:
    """The submission that a file of this name holds; a Problem if it is none, or is not as it was written."""
    if not data:
        raise Problem(f"{name} is empty, or cannot be read", _HINT)
    if len(data) > LARGEST:
        raise Problem(f"{name} is too large for a submission", f"at most {LARGEST >> 20} MiB")
    data = data.removeprefix(BOM_UTF8)  # by an editor, or a mail
    if not data.startswith(BEGINNING):
        raise Problem(f"{name} is no submission", _HINT)
    whole = data.endswith(b"\n")
    try:
        found = read(data if whole else data + b"\n", name, ROOM)
    except Problem as problem:
        if problem.sentence.endswith("no recorded session"):  # though it begins like one
            problem = Problem(f"{name} was changed or damaged: its line 1 is not as it was written", _HINT)
        raise problem from None
    recording, lesson = found.recording, found.recording.lesson
    if not {"key", "digest", "edition", "student", "seed"} <= lesson.keys():
        raise Problem(f"{name} is not the attempt of a lesson", _HINT)
    if not whole and found.damaged == data.count(b"\n") + 1:
        raise Problem(f"{name} is cut off: its end is missing", "hand in the whole file")
    if found.damaged is not None:
        raise Problem(f"{name} was changed or damaged: its line {found.damaged} is not as it was written", _HINT)
    if not found.ended:
        raise Problem(f"{name} is cut off: its end is missing", "hand in the whole file")
    _check_bounds(data, recording, name)
    if one_line(lesson["student"], LONGEST_NAME) != lesson["student"]:
        raise Problem(f"{name} names a student as nobody is called", f"at most {LONGEST_NAME} characters of text")
    return Submission(lesson["key"], lesson["digest"], lesson["edition"], lesson["student"], lesson["seed"], recording)


def _check_bounds(data: bytes, recording: Recording, name: str) -> None:
    if len(data) > LARGEST:
        raise Problem(f"{name} is too large for a submission", f"at most {LARGEST >> 20} MiB")
    if len(recording.inputs) > MOST_LINES:
        raise Problem(f"{name} has {len(recording.inputs)} lines", f"a submission has at most {MOST_LINES}")
    longest = max((len(each.text) for each in recording.inputs if isinstance(each, Line)), default=0)
    if longest > LONGEST_LINE:
        raise Problem(f"{name} has a line of {longest} characters", f"a line has at most {LONGEST_LINE}")
