"""`info creg`: the control registers with their bits by name."""

from __future__ import annotations

from pagefault_lab.lab.tables import ControlRegisters
from pagefault_lab.machine.registers import CR0_NAMES, CR4_NAMES
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, STRONG, Lines, Span, table
from pagefault_lab.views.words import hex32


@view(ControlRegisters)
def control_registers(shown: ControlRegisters) -> Lines:
    """Bits that are set in capitals, the others in small letters, as Bochs writes them."""
    symbol = f" <{shown.symbol}>" if shown.symbol else ""
    cells: list[tuple[str | Span, ...]] = [
        (Span("cr0", STRONG), hex32(shown.cr0), _bits(shown.cr0, CR0_NAMES)),
        (
            Span("cr2", STRONG),
            hex32(shown.cr2),
            Span(f"address of the last page fault{symbol}", NAME if symbol else ""),
        ),
        (Span("cr3", STRONG), hex32(shown.cr3), f"page directory at physical {hex32(shown.cr3 & 0xFFFFF000)}"),
        (Span("cr4", STRONG), hex32(shown.cr4), _bits(shown.cr4, CR4_NAMES)),
    ]
    return Lines.of(table(cells))


def _bits(value: int, names: dict[int, str]) -> str:
    return " ".join(name if value & bit else name.lower() for bit, name in sorted(names.items(), reverse=True))
