"""Assembly in colour: the pieces of an instruction's text with the styles of their tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pygments.token import Comment, Keyword, Name, Number, String

from pagefault_lab.views.att_lexer import AttLexer

STYLES: Final[dict[Any, str]] = {
    Keyword: "code.directive",
    Name.Function: "code.mnemonic",
    Name.Variable: "code.register",
    Name.Label: "code.label",
    Number: "code.number",
    String: "code.string",
    Comment: "code.comment",
}


def coloured(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with the style of its token, or of what that is a kind of."""
    for token, piece in AttLexer().get_tokens(text):
        yield piece, next((STYLES[kind] for kind in reversed(token.split()) if kind in STYLES), "")
