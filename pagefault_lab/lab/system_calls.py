"""System calls that a command makes, as a program of the user would: by a real `int $0x80`, executed by the guest.

The few instructions lie in a room of their own behind the typed code. They keep the registers, so that whoever was
interrupted by the command finds them as they were; at CPL 0 CR2 too, which a page fault's handler may not have read.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab import kernel_log, peeking
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.machine.registers import CS
from pagefault_lab.machine.step import Step
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session

REGISTERS: Final = ("eax", "ebx", "ecx", "edx")  # the number and the arguments
ARGUMENT_ROOM: Final = 256

# Data are reached through SS, which is always good, while a user's DS may be null; and no stack is needed. Neither mov
# nor the way back out of the kernel changes a flag.
_KEEP: Final = "\n".join(f"movl %{name}, %ss:kept+{4 * place}" for place, name in enumerate(REGISTERS))
_KEEP_CR2: Final = "movl %cr2, %eax; movl %eax, %ss:kept+16"
_GIVE_BACK_CR2: Final = "movl %ss:kept+16, %eax; movl %eax, %cr2"
_GIVE_BACK: Final = "\n".join(f"movl %ss:kept+{4 * place}, %{name}" for place, name in enumerate(REGISTERS))


def call(session: Session, title: str, number: int, *arguments: int | bytes) -> Generator[object, None, int | None]:
    """Let the guest make system call `number` where it stands; `arguments` go to EBX, ECX, EDX.

    The address of a `bytes` argument is passed. Steps are not told, what the kernel prints is. Returns what the call
    returned, as a signed number; None if it has not come back yet (a breakpoint, a killed task, a shutdown): the last
    value yielded then says why. `title` is how the line is called that waits for it. A Problem if the world has no room
    for it, or a call still waits there.
    """
    lines = session.typed_lines
    cpu = session.machine.cpu
    room = session.world.calls(session.ring)
    if room is None:
        raise Problem(f"the world {session.world.name} has no kernel to call", "`world linux` has one")
    waiting = next((line for line in lines.all if line.start in room), None)
    if waiting is not None:
        raise Problem(f"{waiting.text} has not come back yet", "`c` lets it go on, `back` undoes it")
    session.check_runs()
    bits, end, result = _program(room.start, number, arguments, keeps_cr2=session.ring == 0)
    if room.start + len(bits) > room.end:
        raise ValueError(f"{title}: {len(bits)} bytes do not fit")
    session.changing()
    peeking.place(session.machine, room.start, bits)
    eflags = cpu.eflags
    lines.suspend()
    meanwhile = lines.all
    lines.begin(title, room.start, end, (cpu.segments[CS].selector, cpu.eip), is_told=False)
    cpu.eip = session.eip_of(room.start)
    session.changed_by_host()
    for value in session.runner.go():
        if isinstance(value, Step):
            yield value
        elif isinstance(value, Ran) and (value.stopped is not Stopped.RETIRED or lines.all != meanwhile):
            yield value
            return None
    lines.resume()
    cpu.eflags = eflags  # the first instruction has cleared RF
    session.changed_by_host()
    yield from kernel_log.untold(session)
    value = peeking.read(session.machine, result, 4)
    return value - (value >> 31 << 32)


def _program(start: int, number: int, arguments: tuple[int | bytes, ...], keeps_cr2: bool) -> tuple[bytes, int, int]:
    """The bytes for address `start`, the end of the instructions, and where the result will lie."""
    from pagefault_lab.assembler import assemble

    loads, data = [], []
    for name, argument in zip(REGISTERS, (number, *arguments), strict=False):
        if isinstance(argument, bytes):
            if len(argument) > ARGUMENT_ROOM:
                raise Problem(f"a text of {len(argument)} bytes is too long for the kernel")
            data.append(f"for_{name}: .byte {','.join(map(str, argument))}")
        loads.append(f"movl ${f'for_{name}' if isinstance(argument, bytes) else argument & 0xFFFFFFFF}, %{name}")
    source = "\n".join((
        _KEEP, _KEEP_CR2 if keeps_cr2 else "", *loads, "int $0x80", "movl %eax, %ss:result",
        _GIVE_BACK_CR2 if keeps_cr2 else "", _GIVE_BACK, "end:",
        ".balign 4", "kept: .space 20", "result: .long 0", *data,
    ))  # fmt: skip
    program = assemble(source + "\n", name="a system call", origin=start)
    return program.image(), program.symbols["end"].value, program.symbols["result"].value
