"""The world bare: enough of a machine to build everything by hand."""

import pytest

from pagefault_lab.lab.expressions import parse
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.step import ShutDown
from pagefault_lab.problem import Problem
from pagefault_lab.worlds import WORLDS, boot


def do(session: Session, *lines: str) -> list[object]:
    found: list[object] = []
    for line in lines:
        found = list(session.execute(line))
    return found


def holds(session: Session, expression: str) -> bool:
    return bool(parse(expression).value(session))


def test_it_starts_flat_at_cpl_0_without_paging_and_tables() -> None:
    machine, world = boot("bare")
    cpu = machine.cpu
    assert (cpu.cpl, cpu.cr0 & 0x80000001, cpu.eip) == (0, 1, 0x1000)
    assert (cpu.idtr.limit, cpu.gdtr.limit) == (0, 0)
    assert all(segment.flat for segment in cpu.segments)
    assert cpu.segments[1].code
    assert all(segment.writable for number, segment in enumerate(cpu.segments) if number != 1)
    assert not any(words for words in machine.memory.frames)
    assert (machine.steps, cpu.exceptions) == (0, 0)
    assert world.scratch(0) is not None
    assert world.gate is None


def test_two_machines_share_nothing() -> None:
    (one, _), (two, _) = boot("bare"), boot("bare")
    one.memory.write(0x1000, 4, 5)
    one.cpu.registers[0] = 5
    assert two.memory.read(0x1000, 4) == 0
    assert two.cpu.registers[0] == 0


def test_the_first_exception_shuts_it_down() -> None:
    session = Session("bare")
    do(session, "int3")
    assert isinstance(session.last.end, ShutDown)  # type: ignore[union-attr]


def test_everything_can_be_built_by_hand_up_to_a_page_fault_with_an_own_handler() -> None:
    """GDT, IDT with one gate, page tables that leave one page out, and a handler that puts it there."""
    session = Session("bare")
    do(
        session,
        "asm",
        "isr0x0E: pushal",
        "movl %cr2,%eax; shrl $12,%eax; leal 0x21000(,%eax,4),%edx",
        "shll $12,%eax; orl $3,%eax; movl %eax,(%edx)",
        "popal; addl $4,%esp; iret",
        "gdt: .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff",
        "gdt_pointer: .word 23; .long gdt",
        "idt: .space 14*8; .word 0, 8, 0x8e00, 0; idt_end:",
        "idt_pointer: .word idt_end-idt-1; .long idt",
        "end",
        "lgdt gdt_pointer; lidt idt_pointer",
        "movl $isr0x0E,%eax; movw %ax,idt+14*8; shrl $16,%eax; movw %ax,idt+14*8+6",
        "movl $0x20000,%edi; movl $0x21003,(%edi)",
        "movl $0x21000,%edi; movl $3,%eax; movl $256,%ecx",
        "asm", "fill: movl %eax,(%edi)", "addl $0x1000,%eax; addl $4,%edi; loop fill", "end", "c",
        "movl $0,0x21000+0x90*4",
        "movl $0x20000,%eax; movl %eax,%cr3; movl %cr0,%eax; orl $0x80000000,%eax; movl %eax,%cr0",
        "movl $0x1234,0x90010",
    )  # fmt: skip
    assert holds(session, "fault.vector == 14 && fault.error == 2 && cr2 == 0x90010 && eip == isr0x0E")
    do(session, "c")
    assert holds(session, "u32[0x90010] == 0x1234 && fault.count == 1")


def test_an_unknown_world_is_a_problem_with_a_suggestion() -> None:
    with pytest.raises(Problem) as caught:
        boot("bear")
    assert "bare" in (caught.value.hint or "")
    assert set(WORLDS) == {"linux", "bare"}
