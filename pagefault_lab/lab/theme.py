"""Which theme the screen is drawn in: the names that there are, and the wish for one. How they look, views/ know."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

ThemeName: TypeAlias = Literal["default", "light", "blue-orange", "mono"]


class ThemeChosen(NamedTuple):
    """The screen is to be drawn in this theme; None only asks which ones there are."""

    name: ThemeName | None
