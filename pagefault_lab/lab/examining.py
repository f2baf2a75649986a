"""`x` and `xp`: memory in gdb's formats, looked at without any effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import code, peeking
from pagefault_lab.lab.results import Examined, Missing
from pagefault_lab.machine.effort import EFFORT
from pagefault_lab.machine.registers import PG
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.formats import Format
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.lab.session import Session

SIZES: Final = {"b": 1, "h": 2, "w": 4, "g": 8}
MOST: Final = 65536  # values at once
LONGEST_STRING: Final = 4096


class Last(NamedTuple):
    """How the last look was made, and where it ended: the next one goes on so."""

    letter: str
    size: int
    next: int


def examine(session: Session, format: Format, address: int | None, physical: bool) -> Iterator[object]:
    """What a format shows of memory from an address, or from where the last one ended."""
    name = "xp" if physical else "x"
    before = session.examined.get(name)
    letter = format.letter or (before.letter if before is not None else "x")
    default = 1 if letter == "c" else 4 if letter == "a" else before.size if before is not None else 4
    size = SIZES[format.unit] if format.unit else default
    count = 1 if format.count is None else format.count
    if address is None:
        if before is None:
            raise Problem("of which address?", f"{name}/8xw $esp")
        address = before.next
    if count > MOST:
        raise Problem(f"{count} values are too many", f"at most {MOST} at once")
    EFFORT.spend(count // 2)
    if letter == "i":
        yield from _instructions(session, address, count, physical)
        return
    if letter == "s":
        found, end = _strings(session, address, count, physical)
    else:
        data, missing = peeking.readable(session.machine, address, count * size, physical)
        values = tuple(
            int.from_bytes(data[place : place + size], "little") for place in range(0, len(data) // size * size, size)
        )
        end = address + count * size & 0xFFFFFFFF
        found = Examined(address, physical, letter, size, values, _symbol(session, address, physical), missing)
    session.examined[name] = Last(letter, size, end)
    session.repetition = name
    yield found


def _symbol(scope: Scope, address: int, physical: bool) -> str:
    return "" if physical else scope.symbols.name(address) or ""


def text_at(scope: Scope, address: int) -> Examined:
    """The text that begins at a linear address."""
    return _strings(scope, address & 0xFFFFFFFF, 1, False)[0]


def _strings(scope: Scope, address: int, count: int, physical: bool) -> tuple[Examined, int]:
    """Texts that end with a zero byte, one behind the other."""
    texts: list[int | str] = []
    missing: Missing | None = None
    place = address
    while len(texts) < count and missing is None:
        data, missing = peeking.readable(scope.machine, place, LONGEST_STRING, physical)
        end = data.find(0)
        if end >= 0:
            missing = None
        elif not data and missing is not None:
            break
        text = data if end < 0 else data[:end]
        texts.append(text.decode("latin-1"))
        place = place + len(text) + (end >= 0) & 0xFFFFFFFF
    found = Examined(address, physical, "s", 1, tuple(texts), _symbol(scope, address, physical), missing)
    return found, place


def _instructions(session: Session, address: int, count: int, physical: bool) -> Iterator[object]:
    if physical and session.machine.cpu.cr0 & PG:
        raise Problem("code is looked at by linear addresses", "x/i, or disas")
    found = code.disassembly(session, address, None, count)
    session.examined["x"] = Last("i", 4, code.end_of(found) if found.lines else address)
    session.repetition = "x"
    yield found
