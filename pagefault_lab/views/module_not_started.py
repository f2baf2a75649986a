"""A module whose init_module was watched, and has failed."""

from __future__ import annotations

from pagefault_lab.lab.modules import ModuleNotStarted
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, Line, Lines, Span
from pagefault_lab.views.words import printable


@view(ModuleNotStarted)
def module_not_started(module: ModuleNotStarted) -> Lines:
    """`✗ lecture: init_module did not return 0`, and what that leads to."""
    return Lines.of(
        Line.of(Span(f"✗ {printable(module.name)}: init_module did not return 0", BAD), hang=2),
        Line.of("the kernel has forgotten the module and freed its memory", indent=2),
    )
