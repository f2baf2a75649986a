"""Kernel modules of the guest: what insmod, rmmod and lsmod do.

The host does the work of the insmod of 2.4 (worlds/modules.py: it links for the address that create_module gives) and
puts the bytes where they belong, since no program could carry them there. The rest is the guest's: memory, the list of
modules, the call of init_module at CPL 0, and what its result means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import lessons, system_calls
from pagefault_lab.lab.assembled import SourceLine
from pagefault_lab.lab.breakpoints.places import AtLinear
from pagefault_lab.lab.results import Message, Symbol
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.paging import Mapped, walk
from pagefault_lab.problem import Problem, closest
from pagefault_lab.worlds import ModuleDoors, Region

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.worlds.modules import Module

CREATE_MODULE, INIT_MODULE, DELETE_MODULE = 127, 128, 129  # system calls
MOST_ERRORS: Final = 4095  # results from -4095 to -1 are errors
MOST_MODULES: Final = 1000  # in a list that may have been overwritten
PAGE: Final = 4096


class ModuleLine(NamedTuple):
    """A module in the guest's list; `size` in bytes, with its head. `running`: its init_module has returned 0."""

    name: str
    address: int
    size: int
    running: bool


class ModuleList(NamedTuple):
    """`lsmod`: the newest first."""

    modules: tuple[ModuleLine, ...]


class ModuleLoaded(NamedTuple):
    """A module runs: its init_module has returned 0."""

    name: str
    address: int
    size: int


class ModuleRemoved(NamedTuple):
    """A module is gone: its cleanup_module has returned, if it has one, and its memory is free."""

    name: str


class ModuleNotStarted(NamedTuple):
    """A module's init_module, which had been left, has now returned something other than 0: the guest has freed it."""

    name: str


class ModuleFailed(NamedTuple):
    """The guest has refused: `call` is the system call, `result` what came back, `error` its name, `meaning` what that
    means. The module is not there, or not gone."""

    name: str
    call: str
    result: int
    error: str
    meaning: str


class ModuleUnfinished(NamedTuple):
    """A module's init_module or cleanup_module was called and has not returned; or create_module has not, and nothing
    is loaded. `waits`: it may still return, else never."""

    name: str
    function: str
    waits: bool


# --- loading


def insmod(
    session: Session, files: Sequence[Path], settings: Mapping[str, int | bytes], optimization: str, step: bool
) -> Iterator[object]:
    """Link files to a module named after the first, and let the guest kernel start it. `step`: only go to where it
    starts. A Problem, and nothing has changed, for all that is wrong in the files, or if such a module is there."""
    module, warnings = _linked(session, files, settings, optimization)
    title, name = f"insmod {module.name}", module.name.encode() + b"\0"
    yield from (Message(warning, "warning") for warning in warnings)
    with session.breakpoints.ignored():  # one in page_fault would end it here: the first touch of new memory faults
        result = yield from system_calls.call(session, title, CREATE_MODULE, name, module.size)
    if result is None:
        yield _unfinished(session, module.name, "create_module", title)
        return
    if -MOST_ERRORS <= result < 0:
        yield _failed(module.name, "create_module", result)
        return
    address = result & 0xFFFFFFFF
    _put(session, module, address)
    lines = tuple(SourceLine(*line) for line in module.lines(address))
    session.symbols.add_module(
        module.name, module.symbols(address), Region(f"module {module.name}", address, address + module.size), lines
    )
    session.changed_by_host()
    first = session.breakpoints.add(AtLinear(address + module.init, temporary=True)) if step else None
    result = yield from system_calls.call(session, title, INIT_MODULE, name)
    if first is not None and first in session.breakpoints:
        session.breakpoints.delete(first.number)
    if result is None:
        if module.name not in {each.name for each in loaded(session)}:
            session.symbols.remove_module(module.name)  # it has had itself removed
        yield _unfinished(session, module.name, "init_module", title)
    elif result:
        session.symbols.remove_module(module.name)
        yield _failed(module.name, "init_module", result)
    else:
        yield ModuleLoaded(module.name, address, module.size)


def _linked(
    session: Session, files: Sequence[Path], settings: Mapping[str, int | bytes], optimization: str
) -> tuple[Module, list[str]]:
    """The module of these files, for this kernel, and what a compiler warned of."""
    from pagefault_lab.worlds.compiler import LIBRARY
    from pagefault_lab.worlds.linking import Outside
    from pagefault_lab.worlds.modules import Module, build, name_of

    _doors(session)
    at = session.symbols.given
    found = [session.files.found(file, lessons.find) for file in files]
    name = name_of(found[0], at["MODULE_NAME_MAX"])
    if name in {each.name for each in loaded(session)}:
        raise Problem(f"a module {name} is there already", f"rmmod {name}")
    built = [build(file, optimization, session.files) for file in found]
    kernels = [key for key, address in at.items() if address >= at["PAGE_OFFSET"]]
    hints = LIBRARY | dict.fromkeys(at, "is the user program's: a module is linked with the kernel only")
    hints |= dict.fromkeys(kernels, "is in the kernel, but it does not export it")
    hints |= dict.fromkeys(session.symbols.constants, 'is one of the numbers that .include "constants.s" defines')
    outside = Outside({each.name: each.value for each in exports(session)}, hints)
    module = Module(name, [each.object for each in built], outside, settings, at["MODULE_HEAD"])
    return module, [warning for each in built for warning in each.warnings]


