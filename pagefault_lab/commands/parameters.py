"""What the words of a command can be: each annotation parses its part of the line and completes it.

    Count       a number of at least 1, as an expression       int
    Number      an expression                                  int
    Address     an expression, cut to 32 bits                  int
    Start       the same, where another one may follow          int
    Expression  an expression that is not yet evaluated        lab.expressions.Expression
    Step        the same, for a number of steps                lab.expressions.Expression
    Datum       an expression, or a text in double quotes      int or bytes
    Frame       an Address, a physical one                     int
    Rights      letters of r w u s, as in walks                Rights
    Access      `read|write|fetch ADDRESS`, read if not said    AccessTo
    Circumstance  user, supervisor, cpl=N, wp=N, some of them   Circumstances
    Format      gdb's /8xw behind the command's name           Format
    Word        what stands before the next blank              str
    Name        a symbol's name                                str
    Path        a file's name, perhaps in quotes               pathlib.Path
    SvgPath     the same, one that ends in .svg                pathlib.Path
    Vector      a Number, where one may follow                 int
    Target      an Address, where one may follow               int
    ModuleFile  a Path, an option of insmod, or NAME=VALUE     pathlib.Path, str or Setting
    ModuleWord  the same, said otherwise in the usage
    ModuleName  a word, the name of a module that is loaded    str
    TraceWord   a Path, the kind of a step, `ring N`, `range START END`, `touching START END`, or `last STEPS`
                                                               pathlib.Path, lab.wanted.Wanted, or int
    Rest        all that is left, at least one character       str
    Topic       the same, something that help explains         str
    WorldName   a word, the name of a world                    str
    PartName    a word, a part of the lesson                   str
    Condition   `if EXPRESSION`                                lab.expressions.Expression
    CodePlace   what `b` takes (lab/breakpoints/making.py)    lab.breakpoints.Breakpoint
    Watchable   `[-l] [phys] EXPRESSION [+BYTES]`              Watched
    Catchable   the name of an event, and what it takes        (name, arguments, words)
    Assignment  `EXPRESSION = EXPRESSION`, or += and the like  (target, source)
    Length      `+BYTES` or an end address                     Length
    Literal["read", "write"]   one of these words

A parameter with a default may be left out, also in the middle if the word fits only a later one. `*numbers: Number`
takes as many as there are. Commas between words count as blanks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args, get_origin

from pagefault_lab.lab import expressions
from pagefault_lab.lab.formats import AccessTo, Circumstances, Format, Length, Rights, Setting, Watched
from pagefault_lab.machine.events import Kind as AccessKind
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.commands import Command, Found
    from pagefault_lab.lab.breakpoints import Breakpoint
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.wanted import Wanted


class Completion(NamedTuple):
    """One word that would fit at the end of a line; it replaces the last `typed` characters."""

    word: str
    typed: int
    meaning: str = ""


class Words:
    """The part of a line that is still to be parsed."""

    def __init__(self, session: Session, line: str, position: int, format: str | None = None) -> None:
        self.session = session
        self.line = line
        self.position = position
        self.format = format

    def skip(self) -> int:
        """Move to the next word; its place."""
        while self.position < len(self.line) and self.line[self.position] in " \t,":
            self.position += 1
        return self.position

    @property
    def at_end(self) -> bool:
        return self.skip() >= len(self.line.rstrip())

    def next_word(self) -> str:
        """The next word; "" at the end."""
        match = re.match(r"[^\s,]*", self.line[self.skip() :])
        return match[0] if match is not None else ""

    def word(self) -> str:
        """The next word, which is left behind."""
        word = self.next_word()
        self.position += len(word)
        return word

    def rest(self) -> str:
        """All that is left."""
        start = self.position
        while start < len(self.line) and self.line[start] in " \t":
            start += 1
        self.position = len(self.line)
        return self.line[start:].rstrip()

    def problem(self, sentence: str, hint: str | None = None, column: int | None = None) -> Problem:
        place = self.skip() if column is None else column
        return Problem(sentence, hint, text=self.line, column=place)


class Kind:
    """How one kind of word is read and completed. `shown` stands in the usage; "" takes the parameter's name."""

    shown = ""
    options: tuple[str, ...] = ()  # all words that fit, where these are a few

    def read(self, words: Words) -> Any:
        """The value of the next words, which are left behind; a Problem if they do not fit."""
        raise NotImplementedError

    def fits(self, words: Words) -> bool:
        """Whether the next word could be meant for this; asked only of parameters that may be left out."""
        return True

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        """(word, meaning) of what can be typed."""
        return ()


