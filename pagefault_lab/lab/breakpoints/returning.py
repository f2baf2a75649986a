"""Where functions and handlers are entered, and where they are left: what `finish` and its reverse go by.

The machine runs freely from one instruction that calls, returns or jumps by a register to the next: between them, the
code that can be reached is known by decoding it. What is delivered on the way is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pagefault_lab.lab.breakpoints.places import linear_eip
from pagefault_lab.lab.breakpoints.points import Asked, Breakpoint
from pagefault_lab.lab.code import instruction_at
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.machine.operands import Target
from pagefault_lab.machine.registers import CS, MASK

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.machine.decoder import Instruction
    from pagefault_lab.machine.machine import Machine

ENTERS: Final = ("call", "lcall")
LEAVES: Final = ("ret", "ret_and_release", "lret", "lret_and_release", "iret")
DELIVERIES: Final = frozenset((What.FAULT, What.INTERRUPT))
MOST: Final = 500  # instructions that are looked at ahead


class Nesting:
    """Tells where a machine goes in and out: it says what the machine must be asked for, and when that has come back,
    what it has done there."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Asked, int]] = {}  # by address space and address: see `_look`
        self._ahead = 0  # what the instruction would do that the machine stood before

    def asks(self, machine: Machine) -> Asked:
        place = machine.cpu.cr3, linear_eip(machine)
        if place not in self._known:
            self._known[place] = _look(machine, place[1])
        asked, self._ahead = self._known[place]
        return asked

    def change(self, machine: Machine) -> int:
        """1 if the machine has just gone in, -1 if it has come out, else 0. A shutdown leads nowhere."""
        if machine.cpu.shutdown:
            return 0
        if any(isinstance(each, Notice) and each.what in DELIVERIES for each in machine.caught):
            return 1
        return self._ahead


class Returned(Breakpoint):
    """Stops when the function or the handler has returned that the machine stood in."""

    def __init__(self) -> None:
        super().__init__()
        self._nesting = Nesting()
        self._depth = 0

    def asks(self, machine: Machine) -> Asked:
        return self._nesting.asks(machine)

    def asks_anew(self, machine: Machine) -> bool:
        return True

    def happened(self, scope: Scope, known: None) -> bool | None:
        self._depth += self._nesting.change(scope.machine)
        return True if self._depth < 0 else None


def _look(machine: Machine, here: int) -> tuple[Asked, int]:
    """How far the machine can run from here on: one step if the next instruction is a turn. And what that would do: 1
    if it calls, -1 if it returns, else 0. A call of the next instruction only wants to know where it is."""
    turns = _turns(machine, here)
    asked = Asked(turns, catch=DELIVERIES, each_step=here in turns)
    instruction = instruction_at(machine, here)
    if not asked.each_step or instruction is None:
        return asked, 0
    name, operand = instruction.form.name, next(iter(instruction.operands), None)
    if name in ENTERS:
        return asked, 0 if isinstance(operand, Target) and not operand.displacement else 1
    return asked, -1 if name in LEAVES else 0


def _turns(machine: Machine, start: int) -> frozenset[int]:
    """The addresses of the instructions, reachable from this one by nothing but what stands in the code, that call or
    return or go where only the machine knows; and where it is looked no further."""
    base = machine.cpu.segments[CS].base
    found: set[int] = set()
    known: set[int] = set()
    ahead = [start]
    while ahead:
        address = ahead.pop()
        if address in known:
            continue
        if len(known) >= MOST:
            found.add(address)
            continue
        known.add(address)
        instruction = instruction_at(machine, address)
        behind = address + instruction.length & 0xFFFFFFFF if instruction is not None else address
        if instruction is None or _turns_away(instruction):
            found.add(address)
        elif not instruction.form.transfers:
            ahead.append(behind)
        else:
            (target,) = (each for each in instruction.operands if isinstance(each, Target))
            ahead.append(base + (behind - base + target.displacement & MASK[target.size]) & 0xFFFFFFFF)
            if instruction.form.name != "jmp":
                ahead.append(behind)
    return frozenset(found)


def _turns_away(instruction: Instruction) -> bool:
    form = instruction.form
    if form.name in ENTERS or form.name in LEAVES:
        return True
    return form.transfers and not any(isinstance(each, Target) for each in instruction.operands)
