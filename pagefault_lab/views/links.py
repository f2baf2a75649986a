"""The links of a chain of reasons that more than one view has: a title at the left, what it is at the right."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.authors import Written
from pagefault_lab.lab.decode import Decoded
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.paging import PageWalk, Rule
from pagefault_lab.views import page_walk, tlb_hit, written
from pagefault_lab.views.lines import BAD, STRONG, Block, Line, Lines, Span, table
from pagefault_lab.views.words import doing, hex32, rights, who

WIDTH = 12  # of the titles


def link(title: str, *parts: str | Span | None) -> Line:
    """One of them."""
    return Line.of(Span(title.ljust(WIDTH), STRONG), *parts, hang=WIDTH)


def judged(translation: PageWalk | TlbHit, author: Written | None) -> Iterator[Block | Lines]:
    """How paging refused an access: by a walk or by the TLB's entry, and who last wrote the entry to blame."""
    match translation:
        case PageWalk() as walk:
            yield from walked(walk)
            yield from because(author)
            yield link("rule", _demand(walk))
            failed = _failed(walk)
            refused = f"✗ {who(walk.user)} {doing(walk.kind)} refused: {page_walk.failed_bit(failed)}"
            yield link("verdict", Span(f"{refused} in the {failed.level}", BAD))
        case TlbHit() as hit:
            yield link("TLB", tlb_hit.entry(hit)[4:], f"  {rights(True, hit.page_writable, hit.page_user)}")
            yield from tlb_hit.tables(hit).indented(2).blocks
            yield from because(author)
            yield link("verdict", *tlb_hit.refusal(hit).spans)


def because(author: Written | None) -> Iterator[Line]:
    """Who wrote what is to blame, if it is known."""
    if author is not None:
        yield link("because", *written.line(author).spans)


def walked(walk: PageWalk) -> Iterator[Block | Lines]:
    """The entries of a walk, where each was read, and the bits that were judged."""
    yield link("walk", f"{hex32(walk.linear)}: {page_walk.split(walk)}")
    yield from page_walk.lookups(walk).indented(2).blocks
    yield link("rights", *page_walk.rules_judged(walk).spans[1:])


def _failed(walk: PageWalk) -> Rule:
    rule = walk.verdict
    assert rule is not None
    return rule


def _demand(walk: PageWalk) -> str:
    """What the failed rule asks for, and of whom."""
    rule = _failed(walk)
    if rule.bit == "R/W":
        whose = "a user's write" if walk.user else f"a write of the supervisor, as CR0.WP={int(walk.write_protect)},"
        return f"{whose} needs R/W=1 in both levels"
    if rule.bit == "U/S":
        return "an access at CPL 3 needs U/S=1 in both levels"
    return rule.text + ("; a fetch counts as a read" if walk.kind is Kind.FETCH else "")


def error_code(error: int | None, bits: Decoded | None, words: str) -> Iterator[Block | Lines]:
    """The error code bit by bit."""
    if error is None:
        yield link("error code", "none: this exception has no error code")
        return
    yield link("error code", f"{error:#x}", f" [{words}]" if words else None)
    if bits is None:
        return
    cells = []
    for bit in bits.fields:
        if bit.meaning and (bit.value or bit.name not in ("I/D", "RSVD")):
            value = str(bit.value) if bit.high == bit.low else f"{bit.value:#x}"
            cells.append((Span(f"{bit.name}={value}", STRONG), bit.meaning))
    yield table(cells, indent=WIDTH)