class _Expression(Kind):
    def fits(self, words: Words) -> bool:
        return words.next_word() != "if"

    def read(self, words: Words) -> expressions.Expression:
        words.skip()
        expression, words.position = expressions.read(words.line, words.position)
        return expression

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return expressions.vocabulary(session)


class _Number(_Expression):
    def read(self, words: Words) -> Any:
        return super().read(words).value(words.session)


class _Apart(_Expression):
    """One of several: it ends before a sign with a blank before it and none behind, as in `1 -1` or `$esp +16`."""

    _NEXT = re.compile(r"[ \t]+[-+*&~!](?=[\w$%(\[\\'\"~-])")

    def read(self, words: Words) -> Any:
        line = words.line
        words.line = line[: self._end(line, words.skip())]
        try:
            return super().read(words)
        except Problem as problem:
            problem.text = line
            raise
        finally:
            words.line = line

    def _end(self, line: str, start: int) -> int:
        """The first such sign that is in no brackets."""
        depth = 0
        for place in range(start, len(line)):
            depth += (line[place] in "([") - (line[place] in ")]")
            if not depth and place > start and self._NEXT.match(line, place):
                return place
        return len(line)


class _Count(_Expression):
    shown = "COUNT"

    def read(self, words: Words) -> Any:
        start = words.skip()
        count = super().read(words).value(words.session)
        if count < 1:
            raise words.problem(f"{count} is no count", "a number from 1 on", start)
        return count

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return ()


class _Address(_Expression):
    def read(self, words: Words) -> Any:
        if words.line[words.skip() :].startswith("*"):  # gdb's `b *0x1234`
            words.position += 1
        return super().read(words).value(words.session) & 0xFFFFFFFF


class _Frame(_Address):
    def fits(self, words: Words) -> bool:
        return re.fullmatch("[rwusRWUS]+", words.next_word()) is None  # those are Rights, without a frame


class _Start(_Apart, _Address):
    pass


class _Step(_Apart):
    shown = "STEP"


class _Datum(_Apart, _Number):
    shown = "VALUE"

    def read(self, words: Words) -> Any:
        start = words.skip()
        if words.line[start] != '"':
            return super().read(words)
        text = re.compile(r'"((?:[^"\\]|\\.)*)"').match(words.line, start)
        if text is None:
            raise words.problem("the text is not closed", 'a " is missing', start)
        words.position = text.end()
        spellings = re.findall(r"\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)|[^\\]", text[1])
        return b"".join(
            bytes((expressions.character(spelling) & 0xFF,))
            if spelling[0] == "\\"
            else spelling.encode("utf-8", "replace")
            for spelling in spellings
        )


class _Access(_Address):
    shown = "read|write|fetch ADDRESS"
    options = tuple(kind.value for kind in AccessKind)

    def fits(self, words: Words) -> bool:
        return not _CIRCUMSTANCE.match(words.line, words.skip())

    def read(self, words: Words) -> Any:
        start = words.skip()
        word = words.next_word()
        kind = words.word() if word in self.options else None
        if words.at_end or not self.fits(words):
            raise words.problem("ADDRESS is missing", f"whatif {kind} $esp")
        try:
            address = super().read(words)
        except Problem as problem:
            meant = closest(word, self.options) if problem.column == start else None
            problem.hint = meant or problem.hint
            raise
        after = _Literal(self.options)  # as `walk` has it
        if kind is None and not words.at_end and after.fits(words):
            kind = after.read(words)
        return AccessTo(AccessKind(kind or "read"), address)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [*((kind, "an address follows") for kind in self.options), *super().choices(session)]


