"""A script in our lab and in QEMU, line by line: after each both must be the same machine.

QEMU runs the kernel as GNU as and ld have built it, and so are built the lines that are typed and the modules that are
loaded. Told are only line by line where our lab put it and where it stood afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from judges import modules, qemu
from judges.guest import Guest

from pagefault_lab.lab import lessons
from pagefault_lab.lab.results import Defined, Ran, RestartedLine, Stopped, Travelled, Typed
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.registers import NAMES_32, SEGMENT_NAMES

NOTHING_HAPPENS: Final = frozenset(
    ("b", "decode", "diff", "dmesg", "frame", "info", "lsmod", "p", "set", "sreg", "walk", "why", "x")
)  # `set` of the lab's own variables
NOT_COMPARED: Final = 0x10010  # of EFLAGS: AF, undefined after logical instructions; RF, which QEMU does not push
SEGMENT_ERRORS: Final = range(10, 14)  # whose error code has EXT in bit 0, which QEMU never sets


class Replay:
    """`boot` gives a new guest in QEMU: what has happened in one cannot be undone."""

    def __init__(self, session: Session, boot: Callable[[], Guest]) -> None:
        self.session = session
        self._boot = boot
        self._guest = boot()
        self._done: list[tuple[str, Callable[[Guest], None]]] = []  # lines with what QEMU does for them
        self._ends: dict[int, int] = {}  # of typed lines

    def perform(self, line: str) -> None:
        """Execute a line in both, and compare."""
        word = line.split()[0].partition("/")[0]
        values = list(self.session.execute(line))
        if word in NOTHING_HAPPENS or self.session.unfinished:
            return
        if word == "end":  # of a block, which is placed now
            line = self.session.lines[-1].removeprefix("asm\n").removesuffix("\nend")
        if word == "back":
            (went,) = (value for value in values if isinstance(value, Travelled))
            for undone in went.lines:
                assert self._done.pop()[0] == undone
            self._guest = self._boot()
            for _, action in self._done:
                action(self._guest)
        else:
            action = self._action(word, line, values)
            self._done.append((line, action))
            self._guest.pc.watch_exceptions()
            try:
                action(self._guest)
            except qemu.ShutDown:
                assert self.session.machine.cpu.shutdown, line
            else:
                assert not self.session.machine.cpu.shutdown, line
            told = list(attempts(values))
            assert self._guest.pc.exceptions()[-len(told) :] == told or not told, line
        assert state_of(self._guest) == state_here(self.session), line

    # --- what QEMU does for a line

    def _action(self, word: str, line: str, values: list[Any]) -> Callable[[Guest], None]:
        """The line for QEMU, bound to what our lab has made of it."""
        here = self.session.here
        match word:
            case "insmod":
                return lambda guest: self._insmod(guest, line.split()[1:], here)
            case "rmmod":
                stopped = any(isinstance(value, Ran) for value in values)
                return lambda guest: self._rmmod(guest, line.split()[1], here, stopped)
            case "switch":
                return lambda guest: self._switch(guest, here)
            case "si":
                steps = sum(isinstance(value, Story) for value in values)
                return lambda guest: [guest.pc.step() for _ in range(steps)]
            case "c" | "finish" | "ni" | "until" | "user":
                return self._running(values, here)
        (typed,) = (value for value in values if isinstance(value, Typed))
        end = self._ends[typed.address] = typed.address + len(typed.bytes)
        names = {each.name: each.value for value in values if isinstance(value, Defined) for each in value.symbols}
        code = "int $0x81" if word == "kernel" else line

        def type_line(guest: Guest) -> None:
            before = guest.pc.registers()["eip"]
            assert guest.place(code, typed.address) == end
            guest.symbols.update(names)
            guest.pc.write(end, b"\0")  # as it was: an Oops shows the code
            if typed.executes:
                self._go(guest, here, end)
            else:
                guest.pc.set_register("eip", before)

        return type_line

    def _insmod(self, guest: Guest, words: list[str], here: int) -> None:
        files = [lessons.find(Path(word)) for word in words if "=" not in word]
        settings = (word.split("=") for word in words if "=" in word)
        assert modules.insmod(guest, *files, **{name: int(value, 0) for name, value in settings}) == 0
        guest.pc.set_register("eip", here)

    def _rmmod(self, guest: Guest, name: str, here: int, stopped: bool) -> None:
        """Unload a module, or come to where it was `stopped` in that."""
        if stopped:
            guest.place_system_call(modules.DELETE_MODULE, name)
            guest.pc.run_to(here)
        else:
            assert modules.rmmod(guest, name) == 0
            guest.pc.set_register("eip", here)

    def _switch(self, guest: Guest, here: int) -> None:
        guest.tick()
        guest.pc.set_register("eip", here)

    def _running(self, values: list[Any], here: int) -> Callable[[Guest], None]:
        ran = next((value for value in values if isinstance(value, Ran)), None)
        if ran is not None and ran.stopped is Stopped.WORLD:
            return lambda guest: self._start_anew(guest, here)
        if ran is not None and ran.stopped is Stopped.SHUTDOWN:
            return lambda guest: self._go(guest)
        restarted = [value.address for value in values if isinstance(value, RestartedLine)]
        ends = [self._ends[address] for address in restarted or list(self._ends)[-1:]]
        return lambda guest: self._go(guest, here, *ends)

    def _start_anew(self, guest: Guest, here: int) -> None:
        """To where the task is ready, or to where it is started once more."""
        started = guest["task_started"]
        if guest.pc.registers()["eip"] != started:
            guest.pc.run_to(started)
        self._go(guest, here, guest["ready"], started)

    def _go(self, guest: Guest, *places: int) -> None:
        """Run to where our lab stands, the first of these places, or to another, from which it has moved EIP there."""
        if guest.pc.run_to(*places) != places[0]:
            guest.pc.set_register("eip", places[0])


# --- what is compared


def attempts(values: Iterable[Any]) -> Iterator[qemu.Attempt]:
    """The deliveries of exceptions that were told."""
    for value in values:
        for delivery in value.step.deliveries if isinstance(value, Story) else ():
            if delivery.source is Source.EXCEPTION:
                fault, failed = delivery.fault, delivery.failed
                error = (fault.error or 0) & (~1 if fault.vector in SEGMENT_ERRORS else ~0)
                yield qemu.Attempt(fault.vector, error, failed and failed.vector)


def state_here(session: Session) -> dict[str, Any]:
    cpu, serial = session.machine.cpu, session.machine.ports.serial
    selectors = {name: segment.selector for name, segment in zip(SEGMENT_NAMES, cpu.segments, strict=True)}
    return {
        **dict(zip(NAMES_32, cpu.registers, strict=True)),
        **selectors,
        "eip": cpu.eip,
        "eflags": cpu.eflags & ~NOT_COMPARED,
        **{name: getattr(cpu, name) for name in ("cr0", "cr2", "cr3")},
        "idtr.base": cpu.idtr.base,
        "log": log_of(bytes(serial.output).decode()),
    }


def state_of(guest: Guest) -> dict[str, Any]:
    pc = guest.pc
    registers = pc.registers()
    return {
        **registers,
        "eflags": registers["eflags"] & ~NOT_COMPARED,
        **{name: pc.system_register(name.upper()) for name in ("cr0", "cr2", "cr3")},
        "idtr.base": pc.system_register("IDT"),
        "log": log_of(pc.serial()),
    }


def log_of(text: str) -> str:
    """What the kernel has said; of an Oops what can be compared. In the stack that it shows, there are saved flags, and
    selectors, of which a 486 pushes 2 of 4 bytes, and QEMU all."""
    text = re.sub(r"Stack: [^\[]*Call Trace:.*", "", text)
    return re.sub(r"(?<=EFLAGS: )\w+", lambda found: f"{int(found[0], 16) & ~NOT_COMPARED:08x}", text)
