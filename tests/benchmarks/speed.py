"""How fast the machine is, beside Unicorn with an empty Python hook: `python tests/benchmarks/speed.py`.

One paged guest program (a sieve, a bubble sort, a checksum with calls, a copy with REP) runs for about five million
instructions in turn in our machine free, in our machine with everything recorded, and in Unicorn; then again, and
each turn's ratios are printed, with the median. Figures of time mean nothing on a shared machine; ratios of one run do.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from pagefault_lab.assembler import assemble
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.registers import CS, ESP, PE, PG, WP
from pagefault_lab.machine.segmentation import Descriptor, Segment

CODE, DATA, STACK, DIRECTORY, TABLE, MEMORY = 0x10000, 0x40000, 0x80000, 0x90000, 0x91000, 1 << 20
PROGRAM = """
        FLAGS = 0x40000
        WORDS = 0x44000
        COPY = 0x48000
start:  xorl %ebp, %ebp

again:  movl $FLAGS, %edi               # a sieve over bytes
        movl $1024, %ecx
        movl $0x01010101, %eax
        rep stosl
        movl $2, %ebx
1:      cmpb $0, FLAGS(%ebx)
        je 3f
        leal (%ebx,%ebx), %esi
2:      cmpl $4096, %esi
        jae 3f
        movb $0, FLAGS(%esi)
        addl %ebx, %esi
        jmp 2b
3:      incl %ebx
        cmpl $64, %ebx
        jb 1b

        movl $0x12345, %eax             # numbers to sort
        movl $0, %esi
1:      imull $1103515245, %eax, %eax
        addl $12345, %eax
        movl %eax, WORDS(,%esi,4)
        incl %esi
        cmpl $128, %esi
        jb 1b

        movl $127, %ecx                 # a bubble sort
1:      xorl %esi, %esi
2:      movl WORDS(,%esi,4), %eax
        movl WORDS+4(,%esi,4), %edx
        cmpl %edx, %eax
        jle 4f
        movl %edx, WORDS(,%esi,4)
        movl %eax, WORDS+4(,%esi,4)
4:      incl %esi
        cmpl %ecx, %esi
        jb 2b
        decl %ecx
        jnz 1b

        movl $128, %ecx                 # a checksum by calls
1:      pushl WORDS-4(,%ecx,4)
        call mix
        addl $4, %esp
        addl %eax, %ebp
        decl %ecx
        jnz 1b

        movl $WORDS, %esi               # a copy
        movl $COPY, %edi
        movl $128, %ecx
        rep movsl
        jmp again

mix:    pushl %ebp
        movl %esp, %ebp
        movl 8(%ebp), %eax
        movzbl %al, %edx
        roll $5, %eax
        xorl %edx, %eax
        testl $1, %eax
        jz 1f
        notl %eax
1:      leave
        ret
"""
DESCRIPTORS = (0x00CF9B000000FFFF, 0x00CF93000000FFFF)
TABLES = b"".join((page << 12 | 7).to_bytes(4, "little") for page in range(MEMORY >> 12))


def machine(code: bytes) -> Machine:
    """The program in our machine: flat segments, CPL 0, paging on with every page mapped to itself."""
    made = Machine(MEMORY)
    made.memory.write_bytes(CODE, code)
    made.memory.write_bytes(TABLE, TABLES)
    made.memory.write(DIRECTORY, 4, TABLE | 7)
    for number in range(6):
        made.cpu.set_segment(number, Segment.of(8 if number == CS else 16, Descriptor(DESCRIPTORS[number != CS])))
    made.cpu.registers[ESP] = STACK
    made.cpu.eip = CODE
    made.cpu.cr3 = DIRECTORY
    made.cpu.write_cr0(PE | PG | WP)
    return made


def run_free(code: bytes, steps: int) -> None:
    assert machine(code).run(steps) is Stop.LIMIT


def run_recorded(code: bytes, steps: int) -> None:
    made = machine(code)
    journal: list[Any] = []
    for _ in range(0, steps, 100_000):
        journal.clear()  # a consumer would have taken it
        assert made.record(100_000, journal) is Stop.LIMIT


def run_unicorn(code: bytes, steps: int) -> None:
    import unicorn.x86_const as x86
    from unicorn import UC_ARCH_X86, UC_HOOK_CODE, UC_MODE_32, Uc

    engine = Uc(UC_ARCH_X86, UC_MODE_32)
    engine.mem_map(0, MEMORY)
    engine.mem_write(CODE, code)
    engine.mem_write(TABLE, TABLES)
    engine.mem_write(DIRECTORY, (TABLE | 7).to_bytes(4, "little"))
    engine.reg_write(x86.UC_X86_REG_CR3, DIRECTORY)
    engine.reg_write(x86.UC_X86_REG_CR0, PE | PG | WP)
    engine.reg_write(x86.UC_X86_REG_ESP, STACK)
    engine.hook_add(UC_HOOK_CODE, lambda *arguments: None)
    engine.emu_start(CODE, 0, count=steps)


def seconds(run: Callable[[bytes, int], None], code: bytes, steps: int) -> float:
    start = time.perf_counter()
    run(code, steps)
    return time.perf_counter() - start


def main(steps: int = 5_000_000, turns: int = 3) -> None:
    code = assemble(PROGRAM, origin=CODE).image()
    free, recorded = [], []
    for turn in range(1, turns + 1):
        peer = seconds(run_unicorn, code, steps)
        free.append(peer / seconds(run_free, code, steps))
        recorded.append(peer / seconds(run_recorded, code, steps))
        print(
            f"turn {turn}: Unicorn with an empty hook {steps / peer / 1e6:.2f} million instructions a second; "
            f"free run {free[-1]:.2f} times that, everything recorded {recorded[-1]:.2f} times"
        )
    print(f"median: free {statistics.median(free):.2f}, recorded {statistics.median(recorded):.2f}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
