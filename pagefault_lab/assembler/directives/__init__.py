"""Directives: one decorated function each, found by being in a file of this folder.

    @directive(".zero")
    def zero(assembly: Assembly, cursor: Cursor) -> None:
        '''.zero COUNT: that many zero bytes.'''

The function reads its arguments from the cursor, which must be at the end when it returns. The docstring is the help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor

Function: TypeAlias = "Callable[[Assembly, Cursor], None]"


@dataclass(frozen=True, slots=True)
class Directive:
    name: str  # with its dot
    function: Function
    conditional: bool  # also looked at where an .if leaves lines out

    @property
    def help(self) -> str:
        return (self.function.__doc__ or "").strip()


_DIRECTIVES: dict[str, Directive] = {}


def directive(*names: str, conditional: bool = False) -> Callable[[Function], Function]:
    """Declare a directive and its other names."""

    def declare(function: Function) -> Function:
        for name in names:
            _DIRECTIVES[name] = Directive(name, function, conditional)
        return function

    return declare


@cache
def directives() -> dict[str, Directive]:
    """All directives by name."""
    for module in sorted(info.name for info in iter_modules(__path__)):
        import_module(f"{__name__}.{module}")
    return _DIRECTIVES
