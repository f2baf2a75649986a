"""`trace html`: the page is in a file."""

from __future__ import annotations

from pagefault_lab.lab.tracing import PageWritten
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.words import count, printable


@view(PageWritten)
def page_written(page: PageWritten) -> Lines:
    """`page.html shows 1,204 steps (88 kB); 300 steps before them are left out`"""
    of = f" of {count(page.seen, 'step')}, only {page.wanted}" if page.wanted else ""
    before = f"; {count(page.first, 'step')} before them left out" if page.first else ""
    shown = count(page.steps, "step")
    return Lines.of(Line.of(f"{printable(page.file)} shows {shown}{of} ({page.size / 1000:,.0f} kB){before}"))
