"""Reading a lesson: Markdown with TOML front matter. Its blocks `lab`, `asm`, `show`, `task`, `ask` and `predict` act.

Lessons come from strangers: whatever a file holds, reading it ends soon, as a lesson or with Problems, all at once and
each with its place. What TOML may say stands in lesson.schema.json; here is what no schema can say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab import __version__
from pagefault_lab.lab import expressions
from pagefault_lab.lab.nodes import Name
from pagefault_lab.problem import Problem, Problems, closest
from pagefault_lab.tutor import questions, quoting
from pagefault_lab.tutor.editions import constant, digest_of, without_comments
from pagefault_lab.tutor.lesson import (
    FORMAT,
    STUDENT,
    AnyExercise,
    Ask,
    Block,
    Computed,
    Draw,
    Goal,
    Lab,
    Lesson,
    Lines,
    OneOf,
    Part,
    Predict,
    Program,
    Prose,
    Question,
    Range,
    Remark,
    Show,
    Task,
    Wrong,
)
from pagefault_lab.tutor.schema import Misfit, read
from pagefault_lab.tutor.toml_places import Keys, Places

if TYPE_CHECKING:
    from pathlib import Path

    from pagefault_lab.lab.expressions import Expression

FENCE: Final = "+++"  # around the front matter
LONGEST: Final = 1 << 17  # characters of a lesson
MOST_PARTS: Final = 200  # of a lesson; what leads to a part is done again whenever it begins
MOST_PROBLEMS: Final = 50  # that are told of a file
BUDGET: Final = 1_000_000  # instructions for each line, unless the lesson says otherwise

_BLOCKS: Final[dict[str, tuple[str, ...]]] = {  # with the words that may follow
    "lab": ("fresh", "aside", "quiet"), "asm": ("aside", "quiet"), "show": (),
}  # fmt: skip
_EXERCISES: Final[dict[str, tuple[str, ...]]] = {"task": (), "ask": (), "predict": ()}
_OPTIONS: Final = {**_BLOCKS, **_EXERCISES}
_LANGUAGES: Final = frozenset(  # that are like a word above, and are none
    ("as", "awk", "gas", "haskell", "lua", "masm", "matlab", "nasm", "pas", "sas", "sh", "tasm", "ts")
)
_OPTIONAL: Final = re.compile(r"#[ \t]*optional[ \t]*$")
_TOML_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_TOO_DEEP: Final = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]+[ \t]*\.[ \t]*){20}")  # tomllib takes long for dotted keys
_VARIABLE: Final = re.compile(r"(?<![\w.$])\$([A-Za-z_]\w*)")
# Control characters, and what makes a text look other than it is: Unicode's directions, blanks of no width, tags.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def read_lesson(text: str, name: str, folder: Path | None = None) -> Lesson:
    """The lesson that a file of this name holds, whose lines may read the files of `folder`.

    Raises Problems with the places of everything that is wrong.
    """
    return _Reader(_File(text, name), folder).lesson()


def is_optional(line: str) -> bool:
    """Whether a line of an answer may be left out: it ends in `# optional`."""
    return _OPTIONAL.search(line) is not None


class _File:
    """The lines of a file, and what is wrong with them."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.lines = self.text.split("\n")
        self.problems: list[Problem] = []

    def complain(self, sentence: str, hint: str | None, line: int, column: int = 0) -> None:
        """Keep a problem of this line. It is not raised, so that others are found too, until they are enough."""
        text = _UNSEEN.sub("?", self.lines[line - 1])
        column = min(column, len(text))
        problem = Problem(_seen(sentence), hint and _seen(hint), text=text, column=column, line=line, file=self.name)
        self.problems.append(problem)
        if len(self.problems) == MOST_PROBLEMS:
            self.check()

    def check(self) -> None:
        """Raise the problems that were found so far, if there are any."""
        if self.problems:
            self.problems.sort(key=lambda problem: (problem.line, problem.column))
            raise Problems(self.problems)


def _seen(text: str) -> str:
    """A text of which nothing is unseen, and that is not endless."""
    text = _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text if len(text) <= 400 else f"{text[:400]}..."


