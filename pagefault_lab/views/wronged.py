"""A reply that was not right."""

from __future__ import annotations

from pagefault_lab.tutor.told import Wronged
from pagefault_lab.views import view
from pagefault_lab.views.exercise import replies, told
from pagefault_lab.views.lines import BAD, STRONG, Line, Lines, Span, note
from pagefault_lab.views.markdown import in_column
from pagefault_lab.views.words import printable


@view(Wronged)
def wronged(reply: Wronged) -> Lines:
    """`✗ 6 is not right`, and what is left to be done."""
    said = Span(f"✗ {_quoted(reply.said)} is not right", BAD)
    if reply.tries:
        return in_column(Lines.of(Line.of(said, f"; {replies(reply.tries)} may still count, and `hint` helps")))
    right = (": right is ", Span(_quoted(reply.right), STRONG)) if reply.right else ()
    return in_column(Lines.of(Line.of(said, *right), told(reply.after), Line.of(note("`lesson next` goes on"))))


def _quoted(reply: str) -> str:
    """A choice of several words in quotes: it stands inside a sentence. What begins with a digit needs none."""
    return f'"{printable(reply)}"' if " " in reply and not reply[0].isdigit() else printable(reply)
