"""The first screen: what this is, where we stand, what to try, how to get help and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab import __version__

if TYPE_CHECKING:
    from pagefault_lab.terminal.opening import Glimpse

TITLE = f"pagefault-lab {__version__}: page faults on a simulated i386, one instruction at a time"

TO_TRY = {
    "linux": (
        ("movl %eax,(%ebx)", "a write of the user's task, and what becomes of it"),
        ("walk $esp", "how the page of the user's stack is found"),
        ("kernel", "enter the kernel through a gate; user leads back"),
    ),
    "bare": (
        ("movl $0x1000,%eax", "an instruction, executed at once"),
        ("info registers", "the whole processor"),
        ("int $3", "a trap where there is no IDT yet"),
    ),
}
TOUR = "new here? pagefault-lab tour, typed in the shell, shows the way line by line"
HELP = "help lists the commands, back takes the last line back, quit or Ctrl-D leaves"


def banner(glimpse: Glimpse) -> str:
    """The lines under the title, ASCII and at most 80 columns wide."""
    lines = [
        "",
        f"  {glimpse.world}: {glimpse.description}",
        f"  CPL {glimpse.ring}, eip {glimpse.eip:#010x}, esp {glimpse.esp:#010x}, cr3 {glimpse.cr3:#010x}",
        "",
    ]
    for word, meaning in TO_TRY.get(glimpse.world, ()):
        lines.append(f"  {word:<18} {meaning}")
    return "\n".join([*lines, "", f"  {TOUR}", f"  {HELP}", ""])
