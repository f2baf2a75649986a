"""The blocks of a lesson that act, among its Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.problem import closest

if TYPE_CHECKING:
    from pagefault_lab.tutor.reading.file import File

BLOCKS: Final[dict[str, tuple[str, ...]]] = {  # with the words that may follow
    "lab": ("fresh", "aside", "quiet"), "asm": ("aside", "quiet"), "show": (),
}  # fmt: skip
EXERCISES: Final[dict[str, tuple[str, ...]]] = {"task": (), "ask": (), "predict": ()}
OPTIONS: Final = {**BLOCKS, **EXERCISES}
_LANGUAGES: Final = frozenset(  # that are like a word above, and are none
    ("as", "awk", "gas", "haskell", "lua", "masm", "matlab", "nasm", "pas", "sas", "sh", "tasm", "ts")
)


class Fence(NamedTuple):
    """A block that acts, in the lines of the file from index `start` to before `end`; without a word, a pause."""

    start: int
    end: int
    word: str
    options: list[str]
    lines: list[str]


def fences(file: File, first: int) -> Iterator[Fence]:
    """What acts, or ends a part, from the line of this index on."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark")
    markdown.core.ruler.enableOnly(["normalize", "block"])  # what stands inside of paragraphs is for views
    for token in markdown.parse("\n".join(file.lines[first:])):
        if token.map is None:
            continue
        start, end = (first + line for line in token.map)
        word, *options = token.info.split() or [""]
        if token.type == "hr" and token.markup.startswith("-") and not token.level:
            yield Fence(start, end, "", [], [])
        elif token.type == "fence" and _is_whole(file, token.markup, token.level, word, start, end):
            known = _knows(file, word, start)
            if known and token.level:
                complain_of_word(file, start, word, f"a {word} block cannot stand in a list or a quotation", None)
            elif known:
                yield Fence(start, end, word, options, token.content.split("\n")[:-1])


def _is_whole(file: File, markup: str, level: int, word: str, start: int, end: int) -> bool:
    """Whether a fence is closed, and before another block begins. In a list or a quotation, the end of that closes
    it too."""
    for at in range(start + 1, end if word in OPTIONS else start):
        if file.lines[at].startswith(markup) and file.lines[at].strip(markup[0]).split(" ")[0] in OPTIONS:
            sentence = f"this block is not closed before another one begins, in line {at + 1}"
            file.complain(sentence, f"{markup} in a line of its own", start + 1)
            return False
    last = file.lines[end - 1].strip()
    if level or (end - 1 > start and last.startswith(markup) and not last.strip(markup[0])):
        return True
    file.complain("this block is never closed", f"{markup} in a line of its own", start + 1)
    return False


def _knows(file: File, word: str, start: int) -> bool:
    """Whether this is the word of a block that acts; something very like one is a mistake."""
    if word in OPTIONS:
        return True
    if word not in _LANGUAGES and (hint := closest(word.casefold(), OPTIONS)):
        complain_of_word(file, start, word, f"there is no block {word}", hint)
    return False


def check_options(file: File, fence: Fence) -> None:
    """Complain about words behind that of the block which it does not take."""
    known = OPTIONS[fence.word]
    for option in fence.options:
        if option not in known:
            hint = closest(option, known) or (f"there is {', '.join(known)}" if known else "leave it out")
            complain_of_word(file, fence.start, option, f"{fence.word} takes no {option}", hint)


def complain_of_word(file: File, index: int, word: str, sentence: str, hint: str | None) -> None:
    """Keep a problem of a word in the line of this index."""
    file.complain(sentence, hint, index + 1, max(file.lines[index].find(word), 0))
