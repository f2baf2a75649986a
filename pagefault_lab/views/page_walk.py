"""A page walk: where each entry lay, what it said, what both levels allow, and the verdict."""

from __future__ import annotations

from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import ACCESSED, DIRTY, Lookup, Mapped, PageWalk, Rule
from pagefault_lab.views import view
from pagefault_lab.views.lines import ADDRESS, BAD, GOOD, Line, Lines, Span, maybe, note
from pagefault_lab.views.words import NO_NAMES, Names, doing, entry_flags, hex32, named, rights, who


@view(PageWalk)
def page_walk(walk: PageWalk, names: Names = NO_NAMES) -> Lines:
    """The walk with its index split, entry by entry."""
    return Lines.of(
        Line.of(
            f"walk {hex32(walk.linear)}: {split(walk)}, {who(walk.user)} {doing(walk.kind)}",
            maybe(named(walk.linear, names)),
            hang=2,
        ),
        lookups(walk).indented(2),
        verdict(walk).indented(2),
    )


def split(walk: PageWalk) -> str:
    """How the linear address is split: `directory 0x020, table 0x049, offset 0x000`; a 4 MiB page has no table."""
    linear = walk.linear
    directory = f"directory {linear >> 22:#05x}"
    if len(walk.lookups) == 1 and walk.lookups[0].present:
        return f"{directory}, offset {linear & 0x3FFFFF:#08x}"
    return f"{directory}, table {linear >> 12 & 0x3FF:#05x}, offset {linear & 0xFFF:#05x}"


def lookups(walk: PageWalk, effective: bool = True) -> Lines:
    """One line for each entry that was read, and, if `effective`, one for what both levels together allow."""
    failed = walk.verdict
    lines = []
    for lookup in walk.lookups:
        to_blame = failed is not None and failed.level == lookup.level
        lines.append(_lookup(lookup, failed if to_blame else None))
    if effective and len(walk.lookups) > 1:
        pde, pte = walk.lookups
        present = pde.present and pte.present
        if present:
            both = rights(True, pde.writable and pte.writable, pde.user and pte.user)
            lines.append(Line.of(note("both levels allow".ljust(FLAGS_AT)), both))
    return Lines(tuple(lines))


def compact(walk: PageWalk) -> Lines:
    """A line for each entry, without where it lies, and the verdict: for a narrow pane."""
    failed = walk.verdict
    blamed = {failed.level: Span(f" <- {failed_bit(failed)}", BAD)} if failed is not None else {}
    entries = (
        Line.of(
            f"{lookup.level}[{lookup.index:#05x}] ",
            Span(hex32(lookup.entry), ADDRESS),
            f"  {entry_flags(lookup.entry)}",
            blamed.get(lookup.level),
        )
        for lookup in walk.lookups
    )
    end = Line(refusal(walk).spans[:1]) if isinstance(walk.end, Fault) else verdict(walk).blocks[-1]
    return Lines.of(*entries, end)


FLAGS_AT = 55  # the column of the flags in `_lookup`


def _lookup(lookup: Lookup, failed: Rule | None) -> Line:
    base = f"{'cr3 ' if lookup.level == 'PDE' else ''}{hex32(lookup.table)}"
    place = f"{lookup.level} {base:>14} + {lookup.index:#05x}*4 = {hex32(lookup.address)}: "
    return Line.of(
        place,
        Span(hex32(lookup.entry), ADDRESS),
        "  ",
        entry_flags(lookup.entry),
        Span(f" <- {failed_bit(failed)}", BAD) if failed is not None else None,
    )


def failed_bit(rule: Rule) -> str:
    """`R/W=0`: the bit by which a rule failed, with the value that it had."""
    return f"{rule.bit}=0" if rule.bit in ("P", "U/S", "R/W") else f"bits {rule.bit} are not 0"


def rules_judged(walk: PageWalk) -> Line:
    """The rules in the order in which they were judged, each by the entry and the bit that decides."""
    parts: list[str | Span] = []
    for rule in walk.rules:
        sign = Span("✓ ", GOOD) if rule.holds else Span("✗ ", BAD)
        parts += [sign, f"{rule.level}.{rule.bit}  "]
    parts[-1] = str(parts[-1]).rstrip()
    return Line.of(note("judged  "), *parts)


def verdict(walk: PageWalk) -> Lines:
    """OK and where it leads, or the rule that failed, at which level, by which bit."""
    match walk.end:
        case Mapped(physical):
            changed = updates(walk)
            return Lines.of(
                Line.of(
                    Span("✓ OK", GOOD),
                    f": physical {hex32(physical)}",
                    note(f"; {changed}") if changed else None,
                )
            )
        case Fault():
            return Lines.of(*([rules_judged(walk)] if len(walk.rules) > 1 else []), refusal(walk))


def refusal(walk: PageWalk) -> Line:
    """Why a walk ended in a fault, in one sentence."""
    rule = walk.verdict
    assert rule is not None
    access = f"{who(walk.user)} {doing(walk.kind)}"
    fetch = "; a fetch counts as a read" if walk.kind is Kind.FETCH else ""
    return Line.of(
        Span(f"✗ {access} refused: {failed_bit(rule)} in the {rule.level}", BAD),
        f" (rule: {rule.text}{fetch})",
        hang=2,
    )


def updates(walk: PageWalk) -> str:
    """`sets A in the PDE, A D in the PTE`: what a finished walk changes in its entries."""
    found = []
    changed = dict(walk.updates())
    for lookup in walk.lookups:
        if lookup.address in changed:
            new = changed[lookup.address] & ~lookup.entry
            bits = " ".join(name for bit, name in ((ACCESSED, "A"), (DIRTY, "D")) if new & bit)
            found.append(f"{bits} in the {lookup.level}")
    return "sets " + ", ".join(found) if found else ""


def condensed(walk: PageWalk) -> Line:
    """A walk that ended well, in one line, where it is not the story."""
    flags = ", ".join(f"{lookup.level} {entry_flags(lookup.entry)}" for lookup in walk.lookups)
    changed = updates(walk)
    reason = "fetch" if walk.kind is Kind.FETCH else doing(walk.kind)
    assert isinstance(walk.end, Mapped)
    return Line.of(
        note(f"{reason} walk {hex32(walk.linear)}: {flags}: "),
        Span("✓ OK", GOOD),
        maybe(f", physical {hex32(walk.end.physical)}"),
        maybe(f"; {changed}" if changed else ""),
    )
