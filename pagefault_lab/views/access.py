"""Bytes read or written, and why."""

from __future__ import annotations

from pagefault_lab.machine.events import Access, Kind, Reason
from pagefault_lab.views import view
from pagefault_lab.views.lines import Line, Lines, note
from pagefault_lab.views.words import NO_NAMES, Names, count, data_bytes, doing, hex32, named, sized


@view(Access)
def access(made: Access, names: Names = NO_NAMES) -> Lines:
    """`write 4 bytes at 0x0804c000: 0x00000000->0x00000005 (operand, physical 0x00108000)`."""
    return Lines.of(
        Line.of(
            f"{doing(made.kind)} {count(made.size, 'byte')} at {hex32(made.linear)}{named(made.linear, names)}: ",
            value(made),
            note(f" ({made.reason.value}, physical {hex32(made.physical)})"),
            hang=2,
        )
    )


def value(made: Access) -> str:
    """What was read; what a write replaced and by what; the bytes of a fetch."""
    if made.reason is Reason.FETCH:
        return data_bytes(made.value.to_bytes(made.size, "little"))
    if made.kind is Kind.WRITE and made.before is not None:
        return f"{sized(made.before, made.size)}->{sized(made.value, made.size)}"
    return sized(made.value, made.size)
