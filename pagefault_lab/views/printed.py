"""What the guest kernel has printed while a line was executed."""

from __future__ import annotations

from pagefault_lab.lab.results import Printed
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count, lines_of

SHOWN = 5  # lines; an Oops has more


@view(Printed)
def printed(found: Printed) -> Lines:
    """`printk: hello: Segmentation fault`, line by line; of many the first."""
    texts = lines_of(found.text)
    more = len(texts) - SHOWN
    return Lines.of(
        *(Line.of(note("printk: "), text, hang=8) for text in texts[: SHOWN if more > 1 else None]),
        Line.of(note(f"printk: {count(more, 'line')} more, see dmesg")) if more > 1 else None,
    )
