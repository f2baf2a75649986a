"""The session is to end: nothing is shown."""

from __future__ import annotations

from pagefault_lab.lab.results import Quit
from pagefault_lab.views import view
from pagefault_lab.views.lines import Lines


@view(Quit)
def quit(_: Quit) -> Lines:
    """Nothing."""
    return Lines()
