"""What is wrong with a lesson, as compilers say it: the place, the line, what was expected, what happened."""

from __future__ import annotations

from pagefault_lab.tutor.proving import Finding
from pagefault_lab.views import view
from pagefault_lab.views.lines import CODE, GLUE, STRONG, Line, Lines, Span, note
from pagefault_lab.views.words import printable

WIDEST = 72  # characters of the lesson's line that are shown


@view(Finding)
def finding(found: Finding) -> Lines:
    """`lesson.md:41:7: touch::answer: it does not solve the task`, and what belongs to it."""
    place = f"{found.file}:{found.line}:{found.column + 1}"
    return Lines.of(
        Line.of(Span(printable(f"{place}: {found.proof}: {found.sentence}"), STRONG)),
        *_quoted(found),
        *_row("expected", found.expected),
        *_row("happened", found.happened),
        *(Line.of(printable(text), indent=2) for text in found.hint.splitlines()),
    )


def _quoted(found: Finding) -> list[Line]:
    """The line of the lesson, and a caret below the place."""
    text = printable(found.text.replace("\t", " "))
    if not text.strip():
        return []
    start = max(0, min(found.column - WIDEST // 2, len(text) - WIDEST))
    return [
        Line.of(Span(text[start : start + WIDEST].rstrip().replace(" ", GLUE), CODE), indent=4),
        Line.of(Span(GLUE * (found.column - start) + "^", STRONG), indent=4),
    ]


def _row(word: str, text: str) -> list[Line]:
    """What was expected, or what happened: each line of it a row of its own."""
    first, *others = printable(text).splitlines() or [""]
    if not first:
        return []
    return [
        Line.of(note(f"{word}: "), first, indent=2, hang=len(word) + 2),
        *(Line.of(each, indent=4 + len(word), hang=2) for each in others),
    ]
