"""`poke`: bytes, words and texts put into memory behind the processor's back, whatever the rights of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.lab.stale_translations import Staleness
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


class PokedValue(NamedTuple):
    """Bytes at a linear address, before and after; `text` tells whether they were given as one."""

    address: int
    before: bytes
    after: bytes
    text: bool


class Poked(NamedTuple):
    """What was put where; `symbol` names the first address."""

    symbol: str
    values: tuple[PokedValue, ...]


def poke(session: Session, address: int, values: tuple[int | bytes, ...], size: int) -> Iterator[object]:
    """Put numbers of `size` bytes, and texts as they are, one behind the other to a linear address."""
    machine = session.machine
    data = [value if isinstance(value, bytes) else _number(value, size) for value in values]
    length = sum(map(len, data))
    before = peeking.read_bytes(machine, address, length)
    stale = Staleness(session)
    session.changing()
    peeking.place(machine, address, b"".join(data))
    session.changed_by_host()
    yield Poked(session.symbols.name(address) or "", tuple(_pieces(address, values, data, before)))
    yield from stale.told()


def _pieces(address: int, values: tuple[int | bytes, ...], data: list[bytes], before: bytes) -> Iterator[PokedValue]:
    done = 0
    for value, after in zip(values, data, strict=True):
        was = before[done : done + len(after)]
        yield PokedValue(address + done & 0xFFFFFFFF, was, after, isinstance(value, bytes))
        done += len(after)


def _number(value: int, size: int) -> bytes:
    bits = 8 * size
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise Problem(f"{value:#x} does not fit into {bits} bits", "/b is 1 byte, /h 2, /w 4, /g 8")
    return (value & (1 << bits) - 1).to_bytes(size, "little")
