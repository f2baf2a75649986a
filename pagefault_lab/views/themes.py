"""Themes: how each style of the views looks. What a sign or a word says, a colour only repeats: any theme will do.

This module imports nothing, for the prompt shows colours before anything is loaded that draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Theme(NamedTuple):
    """For each style of the views how it looks, in rich's words. `for_whom` is its description."""

    for_whom: str
    styles: Mapping[str, str]


_PLAIN: Final = {
    "good": "", "bad": "bold", "note": "dim", "strong": "bold", "address": "", "name": "",
    "code.directive": "", "code.mnemonic": "bold", "code.register": "", "code.label": "", "code.number": "",
    "code.string": "", "code.comment": "italic", "prompt": "bold", "bar": "reverse", "border": "dim",
}  # fmt: skip
_BLUE, _ORANGE, _GREY = "#0f7ac0", "#b85c00", "#767676"  # 4.5 to 1 or more on black as well as on white

THEMES: Final[Mapping[str, Theme]] = {
    "default": Theme(
        "the terminal's own colours, for a dark background",
        {
            **_PLAIN, "good": "green", "bad": "bold red", "address": "cyan", "name": "yellow",
            "code.directive": "magenta", "code.register": "green", "code.label": "yellow",
            "code.number": "bright_blue", "code.string": "yellow",
        },
    ),
    "light": Theme(
        "dark colours, for a light background",
        {
            **_PLAIN, "good": "#006400", "bad": "bold #a80000", "note": "#5f5f5f", "address": "#005f87",
            "name": "#7a4f00", "code.directive": "#7a006f", "code.register": "#006400", "code.label": "#7a4f00",
            "code.number": "#0000af", "code.string": "#7a4f00", "code.comment": "italic #5f5f5f",
            "border": "#5f5f5f",
        },
    ),
    "blue-orange": Theme(
        "safe for colour-blind eyes, on a dark background or a light one",
        {
            **_PLAIN, "good": f"bold {_BLUE}", "bad": f"bold {_ORANGE}", "note": _GREY, "address": _BLUE,
            "name": _ORANGE, "code.directive": _ORANGE, "code.register": _BLUE, "code.label": _ORANGE,
            "code.number": _BLUE, "code.string": _ORANGE, "code.comment": f"italic {_GREY}", "border": _GREY,
        },
    ),
    "mono": Theme("no colour, only bold and dim", _PLAIN),
}  # fmt: skip
DEFAULT: Final = "default"
