"""`lsmod`: the kernel modules that are there."""

from __future__ import annotations

from pagefault_lab.lab.modules import ModuleList
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, NAME, Line, Lines, Span, note, table
from pagefault_lab.views.words import hex32, printable


@view(ModuleList)
def module_list(listed: ModuleList) -> Lines:
    """A row for each."""
    if not listed.modules:
        return Lines.of(Line.of("no module is loaded"))
    rows = [
        (
            Span(printable(found.name), NAME),
            f"{found.size}",
            Span(hex32(found.address), ADDRESS),
            note("" if found.running else "init_module has not returned"),
        )
        for found in listed.modules
    ]
    return Lines.of(table(rows, ("module", "size", "address", ""), right=(1,)))
