"""A module's function that was called and has not returned."""

from __future__ import annotations

from pagefault_lab.lab.modules import ModuleUnfinished
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, STRONG, Line, Lines, Span, note
from pagefault_lab.views.words import printable


@view(ModuleUnfinished)
def module_unfinished(module: ModuleUnfinished) -> Lines:
    """`init_module of lecture has not returned yet`, and what can be done."""
    text = f"{module.function} of {printable(module.name)} "
    if module.function == "create_module":
        return Lines.of(Line.of(Span(f"! {text}has not returned: nothing is loaded", BAD), note(" (`back`)"), hang=2))
    if module.waits:
        return Lines.of(Line.of(Span(f"{text}has not returned yet", STRONG), note(" (`c` lets it go on)"), hang=2))
    advice = f" (`back` undoes the line, `rmmod {printable(module.name)}` frees the module as it is)"
    return Lines.of(Line.of(Span(f"! {text}will never return", BAD), note(advice), hang=2))
