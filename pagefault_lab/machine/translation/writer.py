"""Writes the Python function of a block."""

from __future__ import annotations

import ast
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.machine.decoder import Instruction, decode
from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.memory import PAGE, words_at
from pagefault_lab.machine.operands import Immediate, Memory, Register8, Register16, Register32, Target
from pagefault_lab.machine.registers import ESP, MASK, SS
from pagefault_lab.machine.translation.block import Written
from pagefault_lab.machine.translation.inliner import Inliner
from pagefault_lab.machine.translation.pending_flags import PendingFlags
from pagefault_lab.machine.translation.places import CUT, indented, offset_text
from pagefault_lab.machine.translation.template import template_of

if TYPE_CHECKING:
    from pagefault_lab.machine.memory import Memory as PhysicalMemory

LONGEST: Final = 96  # instructions in a block, over all its paths
SHORTEST: Final = 3  # room for fewer is not worth to follow a branch


class _PageEnd(Exception):
    """The bytes of the page are used up."""


class Writer:
    """Writes a block's function, from the code in a frame alone. `looking`: somebody watches what is accessed."""

    def __init__(
        self, memory: PhysicalMemory, eip: int, frame: int, journaling: bool, looking: bool, stops: frozenset[int]
    ) -> None:
        self.memory = memory
        self.stops = stops
        self.journaling = journaling
        self.looking = looking
        self.eip = eip
        self.frame = frame
        self.decoded: dict[tuple[int, int], Instruction] = {}  # by offset and default size
        self.addresses: list[int] = []  # of the instructions as they are written: `at` is an index into it
        self.made: list[int] = []  # and how many of its path were executed before each
        self.handlers: list[str] = []  # what stores the flags if the instruction `at` faults
        self.path: list[int] = []  # addresses of the instructions before the one being written, as they are executed
        self.room = LONGEST  # for so many more instructions
        self.names = count()
        self.namespace: dict[str, Any] = {}
        self.loops = False
        self.returns: list[int] = []  # where the calls of the trace come from, outermost first
        # of the instruction being written:
        self.next_eip = eip
        self.goes_to: int | None = None  # where the trace goes on; None if only the machine knows
        self.flags: PendingFlags | None = None  # set, but not yet stored in `cpu`
        self.prelude: list[str] = []  # what must come before the statement that is being written
        self.calls = False  # whether the instruction does something that may fault or be seen
        self.writes = False  # whether it writes memory
        self.foreign = False  # whether it does what is not written out here

    def fresh(self, prefix: str) -> str:
        return f"{prefix}{next(self.names)}"

    def constant(self, value: Any) -> ast.expr:
        """A number as it is; for another object, a name that the block knows it by."""
        if type(value) is int or isinstance(value, str):
            return ast.Constant(value)
        name = self.fresh("k")
        self.namespace[name] = value
        return ast.Name(name, ast.Load())

    def settle(self) -> None:
        """Store pending flags before the statement that is being written: it may look at them."""
        if self.flags is not None:
            self.prelude.append(f"cpu.lazy = {self.flags.pending()}")
            self.flags = None

    def take_prelude(self) -> list[str]:
        lines, self.prelude = self.prelude, []
        return lines

    # --- operands as text

    def read(self, operand: Any, method: str) -> str | None:
        """An expression for the operand's value; None if it has no short form."""
        match operand:
            case Register32(number):
                return f"R[{number}]"
            case Register16(number):
                return f"(R[{number}] & 65535)"
            case Register8(number):
                return f"(R[{number}] & 255)" if number < 4 else f"(R[{number - 4}] >> 8 & 255)"
            case Immediate(value):
                return str(value)
            case Target(displacement, size):
                return str(self.next_eip + displacement & MASK[size])
            case Memory(segment, size=size) if size in CUT:
                pages = "READS" if method == "read" else "WRITES"
                return self._memory(pages, segment, offset_text(operand), size, f"{method}({segment}, {{}}, {size})")
        return None

    def _memory(self, pages: str, segment: int, offset: str, size: int, otherwise: str) -> str:
        self.calls = True
        if self.journaling:
            return otherwise.format(offset)
        at, page = self.fresh("a"), self.fresh("p")
        straddles, value = CUT[size]
        word = f"{page}[{at} >> 2 & 1023]"
        return (
            f"({value.format(word=word, at=at)} if ({page} := {pages}[{segment}].get(({at} := {offset}) >> 12)) "
            f"is not None{straddles.format(at=at)} else {otherwise.format(at)})"
        )

    def peek_stack(self, distance: str, size: str) -> str | None:
        """The expression for `cpu.peek_stack`; blocks run on 32-bit stacks only."""
        if size != "4":
            return None
        offset = f"R[{ESP}]" if distance == "0" else f"(R[{ESP}] + {distance} & 4294967295)"
        return self._memory("READS", SS, offset, 4, f"peek_stack({distance}, 4)")

    def write(self, operand: Any, text: str) -> str:
        """Statements that store the value in the operand."""
        match operand:
            case Register32(number):
                return f"R[{number}] = {text}"
            case Register16(number):
                return f"R[{number}] = R[{number}] & 4294901760 | ({text})"
            case Register8(number) if number < 4:
                return f"R[{number}] = R[{number}] & 4294967040 | ({text})"
            case Register8(number):
                return f"R[{number - 4}] = R[{number - 4}] & 4294902015 | ({text}) << 8"
            case Memory(segment, size=size) if not self.journaling:
                otherwise = f"write({segment}, {{}}, {size}, {{}})"
                return self._store(segment, offset_text(operand), text, size, "", otherwise)
            case Memory(segment, size=size):
                self.calls = self.writes = True
                return f"write({segment}, {offset_text(operand)}, {size}, {text})"
        self.calls = True
        return f"{ast.unparse(self.constant(operand))}.write(cpu, {text})"

    def _store(self, segment: int, offset: str, text: str, size: int, then: str, otherwise: str) -> str:
        self.calls = self.writes = True
        at, page, value = self.fresh("a"), self.fresh("p"), self.fresh("v")
        fits = CUT[size][0].format(at=at)
        word = f"{page}[{at} >> 2 & 1023]"
        if size == 4:
            store = f"    {word} = {value}\n"
        else:
            shift = f"(({at} & 3) << 3)"
            store = f"    {word} = {word} & ~({MASK[size]} << {shift}) | {value} << {shift}\n"
        return (
            f"{value} = {text}\n"
            f"if ({page} := WRITES[{segment}].get(({at} := {offset}) >> 12)) is not None{fits}:\n"
            f"{store}{then.format(at)}"
            f"else:\n    {otherwise.format(at, value)}"
        )

    def push(self, text: str, size: str) -> str:
        """Statements for `cpu.push`."""
        if size != "4" or self.journaling:
            self.calls = self.writes = True
            return f"push({text}, {size})"
        then = f"    R[{ESP}] = {{}}\n"
        return self._store(SS, f"R[{ESP}] - 4 & 4294967295", text, 4, then, "push({1}, 4)")

    # --- the trace

    def leave(self, eip: str | None = None, again: bool = True) -> list[str]:
        """Lines that leave the block behind the current instruction, for this EIP or for what `cpu.eip` holds.

        If that is the block's own start, they run it `again`.
        """
        made = len(self.path)
        lines = [f"cpu.lazy = {self.flags.pending()}"] if self.flags is not None else []
        if eip == str(self.eip) and again:
            self.loops = True
            return [
                *lines,
                f"steps += {made}",
                "if steps + LENGTH > budget:",
                f"    cpu.eip = {eip}",
                "    return steps",
                "continue",
            ]
        if eip is not None:
            lines.append(f"cpu.eip = {eip}")
        return [*lines, f"return steps + {made}"]

    def decode(self, eip: int) -> Instruction | None:
        """The instruction at EIP, read without effect; None if it cannot be decoded or leaves the page."""
        position = eip & 0xFFF

        def next_byte() -> int:
            nonlocal position
            if position == PAGE:
                raise _PageEnd
            position += 1
            return self.memory.read((self.frame << 12) + position - 1, 1)

        try:
            instruction = decode(next_byte, 4)
        except (FaultRaised, _PageEnd):
            return None
        self.decoded[eip & 0xFFF, 4] = instruction
        return instruction

    def written(self) -> Written | None:
        """The finished block; None if nothing can be in it."""
        lines = self.trace(self.eip)
        if not self.addresses:
            return None
        if self.loops:
            lines = ["while True:", *indented(lines)]
        source = [
            "def run(budget):",
            "    at = steps = 0",
            *(["    log = cpu.recorder.append"] if self.journaling else []),
            "    try:",
            *indented(lines, 8),
            "    except FaultRaised as raised:",
            *indented(self.handlers, 8),
            "        cpu.start = cpu.eip = EIPS[at]",
            "        return faulted(raised.fault, steps + MADE[at])",
        ]
        names = self.namespace | {"EIPS": tuple(self.addresses), "MADE": tuple(self.made)}
        words = frozenset(
            word for (offset, _), instruction in self.decoded.items() for word in words_at(offset, instruction.length)
        )
        text = "\n".join(source)
        code = compile(text, f"<block at {self.eip:#x}>", "exec")
        return Written(
            text, code, names, max(self.made) + 1, frozenset(self.addresses), self.stops, self.decoded, words
        )

    def follow(self, eip: int) -> list[str]:
        """Lines for going on at the target of a branch that is taken: along it as far as there is room, then out."""
        share = self.room // 2
        if share < SHORTEST or eip in self.path:
            return self.leave(str(eip))
        kept = (self.flags, self.goes_to, self.next_eip, self.calls, self.writes, self.foreign, self.prelude)
        path, returns, room = self.path, self.returns, self.room
        self.path, self.returns, self.room, self.prelude = [*path], [*returns], share, []
        lines = self.trace(eip)
        self.path, self.returns, self.room = path, returns, room - (share - self.room)
        self.flags, self.goes_to, self.next_eip, self.calls, self.writes, self.foreign, self.prelude = kept
        return lines

    def trace(self, eip: int) -> list[str]:
        """Lines for the code from EIP on, until they leave the block."""
        lines: list[str] = []
        while self.room and eip >> 12 == self.eip >> 12 and eip not in self.path and eip not in self.stops:
            instruction = self.decode(eip)
            if instruction is None:
                break
            number = len(self.addresses)
            before = self.flags
            self.addresses.append(eip)
            self.made.append(len(self.path))
            self.path.append(eip)
            self.room -= 1
            self.calls = self.writes = self.foreign = False
            self.goes_to = self.next_eip = eip + instruction.length & 0xFFFFFFFF
            repeats = bool(instruction.repeat and instruction.form.repeat)
            statements = self.called(instruction) if repeats else self.inlined(instruction, number)
            if self.foreign and instruction.form.transfers:
                for kept in (self.addresses, self.made, self.path):
                    kept.pop()
                self.flags = before
                self.prelude.clear()
                break
            if self.journaling:
                state = before.pending() if before is not None else "cpu.lazy or cpu.eflags"
                lines.append(f"log(({eip}, {state}, *R))")
            if self.calls:
                lines.append(f"at = {number}")
                if before is not None:
                    self.handlers += [f"if at == {number}:", f"    cpu.lazy = {before.pending()}"]
            lines += statements
            if self.writes or self.foreign or (self.calls and self.looking):
                # it may have changed the very code that is running, be noticed, or be what somebody waits for
                there = None if repeats or self.goes_to is None else str(self.goes_to)
                lines += ["if LEAVING:", f"    cpu.start = {eip}", *indented(self.leave(there, again=False))]
            if repeats:
                here = self.leave(str(eip))
                lines += [f"if cpu.eip != {self.next_eip}:", *indented(here)]
            elif instruction.form.transfers and self.goes_to is None:
                if not self.returns:
                    return lines + self.leave()
                self.goes_to = self.returns.pop()
                lines += [f"if cpu.eip != {self.goes_to}:", *indented(self.leave())]
            elif self.writes and self.goes_to != self.next_eip:
                self.returns.append(self.next_eip)  # a jump that writes memory is a call
            eip = self.goes_to if self.goes_to is not None else self.next_eip
        return lines + self.leave(str(eip))

    def called(self, instruction: Instruction) -> list[str]:
        """Statements that leave the instruction to its function; of a repeated one, one iteration."""
        self.calls = self.writes = self.foreign = True
        self.settle()
        lines = self.take_prelude()
        if instruction.repeat and instruction.form.repeat:
            constant = ast.unparse(self.constant(instruction))
            start = self.path[-1]
            return [*lines, f"cpu.start = {start}", f"cpu.eip = {self.next_eip}", f"iterate({constant})"]
        function, *arguments = (
            ast.unparse(self.constant(value)) for value in (instruction.form.function, *instruction.arguments)
        )
        return [*lines, f"{function}({', '.join(['cpu', *arguments])})"]

    def inlined(self, instruction: Instruction, number: int) -> list[str]:
        """The statements of one instruction: its function's own, or a call of it."""
        template = template_of(instruction.form.function)
        if template is None:
            return self.called(instruction)
        return Inliner(template, instruction, number, self).statements()
