from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address, Condition
from pagefault_lab.lab.results import BreakpointSet

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("b", "break", group="running")
def break_(session: Session, address: Address | None = None, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs at an address; without one, here. Addresses are linear.

    b page_fault     b page_fault if cr2 == 0x08049000
    """
    yield set_breakpoint(session, address, condition, temporary=False)


@command("tb", "tbreak", group="running")
def tbreak(session: Session, address: Address | None = None, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs at an address once; like b, but gone after its first stop."""
    yield set_breakpoint(session, address, condition, temporary=True)


def set_breakpoint(
    session: Session, address: int | None, condition: Condition | None, temporary: bool
) -> BreakpointSet:
    address = session.here if address is None else address
    made = session.breakpoints.add(address, temporary, condition)
    text = condition.text if condition is not None else ""
    return BreakpointSet(made.number, address, session.symbols.name(address) or "", temporary, text)
