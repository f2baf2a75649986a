"""Ready machines: `boot` gives one, and a `World` that tells what is where in it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

# name: what it is, in one line. Each is a module here with a function `boot() -> (Machine, World)`.
WORLDS: Final = {
    "linux": "a little i386 Linux 2.4 that runs two tasks at CPL 3",
    "bare": "flat segments at CPL 0, paging off, no IDT: everything to build by hand",
}


class Region(NamedTuple):
    """Linear addresses from `start` up to, not including, `end`."""

    name: str
    start: int
    end: int

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.start <= address < self.end


class StopPlace(NamedTuple):
    """An address at which runs stop, and what that means.

    With `goes_on_to`, the run first goes on to that address, and then stands in typed code again.
    """

    address: int
    sentence: str
    goes_on_to: int | None = None


class LogBuffer(NamedTuple):
    """The guest kernel's log: byte number n lies at `buffer` + n % `size`; the word at `counter` counts all bytes."""

    buffer: int
    counter: int
    size: int


class ModuleDoors(NamedTuple):
    """Kernel modules: `list` is the pointer to the newest `struct module`, whose layout the guest's constants give, and
    `directory` the physical address of the page directory in which modules are mapped."""

    list: int
    directory: int


class TaskDoors(NamedTuple):
    """Tasks: `current` points to the running one, and the pointers from `table` on, as many as `places`, to all; 0 is a
    free place. The instruction at `to_user` returns to user mode; `timer` is the IRQ that makes the kernel take the
    next task."""

    current: int
    table: int
    places: int
    to_user: int
    timer: int


class PageMap(NamedTuple):
    """Who owns physical memory: the byte at `start` + n counts the users of frame n, 0 if it is free."""

    start: int
    frames: int


class World(NamedTuple):
    """What the bench may hold on to in a machine: doors, never more. All addresses are linear."""

    name: str
    description: str
    symbols: Mapping[str, int] = MappingProxyType({})
    constants: frozenset[str] = frozenset()  # symbols that are numbers, not places
    ends: frozenset[str] = frozenset()  # symbols that mark the end of something: what lies there is something else
    code: tuple[Region, ...] = ()
    user_scratch: Region | None = None  # for lines that are typed at CPL 3
    kernel_scratch: Region | None = None  # at CPL 0, 1, 2
    user_calls: Region | None = None  # for the system calls that a command makes, at CPL 3
    kernel_calls: Region | None = None  # at CPL 0, 1, 2
    gate: int | None = None  # the vector by which `kernel` enters
    kernel_place: int | None = None  # where it then stands
    stops: tuple[StopPlace, ...] = ()
    log: LogBuffer | None = None
    irq_base: int = 0x20  # vector of IRQ 0
    exports: frozenset[str] = frozenset()  # symbols that a kernel module may use
    modules: ModuleDoors | None = None
    tasks: TaskDoors | None = None
    page_map: PageMap | None = None

    def scratch(self, ring: int) -> Region | None:
        """Where lines typed at this ring are placed."""
        return self.user_scratch if ring == 3 else self.kernel_scratch

    def calls(self, ring: int) -> Region | None:
        """Where the code of a command's system call is placed at this ring."""
        return self.user_calls if ring == 3 else self.kernel_calls


@functools.cache  # `cache` is a module of this package
def digest(name: str) -> str:
    """What tells this world from another, or from what it was in another version: registers and memory at its start."""
    from hashlib import blake2b
    from struct import pack

    from pagefault_lab.machine.step import visible

    machine, _ = boot(name)
    found = blake2b(f"{machine.memory.size} {visible(machine.cpu)}".encode(), digest_size=16)
    for number, words in enumerate(machine.memory.frames):
        if words is not None and any(words):
            found.update(pack(f"<I{len(words)}I", number, *words))
    return found.hexdigest()


_ready: dict[str, tuple[Machine, World]] = {}


def keep_ready(name: str) -> None:
    """From now on, a machine of this world is had by copying one, and no file is looked at for it."""
    if name not in _ready:
        _ready[name] = boot(name)


def boot(name: str) -> tuple[Machine, World]:
    """A machine of this world, just started."""
    from pagefault_lab.machine.effort import BOOT, EFFORT

    EFFORT.spend(BOOT)
    if name in _ready:
        machine, world = _ready[name]
        return machine.copy(), world
    if name not in WORLDS:
        hint = closest(name, WORLDS) or "there are " + ", ".join(WORLDS)
        raise Problem(f"there is no world {name}", hint)
    start: Callable[[], tuple[Machine, World]] = import_module(f"{__name__}.{name}").boot
    return start()
