"""`help MNEMONIC`: what the declaration of an instruction says."""

from __future__ import annotations

from pagefault_lab.lab.manual import InstructionHelp
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.words import paragraphs


@view(InstructionHelp)
def instruction_help(page: InstructionHelp) -> Lines:
    """The summary, the rows with their encodings, the examples."""
    rows = table([(Span(row.pattern, STRONG), row.encoding) for row in page.rows], indent=2)
    examples = table(
        [
            (example.before, Span(example.line, STRONG), f"-> {example.after}", note(example.bytes))
            for example in page.examples
        ],
        optional=(3,),
        indent=2,
    )
    return Lines.of(
        Line.of(Span(page.name, STRONG), f": {page.summary}", hang=2),
        *(Line.of(text, indent=2, hang=0) for text in paragraphs(page.text)),
        Line.of(note("written, and encoded")) if page.rows else None,
        rows,
        Line.of(note("for example")) if page.examples else None,
        examples,
    )
