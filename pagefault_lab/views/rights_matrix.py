"""`matrix ADDRESS`: a row for each privilege and CR0.WP, a column for each kind of access."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pagefault_lab.lab.matrix import RightsMatrix
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, STRONG, Line, Lines, Part, Span, note, table
from pagefault_lab.views.page_walk import lookups, split
from pagefault_lab.views.words import doing, hex32, named, rights, who

NOW = "->"


@view(RightsMatrix)
def rights_matrix(matrix: RightsMatrix) -> Lines:
    """The entries, then the table, then the TLB if it says otherwise."""
    linear, names = matrix.linear, {matrix.linear: matrix.symbol}
    if not matrix.walks:
        return Lines.of(
            Line.of(f"matrix {hex32(linear)}{named(linear, names)}: paging is off (CR0.PG=0), so nothing is refused:"),
            Line.of(f"every access goes to physical {hex32(linear)}, whatever CPL and WP are", indent=2),
        )
    first = matrix.walks[0]
    return Lines.of(
        Line.of(f"matrix {hex32(linear)}{named(linear, names)}: {split(first)}", hang=2),
        lookups(supervisors_read(matrix)).indented(2),
        table(_rows(matrix), ("", "", "", *map(doing, Kind))),
        Line.of(f"{NOW} now: CPL {matrix.cpl}, CR0.WP={int(matrix.write_protect)}"),
        _stale(matrix),
    )


def supervisors_read(matrix: RightsMatrix) -> PageWalk:
    """The walk that fewest rules can end: by it the entries are shown, and no more is blamed on them than on all."""
    return next(walk for walk in matrix.walks if not walk.user and walk.kind is Kind.READ)


def _rows(matrix: RightsMatrix) -> Iterator[tuple[Part, ...]]:
    for (user, write_protect), walks in groupby(matrix.walks, lambda walk: (walk.user, walk.write_protect)):
        now = (user, write_protect) == (matrix.cpl == 3, matrix.write_protect)
        yield Span(NOW if now else "", STRONG), who(user), f"WP={int(write_protect)}", *map(_cell, walks)


def _cell(walk: PageWalk) -> Span:
    """`#PF 0x7 PTE.R/W=0`, or `✓ OK: P U/S` with the bits that both levels had to have."""
    if isinstance(walk.end, Fault):
        rule = walk.rules[-1]
        bit = f"{rule.bit}=0" if rule.bit in ("P", "U/S", "R/W") else rule.bit
        return Span(f"#PF {walk.end.error:#x} {rule.level}.{bit}", BAD)
    judged = dict.fromkeys(rule.bit for rule in walk.rules if rule.bit in ("P", "U/S", "R/W"))
    return Span(f"✓ OK: {' '.join(judged)}", GOOD)


def _stale(matrix: RightsMatrix) -> Line | None:
    entry = matrix.cached
    if entry is None or not matrix.stale:
        return None
    held = f"page {matrix.linear >> 12:#07x} -> frame {entry.frame:#07x}  {rights(True, entry.writable, entry.user)}"
    return Line.of(Span("STALE", BAD), f": the TLB holds {held}, and answers first", note(f"; {matrix.stale}"), hang=2)
