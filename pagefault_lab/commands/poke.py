from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Datum, Start
from pagefault_lab.lab import poking
from pagefault_lab.lab.examining import SIZES
from pagefault_lab.lab.formats import Format
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("poke", group="changing")
def poke(session: Session, format: Format, address: Start, *values: Datum) -> Iterator[object]:
    """Put values into memory from a linear ADDRESS on, behind the processor's back, whatever the rights of the pages.

      poke user_data 1 2 -1     poke/b $eip 0x90     poke/b user_data "hello\\n" 0

    Each VALUE takes 4 bytes, or with poke/b 1, poke/h 2, poke/w 4, poke/g 8, as in x; a text takes as many as it has,
    without a zero behind it. Where the TLB holds a page, that decides where the bytes go. No A, no D, no TLB entry
    changes. Physical memory is set by `set phys[ADDRESS] = VALUE`.
    """
    if format.count is not None or format.letter is not None:
        raise Problem("poke takes a size behind the /", "/b is 1 byte, /h 2, /w 4, /g 8")
    if not values:
        raise Problem("what shall be put there?", "poke ADDRESS VALUE ...")
    yield from poking.poke(session, address, values, SIZES[format.unit or "w"])
