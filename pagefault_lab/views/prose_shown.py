"""Text of a lesson."""

from __future__ import annotations

from pagefault_lab.tutor.told import ProseShown
from pagefault_lab.views import view
from pagefault_lab.views.exercise import told
from pagefault_lab.views.lines import Line, Lines


@view(ProseShown)
def prose_shown(prose: ProseShown) -> Lines:
    """The text between two blank lines; nothing if it is empty, or only a comment."""
    text = told(prose.text)
    return Lines.of(text, Line.of("")) if len(text.blocks) > 1 else Lines()
