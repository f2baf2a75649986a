"""The code segment that a gate names, and the ring that the handler runs in."""

from __future__ import annotations

from pagefault_lab.machine.delivery import CodeChosen
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, maybe
from pagefault_lab.views.words import NO_NAMES, Names, hex16, hex32, named


@view(CodeChosen)
def code_chosen(stage: CodeChosen, names: Names = NO_NAMES) -> Lines:
    """`selector 0x0010: code, DPL 0; CPL 3 -> 0, an inner ring: the stack is switched`."""
    return Lines.of(Line.of(*ring_decision(stage, None, names), hang=2))


def ring_decision(stage: CodeChosen, address: int | None, names: Names = NO_NAMES) -> tuple[str | Span | None, ...]:
    """The descriptor, where it was read if that is known, and what its DPL does to CPL."""
    table = "LDT" if stage.selector & 4 else "GDT"
    kind = "conforming code" if stage.descriptor.conforming else "code"
    if address is None:
        place: tuple[str | Span, ...] = (f"{table} selector {hex16(stage.selector)}",)
    else:
        base = address - (stage.selector & 0xFFF8) & 0xFFFFFFFF
        place = (f"{table} {hex32(base)}", maybe(named(base, names)), f" + {stage.selector & 0xFFF8:#x}")
    old, new = stage.old_cpl, stage.new_cpl
    ring = f"CPL {old} -> {new}: inner ring, stack switch" if new < old else f"CPL stays {new}"
    return (*place, f": {kind}, DPL {stage.descriptor.dpl}; ", Span(ring, STRONG))
