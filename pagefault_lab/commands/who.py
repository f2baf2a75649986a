from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Expression

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("who", group="explaining")
def who(session: Session, place: Expression) -> Iterator[object]:
    """Tell who last wrote a register, or memory: the instruction, its step, what was there before, and how to go there.

      who eax     who cr3     who [esp]     who user_data
      who u8[0x8049000]     who pte(0x8049000)     who idt(14)     who tss.esp0

    An address alone means the four bytes there. If the lab itself wrote them, for a line like `set` or `map`, that line
    is told. The history is searched backwards by executing it again: what nobody wrote takes as long as all of it did.
    """
    from pagefault_lab.lab.who import who as ask

    yield ask(session, place)
