"""Status flags that translated code has set but not stored, because nobody has looked yet."""

from __future__ import annotations

from dataclasses import dataclass

from pagefault_lab.machine import flags
from pagefault_lab.machine.registers import SIGN


@dataclass(frozen=True, slots=True)
class PendingFlags:
    """Status flags that were set but not stored: what `cpu.lazy` would hold, as texts over the block's locals.

    An increment keeps the carry of what was `before` it; None stands for what `cpu` holds.
    """

    rule: int
    left: str
    right: str
    result: str
    size: int
    before: PendingFlags | None = None

    def pending(self) -> str:
        """The value for `cpu.lazy`."""
        left = self.carry() if self.rule in (flags.INCREMENT, flags.DECREMENT) else self.left
        return f"({self.rule}, {left}, {self.right}, {self.result}, {self.size})"

    def carry(self) -> str:
        """CF as an expression that is 0 or 1."""
        sign = 8 * self.size - 1
        left, right, result = self.left, self.right, self.result
        if self.rule == flags.ADD:
            return f"(({left} & {right} | ({left} | {right}) & ~{result}) >> {sign} & 1)"
        if self.rule == flags.SUBTRACT:
            return f"((~{left} & {right} | (~{left} | {right}) & {result}) >> {sign} & 1)"
        if self.rule == flags.LOGIC:
            return "0"
        return self.before.carry() if self.before is not None else "cpu.carry"

    def condition(self, code: int) -> str | None:
        """A condition as an expression; None where the flags have to be worked out."""
        sign = SIGN[self.size]
        left, right, result = self.left, self.right, self.result
        negation = "not " if code & 1 else ""
        overflow = {
            flags.ADD: f"({left} ^ {result}) & ({right} ^ {result})",
            flags.SUBTRACT: f"({left} ^ {right}) & ({left} ^ {result})",
            flags.LOGIC: "0",
        }.get(self.rule)
        less = f"({result} ^ {overflow}) & {sign}" if overflow else None
        match code >> 1:
            case 1:
                return f"({negation}{self.carry()})"
            case 2:
                return f"({result} {'!=' if code & 1 else '=='} 0)"
            case 3:
                return f"({negation}({result} == 0 or {self.carry()}))"
            case 4:
                return f"({negation}{result} & {sign})"
            case 6 if less:
                return f"({negation}{less})"
            case 7 if less:
                return f"({negation}({result} == 0 or {less}))"
        return None
