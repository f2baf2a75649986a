"""What was proved of a lesson: how many proofs of each kind, and whether all hold."""

from __future__ import annotations

from pagefault_lab.tutor.proving import LessonProved
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, Line, Lines, Span, maybe, table
from pagefault_lab.views.words import printable


@view(LessonProved)
def lesson_proved(told: LessonProved) -> Lines:
    """`✓ lesson.md: 121 proofs hold`, and a column for each kind."""
    number = sum(told.proofs.values())
    if told.failed:
        verdict = Span(f"✗ {printable(told.file)}: {told.failed} of {number} proofs failed", BAD)
    else:
        verdict = Span(f"✓ {printable(told.file)}: {number} proofs hold", GOOD)
    counts = table([[str(count) for count in told.proofs.values()]], tuple(told.proofs), right=range(len(told.proofs)))
    return Lines.of(Line.of(verdict, maybe(f"  {printable(told.title)}")), counts.indented(2))
