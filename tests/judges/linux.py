"""The Linux that the tests run on as a judge, if it runs programs of an i386: what does a signal handler find?"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path

from judges import gnu

FRAME = 260  # bytes of a signal's frame up to the end of its struct ucontext

# Writes its frame to standard output when a signal comes.
PROGRAM = """\
        .globl _start
_start: movl $174, %eax; movl ${signal}, %ebx; movl $action, %ecx; xorl %edx, %edx; movl $8, %esi; int $0x80
{code}
handler:
        cld
        movl $4, %eax; movl $1, %ebx; movl %esp, %ecx; movl ${frame}, %edx; int $0x80
        movl $1, %eax; xorl %ebx, %ebx; int $0x80
        .section .rodata
constant: .long 5, 6
        .data
action: .long handler, 4, 0, 0, 0
"""


@functools.cache
def is_installed() -> bool:
    if not (sys.platform == "linux" and gnu.is_installed()):
        return False
    try:
        return len(signal_frame(5, "int3")) == FRAME
    except OSError:
        return False


def signal_frame(signal: int, code: str) -> bytes:
    """The frame of the signal that these lines earn. They may use `constant`, two longs that are read-only: 5 and 6."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, unit, program = folder / "program.s", folder / "program.o", folder / "program"
        source.write_text(PROGRAM.format(signal=signal, code=code, frame=FRAME))
        for command in ("as", "--32", "-o", unit, source), ("ld", "-m", "elf_i386", "-o", program, unit):
            subprocess.run([str(word) for word in command], check=True, capture_output=True)
        return subprocess.run([program], check=False, capture_output=True).stdout
