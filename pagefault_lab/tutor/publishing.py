"""The student edition of a lesson: the same file without what gives answers away, all else as it was written.

Left out are the answers and the wrong answers of tasks, and comments: of TOML, and of HTML in the prose. The answers of
questions are sealed, where they depend on neither the machine nor the seed (editions.py). The front matter says which
edition it is, the version of the lab that it is bound to, and the digest of what it has in common with the lesson.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab import __version__
from pagefault_lab.lab.expressions import Expression
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.editions import constant, sealed, without_comments
from pagefault_lab.tutor.lesson import STUDENT, Ask, Lab, Program, Question, Show, Task
from pagefault_lab.tutor.reading import FENCE, read_lesson
from pagefault_lab.tutor.toml_places import STRING, Keys, Places

if TYPE_CHECKING:
    from pagefault_lab.tutor.lesson import AnyExercise, Lesson

_STRING_OR_COMMENT: Final = re.compile(rf"(?:{STRING.pattern})|(?P<comment>[ \t]*#[^\n]*)")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_CUT: Final = "\0"  # where something was cut out; TOML knows no such character
_LINE_OF_CUTS: Final = re.compile(rf"^[ \t{_CUT}]*{_CUT}[ \t]*\n|[ \t]*{_CUT}", re.MULTILINE)


BEGINNING: Final = f'{FENCE}\nedition = "{STUDENT}"\n'  # of every student edition


def publish(lesson: Lesson) -> str:
    """The text of the student edition; a Problem if this is one."""
    if lesson.edition == STUDENT:
        raise Problem(f"{lesson.name} is a student edition already", "publish the lesson that it was made of")
    text = BEGINNING + "".join(_pieces(lesson))
    read_lesson(text, lesson.name, lesson.folder)  # which finds that its content fits its digest
    return text


def open_questions(lesson: Lesson) -> list[Ask]:
    """The questions whose answers depend on the machine or the seed, and stand in a student edition as expressions."""
    asks = [each for each in lesson.exercises if isinstance(each, Ask)]
    return [ask for ask in asks if ask.question.answer is not None and constant(ask.question.answer) is None]


def _pieces(lesson: Lesson) -> Iterator[str]:
    """The text behind that in pieces, each of whole lines."""
    lines = lesson.source.removesuffix("\n").split("\n")
    front = next(at for at, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE)
    yield _front_matter(_text(lines[1:front]), lesson)
    place = front
    for start, exercise in _fences(lesson):
        end = _end(lines, start)
        body = _text(lines[start + 1 : end])
        yield without_comments(_text(lines[place:start]))
        yield _text(lines[start : start + 1])
        yield body if exercise is None else _body(body, exercise, lesson)
        yield _text(lines[end : end + 1])
        place = end + 1
    yield without_comments(_text(lines[place:]))


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _fences(lesson: Lesson) -> Iterator[tuple[int, AnyExercise | None]]:
    """The index of the line of each fence that acts, and the exercise that it is; None for a block."""
    for part in lesson.parts:
        for block in part.blocks:
            match block:
                case Lab(lines) | Program(lines):
                    yield lines.first - 2, None
                case Show(place=place):
                    yield place - 2, None
        if part.exercise is not None:
            yield part.exercise.line - 1, part.exercise


def _end(lines: list[str], start: int) -> int:
    """The index of the line that closes the fence at this one."""
    opened = _FENCE.match(lines[start])
    assert opened is not None
    closing = re.compile(rf" {{0,3}}{opened[1]}{opened[1][0]}*[ \t]*")
    return next(at for at in range(start + 1, len(lines)) if closing.fullmatch(lines[at]))


# --- TOML


def _front_matter(text: str, lesson: Lesson) -> str:
    """The rest of the front matter."""
    return f'lab = "{__version__}"\ndigest = "{lesson.digest}"\n' + _changed(text, {})


def _body(text: str, exercise: AnyExercise, lesson: Lesson) -> str:
    """The body of an exercise, without what gives its answer away."""
    match exercise:
        case Task():
            wrong = _below(("wrong",), tomllib.loads(text).get("wrong"))
            return _changed(text, dict.fromkeys((("answer",), *wrong), ""))
        case Ask(question=Question(answer=Expression() as answer)) if (value := constant(answer)) is not None:
            return _changed(text, {("answer",): f'digest = "{sealed(value, f"{lesson.key}/{exercise.id}")}"'})
    return _changed(text, {})


def _below(keys: Keys, value: Any) -> Iterator[Keys]:
    """The keys of a value, and those of everything in it."""
    yield keys
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _below((*keys, key), item)


def _changed(text: str, changes: dict[Keys, str]) -> str:
    """TOML with other statements at some keys, "" for none, and without comments; a line that held only these goes."""
    places = Places(text)
    found = [(place.key, place.end, new or _CUT) for keys, new in changes.items() if (place := places.of(keys)).end]
    found += [(*match.span(), _CUT) for match in _STRING_OR_COMMENT.finditer(text) if match["comment"] is not None]
    parts, at = [], 0
    for start, end, new in sorted(found):
        if start >= at:  # else it lies in what is changed
            parts += [text[at:start], new]
            at = end
    return _LINE_OF_CUTS.sub("", "".join((*parts, text[at:]))).rstrip("\n") + "\n"
