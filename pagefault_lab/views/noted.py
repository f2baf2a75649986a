"""An access as a journal has it."""

from __future__ import annotations

from pagefault_lab.machine.events import Kind, Noted
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import count, doing, hex32, sized


@view(Noted)
def noted(made: Noted) -> Lines:
    """`write 4 bytes at 0x0804c000: 0x00000000->0x00000005 (operand)`."""
    value = sized(made.value, made.size)
    if made.kind is Kind.WRITE and made.before is not None:
        value = f"{sized(made.before, made.size)}->{value}"
    text = f"{doing(made.kind)} {count(made.size, 'byte')} at {hex32(made.linear)}: {value}"
    return Lines.of(Line.of(text, note(f" ({made.reason.value})"), hang=2))
