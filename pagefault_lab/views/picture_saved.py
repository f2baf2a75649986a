"""`picture ... FILE.svg`: a picture is in a file."""

from __future__ import annotations

from pagefault_lab.lab.pictures import PictureSaved
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import printable


@view(PictureSaved)
def picture_saved(done: PictureSaved) -> Lines:
    """Which picture, and where."""
    instead = ", in place of the picture that was there" if done.replaced else ""
    return Lines.of(Line.of(f"picture {done.what} saved to {printable(done.path)}{instead}"))
