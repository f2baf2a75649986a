"""The stacks of a task: the one that ESP points into, and that of the other side of the kernel's gate.

The inner stack begins where the TSS says; the outer one is told by the frame that the change of rings has pushed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab.frames import LARGEST, FramePicture, Slot, frame, frame_of_tss
from pagefault_lab.lab.tables import descriptor_of, exactly, field_of_tss
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import ESP, SS
from pagefault_lab.machine.tlb import TlbEntry

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

MOST_SLOTS: Final = 32
BY_REGISTER, BY_FRAME, BY_TSS = "ESP", "saved ESP", "tss.esp0"


class Stack(NamedTuple):
    """A stack of one ring. `top` is the linear address of its lowest value, `told_by` what says so.

    `slots` are the values from the highest address down to the top; () where the next entry into the kernel begins.
    `missing` tells whether nothing is mapped at the top.
    """

    ring: int
    top: int
    told_by: str
    slots: tuple[Slot, ...]
    missing: bool = False


def stacks(session: Session) -> tuple[Stack, ...]:
    """The user's stack, then the kernel's, as far as they are known."""
    cpu = session.machine.cpu
    top = cpu.segments[SS].base + cpu.registers[ESP] & 0xFFFFFFFF
    inner = _beginning(session)
    if cpu.cpl == 3:
        mine = _stack(session, 3, top, BY_REGISTER)
        return (mine, Stack(0, inner, BY_TSS, ())) if inner is not None else (mine,)
    picture = frame(session)
    known = {slot.address: slot for slot in picture.slots} if picture is not None else {}
    mine = _stack(session, cpu.cpl, top, BY_REGISTER, inner, known)
    outer = _outer(session, picture, top)
    return (outer, mine) if outer is not None else (mine,)


def _beginning(session: Session) -> int | None:
    """Where ring 0's stack begins, by the TSS: the linear address behind its first value."""
    esp, ss = field_of_tss(session.machine, "esp0"), field_of_tss(session.machine, "ss0")
    descriptor = descriptor_of(session.machine, ss) if ss is not None else None
    if esp is None or descriptor is None:
        return None
    return descriptor.base + esp & 0xFFFFFFFF


def _outer(session: Session, picture: FramePicture | None, top: int) -> Stack | None:
    """The stack that was left by the change to this ring, as the frame has saved it."""
    if picture is None or picture.outer == session.ring:  # a frame within this ring; the first one may be from outside
        picture = frame_of_tss(session, top, {})
    if picture is None:
        return None
    saved = {slot.meaning: slot.value for slot in picture.slots}
    esp, ss = saved.get("ESP"), saved.get("SS")
    descriptor = descriptor_of(session.machine, ss) if ss is not None else None
    if esp is None or descriptor is None:
        return None
    return _stack(session, picture.outer, descriptor.base + esp & 0xFFFFFFFF, BY_FRAME)


def _stack(
    session: Session,
    ring: int,
    top: int,
    told_by: str,
    end: int | None = None,
    known: Mapping[int, Slot] | None = None,
) -> Stack:
    """What lies on a stack from its top on, up to `end` if that is near; `known` slots say what they are."""
    found: list[Slot] = []
    for address in range(top, min(top + 4 * MOST_SLOTS, 1 << 32), 4):
        if end is not None and top <= end < top + LARGEST and address >= end:
            break
        if not _reaches(session, address, ring):
            break
        found.append((known or {}).get(address) or _slot(session, address))
    missing = not found and top != end
    return Stack(ring, top, told_by, tuple(reversed(found)), missing)


def _reaches(session: Session, linear: int, ring: int) -> bool:
    """Whether an address is mapped for that ring."""
    match session.machine.cpu.ask(linear, Kind.READ, ring == 3):
        case TlbEntry(user=user):
            return user or ring != 3
        case PageWalk(end=Fault()):
            return False
    return True


def _slot(session: Session, address: int) -> Slot:
    """A value of which only its place is known."""
    value = session.machine.cpu.peek(address, 4)
    symbol = exactly(value, session.symbols.name) if value else ""
    return Slot(address, value, 4, "", "", symbol)