_CIRCUMSTANCE: Final = re.compile(r"(user|supervisor)(?![\w=])|(cpl|wp)[ \t]*=[ \t]*([^\s,]*)", re.IGNORECASE)


class _Circumstances(Kind):
    shown = "user|supervisor|cpl=N|wp=N"
    options = ("user", "supervisor")
    _VALUES: Final = {"cpl": 4, "wp": 2}

    def fits(self, words: Words) -> bool:
        return _CIRCUMSTANCE.match(words.line, words.skip()) is not None

    def read(self, words: Words) -> Any:
        """As many as there are; a Problem if two of them contradict each other."""
        found: dict[str, int] = {}
        while match := _CIRCUMSTANCE.match(words.line, words.skip()):
            name = (match[2] or "cpl").lower()
            most = self._VALUES[name]
            number = match[3] if match[2] else "3" if match[1].lower() == "user" else "0"
            if number not in map(str, range(most)):
                raise words.problem(f"{name.upper()} cannot be {number or 'nothing'}", f"{name}=0 to {name}={most - 1}")
            if found.setdefault(name, int(number)) != int(number):
                raise words.problem(f"{name.upper()} is said twice", "one of " + self.shown)
            words.position = match.end()
        return Circumstances(found.get("cpl"), bool(found["wp"]) if "wp" in found else None)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("user", "CPL 3"), ("supervisor", "CPL 0"), *((f"{name}=0", "") for name in self._VALUES)]


class _Condition(_Expression):
    shown = "if CONDITION"

    def read(self, words: Words) -> expressions.Expression:
        words.word()
        return super().read(words)

    def fits(self, words: Words) -> bool:
        return words.next_word() == "if"

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("if", "a condition follows")]


class _CodePlace(_Expression):
    shown = "PLACE"

    def read(self, words: Words) -> Any:
        from pagefault_lab.lab.breakpoints.making import read_place

        place, words.position = read_place(words.session, words.line, words.skip())
        return place

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("phys", "a physical address follows"), *super().choices(session)]


class _Watchable(_Apart):
    shown = "[-l] [phys] EXPRESSION [+BYTES]"
    _HERE: Final = re.compile(r"-l(?:ocation)?[ \t]+")
    _PHYSICAL: Final = re.compile(r"phys(?:ical)?[ \t]+(?=[^\s\[])")

    def read(self, words: Words) -> Any:
        here, physical = (self._passed(words, pattern) for pattern in (self._HERE, self._PHYSICAL))
        if words.at_end:
            raise words.problem("EXPRESSION is missing", "watch u32[0x08049000]", len(words.line.rstrip()))
        expression = super().read(words)
        size = None
        if not words.at_end and words.line[words.skip()] == "+":
            size = _Length().read(words).number
        return Watched(expression, size, physical, here)

    def _passed(self, words: Words, pattern: re.Pattern[str]) -> bool:
        """Whether the next word is this one, which then is left behind."""
        match = pattern.match(words.line, words.skip())
        words.position = match.end() if match is not None else words.position
        return match is not None

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [("phys", "a physical address follows"), *super().choices(session)]


