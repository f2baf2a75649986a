"""`why`: the reason of the last fault, or of what would become of an access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Address
from pagefault_lab.machine.events import Kind

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("why", group="explaining")
def why(
    session: Session,
    address: Address | None = None,
    access: Literal["read", "write", "fetch"] = "read",
    who: Literal["user", "supervisor"] | None = None,
) -> Iterator[object]:
    """Explain the last fault, link by link; or with ADDRESS, whether an access there would work now.

    Without an address, from the instruction to the handler: the operand and the registers that formed it, the segment,
    each entry of the page tables, the rule that failed with its numbers, the error code, the gate and the stack.
    Everything is taken from the checks that really ran, and from the history: who wrote the entry that is to blame, and
    how to go there. If something is known to help, that follows. An earlier fault is explained by `why fault 3`.

    `why 0x08049000 write` tries a write there, at the present CPL unless told otherwise, on a copy of the machine: by
    the TLB if it holds the page, else by a walk.
    """
    if address is not None:
        from pagefault_lab.lab.asking import attempt

        user = session.ring == 3 if who is None else who == "user"
        yield attempt(session, address, Kind(access), user)
        return
    from pagefault_lab.lab.reasons import reasons

    yield from reasons(session)
