"""Values to what is shown: a view is a pure function from one value to a rich renderable, chosen by the value's type.

The view of `PageWalk` is the function that `views/page_walk.py` marks with `@view(PageWalk)`; it is found by being
there, and imported when the first such value is rendered. A view knows nothing but its value: no machine, no session,
no address or symbol of any world.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

Function = TypeVar("Function", bound=Callable[..., Any])

_VIEWS: dict[type, Callable[[Any], Any]] = {}


def view(*kinds: type) -> Callable[[Function], Function]:
    """Mark the function that shows values of these types."""

    def mark(function: Function) -> Function:
        for kind in kinds:
            _VIEWS[kind] = function
        return function

    return mark


def render(value: object) -> RenderableType:
    """What shows a value. A value without a view, a subclass of none that has one, is shown as Python writes it."""
    if isinstance(value, str):
        from pagefault_lab.views.lines import Line, Lines

        return Lines(tuple(Line.of(text) for text in value.splitlines()))
    found = view_of(type(value))
    if found is not None:
        shown: RenderableType = found(value)
        return shown
    from rich.pretty import Pretty

    return Pretty(value)


def view_of(kind: type) -> Callable[[Any], Any] | None:
    """The view for values of a type, or of what it inherits from; None if there is none."""
    for ancestor in kind.__mro__:
        if ancestor not in _VIEWS and ancestor.__module__.startswith("pagefault_lab."):
            module = f"{__name__}.{snake_case(ancestor.__name__)}"
            if find_spec(module) is not None:
                import_module(module)
        if ancestor in _VIEWS:
            return _VIEWS[ancestor]
    return None


def snake_case(name: str) -> str:
    """`PageWalk` as `page_walk`: the noun as files and JSON write it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Plain:
    """A renderable as a screen without UTF-8 would show it, whatever the screen: what `--plain` asks for."""

    def __init__(self, renderable: RenderableType) -> None:
        self.renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        options = options.copy()
        options.encoding = "ascii"
        yield from console.render(self.renderable, options)
