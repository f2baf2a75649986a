"""`why ADDRESS`: whether an access would work now, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.asking import AskedAccess
from pagefault_lab.lab.decode import page_fault_error
from pagefault_lab.machine.events import TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import Mapped, PageWalk
from pagefault_lab.views import page_walk, tlb_hit, view
from pagefault_lab.views.asked_walk import changed, paging_is_off
from pagefault_lab.views.lines import BAD, GOOD, STRONG, Block, Line, Lines, Span
from pagefault_lab.views.links import error_code, judged, link, walked
from pagefault_lab.views.words import doing, error_words, hex32, named, rights, who


@view(AskedAccess)
def asked_access(asked: AskedAccess) -> Lines:
    """The links from the address to the verdict, and the error code that there would be."""
    address = asked.asked
    if asked.judged is None:
        return paging_is_off(address)
    fault = asked.judged.fault if isinstance(asked.judged, TlbHit) else asked.judged.end
    access = f"{who(asked.user)} {doing(asked.kind)} at {hex32(address.linear)}"
    access += named(address.linear, {address.linear: address.symbol})
    if isinstance(fault, Fault) and fault.error is not None:
        would = Span("it would fault now", BAD)
        links = [*judged(asked.judged, asked.written)]
        links += error_code(fault.error, page_fault_error(fault.error), error_words(fault))
    else:
        would = Span("it would work now", GOOD)
        links = [*_allowed(asked)]
    return Lines.of(Line.of("why ", Span(access, STRONG), ": ", would, hang=2), *links)


def _allowed(asked: AskedAccess) -> Iterator[Block | Lines]:
    """The walk or the TLB's entry by which it works; what the tables say otherwise."""
    physical = 0
    match asked.judged:
        case PageWalk(end=Mapped(physical)) as walk:
            yield from walked(walk)
            changes = page_walk.updates(walk)
            more = f"; it {changes}" if changes else ""
        case TlbHit(physical=physical) as hit:
            yield link("TLB", tlb_hit.entry(hit)[4:], f"  {rights(True, hit.page_writable, hit.page_user)}")
            more = ", without a walk"
    yield link(
        "verdict", Span(f"✓ {who(asked.user)} {doing(asked.kind)} allowed", GOOD), f": physical {hex32(physical)}{more}"
    )
    if asked.asked.stale and isinstance(asked.judged, TlbHit) and asked.asked.walk is not None:
        yield link("but", *tlb_hit.stale().spans)
        yield from page_walk.lookups(asked.asked.walk, effective=False).indented(2).blocks
        yield from changed(asked.asked).indented(2).blocks
