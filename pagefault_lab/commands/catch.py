from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Catchable, Condition
from pagefault_lab.lab.breakpoints.told import BreakpointsDeleted

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("catch", group="running")
def catch(session: Session, what: Catchable, condition: Condition | None = None) -> Iterator[object]:
    """Stop runs when the processor has done something, behind the step that did it.

      catch fault             any exception
      catch fault #PF         of this vector, or `catch fault 14`
      catch fault 14 if fault.error & 4
      catch ring              CPL has changed
      catch ring 3 0          from 3 to 0
      catch cr3               also cr0, cr4, idt, gdt, ldt, tr
      catch table             a page table in use was written
      catch table 0x08049000  the PDE or PTE of this address
      catch port 0x3f8        IN or OUT
      catch irq               an external interrupt was taken
      catch interrupt 0x80    also by INT n
      catch flush             INVLPG; `catch shutdown`

    They are the events that `ever(...)` and `count(...)` know.
    """
    from pagefault_lab.lab.breakpoints import making
    from pagefault_lab.lab.breakpoints.catchpoints import Catch

    yield making.add(session, Catch(*what), condition)


@command("modebp", group="running")
def modebp(session: Session) -> Iterator[object]:
    """Stop runs at every change of the CPL, or no longer, as Bochs does: switches `catch ring` on and off."""
    from pagefault_lab.lab.breakpoints import making
    from pagefault_lab.lab.breakpoints.catchpoints import Catch

    known = [point.number for point in session.breakpoints if isinstance(point, Catch) and point.what == "ring"]
    for number in known:
        session.breakpoints.delete(number)
    yield BreakpointsDeleted(tuple(known)) if known else making.add(session, Catch("ring"))
