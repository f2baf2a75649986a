"""`picture frame`: the exception frame on the stack, who pushed what of it, and the stack that was left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pagefault_lab.lab import frames
from pagefault_lab.lab.frames import PUSHED_BY_CPU, RETURN, FramePicture, Slot
from pagefault_lab.lab.pictures import Arrow, Box, End, Picture, Row, symbol_note
from pagefault_lab.lab.tables import descriptor_of
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.registers import ESP, SS
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

MOST_SLOTS = 24  # of what the handler pushed, that are drawn
STACK_WORDS = 3  # of the old stack


def frame(session: Session) -> Picture:
    """The frame on the present stack; a Problem if there is none."""
    found = frames.frame(session)
    if found is None:
        raise Problem("there is no exception frame on this stack", "in a handler there is one: `kernel`, or a fault")
    cpu = session.machine.cpu
    by_cpu = [slot for slot in found.slots if slot.by == PUSHED_BY_CPU]
    by_guest = [slot for slot in found.slots if slot.by != PUSHED_BY_CPU]
    names = {slot.meaning: place for place, slot in enumerate(by_cpu)}
    values = {slot.meaning: slot.value for slot in by_cpu}
    boxes = []
    arrows = []
    interrupted = [name for name in ("EIP", "CS", "SS", "ESP") if name in names]
    if interrupted:
        rows = tuple(Row(name, values[name], 2 if name in ("CS", "SS") else 4) for name in interrupted)
        boxes.append(Box("interrupted", f"interrupted, ring {found.outer}", 0, rows))
        arrows.append(Arrow(End("cpu", names[interrupted[0]]), End("interrupted")))
    if "ESP" in values:
        words = tuple(_old_stack(session, values["SS"], values["ESP"]))
        boxes.append(Box("old", f"old stack, ring {found.outer}", 0, words))
        arrows.append(Arrow(End("cpu", names["ESP"]), End("old")))
    now = (Row("SS", cpu.segments[SS].selector, 2), Row("ESP", cpu.registers[ESP]))
    boxes.append(Box("now", f"now, ring {found.ring}", 0, now))
    pushed = [("cpu", "pushed by the CPU", [_row(slot, False) for slot in by_cpu])]
    handlers = list(_guest_rows(by_guest, found.hidden))
    if handlers:
        pushed.append(("guest", "pushed by the handler", handlers))
    pushed[-1][2].append(Row(note="is ESP now", at=found.esp))
    boxes += [Box(key, title, 1, tuple(rows)) for key, title, rows in pushed]
    arrows.append(Arrow(End("now", 1), End(pushed[-1][0], len(pushed[-1][2]) - 1)))
    notes = []
    if "ESP" not in values:
        notes.append("The ring did not change: the frame is on the stack that was in use, and SS:ESP were not pushed.")
    changed = [slot.meaning for slot in by_cpu if slot.pushed is not None]
    if changed:
        notes.append(f"Changed since they were pushed: {', '.join(changed)}.")
    return Picture("frame", _title(found), tuple(boxes), tuple(arrows), (), "", tuple(notes))


def _title(found: FramePicture) -> str:
    if found.fault is None:
        return "frame at the beginning of this ring's stack"
    if found.source is Source.EXCEPTION:
        error = f", error code {found.fault.error:#x}" if found.fault.error is not None else ""
        return f"frame of {found.fault.row.mnemonic} {found.fault.row.name}{error}"
    source = f" ({found.source.value})" if found.source is not None else ""
    return f"frame of vector {found.fault.vector:#x}{source}"


def _row(slot: Slot, told: bool = True) -> Row:
    """A slot; who pushed it is `told` where it is not the CPU."""
    value, by = slot.value, slot.by if told else ""
    was = f"was {slot.pushed:#x}" if slot.pushed is not None else ""
    note = " ".join(filter(None, ("not mapped" if value is None else was, by)))
    name = "return" if slot.meaning == RETURN else slot.meaning
    return Row(name, value, slot.size, note, slot.address, symbol_note(slot.symbol))


def _guest_rows(slots: Sequence[Slot], hidden: int) -> Iterator[Row]:
    """What the handler pushed, the last of it left out if it is much."""
    for slot in slots[:MOST_SLOTS]:
        yield _row(slot)
    left = len(slots) - MOST_SLOTS + hidden if len(slots) > MOST_SLOTS else hidden
    if left:
        yield Row(note=f"and {left} more")


def _old_stack(session: Session, ss: int | None, esp: int | None) -> Iterator[Row]:
    """The first words of the stack that was left."""
    machine = session.machine
    descriptor = descriptor_of(machine, ss or 0)
    if descriptor is not None and esp is not None:
        for place in range(STACK_WORDS):
            at = descriptor.base + esp + 4 * place & 0xFFFFFFFF
            value = machine.cpu.peek(at, 4)
            yield Row("", value, 4, "" if value is not None else "not mapped", at)
    yield Row(note="left as it is")