class _Catchable(_Apart):
    shown = "EVENT [ARGUMENT ...]"

    def read(self, words: Words) -> Any:
        from pagefault_lab.lab.breakpoints import catchpoints

        start = words.skip()
        name = words.next_word()
        kind = catchpoints.KINDS.get(name)
        if kind is None:
            raise catchpoints.unknown_kind(name).placed(text=words.line, column=start)
        words.word()
        begin = words.skip()
        arguments: list[Any] = []
        while not words.at_end and words.next_word() != "if":
            if len(arguments) == len(kind.parameters):
                takes = " and ".join(kind.parameters) or "nothing"
                raise words.problem(f"{words.next_word()} is more than {name} takes", f"{name} takes {takes}")
            vector = catchpoints.vector_of(words.next_word()) if name == "fault" else None
            if vector is not None:
                words.word()
                arguments.append(vector)
            else:
                arguments.append(super().read(words))
                arguments[-1].value(words.session)
        return name, tuple(arguments), words.line[begin : words.position].rstrip()

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.lab.breakpoints.catchpoints import KINDS

        return [(name, kind.meaning) for name, kind in KINDS.items()]


class _Assignment(_Expression):
    shown = "EXPRESSION = EXPRESSION"

    def read(self, words: Words) -> Any:
        words.skip()
        if spelled := re.match(r"var(?:iable)?[ \t]+", words.line[words.position :]):  # gdb's `set var x = 5`
            words.position += spelled.end()
        target, source, words.position = expressions.read_assignment(words.line, words.position)
        return target, source


class _Length(_Expression):
    shown = "END|+BYTES"

    def read(self, words: Words) -> Any:
        start = words.skip()
        relative = words.line[start] == "+"
        number = super().read(words).value(words.session)
        if relative and number < 1:
            raise words.problem(f"{number} is no number of bytes", "a number from 1 on", start)
        return Length(number if relative else number & 0xFFFFFFFF, relative)


class _Word(Kind):
    def read(self, words: Words) -> Any:
        return words.word()


