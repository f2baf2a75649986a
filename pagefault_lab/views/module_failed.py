"""What the guest kernel has refused about a module."""

from __future__ import annotations

from pagefault_lab.lab.modules import ModuleFailed
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, Line, Lines, Span
from pagefault_lab.views.words import printable

CONSEQUENCE = {
    "create_module": "the kernel has no place for the module: nothing has changed",
    "init_module": "the module did not start: the kernel has forgotten it and freed its memory",
    "delete_module": "the module is still there",
}


@view(ModuleFailed)
def module_failed(failed: ModuleFailed) -> Lines:
    """`✗ lecture: init_module returned -ENOMEM (-12): out of memory`, and what that leads to."""
    number = f"{failed.error} ({failed.result})" if failed.error != str(failed.result) else failed.error
    text = f"{printable(failed.name)}: {failed.call} returned {number}"
    return Lines.of(
        Line.of(Span(f"✗ {text}", BAD), f": {failed.meaning}", hang=2), Line.of(CONSEQUENCE[failed.call], indent=2)
    )
