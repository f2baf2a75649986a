"""Files to a kernel module: assembled, compiled or read, and linked for memory that the guest kernel will give.

A module has a function `init_module`, perhaps a `cleanup_module`, and parameters: variables that MODULE_PARM declares
in C (the pairs "parm_NAME=TYPE" of .modinfo), or any variable of an object without .modinfo, taken as a long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pagefault_lab.assembler import assemble
from pagefault_lab.problem import Problem, closest
from pagefault_lab.worlds.compiler import INCLUDE
from pagefault_lab.worlds.elf import read_elf
from pagefault_lab.worlds.files import Files
from pagefault_lab.worlds.linking import Definition, Linked, Outside, Value
from pagefault_lab.worlds.objects import Common, InSection, Object, Section, of_program

KERNEL_SOURCES: Final = Path(__file__).parent / "linux"  # whose constants.s a module may include
INIT, CLEANUP = "init_module", "cleanup_module"

_PARAMETER: Final = "parm_"
_TYPE: Final = re.compile(r"(?:\d+(?:-\d+)?)?([bhils])")  # 2.4's: how many there may be of which type; here only one
_ERROR: Final = re.compile(r"#define\s+(E\w+)\s+(\d+)\s+/\* (.+) \*/")
_SIZES: Final = {"b": 1, "h": 2, "i": 4, "l": 4, "s": 4}
_STRING: Final = "s"


def errors() -> dict[int, tuple[str, str]]:
    """The names and meanings of the kernel's errors, by number, as its errno.h has them."""
    text = (INCLUDE / "linux" / "errno.h").read_text("utf-8")
    return {int(number): (name, meaning) for name, number, meaning in _ERROR.findall(text)}


class Built(NamedTuple):
    """The object of one file, and what the compiler warned of."""

    object: Object
    warnings: tuple[str, ...] = ()


def build(file: Path, optimization: str, files: Files) -> Built:
    """The object of a file, by its suffix: .s is assembled, .c goes to the compiler, .o is read."""
    if file.suffix == ".c":
        compiled = files.compile(file, optimization)
        return Built(read_elf(compiled.data, str(file)), compiled.warnings)
    if file.suffix == ".o":
        return Built(read_elf(files.read(file), str(file)))
    if file.suffix == ".s":
        include = files.below(file.parent, KERNEL_SOURCES)
        return Built(of_program(assemble(files.text(file), name=str(file), include=include, relocatable=True)))
    raise Problem(f"{file} is nothing that a module is made of", "files that end in .s, .c or .o are")


def name_of(file: Path, longest: int) -> str:
    """The name of the module whose first file this is."""
    name = re.sub(r"\W", "_", file.stem, flags=re.ASCII)
    if len(name) > longest:
        raise Problem(f"the module's name would be {name}", f"the kernel takes at most {longest} characters")
    return name


class _Setting(NamedTuple):
    """A parameter's value: `size` bytes at an offset of the module."""

    offset: int
    size: int
    value: Value


class Module:
    """Objects linked into a module, whose bytes begin `head` bytes behind the module's address, a multiple of 4096.

    `settings` are the values for its parameters; `init` and `cleanup` the offsets of its two functions. Raises a
    Problem for whatever does not fit together.
    """

    def __init__(
        self, name: str, objects: Sequence[Object], outside: Outside, settings: Mapping[str, int | bytes], head: int
    ) -> None:
        self.name = name
        self._objects = objects
        texts = {key: value + b"\0" for key, value in settings.items() if isinstance(value, bytes)}
        room = b"".join(texts.values())
        strings = Object("the parameters", (Section("strings", room, len(room), writable=True),))
        self._linked = Linked((*objects, strings), outside, head)
        init = self._function(INIT)
        if init is None:
            raise Problem(f"{name} has no function {INIT}", "the kernel calls it when the module is loaded")
        self.init = init
        self.cleanup = self._function(CLEANUP)
        place = self._linked.offsets[len(objects), 0]
        self._settings = []
        for key, value in settings.items():
            if isinstance(value, bytes):
                self._settings.append(self._setting(key, Value(place, True), is_text=True))
                place += len(texts[key])
            else:
                self._settings.append(self._setting(key, Value(value, False), is_text=False))

    @property
    def size(self) -> int:
        """Bytes of the module, with its head."""
        return self._linked.end

    def at(self, address: int) -> bytes:
        """The bytes behind the head of a module at this address. A Problem if one of its fields cannot hold it."""
        data = self._linked.at(address)
        for offset, size, value in self._settings:
            begin = offset - self._linked.start
            data[begin : begin + size] = (value.at(address) & (1 << 8 * size) - 1).to_bytes(size, "little")
        return bytes(data)

    def symbols(self, address: int) -> dict[str, int]:
        """The addresses of its names."""
        return {name: value.at(address) for name, value in self._linked.names().items()}

    def lines(self, address: int) -> Iterator[tuple[str, int, int]]:
        """The instructions of its sources, as far as these are known: file, line and address."""
        for number, each in enumerate(self._objects):
            for section, offset, file, line in each.lines:
                start = self._linked.offsets.get((number, section))
                if start is not None:
                    yield file, line, address + start + offset

    def _function(self, name: str) -> int | None:
        """The offset of an entry; None if the module has none."""
        definition = self._linked.find(name)
        value = self._linked.value(definition) if definition is not None else None
        return value.number if value is not None and value.inside else None

    # --- parameters

    def parameters(self) -> dict[str, str]:
        """The names and types of what can be set."""
        found: dict[str, str] = {}
        for number, each in enumerate(self._objects):
            declared = each.information
            if declared is not None:
                pairs = ((name, value) for name, value in declared if name.startswith(_PARAMETER))
                found.update((name.removeprefix(_PARAMETER), value) for name, value in pairs)
                continue
            for symbol in each.symbols:
                if symbol.name and not symbol.name.startswith(".L") and self._is_variable(Definition(number, symbol)):
                    found.setdefault(symbol.name, "l")
        return found

    def _is_variable(self, definition: Definition) -> bool:
        place = definition.symbol.place
        if not isinstance(place, InSection):
            return isinstance(place, Common)
        section = self._objects[definition.owner].sections[place.section]
        return section.loaded and section.writable and not section.executable

    def _setting(self, name: str, value: Value, is_text: bool) -> _Setting:
        known = self.parameters()
        if name not in known:
            others = f"its parameters: {', '.join(sorted(known))}" if known else "it has none"
            raise Problem(f"{self.name} has no parameter {name}", closest(name, known) or others)
        match = _TYPE.fullmatch(known[name])
        definition = self._linked.find(name)
        at = self._linked.value(definition) if definition is not None else None
        if match is None or at is None or not at.inside:
            raise Problem(f"the parameter {name} of {self.name} is of the type {known[name]}", "b h i l s can be set")
        letter, size = match[1], _SIZES[match[1]]
        if is_text != (letter == _STRING):
            wanted = f'a text: {name}="..."' if letter == _STRING else f"a number: {name}=5"
            raise Problem(f"the parameter {name} of {self.name} takes {wanted}")
        if at.number + size > self._linked.end:
            raise Problem(f"{name} is no variable of {8 * size} bits: the module ends there")
        if not is_text and not -1 << 8 * size - 1 <= value.number < 1 << 8 * size:
            raise Problem(f"{value.number} does not fit in the {8 * size} bits of {name}")
        return _Setting(at.number, size, value)
