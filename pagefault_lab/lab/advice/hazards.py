"""Rules about a state in which nothing has gone wrong yet."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.advice.cases import gate_of
from pagefault_lab.lab.advice.rules import Advice, hazard
from pagefault_lab.lab.walks import walk_now
from pagefault_lab.machine.faults import PAGE_FAULT, VECTORS
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.paging import Mapped
from pagefault_lab.machine.registers import PG


@hazard
def gate_open_to_users(machine: Machine) -> Iterator[Advice]:
    """INT n pushes no error code, so that the handler of an exception that has one takes EIP for it."""
    for vector, row in VECTORS.items():
        gate = gate_of(machine, vector) if row.has_error_code else None
        if gate is not None and gate.dpl == 3:
            yield Advice(
                f"a user can say int ${vector}, which pushes no error code: the handler's frame is off by one",
                {f"gate {vector}": gate.raw, "DPL": gate.dpl},
                "DPL 0 in the gate: 0x8e00",
            )


@hazard
def page_fault_by_a_trap_gate(machine: Machine) -> Iterator[Advice]:
    """A trap gate leaves IF as it is: an interrupt may come, and fault, before CR2 is read."""
    gate = gate_of(machine, PAGE_FAULT)
    if gate is not None and not (gate.is_interrupt_gate or gate.is_task_gate):
        yield Advice(
            "gate 14 is a trap gate: with IF=1 an interrupt may fault before CR2 is read",
            {"gate 14": gate.raw, "type": gate.type},
            "an interrupt gate: 0x8e00",
        )


@hazard
def page_open_to_users(machine: Machine) -> Iterator[Advice]:
    """Whoever can write the IDT, or the handler that it leads to, runs at CPL 0."""
    cpu = machine.cpu
    if not cpu.cr0 & PG:
        return
    gate = gate_of(machine, PAGE_FAULT)
    places = {"the IDT": cpu.idtr.base + 8 * PAGE_FAULT}
    if gate is not None and not gate.is_task_gate:
        places["the handler of page faults"] = gate.offset
    for what, address in places.items():
        end = walk_now(machine, address & 0xFFFFFFFF).end
        if isinstance(end, Mapped) and end.user:
            can = "read and written" if end.writable else "read"
            yield Advice(
                f"{what} can be {can} by any user",
                {"address": address, "U/S": 1, "R/W": int(end.writable)},
                "U/S=0 in its page table entry",
            )
