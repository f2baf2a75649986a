"""`decode`: explains a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Number
from pagefault_lab.lab import decode as numbers

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

Kind = Literal["error", "pde", "pte", "gate", "selector", "descriptor", "eflags", "cr0", "cr4"]


@command("decode", group="explaining")
def decode(session: Session, kind: Kind, number: Number, high: Number | None = None) -> Iterator[object]:
    """Explain a number from an Oops, a book or an exam, field by field.

    An error code is explained as that of a page fault and as that of #TS, #NP, #SS and #GP. A gate or a descriptor is
    one number of 64 bits, or two of 32 bits as a dump shows them, the low one first:

        decode error 7
        decode gate 0xc0108e0000100340
        decode gate 0x00100340 0xc0108e00
    """
    yield from numbers.decode(kind, number if high is None else number & 0xFFFFFFFF | high << 32)
