"""`info idt`: the gates, vectors in a row with the same gate in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pagefault_lab.lab.tables import IdtEntry, IdtTable
from pagefault_lab.machine.faults import VECTORS
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.words import count, hex16, hex32


@view(IdtTable)
def idt_table(shown: IdtTable) -> Lines:
    """Vector, type, DPL, presence, and where it leads."""
    symbol = f" <{shown.symbol}>" if shown.symbol else ""
    heading = f"IDT at {hex32(shown.base)}{symbol}, limit {shown.limit:#x}: {count(len(shown.entries), 'gate')}"
    if not shown.entries:
        return Lines.of(
            Line.of(heading), Line.of(note("no vector can be delivered: any exception shuts the processor down"))
        )
    return Lines.of(
        Line.of(heading), table(rows(shown.entries), ("vector", "", "type", "DPL", "P", "leads to"), indent=2)
    )


def rows(entries: Sequence[IdtEntry]) -> Iterator[tuple[str | Span, ...]]:
    """Vectors and their mnemonic, type, DPL, P, where it leads."""
    for gate, group in groupby(entries, lambda entry: entry.gate):
        same = list(group)
        first, last = same[0], same[-1]
        vectors = str(first.vector) if first is last else f"{first.vector}-{last.vector}"
        known = VECTORS.get(first.vector)
        mnemonic = known.mnemonic if known is not None and first is last else ""
        if gate is None:
            yield Span(vectors, STRONG), mnemonic, "nothing is mapped there"
        elif not gate.belongs_in_idt:
            yield (
                Span(vectors, STRONG),
                mnemonic,
                "no gate",
                "",
                "",
                note("empty" if not gate.raw else f"{gate.raw:#018x}"),
            )
        else:
            yield (
                Span(vectors, STRONG),
                mnemonic,
                gate.kind.removeprefix("32-bit "),
                str(gate.dpl),
                str(int(gate.present)),
                _target(first),
            )


def _target(entry: IdtEntry) -> Span:
    gate = entry.gate
    assert gate is not None
    if gate.is_task_gate:
        return Span(f"TSS {hex16(gate.selector)}")
    symbol = f" <{entry.symbol}>" if entry.symbol else ""
    return Span(f"{hex16(gate.selector)}:{hex32(gate.offset)}{symbol}", NAME if symbol else "")
