"""A translation that the TLB gave, or refused: the page tables were not read."""

from __future__ import annotations

from pagefault_lab.lab.walks import is_stale, refused_bit
from pagefault_lab.machine.events import TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, Line, Lines, Span, maybe, note
from pagefault_lab.views.page_walk import FLAGS_AT, lookups
from pagefault_lab.views.words import doing, hex32, rights, who


@view(TlbHit)
def tlb_hit(hit: TlbHit) -> Lines:
    """The entry that answered, and the bit that refused if it did; then the tables, which nobody read."""
    allowed = rights(True, hit.page_writable, hit.page_user)
    if hit.fault is None:
        return Lines.of(
            Line.of(f"{entry(hit)}  {allowed}", Span("  ✓ OK", GOOD), f": physical {hex32(hit.physical)}"),
        )
    return Lines.of(
        Line.of(f"{entry(hit).ljust(FLAGS_AT)}{allowed}", Span(f"     <- {refused_bit(hit)}=0", BAD)),
        tables(hit),
        refusal(hit),
    )


def compact(hit: TlbHit) -> Lines:
    """The entry and the verdict, for a narrow pane."""
    end = Line.of(Span("✓ OK", GOOD), f": physical {hex32(hit.physical)}, without a walk")
    return Lines.of(
        Line.of(f"{entry(hit)}  {rights(True, hit.page_writable, hit.page_user)}"),
        end if hit.fault is None else Line(refusal(hit).spans[:1]),
    )


def entry(hit: TlbHit) -> str:
    """`TLB page 0x0804c -> frame 0x00108`."""
    return f"TLB page {hit.linear >> 12:#07x} -> frame {hit.physical >> 12:#07x}"


def tables(hit: TlbHit) -> Lines:
    """What the page tables say of an access that the TLB refused."""
    if hit.tables is None:
        return Lines()
    if is_stale(hit):
        heading = stale()
    else:
        heading = Line.of(note("the tables, which were not read, say the same:"))
    return Lines.of(heading, lookups(hit.tables, effective=False))


def stale() -> Line:
    """That the tables, which follow, contradict the entry."""
    return Line.of(Span("STALE", BAD), ": the tables, which were not read, say otherwise:")


def outdated(hit: TlbHit, tables: PageWalk) -> Lines:
    """The entry that allowed an access, against what the tables say of it."""
    allowed = rights(True, hit.page_writable, hit.page_user)
    return Lines.of(
        Line.of(f"{entry(hit).ljust(FLAGS_AT)}{allowed}"),
        stale(),
        lookups(tables, effective=False),
    )


def refusal(hit: TlbHit) -> Line:
    """Why the entry does not allow the access."""
    origin = text = ""
    if hit.tables is not None and isinstance(hit.tables.end, Fault) and not is_stale(hit):
        rule = hit.tables.verdict
        assert rule is not None
        origin = f", from the {rule.level}"
        text = f" (rule: {rule.text})"
    return Line.of(
        Span(f"✗ {who(hit.user)} {doing(hit.kind)} refused: {refused_bit(hit)}=0 in the TLB entry{origin}", BAD),
        maybe(text),
        hang=2,
    )
