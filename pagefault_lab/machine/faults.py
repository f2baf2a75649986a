"""The exceptions of the processor (SDM vol. 3, 6.3 and 6.15), one row per vector."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Contribution(Enum):
    """How an exception counts when a second one meets it (SDM vol. 3, table 6-4)."""

    BENIGN = "benign"
    CONTRIBUTORY = "contributory"
    PAGE_FAULT = "page fault"
    DOUBLE_FAULT = "double fault"


class Class(Enum):
    """Which EIP is saved: of the instruction itself, of the next one, or of no use (SDM vol. 3, 6.5)."""

    FAULT = "fault"
    TRAP = "trap"
    ABORT = "abort"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True)
class Vector:
    """What the manual's table says of one exception vector."""

    number: int
    mnemonic: str
    name: str
    kind: Class
    has_error_code: bool = False
    contribution: Contribution = Contribution.BENIGN


_CONTRIBUTORY = Contribution.CONTRIBUTORY

VECTORS: Final[dict[int, Vector]] = {
    row.number: row
    for row in (
        Vector(0, "#DE", "divide error", Class.FAULT, False, _CONTRIBUTORY),
        Vector(1, "#DB", "debug", Class.TRAP),
        Vector(2, "NMI", "non-maskable interrupt", Class.INTERRUPT),
        Vector(3, "#BP", "breakpoint", Class.TRAP),
        Vector(4, "#OF", "overflow", Class.TRAP),
        Vector(5, "#BR", "bound range exceeded", Class.FAULT),
        Vector(6, "#UD", "invalid opcode", Class.FAULT),
        Vector(7, "#NM", "device not available", Class.FAULT),
        Vector(8, "#DF", "double fault", Class.ABORT, True, Contribution.DOUBLE_FAULT),
        Vector(10, "#TS", "invalid TSS", Class.FAULT, True, _CONTRIBUTORY),
        Vector(11, "#NP", "segment not present", Class.FAULT, True, _CONTRIBUTORY),
        Vector(12, "#SS", "stack-segment fault", Class.FAULT, True, _CONTRIBUTORY),
        Vector(13, "#GP", "general protection", Class.FAULT, True, _CONTRIBUTORY),
        Vector(14, "#PF", "page fault", Class.FAULT, True, Contribution.PAGE_FAULT),
        Vector(16, "#MF", "x87 floating-point error", Class.FAULT),
        Vector(17, "#AC", "alignment check", Class.FAULT, True),
        Vector(18, "#MC", "machine check", Class.ABORT),
    )
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception of the guest, as a value.

    `error` is the error code, or None where the vector has none. `linear` is what CR2 receives, for a page fault only.
    `trap` marks an exception that is reported after its instruction (the saved EIP is the next one's).
    """

    vector: int
    error: int | None = None
    linear: int | None = None
    trap: bool = False

    @property
    def row(self) -> Vector:
        """The manual's row for this vector; an invented one for an interrupt vector."""
        return VECTORS.get(self.vector) or Vector(self.vector, f"#{self.vector}", "interrupt", Class.INTERRUPT)


class FaultRaised(Exception):
    """Carries a Fault to the step that will deliver it; only the machine catches it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


PAGE_FAULT: Final = 14  # the vector,
SELECTOR_ERRORS: Final = (10, 11, 12, 13)  # and those whose error code names a selector

DIVIDE_ERROR: Final = Fault(0)
DEBUG: Final = Fault(1, trap=True)
BREAKPOINT: Final = Fault(3, trap=True)
BOUND_RANGE: Final = Fault(5)
INVALID_OPCODE: Final = Fault(6)
DEVICE_NOT_AVAILABLE: Final = Fault(7)
DOUBLE_FAULT: Final = Fault(8, 0)
ALIGNMENT_CHECK: Final = Fault(17, 0)


def invalid_tss(error: int) -> Fault:
    """#TS with this error code."""
    return Fault(10, error)


def not_present(error: int) -> Fault:
    """#NP with this error code."""
    return Fault(11, error)


def stack_fault(error: int) -> Fault:
    """#SS with this error code."""
    return Fault(12, error)


def general_protection(error: int) -> Fault:
    """#GP with this error code."""
    return Fault(13, error)


def page_fault(error: int, linear: int) -> Fault:
    """#PF with this error code, for this linear address."""
    return Fault(14, error, linear)


class NotSimulated(Exception):
    """The guest asked for a part of the processor that does not exist here yet; the machine stops before it."""
