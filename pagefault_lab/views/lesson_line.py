"""A line that a lesson types."""

from __future__ import annotations

from pagefault_lab.tutor.told import LessonLine
from pagefault_lab.views import view
from pagefault_lab.views.lines import CODE, Line, Lines, Span
from pagefault_lab.views.prompts import CONTINUATION, prompt_of
from pagefault_lab.views.words import printable


@view(LessonLine)
def lesson_line(typed: LessonLine) -> Lines:
    """The line behind the prompt at which someone would type it."""
    prompt = CONTINUATION if typed.place is None else prompt_of(typed.place)
    return Lines.of(Line.of(Span(prompt, "prompt"), Span(printable(typed.line), CODE)))
