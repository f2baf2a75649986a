"""Opening a session behind the first prompt: a person needs longer to type than a world needs to load.

What the first screen tells of the world, a `Glimpse`, is remembered from the last time it was opened with the same
sources; it is only ever what a session really said. Where there is none yet, the session is opened first.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.worlds import WORLDS, cache

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class Glimpse(NamedTuple):
    """Where a session stands, as far as prompt, toolbar and banner tell it."""

    world: str
    description: str
    prompt: str
    ring: int
    eip: int
    esp: int
    cr3: int
    steps: int

    @classmethod
    def of(cls, session: Session) -> Glimpse:
        from pagefault_lab.views.prompts import prompt_of

        cpu = session.machine.cpu
        return cls(
            session.world.name, session.world.description, prompt_of(session.place()),
            cpu.cpl, cpu.eip, cpu.registers[4], cpu.cr3, session.machine.steps,
        )  # fmt: skip


class Opening:
    """A session that is being opened. `session` waits until it is; `glimpse` never waits.

    `opened` is called with it as soon as it is. One that is open already may be given as `session`.
    """

    def __init__(
        self, world: str, opened: Callable[[Session], object] | None = None, session: Session | None = None
    ) -> None:
        self._world = world
        self._opened = opened
        self._session: Session | None = None
        self._failure: BaseException | None = None
        self._thread: Thread | None = None
        self._memory = _memory(world)
        self._glimpse = _recall(self._memory)
        if session is not None:
            self._take(session)
        elif self._glimpse is None:
            self._glimpse = Glimpse.of(self.session)
            _remember(self._memory, self._glimpse)

    def start(self, then: Callable[[], object]) -> None:
        """Begin in the background, unless it has begun; call `then` there when it is done."""

        def open_and_warm_up() -> None:
            self._open()
            then()
            import_module("rich.console")
            import_module("pagefault_lab.views.lines")

        if self._thread is None and self._session is None:
            self._thread = Thread(target=open_and_warm_up, name="opening", daemon=True)
            self._thread.start()

    @property
    def ready(self) -> bool:
        return self._session is not None

    @property
    def session(self) -> Session:
        if self._session is None:
            if self._thread is None:
                self._open()
            else:
                self._thread.join()
            if self._failure is not None:
                raise self._failure
        assert self._session is not None
        return self._session

    @property
    def glimpse(self) -> Glimpse:
        """Where the session stands; while it is not yet open, where it will."""
        if self._session is not None:
            self._glimpse = Glimpse.of(self._session)
        assert self._glimpse is not None
        return self._glimpse

    def _open(self) -> None:
        try:
            from pagefault_lab.lab.session import Session

            session = Session(self._world)
            truth = Glimpse.of(session)
            if self._glimpse is not None and truth != self._glimpse:
                _remember(self._memory, truth)
            self._take(session)
        except BaseException as failure:  # it is raised where the session is asked for
            self._failure = failure
        gc.freeze()  # what is loaded now stays; nobody need look through it again
        gc.enable()

    def _take(self, session: Session) -> None:
        if self._opened is not None:
            self._opened(session)
        self._session = session


def _memory(world: str) -> Path | None:
    """The file for the glimpse of a world. Its name tells for which program, so that nothing in it needs a check."""
    folder = cache.folder()
    if folder is None or world not in WORLDS:
        return None
    package = Path(__file__).parents[1]
    layers = ("machine", "assembler", "worlds", "lab", "terminal")
    return folder / f"{world}.{cache.key(*(package / layer for layer in layers))}.glimpse"


def _recall(memory: Path | None) -> Glimpse | None:
    if memory is None:
        return None
    try:
        world, description, prompt, *numbers = memory.read_text("utf-8").splitlines()
        return Glimpse(world, description, prompt, *map(int, numbers))
    except (OSError, ValueError, TypeError):
        return None


def _remember(memory: Path | None, glimpse: Glimpse) -> None:
    if memory is None:
        return
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        for old in memory.parent.glob(f"{glimpse.world}.*.glimpse"):
            old.unlink(missing_ok=True)
        written = memory.with_suffix(f".{os.getpid()}")
        written.write_text("\n".join(map(str, glimpse)) + "\n", "utf-8")
        written.replace(memory)
    except OSError:
        pass  # then the next start is slower
