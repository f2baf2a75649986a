"""The recorded input of a session: all that it takes to repeat it exactly.

Beside its text, what a line depends on is what it has read of files, and where Ctrl-C has stopped it. A recording keeps
both, and `replay` gives them once more. As text it is JSON Lines that only grow: a head, then an object for each line
that was finished, and before it the contents that no line was given before. The head of a lesson's attempt says also
which lesson that is, and whose attempt.

    {"recording": 1, "version": "0.1.0", "world": "linux", "digest": ..., "crc": ...}
    {"contents": ..., "data": ..., "crc": ...}
    {"line": "insmod lecture.s", "steps": 4711, "given": [...], "crc": ...}
    {"line": "c", "steps": 24711, "stop": 20000, "crc": ...}
    {"abandoned": true, "crc": ...}
    {"note": "for whoever reads it", "crc": ...}
    {"ended": true, "crc": ...}

`crc` is that of the object without it, continued from the line before. What is torn, changed or missing ends what can
be read, and is never taken for something else.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from zlib import compress, crc32, decompressobj
from zlib import error as CompressionError

from pagefault_lab import __version__
from pagefault_lab.machine.effort import BYTE, EFFORT
from pagefault_lab.problem import Problem
from pagefault_lab.worlds import digest
from pagefault_lab.worlds.files import Files

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

FORMAT: Final = 1
LARGEST: Final = 64 << 20  # bytes of one file's contents: a source has at most 2 MiB, its object may have more
ROOM: Final = 1 << 30  # for all contents of a recording


class Line(NamedTuple):
    """A finished line: its text, and how many steps the machine had then made. `stop`: Ctrl-C has stopped it when it
    had made that many of its own. `given`: what it has read of files, in order, as digests; None for no such file."""

    text: str
    steps: int
    stop: int | None = None
    given: tuple[str | None, ...] = ()


class Abandoned(NamedTuple):
    """The lines of the unfinished block were given up."""


Input: TypeAlias = Line | Abandoned


def _nobody() -> str | None:
    return None


@dataclass
class Recording:
    """What was put into a session that began in `world`. `version` and `digest` are those of the program and of the
    world where that was; "" for here. `lesson` is what there is to know of a lesson's attempt, by name; empty for any
    other session.

    `contents` are those of files, by their digest. `grown` is called when there are more inputs; it returns a complaint
    for the user, or None.
    """

    world: str
    version: str = ""
    digest: str = ""
    inputs: list[Input] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    lesson: dict[str, str] = field(default_factory=dict)
    grown: Callable[[], str | None] = _nobody

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return sum(isinstance(each, Line) for each in self.inputs)

    def add(self, text: str, steps: int, stop: int | None, given: Sequence[bytes | None]) -> None:
        """A line is finished; `given` are the contents that it has read."""
        names = tuple(None if data is None else digest_of(data) for data in given)
        self.contents.update((name, data) for name, data in zip(names, given, strict=True) if name and data is not None)
        self.inputs.append(Line(text, steps, stop, names))

    def given(self, line: Line) -> list[bytes | None]:
        """The contents that a line has read."""
        return [None if name is None else self.contents[name] for name in line.given]


def digest_of(data: bytes) -> str:
    """What contents go by."""
    return blake2b(data, digest_size=16).hexdigest()


class GivenFiles(Files):
    """The files of one session: what a line reads is kept, and a line that is repeated is given that once more.

    Such a line writes nothing: it has done so before. `taken` is what the present line has read, `written` whether it
    has written something.
    """

    def __init__(self) -> None:
        self.begin_line()

    def begin_line(self, again: Sequence[bytes | None] | None = None) -> None:
        """A line begins. `again` is what it is to be given; None for what the files hold."""
        self.taken: list[bytes | None] = []
        self.written = False
        self._again = None if again is None else iter(again)

    @property
    def repeats(self) -> bool:
        """Whether the present line is one that is repeated."""
        return self._again is not None

    def given(self, answer: Callable[[], bytes | None]) -> bytes | None:
        if self._again is None:
            found = answer()
        else:
            try:
                found = next(self._again)
            except StopIteration:
                raise Problem("it reads more files than it did") from None
        EFFORT.spend(BYTE * len(found or b""))
        self.taken.append(found)
        return found

    def write(self, file: Path, text: str) -> None:
        self.written = True
        if not self.repeats:
            super().write(file, text)


def _always() -> bool:
    return True


def replay(
    recording: Recording,
    session: Session,
    take: Callable[[object], object] = id,
    exactly: Callable[[], bool] = _always,
) -> Iterator[Input]:
    """Repeat what was recorded in a session that has just begun in the same world; gives each input when it is done.
    `take` is given what each line yields.

    A Problem if it is another world now, or at the first line that does not do what it did. Its `line` is then the
    number of that, and the session stands where the lines before have led. While not `exactly`, lines may come to
    something else, and wrong ones to nothing.
    """
    if recording.digest not in ("", digest(recording.world)):
        raise Problem(
            f"this session was recorded in the world {recording.world} as it was in pagefault-lab {recording.version}",
            "it has changed since, so that the same lines would do something else",
        )
    number = 0
    for each in recording.inputs:
        if isinstance(each, Line):
            number += 1
            is_exact = exactly()
            try:
                for value in session.repeat(each, recording.given(each), is_exact):
                    take(value)
            except Problem as problem:
                if not is_exact:
                    yield each
                    continue
                sentence = f"line {number} of the session does not do what it did: {problem.sentence}"
                raise Problem(sentence, problem.hint, text=each.text, line=number) from None
        else:
            session.abandon()
        yield each
    session.repetition = ""  # Enter shall not go on by itself


def in_one_line(statements: str) -> str:
    """Lines that the assembler took together, or any single line, as one."""
    if "\n" not in statements:
        return statements
    from pagefault_lab.assembler import source

    return "; ".join(each.text.strip() for each in source.statements(statements, ""))


# --- as text


class Writer:
    """A recording as text, piece by piece."""

    def __init__(self) -> None:
        self._crc = 0
        self._known: frozenset[str] = frozenset()  # the contents that are written

    def head(self, recording: Recording) -> bytes:
        """What it begins with."""
        version = recording.version or __version__
        fits = recording.digest or digest(recording.world)
        head = {"recording": FORMAT, "version": version, "world": recording.world, "digest": fits}
        return self._line({**head, "lesson": recording.lesson} if recording.lesson else head)

    def input(self, each: Input, contents: Mapping[str, bytes]) -> bytes:
        """The next input, behind the contents that it needs and no other has needed."""
        if isinstance(each, Abandoned):
            return self._line({"abandoned": True})
        text = b""
        for name in each.given:
            if name is not None and name not in self._known:
                self._known |= {name}
                data = b2a_base64(compress(contents[name]), newline=False).decode("ascii")
                text += self._line({"contents": name, "data": data})
        line: dict[str, Any] = {"line": each.text, "steps": each.steps}
        if each.stop is not None:
            line["stop"] = each.stop
        if each.given:
            line["given"] = each.given
        return text + self._line(line)

    def note(self, text: str) -> bytes:
        """Something for whoever reads the text; it is no part of the recording."""
        return self._line({"note": text})

    def end(self) -> bytes:
        """The session was left."""
        return self._line({"ended": True})

    def _line(self, content: dict[str, Any]) -> bytes:
        self._crc = _crc(content, self._crc)
        return json.dumps({**content, "crc": self._crc}).encode("ascii") + b"\n"


class Read(NamedTuple):
    """A recording as far as it can be read. `ended`: the session was left. `damaged` is the number of the text's first
    line that is not as it was written; None if all are, but perhaps a last one that was never finished."""

    recording: Recording
    ended: bool
    damaged: int | None


def read(data: bytes, name: str, room: int = ROOM) -> Read:
    """The recording that a file of that name holds; a Problem if it is none, or one of another format.

    All contents of files together may take `room` bytes; those that need more are as damaged as any that are cut off.
    """
    texts = data.split(b"\n")
    texts.pop()  # what was finished ends with the end of a line
    none = Problem(f"{name} is no recorded session")
    if not texts:
        raise none
    try:
        content, crc = _content(texts[0], 0)
        if content["recording"] != FORMAT:
            raise Problem(f"{name} was recorded by pagefault-lab {content['version']} in another format")
        recording = Recording(*(_of(str, content[key]) for key in ("world", "version", "digest")))
        lesson = _of(dict, content.get("lesson", {}))
        recording.lesson = {name: _of(str, value) for name, value in lesson.items()}
    except _UNREADABLE:
        raise none from None
    ended = False
    for number, text in enumerate(texts[1:], 2):
        try:
            content, crc = _content(text, crc)
            ended = "ended" in content
            if not ended:
                room = _take(content, recording, room)
        except _UNREADABLE:
            return Read(recording, False, number)
    return Read(recording, ended, None)


_UNREADABLE: Final = (ValueError, KeyError, TypeError, RecursionError, CompressionError)


def _content(text: bytes, crc: int) -> tuple[dict[str, Any], int]:
    """The object that a line holds, and the crc to continue from."""
    content = _of(dict, json.loads(text, object_pairs_hook=_object, parse_float=_refused, parse_constant=_refused))
    written = _of(int, content.pop("crc"))
    crc = _crc(content, crc)
    if written != crc:
        raise ValueError("changed")
    return content, crc


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object that has each key once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refused(number: str) -> Any:
    raise ValueError(f"{number} is never written")


def _take(content: dict[str, Any], recording: Recording, room: int) -> int:
    """Put an object into the recording; how much room there is left for contents of files."""
    if "contents" in content:
        expander = decompressobj()
        data = expander.decompress(a2b_base64(content["data"]), max(min(room, LARGEST), 1))
        if not expander.eof or len(data) > room or digest_of(data) != content["contents"]:
            raise ValueError("cut")
        recording.contents[content["contents"]] = data
        return room - len(data)
    if "note" in content:
        return room
    if "abandoned" in content:
        recording.inputs.append(Abandoned())
        return room
    stop, given = content.get("stop"), tuple(_of(list, content.get("given", [])))
    line = Line(_of(str, content["line"]), _of(int, content["steps"]), stop and _of(int, stop), given)
    recording.given(line)  # all of it is there
    recording.inputs.append(line)
    return room


def _crc(content: dict[str, Any], before: int) -> int:
    return crc32(json.dumps(content).encode("ascii"), before)


def _of(kind: type, value: Any) -> Any:
    """A value of that type."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
