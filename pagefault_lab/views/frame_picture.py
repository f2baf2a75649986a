"""`frame`: the exception frame as it lies on the stack, and who pushed each value of it."""

from __future__ import annotations

from collections.abc import Sequence

from pagefault_lab.lab.frames import PUSHED_BY_CPU, FramePicture, Slot
from pagefault_lab.machine.delivery import Source
from pagefault_lab.views import fault, view
from pagefault_lab.views.lines import NAME, STRONG, Line, Lines, Span, Table, note, table
from pagefault_lab.views.words import count, flags_set, hex32, sized


@view(FramePicture)
def frame_picture(shown: FramePicture) -> Lines:
    """The highest address first, as pushes go; below the frame what the handler has pushed, down to ESP."""
    if shown.fault is not None and shown.source is Source.EXCEPTION:
        title = Line.of("frame of ", *fault.line(shown.fault).spans, hang=2)
    elif shown.fault is not None and shown.source is not None:
        title = Line.of(f"frame of interrupt {shown.fault.vector:#x} ({shown.source.value}, no error code)")
    else:
        title = Line.of("frame at the beginning of this ring's stack (ESP of the TSS)")
    from_where = "the same ring" if shown.outer == shown.ring else f"ring {shown.outer}, whose stack is left as it is"
    above = shown.slots[-1].address if shown.slots else shown.esp
    hidden = f"{count(shown.hidden, 'slot')} more down to ESP {hex32(shown.esp)}"
    return Lines.of(
        title,
        Line.of(note(f"interrupted: {from_where}; now ring {shown.ring}"), indent=2),
        slots(shown.slots, shown.esp).indented(2),
        Line.of(note(hidden), indent=2) if shown.hidden else None,
        Line.of(note(f"ESP {hex32(shown.esp)}"), indent=2) if not shown.hidden and above != shown.esp else None,
    )


def slots(shown: Sequence[Slot], top: int | None) -> Table:
    """Places on a stack, one below the other, and which of them is its top."""
    rows = (_row(slot, slot.address == top) for slot in shown)
    return table(rows, ("", "address", "value", "meaning", "pushed by"))


def _row(slot: Slot, is_top: bool) -> tuple[str | Span, ...]:
    value = "not mapped" if slot.value is None else sized(slot.value, slot.size)
    meaning = slot.meaning
    if slot.value is not None:
        if slot.meaning == "EFLAGS":
            meaning += f" [{flags_set(slot.value)}]"
        elif slot.meaning in ("CS", "SS"):
            meaning += f" (ring {slot.value & 3})"
    if slot.symbol:
        meaning = f"{meaning} <{slot.symbol}>".strip()
    if slot.pushed is not None:
        meaning += f" (was {sized(slot.pushed, slot.size)})"
    by = Span(slot.by, STRONG) if slot.by == PUSHED_BY_CPU else Span(slot.by)
    return (
        Span("ESP->" if is_top else "", STRONG),
        hex32(slot.address),
        value,
        Span(meaning, NAME if slot.symbol else ""),
        by,
    )
