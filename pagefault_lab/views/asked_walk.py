"""`walk ADDRESS`: the page tables, and whether the TLB would answer before them."""

from __future__ import annotations

from pagefault_lab.lab.walks import AskedWalk
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, Line, Lines, Span, note
from pagefault_lab.views.page_walk import page_walk
from pagefault_lab.views.words import hex32, rights


@view(AskedWalk)
def asked_walk(asked: AskedWalk) -> Lines:
    """The walk; then what the TLB holds, if it holds the page."""
    walk = asked.walk
    names = {asked.linear: asked.symbol} if asked.symbol else {}
    if walk is None:
        return Lines.of(Line.of(f"paging is off (CR0.PG=0): physical {hex32(asked.linear)} is the same address"))
    return Lines.of(page_walk(walk, names), _cached(asked))


def _cached(asked: AskedWalk) -> Line:
    entry = asked.cached
    if entry is None:
        return Line.of(note("TLB: does not hold the page, so an access would walk"), indent=2)
    rights_held = rights(True, entry.writable, entry.user)
    text = f"TLB: page {asked.linear >> 12:#07x} -> frame {entry.frame:#07x}  {rights_held}"
    if not asked.stale:
        return Line.of(text, note(": it answers without a walk"), indent=2)
    return Line.of(text, Span(": STALE, yet it answers", BAD), indent=2, hang=2)
