"""`insmod`: the module runs."""

from __future__ import annotations

from pagefault_lab.lab.modules import ModuleLoaded
from pagefault_lab.views import view
from pagefault_lab.views.lines import GOOD, Line, Lines, Span
from pagefault_lab.views.words import count, hex32, printable


@view(ModuleLoaded)
def module_loaded(module: ModuleLoaded) -> Lines:
    """`✓ lecture is loaded at 0xc2c00000: 420 bytes, init_module returned 0`."""
    text = f"{printable(module.name)} is loaded at {hex32(module.address)}"
    size = count(module.size, "byte")
    return Lines.of(Line.of(Span(f"✓ {text}", GOOD), f": {size}, init_module returned 0", hang=2))
