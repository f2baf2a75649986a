"""What the views of a lesson's exercises have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pagefault_lab.tutor.told import GoalShown
from pagefault_lab.views.lines import (
    BAD,
    CODE,
    GOOD,
    NOTE,
    STRONG,
    Block,
    Line,
    Lines,
    Part,
    Row,
    Span,
    note,
    plain,
    table,
)
from pagefault_lab.views.markdown import MOST, in_column, inline, markdown
from pagefault_lab.views.words import count, printable

SIGNS: Final = {True: Span("✓", GOOD), False: Span("✗", BAD), None: note("·")}  # whether something holds


@dataclass(frozen=True, slots=True)
class Ruled:
    """A rule with a title at its left and a word at its right."""

    title: str
    word: str

    def indented(self, by: int) -> Ruled:
        """A rule is as wide as the column."""
        return self

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        dash = "-" if ascii_only else "─"
        word = plain(self.word) if ascii_only else self.word
        wide = min(width, MOST)
        title = (plain(self.title) if ascii_only else self.title)[: max(wide - len(word) - 9, 0)]
        between = dash * max(wide - len(title) - len(word) - 8, 1)
        yield [
            Span(dash * 2, NOTE), Span(f" {title} ", STRONG), Span(between, NOTE), Span(f" {word} "),
            Span(dash * 2, NOTE),
        ]  # fmt: skip


def exercise(kind: str, title: str, worth: str, *blocks: Block | Lines | None) -> Lines:
    """An exercise under its rule: `task: Touch the heap`."""
    return in_column(Lines.of(Ruled(printable(f"{kind}: {title}" if title else kind), worth), *blocks))


def told(text: str) -> Lines:
    """A text of the lesson, a blank line before it; nothing if it is empty."""
    return in_column(Lines.of(Line.of(""), markdown(text))) if text.strip() else Lines()


def behind(text: str, *before: Part) -> Lines:
    """A text of the lesson whose first line stands behind these words."""
    first, *rest = markdown(text).blocks or (Line.of(""),)
    if isinstance(first, Line):
        return in_column(Lines.of(Line.of(*before, *first.spans, hang=2), *rest))
    return in_column(Lines.of(Line.of(*before), first, *rest))


def goals_shown(goals: Sequence[GoalShown]) -> Lines:
    """What a task wants, line by line, if it says so."""
    if not any(goal.text for goal in goals):
        return Lines()
    width = max(len(count(goal.points, "point")) for goal in goals)
    return Lines.of(*(_goal(goal, width) for goal in goals))


def _goal(goal: GoalShown, width: int) -> Line:
    sign = SIGNS[goal.holds]
    before = f" {count(goal.points, 'point').rjust(width)}  "
    return Line.of(sign, before, *inline(goal.text), indent=2, hang=len(sign.text + before))


def choices_shown(choices: Sequence[str]) -> Lines:
    """The numbers and what each stands for."""
    return Lines.of(table(((str(number), _plain_text(choice)) for number, choice in enumerate(choices, 1)), indent=2))


def _plain_text(text: str) -> str:
    return "".join(span.text for span in inline(text))


def keys(*what: str) -> Line:
    """What can be typed now."""
    return Line.of(note("; ".join(part for part in what if part)), hang=0)


def helps(hints: int) -> str:
    """How many hints there are to ask for."""
    return f"`hint` helps ({count(hints, 'hint')})" if hints else ""


def replies(number: int) -> str:
    """`1 reply`, `2 replies`."""
    return f"{number} {'reply' if number == 1 else 'replies'}"


def earned_of(earned: int, points: int) -> str:
    """`3 of 10 points`."""
    return f"{earned} of {count(points, 'point')}"


def code_lines(lines: Iterable[str]) -> Lines:
    """Lines as they are typed."""
    return Lines.of(*(Line.of(Span(printable(line), CODE), indent=4, hang=0) for line in lines))
