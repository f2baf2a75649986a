"""Words about traces: which steps are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pagefault_lab.commands.parameters.files import Path
from pagefault_lab.commands.parameters.values import Count, Length, Number, Start
from pagefault_lab.commands.parameters.words import Words

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class TraceWord(Path):
    """What a trace is told: which steps are wanted, how many, and a file. A kind may be in the singular; a file that is
    called like one is ./faults."""

    shown = "FILE|KIND|ring N|range START END|touching START END|last STEPS"

    def read(self, words: Words) -> Any:
        from pagefault_lab.lab import wanted

        match words.next_word():
            case "ring":
                words.word()
                start = self._value_begins(words, "ring 3")
                ring = Number().read(words)
                if not 0 <= ring <= 3:
                    raise words.problem(f"{ring} is no ring", "0 to 3", start)
                return wanted.Wanted(rings=frozenset((ring,)))
            case "range":
                return wanted.Wanted(ranges=(self._range(words),))
            case "touching":
                return wanted.Wanted(touched=(self._range(words),))
            case "last":
                words.word()
                self._value_begins(words, "last 50000")
                return Count().read(words)
            case word if kinds := frozenset(kind for kind in wanted.KINDS if word in (kind, kind.removesuffix("s"))):
                words.word()
                return wanted.Wanted(kinds=kinds)
        return super().read(words)

    def _range(self, words: Words) -> Any:
        from pagefault_lab.lab.wanted import Range

        example = f"{words.word()} 0x1000 +64"
        self._value_begins(words, example)
        start = Start().read(words)
        place = self._value_begins(words, example)
        length = Length().read(words)
        end = start + length.number & 0xFFFFFFFF if length.relative else length.number
        if not length.relative and end <= start:
            raise words.problem(f"the end {end:#x} is not behind {start:#x}", "START END, or START +BYTES", place)
        return Range(start, end)

    def _value_begins(self, words: Words, example: str) -> int:
        if words.at_end:
            raise words.problem("a number is missing", example, len(words.line.rstrip()))
        return words.skip()

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.lab.wanted import KINDS

        return [
            *KINDS.items(), ("ring", "steps that begin at this CPL"), ("range", "instructions that lie there"),
            ("touching", "steps that read or write there"), ("last", "how many steps a page has at most"),
        ]  # fmt: skip
