"""Transfers of control: JMP, Jcc, LOOP, CALL, RET, IRET, interrupts by software, BOUND, HLT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.machine.delivery import software_interrupt
from pagefault_lab.machine.faults import BOUND_RANGE, INVALID_OPCODE, FaultRaised, general_protection
from pagefault_lab.machine.instructions import instruction
from pagefault_lab.machine.registers import ECX, MASK, OF, signed
from pagefault_lab.machine.transfers import far_call, far_jump, far_return, interrupt_return

if TYPE_CHECKING:
    from pagefault_lab.machine.cpu import Cpu
    from pagefault_lab.machine.operands import FarPointer, Immediate, Memory, Register, Target


@instruction(("jmp rel8", "EB cb"), ("jmp relV", "E9 cV"), ("jmp *rmV", "FF /4"), transfers=True)
def jmp(cpu: Cpu, target: Target | Register | Memory) -> None:
    """Go on at the target, an offset of the same code segment.

    eip=0x1000               | jmp .+0x10 = eb0e           | eip=0x1010
    eip=0x1000               | jmp .+0x1000 = e9fb0f0000   | eip=0x2000
    eax=0x2000               | jmp *%eax = ffe0            | eip=0x2000
    ebx=0x1000 [0x1008]=7    | jmp *8(%ebx) = ff6308       | eip=7
    eax=0x12345678           | jmpw *%ax = 66ffe0          | eip=0x5678
    """
    cpu.jump(target.read(cpu))


@instruction(("ljmp far", "EA pV"), ("ljmp *mfar", "O32 FF /5"), ("ljmpW *mfar", "O16 FF /5"), transfers=True)
def ljmp(cpu: Cpu, target: FarPointer | Memory) -> None:
    """Go on in another code segment, at a selector and an offset; the privilege level stays.

    eax=1                     | ljmp $0,$0x1000 = ea001000000000 | #GP(0)
    [0x2000]=0x1000 [0x2004]=0 | ljmp *0x2000 = ff2d00200000     | #GP(0)
    """
    selector, offset = target.read_far(cpu)
    far_jump(cpu, selector, offset)


@instruction(("jo rel8", "70 cb"), ("jo relV", "0F 80 cV"), transfers=True)
def jo(cpu: Cpu, target: Target) -> None:
    """Jump if overflow: OF=1.

    eip=0x1000 of=1 | jo .+0x10 = 700e | eip=0x1010
    eip=0x1000 of=0 | jo .+0x10 = 700e | eip=0x1002
    """
    if cpu.condition(0x0):
        cpu.jump(target.read(cpu))


@instruction(("jno rel8", "71 cb"), ("jno relV", "0F 81 cV"), transfers=True)
def jno(cpu: Cpu, target: Target) -> None:
    """Jump if no overflow: OF=0.

    eip=0x1000 of=0 | jno .+0x10 = 710e | eip=0x1010
    eip=0x1000 of=1 | jno .+0x10 = 710e | eip=0x1002
    """
    if cpu.condition(0x1):
        cpu.jump(target.read(cpu))


@instruction(
    ("jb rel8", "72 cb"), ("jb relV", "0F 82 cV"),
    ("jc rel8", "72 cb"), ("jc relV", "0F 82 cV"),
    ("jnae rel8", "72 cb"), ("jnae relV", "0F 82 cV"), transfers=True,
)  # fmt: skip
def jb(cpu: Cpu, target: Target) -> None:
    """Jump if below (unsigned), or if carry: CF=1.

    eip=0x1000 cf=1 | jb .+0x10 = 720e  | eip=0x1010
    eip=0x1000 cf=0 | jb .+0x10 = 720e  | eip=0x1002
    eip=0x1000 cf=1 | jc .+0x10 = 720e  | eip=0x1010
    """
    if cpu.condition(0x2):
        cpu.jump(target.read(cpu))


@instruction(
    ("jae rel8", "73 cb"), ("jae relV", "0F 83 cV"),
    ("jnb rel8", "73 cb"), ("jnb relV", "0F 83 cV"),
    ("jnc rel8", "73 cb"), ("jnc relV", "0F 83 cV"), transfers=True,
)  # fmt: skip
def jae(cpu: Cpu, target: Target) -> None:
    """Jump if above or equal (unsigned), or if no carry: CF=0.

    eip=0x1000 cf=0 | jae .+0x10 = 730e  | eip=0x1010
    eip=0x1000 cf=1 | jae .+0x10 = 730e  | eip=0x1002
    """
    if cpu.condition(0x3):
        cpu.jump(target.read(cpu))


@instruction(
    ("je rel8", "74 cb"), ("je relV", "0F 84 cV"),
    ("jz rel8", "74 cb"), ("jz relV", "0F 84 cV"), transfers=True,
)  # fmt: skip
def je(cpu: Cpu, target: Target) -> None:
    """Jump if equal, or if zero: ZF=1.

    eip=0x1000 zf=1 | je .+0x10 = 740e             | eip=0x1010
    eip=0x1000 zf=0 | je .+0x10 = 740e             | eip=0x1002
    eip=0x1000 zf=1 | je .+0x1000 = 0f84fa0f0000   | eip=0x2000
    """
    if cpu.condition(0x4):
        cpu.jump(target.read(cpu))


@instruction(
    ("jne rel8", "75 cb"), ("jne relV", "0F 85 cV"),
    ("jnz rel8", "75 cb"), ("jnz relV", "0F 85 cV"), transfers=True,
)  # fmt: skip
def jne(cpu: Cpu, target: Target) -> None:
    """Jump if not equal, or if not zero: ZF=0.

    eip=0x1000 zf=0 | jne .-2 = 75fc    | eip=0xffe
    eip=0x1000 zf=1 | jne .-2 = 75fc    | eip=0x1002
    """
    if cpu.condition(0x5):
        cpu.jump(target.read(cpu))


@instruction(
    ("jbe rel8", "76 cb"), ("jbe relV", "0F 86 cV"),
    ("jna rel8", "76 cb"), ("jna relV", "0F 86 cV"), transfers=True,
)  # fmt: skip
def jbe(cpu: Cpu, target: Target) -> None:
    """Jump if below or equal (unsigned): CF=1 or ZF=1.

    eip=0x1000 cf=1 zf=0 | jbe .+0x10 = 760e | eip=0x1010
    eip=0x1000 cf=0 zf=1 | jbe .+0x10 = 760e | eip=0x1010
    eip=0x1000 cf=0 zf=0 | jbe .+0x10 = 760e | eip=0x1002
    """
    if cpu.condition(0x6):
        cpu.jump(target.read(cpu))


@instruction(
    ("ja rel8", "77 cb"), ("ja relV", "0F 87 cV"),
    ("jnbe rel8", "77 cb"), ("jnbe relV", "0F 87 cV"), transfers=True,
)  # fmt: skip
def ja(cpu: Cpu, target: Target) -> None:
    """Jump if above (unsigned): CF=0 and ZF=0.

    eip=0x1000 cf=0 zf=0 | ja .+0x10 = 770e | eip=0x1010
    eip=0x1000 cf=0 zf=1 | ja .+0x10 = 770e | eip=0x1002
    """
    if cpu.condition(0x7):
        cpu.jump(target.read(cpu))


@instruction(("js rel8", "78 cb"), ("js relV", "0F 88 cV"), transfers=True)
def js(cpu: Cpu, target: Target) -> None:
    """Jump if negative: SF=1.

    eip=0x1000 sf=1 | js .+0x10 = 780e | eip=0x1010
    eip=0x1000 sf=0 | js .+0x10 = 780e | eip=0x1002
    """
    if cpu.condition(0x8):
        cpu.jump(target.read(cpu))


@instruction(("jns rel8", "79 cb"), ("jns relV", "0F 89 cV"), transfers=True)
def jns(cpu: Cpu, target: Target) -> None:
    """Jump if not negative: SF=0.

    eip=0x1000 sf=0 | jns .+0x10 = 790e | eip=0x1010
    eip=0x1000 sf=1 | jns .+0x10 = 790e | eip=0x1002
    """
    if cpu.condition(0x9):
        cpu.jump(target.read(cpu))


@instruction(
    ("jp rel8", "7A cb"), ("jp relV", "0F 8A cV"),
    ("jpe rel8", "7A cb"), ("jpe relV", "0F 8A cV"), transfers=True,
)  # fmt: skip
def jp(cpu: Cpu, target: Target) -> None:
    """Jump if the low byte of the result has even parity: PF=1.

    eip=0x1000 pf=1 | jp .+0x10 = 7a0e | eip=0x1010
    eip=0x1000 pf=0 | jp .+0x10 = 7a0e | eip=0x1002
    """
    if cpu.condition(0xA):
        cpu.jump(target.read(cpu))


@instruction(
    ("jnp rel8", "7B cb"), ("jnp relV", "0F 8B cV"),
    ("jpo rel8", "7B cb"), ("jpo relV", "0F 8B cV"), transfers=True,
)  # fmt: skip
def jnp(cpu: Cpu, target: Target) -> None:
    """Jump if the low byte of the result has odd parity: PF=0.

    eip=0x1000 pf=0 | jnp .+0x10 = 7b0e | eip=0x1010
    eip=0x1000 pf=1 | jnp .+0x10 = 7b0e | eip=0x1002
    """
    if cpu.condition(0xB):
        cpu.jump(target.read(cpu))


@instruction(
    ("jl rel8", "7C cb"), ("jl relV", "0F 8C cV"),
    ("jnge rel8", "7C cb"), ("jnge relV", "0F 8C cV"), transfers=True,
)  # fmt: skip
def jl(cpu: Cpu, target: Target) -> None:
    """Jump if less (signed): SF and OF differ.

    eip=0x1000 sf=1 of=0 | jl .+0x10 = 7c0e | eip=0x1010
    eip=0x1000 sf=1 of=1 | jl .+0x10 = 7c0e | eip=0x1002
    """
    if cpu.condition(0xC):
        cpu.jump(target.read(cpu))


@instruction(
    ("jge rel8", "7D cb"), ("jge relV", "0F 8D cV"),
    ("jnl rel8", "7D cb"), ("jnl relV", "0F 8D cV"), transfers=True,
)  # fmt: skip
def jge(cpu: Cpu, target: Target) -> None:
    """Jump if greater or equal (signed): SF = OF.

    eip=0x1000 sf=1 of=1 | jge .+0x10 = 7d0e | eip=0x1010
    eip=0x1000 sf=0 of=1 | jge .+0x10 = 7d0e | eip=0x1002
    """
    if cpu.condition(0xD):
        cpu.jump(target.read(cpu))


@instruction(
    ("jle rel8", "7E cb"), ("jle relV", "0F 8E cV"),
    ("jng rel8", "7E cb"), ("jng relV", "0F 8E cV"), transfers=True,
)  # fmt: skip
def jle(cpu: Cpu, target: Target) -> None:
    """Jump if less or equal (signed): ZF=1, or SF and OF differ.

    eip=0x1000 sf=0 of=0 zf=1 | jle .+0x10 = 7e0e | eip=0x1010
    eip=0x1000 sf=0 of=1 zf=0 | jle .+0x10 = 7e0e | eip=0x1010
    eip=0x1000 sf=0 of=0 zf=0 | jle .+0x10 = 7e0e | eip=0x1002
    """
    if cpu.condition(0xE):
        cpu.jump(target.read(cpu))


@instruction(
    ("jg rel8", "7F cb"), ("jg relV", "0F 8F cV"),
    ("jnle rel8", "7F cb"), ("jnle relV", "0F 8F cV"), transfers=True,
)  # fmt: skip
def jg(cpu: Cpu, target: Target) -> None:
    """Jump if greater (signed): ZF=0 and SF = OF.

    eip=0x1000 sf=1 of=1 zf=0 | jg .+0x10 = 7f0e | eip=0x1010
    eip=0x1000 sf=1 of=1 zf=1 | jg .+0x10 = 7f0e | eip=0x1002
    """
    if cpu.condition(0xF):
        cpu.jump(target.read(cpu))


@instruction(("jcxz rel8", "A16 E3 cb"), ("jecxz rel8", "A32 E3 cb"), transfers=True)
def jecxz(cpu: Cpu, address_size: int, target: Target) -> None:
    """Jump if ECX (JCXZ: CX) is zero; no flag counts.

    eip=0x1000 ecx=0       | jecxz .+0x10 = e30e   | eip=0x1010
    eip=0x1000 ecx=0x10000 | jecxz .+0x10 = e30e   | eip=0x1002
    eip=0x1000 ecx=0x10000 | jcxz .+0x10 = 67e30d  | eip=0x1010
    """
    if cpu.registers[ECX] & MASK[address_size] == 0:
        cpu.jump(target.read(cpu))


@instruction(("loop rel8", "A32 E2 cb"), ("loopL rel8", "A32 E2 cb"), ("loopW rel8", "A16 E2 cb"), transfers=True)
def loop(cpu: Cpu, address_size: int, target: Target) -> None:
    """Count ECX (CX with a 16-bit address size) down and jump unless it has become zero; no flag changes.

    eip=0x1000 ecx=2       | loop .-2 = e2fc     | eip=0xffe ecx=1
    eip=0x1000 ecx=1       | loop .-2 = e2fc     | eip=0x1002 ecx=0
    eip=0x1000 ecx=0x10001 | loopw .-2 = 67e2fb  | eip=0x1003 ecx=0x10000
    """
    mask = MASK[address_size]
    count = cpu.registers[ECX]
    left = count - 1 & mask
    if left != 0:
        cpu.jump(target.read(cpu))
    cpu.registers[ECX] = count & ~mask | left


@instruction(
    ("loope rel8", "A32 E1 cb"), ("loopeL rel8", "A32 E1 cb"), ("loopeW rel8", "A16 E1 cb"),
    ("loopz rel8", "A32 E1 cb"), ("loopzL rel8", "A32 E1 cb"), ("loopzW rel8", "A16 E1 cb"), transfers=True,
)  # fmt: skip
def loope(cpu: Cpu, address_size: int, target: Target) -> None:
    """Count ECX (CX) down and jump if it has not become zero and ZF=1.

    eip=0x1000 ecx=2 zf=1 | loope .-2 = e1fc | eip=0xffe ecx=1
    eip=0x1000 ecx=2 zf=0 | loope .-2 = e1fc | eip=0x1002 ecx=1
    eip=0x1000 ecx=1 zf=1 | loope .-2 = e1fc | eip=0x1002 ecx=0
    """
    mask = MASK[address_size]
    count = cpu.registers[ECX]
    left = count - 1 & mask
    if left != 0 and cpu.zero:
        cpu.jump(target.read(cpu))
    cpu.registers[ECX] = count & ~mask | left


@instruction(
    ("loopne rel8", "A32 E0 cb"), ("loopneL rel8", "A32 E0 cb"), ("loopneW rel8", "A16 E0 cb"),
    ("loopnz rel8", "A32 E0 cb"), ("loopnzL rel8", "A32 E0 cb"), ("loopnzW rel8", "A16 E0 cb"), transfers=True,
)  # fmt: skip
def loopne(cpu: Cpu, address_size: int, target: Target) -> None:
    """Count ECX (CX) down and jump if it has not become zero and ZF=0.

    eip=0x1000 ecx=2 zf=0 | loopne .-2 = e0fc | eip=0xffe ecx=1
    eip=0x1000 ecx=2 zf=1 | loopne .-2 = e0fc | eip=0x1002 ecx=1
    """
    mask = MASK[address_size]
    count = cpu.registers[ECX]
    left = count - 1 & mask
    if left != 0 and not cpu.zero:
        cpu.jump(target.read(cpu))
    cpu.registers[ECX] = count & ~mask | left


@instruction(("call relV", "E8 cV"), ("call *rmV", "FF /2"), transfers=True)
def call(cpu: Cpu, operand_size: int, target: Target | Register | Memory) -> None:
    """Push the address of the next instruction and go on at the target.

    eip=0x1000 esp=0x3000                          | call .+0x100 = e8fb000000 | eip=0x1100 esp=0x2ffc [0x2ffc]=0x1005
    eip=0x1000 esp=0x3000 eax=0x2000               | call *%eax = ffd0         | eip=0x2000 esp=0x2ffc [0x2ffc]=0x1002
    eip=0x1000 esp=0x3000 [0x3004]=0x2000          | call *4(%esp) = ff542404  | eip=0x2000 esp=0x2ffc [0x2ffc]=0x1004
    eip=0x1000 esp=0x3000 eax=0x12342000           | callw *%ax = 66ffd0       | eip=0x2000 esp=0x2ffe w[0x2ffe]=0x1003
    """
    after = cpu.eip & MASK[operand_size]
    cpu.jump(target.read(cpu))
    cpu.push(after, operand_size)


@instruction(("lcall far", "9A pV"), ("lcall *mfar", "O32 FF /3"), ("lcallW *mfar", "O16 FF /3"), transfers=True)
def lcall(cpu: Cpu, operand_size: int, target: FarPointer | Memory) -> None:
    """Push CS and the address of the next instruction and go on in another code segment, or through a call gate.

    esp=0x3000 | lcall $0,$0x1000 = 9a001000000000 | #GP(0)
    """
    selector, offset = target.read_far(cpu)
    far_call(cpu, selector, offset, operand_size)


@instruction(("ret", "O32 C3"), ("retL", "O32 C3"), ("retW", "O16 C3"), transfers=True)
def ret(cpu: Cpu, operand_size: int) -> None:
    """Pop the address to go on at.

    esp=0x3000 [0x3000]=0x2000      | ret = c3    | eip=0x2000 esp=0x3004
    esp=0x3000 [0x3000]=0x12342000  | retw = 66c3 | eip=0x2000 esp=0x3002
    """
    cpu.jump(cpu.peek_stack(0, operand_size))
    cpu.move_stack(operand_size)


@instruction(("ret uimm16", "O32 C2 iw"), ("retL uimm16", "O32 C2 iw"), ("retW uimm16", "O16 C2 iw"), transfers=True)
def ret_and_release(cpu: Cpu, operand_size: int, released: Immediate) -> None:
    """Pop the address to go on at, then drop that many bytes of arguments.

    esp=0x3000 [0x3000]=0x2000      | ret $8 = c20800    | eip=0x2000 esp=0x300c
    """
    cpu.jump(cpu.peek_stack(0, operand_size))
    cpu.move_stack(operand_size + released.read(cpu))


@instruction(("lret", "O32 CB"), ("lretL", "O32 CB"), ("lretW", "O16 CB"), transfers=True)
def lret(cpu: Cpu, operand_size: int) -> None:
    """Pop EIP and CS, and from an outer privilege level's frame ESP and SS too.

    esp=0x3000 [0x3000]=0x2000 [0x3004]=0 | lret = cb | #GP(0)
    """
    far_return(cpu, operand_size, 0)


@instruction(("lret uimm16", "O32 CA iw"), ("lretL uimm16", "O32 CA iw"), ("lretW uimm16", "O16 CA iw"), transfers=True)
def lret_and_release(cpu: Cpu, operand_size: int, released: Immediate) -> None:
    """Pop EIP and CS, then drop that many bytes of arguments, on both stacks if the privilege level changes.

    esp=0x3000 [0x3000]=0x2000 [0x3004]=0 | lret $8 = ca0800 | #GP(0)
    """
    far_return(cpu, operand_size, released.read(cpu))


@instruction(("iret", "O32 CF"), ("iretL", "O32 CF"), ("iretW", "O16 CF"), transfers=True)
def iret(cpu: Cpu, operand_size: int) -> None:
    """Return from an interrupt: pop EIP, CS and EFLAGS, and to an outer privilege level ESP and SS.

    An error code must have been dropped before. IOPL changes only at CPL 0, IF only if CPL <= IOPL.

    esp=0x3000 [0x3000]=0x2000 [0x3004]=0 [0x3008]=2 | iret = cf | #GP(0)
    """
    interrupt_return(cpu, operand_size)


@instruction(("int3", "CC"), transfers=True)
def int3(cpu: Cpu) -> None:
    """Breakpoint: interrupt 3 in one byte; the saved EIP is that of the next instruction.

    idtr.limit=0 | int3 = cc | #GP(0x1a)
    """
    software_interrupt(cpu, 3)


@instruction(("int $3", "CC"), ("int uimm8", "CD ib"), transfers=True)  # as writes the short form for 3, too
def int_(cpu: Cpu, vector: Immediate) -> None:
    """Interrupt by software, through the gate of that vector, whose DPL must not be below CPL.

    idtr.limit=0 | int $0x80 = cd80 | #GP(0x402)
    """
    software_interrupt(cpu, vector.read(cpu))


@instruction(("into", "CE"), transfers=True)
def into(cpu: Cpu) -> None:
    """Interrupt 4 if OF=1.

    eip=0x1000 of=0 | into = ce | eip=0x1001
    """
    if cpu.eflags & OF:
        software_interrupt(cpu, 4)


@instruction(("int1", "F1"), ("icebp", "F1"), transfers=True)
def icebp(cpu: Cpu) -> None:
    """Raise a debug exception after this instruction; undocumented before the SDM called it INT1.

    idtr.limit=0 | int1 = f1 | #GP(0xb)
    """
    software_interrupt(cpu, 1, checked=False)


@instruction(("boundV rV, m", "62 /r"))
def bound(cpu: Cpu, operand_size: int, index: Register, bounds: Memory) -> None:
    """Check a signed index against the lower and the upper bound that lie one behind the other in memory.

    eax=5 [0x2000]=1 [0x2004]=5            | boundl %eax,0x2000 = 620500200000   | eax=5
    eax=6 [0x2000]=1 [0x2004]=5            | boundl %eax,0x2000 = 620500200000   | #BR
    eax=0 [0x2000]=0xffffffff [0x2004]=5   | boundl %eax,0x2000 = 620500200000   | eax=0
    eax=5 [0x2000]=0x40001                 | boundw %ax,0x2000 = 66620500200000  | #BR
    """
    lower = signed(bounds.read_at(cpu, 0, operand_size), operand_size)
    upper = signed(bounds.read_at(cpu, operand_size, operand_size), operand_size)
    value = signed(index.read(cpu), operand_size)
    cpu.require("lower bound <= index <= upper bound", lower <= value <= upper, BOUND_RANGE,
                index=value, lower=lower, upper=upper)  # fmt: skip


@instruction(("hlt", "F4"), transfers=True)
def hlt(cpu: Cpu) -> None:
    """Wait for an interrupt; privileged.

    cpl=3 | hlt = f4 | #GP(0)
    """
    cpu.require("CPL = 0", cpu.cpl == 0, general_protection(0), CPL=cpu.cpl)
    cpu.halted = True


@instruction(("ud2", "0F 0B"), ("ud2a", "0F 0B"), transfers=True)
def ud2(cpu: Cpu) -> None:
    """Raise #UD: the opcode that will never mean anything else.

    eax=1 | ud2 = 0f0b | #UD
    """
    raise FaultRaised(INVALID_OPCODE)
