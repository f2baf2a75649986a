"""Where bytes go: the sections of one assembly, in fragments, of which only the last one still grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pagefault_lab.assembler.expressions import Expression, fits
from pagefault_lab.assembler.fragments import ABSOLUTE, Alignment, Branch, Fixup, Fragment, Origin, Section, Tail
from pagefault_lab.assembler.inputs import Hopeless
from pagefault_lab.assembler.relaxation import LARGEST
from pagefault_lab.assembler.source import Statement
from pagefault_lab.problem import Problem

_DEFAULTS: Final = (
    (".text", "ax", "progbits"), (".rodata", "a", "progbits"), (".data", "wa", "progbits"), (".bss", "wa", "nobits"),
    (".init_array", "wa", "init_array"), (".fini_array", "wa", "fini_array"), (".init", "ax", "progbits"),
    (".fini", "ax", "progbits"), (".note", "", "note"), (".got", "wa", "progbits"), (".tdata", "waT", "progbits"),
    (".tbss", "waT", "nobits"),
)  # fmt: skip


class Output:
    """The sections, and the place where the next byte goes. `statement` is the one that puts it there."""

    def __init__(self) -> None:
        self.sections: dict[str, Section] = {}
        self.statement = Statement("", 0, "", 1, "")
        self.bits = 32  # or 16: of the code segment that what follows is for
        self._room = LARGEST  # bytes that may still be emitted
        self._starts: dict[Fragment, int] = {}  # of what .struct describes
        self._section_stack: list[tuple[tuple[str, int], tuple[str, int]]] = []
        for name in (".text", ".data", ".bss"):
            self._section(name, None, None)
        self.place = self._previous = (".text", 0)  # the section's name and the number of its subsection
        self.fragment = self._last_fragment()

    # --- bytes ------------------------------------------------------------------------------------------------------

    @property
    def section(self) -> Section:
        """The one that bytes go to."""
        return self.fragment.section

    def emit(self, data: bytes) -> None:
        fragment = self.fragment
        if fragment.section.kind == "nobits" and any(data):
            raise self.no_contents()
        self._room -= len(data)
        if self._room < 0:
            raise Hopeless(f"the program grows beyond {LARGEST >> 20} MiB")
        fragment.data += data

    def emit_value(self, value: Expression, size: int, column: int) -> None:
        """A number of `size` bytes, now or when it is known."""
        if type(value) is int:
            self.emit(number_in(value, size, column))
            return
        fragment = self.fragment
        if fragment.section.kind == "nobits":
            raise self.no_contents()
        fragment.fixups.append(Fixup(len(fragment.data), size, value, False, self.statement, column))
        fragment.data += bytes(size)

    def emit_repeated(self, pattern: bytes, count: int, column: int) -> None:
        """`pattern`, `count` times; neither negative nor beyond all bounds."""
        check_length(count * len(pattern), column)
        self.emit(pattern * count)

    def close_fragment(self, tail: Tail) -> None:
        """End the fragment with a part of variable length and begin the next."""
        if isinstance(tail, Branch) and self.fragment.section.kind == "nobits":
            raise self.no_contents()
        if (place := self.absolute_place) is not None:
            self.emit_repeated(b"\0", _length_at(place, tail), 0)
            return
        fragments = self._fragments()
        self.fragment.tail = tail
        self.fragment = Fragment(self.fragment.section, self.bits)
        fragments.append(self.fragment)

    def set_bits(self, bits: int) -> None:
        """What follows is code for a segment of this size."""
        self.bits = bits
        self.fragment.bits = bits

    def no_contents(self) -> Problem:
        if self.absolute_place is not None:
            return Problem("a .struct has labels and room, but no contents", ".text or .data ends it")
        return Problem(f"section {self.section.name} has no contents", "room is made by .skip; bytes belong to .data")

    # --- sections ---------------------------------------------------------------------------------------------------

    def enter_section(self, name: str, subsection: int, flags: str | None = None, kind: str | None = None) -> None:
        """What follows belongs to that section; flags and kind count when it is mentioned first."""
        self._section(name, flags, kind)
        self._previous, self.place = self.place, (name, subsection)
        self.fragment = self._last_fragment()
        if not self.fragment.data:
            self.fragment.bits = self.bits

    def enter_struct(self, start: int) -> None:
        """What follows lies nowhere: its labels are plain numbers, counted from `start`."""
        self.enter_section(ABSOLUTE, len(self._starts), "", "nobits")
        self._starts[self.fragment] = start

    @property
    def absolute_place(self) -> int | None:
        """The number that a label has here, if this is a .struct."""
        start = self._starts.get(self.fragment)
        return None if start is None else start + len(self.fragment.data)

    def push_section(self) -> None:
        """Remember the current section for `pop_section`."""
        self._section_stack.append((self.place, self._previous))

    def pop_section(self) -> None:
        if not self._section_stack:
            raise Problem("there is no section to go back to", "a .pushsection is missing")
        self.place, self._previous = self._section_stack.pop()
        self.fragment = self._last_fragment()

    def previous_section(self) -> None:
        self.place, self._previous = self._previous, self.place
        self.fragment = self._last_fragment()

    @contextmanager
    def in_section(self, name: str, subsection: int) -> Iterator[None]:
        """For the duration, that section is the current one."""
        before = self.place, self._previous
        self.enter_section(name, subsection)
        try:
            yield
        finally:
            self.place, self._previous = before
            self.fragment = self._last_fragment()

    def _section(self, name: str, flags: str | None, kind: str | None) -> Section:
        section = self.sections.get(name)
        if section is None:
            default_flags, default_kind = "", "progbits"
            for prefix, usual_flags, usual_kind in _DEFAULTS:
                if name == prefix or name.startswith(prefix + "."):
                    default_flags, default_kind = usual_flags, usual_kind
                    break
            section = Section(name, default_flags if flags is None else flags, default_kind if kind is None else kind)
            self.sections[name] = section
        return section

    def _fragments(self) -> list[Fragment]:
        name, number = self.place
        section = self.sections[name]
        fragments = section.subsections.get(number)
        if fragments is None:
            fragments = section.subsections[number] = [Fragment(section, self.bits)]
        return fragments

    def _last_fragment(self) -> Fragment:
        return self._fragments()[-1]


def check_length(length: int, column: int) -> None:
    """Whether there can be so many bytes."""
    if length < 0:
        raise Problem("the number of bytes is negative", f"it is {length}", column=column)
    if length > LARGEST:
        raise Problem(f"{length} bytes are too many", f"at most {LARGEST >> 20} MiB", column=column)


def number_in(value: int, size: int, column: int) -> bytes:
    """A number in `size` bytes, the lowest first; it must fit, but that 8 bytes take the lowest 8 of any."""
    if not (fits(value, size) or size == 8):
        low, high = -(1 << 8 * size - 1), (1 << 8 * size) - 1
        shown = str(value) if abs(value) < 100_000 else hex(value)
        plural = "s" if size > 1 else ""
        raise Problem(f"{shown} does not fit in {size} byte{plural}", f"{low} to {high} does", column=column)
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def _length_at(place: int, tail: Tail) -> int:
    """How far an alignment or an origin goes in a .struct."""
    if isinstance(tail, Alignment):
        padding = -place % tail.boundary
        return 0 if tail.limit and padding > tail.limit else padding
    if isinstance(tail, Origin) and type(tail.target) is int:
        return tail.target - place
    raise Problem("a size must be known here, in a .struct", "it depends on an address or an undefined symbol")