class _Name(_Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return ((name, f"{address:#010x}") for name, address in session.symbols.items())


class _Path_(Kind):
    def read(self, words: Words) -> Any:
        start = words.skip()
        quote = words.line[start]
        if quote in "\"'":
            end = words.line.find(quote, start + 1)
            if end < 0:
                raise words.problem("the file's name is not closed", f"a {quote} is missing", start)
            words.position = end + 1
            return _expanded(words.line[start + 1 : end])
        match = re.match(r"\S*", words.line[start:])
        assert match is not None
        words.position = start + match.end()
        return _expanded(match[0])


def _expanded(name: str) -> _Path:
    """The path of this name, in which a ~ is someone's home; as it is written where nobody knows that."""
    try:
        return _Path(name).expanduser()
    except RuntimeError:
        return _Path(name)


_DRAWING: Final = r"\S+\.(?:svg|png|pdf|jpe?g|gif|html?|txt)"  # the name of what one could take a picture's file for


class _SvgPath(_Path_):
    shown = "FILE.svg"
    _LIKE_A_FILE = re.compile(rf"""['"/]|\.{{1,2}}/|~/|{_DRAWING}\Z""", re.IGNORECASE)

    def fits(self, words: Words) -> bool:
        return self._LIKE_A_FILE.match(words.next_word()) is not None

    def read(self, words: Words) -> Any:
        start = words.skip()
        path = super().read(words)
        if path.suffix.lower() != ".svg":
            raise words.problem(f"{path} does not end in .svg", f"a picture is saved as {self.shown}", start)
        return path


class _BeforeSvg(_Apart):
    """One that ends before a SvgPath: the slashes of that do not divide."""

    _NEXT_FILE = re.compile(rf"""[ \t]("[^"]*"|'[^']*'|{_DRAWING})\s*\Z""", re.IGNORECASE)

    def fits(self, words: Words) -> bool:
        return super().fits(words) and not _SvgPath().fits(words)

    def _end(self, line: str, start: int) -> int:
        file = self._NEXT_FILE.search(line, start)
        return len(line) if file is None else file.start()


class _Vector(_BeforeSvg, _Number):
    pass


class _Target(_BeforeSvg, _Address):
    pass


class _ModuleWord(_Path_):
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

    def _setting(self, name: str, words: Words) -> Setting:
        start = words.position
        try:
            value = _Datum().read(words)
        except Problem as problem:
            if words.line[start].isalpha():  # whoever comes from a shell writes no quotes
                raise words.problem(problem.sentence, f'a text is written {name}="..."', start) from None
            raise
        if words.position < len(words.line) and not words.line[words.position].isspace():
            raise words.problem(f"{name} takes one value", "a blank goes before the next word", words.position)
        return Setting(name, value)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        """The options, and the lessons' files that a module can be made of; the terminal knows those of this folder."""
        from pagefault_lab.lab.lessons import names

        return [*self.OPTIONS.items(), *((name, "among the lessons") for name in names(".s", ".c"))]


class _ModuleName(_Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.lab.modules import loaded

        return ((each.name, f"{each.address:#010x}") for each in loaded(session))


class _TraceWord(_Path_):
    """What a trace is told: which steps are wanted, how many, and a file. One that is called `faults` is ./faults."""

    shown = "FILE|KIND|ring N|range START END|touching START END|last STEPS"

    def read(self, words: Words) -> Any:
        from pagefault_lab.lab import wanted

        match words.next_word():
            case kind if kind in wanted.KINDS:
                return wanted.Wanted(kinds=frozenset((words.word(),)))
            case "ring":
                words.word()
                start = self._value_begins(words, "ring 3")
                ring = _Number().read(words)
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
                return _Count().read(words)
        return super().read(words)

    def _range(self, words: Words) -> Any:
        from pagefault_lab.lab.wanted import Range

        example = f"{words.word()} 0x1000 +64"
        self._value_begins(words, example)
        start = _Start().read(words)
        place = self._value_begins(words, example)
        length = _Length().read(words)
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


class _Rest(Kind):
    def read(self, words: Words) -> Any:
        return words.rest()


class _Topic(_Rest):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.assembler import statement_words
        from pagefault_lab.commands import get, spellings

        topics = {"expressions": "what p, set, display, conditions and addresses are made of"}
        return (statement_words() | {name: get(name).summary for name in spellings()} | topics).items()


class _World(_Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.worlds import WORLDS

        return WORLDS.items()


class _Part(_Word):
    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        from pagefault_lab.tutor.attempt import attempt_of

        return [(row.exercise or str(row.part), row.title) for row in attempt_of(session).overview().rows]


class _Literal(Kind):
    def __init__(self, options: tuple[str, ...]) -> None:
        self.options = options
        self.shown = "|".join(options)

    def read(self, words: Words) -> Any:
        start = words.skip()
        word = words.word()
        fitting = [option for option in self.options if option.startswith(word)]
        if word in self.options or len(fitting) == 1:
            return word if word in self.options else fitting[0]
        hint = closest(word, self.options) or " or ".join(self.options)
        raise words.problem(f"{word} does not fit here", hint, start)

    def fits(self, words: Words) -> bool:
        return any(option.startswith(words.next_word()) for option in self.options)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return ((option, "") for option in self.options)


class _Rights(Kind):
    shown = "RIGHTS"

    def read(self, words: Words) -> Any:
        start = words.skip()
        letters = words.word().lower()
        for place, letter in enumerate(letters):
            if letter not in "rwus":
                hint = "r read-only, w or rw writable, u for users too, s for the supervisor only"
                raise words.problem(f"{letter} is no right of a page", hint, start + place)
        if {"u", "s"} <= set(letters):
            hint = "u for users and the supervisor, s for the supervisor only"
            raise words.problem("u and s exclude each other", hint, start)
        writable = "w" in letters if {"r", "w"} & set(letters) else None
        return Rights(writable, "u" in letters if {"u", "s"} & set(letters) else None)

    def choices(self, session: Session) -> Iterable[tuple[str, str]]:
        return [
            ("r", "read-only"), ("rw", "writable"), ("u", "for users too"), ("s", "for the supervisor only"),
            ("ru", "read-only, for users too"), ("rwu", "writable, for users too"),
        ]  # fmt: skip


class _Format(Kind):
    shown = "/FORMAT"
    _PATTERN = r"(\d*)([xduotcasifz]?)([bhwg]?)([xduotcasiz]?)\Z"

    def read(self, words: Words) -> Any:
        text = words.format or ""
        match = re.match(self._PATTERN, text)
        if match is None or (match[2] and match[4]) or match[2] == "f":
            place = words.line.find("/") + 1
            hint = "a count, then one of x d u o t c a s i z, then a size b h w g: /8xw"
            raise words.problem(f"/{text} is not a format", hint, place)
        return Format(int(match[1]) if match[1] else None, match[2] or match[4] or None, match[3] or None)


Count: TypeAlias = Annotated[int, _Count()]
Number: TypeAlias = Annotated[int, _Number()]
Address: TypeAlias = Annotated[int, _Address()]
Expression: TypeAlias = Annotated[expressions.Expression, _Expression()]
Start: TypeAlias = Annotated[int, _Start()]
Step: TypeAlias = Annotated[expressions.Expression, _Step()]
Datum: TypeAlias = Annotated["int | bytes", _Datum()]
Frame: TypeAlias = Annotated[int, _Frame()]
Access: TypeAlias = Annotated[AccessTo, _Access()]
Circumstance: TypeAlias = Annotated[Circumstances, _Circumstances()]
Condition: TypeAlias = Annotated[expressions.Expression, _Condition()]
CodePlace: TypeAlias = Annotated["Breakpoint", _CodePlace()]
Watchable: TypeAlias = Annotated[Watched, _Watchable()]
Catchable: TypeAlias = Annotated["tuple[str, tuple[expressions.Expression | int, ...], str]", _Catchable()]
Assignment: TypeAlias = Annotated[tuple[expressions.Expression, expressions.Expression], _Assignment()]
Word: TypeAlias = Annotated[str, _Word()]
Name: TypeAlias = Annotated[str, _Name()]
Path: TypeAlias = Annotated[_Path, _Path_()]
SvgPath: TypeAlias = Annotated[_Path, _SvgPath()]
Vector: TypeAlias = Annotated[int, _Vector()]
Target: TypeAlias = Annotated[int, _Target()]
ModuleFile: TypeAlias = Annotated["_Path | str | Setting", _ModuleWord("FILE")]
ModuleWord: TypeAlias = Annotated["_Path | str | Setting", _ModuleWord("FILE|NAME=VALUE")]
ModuleName: TypeAlias = Annotated[str, _ModuleName()]
TraceWord: TypeAlias = Annotated["_Path | Wanted | int", _TraceWord()]
Rest: TypeAlias = Annotated[str, _Rest()]
Topic: TypeAlias = Annotated[str, _Topic()]
WorldName: TypeAlias = Annotated[str, _World()]
PartName: TypeAlias = Annotated[str, _Part()]


class Parameter(NamedTuple):
    """One parameter of a command."""

    name: str
    kind: Kind
    default: Any  # inspect.Parameter.empty if it must be given
    many: bool

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty and not self.many and not isinstance(self.kind, _Format)

    @property
    def usage(self) -> str:
        shown = self.kind.shown or self.name.upper()
        if self.many:
            return f"[{shown} ...]"
        return shown if self.required else f"[{shown}]"


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters behind `session`, from the function's annotations."""
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = eval(annotation, function.__globals__)
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        found.append(Parameter(parameter.name, _kind(annotation), parameter.default, many))
    return tuple(found)


def _kind(annotation: Any) -> Kind:
    """The Kind of an annotation; `X | None` is X."""
    if annotation is Format:
        return _Format()
    if annotation is Length:
        return _Length()
    if annotation is Rights:
        return _Rights()
    if get_origin(annotation) is Literal:
        return _Literal(get_args(annotation))
    if get_origin(annotation) is Annotated:
        for detail in get_args(annotation)[1:]:
            if isinstance(detail, Kind):
                return detail
    for choice in get_args(annotation):
        if choice is not type(None):
            return _kind(choice)
    raise TypeError(f"{annotation} is no parameter of a command")


def takes_path(command: Command) -> bool:
    """Whether one of its words is a file's name: the terminal completes those."""
    return any(isinstance(parameter.kind, _Path_) for parameter in command.parameters)


def arguments(session: Session, command: Command, line: str, found: Found) -> list[Any]:
    """The values for a command's parameters, from the words of its line; a Problem if they do not fit."""
    words = Words(session, line, found.rest, found.format)
    values = list(_values(command, words))
    if not words.at_end:
        rest = line[words.skip() :].rstrip()
        known = (word for parameter in command.parameters for word in parameter.kind.options)
        hint = closest(words.next_word(), known) or f"usage: {command.usage}"
        raise words.problem(f"{rest} is more than {command.name} takes", hint)
    return values


def _values(command: Command, words: Words) -> Iterator[Any]:
    parameters = command.parameters
    takes_format = any(isinstance(parameter.kind, _Format) for parameter in parameters)
    if words.format is not None and not takes_format:
        raise words.problem(f"{command.name} takes no /", f"usage: {command.usage}", words.line.find("/"))
    for parameter in parameters:
        if isinstance(parameter.kind, _Format):
            yield parameter.kind.read(words)
        elif parameter.many:
            while not words.at_end:
                yield parameter.kind.read(words)
        elif not words.at_end and (parameter.required or parameter.kind.fits(words)):
            yield parameter.kind.read(words)
        elif parameter.required:
            shown = parameter.kind.shown or parameter.name.upper()
            raise words.problem(f"{shown} is missing", f"usage: {command.usage}", len(words.line.rstrip()))
        else:
            yield parameter.default


_LAST_WORD = r"[$\w.\\]*\Z"


def completions(session: Session, line: str) -> list[Completion]:
    """The words that fit at the end of a line whose command is complete."""
    from pagefault_lab.commands import find, get, spellings

    match = re.search(_LAST_WORD, line)
    typed = match[0] if match else ""
    before = line[: len(line) - len(typed)]
    try:
        found = find(before)
    except Problem:
        return []
    if found is None:
        return []
    if found.spelling not in spellings():
        prefix = found.spelling + " "
        names = {name for _, name in spellings().values() if name.startswith(prefix + typed)}
        return [Completion(name.removeprefix(prefix), len(typed), get(name).summary) for name in sorted(names)]
    if takes_path(get(found.spelling)):  # whose letters are more
        typed = line[found.rest :].rpartition(" ")[2]
        before = line[: len(line) - len(typed)]
    elif (continued := expressions.continuations(line[found.rest :])) is not None:
        beginning, known = continued
        return [Completion(word, len(beginning), meaning) for word, meaning in known if word.startswith(beginning)]
    words = Words(session, before, found.rest, found.format)
    offered: dict[str, str] = {}
    for parameter in get(found.spelling).parameters:
        if isinstance(parameter.kind, _Format):
            continue
        try:
            if not words.at_end:
                fits = parameter.required or parameter.kind.fits(words)
                while fits and not words.at_end:
                    parameter.kind.read(words)
                    fits = parameter.many
                if words.at_end and isinstance(parameter.kind, _Expression):
                    offered.update(parameter.kind.choices(session))  # the expression may go on
                if not parameter.many:
                    continue
        except Problem:
            words.position = len(words.line)  # an expression that is not yet complete
        offered.update(parameter.kind.choices(session))
        if parameter.required:
            break
    return [
        Completion(word, len(typed), meaning) for word, meaning in sorted(offered.items()) if word.startswith(typed)
    ]
