from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Count
from pagefault_lab.lab import travel

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

Which = Literal["faults", "rings", "tables", "loads", "interrupts", "ports", "flushes"]


@command("timeline", group="explaining")
def timeline(session: Session, which: Which | None = None, rows: Count = travel.SHOWN) -> Iterator[object]:
    """List what happened, to go to with `goto STEP`.

      timeline     timeline faults     timeline 100

    It has faults, changes of the ring, writes to page tables (to those that CR3 led to), loads of CR0, CR3, CR4, IDTR,
    GDTR, LDTR and TR, interrupts, a shutdown, and the lines that were typed. It shows what lies around here, of the
    future too if you have gone back; ROWS asks for more than 20. A kind asks for that alone, also for one that is left
    out else: `ports` (IN and OUT) and `flushes` (INVLPG).
    """
    yield travel.timeline(session, travel.KINDS[which] if which is not None else (), rows)
