"""`micro`: one stage of a step on one screen, with the stack so far, and what comes next."""

from __future__ import annotations

from pagefault_lab.lab.stages import StageShown
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note
from pagefault_lab.views.stages import body, stack_so_far, step_line, title


@view(StageShown)
def stage_shown(shown: StageShown) -> Lines:
    """`stage 7 of 20: reading gate 14 of the IDT`, and all of it."""
    number, count = shown.at + 1, len(shown.whole.stages)
    return Lines.of(
        step_line(shown.whole),
        Line.of(Span(f"stage {number} of {count}: {title(shown)}", STRONG)),
        body(shown).indented(2),
        stack_so_far(shown).indented(2),
        Line.of(note(_what_follows(shown))),
    )


def _what_follows(shown: StageShown) -> str:
    if shown.is_last:
        return "this was the last stage of the fault" if shown.replayed else "this was the last stage: the step is made"
    keys = "" if shown.at else " (an empty line; `micro back` goes back)"
    return f"next: {title(shown._replace(at=shown.at + 1))}{keys}"
