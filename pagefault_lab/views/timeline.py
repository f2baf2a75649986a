"""What happened, as a list to jump to."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.chronicle import Event
from pagefault_lab.lab.travel import Timeline, TimelineRow
from pagefault_lab.lab.walks import Maps
from pagefault_lab.machine.faults import PAGE_FAULT, Fault
from pagefault_lab.machine.notices import What
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.words import entry_flags, hex32, printable


@view(Timeline)
def timeline(shown: Timeline) -> Lines:
    """A row for each event and line, `>` where the session stands, and what is left out."""
    here = f"step {shown.step}"
    if shown.step != shown.present:
        here += f" of {shown.present}"
    heading = Line.of(f"the history has steps {shown.first} to {shown.present}; you are at ", Span(here, STRONG))
    if not shown.rows:
        return Lines.of(heading, Line.of(note("nothing of what was asked for has happened in it"), indent=2))
    rows = list(_rows(shown))
    more = [
        f"{shown.earlier} earlier" if shown.earlier else "",
        f"{shown.later} later" if shown.later else "",
    ]
    left = ", ".join(filter(None, more))
    return Lines.of(
        heading,
        table(rows, ("", "step", "what", ""), right=(1,)),
        Line.of(note(f"{left}: `timeline COUNT` shows more, `goto STEP` goes there"), indent=2, hang=2)
        if left
        else None,
    )


def _rows(shown: Timeline) -> Iterator[tuple[str | Span, ...]]:
    """The table's cells; the place where the session stands has its own row if no event is there."""
    marked = False
    for row in shown.rows:
        here = not marked and row.step >= shown.step and shown.step != shown.present
        if here and row.step > shown.step:
            yield ">", str(shown.step), Span("you are here", STRONG), ""
        marked = marked or here
        yield ">" if here and row.step == shown.step else "", str(row.step), *_told(row)
    if not marked:
        yield ">", str(shown.step), Span("you are here", STRONG), ""


def _told(row: TimelineRow) -> tuple[str | Span, str | Span]:
    if row.event is None:
        return Span(f"line: {printable(row.line).partition(chr(10))[0]}", STRONG), ""
    number = f"fault {row.fault}: " if row.fault is not None else ""
    return number + words(row.event, row.maps), Span(row.name and f"<{row.name}>", NAME)


def words(event: Event, maps: Maps | None = None) -> str:
    """What the processor did, in a few words; `maps`: what the entry is for that it wrote, if that is known."""
    numbers = event.numbers
    match event.what:
        case What.FAULT:
            vector, error, linear = numbers
            told = Fault(vector, error if error >= 0 else None).row.mnemonic
            told += f" {error:#x}" if error >= 0 else ""
            return told + (f" cr2={hex32(linear)}" if vector == PAGE_FAULT else "")
        case What.INTERRUPT:
            return f"{'interrupt' if numbers[1] else 'INT'} {numbers[0]:#x}"
        case What.RING:
            return f"CPL {numbers[0]} -> {numbers[1]}"
        case What.CR0 | What.CR3 | What.CR4:
            return f"{event.what.value} = {hex32(numbers[1])} (was {hex32(numbers[0])})"
        case What.IDT | What.GDT:
            return f"{event.what.value}r: base {hex32(numbers[0])} limit {numbers[1]:#x}"
        case What.LDT | What.TASK:
            return f"{'ldtr' if event.what is What.LDT else 'tr'} = {numbers[0]:#06x}"
        case What.TABLE:
            place, before, after = numbers
            which = f"{maps.level} of {hex32(maps.linear)}" if maps is not None else f"entry at {hex32(place)}"
            return f"{which}: {_entry(before)} -> {_entry(after)}"
        case What.PORT:
            port, value, size, written = numbers
            return f"{'OUT to' if written else 'IN from'} {port:#x}: {value:#0{2 + 2 * size}x}"
        case What.FLUSH:
            return f"INVLPG {hex32(numbers[0])}"
        case What.SHUTDOWN:
            return "shutdown"


def _entry(entry: int) -> str:
    return f"{entry >> 12:05x} {entry_flags(entry)}" if entry & 1 else f"{entry:#x}"
