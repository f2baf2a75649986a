"""Colours for the line being typed: commands, instructions, registers, numbers. An unknown word has none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

if TYPE_CHECKING:
    from pagefault_lab.terminal.opening import Opening

DEBUG = bool(os.environ.get("PAGEFAULT_LAB_DEBUG"))


class LineLexer(Lexer):
    """Lexes what is typed, as soon as the session that knows the words is open."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        def fragments(number: int) -> StyleAndTextTuples:
            line = document.lines[number] if number < len(document.lines) else ""
            if not line or not self._opening.ready:
                return [("", line)]
            try:
                return styled(line)
            except Exception:  # our bug, but colours are not worth a line that was typed
                if DEBUG:
                    raise
                return [("", line)]

        return fragments


def styled(line: str) -> StyleAndTextTuples:
    """A line in pieces with prompt_toolkit's names for the styles of pygments' tokens."""
    from pygments.token import Name

    from pagefault_lab.assembler import is_statement
    from pagefault_lab.commands import find
    from pagefault_lab.problem import Problem
    from pagefault_lab.views.att_lexer import AttLexer

    pieces: StyleAndTextTuples = []
    start = 0
    try:
        found = find(line)
    except Problem:
        found = None
    if found is not None:
        start = found.rest
        pieces.append(("class:pygments.keyword", line[:start]))
    known = found is not None or is_statement(line)
    for token, text in AttLexer(operands_only=found is not None).get_tokens(line[start:]):
        style = ".".join(token).lower() if known or token is not Name.Function else ""
        pieces.append((f"class:pygments.{style}" if style else "", text))
    return pieces
