"""`info tss`: the fields of the TSS, those first that delivery uses."""

from __future__ import annotations

from pagefault_lab.lab.tables import TssField, TssPicture
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.words import hex16, hex32

STACKS = ("ss0", "esp0", "ss1", "esp1", "ss2", "esp2")


@view(TssPicture)
def tss_picture(shown: TssPicture) -> Lines:
    """TR and where it leads, the stacks of the inner rings, the rest, the ports that are allowed."""
    if not shown.valid:
        return Lines.of(Line.of(f"no TSS: TR is {hex16(shown.selector)}; no way to an inner ring"))
    symbol = f" <{shown.symbol}>" if shown.symbol else ""
    state = "busy" if shown.busy else "available"
    heading = Line.of(
        f"TR {hex16(shown.selector)}: TSS at {hex32(shown.base)}{symbol}, limit {shown.limit:#x}, {state}", hang=2
    )
    if not shown.fields:
        return Lines.of(heading, Line.of(note("a 16-bit TSS: its fields are not shown"), indent=2))
    fields = {field.name: field for field in shown.fields}
    stacks = [_stack(ring, fields) for ring in range(3)]
    others = [field for field in shown.fields if field.name not in STACKS]
    third = (len(others) + 2) // 3
    cells = [[_cell(field) for field in others[row::third]] for row in range(third)]
    ports = ", ".join(f"{first:#x}" if first == last else f"{first:#x}-{last:#x}" for first, last in shown.ports)
    return Lines.of(
        heading,
        table(stacks, indent=2),
        Line.of(note("saved by a hardware task switch:"), indent=2),
        table(cells, indent=2),
        Line.of(f"ports allowed at any CPL: {ports or 'none'}", indent=2),
    )


def _stack(ring: int, fields: dict[str, TssField]) -> tuple[str | Span, ...]:
    esp, ss = fields[f"esp{ring}"], fields[f"ss{ring}"]
    place = f"+{esp.offset:#04x}"
    if esp.value is None or ss.value is None:
        return f"ring {ring}", note(place), "beyond the limit, or not mapped"
    return f"ring {ring}", note(place), Span(f"{hex16(ss.value)}:{hex32(esp.value)}", STRONG)


def _cell(field: TssField) -> str:
    value = "-" if field.value is None else f"{field.value:#x}"
    return f"+{field.offset:#04x} {field.name:<6} {value}"
