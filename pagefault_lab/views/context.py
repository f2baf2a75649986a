"""`context`, and the upper part of the full-screen view: code, registers, the last translation, events, both stacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pagefault_lab.lab.context import Context
from pagefault_lab.lab.frames import Slot
from pagefault_lab.lab.stacks import BY_TSS, Stack
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.views import disassembly, page_walk, registers, timeline, tlb_hit, view
from pagefault_lab.views.lines import ADDRESS, BAD, NAME, STRONG, Block, Line, Lines, Row, Span, maybe, note
from pagefault_lab.views.panes import Pane, Panes
from pagefault_lab.views.words import doing, hex32, sized, who

WIDE: Final = 118  # columns from which on the panes show more
WIDEST: Final = 140  # columns from which on code is shown with its bytes
STEP: Final = 6  # columns for the number of a step
SHARES: Final = (9, 5, 8)  # rows of the three rows of panes where nobody says how many there are


@view(Context)
def context(shown: Context) -> Lines:
    """As high as its parts are, at most so that a screen of 24 rows has it all."""
    return Lines.of(Page(shown, SHARES, fills=False))


def filling(shown: Context, height: int) -> Lines:
    """The same in exactly so many rows; parts for which there is no room are left out."""
    return Lines.of(Page(shown, shares(height), fills=True))


def shares(height: int) -> tuple[int, int, int]:
    """The rows, with their rules, for code and registers, translation and events, stacks; 0 for what is left out."""
    if height < 13:
        return (height if height >= 6 else 0, 0, 0)
    walk = 0 if height < 17 else 4 if height < 24 else 6
    code = max(8, (height - walk) * 11 // 20)
    return code, walk, height - walk - code


@dataclass(frozen=True, slots=True)
class Page:
    """Three rows of panes. Their widths depend on that of the page."""

    shown: Context
    shares: tuple[int, int, int]
    fills: bool

    def indented(self, by: int) -> Block:
        """A page is as wide as the screen."""
        return self

    def rows(self, width: int, ascii_only: bool) -> Iterator[Row]:
        wide = width >= WIDE
        place, height = self.shown.place, self.shares[0] - 1
        parts = (
            (
                Pane(f"code: cpl{place.ring} {place.name}".rstrip(), self._code(height, with_bytes=width >= WIDEST)),
                Pane("registers, * changed", registers.compact(self.shown.registers), 66 if wide else 34),
            ),
            (
                self._translation(in_full=wide),
                Pane(self._when(), self._events(), 40 if wide else 30, ends=True),
            ),
            tuple(_stack(stack) for stack in self.shown.stacks),
        )
        for panes, most in zip(parts, self.shares, strict=True):
            if most:
                yield from Panes(panes, most, self.fills).rows(width, ascii_only)

    def _code(self, height: int, with_bytes: bool) -> Lines:
        """The next instruction in the upper third, and what surrounds it; where nothing is typed yet, that."""
        code = self.shown.code
        here = next((number for number, line in enumerate(code.lines) if line.here), None)
        lines = code.lines[max((len(code.lines) if here is None else here) - max(height // 3, 1), 0) :]
        rows = disassembly.disassembly(code._replace(lines=lines), with_bytes)
        if here is None:
            mark = Span("=>  ", STRONG)
            rows = Lines.of(rows, Line.of(mark, hex32(self.shown.place.address), note("  the next line goes here")))
        return rows

    def _translation(self, in_full: bool) -> Pane:
        found = self.shown.translation
        if found is None:
            return Pane("page walk", Lines.of(Line.of(note("nothing was translated yet, or paging is off"))))
        access = f"{who(found.user)} {doing(found.kind)} {hex32(found.linear)}"
        if isinstance(found, PageWalk):
            walked = (
                Lines.of(page_walk.lookups(found), page_walk.verdict(found)) if in_full else page_walk.compact(found)
            )
            return Pane(f"page walk: {access}", walked)
        return Pane(f"TLB: {access}", tlb_hit.tlb_hit(found) if in_full else tlb_hit.compact(found))

    def _when(self) -> str:
        step, present = self.shown.timeline.step, self.shown.timeline.present
        return f"step {step:,} of {present:,}" if present > step else f"timeline: step {step:,}"

    def _events(self) -> Lines:
        """What the processor did; for one who stands in the past, then where that is, and what comes next.

        Of more than there is room for, the last rows are shown: where one stands must be among them.
        """
        shown = self.shown.timeline
        happened = [(row.step, timeline.words(row.event, row.maps)) for row in shown.rows if row.event is not None]
        in_past = shown.present > shown.step
        numbers = [shown.step, *(step for step, _ in happened)]
        width = max(STEP, len(f"{max(numbers):,}") + in_past)  # with room for the mark
        rows = [_event(*each, width) for each in happened if each[0] < shown.step]
        if in_past:
            rows.append(Line.of(Span(f">{shown.step:>{width - 1},}  you are here", STRONG)))
            rows += [_event(*each, width) for each in happened if each[0] >= shown.step][:1]
        return Lines(tuple(rows)) if rows else Lines.of(Line.of(note("nothing yet")))


def _event(step: int, words: str, width: int) -> Line:
    return Line.of(f"{step:>{width},}  ", words, hang=width + 2)


def _stack(stack: Stack) -> Pane:
    """The highest address first, as pushes go; the top is the last row."""
    title = f"{'user' if stack.ring == 3 else 'kernel'} stack: {stack.told_by} {hex32(stack.top)}"
    if stack.told_by == BY_TSS:
        return Pane(title, Lines.of(Line.of(note("empty: what enters this ring pushes its frame below that"), hang=0)))
    if stack.missing:
        return Pane(title, Lines.of(Line.of(Span("nothing is mapped there", BAD))))
    return Pane(title, Lines(tuple(_slot(slot, slot.address == stack.top) for slot in stack.slots)), ends=True)


def _slot(slot: Slot, is_top: bool) -> Line:
    """`-> address  value  meaning <symbol>`, and who pushed it where there is room."""
    return Line.of(
        Span("-> " if is_top else "   ", STRONG),
        Span(hex32(slot.address), ADDRESS),
        "  ",
        f"{sized(slot.value, slot.size):<10}" if slot.value is not None else "not mapped",
        f"  {slot.meaning}" if slot.meaning else None,
        maybe(f"  <{slot.symbol}>", NAME) if slot.symbol else None,
        maybe(f"  {slot.by}") if slot.by else None,
    )
