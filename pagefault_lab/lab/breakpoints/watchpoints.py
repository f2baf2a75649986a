"""Watchpoints: they stop behind the step that has changed, written or read what is watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.lab.breakpoints.points import Asked, Breakpoint
from pagefault_lab.lab.nodes import AddressOf, Binary, Conditional, Field, Literal, MemoryAt, Name, Node, Unary, Whole
from pagefault_lab.lab.results import Missing, Stopped
from pagefault_lab.machine.events import Access, Kind, Reason
from pagefault_lab.machine.watches import Watch
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.vocabulary import Quantity
    from pagefault_lab.machine.machine import Machine

MOST_BYTES: Final = 1 << 24
TITLES: Final = {"change": "watchpoint", "read": "read watchpoint", "access": "access watchpoint"}


class Place(NamedTuple):
    """Bytes in memory; `field` reads a part of an entry that they are."""

    address: int
    size: int
    physical: bool
    field: Quantity | None = None


class Seen(NamedTuple):
    """What was done to a place: `access` is "change", "write" or "read". `address` is where, of a long one."""

    access: str
    address: int
    before: int | None
    after: int | None


class MemoryWatch(Breakpoint):
    """Watches bytes in memory, at every speed. `mode`: "change" stops when their value has changed, "read" when they
    were read, "access" when they were read or written."""

    stopped: ClassVar = Stopped.WATCHED
    goes_before: ClassVar = 1

    def __init__(self, text: str, place: Place, mode: str) -> None:
        super().__init__()
        self.text = text
        self.place = place
        self.mode = mode
        self.watch = Watch(
            place.address, place.address + place.size, place.physical, reads=mode != "change", writes=mode != "read"
        )
        self._asked = Asked(watches=(self.watch,))

    @property
    def title(self) -> str:  # type: ignore[override]
        return TITLES[self.mode]

    @property
    def what(self) -> str:
        return self.text

    @property
    def address(self) -> int:
        return self.place.address

    @property
    def is_physical(self) -> bool:
        return self.place.physical

    @property
    def remark(self) -> str:
        return f"{self.place.size} bytes" if self.place.size > 1 else "1 byte"

    def asks(self, machine: Machine) -> Asked:
        return self._asked

    def happened(self, scope: Scope, known: None) -> Seen | None:
        machine = scope.machine
        accesses = [each for each in machine.caught if isinstance(each, Access)]
        seen = [each for each in accesses if self.watch.sees(each, _second_frame(machine, each))]
        if not seen:
            return None
        written = _bytes_before(machine, seen, self.place.physical)
        changed = [
            address
            for address, before in written.items()
            if self.watch.start <= address < self.watch.end and before != self._byte(machine, address)
        ]
        if self.mode == "change" and not changed:
            return None
        address, size = self.place.address, self.place.size
        if size > 4 and self.place.field is None:
            first = min(changed or [*written, *(each.linear for each in seen)])
            address += max(0, first - address) & ~3
            size = min(4, self.place.address + size - address)
        before = self._value(machine, address, size, written)
        after = self._value(machine, address, size, _bytes_read(machine, seen, self.place.physical))
        if self.place.field is not None and self.mode == "change" and before == after:
            return None
        kinds = {each.kind for each in seen}
        return Seen("change" if changed else "write" if Kind.WRITE in kinds else "read", address, before, after)

    def _byte(self, machine: Machine, address: int) -> int | None:
        data, _ = peeking.readable(machine, address, 1, self.place.physical)
        return data[0] if data else None

    def _value(self, machine: Machine, address: int, size: int, instead: dict[int, int]) -> int | None:
        """The value there, with other bytes in some places; None if it cannot be read."""
        data, missing = peeking.readable(machine, address, size, self.place.physical)
        if missing is not None:
            return None
        found = int.from_bytes(
            bytes(instead.get(address + distance, byte) for distance, byte in enumerate(data)), "little"
        )
        return found if self.place.field is None else int(self.place.field.read(_Raw(found)))

    def tell(self, session: Session, evidence: Seen, step: int = -1) -> Iterator[object]:
        from pagefault_lab.lab.breakpoints.told import Watched, by

        access, address, before, after = evidence
        yield Watched(
            self.number, self.title, self.what, access, address, self.place.physical, before, after, by(session, step)
        )


class _Raw(NamedTuple):
    """An entry as fields are read from it."""

    raw: int


def _second_frame(machine: Machine, access: Access) -> int:
    """The frame of the bytes behind a page's end, as the access has just found it."""
    first = 4096 - (access.linear & 0xFFF)
    if access.reason is Reason.WALK or access.size <= first:
        return 0
    place = peeking.locate(machine, access.linear + first & 0xFFFFFFFF)
    return 0 if isinstance(place, Missing) else place >> 12


def _bytes_before(machine: Machine, accesses: list[Access], physical: bool) -> dict[int, int]:
    """The bytes that a step has written, by address, as they were before it."""
    written = ((each, each.before) for each in accesses if each.before is not None)
    found: dict[int, int] = {}
    for access, value in written:
        for address, byte in _bytes(machine, access, value, physical):
            found.setdefault(address, byte)
    return found


