from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import CodeAddress, CodePlace, Condition

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("b", "break", "hbreak", group="running")
def break_(session: Session, place: CodePlace | None = None, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs before the instruction at a place is executed; without one, here.

      b page_fault          a linear address
      b page_fault if cr2 == 0x08049000
      b 0x23:0x08049000     CS and EIP, whatever the segment's base is
      b phys 0x00101234     a physical address, by whichever linear one; as `pb`
      b pages.s:12          a line of a file that was loaded, or of a module
      b 12                  a line of the file that was loaded last

    `info break` lists them; `condition`, `ignore`, `enable`, `disable`, `commands` and `delete` change them.
    """
    yield set_at(session, place, condition, temporary=False)


@command("tb", "tbreak", "thbreak", group="running")
def tbreak(session: Session, place: CodePlace | None = None, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs at a place once; like b, but gone after its first stop."""
    yield set_at(session, place, condition, temporary=True)


@command("pb", "pbreak", group="running")
def pbreak(session: Session, address: CodeAddress, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs at a physical address, whichever linear one it is fetched by, as Bochs does: short for `b phys`."""
    from pagefault_lab.lab.breakpoints import making

    place, _ = making.read_place(session, f"phys {address}", 0)
    yield making.add(session, place, condition)


def set_at(session: Session, place: CodePlace | None, condition: Condition | None, temporary: bool) -> object:
    from pagefault_lab.lab.breakpoints import making
    from pagefault_lab.lab.breakpoints.places import AtLinear

    return making.add(session, AtLinear(session.here) if place is None else place, condition, temporary)
