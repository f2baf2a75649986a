"""`rmmod`: the module is gone."""

from __future__ import annotations

from pagefault_lab.lab.modules import ModuleRemoved
from pagefault_lab.views import view
from pagefault_lab.views.lines import GOOD, Line, Lines, Span
from pagefault_lab.views.words import printable


@view(ModuleRemoved)
def module_removed(module: ModuleRemoved) -> Lines:
    """`✓ lecture is removed, and its memory is free`."""
    return Lines.of(Line.of(Span(f"✓ {printable(module.name)} is removed", GOOD), ", and its memory is free"))
