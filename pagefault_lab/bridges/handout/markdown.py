"""A handout as plain Markdown, for a Git host or for any program that makes something else of it.

Prose is as the lesson has it, filled in; raw HTML in it is escaped, so that it stands there as it is written. What the
machine says are blocks of text, exercises are sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from pagefault_lab.bridges.handout.content import BEGINNING, Said, facts, kind_of, points_of, without_title
from pagefault_lab.bridges.plain_text import plain_text
from pagefault_lab.tutor.editions import CODE
from pagefault_lab.tutor.told import AskShown, PredictShown, TaskShown
from pagefault_lab.views.words import count, printable

if TYPE_CHECKING:
    from pagefault_lab.bridges.handout.content import ExerciseShown, Handout, Section

_CODE_OR_TAG: Final = re.compile(rf"{CODE}|\\.|(?P<tag><(?=[A-Za-z/!?]))", re.DOTALL | re.MULTILINE)
_BACKQUOTES: Final = re.compile("`{3,}")


def text(handout: Handout) -> str:
    """The whole text."""
    return BEGINNING + "\n\n".join(filter(None, _paragraphs(handout))) + "\n"


def _paragraphs(handout: Handout) -> Iterator[str]:
    lesson = handout.lesson
    yield f"# {_escaped(lesson.title)}"
    yield _escaped(lesson.summary)
    yield f"*{', '.join(facts(handout))}*"
    for section in handout.sections:
        for block in section.blocks:
            if isinstance(block, Said):
                yield _fenced("text", (line for value in block.values for line in plain_text(value)))
            else:
                yield _escaped(without_title(block, lesson.title))
        if section.exercise is not None:
            yield from _exercise(section, section.exercise)


def _exercise(section: Section, exercise: ExerciseShown) -> Iterator[str]:
    name = f"{kind_of(exercise)} {section.number}: {exercise.title or exercise.id}"
    yield f"### {_escaped(name)} ({count(points_of(exercise), 'point')})"
    match exercise:
        case TaskShown():
            yield _escaped(exercise.text)
            goals = ((goal.text, f" ({count(goal.points, 'point')})") for goal in exercise.goals if goal.text)
            yield "\n".join(f"- [ ] {_item(goal)}{points}" for goal, points in goals)
        case AskShown():
            yield _escaped(exercise.question)
            yield _numbered(map(_item, exercise.choices))
        case PredictShown():
            yield _escaped(exercise.text)
            yield _fenced("asm", exercise.lines)
            asked = (
                f"{_item(question.question)}{_inserted(_numbered(map(_item, question.choices)))}"
                for question in exercise.questions
            )
            yield _numbered(asked)
    if section.hints:
        yield f"**Hints**\n\n{_numbered(map(_item, section.hints))}"
    if section.right is not None:
        right = section.right
        yield "**Answer**"
        yield _fenced("asm", right.lines) if isinstance(exercise, TaskShown) else _numbered(map(_item, right.lines))
        yield _escaped(right.after)
    yield "---"


def _numbered(items: Iterable[str]) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def _inserted(items: str) -> str:
    """A list within an item."""
    return "".join(f"\n   {line}" for line in items.splitlines())


def _item(text: str) -> str:
    """A text in a list."""
    return " ".join(_escaped(text).split())


def _fenced(language: str, lines: Iterable[str]) -> str:
    """Lines as they are, between fences that none of them closes."""
    text = "\n".join(map(printable, lines))
    fence = "`" * (1 + max((len(match[0]) for match in _BACKQUOTES.finditer(text)), default=2))
    return f"{fence}{language}\n{text}\n{fence}"


def _escaped(text: str) -> str:
    """Markdown whose raw HTML is text."""
    return _CODE_OR_TAG.sub(lambda match: "&lt;" if match["tag"] else match[0], text).strip("\n")