class _Table:
    """A text of TOML, whose first line has the number `first` in a file. It `is_sound` if nothing was wrong so far."""

    def __init__(self, file: _File, lines: list[str], first: int) -> None:
        self.file = file
        self.lines = lines
        self.first = first
        self.text = "\n".join(lines)
        self.expressions: dict[Keys, Expression] = {}
        self.table: dict[str, Any] = {}
        self.is_sound = self._load()

    def _load(self) -> bool:
        """Whether it is TOML."""
        try:
            if match := _TOO_DEEP.search(self.text):
                self._complain_at(match.start(), "these keys are nested too deeply", "write a dot less")
                return False
            self.table = tomllib.loads(self.text)
            self.places = Places(self.text)
        except RecursionError:
            self.file.complain("this TOML is nested too deeply", "a lesson needs three levels", self.first)
            return False
        except tomllib.TOMLDecodeError as error:
            sentence, line, column = _TOML_PLACE.sub("", str(error)), len(self.lines), 0
            if (place := _TOML_PLACE.search(str(error))) and place[1]:
                line, column = int(place[1]), int(place[2]) - 1
            hint = "key = \"text\", key = 10, or a longer text between two '''"
            self._complain_in(line, column, f"this is not TOML: {sentence}", hint)
            return False
        except ValueError:  # all that Python tells of it is how to change this
            self.file.complain("a number in this TOML has thousands of digits", None, self.first)
            return False
        return True

    def check(self, name: str) -> None:
        """Complain about all that does not fit the schema's definition of this name, and is wrong in its strings."""
        before = len(self.file.problems)
        for found in read(self.table, name):
            if isinstance(found, Misfit):
                self.complain(found.keys, found.sentence, found.hint)
            elif unseen := _UNSEEN.search(found.text):
                self.complain(found.keys, _sentence_of_unseen(unseen[0]), None, unseen.start())
            elif found.format == "text":
                for problem in _problems_of_quotes(found.text):
                    self.complain(found.keys, problem.sentence, problem.hint, problem.column or 0)
            elif found.format == "expression":
                try:
                    self.expressions[found.keys] = expressions.parse(found.text.replace("\n", " "))
                except Problem as problem:
                    self.complain(found.keys, problem.sentence, problem.hint, problem.column or 0)
        self.is_sound = len(self.file.problems) == before

    def complain(self, keys: Keys, sentence: str, hint: str | None = None, inside: int | None = None) -> None:
        """Keep a problem of the value at these keys: of its key, or of a place `inside` of a string. Without keys, of
        the whole text: in the line above it."""
        if not keys:
            self.file.complain(sentence, hint, self.first - 1)
        else:
            place = self.places.of(keys).key if inside is None else self.places.inside(keys, inside)
            self._complain_at(place, sentence, hint)

    def _complain_at(self, place: int, sentence: str, hint: str | None) -> None:
        before = self.text[:place]
        self._complain_in(before.count("\n") + 1, place - before.rfind("\n") - 1, sentence, hint)

    def _complain_in(self, line: int, column: int, sentence: str, hint: str | None) -> None:
        """`line` counts from 1 in this text, which the file may have indented; behind it is the line that ends it."""
        number = self.first + line - 1
        indented = len(self.file.lines[number - 1]) - len(self.lines[line - 1]) if line <= len(self.lines) else 0
        self.file.complain(sentence, hint, number, column + indented)

    def at(self, *keys: str | int) -> Any:
        """The value at these keys."""
        value: Any = self.table
        for key in keys:
            value = value[key]
        return value

    def lines_of(self, *keys: str | int) -> Lines:
        """The lines of a string, without blank ones around them."""
        text = self.at(*keys)
        blank = len(text) - len(text.lstrip())
        place = self.places.inside(keys, blank)
        lines = tuple(line.strip() for line in text.strip().split("\n"))
        return Lines(lines, self.first + self.text.count("\n", 0, place))


def _sentence_of_unseen(character: str) -> str:
    from unicodedata import name

    return f"U+{ord(character):04X} cannot stand here: {name(character, 'a control character').lower()}"


def _is_variable(name: str) -> bool:
    """Whether an expression means a variable by a $ and this name; it may mean a register."""
    return isinstance(expressions.parse(f"${name}").root, Name)


def _problems_of_quotes(text: str) -> Iterator[Problem]:
    """What is wrong with the quotes of a text, with its column there."""
    try:
        for _ in quoting.quotes(text):
            pass
    except Problem as problem:
        yield problem


class _Fence(NamedTuple):
    """A block that acts, in the lines of the file from index `start` to before `end`; without a word, a pause."""

    start: int
    end: int
    word: str
    options: list[str]
    lines: list[str]