def _bytes_read(machine: Machine, accesses: list[Access], physical: bool) -> dict[int, int]:
    """The bytes that a step has read and not written: as it has found them, whatever it did to them."""
    if any(each.kind is Kind.WRITE for each in accesses):
        return {}
    return {address: byte for each in accesses for address, byte in _bytes(machine, each, each.value, physical)}


def _bytes(machine: Machine, access: Access, value: int, physical: bool) -> Iterator[tuple[int, int]]:
    """The bytes of an access, by their linear or their physical addresses."""
    first = min(access.size, 4096 - (access.linear & 0xFFF))
    second = _second_frame(machine, access) << 12
    for distance, byte in enumerate(value.to_bytes(access.size, "little")):
        if not physical:
            yield access.linear + distance, byte
        else:
            yield access.physical + distance if distance < first else second + distance - first, byte


class ValueWatch(Breakpoint):
    """Watches the value of an expression, behind each step: gdb's software watchpoint."""

    title: ClassVar = "watchpoint"
    stopped: ClassVar = Stopped.WATCHED
    goes_before: ClassVar = 1
    _ASKED: Final = Asked(each_step=True)

    def __init__(self, expression: Expression) -> None:
        super().__init__()
        self.expression = expression

    @property
    def what(self) -> str:
        return self.expression.text

    @property
    def remark(self) -> str:
        return "looked at after each step: slow"

    def asks(self, machine: Machine) -> Asked:
        return self._ASKED

    def known(self, scope: Scope) -> int | None:
        try:
            return self.expression.root.value(scope)
        except Problem:
            return None

    def happened(self, scope: Scope, known: int | None) -> tuple[int | None, int | None] | None:
        now = self.known(scope)
        return None if now == known else (known, now)

    def tell(self, session: Session, evidence: Any, step: int = -1) -> Iterator[object]:
        from pagefault_lab.lab.breakpoints.told import Watched, by

        before, after = evidence
        yield Watched(self.number, self.title, self.what, "change", None, False, before, after, by(session, step))


# --- what is meant by an expression


def watchpoint(
    session: Session, expression: Expression, size: int | None, physical: bool, here: bool, mode: str
) -> Breakpoint:
    """The watchpoint of an expression: of `size` bytes at its value, else of memory that it names, else of its value.

    Memory named by what may change is looked at anew at each step, as gdb does, unless only its place `here` and now is
    meant; an entry of a table, or a field that has bytes of its own, always is where it lies now. What is just an
    address is four bytes there.
    """
    if size is not None or physical:
        address = expression.value(session) & 0xFFFFFFFF
        place: Place | None = Place(address, 4 if size is None else size, physical)
    else:
        try:
            place = _place(session, expression.root, here or mode != "change")
        except Problem as problem:
            raise problem.placed(text=expression.line, column=expression.column) from None
    if place is None:
        expression.value(session)
        if here:
            raise Problem("this lies nowhere in memory", "watch -l u32[$esp]", text=expression.line,
                          column=expression.column)  # fmt: skip
        if mode != "change":
            hint = f"{expression.text}, +4 are the bytes there; `watch` sees values change"
            raise Problem("only what lies in memory can be read", hint, text=expression.line, column=expression.column)
        return ValueWatch(expression)
    if place.size > MOST_BYTES:
        raise Problem(f"{place.size} bytes are too many to watch", f"at most {MOST_BYTES}")
    end = session.machine.memory.size if place.physical else 1 << 32
    if place.address + place.size > end:
        raise Problem(f"memory ends at {end - 1:#x}", None, text=expression.line, column=expression.column)
    return MemoryWatch(("phys " if physical else "") + expression.text, place, mode)


def _place(session: Session, root: Node, here: bool) -> Place | None:
    """The memory that an expression names, if that stays where it is."""
    match root:
        case MemoryAt() if here or _stays(root.address):
            return Place(root.address.value(session) & 0xFFFFFFFF, root.size, root.physical)
        case Whole(structure=structure) if structure.place is not None and structure.whole is not None:
            return _entry(session, root, None)
        case Field(of=Whole(structure=structure) as whole, quantity=quantity) if (
            structure.place is not None and structure.whole is not None
        ):
            return _entry(session, whole, quantity)
        case Field(quantity=quantity) if quantity.place is not None:
            return Place(*root.place(session), physical=False)
        case _ if _stays(root):
            return Place(root.value(session) & 0xFFFFFFFF, 4, physical=False)
    return None


def _entry(session: Session, whole: Whole, field: Quantity | None) -> Place:
    entry = whole.owner(session)
    if entry.address is None:
        raise Problem("there is no such entry to watch", "its page table is not present: watch the pde(...)")
    return Place(entry.address, entry.size, entry.physical, field)


def _stays(node: Node) -> bool:
    """Whether the value of an expression cannot change."""
    match node:
        case Literal():
            return True
        case Name(mark=mark):
            return mark in ("", "\\")
        case Unary(operand=operand):
            return _stays(operand)
        case Binary(left=left, right=right):
            return _stays(left) and _stays(right)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return all(map(_stays, (condition, then, otherwise)))
        case AddressOf():
            return False
    return False
