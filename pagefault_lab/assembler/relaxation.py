"""Giving every fragment its address: jumps as short as they can be, alignments, origins, spaces.

The way of as, step by step, since its result is not always the smallest one: all jumps begin short; passes from the
first fragment to the last carry along by how much everything so far has grown (`stretch`); a jump that does not reach
becomes long and stays so. A target that this pass has not come to yet is taken to move by `stretch` too, unless an
alignment or an origin lies between, which may swallow the growth.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pagefault_lab.assembler.expressions import Expression, Reference
from pagefault_lab.assembler.fragments import Alignment, Branch, Fragment, Leb128, Origin, Section, Space
from pagefault_lab.assembler.symbols import SymbolEntry
from pagefault_lab.assembler.values import Resolver, Value, label_in_section
from pagefault_lab.machine.effort import EFFORT, FRAGMENT
from pagefault_lab.problem import Problem

LARGEST: Final = 64 << 20  # bytes of one section
MOST_PASSES: Final = 300  # real programs need fewer than ten


class Relaxation:
    """Works on the fragments of several sections, whose sizes may depend on each other's labels.

    `absolute` tells the address of a section's beginning where that is known before; jumps to plain numbers are then
    as near as they are (elsewhere they are long, as in as).
    """

    def __init__(self, sections: Iterable[Section], phases: dict[Section, int], absolute: dict[Section, int]) -> None:
        self._fragments = {section: section.fragments() for section in sections}
        self._phases = phases  # address modulo the section's alignment, where it is not 0
        self._absolute = absolute

    def run(self) -> None:
        """Set `address` of every fragment, `size` of every section; raises `Problem`."""
        for section, fragments in self._fragments.items():
            self._begin(section, fragments)
        for _ in range(MOST_PASSES):
            changes = [self._pass(section, fragments) for section, fragments in self._fragments.items()]
            if not any(changes):
                break
        else:
            raise Problem("the sizes in this program depend on each other and never settle")
        for section, fragments in self._fragments.items():
            last = fragments[-1]
            section.size = last.address + len(last.data)
            self._check_origins(fragments)
            if section.size > LARGEST:
                raise Problem(f"section {section.name} is larger than {LARGEST >> 20} MiB")

    def _begin(self, section: Section, fragments: list[Fragment]) -> None:
        address = region = 0
        for fragment in fragments:
            fragment.address, fragment.region = address, region
            address += len(fragment.data)
            tail = fragment.tail
            if tail is None:  # the end of a subsection, which as aligns to 1
                region += 1
                continue
            if isinstance(tail, Alignment):
                tail.length = self._padding(section, address, tail)
                region += 1
            elif isinstance(tail, Origin):
                region += 1
            elif isinstance(tail, Branch) and not tail.is_long:
                tail.is_long = self._target(section, tail.target) is None
            address += tail.length

    def _pass(self, section: Section, fragments: list[Fragment]) -> bool:
        stretch = 0
        changed = False
        EFFORT.spend(FRAGMENT * len(fragments))
        for fragment in fragments:
            fragment.visited = False
        for fragment in fragments:
            fragment.visited = True
            fragment.address += stretch
            tail = fragment.tail
            if tail is None:
                continue
            old = tail.length
            address = fragment.address + len(fragment.data)
            if isinstance(tail, Branch):
                if not tail.is_long:
                    self._relax_branch(section, fragment, tail, address, stretch)
            elif isinstance(tail, Alignment):
                tail.length = self._padding(section, address, tail)
            elif isinstance(tail, Origin):
                tail.length = max(0, self._offset(section, tail) - address)
            elif isinstance(tail, Space):
                tail.length = self._count(tail)
            else:
                tail.length = len(encode_leb128(self._number(tail.value, tail), tail.signed))
            if tail.length != old:
                stretch += tail.length - old
                changed = True
        return changed

    def _padding(self, section: Section, address: int, tail: Alignment) -> int:
        padding = -(address + self._phases.get(section, 0)) % tail.boundary
        return 0 if tail.limit and padding > tail.limit else padding

    def _relax_branch(self, section: Section, fragment: Fragment, tail: Branch, address: int, stretch: int) -> None:
        found = self._target(section, tail.target)
        if found is None:
            tail.is_long = True
            return
        entry, target = found
        if stretch and entry is not None and entry.fragment is not None and not entry.fragment.visited:
            if stretch < 0 or entry.fragment.region == fragment.region:
                target += stretch
            elif target < address:
                return  # a forward jump: its target will move too
        displacement = target - (address + tail.length)
        tail.is_long = not -128 <= displacement <= 127

    def _target(self, section: Section, target: Expression) -> tuple[SymbolEntry | None, int] | None:
        """The label and offset in this section that a jump goes to; None if that cannot be known here."""
        addend = 0
        for _ in range(60):
            if type(target) is int:
                base = self._absolute.get(section)
                return None if base is None else (None, target + addend - base)
            if type(target) is not Reference:
                return None
            entry = target.symbol
            addend += target.addend
            if entry.binding == "weak" or (target.plt and entry.binding == "global"):
                return None
            if entry.fragment is not None:
                if entry.fragment.section is not section:
                    return None
                return entry, entry.fragment.address + entry.offset + addend
            if entry.value is None:
                return None
            target = entry.value
        return None

    def _offset(self, section: Section, tail: Origin) -> int:
        value = _evaluate(tail.target, tail)
        if value.terms and value.base is not section:
            raise tail.statement.place(Problem(".org can only go to a place in its own section"), tail.column)
        if value.constant > LARGEST:
            raise tail.statement.place(Problem(f".org goes beyond {LARGEST >> 20} MiB"), tail.column)
        return value.constant

    def _check_origins(self, fragments: list[Fragment]) -> None:
        for fragment in fragments:
            if isinstance(fragment.tail, Origin):
                tail = fragment.tail
                here = fragment.address + len(fragment.data)
                wanted = self._offset(fragment.section, tail)
                if wanted < here:
                    problem = Problem(".org cannot go backwards", f"here is {here:#x}, {wanted:#x} was asked for")
                    raise tail.statement.place(problem, tail.column)

    def _count(self, tail: Space) -> int:
        count = self._number(tail.count, tail)
        if count < 0:
            raise tail.statement.place(Problem("the number of bytes is negative", f"it is {count}"), tail.column)
        if count > LARGEST:
            problem = Problem(f"{count} bytes are too many", f"at most {LARGEST >> 20} MiB")
            raise tail.statement.place(problem, tail.column)
        return count

    def _number(self, expression: Expression, tail: Space | Leb128) -> int:
        value = _evaluate(expression, tail)
        if value.terms:
            problem = Problem("this size must be a number", "it depends on an address or an undefined symbol")
            raise tail.statement.place(problem, tail.column)
        return value.constant


def _evaluate(expression: Expression, tail: Origin | Space | Leb128) -> Value:
    try:
        return Resolver(label_in_section).value(expression)
    except Problem as problem:
        raise tail.statement.place(problem, tail.column) from None


def encode_leb128(value: int, signed: bool) -> bytes:
    """`value` in groups of seven bits, the lowest first; the top bit of a byte says that more follow."""
    found = bytearray()
    if not signed:
        value &= 0xFFFF_FFFF_FFFF_FFFF
    while True:
        group, value = value & 0x7F, value >> 7
        if value == (-1 if signed and group & 0x40 else 0) and not (signed and value == 0 and group & 0x40):
            found.append(group)
            return bytes(found)
        found.append(group | 0x80)
