"""Text to bytes and back: AT&T syntax as GNU as reads it.

    program = assemble("start: movl $5,%eax; jmp start", origin=0x100000)
    program.image(), program.symbols["start"].value, program.lines

Whatever is wrong with the text is a `Problem` (several at once: `Problems`) with line, column and what would fit;
no text raises anything else. `assemble_line` is the prompt's: one typed line at an address; it raises `Unfinished` if
more lines are needed. `is_statement` tells whether a typed line is for the assembler at all.
"""

from __future__ import annotations

from pagefault_lab.assembler.api import (
    Unfinished,
    assemble,
    assemble_line,
    directive_help,
    is_statement,
    statement_words,
)
from pagefault_lab.assembler.macros import Macro
from pagefault_lab.assembler.program import Line, Program, Relocation, Section, Symbol, listing

__all__ = [
    "Line",
    "Macro",
    "Program",
    "Relocation",
    "Section",
    "Symbol",
    "Unfinished",
    "assemble",
    "assemble_line",
    "directive_help",
    "is_statement",
    "listing",
    "statement_words",
]
