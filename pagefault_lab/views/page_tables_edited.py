"""`map`, `unmap`, `protect`: entries before and after, and what both levels then allow."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.page_tables import EntryEdit, PageTablesEdited
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import USER, WRITABLE
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, Line, Lines, Span, note, table
from pagefault_lab.views.page_walk import refusal
from pagefault_lab.views.words import count, entry_flags, hex32, rights

MOST = 12  # entries; of more the number is told


@view(PageTablesEdited)
def page_tables_edited(edited: PageTablesEdited) -> Lines:
    """A row for each entry; the frames that were taken; the rights that the first page now has."""
    shown, more = edited.edits[:MOST], len(edited.edits[MOST:])
    return Lines.of(
        table(map(_row, shown), ("page", "", "at", "before", "after"), optional=(2,)),
        Line.of(f"and {count(more, 'entry').replace('entrys', 'entries')} more") if more else None,
        *_taken(edited),
        *_allowed(edited),
    )


def _row(edit: EntryEdit) -> tuple[str | Span, ...]:
    before, after = (f"{hex32(entry)} {entry_flags(entry)}" for entry in (edit.before, edit.after))
    return hex32(edit.linear), edit.level, hex32(edit.address), before, after


def _taken(edited: PageTablesEdited) -> Iterator[Line]:
    if len(edited.edits) == 2 and edited.edits[0].level == "PDE":
        yield Line.of("a page table was made", note(": in this page directory only"))
    if edited.taken:
        frames = ", ".join(hex32(number << 12) for number in reversed(edited.taken))
        yield Line.of(f"taken from free memory, and now zeros: {frames}")


def _allowed(edited: PageTablesEdited) -> Iterator[Line]:
    """What the first page may now be used for, if it is present; where its directory entry denies it."""
    walk = edited.now
    if not walk.lookups[-1].present:
        return
    if isinstance(walk.end, Fault):
        yield refusal(walk)
        return
    name = Span(f" <{edited.symbol}>" if edited.symbol else "", NAME)
    yield Line.of("both levels allow: ", rights(True, walk.end.writable, walk.end.user), name)
    pde, leaf = walk.lookups[0], walk.lookups[-1]
    for bit, name_of_bit, field in ((WRITABLE, "R/W", "writable"), (USER, "U/S", "user")):
        if leaf.entry & bit and not pde.entry & bit:
            hint = f"`set pde({hex32(walk.linear)}).{field} = 1`"
            yield Line.of(f"the PDE still denies it: {name_of_bit}=0", note(f"; {hint} is for all its 4 MiB"), hang=2)
