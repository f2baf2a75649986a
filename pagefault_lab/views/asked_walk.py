"""`walk ADDRESS`: the page tables, and whether the TLB would answer before them."""

from __future__ import annotations

from pagefault_lab.lab.asking import AskedWalk
from pagefault_lab.views import view, written
from pagefault_lab.views.lines import BAD, Line, Lines, Span, note
from pagefault_lab.views.page_walk import page_walk
from pagefault_lab.views.words import hex32, rights


@view(AskedWalk)
def asked_walk(asked: AskedWalk) -> Lines:
    """The walk; then what the TLB holds, if it holds the page."""
    if asked.walk is None:
        return paging_is_off(asked)
    names = {asked.linear: asked.symbol} if asked.symbol else {}
    return Lines.of(page_walk(asked.walk, names), cached(asked).indented(2))


def paging_is_off(asked: AskedWalk) -> Lines:
    """Without paging there is nothing to walk, and nothing to refuse."""
    return Lines.of(Line.of(f"paging is off (CR0.PG=0): physical {hex32(asked.linear)} is the same address"))


def cached(asked: AskedWalk) -> Lines:
    """What the TLB holds of the page, and who made that stale if it is."""
    entry = asked.cached
    if entry is None:
        return Lines.of(Line.of(note("TLB: does not hold the page, so an access would walk")))
    text = f"TLB: page {asked.linear >> 12:#07x} -> frame {entry.frame:#07x}  "
    text += rights(True, entry.writable, entry.user)
    if not asked.stale:
        return Lines.of(Line.of(text, note(": it answers without a walk")))
    return Lines.of(Line.of(text, Span(": STALE, yet it answers", BAD), hang=2), changed(asked))


def changed(asked: AskedWalk) -> Lines:
    """Who has changed the tables since the TLB read them, if it is known."""
    return Lines.of(written.line(asked.changed)) if asked.changed is not None else Lines()
