"""The parts of a lesson: its prose, the blocks that act on the machine, and the exercises at their ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pagefault_lab.tutor import quoting
from pagefault_lab.tutor.editions import without_comments
from pagefault_lab.tutor.lesson import Block, Lab, Lines, Part, Program, Prose, Show
from pagefault_lab.tutor.reading.exercises import ExerciseReader
from pagefault_lab.tutor.reading.fences import (
    BLOCKS,
    EXERCISES,
    OPTIONS,
    Fence,
    check_options,
    complain_of_word,
    fences,
)

if TYPE_CHECKING:
    from pagefault_lab.tutor.reading.file import File

MOST_PARTS: Final = 200  # of a lesson; what leads to a part is done again whenever it begins


class PartsReader:
    """Reads what stands behind the front matter of one file."""

    def __init__(self, file: File, is_student_edition: bool) -> None:
        self.file = file
        self._exercises = ExerciseReader(file, is_student_edition)

    def read(self, first: int) -> tuple[Part, ...]:
        """What stands from the line of this index on."""
        parts: list[Part] = []
        blocks: list[Block] = []
        told = first  # the index of the first line that is not yet in a block
        for fence in fences(self.file, first):
            blocks += self._prose(told, fence.start)
            told = fence.end
            if fence.word in BLOCKS:
                blocks += self._block(fence)
                continue
            exercise = self._exercises.read(fence) if fence.word in EXERCISES else None
            if blocks or exercise is not None:
                parts.append(Part(tuple(blocks), exercise))
            if len(parts) > MOST_PARTS:
                self.file.complain(f"a lesson has at most {MOST_PARTS} parts", "make two of it", fence.start + 1)
                break
            blocks = []
        blocks += self._prose(told, len(self.file.lines))
        if blocks:
            parts.append(Part(tuple(blocks), None))
        if not parts and not self.file.problems:
            self.file.complain("this lesson is empty", "prose and blocks follow the front matter", first)
        return tuple(parts)

    def _prose(self, start: int, end: int) -> Iterable[Prose]:
        """The prose in these lines without its comments, if there is any."""
        lines = without_comments("\n".join(self.file.lines[start:end])).split("\n")
        blank = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
        text = "\n".join(lines[blank:]).rstrip()
        if text:
            self._check_quotes(text, start + blank)
            yield Prose(text, start + blank + 1)

    def _check_quotes(self, text: str, index: int) -> None:
        """Check a text that begins in the line of this index, which may be indented there."""
        for problem in quoting.problems(text):
            before = text[: problem.column or 0]
            place = index + before.count("\n")
            line, written = text.split("\n")[place - index], self.file.lines[place]
            indented = len(written) - len(line) if written.endswith(line) else 0
            column = len(before) - before.rfind("\n") - 1
            self.file.complain(problem.sentence, problem.hint, place + 1, column + indented)

    def _block(self, fence: Fence) -> Iterable[Block]:
        """A block that acts on the machine."""
        check_options(self.file, fence)
        if not any(line.strip() for line in (fence.lines[:1] if fence.word == "show" else fence.lines)):
            hint = "its first line is a command" if fence.word == "show" else "write a line, or delete the block"
            complain_of_word(self.file, fence.start, fence.word, f"this {fence.word} block is empty", hint)
            return
        typed = fence.lines[:1] if fence.word == "show" else fence.lines
        for index, line in enumerate(typed, fence.start + 1):
            self._check_quotes(line, index)
        flags = {option: option in fence.options for option in OPTIONS[fence.word]}
        first = fence.start + 2
        match fence.word:
            case "lab":
                yield Lab(Lines(tuple(fence.lines), first), **flags)
            case "asm":
                yield Program(Lines(tuple(fence.lines), first), **flags)
            case _:
                yield Show(fence.lines[0].strip(), tuple(fence.lines[1:]), first)
