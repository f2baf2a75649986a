"""A session: one machine in one world, what was typed into it, and the way back.

A line is a transaction: if it is wrong (a Problem), everything is as before it; `back` undoes it whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab import kernel_log, language, telling
from pagefault_lab.lab.breakpoints import Breakpoints
from pagefault_lab.lab.history import History, Kind, Standing
from pagefault_lab.lab.recording import Abandoned, GivenFiles, Line, Recording, in_one_line
from pagefault_lab.lab.results import Message, NewFuture, Place, Ran, Stopped, WorldEntered
from pagefault_lab.lab.runner import Runner
from pagefault_lab.lab.symbols import Symbols
from pagefault_lab.lab.tracing import Trace
from pagefault_lab.lab.typed_code import TypedCode
from pagefault_lab.lab.typed_lines import TypedLines
from pagefault_lab.machine.effort import EFFORT, LINE
from pagefault_lab.machine.registers import CS
from pagefault_lab.machine.step import Step, visible
from pagefault_lab.problem import Problem
from pagefault_lab.worlds import World, boot

if TYPE_CHECKING:
    from pagefault_lab.lab.chronicle import Chronicle
    from pagefault_lab.lab.examining import Last
    from pagefault_lab.lab.micro import AtStage
    from pagefault_lab.lab.modules import ModuleLine
    from pagefault_lab.lab.pictures import Picture
    from pagefault_lab.lab.telling import Displayed
    from pagefault_lab.machine.machine import Machine

_SAYS_SOMETHING: Final = re.compile(r"\s*[^\s#]")
_ASSIGNMENT: Final = re.compile(r"\s*([a-z]\w*)\s*=(?!=)")
_LABEL_OR_ASSIGNMENT: Final = re.compile(r"\s*(?:[A-Za-z_.$][\w.$]*\s*(?::|==?(?!=))|[0-9]+\s*:)")


def _doubts(line: str) -> Iterator[Message]:
    """What to say to someone who has given a symbol a register's name, and may have meant the register."""
    from pagefault_lab.lab.vocabulary import QUANTITIES

    assigned = _ASSIGNMENT.match(line)
    if assigned is not None and assigned[1] in QUANTITIES:
        name = assigned[1]
        yield Message(f"{name} is a symbol now, as in GNU as; `set ${name} = ...` sets the register", "warning")


def _nobody_draws(_: Picture) -> str:
    raise Problem("nobody draws pictures for files here")


