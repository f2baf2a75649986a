"""The theme in which this process draws on its terminal, for rich and for prompt_toolkit, remembered or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from pagefault_lab.problem import Problem, closest
from pagefault_lab.terminal.folders import state_folder, state_path
from pagefault_lab.views.themes import DEFAULT, THEMES

if TYPE_CHECKING:
    from rich.theme import Theme

    from pagefault_lab.lab.theme import ThemeName

REMEMBERED: Final = "theme"  # the file's name

_chosen = DEFAULT


def choose(name: str) -> None:
    """Draw in a theme from now on; a Problem if there is none of that name."""
    global _chosen  # a process has one terminal
    if name not in THEMES:
        raise Problem(f"there is no theme {name!r}", closest(name, THEMES) or ", ".join(THEMES))
    _chosen = name


def chosen() -> ThemeName:
    """The name of the theme."""
    return cast("ThemeName", _chosen)


def remember() -> None:
    """Let the next sessions begin in this theme; where nothing can be kept, they begin as this one did."""
    folder = state_folder()
    if folder is not None:
        with suppress(OSError):
            (folder / REMEMBERED).write_text(f"{_chosen}\n", "ascii")


def remembered() -> str | None:
    """The theme that was chosen in an earlier session; None if none was, or none that there is."""
    try:
        name = (state_path() / REMEMBERED).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return name if name in THEMES else None


def for_rich() -> Theme:
    """The styles of views for a console."""
    from rich.theme import Theme

    return Theme(THEMES[_chosen].styles)


# --- prompt_toolkit

CLASSES = {  # what prompt_toolkit calls a style: the views' name of it
    "prompt": "prompt",
    "bottom-toolbar": "bar",
    "border": "border",
    "title": "strong",
    "note": "note",
    "warning": "bad",
    "pygments.keyword": "code.directive",
    "pygments.name.function": "code.mnemonic",
    "pygments.name.variable": "code.register",
    "pygments.name.label": "code.label",
    "pygments.literal.number": "code.number",
    "pygments.literal.string": "code.string",
    "pygments.comment": "code.comment",
}


def for_keys() -> Iterator[tuple[str, str]]:
    """The classes of what is typed, and of what stands around it, each with its style in prompt_toolkit's words."""
    styles = THEMES[_chosen].styles
    for name, style in CLASSES.items():
        yield name, " ".join(map(_translated, styles[style].split()))


def _translated(word: str) -> str:
    """A word of rich's as one of prompt_toolkit's: `bright_blue` is `ansibrightblue`."""
    if word == "dim":
        return ""  # older versions do not know it
    return word if word.startswith("#") or word in ("bold", "italic", "reverse") else f"ansi{word.replace('_', '')}"
