"""The lesson's own part in a session: what its blocks type and say, and the values that its texts quote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pagefault_lab.lab.chronicle import Since
from pagefault_lab.lab.recording import Abandoned, GivenFiles, Input, Recording
from pagefault_lab.lab.results import Quit, Ran, Stopped
from pagefault_lab.lab.scopes import Then
from pagefault_lab.problem import Problem
from pagefault_lab.tutor.lesson import Lab, Lines, Program, Prose, Show
from pagefault_lab.tutor.lesson_files import LessonFiles
from pagefault_lab.tutor.quoting import fill
from pagefault_lab.tutor.told import LessonLine, ProseShown
from pagefault_lab.tutor.variants import draw

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.lab.session import Session
    from pagefault_lab.tutor.lesson import Block, Lesson


class Player:
    """Plays a lesson in a session. `values` are those of its variants, `began` is the step at which the part began.

    A Problem of the lesson's own lines and texts has its place in the lesson's file.
    """

    def __init__(self, lesson: Lesson, seed: str, session: Session) -> None:
        self.lesson = lesson
        self.session = session
        self.recording = session.recording  # of those who take the lesson
        self.values = draw(lesson, seed, session)
        self.began = 0
        self._own_names: dict[str, int] = {}  # of what the lesson's lines have typed and loaded,
        self._own_variables: dict[str, int] = {}  # and those that they have set

    # --- what texts and goals see

    def scope(self, **more: int) -> Scope:
        """What the lesson's expressions see: what happened since the part began. The world's symbols, and the names and
        variables that are the lesson's own, mean what they meant for it, whatever someone has made of them since."""
        session = self.session
        variables = {**session.variables, **self._own_variables, **self.values, **more}
        history, machine = session.history, session.machine
        chronicle = Since(history.chronicle, self.began)
        symbols = session.symbols.with_first(self._own_names)
        return Then(machine, symbols, variables, history, chronicle, session.last_value)

    def filled(self, text: str, line: int) -> str:
        """A text of the lesson that begins in a line of the file, with its quotes filled in."""
        try:
            return fill(text, self.scope())
        except Problem as problem:
            raise self.placed(problem, line) from None

    def placed(self, problem: Problem, line: int) -> Problem:
        """A problem of a text that begins in this line of the file, with its place there."""
        problem.file = self.lesson.name
        problem.line = line + (problem.text or "")[: problem.column or 0].count("\n")
        return problem

    # --- a part

    def begin(self, at: int, solutions: Mapping[str, Sequence[Input]], tells: bool) -> Iterator[object]:
        """Bring the machine to where a part begins, by its index; yields what its blocks say, if that is told.
        `solutions` are what tasks were solved by, for one that continues."""
        with self._typing():
            self._arrive(at, solutions)
            for block in self.lesson.parts[at].blocks:
                for value in self.play(block, tells):
                    if tells:
                        yield value
        self.session.repetition = ""
        self.began = self.session.machine.steps

    def execute(self, lines: Lines) -> Iterator[object]:
        """Type lines of the lesson where someone stands."""
        with self._typing():
            yield from self.type(lines)

    def _arrive(self, at: int, solutions: Mapping[str, Sequence[Input]]) -> None:
        """Bring the machine to before the first block of a part."""
        before = self.lesson.continued(at)
        if before is None:
            self._anew()
            blocks = [block for part in self.lesson.parts[:at] for block in part.blocks]
        else:
            self._arrive(before, solutions)
            for block in self.lesson.parts[before].blocks:
                exhaust(self.play(block, tells=False))
            task = self.lesson.parts[before].exercise
            assert task is not None
            self._repeat(solutions.get(task.id, ()))
            blocks = [block for part in self.lesson.parts[before + 1 : at] for block in part.blocks]
        leading = [block for block in blocks if isinstance(block, Lab | Program) and not block.aside]
        fresh = [place for place, block in enumerate(leading) if isinstance(block, Lab) and block.fresh]
        for block in leading[fresh[-1] if fresh else 0 :]:
            exhaust(self.play(block, tells=False))

    def _anew(self) -> None:
        """The world as it begins, with the values of the variants."""
        self.session.enter_world(self.lesson.world)
        self._own_names, self._own_variables = {}, {}
        self.began = 0
        self.session.variables.update(self.values)
        self.session.changed_by_host()

    def _repeat(self, inputs: Iterable[Input]) -> None:
        """Do again what someone has typed."""
        session = self.session
        lesson = session.files
        session.files = GivenFiles()
        try:
            for each in inputs:
                if isinstance(each, Abandoned):
                    session.forget_block()
                else:
                    exhaust(session.repeat(each, self.recording.given(each)))
        finally:
            session.files = lesson
        self._own_names = _alike(self._own_names, session.symbols.added())
        self._own_variables = _alike(self._own_variables, session.variables)

    @contextmanager
    def _typing(self) -> Iterator[None]:
        """Lines are the lesson's: they are not recorded, reach no files but the lesson's own, and are done as a whole:
        only their budget stops them."""
        session = self.session
        kept = session.recording, session.files, session.behind_line, session.interruptible
        session.recording = Recording(self.lesson.world)
        session.files = LessonFiles(self.lesson)
        session.behind_line = tuple
        session.interruptible = False
        try:
            yield
        finally:
            session.forget_block()
            session.recording, session.files, session.behind_line, session.interruptible = kept

    def play(self, block: Block, tells: bool) -> Iterator[object]:
        """Do and say what a block of the lesson has."""
        match block:
            case Prose(text, line):
                if tells:
                    yield ProseShown(self.filled(text, line))
            case Lab(lines, fresh, _, quiet):
                if fresh:
                    self._anew()
                yield from self.type(lines, quiet)
            case Program(lines, _, quiet):
                yield from self.type(Lines(("asm", *lines.lines, "end"), lines.first - 1), quiet)
            case Show(line, _, place):
                yield from self._type_line(line, place)

    def type(self, lines: Lines, quiet: bool = False) -> Iterator[object]:
        """Type lines; what they say, unless `quiet`."""
        remark: list[str] = []
        for number, line in enumerate(lines.lines, lines.first):
            text = line.strip()
            if not self.session.unfinished and (not text or text.startswith("#")):
                remark += [text[1:].removeprefix(" ")] if text else []
                continue
            if remark and not quiet:
                yield ProseShown(self.filled("\n".join(remark), number - len(remark)))
            remark = []
            for value in self._type_line(line, number):
                if not quiet:
                    yield value
        if remark and not quiet:
            yield ProseShown(self.filled("\n".join(remark), lines.first + len(lines.lines) - len(remark)))
        if self.session.unfinished:
            problem = Problem("the block that begins here is not finished", text=lines.lines[0])
            raise problem.placed(file=self.lesson.name, line=lines.first)

    def _type_line(self, line: str, number: int) -> Iterator[object]:
        session = self.session
        text = self.filled(line, number)
        yield LessonLine(None if session.unfinished else session.place(), text, number)
        commands = self._breakpoints_commands()
        names, variables = session.symbols.added(), dict(session.variables)
        try:
            for value in session.execute(text):
                if isinstance(value, Quit):
                    raise Problem("a lesson does not leave the lab")
                if isinstance(value, Ran) and value.stopped is Stopped.BUDGET:
                    raise Problem(
                        f"this line was broken off: it takes more than {session.budget:,} instructions", "budget = ..."
                    )
                yield value
            self._refuse_new_commands(commands)
            self._own_names = _led_on(self._own_names, names, session.symbols.added())
            self._own_variables = _led_on(self._own_variables, variables, session.variables)
        except Problem as problem:
            problem.file, problem.line = self.lesson.name, number
            raise problem.placed(text=text) from None

    def _breakpoints_commands(self) -> dict[int, tuple[str, ...]]:
        return {point.number: point.commands for point in self.session.breakpoints if point.commands}

    def _refuse_new_commands(self, before: Mapping[int, tuple[str, ...]]) -> None:
        """Commands of breakpoints would be executed as part of what a student types, and reach the student's files."""
        for number, commands in self._breakpoints_commands().items():
            if before.get(number) != commands:
                self.session.breakpoints.of(number).commands = ()
                raise Problem("a lesson gives no commands to breakpoints", "tell the student to do it")


def _led_on(own: Mapping[str, int], before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """What is one's own, when one has given values or taken them away."""
    kept = {name: value for name, value in own.items() if name in now or name not in before}
    return kept | {name: value for name, value in now.items() if before.get(name) != value}


def _alike(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """What has the same value still."""
    return {name: value for name, value in before.items() if now.get(name) == value}


def exhaust(values: Iterable[object]) -> None:
    """Do what yields values that nobody wants."""
    for _ in values:
        pass