class Session:
    """A machine on the bench.

    `machine` and `world` are what it is about, `symbols` all names, `variables` those set by `set $name = ...`, `code`
    what was typed, `typed_lines` the lines of it that are not finished, `runner` what makes the machine go on,
    `history` the way back, `trace` what tells every step. `lines` are the lines that were executed, for `save`.
    `repetition` is what an empty line stands for, "" for nothing. `by_stages`, `displayed` and `shows_context` are how
    lines are told (telling.py); `micro` is the stage of a step at which the session stands. `recording` is what it
    takes to repeat it all, `files` the door to the files of this computer, `svg_of` what a layer above makes of a
    picture for one. `behind_line` is asked what more there is to say when a line is finished and recorded; a layer
    above may do and say something there that is not part of the line. `deferred` is what the present line wants to be
    done there: a line that comes to nothing does none of it. While not `interruptible`, Ctrl-C stops no run.
    """

    machine: Machine
    world: World

    def __init__(self, world: str = "linux", budget: int | None = None) -> None:
        self.budget = budget  # instructions for each line
        self.lines: list[str] = []
        self.repetition = ""
        self.by_stages = False
        self.shows_context = False  # after every line that changes something
        self.recording = Recording(world)
        self.files = GivenFiles()
        self.svg_of: Callable[[Picture], str] = _nobody_draws
        self.behind_line: Callable[[], Iterable[object]] = tuple
        self.deferred: list[Callable[[], Iterable[object]]] = []
        self.interruptible = True
        self.attempt: object | None = None
        self._line = self._noted = ""
        self._marked = self._only_shows = self._recorded = False
        self._stood: Standing | None = None  # before this line went elsewhere in time
        self._left_behind: NewFuture | None = None
        self.trace = Trace(self)
        self.enter_world(world)

    def enter_world(self, name: str) -> WorldEntered:
        """Start anew in a world; the history begins there."""
        self.machine, self.world = boot(name)
        self.symbols = Symbols(self.world.symbols, self.world.code, self.world.constants, self.world.ends)
        self.breakpoints = Breakpoints(self)
        self.variables: dict[str, int] = {}
        self.last_value: int | None = None  # that `p` gave
        self.examined: dict[str, Last] = {}  # how `x` and `xp` go on
        self.displayed: dict[int, Displayed] = {}  # what is shown after every line that changes something, by number
        self.micro: AtStage | None = None
        self.log_told: int | None = None  # how much of the guest kernel's log this line has told; None without one
        self.code = TypedCode(self)
        self.typed_lines = TypedLines(self)
        self.runner = Runner(self)
        self.code.stand_at_end()
        self.registers_before = visible(self.machine.cpu)  # when the last line began that changed something
        self.history = History(self)
        self._marked = False
        return WorldEntered(self.world.name, self.world.description, self.place())

    # --- what goes back in time with the machine

    def save_state(self) -> tuple[Any, ...]:
        """The session's own state as a value."""
        return self.code.save(), self.typed_lines.all, self.symbols.save(), dict(self.variables), self.micro

    def restore_state(self, saved: tuple[Any, ...]) -> None:
        code, self.typed_lines.all, symbols, variables, self.micro = saved
        self.code.restore(code)
        self.symbols.restore(symbols)
        self.variables = dict(variables)

    @staticmethod
    def variables_in(saved: tuple[Any, ...]) -> dict[str, int]:
        """The variables in a state that `save_state` gave."""
        return dict(saved[3])

    # --- a line

    def execute(self, line: str) -> Iterator[object]:
        """Do what one line says; yields values, of each step its Story. After a Problem nothing has changed."""
        self.runner.begin_line()
        self.files.begin_line()
        yield from self._transact(line)

    def repeat(self, line: Line, given: Sequence[bytes | None], exactly: bool = True) -> Iterator[object]:
        """Do what a recorded line did, which was `given` that by files. A Problem if it comes to something else; not
        `exactly`, only if it is wrong."""
        self.runner.begin_line(line.stop)
        self.files.begin_line(given)
        yield from self._transact(line.text, line.steps if exactly else None)

    def _transact(self, line: str, steps: int | None = None) -> Iterator[object]:
        """Execute a line wholly or not at all; if it was recorded, it leads to step number `steps` of the machine."""
        EFFORT.spend(LINE)
        self._line = self._noted = line
        self._marked = self._only_shows = self._recorded = False
        self._stood = None
        self._left_behind = None
        self.deferred = []
        says_something = self.unfinished or _SAYS_SOMETHING.match(line)
        self.log_told = kernel_log.length(self)
        modules = self._modules()
        try:
            for value in self._with_commands(line):
                yield from self._tell_new_future()
                self.trace.catch_up(value)
                if isinstance(value, Ran):
                    yield from kernel_log.untold(self)
                if isinstance(value, Step):
                    yield from telling.told(self, value)
                else:
                    yield value
            yield from self._tell_new_future()
            self.trace.catch_up()
            if self._marked:
                yield from self._changes_of(modules)
            if self._marked or self._stood is not None:
                yield from telling.behind_line(self, changed=self._marked)
            if steps is not None and steps != self.machine.steps:
                raise Problem(f"it leads to step {self.machine.steps}, and led to step {steps}")
            if says_something:
                self._keep(line)
        except Problem as problem:
            self._undo()
            raise problem.placed(text=line) if problem.column is not None else problem from None
        except BaseException:  # not the learner's, or nobody wants the rest: but the session shall go on
            self._undo()
            raise
        if complaint := self.recording.grown():
            yield Message(complaint, "warning")
        if self._recorded:
            yield from self.behind_line()

    def _keep(self, line: str) -> None:
        """The line is finished: keep what it takes to do it again."""
        stop = self.runner.stopped_at
        if self._noted.strip():
            self.lines.append(self._noted if stop is None else f"atmost {stop} {in_one_line(self._noted)}")
        if self._marked or self._stood is not None or not (self._only_shows or self.files.written):
            self.recording.add(line, self.machine.steps, stop, self.files.taken)
            self._recorded = True

    def dispatch(self, line: str) -> Iterator[object]:
        """What a line, or a part of the present one, says."""
        if self.code.pending:
            yield from self.code.continue_block(line)
            return
        if self.breakpoints.pending:
            yield from self.breakpoints.continue_block(line)
            return
        text = line.strip()
        if not text or text[0] == "#":
            self.note_line("")
            return
        self.repetition = ""
        commands = language.spoken()
        if _LABEL_OR_ASSIGNMENT.match(line):
            yield from self.code.statement(line)
            yield from _doubts(line)
        elif found := commands.find(line, abbreviated=False):
            yield from commands.execute(self, line, found)
        elif self.code.is_statement(text):
            yield from self.code.statement(line)
        elif found := commands.find(line):
            yield from commands.execute(self, line, found)
        else:
            from pagefault_lab.assembler import statement_words

            raise commands.unknown(self, line, statement_words())

    def _with_commands(self, line: str) -> Iterator[object]:
        """What a line says, and then the commands of the breakpoints that have stopped it. One that lets the machine go
        on ends them; what stops it then has its own."""
        self.breakpoints.due = []
        yield from self.dispatch(line)
        noted, repetition = self._noted, self.repetition
        while self.breakpoints.due and self.runner.must_stop is not Stopped.INTERRUPTED:
            command, *rest = self.breakpoints.due
            self.breakpoints.due = []
            before = self.machine.steps
            try:
                yield from self.dispatch(command)
                if self.unfinished:
                    self.forget_block()
                    raise Problem(f"{command} wants another line")
            except Problem as problem:
                yield Message(f"a breakpoint's command: {problem.sentence}", "warning")
                break
            if self.machine.steps == before:
                self.breakpoints.due = rest
        self._noted, self.repetition = noted, repetition

    def _modules(self) -> Sequence[ModuleLine]:
        """The guest's kernel modules, if names of any are known."""
        if not self.symbols.modules:
            return ()
        from pagefault_lab.lab.modules import loaded

        return loaded(self)

    def _changes_of(self, modules: Sequence[ModuleLine]) -> Iterator[object]:
        """What has become of modules by the way."""
        if modules:
            from pagefault_lab.lab.modules import changes

            yield from changes(self, modules)

    def _undo(self) -> None:
        """Take back what a line has changed that is not to be."""
        if self._marked:
            self._marked = False
            self._left_behind = None
            self.history.take_back_line()
        if self._stood is not None:
            self.history.stand_at(self._stood)
            self._stood = None
        self.trace.catch_up()

    def note_line(self, line: str) -> None:
        """What `lines` will keep of the present line; "" for nothing."""
        self._noted = line

    def only_shows(self) -> None:
        """Announce that this line has to do with what is shown or written: who repeats the session does not need it."""
        self._only_shows = True

    def changing(self) -> None:
        """Announce that this line changes the machine or the session: `back` will return to here.

        In the past, another future begins here.
        """
        if not self._marked:
            self._marked = True
            self.registers_before = visible(self.machine.cpu)
            ahead = self.history.begin_line(self._line)
            self.micro = None
            if ahead is not None and ahead.line != self._line:
                self._left_behind = NewFuture(ahead.steps, ahead.lines)

    @property
    def changes(self) -> bool:
        """Whether the present line has changed the machine or the session."""
        return self._marked

    def moving(self) -> None:
        """Announce that this line goes elsewhere in time."""
        if self._stood is None:
            self._stood = self.history.standing
            self.registers_before = visible(self.machine.cpu)

    def _tell_new_future(self) -> Iterator[NewFuture]:
        """What this line has left behind by changing the past."""
        if self._left_behind is not None:
            yield self._left_behind
            self._left_behind = None

    def changed_by_host(self) -> None:
        """Announce that the host has changed the machine or the session, so that the past can be repeated exactly."""
        self.history.take(Kind.HOST)

    @property
    def pending(self) -> list[str]:
        """The lines of an unfinished block."""
        return self.code.pending or self.breakpoints.pending

    @property
    def unfinished(self) -> bool:
        """Whether the lines so far want more of them."""
        return bool(self.pending)

    def abandon(self) -> None:
        """Forget the lines of an unfinished block."""
        if self.unfinished:
            self.forget_block()
            self.recording.inputs.append(Abandoned())
            self.recording.grown()

    def forget_block(self) -> None:
        """The unfinished block is none any more."""
        self.code.pending, self.breakpoints.pending = [], []

    def interrupt(self) -> None:
        """Stop a run at its next step; what a signal handler may call."""
        self.runner.interrupted = self.interruptible

    # --- where the processor stands

    @property
    def here(self) -> int:
        """The linear address of the next instruction."""
        cpu = self.machine.cpu
        return cpu.segments[CS].base + cpu.eip & 0xFFFFFFFF

    @property
    def ring(self) -> int:
        return self.machine.cpu.cpl

    def place(self) -> Place:
        """Ring, address and symbol, for the prompt."""
        here, typed = self.here, self.code.contains_eip
        near = None if self.code.ends_at_eip else self.symbols.nearest(here)
        if near is None or (typed and near.name not in self.symbols.typed):
            return Place(self.ring, here, "", 0, typed)
        return Place(self.ring, here, near.name, near.offset, typed)

    def eip_of(self, linear: int) -> int:
        """EIP for a linear address; a Problem if CS does not reach it."""
        segment = self.machine.cpu.segments[CS]
        eip = linear - segment.base & 0xFFFFFFFF
        if eip > segment.limit:
            raise Problem(f"{linear:#010x} lies outside of CS", f"its limit is {segment.limit:#x}")
        return eip

    def go_to(self, linear: int) -> None:
        """Let the processor go on elsewhere; typed lines that were not finished are forgotten."""
        self.machine.cpu.eip = self.eip_of(linear)
        self.typed_lines.forget()
        self.changed_by_host()

    # --- whether it can go on

    @property
    def interrupt_is_next(self) -> bool:
        """Whether an external interrupt is taken before the next instruction."""
        cpu = self.machine.cpu
        return bool(cpu.pending) and cpu.interruptible

    def check_not_shut_down(self) -> None:
        """A Problem if the processor has given up."""
        if self.machine.cpu.shutdown:
            raise Problem("the processor is shut down: a fault could not be delivered", "`back` undoes the last line")

    def check_runs(self) -> None:
        """A Problem if the processor executes nothing now."""
        cpu = self.machine.cpu
        self.check_not_shut_down()
        if cpu.halted and not self.interrupt_is_next:
            hint = "`irq 0` requests one" if cpu.eflags & 0x200 else "IF = 0: it waits forever"
            raise Problem("the processor is halted and waits for an interrupt", f"{hint}; `back` undoes the last line")

    @property
    def can_go_on(self) -> bool:
        """Whether a command that consists of several parts should do the next one."""
        cpu = self.machine.cpu
        return not (cpu.shutdown or cpu.halted or self.runner.hits or self.runner.must_stop)

    # --- the last steps

    @property
    def chronicle(self) -> Chronicle:
        """What the processor did, up to where the session stands in time."""
        return self.history.chronicle

    @property
    def last(self) -> Step | None:
        """The step that led to where the session stands, told in full; None where the history begins."""
        number, told = self.machine.steps - 1, self.runner.last
        if told is not None and told.number == number:
            return told
        return self.history.story(number) if number >= self.history.first_step else None

    @property
    def fault(self) -> Step | None:
        """The last step that delivered an exception, told in full; None if there was none since the world's start."""
        return self.runner.fault
