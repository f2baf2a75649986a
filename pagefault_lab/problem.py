"""What is said to a learner when a line is wrong: one sentence, where, and what would fit.

A `Problem` is the learner's, never the guest's (those are `Fault` values) and never ours (those are other exceptions).
Only the prompt, scripts and the command line catch it.
"""

from __future__ import annotations

from collections.abc import Iterable


class Problem(Exception):
    """One wrong line.

    `sentence` says what is wrong; `hint` what was expected or would fit. `text` is the line as written, `column` the
    0-based place in it where a caret belongs, `line` its 1-based number in `file`. `trail` tells how the place was
    reached when it was not typed there ("in macro save, defined at line 3", ...), innermost first.
    """

    def __init__(
        self,
        sentence: str,
        hint: str | None = None,
        *,
        text: str | None = None,
        column: int | None = None,
        line: int | None = None,
        file: str | None = None,
        trail: tuple[str, ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.text = text
        self.column = column
        self.line = line
        self.file = file
        self.trail = trail

    def placed(
        self,
        *,
        text: str | None = None,
        column: int | None = None,
        line: int | None = None,
        file: str | None = None,
        trail: tuple[str, ...] = (),
    ) -> Problem:
        """This problem with the parts of its place that were not known where it was found."""
        self.text = text if self.text is None else self.text
        self.column = column if self.column is None else self.column
        self.line = line if self.line is None else self.line
        self.file = file if self.file is None else self.file
        self.trail = self.trail or trail
        return self

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        sentence = f"{place}: {self.sentence}" if place else self.sentence
        return f"{sentence} ({self.hint})" if self.hint else sentence


class Problems(Problem):
    """Several wrong lines of one text, in its order. As a `Problem` it is the first of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(
            first.sentence,
            first.hint,
            text=first.text,
            column=first.column,
            line=first.line,
            file=first.file,
            trail=first.trail,
        )

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def closest(word: str, known: Iterable[str], most: int = 3) -> str | None:
    """A hint that names the known words most like `word`, or None if none is like it."""
    from difflib import get_close_matches  # of no use until a line is wrong

    similar = [each for each in dict.fromkeys(known) if abs(len(each) - len(word)) <= 3]
    found = get_close_matches(word[:80], similar[:5000], n=most, cutoff=0.6)
    return f"did you mean {_either(found)}?" if found else None


def as_hexadecimal(word: str) -> str | None:
    """A hint for a word that is a hexadecimal number but for its prefix, or None. `add` and `12` are none."""
    import re

    digits = re.fullmatch(r"\$?(?!0b)(?=.*[0-9])(?=.*[a-fA-FhH])0?([0-9a-fA-F]+?)[hH]?", word, re.ASCII)
    return f"a hexadecimal number begins with 0x: 0x{digits[1]}" if digits is not None else None


def count(number: int, noun: str) -> str:
    """`1 byte`, `4 bytes`, `18,498 steps`: as a sentence has it."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
