"""Words about modules: the file one is made of and how, and the name of one that is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.commands.parameters.files import Path
from pagefault_lab.commands.parameters.names import Word
from pagefault_lab.commands.parameters.values import Datum
from pagefault_lab.commands.parameters.words import Words
from pagefault_lab.lab import formats
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class ModuleWord(Path):
    """What insmod takes. `--step` is `step`."""

    OPTIONS: Final = {
        "step": "go to the first instruction of init_module only", "-O0": "compile without optimization",
        "-O1": "optimize a little", "-O2": "optimize, as kernels are", "-O3": "optimize more",
        "-Os": "optimize for size",
    }  # fmt: skip

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def read(self, words: Words) -> Any:
        start = words.skip()
        word = words.next_word()
        if setting := re.match(r"([A-Za-z_]\w*)=(?!=)", word):
            words.position += setting.end()
            if words.position >= len(words.line) or words.line[words.position].isspace():
                raise words.problem(f"{setting[1]} is given no value", f'{setting[1]}=5, or {setting[1]}="text"')
            return self._setting(setting[1], words)
        option = "step" if word == "--step" else word
        if option in self.OPTIONS:
            return words.word().removeprefix("--")
        if word.startswith("-"):
            hint = closest(word, self.OPTIONS) or f"{', '.join(self.OPTIONS)}; a file's name is written ./{word}"
            raise words.problem(f"there is no option {word}", hint, start)
        return super().read(words)

    def _setting(self, name: str, words: Words) -> formats.Setting:
        start = words.position
        try:
            value = Datum().read(words)
        except Problem as problem:
            if words.line[start].isalpha():  # whoever comes from a shell writes no quotes
                raise words.problem(problem.sentence, f'a text is written {name}="..."', start) from None
            raise
        if words.position < len(words.line) and not words.line[words.position].isspace():
            raise words.problem(f"{name} takes one value", "a blank goes before the next word", words.position)
        return formats.Setting(name, value)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        """The options, and the lessons' files that a module can be made of; the terminal knows those of this folder."""
        from pagefault_lab.lab.lessons import names

        return [*self.OPTIONS.items(), *((name, "among the lessons") for name in names(".s", ".c"))]


class ModuleName(Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.lab.modules import loaded

        return ((each.name, f"{each.address:#010x}") for each in loaded(session))
