from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address
from pagefault_lab.lab import examining
from pagefault_lab.lab.formats import Format

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("x", group="looking", repeats=True)
def x(session: Session, format: Format, address: Address | None = None) -> Iterator[object]:
    """Examine memory at a linear address: x/NFU, how many, in which form, in which units. Nothing is changed by it.

      F  x hex, d signed, u unsigned, o octal, t binary, a address with symbol,
         c character, s string, i instruction
      U  b 1 byte, h 2, w 4, g 8
      x/8xw $esp     x/3i page_fault     x/s 0x08049000

    Without an address it goes on behind the last one.
    """
    yield from examining.examine(session, format, address, physical=False)


@command("xp", group="looking", repeats=True)
def xp(session: Session, format: Format, address: Address | None = None) -> Iterator[object]:
    """Examine memory at a physical address; like x."""
    yield from examining.examine(session, format, address, physical=True)
