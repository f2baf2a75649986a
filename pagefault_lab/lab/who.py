"""`who`: what an expression names, a register or bytes, and who last wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import peeking
from pagefault_lab.lab.nodes import Field, MemoryAt, Plain, Whole
from pagefault_lab.lab.origins import REGISTERS, Origin, origin_of_bytes, origin_of_register
from pagefault_lab.lab.vocabulary import QUANTITIES
from pagefault_lab.machine.registers import NAMES_8, NAMES_16, NAMES_32
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.session import Session

WORD: Final = 4  # bytes that an address alone stands for
PARTS: Final = {
    **{name: NAMES_32[number] for number, name in enumerate(NAMES_16)},
    **{name: NAMES_32[number & 3] for number, name in enumerate(NAMES_8)},
}


class Authorship(NamedTuple):
    """Who wrote what `text` names: register `register`, or else `size` bytes at a physical address.

    `origin` is None if nobody has since step `first`, where the history begins. `symbol` names a linear address.
    """

    text: str
    register: str
    physical: int
    size: int
    symbol: str
    origin: Origin | None
    first: int


def who(session: Session, place: Expression) -> Authorship:
    """Who last wrote a register, the bytes that an expression names, or four of them at the address that it gives."""
    first = session.history.first_step
    try:
        register = _register(place)
        if register:
            return Authorship(place.text, register, 0, 0, "", origin_of_register(session, register), first)
        address, size, physical = _bytes(session, place)
        found: Origin | None = None
        pieces = peeking.pieces(session.machine, address, size, physical)
        for start, length in pieces:
            origin = origin_of_bytes(session, start, length)
            if origin is not None and (found is None or origin.step > found.step):
                found = origin
    except Problem as problem:
        raise problem.placed(text=place.line, column=place.column) from None
    symbol = "" if physical else session.symbols.name(address) or ""
    return Authorship(place.text, "", pieces[0][0], size, symbol, found, first)


def _register(place: Expression) -> str:
    """The register that an expression names, by a part or a field of it too; "" if it names none."""
    root = place.root.of if isinstance(place.root, Field) else place.root
    if isinstance(root, Whole):
        name = root.name.removeprefix("seg.")
        if name not in REGISTERS and root.name not in QUANTITIES:
            return ""
    elif isinstance(root, Plain):
        name = root.name
    else:
        return ""
    register = PARTS.get(name, name)
    if register not in REGISTERS:
        hint = f"of these it can be asked: {' '.join(REGISTERS)}; `who [ADDRESS]` asks of memory"
        raise Problem(f"nobody keeps who wrote {root.name}", hint, column=root.column)
    return register


def _bytes(session: Session, place: Expression) -> tuple[int, int, bool]:
    """The bytes that an expression names: address, size, whether the address is physical."""
    root = place.root
    if isinstance(root, MemoryAt):
        return root.address.value(session) & 0xFFFFFFFF, root.size, root.physical
    if isinstance(root, Field) and root.quantity.place is not None:
        return *root.place(session), False
    structure = root.of if isinstance(root, Field) else root
    if isinstance(structure, Whole):
        owner = structure.owner(session)
        address = getattr(owner, "address", None)
        if address is not None:
            return address, owner.size, owner.physical
    return place.value(session) & 0xFFFFFFFF, WORD, False
