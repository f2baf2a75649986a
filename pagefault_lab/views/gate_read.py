"""An IDT entry as delivery read it."""

from __future__ import annotations

from pagefault_lab.machine.delivery import GateRead
from pagefault_lab.machine.gates import Gate
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.words import NO_NAMES, Names, hex16, hex32, named


@view(GateRead)
def gate_read(stage: GateRead, names: Names = NO_NAMES) -> Lines:
    """`gate 14 at 0xc0110070: 32-bit interrupt gate, DPL 0, present, to 0x0010:0xc0100340`."""
    return Lines.of(
        Line.of(f"gate {stage.vector} at {hex32(stage.address)}: ", *leads_to(stage.gate, names), hang=2),
    )


def leads_to(gate: Gate, names: Names = NO_NAMES) -> tuple[str | Span | None, ...]:
    """The gate's fields."""
    kind = gate.kind if gate.type < 16 else f"no gate (S=1, type {gate.type & 15:#x})"
    present = "P=1" if gate.present else "P=0"
    if gate.is_task_gate:
        return (f"{kind}, DPL {gate.dpl}, {present}, to TSS {hex16(gate.selector)}",)
    return (
        f"{kind}, DPL {gate.dpl}, {present}: to ",
        Span(f"{hex16(gate.selector)}:{hex32(gate.offset)}", STRONG),
        named(gate.offset, names) or None,
    )
