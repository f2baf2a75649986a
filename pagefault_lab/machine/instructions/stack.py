"""The stack: PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE.

The stack is SS:ESP, or SS:SP when SS is a 16-bit segment; the operand size tells how many bytes go onto it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.faults import general_protection
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.instructions.segments import SHADOW_OF_SS
from pagefault_lab.machine.registers import (
    AC,
    DF,
    EAX,
    EBP,
    EBX,
    ECX,
    EDI,
    EDX,
    ESI,
    ESP,
    IF,
    IOPL,
    MASK,
    NT,
    RF,
    SS,
    STATUS,
    TF,
    VM,
)

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import Immediate, Memory, Register, SegmentRegister


@instruction(("pushV rV", "50 +r"), ("pushV imm8", "6A ib"), ("pushV immV", "68 iV"), ("pushV rmV", "FF /6"))
def push(cpu: Cpu, source: Register | Memory | Immediate) -> None:
    """Store the operand on top of the stack.

    esp=0x1000 eax=5    | pushl %eax = 50           | esp=0xffc [0xffc]=5
    esp=0x1000          | pushl %esp = 54           | esp=0xffc [0xffc]=0x1000
    esp=0x1000          | pushl $-2 = 6afe          | esp=0xffc [0xffc]=-2
    esp=0x1000 [0x20]=9 | pushl 0x20 = ff3520000000 | esp=0xffc [0xffc]=9
    esp=0x1000 eax=5    | pushw %ax = 6650          | esp=0xffe w[0xffe]=5
    """
    cpu.push(source.read(cpu), source.size)


@instruction(
    ("pushV %es", "06"),
    ("pushV %cs", "0E"),
    ("pushV %ss", "16"),
    ("pushV %ds", "1E"),
    ("pushV %fs", "0F A0"),
    ("pushV %gs", "0F A8"),
)
def push_segment(cpu: Cpu, operand_size: int, source: SegmentRegister) -> None:
    """Store a selector on top of the stack. A 486 moves ESP by 4 but writes only two bytes (SDM vol. 3, 22.31.1).

    esp=0x1000 ds=0x2b [0xffc]=-1 | pushl %ds = 1e | esp=0xffc [0xffc]=0xffff002b
    """
    cpu.push_all((source.read(cpu),), operand_size, width=2)


@instruction(("popV rV", "58 +r"), ("popV rmV", "8F /0 R"))
def pop(cpu: Cpu, destination: Register) -> None:
    """Take the top of the stack into a register.

    esp=0x1000 [0x1000]=5 | popl %eax = 58 | eax=5 esp=0x1004
    esp=0x1000 [0x1000]=5 | popl %esp = 5c | esp=5
    """
    destination.write(cpu, cpu.pop(destination.size))


@instruction(("popV mV", "8F /0"))
def pop_memory(cpu: Cpu, destination: Memory) -> None:
    """Take the top of the stack into memory. An address with ESP in it uses ESP as it is after the pop.

    esp=0x1000 [0x1000]=5 | popl 0x20 = 8f0520000000 | [0x20]=5 esp=0x1004
    esp=0x1000 [0x1000]=5 | popl (%esp) = 8f0424     | [0x1004]=5 esp=0x1004
    """
    size = destination.size
    value = cpu.peek_stack(0, size)
    cpu.move_stack(size)
    offset = destination.offset(cpu)
    cpu.move_stack(-size)  # until the write has succeeded
    cpu.write(destination.segment, offset, size, value)
    cpu.move_stack(size)


@instruction(
    ("popV %es", "07"),
    ("popV %ds", "1F"),
    ("popV %fs", "0F A1"),
    ("popV %gs", "0F A9"),
    transfers=True,
)
def pop_segment(cpu: Cpu, operand_size: int, destination: SegmentRegister) -> None:
    """Load a segment register from the top of the stack, with all the checks of a load.

    esp=0x1000 [0x1000]=0 | popl %fs = 0fa1 | fs=0 esp=0x1004
    """
    cpu.load_segment(destination.number, cpu.peek_stack(0, 2))
    cpu.move_stack(operand_size)


@instruction(("popV %ss", "17"), transfers=True)
def pop_stack_segment(cpu: Cpu, operand_size: int, destination: SegmentRegister) -> None:
    """Load SS from the top of the stack; no interrupt is taken before the next instruction is done.

    esp=0x1000 [0x1000]=0 | popl %ss = 17 | #GP(0)
    """
    mask = cpu.stack_mask  # of the stack that is popped from
    esp = cpu.registers[ESP]
    cpu.load_segment(SS, cpu.peek_stack(0, 2))
    cpu.registers[ESP] = esp & ~mask | esp + operand_size & mask
    cpu.shadow = SHADOW_OF_SS


@instruction(("pushaV", "60"))
def pusha(cpu: Cpu, operand_size: int) -> None:
    """Push EAX ECX EDX EBX ESP (as it was) EBP ESI EDI, or their low halves.

    esp=0x1000 eax=1 ecx=2 edi=3 | pushal = 60 | esp=0xfe0 [0xffc]=1 [0xff8]=2 [0xfec]=0x1000 [0xfe0]=3
    """
    registers = cpu.registers
    mask = MASK[operand_size]
    cpu.push_all(
        (
            registers[EAX] & mask,
            registers[ECX] & mask,
            registers[EDX] & mask,
            registers[EBX] & mask,
            registers[ESP] & mask,
            registers[EBP] & mask,
            registers[ESI] & mask,
            registers[EDI] & mask,
        ),
        operand_size,
    )


@instruction(("popaV", "61"))
def popa(cpu: Cpu, operand_size: int) -> None:
    """Pop EDI ESI EBP, skip a place, then EBX EDX ECX EAX, or their low halves.

    esp=0xfe0 [0xffc]=1 [0xff8]=2 [0xfec]=9 [0xfe0]=3 | popal = 61 | eax=1 ecx=2 edi=3 esp=0x1000
    """
    size = operand_size
    edi = cpu.peek_stack(0, size)
    esi = cpu.peek_stack(size, size)
    ebp = cpu.peek_stack(2 * size, size)
    ebx = cpu.peek_stack(4 * size, size)
    edx = cpu.peek_stack(5 * size, size)
    ecx = cpu.peek_stack(6 * size, size)
    eax = cpu.peek_stack(7 * size, size)
    registers = cpu.registers
    kept = ~MASK[size]
    registers[EDI] = registers[EDI] & kept | edi
    registers[ESI] = registers[ESI] & kept | esi
    registers[EBP] = registers[EBP] & kept | ebp
    registers[EBX] = registers[EBX] & kept | ebx
    registers[EDX] = registers[EDX] & kept | edx
    registers[ECX] = registers[ECX] & kept | ecx
    registers[EAX] = registers[EAX] & kept | eax
    cpu.move_stack(8 * size)


@instruction(("pushfV", "9C"))
def pushf(cpu: Cpu, operand_size: int) -> None:
    """Push EFLAGS, without VM and RF.

    esp=0x1000 cf=1 if=1  | pushfl = 9c | esp=0xffc [0xffc]=0x203
    vm=1 cpl=3 esp=0x1000 | pushfl = 9c | #GP(0)
    """
    eflags = cpu.eflags
    if eflags & VM:
        cpu.require("IOPL = 3 in virtual-8086 mode", cpu.iopl == 3, general_protection(0), IOPL=cpu.iopl)
    cpu.push(eflags & ~(VM | RF) & MASK[operand_size], operand_size)


@instruction(("popfV", "9D"), transfers=True)
def popf(cpu: Cpu, operand_size: int) -> None:
    """Pop EFLAGS: IOPL changes only at CPL 0, IF only if CPL <= IOPL, VM never; no fault tells what was left out.

    esp=0x1000 [0x1000]=0x3203              | popfl = 9d | esp=0x1004 cf=1 if=1 iopl=3
    cpl=3 iopl=0 esp=0x1000 [0x1000]=0x3203 | popfl = 9d | esp=0x1004 cf=1 if=0 iopl=0
    """
    eflags = cpu.eflags
    if eflags & VM:
        cpu.require("IOPL = 3 in virtual-8086 mode", cpu.iopl == 3, general_protection(0), IOPL=cpu.iopl)
    value = cpu.peek_stack(0, operand_size)
    changes = STATUS | TF | DF | NT
    if operand_size == 4:
        changes |= AC
    if cpu.cpl <= cpu.iopl:
        changes |= IF
    if cpu.cpl == 0:
        changes |= IOPL
    cpu.move_stack(operand_size)
    cpu.eflags = eflags & ~changes & ~RF | value & changes


@instruction(
    ("enter uimm16, uimm8", "C8 iw ib O32"),
    ("enterl uimm16, uimm8", "C8 iw ib O32"),
    ("enterw uimm16, uimm8", "C8 iw ib O16"),
)
def enter(cpu: Cpu, operand_size: int, allocation: Immediate, nesting: Immediate) -> None:
    """Begin a procedure: push EBP, copy the outer procedures' frame pointers, point EBP here, make room.

    esp=0x1000 ebp=7               | enter $16,$0 = c8100000 | esp=0xfec ebp=0xffc [0xffc]=7
    esp=0x1000 ebp=0x80 [0x7c]=9   | enter $0,$2 = c8000002  | esp=0xff4 ebp=0xffc [0xffc]=0x80 [0xff8]=9 [0xff4]=0xffc
    """
    size = operand_size
    room = allocation.read(cpu)
    level = nesting.read(cpu) & 31
    mask = cpu.stack_mask
    esp = cpu.registers[ESP]
    outer = cpu.registers[EBP] - esp  # from the top of the stack to the outer frame
    # First everything that can fault, in the order of the pushes; the last rule is that the new top can be written.
    cpu.read_for_write(SS, esp - size & mask, size)
    for count in range(1, level):
        cpu.peek_stack(outer - size * count, size)
        cpu.read_for_write(SS, esp - size * (count + 1) & mask, size)
    if level:
        cpu.read_for_write(SS, esp - size * (level + 1) & mask, size)
    cpu.read_for_write(SS, esp - size * (level + 1) - room & mask, size)
    cpu.push(cpu.registers[EBP] & MASK[size], size)
    frame = cpu.registers[ESP]
    for _ in range(1, level):
        cpu.push(cpu.peek_stack(outer, size), size)  # each push has moved the top along
    if level:
        cpu.push(frame & MASK[size], size)
    cpu.move_stack(-room)
    cpu.registers[EBP] = cpu.registers[EBP] & ~MASK[size] | frame & MASK[size]


@instruction(("leave", "C9 O32"), ("leavel", "C9 O32"), ("leavew", "C9 O16"))
def leave(cpu: Cpu, operand_size: int) -> None:
    """End a procedure: ESP goes back to the frame, and the outer frame pointer is popped.

    esp=0xf00 ebp=0xffc [0xffc]=7 | leave = c9 | esp=0x1000 ebp=7
    """
    frame = cpu.registers[EBP] - cpu.registers[ESP]  # from the top of the stack
    value = cpu.peek_stack(frame, operand_size)
    cpu.move_stack(frame + operand_size)
    cpu.registers[EBP] = cpu.registers[EBP] & ~MASK[operand_size] | value
