"""Colours tell words apart, and lose none."""

import pytest

from pagefault_lab.terminal.highlight import styled


def styles(line: str) -> dict[str, str]:
    """The style of each word."""
    return {text.strip(): style.removeprefix("class:pygments.") for style, text, *_ in styled(line) if text.strip()}


def test_commands_instructions_and_unknown_words_differ() -> None:
    assert styles("walk $esp") == {"walk": "keyword", "$esp": "name.variable"}
    assert styles("pushl %eax")["pushl"] == "name.function"
    assert styles("frobnicate 1")["frobnicate"] == ""


def test_operands_are_told_apart() -> None:
    assert styles('1: movl $0x5,table(%ebx,%ecx,4) # "note"') == {
        "1": "name.label", ":": "punctuation", "movl": "name.function", "$": "operator", "0x5": "literal.number",
        ",": "punctuation", "table": "name", "(": "punctuation", "%ebx": "name.variable", "%ecx": "name.variable",
        "4": "literal.number", ")": "punctuation", '# "note"': "comment.single",
    }  # fmt: skip


LINES = ["", " ", "movl", '.asciz "a\\"b', "'a", "/* open", "1b", "\x00é日本", "info idt 14", "x/8xw $esp", "#", ";;"]


@pytest.mark.parametrize("line", LINES)
def test_no_character_is_lost(line: str) -> None:
    assert "".join(text for _, text, *_ in styled(line)) == line
