"""AT&T assembly for pygments: what listings and the typed line are coloured with."""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text

_REGISTER = r"e?(?:[a-d]x|[sd]i|[sb]p|ip|flags)|[a-d][lh]|[c-gs]s|cr[0234]|dr[0-7]"  # $eax is one in an expression
_NAME = r"[A-Za-z_.$][\w.$]*"


class AttLexer(RegexLexer):  # type: ignore[misc]  # pygments has no types
    """Assembly as GNU as for i386 reads it. With `operands_only` the text begins behind the mnemonic."""

    name = "AT&T i386 assembly"
    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"[ \t]+", Text),
            (r"[\n;]", Punctuation),
            (r"#.*", Comment.Single),
            (r"/\*[\s\S]*?\*/", Comment.Multiline),
            (rf"({_NAME}|\d+)(\s*)(:)", bygroups(Name.Label, Text, Punctuation)),
            (rf"({_NAME})(\s*)(=)", bygroups(Name.Label, Text, Operator), "operands"),
            (rf"\.{_NAME}", Keyword.Pseudo, "operands"),
            (r"(?:lock|repn?[ez]?|[c-gs]s|data16|addr16)\b", Keyword.Pseudo),
            (_NAME, Name.Function, "operands"),
            (r"0[xX][0-9a-fA-F]+|\d+", Number),
            (r".", Text),
        ],
        "operands": [
            (r"[ \t]+", Text),
            (r"[\n;]", Punctuation, "#pop"),
            (r"#.*", Comment.Single),
            (r"/\*[\s\S]*?\*/", Comment.Multiline),
            (rf"%\w+|\$(?:{_REGISTER})\b", Name.Variable),
            (r'"(?:\\.|[^"\\\n])*"?', String),
            (r"'(?:\\.|.)'?", String.Char),
            (r"\d+[fb]\b", Name.Label),
            (r"0[xX][0-9a-fA-F]+|0[bB][01]+|\d+", Number),
            (r"\$", Operator),
            (_NAME, Name),
            (r"[-+*/%&|^~!<>=]+", Operator),
            (r".", Punctuation),
        ],
    }

    def __init__(self, operands_only: bool = False, **options: Any) -> None:
        super().__init__(stripnl=False, ensurenl=False, **options)
        self._stack = ("root", "operands") if operands_only else ("root",)

    def get_tokens_unprocessed(self, text: str, stack: Any = None) -> Any:
        return super().get_tokens_unprocessed(text, stack or self._stack)
