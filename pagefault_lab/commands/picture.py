"""`picture`: the lecture's diagrams with the numbers of now, as text or as an SVG file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import SvgPath, Target, Vector
from pagefault_lab.machine.events import Kind

if TYPE_CHECKING:
    from pagefault_lab.lab.pictures import Picture
    from pagefault_lab.lab.session import Session


@command("picture switch", group="explaining")
def picture_switch(session: Session, vector: Vector | None = None, file: SvgPath | None = None) -> Iterator[object]:
    """Draw the way into a handler: IDTR, gate, code segment; TR, TSS, and the stacks before and after.

    In a handler, or after a shutdown, it is the delivery that led there. Elsewhere, and always of a VECTOR, it is one
    that would come now, tried on a copy of the machine: the last fault's vector, or 14. Its heading says which.

      picture switch                 what happened, or would happen
      picture switch 13              a #GP now
      picture switch switch.svg      into a file
    """
    from pagefault_lab.lab.pictures.switch import switch

    yield _shown(session, switch(session, vector), file)


@command("picture walk", group="explaining")
def picture_walk(
    session: Session,
    address: Target,
    access: Literal["read", "write", "fetch"] = "read",
    who: Literal["user", "supervisor"] | None = None,
    file: SvgPath | None = None,
) -> Iterator[object]:
    """Draw the way of a linear ADDRESS through the page tables: its bits, each entry, the frame or what is missing.

    The access is a read at the present CPL unless told otherwise, as with `walk`.

      picture walk 0x08049000 write user
      picture walk 0x08049000 walk.svg
    """
    from pagefault_lab.lab.pictures.walk import walk

    user = session.ring == 3 if who is None else who == "user"
    yield _shown(session, walk(session, address, Kind(access), user), file)


@command("picture frame", group="explaining")
def picture_frame(session: Session, file: SvgPath | None = None) -> Iterator[object]:
    """Draw the exception frame on the present stack: who pushed what, where ESP is now, and the stack that was left."""
    from pagefault_lab.lab.pictures.frame import frame

    yield _shown(session, frame(session), file)


@command("picture idt", group="explaining")
def picture_idt(session: Session, vector: Vector | None = None, file: SvgPath | None = None) -> Iterator[object]:
    """Draw the IDT: IDTR, the page it lies in, its gates, and the gate of a VECTOR (14) bit by bit and byte by byte."""
    from pagefault_lab.lab.pictures.idt import idt

    yield _shown(session, idt(session, vector), file)


def _shown(session: Session, picture: Picture, file: SvgPath | None) -> object:
    """The picture, or that it is in a file."""
    from pagefault_lab.lab.pictures import save

    return picture if file is None else save(session, picture, file)
