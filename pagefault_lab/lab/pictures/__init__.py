"""The lecture's diagrams with today's numbers, as values: boxes of rows, arrows between rows, bits side by side.

A picture knows no screen and no page. Its boxes stand in lanes, side by side, each lane from the top down; an arrow
leads from a row to one in the same lane or in the next. views/drawing.py places all that, for text and for SVG alike.

    lane 0        lane 1        lane 2
    box  ------>  row  ------>  box
    box           row
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from pagefault_lab.lab.session import Session

BEGINNING: Final = "<!-- a picture by pagefault-lab -->\n"  # of a picture's file


class Row(NamedTuple):
    """A line of a box: the address where something lies, what it is called, its number (of `size` bytes), words.

    What is unknown or does not apply is None or "". `more` is said where there is room. `failed` marks what stopped the
    processor.
    """

    name: str = ""
    number: int | None = None
    size: int = 4
    note: str = ""
    at: int | None = None
    more: str = ""
    failed: bool = False


class Box(NamedTuple):
    """Rows with a title. Arrows name a box by its `key`. `lane` counts from the left; in a strip it says nothing."""

    key: str
    title: str
    lane: int
    rows: tuple[Row, ...]


class Strip(NamedTuple):
    """Boxes side by side that share their walls: the fields of a number from its highest bit down, or bytes by address.

    It stands above the lanes, or `below` them.
    """

    title: str
    cells: tuple[Box, ...]
    below: bool = False


class End(NamedTuple):
    """Where an arrow begins or ends: a row of a box. A strip's cell has no rows for arrows: they leave it below, and
    end at the top of their box."""

    box: str
    row: int = 0


class Arrow(NamedTuple):
    """From one row to another. Within a lane it goes round on the right, or on the `left`.

    A row has arrows in one direction only on each side, so that none need lie on another.
    """

    source: End
    target: End
    left: bool = False


class Picture(NamedTuple):
    """A diagram: `what` of, in one sentence; what is drawn; what stopped the processor, "" if nothing did; and what
    else there is to say, in sentences."""

    what: str
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    strips: tuple[Strip, ...] = ()
    refusal: str = ""
    notes: tuple[str, ...] = ()


class PictureSaved(NamedTuple):
    """A picture is in a file; `replaced` tells whether an older picture was there."""

    path: str
    what: str
    replaced: bool


def bits(number: int, name: str, high: int, low: int) -> Box:
    """The cell of a strip for bits `high` to `low` of a number: in hexadecimal, a few of them in binary."""
    width = high - low + 1
    value = number >> low & (1 << width) - 1
    digits = f"{value:0{width}b}" if width <= 5 else f"{value:#0{(width + 3) // 4 + 2}x}"
    return Box(name, f"{high}..{low}" if width > 1 else str(high), 0, (Row(note=name), Row(note=digits)))


def number(value: int) -> str:
    """A number in a sentence."""
    return str(value) if value < 10 else f"{value:#x}"


def symbol_note(symbol: str | None) -> str:
    """A symbol as notes show it."""
    return f"<{symbol}>" if symbol else ""


def save(session: Session, picture: Picture, path: Path) -> PictureSaved:
    """Write a picture to a file. An older picture is replaced; a file that is none is a Problem."""
    if session.files.repeats:  # nothing is written, so that nothing needs to be looked at
        return PictureSaved(str(path), picture.what, False)
    try:
        old = path.open("rb").read(len(BEGINNING)) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if old not in (None, b"", BEGINNING.encode()):
        raise Problem(f"{path} is there already, and is no picture", "give it another name")
    session.files.write(path, session.svg_of(picture))
    return PictureSaved(str(path), picture.what, bool(old))
