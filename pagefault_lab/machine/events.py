"""What a step can be seen to do: values, appended in order to the recorder while somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pagefault_lab.machine.faults import Fault

if TYPE_CHECKING:
    from pagefault_lab.machine.paging import PageWalk


class Reason(Enum):
    """Why memory is accessed. TABLE (GDT, LDT, IDT, TSS) is a supervisor access at any CPL (SDM vol. 3, 4.6).

    WALK is what a page walk does to the entries that it passes: it goes by physical addresses.
    """

    FETCH = "fetch"
    OPERAND = "operand"
    STACK = "stack"
    TABLE = "table"
    WALK = "walk"


class Kind(Enum):
    """What an access does, which is what its rights are judged by."""

    READ = "read"
    WRITE = "write"
    FETCH = "fetch"


class Check(NamedTuple):
    """A rule of the manual that was judged: recorded whether it holds or not."""

    rule: str
    holds: bool
    fault: Fault  # what is raised if it does not hold
    numbers: Mapping[str, int]


class SegmentAccess(NamedTuple):
    """segment:offset turned into a linear address: the hidden part that was used, and the rule that decided.

    `rule` names the failed rule, or is "" when all held; `fault` is then what is raised.
    """

    segment: int
    selector: int
    offset: int
    size: int
    base: int
    limit: int
    linear: int
    rule: str
    fault: Fault | None


class TlbHit(NamedTuple):
    """An access whose translation came from the TLB, with the rights that it holds.

    `tables` is what a walk would have found, where the TLB refuses: the processor does not make it.
    """

    linear: int
    physical: int
    kind: Kind
    user: bool
    page_user: bool
    page_writable: bool
    fault: Fault | None
    tables: PageWalk | None = None


class Access(NamedTuple):
    """Bytes read from, or written to, memory. `value` and `before` are little-endian numbers of `size` bytes.

    `physical` is where the first byte is. `before` is what a write replaced; None for a read. A FETCH is one for each
    instruction.
    """

    reason: Reason
    kind: Kind
    linear: int
    physical: int
    size: int
    value: int
    before: int | None


class Noted(NamedTuple):
    """An access as a journal has it, whose segment and translation had nothing to refuse."""

    reason: Reason
    kind: Kind
    linear: int
    size: int
    value: int
    before: int | None


class PortAccess(NamedTuple):
    """A value moved between the processor and a port."""

    port: int
    size: int
    kind: Kind
    value: int


class SegmentNulled(NamedTuple):
    """A return to an outer ring has made a segment register null: its DPL is of an inner one (SDM vol. 2, IRET)."""

    segment: int
    selector: int
    dpl: int
    cpl: int  # the new one
