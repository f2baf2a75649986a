"""Segment and system registers with their hidden parts, and the TSS that TR names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab import peeking
from pagefault_lab.lab.vocabulary.entries import DESCRIPTOR_FIELDS, DESCRIPTOR_LETTERS
from pagefault_lab.lab.vocabulary.registers import QUANTITIES, segment
from pagefault_lab.lab.vocabulary.terms import Quantity, Reader, Structure
from pagefault_lab.machine.registers import CS, SEGMENT_NAMES
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.machine.segmentation import Segment, SystemSegment


def segment_register(name: str) -> Structure:
    return Structure("a segment register with its hidden part", dict(_segment_fields(name)), letters=DESCRIPTOR_LETTERS)


def system_register(name: str) -> Structure:
    return Structure("a system register with its hidden part", dict(_system_fields(name)))


def _segment_fields(name: str) -> Iterator[tuple[str, Quantity]]:
    """The fields of a segment register: the selector, and the hidden part, which only loading changes."""
    number = SEGMENT_NAMES.index(name)
    instead = "loading a selector loads it" + ("" if number == CS else f": set {name} = 0x10")

    def held(scope: Scope) -> Segment:
        return scope.machine.cpu.segments[number]

    yield "selector", Quantity("the visible part", *segment(number))
    yield from _of_selector(held, instead)
    for field, quantity in DESCRIPTOR_FIELDS.items():
        yield field, Quantity(quantity.meaning, _through(held, quantity.read), None, instead)
    yield "valid", Quantity("0: null, any use of it faults", lambda scope: int(held(scope).valid), None, instead)


def _system_fields(name: str) -> Iterator[tuple[str, Quantity]]:
    instead = {"tr": "ltr %ax loads it", "ldtr": "lldt %ax loads it"}[name]

    def held(scope: Scope) -> SystemSegment:
        found: SystemSegment = getattr(scope.machine.cpu, name)
        return found

    yield "selector", QUANTITIES[name]
    yield from _of_selector(held, instead)
    for field, meaning in (
        ("base", "linear address of its first byte"), ("limit", "offset of its last byte"),
        ("type", "the four type bits when it was loaded"), ("valid", "0: null"),
    ):  # fmt: skip
        yield field, Quantity(meaning, _through(held, attrgetter(field)), None, instead)


def _of_selector(held: Callable[[Scope], Segment | SystemSegment], instead: str) -> Iterator[tuple[str, Quantity]]:
    yield "index", Quantity("number of the descriptor", lambda scope: held(scope).selector >> 3, None, instead)
    yield "ti", Quantity("1: of the LDT", lambda scope: held(scope).selector >> 2 & 1, None, instead)
    yield "rpl", Quantity("requested privilege level", lambda scope: held(scope).selector & 3, None, instead)


def _through(held: Callable[[Scope], Any], read: Reader) -> Reader:
    return lambda scope: int(read(held(scope)))


# --- the TSS


def _tss_at(scope: Scope, offset: int, size: int) -> int:
    """The linear address of a field of the TSS."""
    tr = scope.machine.cpu.tr
    if not tr.valid:
        raise Problem("there is no TSS", "TR is null until ltr loads it")
    if offset + size - 1 > tr.limit:
        raise Problem(f"this lies beyond the TSS's limit {tr.limit:#x}")
    return tr.base + offset & 0xFFFFFFFF


def _tss(offset: int, size: int) -> Quantity:
    def read(scope: Scope) -> int:
        return peeking.read(scope.machine, _tss_at(scope, offset, size), size)

    def write(scope: Scope, value: int) -> None:
        data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        peeking.place(scope.machine, _tss_at(scope, offset, size), data)

    def place(scope: Scope) -> tuple[int, int]:
        return _tss_at(scope, offset, size), size

    return Quantity(f"at {offset:#x}", read, write, place=place)


def _tss_fields() -> dict[str, Quantity]:
    from pagefault_lab.lab.tables import SHORT_FIELDS
    from pagefault_lab.machine.tss import FIELDS

    return {name: _tss(offset, 2 if name in SHORT_FIELDS else 4) for name, offset in FIELDS.items()}


TSS: Final = Structure(
    "the task-state segment that TR names",
    _tss_fields(),
    place=Quantity("where it lies", lambda scope: _tss_at(scope, 0, 1)),
)
