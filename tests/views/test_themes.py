"""Themes can be read: by their contrast, and by eyes that see fewer colours."""

from typing import get_args

import pytest
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from test_every_value import LINES, values_of

from pagefault_lab.lab.theme import ThemeName
from pagefault_lab.terminal import look
from pagefault_lab.views import render
from pagefault_lab.views.code import STYLES
from pagefault_lab.views.lines import ADDRESS, BAD, CODE, GOOD, NAME, NOTE, STRONG, Lines
from pagefault_lab.views.themes import DEFAULT, THEMES

BLACK, WHITE, PAPER = (0, 0, 0), (255, 255, 255), (0xFD, 0xF6, 0xE3)
BACKGROUNDS = {"default": [BLACK], "light": [WHITE, PAPER], "blue-orange": [BLACK, WHITE], "mono": []}
READABLE = 4.5  # WCAG 2.1, 1.4.3
TELLABLE = 60  # of 441, between two colours for an eye that sees fewer

# what remains of linear red, green, blue (Machado, Oliveira and Fernandes, 2009, severity 1.0)
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
XTERM = TerminalTheme(
    (0, 0, 0), (229, 229, 229),
    [(0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)],
    [(127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
     (255, 255, 255)],
)  # fmt: skip
Colour = tuple[int, int, int]


def linear(colour: Colour) -> list[float]:
    return [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]


def contrast(one: Colour, other: Colour) -> float:
    """The ratio of luminances, as WCAG defines it."""
    weights = (0.2126, 0.7152, 0.0722)
    low, high = sorted(sum(w * c for w, c in zip(weights, linear(each), strict=True)) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen(colour: Colour, blindness: str) -> list[float]:
    """As such an eye sees it."""
    rows = (sum(m * c for m, c in zip(row, linear(colour), strict=True)) for row in BLINDNESS[blindness])
    return [255 * (12.92 * c if c <= 0.0031308 else 1.055 * max(c, 0) ** (1 / 2.4) - 0.055) for c in rows]


def colour_of(theme: str, style: str) -> Colour | None:
    """The colour of the text, by xterm's palette if it has a name; None if it is the terminal's own."""
    found = Style.parse(THEMES[theme].styles[style] or "none").color
    if found is None:
        return None
    red, green, blue = found.get_truecolor(XTERM)
    return red, green, blue


def test_the_names_are_those_that_the_command_knows() -> None:
    assert get_args(ThemeName) == (*THEMES,)


def test_every_theme_has_every_style() -> None:
    wanted = {GOOD, BAD, NOTE, STRONG, ADDRESS, NAME, *STYLES.values(), *look.CLASSES.values()}
    for theme in THEMES.values():
        assert set(theme.styles) == wanted


@pytest.mark.parametrize("theme", THEMES)
def test_every_style_can_be_read_on_the_themes_backgrounds(theme: str) -> None:
    for background in BACKGROUNDS[theme]:
        for style in THEMES[theme].styles:
            colour = colour_of(theme, style)
            least = READABLE if theme != DEFAULT else 3  # its colours are the terminal's, which its user has chosen
            assert colour is None or contrast(colour, background) >= least, style


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_good_and_bad_differ_for_colour_blind_eyes(blindness: str) -> None:
    good, bad = colour_of("blue-orange", GOOD), colour_of("blue-orange", BAD)
    assert good is not None
    assert bad is not None
    distance = sum((a - b) ** 2 for a, b in zip(seen(good, blindness), seen(bad, blindness), strict=True)) ** 0.5
    assert distance > TELLABLE


def test_mono_has_no_colour() -> None:
    assert all(colour_of("mono", style) is None for style in THEMES["mono"].styles)


def test_prompt_toolkit_takes_every_theme() -> None:
    from pagefault_lab.terminal.prompt import style

    try:
        for name in THEMES:
            look.choose(name)
            assert style().get_attrs_for_style_str("class:prompt").bold
    finally:
        look.choose(DEFAULT)


def test_views_use_no_other_styles() -> None:
    known = {"", CODE, *THEMES[DEFAULT].styles}
    for line, value in values_of([*LINES, "context", "theme"], "linux"):
        shown = render(value)
        if isinstance(shown, Lines):
            for row in shown.rows(120):
                assert {span.style for span in row} <= known, line