class _Reader:
    """Reads one file."""

    def __init__(self, file: _File, folder: Path | None) -> None:
        self.file = file
        self.folder = folder
        self.lines = file.lines
        self.exercises: dict[str, AnyExercise] = {}
        self.tasks = 0  # those that are wrong are counted too
        self.is_student_edition = False

    def lesson(self) -> Lesson:
        file = self.file
        if len(file.text) > LONGEST:
            raise Problem(f"a lesson has at most {LONGEST} characters", "make two of it", file=file.name)
        self._check_characters()
        end = self._end_of_front_matter()
        head = _Table(file, self.lines[1:end], 2)
        if head.is_sound:
            self._check_format(head)
            head.check("front_matter")
        variants: dict[str, Draw] = {}
        if head.is_sound:
            self._check_edition(head)
            variants = self._variants(head)
        table = head.table
        parts = self._parts(end + 1)
        file.check()
        lesson = Lesson(
            name=file.name,
            key=table["key"],
            title=table["title"],
            summary=table.get("summary", ""),
            world=table.get("world", "linux"),
            minutes=table.get("minutes", 0),
            budget=table.get("budget", BUDGET),
            variants=variants,
            parts=parts,
            edition=table.get("edition", ""),
            digest="",
            source=file.text,
            folder=self.folder,
        )
        lesson = replace(lesson, digest=digest_of(lesson))
        if self.is_student_edition and lesson.digest != table["digest"]:
            head.complain(("digest",), "this is not what was published", "get the file once more")
            file.check()
        return lesson

    def _check_format(self, head: _Table) -> None:
        """Refuse a file of another format: what else would be wrong with it is not known here."""
        found = head.table.get("format")
        if type(found) is int and found != FORMAT:
            hint = f"pagefault-lab {__version__} reads format {FORMAT}"
            head.complain(("format",), f"this lesson is of format {found}", hint)
            self.file.check()

    def _check_edition(self, head: _Table) -> None:
        """Refuse what was published for another version of the lab, which might grade it otherwise."""
        self.is_student_edition = head.table.get("edition") == STUDENT
        version = head.table.get("lab", __version__)
        if version != __version__:
            sentence = f"this edition is for pagefault-lab {version}, and this is {__version__}"
            head.complain(("lab",), sentence, f"pip install pagefault-lab=={version}")
            self.file.check()

    def _check_characters(self) -> None:
        for match in _UNSEEN.finditer(self.file.text):
            before = self.file.text[: match.start()]
            line, column = before.count("\n") + 1, match.start() - before.rfind("\n") - 1
            self.file.complain(_sentence_of_unseen(match[0]), "delete it", line, column)
        self.file.check()

    def _end_of_front_matter(self) -> int:
        """The index of the line that ends it."""
        lines = [line.rstrip() for line in self.lines]
        if lines[0] != FENCE:
            self.file.complain("a lesson begins with its front matter", f"{FENCE} in the first line", 1)
        elif FENCE not in lines[1:]:
            self.file.complain("the front matter never ends", f"{FENCE} in a line of its own", 1)
        self.file.check()
        return lines.index(FENCE, 1)

    def _variants(self, head: _Table) -> dict[str, Draw]:
        variants: dict[str, Draw] = {}
        for name, variant in head.table.get("variants", {}).items():
            keys = ("variants", name)
            if name == "said" or not _is_variable(name):
                head.complain(keys, f"a variant cannot be called {name}", "the word has a meaning of its own")
            match variant:
                case {"from": first, "to": last}:
                    if last < first:
                        head.complain(keys, f"there is no number from {first} to {last}", f"from {last} to {first}?")
                    variants[name] = Range(first, last)
                case {"one_of": values}:
                    variants[name] = OneOf(tuple(values))
                case _:
                    value = head.expressions[*keys, "value"]
                    variants[name] = Computed(value)
                    self._check_computed(head, name, value, variants)
        return variants

    @staticmethod
    def _check_computed(head: _Table, name: str, value: Expression, before: dict[str, Draw]) -> None:
        """A computed variant can go by those that stand before it."""
        for match in _VARIABLE.finditer(value.line):
            other = match[1]
            if not _is_variable(other) or (other in before and other != name):
                continue
            later = other in head.table["variants"]
            hint = "it can only use variants that stand above it" if later else closest(other, before)
            head.complain(("variants", name, "value"), f"${other} is not known here", hint, match.start())

    # --- parts

    def _parts(self, first: int) -> tuple[Part, ...]:
        """What stands from the line of this index on."""
        parts: list[Part] = []
        blocks: list[Block] = []
        told = first  # the index of the first line that is not yet in a block
        for fence in self._fences(first):
            blocks += self._prose(told, fence.start)
            told = fence.end
            if fence.word in _BLOCKS:
                blocks += self._block(fence)
                continue
            exercise = self._exercise(fence) if fence.word in _EXERCISES else None
            if blocks or exercise is not None:
                parts.append(Part(tuple(blocks), exercise))
            if len(parts) > MOST_PARTS:
                self.file.complain(f"a lesson has at most {MOST_PARTS} parts", "make two of it", fence.start + 1)
                break
            blocks = []
        blocks += self._prose(told, len(self.lines))
        if blocks:
            parts.append(Part(tuple(blocks), None))
        if not parts and not self.file.problems:
            self.file.complain("this lesson is empty", "prose and blocks follow the front matter", first)
        return tuple(parts)

    def _fences(self, first: int) -> Iterator[_Fence]:
        """What acts, or ends a part, from the line of this index on."""
        from markdown_it import MarkdownIt

        markdown = MarkdownIt("commonmark")
        markdown.core.ruler.enableOnly(["normalize", "block"])  # what stands inside of paragraphs is for views
        for token in markdown.parse("\n".join(self.lines[first:])):
            if token.map is None:
                continue
            start, end = (first + line for line in token.map)
            word, *options = token.info.split() or [""]
            if token.type == "hr" and token.markup.startswith("-") and not token.level:
                yield _Fence(start, end, "", [], [])
            elif token.type == "fence" and self._is_whole(token.markup, token.level, word, start, end):
                known = self._knows(word, start)
                if known and token.level:
                    self._complain(start, word, f"a {word} block cannot stand in a list or a quotation", None)
                elif known:
                    yield _Fence(start, end, word, options, token.content.split("\n")[:-1])

    def _is_whole(self, markup: str, level: int, word: str, start: int, end: int) -> bool:
        """Whether a fence is closed, and before another block begins. In a list or a quotation, the end of that closes
        it too."""
        for at in range(start + 1, end if word in _OPTIONS else start):
            if self.lines[at].startswith(markup) and self.lines[at].strip(markup[0]).split(" ")[0] in _OPTIONS:
                sentence = f"this block is not closed before another one begins, in line {at + 1}"
                self.file.complain(sentence, f"{markup} in a line of its own", start + 1)
                return False
        last = self.lines[end - 1].strip()
        if level or (end - 1 > start and last.startswith(markup) and not last.strip(markup[0])):
            return True
        self.file.complain("this block is never closed", f"{markup} in a line of its own", start + 1)
        return False

    def _knows(self, word: str, start: int) -> bool:
        """Whether this is the word of a block that acts; something very like one is a mistake."""
        if word in _OPTIONS:
            return True
        if word not in _LANGUAGES and (hint := closest(word.casefold(), _OPTIONS)):
            self._complain(start, word, f"there is no block {word}", hint)
        return False

    def _complain(self, index: int, word: str, sentence: str, hint: str | None) -> None:
        """Keep a problem of a word in the line of this index."""
        self.file.complain(sentence, hint, index + 1, max(self.lines[index].find(word), 0))

    def _prose(self, start: int, end: int) -> Iterable[Prose]:
        """The prose in these lines without its comments, if there is any."""
        lines = without_comments("\n".join(self.lines[start:end])).split("\n")
        blank = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
        text = "\n".join(lines[blank:]).rstrip()
        if text:
            self._check_quotes(text, start + blank)
            yield Prose(text, start + blank + 1)

    def _check_quotes(self, text: str, index: int) -> None:
        """Check a text that begins in the line of this index, which may be indented there."""
        for problem in _problems_of_quotes(text):
            before = text[: problem.column or 0]
            place = index + before.count("\n")
            line, written = text.split("\n")[place - index], self.lines[place]
            indented = len(written) - len(line) if written.endswith(line) else 0
            column = len(before) - before.rfind("\n") - 1
            self.file.complain(problem.sentence, problem.hint, place + 1, column + indented)

    def _check_options(self, fence: _Fence) -> None:
        known = _OPTIONS[fence.word]
        for option in fence.options:
            if option not in known:
                hint = closest(option, known) or (f"there is {', '.join(known)}" if known else "leave it out")
                self._complain(fence.start, option, f"{fence.word} takes no {option}", hint)

    def _block(self, fence: _Fence) -> Iterable[Block]:
        """A block that acts on the machine."""
        self._check_options(fence)
        if not any(line.strip() for line in (fence.lines[:1] if fence.word == "show" else fence.lines)):
            hint = "its first line is a command" if fence.word == "show" else "write a line, or delete the block"
            self._complain(fence.start, fence.word, f"this {fence.word} block is empty", hint)
            return
        typed = fence.lines[:1] if fence.word == "show" else fence.lines
        for index, line in enumerate(typed, fence.start + 1):
            self._check_quotes(line, index)
        flags = {option: option in fence.options for option in _OPTIONS[fence.word]}
        first = fence.start + 2
        match fence.word:
            case "lab":
                yield Lab(Lines(tuple(fence.lines), first), **flags)
            case "asm":
                yield Program(Lines(tuple(fence.lines), first), **flags)
            case _:
                yield Show(fence.lines[0].strip(), tuple(fence.lines[1:]), first)

    # --- exercises

    def _exercise(self, fence: _Fence) -> AnyExercise | None:
        """What the body of an exercise says; None if that is wrong."""
        self._check_options(fence)
        self.tasks += fence.word == "task"
        body = _Table(self.file, fence.lines, fence.start + 2)
        if body.is_sound:
            body.check(fence.word)
        if not body.is_sound:
            return None
        table = body.table
        shared = {
            "id": table["id"],
            "title": table.get("title", ""),
            "hints": tuple(table.get("hints", ())),
            "remarks": tuple(
                Remark(body.expressions["messages", number, "when"], message["say"])
                for number, message in enumerate(table.get("messages", ()))
            ),
            "after": table.get("after", ""),
            "line": fence.start + 1,
        }
        exercise = self._of_kind(fence.word, body, shared)
        other = self.exercises.setdefault(exercise.id, exercise)
        if other is not exercise:
            hint = f"the other one stands in line {other.line}"
            body.complain(("id",), f"there are two exercises {exercise.id}", hint)
        return exercise

    def _of_kind(self, word: str, body: _Table, shared: dict[str, Any]) -> AnyExercise:
        match word:
            case "task":
                return self._task(body, shared)
            case "ask":
                return self._ask(body, shared)
            case _:
                return self._predict(body, shared)

    def _task(self, body: _Table, shared: dict[str, Any]) -> Task:
        table = body.table
        goals = [
            Goal(body.expressions["goals", number, "holds"], goal["points"], goal.get("text", ""))
            for number, goal in enumerate(table.get("goals", ()))
        ]
        task = Task(
            **shared,
            text=table.get("text", ""),
            goals=tuple(goals or [Goal(body.expressions["goal",], table["points"])]),
            answer=body.lines_of("answer") if "answer" in table else None,
            wrong=tuple(
                Wrong(body.lines_of("wrong", number, "lines"), wrong["earns"], wrong.get("says", ""))
                for number, wrong in enumerate(table.get("wrong", ()))
            ),
            budget=table.get("budget"),
            continues=table.get("continues", False),
        )
        if task.answer is None and not self.is_student_edition:
            body.complain((), "this task has no answer", "answer: the lines that solve it")
        if task.continues and self.tasks == 1:
            body.complain(("continues",), "there is no task before this one that it could continue", "leave it out")
        for number, wrong in enumerate(task.wrong):
            if wrong.earns > task.points:
                sentence = f"this wrong answer cannot earn {wrong.earns}"
                body.complain(("wrong", number, "earns"), sentence, f"the task has {task.points}")
        return task

    def _ask(self, body: _Table, shared: dict[str, Any]) -> Ask:
        question = self._question(body, "question")
        tries = 1 if len(question.choices) == 2 else 2
        return Ask(**shared, question=question, points=body.table["points"], tries=body.table.get("tries", tries))

    def _predict(self, body: _Table, shared: dict[str, Any]) -> Predict:
        table = body.table
        own = [self._question(body, "text", "questions", number) for number in range(len(table.get("questions", ())))]
        return Predict(
            **shared,
            text=table.get("text", ""),
            lines=body.lines_of("lines"),
            questions=(*map(questions.usual, table.get("asks", ())), *own),
            each=table.get("points", 1),
        )

    def _question(self, body: _Table, text: str, *keys: str | int) -> Question:
        """The question in the table at these keys, which has it under the key `text`."""
        table = body.at(*keys)
        choices = tuple(table.get("choices", ()))
        answer = body.expressions.get((*keys, "answer"))
        if answer is None and not self.is_student_edition:
            body.complain((*keys, "digest"), "only a student edition knows an answer by its digest", "write the answer")
        if answer is not None:
            try:
                number = constant(answer)
            except Problem as problem:
                body.complain((*keys, "answer"), problem.sentence, problem.hint, problem.column or 0)
            else:
                if choices and number is not None and not 1 <= number <= len(choices):
                    hint = f"a number from 1 to {len(choices)}, or an expression that gives one"
                    body.complain((*keys, "answer"), f"there is no choice {number}", hint)
        return Question(table[text], answer, choices, table.get("digest", ""))
