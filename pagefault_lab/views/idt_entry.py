"""`info idt N`: one gate in detail, with the code segment that it leads to."""

from __future__ import annotations

from pagefault_lab.lab.decode import decode, describe
from pagefault_lab.lab.tables import IdtEntry
from pagefault_lab.machine.faults import VECTORS
from pagefault_lab.views import view
from pagefault_lab.views.decoded import decoded
from pagefault_lab.views.lines import STRONG, Line, Lines, Span
from pagefault_lab.views.words import hex16, hex32


@view(IdtEntry)
def idt_entry(entry: IdtEntry) -> Lines:
    """Where it lies, its bits, and what its selector names."""
    known = VECTORS.get(entry.vector)
    name = f" ({known.mnemonic} {known.name})" if known is not None else ""
    error = ", with an error code" if known is not None and known.has_error_code else ""
    heading = Line.of(Span(f"vector {entry.vector}{name}", STRONG), f" at {hex32(entry.address)}{error}")
    gate = entry.gate
    if gate is None:
        return Lines.of(heading, Line.of("nothing is mapped there: reading it faults"))
    detail = next(decode("gate", gate.raw))
    leads: list[Line] = []
    if gate.belongs_in_idt and not gate.is_task_gate:
        code = entry.code
        segment = f"{describe(code)}, DPL {code.dpl}" if code is not None else "no descriptor"
        if code is None or not code.code:
            segment += ": using it is #GP"
        leads.append(Line.of(f"selector {hex16(gate.selector)}: {segment}", indent=2))
        if entry.symbol:
            leads.append(Line.of(f"offset {hex32(gate.offset)}: <{entry.symbol}>", indent=2))
    return Lines.of(heading, decoded(detail), *leads)
