"""A session: one machine in one world, what was typed into it, and the way back.

A line is a transaction: if it is wrong (a Problem), everything is as before it; `back` undoes it whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pagefault_lab.lab import kernel_log, language
from pagefault_lab.lab.breakpoints import Breakpoints
from pagefault_lab.lab.history import History, Kind
from pagefault_lab.lab.results import Disassembly, NewFuture, Place, Ran, Value, WorldEntered
from pagefault_lab.lab.runner import Runner
from pagefault_lab.lab.story import tell
from pagefault_lab.lab.symbols import Symbols
from pagefault_lab.lab.tracing import Trace
from pagefault_lab.lab.typed_code import TypedCode
from pagefault_lab.lab.typed_lines import TypedLines
from pagefault_lab.machine.registers import CS
from pagefault_lab.machine.step import Step, visible
from pagefault_lab.problem import Problem
from pagefault_lab.worlds import World, boot

if TYPE_CHECKING:
    from pagefault_lab.lab.chronicle import Chronicle
    from pagefault_lab.lab.examining import Last
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.modules import ModuleLine
    from pagefault_lab.machine.machine import Machine

_LABEL_OR_ASSIGNMENT: Final = re.compile(r"\s*(?:[A-Za-z_.$][\w.$]*\s*(?::|==?(?!=))|[0-9]+\s*:)")


class Displayed(NamedTuple):
    """What `display` shows again and again: a value or, by the letter i, the instruction there."""

    expression: Expression
    letter: str

    def now(self, session: Session) -> Value | Disassembly:
        """As it is now."""
        value = self.expression.value(session)
        if self.letter != "i":
            return Value(self.expression.text, value, self.letter)
        from pagefault_lab.lab.code import disassembly

        return disassembly(session, value & 0xFFFFFFFF, None, 1)


class Session:
    """A machine on the bench.

    `machine` and `world` are what it is about, `symbols` all names, `variables` those set by `set $name = ...`, `code`
    what was typed, `typed_lines` the lines of it that are not finished, `runner` what makes the machine go on,
    `history` the way back, `trace` what tells every step. `lines` are the lines that were executed, for `save`.
    `repetition` is what an empty line stands for, "" for nothing.
    """

    machine: Machine
    world: World

    def __init__(self, world: str = "linux", budget: int | None = None) -> None:
        self.budget = budget  # instructions for each line
        self.lines: list[str] = []
        self.repetition = ""
        self.first_world = world
        self._line = self._noted = ""
        self._marked = self._moved = False
        self._left_behind: NewFuture | None = None
        self.trace = Trace(self)
        self.enter_world(world)

    def enter_world(self, name: str) -> WorldEntered:
        """Start anew in a world; the history begins there."""
        self.machine, self.world = boot(name)
        self.symbols = Symbols(self.world.symbols, self.world.code, self.world.constants, self.world.ends)
        self.breakpoints = Breakpoints()
        self.variables: dict[str, int] = {}
        self.examined: dict[str, Last] = {}  # how `x` and `xp` go on
        self.displayed: dict[int, Displayed] = {}  # what is shown after every line that changes something, by number
        self.log_told: int | None = None  # how much of the guest kernel's log this line has told; None without one
        self.code = TypedCode(self)
        self.typed_lines = TypedLines(self)
        self.runner = Runner(self)
        self.registers_before = visible(self.machine.cpu)  # when the last line began that changed something
        self.code.stand_at_end()
        self.history = History(self)
        self._marked = False
        return WorldEntered(self.world.name, self.world.description, self.place())

    # --- what goes back in time with the machine

    def save_state(self) -> tuple[Any, ...]:
        """The session's own state as a value."""
        return (
            self.code.save(), self.typed_lines.all, self.symbols.save(), dict(self.variables),
            self.breakpoints.save(),
        )  # fmt: skip

    def restore_state(self, saved: tuple[Any, ...]) -> None:
        code, self.typed_lines.all, symbols, variables, hits = saved
        self.code.restore(code)
        self.symbols.restore(symbols)
        self.variables = dict(variables)
        self.breakpoints.restore(hits)

    @staticmethod
    def variables_in(saved: tuple[Any, ...]) -> dict[str, int]:
        """The variables in a state that `save_state` gave."""
        return dict(saved[3])

    # --- a line

    def execute(self, line: str) -> Iterator[object]:
        """Do what one line says; yields values, of each step its Story. After a Problem nothing has changed."""
        self._line = self._noted = line
        self._marked = self._moved = False
        self._left_behind = None
        self.runner.begin_line()
        self.log_told = kernel_log.length(self)
        modules = self._modules()
        try:
            for value in self._dispatch(line):
                yield from self._tell_new_future()
                self.trace.catch_up(value)
                if isinstance(value, Ran):
                    yield from kernel_log.untold(self)
                yield tell(value, self.symbols.name, self.machine) if isinstance(value, Step) else value
            yield from self._tell_new_future()
            self.trace.catch_up()
            if self._marked:
                yield from self._changes_of(modules)
            if self._marked or self._moved:
                yield from self._display()
        except Problem as problem:
            self._undo()
            raise problem.placed(text=line) if problem.column is not None else problem from None
        except (Exception, KeyboardInterrupt):  # not the learner's: but the session shall go on
            self._undo()
            raise
        if self._noted.strip():
            self.lines.append(self._noted)

    def _dispatch(self, line: str) -> Iterator[object]:
        if self.code.pending:
            yield from self.code.continue_block(line)
            return
        text = line.strip()
        if not text or text[0] == "#":
            self.note_line("")
            return
        self.repetition = ""
        commands = language.spoken()
        if _LABEL_OR_ASSIGNMENT.match(line):
            yield from self.code.statement(line)
        elif found := commands.find(line, abbreviated=False):
            yield from commands.execute(self, line, found)
        elif self.code.is_statement(text):
            yield from self.code.statement(line)
        elif found := commands.find(line):
            yield from commands.execute(self, line, found)
        else:
            from pagefault_lab.assembler import statement_words

            raise commands.unknown(line, statement_words())

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

    def _display(self) -> Iterator[Value | Disassembly]:
        """The values that `display` asked for; those that there are none of now are left out."""
        for shown in self.displayed.values():
            with suppress(Problem):
                yield shown.now(self)

    def _undo(self) -> None:
        """Take back what a line has changed that is not to be."""
        if self._marked:
            self._marked = False
            self._left_behind = None
            self.history.take_back_line()
        self.trace.catch_up()

    def note_line(self, line: str) -> None:
        """What `lines` will keep of the present line; "" for nothing."""
        self._noted = line

    def changing(self) -> None:
        """Announce that this line changes the machine or the session: `back` will return to here.

        In the past, another future begins here.
        """
        if not self._marked:
            self._marked = True
            self.registers_before = visible(self.machine.cpu)
            ahead = self.history.begin_line(self._line)
            if ahead is not None and ahead.line != self._line:
                self._left_behind = NewFuture(ahead.steps, ahead.lines)

    def moving(self) -> None:
        """Announce that this line goes elsewhere in time."""
        self._moved = True
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
        return self.code.pending

    @property
    def unfinished(self) -> bool:
        """Whether the lines so far want more of them."""
        return bool(self.code.pending)

    def abandon(self) -> None:
        """Forget the lines of an unfinished block."""
        self.code.pending = []

    def interrupt(self) -> None:
        """Stop a run at its next step; what a signal handler may call."""
        self.runner.interrupted = True

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
        return not (cpu.shutdown or cpu.halted or self.runner.must_stop)

    # --- the last steps

    @property
    def chronicle(self) -> Chronicle:
        """What the processor did, up to where the session stands in time."""
        return self.history.chronicle

    @property
    def last(self) -> Step | None:
        """The step that led to where the session stands, told in full; None where the history begins."""
        if self.runner.last is None and self.machine.steps > self.history.first_step:
            self.runner.last = self.history.story(self.machine.steps - 1)
        return self.runner.last

    @property
    def fault(self) -> Step | None:
        """The last step that delivered an exception, told in full; None if there was none since the world's start."""
        return self.runner.fault