def _put(session: Session, module: Module, address: int) -> None:
    """Fill the memory that the guest has given: the bytes, and in the head where the two functions are."""
    at = session.symbols.given
    memory = _KernelMemory(session.machine, _doors(session))
    memory.place(address + at["MODULE_HEAD"], module.at(address))
    for field, function in (("MODULE_INIT", module.init), ("MODULE_CLEANUP", module.cleanup)):
        if function is not None:
            memory.place(address + at[field], (address + function).to_bytes(4, "little"))


def _unfinished(session: Session, name: str, function: str, title: str) -> ModuleUnfinished:
    return ModuleUnfinished(name, function, any(line.text == title for line in session.typed_lines.all))


def _failed(name: str, call: str, result: int) -> ModuleFailed:
    from pagefault_lab.worlds.modules import errors

    error, meaning = errors().get(-result, (str(-result), "no error that the kernel knows"))
    if call == "init_module" and error == "EBUSY":
        meaning += ", or the module has returned a positive number"  # which the guest kernel takes for a mistake
    return ModuleFailed(name, call, result, f"-{error}" if -result > 0 else str(result), meaning)


# --- removing


def rmmod(session: Session, name: str) -> Iterator[object]:
    """Let the guest kernel remove a module. A Problem if there is none of that name."""
    lines = loaded(session)
    names = [each.name for each in lines]
    if name not in names:
        name = name.replace("-", "_")  # as insmod has named it after its file
    if name not in names:
        hint = closest(name, names) or (f"there are {', '.join(names)}" if names else "no module is loaded")
        raise Problem(f"there is no module {name}", hint)
    title = f"rmmod {name}"
    result = yield from system_calls.call(session, title, DELETE_MODULE, name.encode("latin-1") + b"\0")
    if result is None:
        yield _unfinished(session, name, "cleanup_module", title)
    elif result:
        yield _failed(name, "delete_module", result)
    else:
        session.symbols.remove_module(name)
        yield ModuleRemoved(name)
        if any(each.name == name and session.here - each.address in range(each.size) for each in lines):
            yield Message("EIP stands where it was: there is nothing to fetch any more", "warning")


# --- what is there


def exports(session: Session) -> tuple[Symbol, ...]:
    """What the kernel exports to modules, by address."""
    _doors(session)
    at, names = session.symbols.given, session.world.exports
    found = [Symbol(name, at[name], session.symbols.kind(name)) for name in names]
    return tuple(sorted(found, key=lambda symbol: (symbol.value, symbol.name)))


def loaded(session: Session) -> list[ModuleLine]:
    """The guest's list of modules, newest first, as far as it makes sense."""
    memory = _KernelMemory(session.machine, _doors(session))
    at = session.symbols.given
    found: dict[int, ModuleLine] = {}
    try:
        address = memory.word(memory.doors.list)
        while address and address not in found and len(found) < MOST_MODULES:
            text = memory.read(address + at["MODULE_NAME"], at["MODULE_NAME_MAX"])
            running = bool(memory.word(address + at["MODULE_FLAGS"]) & at["MODULE_RUNNING"])
            size = memory.word(address + at["MODULE_SIZE"])
            found[address] = ModuleLine(text.partition(b"\0")[0].decode("latin-1"), address, size, running)
            address = memory.word(address + at["MODULE_NEXT"])
    except Problem:
        pass  # the list leads to nowhere
    return list(found.values())


def changes(session: Session, before: Sequence[ModuleLine]) -> Iterator[object]:
    """What a line has done to the modules of `before` without saying so: their functions, left by an earlier line, have
    returned, or the guest itself has removed them."""
    if session.machine.cpu.shutdown:
        return  # before it came to that, the list itself may have been overwritten
    now = {each.name: each for each in loaded(session)}
    for name, address, size, ran in before:
        if name not in session.symbols.modules:
            continue
        if name not in now:
            session.symbols.remove_module(name)
            yield ModuleRemoved(name) if ran else ModuleNotStarted(name)
        elif now[name].running and not ran:
            yield ModuleLoaded(name, address, size)


def _doors(session: Session) -> ModuleDoors:
    doors = session.world.modules
    if doors is None:
        raise Problem(f"the world {session.world.name} has no kernel to load modules into", "`world linux` has one")
    return doors


class _KernelMemory:
    """The guest's memory as the page directory shows it in which modules are mapped: the present one may not yet. Each
    method raises a Problem where nothing is mapped."""

    def __init__(self, machine: Machine, doors: ModuleDoors) -> None:
        self.machine = machine
        self.doors = doors

    def pieces(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """(physical address, bytes) of the parts of a range, each in one frame."""
        end = address + size
        while address < end:
            cpu = self.machine.cpu
            found = walk(self.machine.memory, cpu.cr0, self.doors.directory, cpu.cr4, address, Kind.READ, False)
            if not isinstance(found.end, Mapped):
                raise Problem(f"the kernel has nothing mapped at {address:#010x}", "its page tables were changed")
            length = min(end - address, PAGE - address % PAGE)
            yield found.end.physical, length
            address += length

    def read(self, address: int, size: int) -> bytes:
        return b"".join(self.machine.memory.read_bytes(*piece) for piece in self.pieces(address, size))

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    def place(self, address: int, data: bytes) -> None:
        for physical, length in list(self.pieces(address, len(data))):
            self.machine.memory.write_bytes(physical, data[:length])
            data = data[length:]
