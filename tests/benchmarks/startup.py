"""How soon the lab is there, measured beside gdb: `python tests/benchmarks/startup.py [ROUNDS]`.

Both run in a pseudo-terminal, by turns, so that a busy machine slows both. The moments: the title, the whole first
screen, the prompt; a key that was pressed then is shown; the editor of lines has taken over; a line that was typed at
the first prompt is answered. What is printed are medians, and their ratios to gdb's prompt. Run it with the Python that
the lab is installed for.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from fcntl import ioctl
from statistics import median

LAB = [sys.executable, "-m", "pagefault_lab"]
INSTALLED = os.path.join(os.path.dirname(sys.executable), "pagefault-lab")
LIMIT = 30  # seconds
ASKS_CURSOR, CURSOR = b"\x1b[6n", b"\x1b[1;1R"


class Program:
    """A program in a pseudo-terminal of 80x24, and when it showed what."""

    def __init__(self, argv: list[str]) -> None:
        self.seen = b""
        self.pressed = 0  # how much was seen when a key was pressed last
        self.start = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm"})
        ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def until(self, text: bytes, answer: bool = False) -> float:
        """Seconds since the start at which `text` was there, behind the last key if it is an answer to that."""
        while text not in self.seen[self.pressed if answer else 0 :]:
            if not select.select([self.terminal], [], [], LIMIT)[0]:
                raise SystemExit(f"{text!r} never came: {self.seen!r}")
            data = os.read(self.terminal, 1 << 16)
            if ASKS_CURSOR in data:
                os.write(self.terminal, CURSOR)
            self.seen += data
        return time.perf_counter() - self.start

    def press(self, keys: bytes) -> None:
        self.pressed = len(self.seen)
        os.write(self.terminal, keys)

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def lab() -> dict[str, float]:
    program = Program([INSTALLED] if os.path.exists(INSTALLED) else LAB)
    times = {"title": program.until(b"pagefault-lab"), "first screen": program.until(b"Ctrl-D")}
    times["prompt"] = program.until(b"cpl")
    program.press(b"z")
    times["key accepted"] = program.until(b"z", answer=True)
    times["editor"] = program.until(b"\x1b[?2004h")
    program.end()
    program = Program([INSTALLED] if os.path.exists(INSTALLED) else LAB)
    program.until(b"cpl")
    program.press(b"p 40 + 2\r")
    times["line answered"] = program.until(b"42", answer=True)
    program.end()
    return times


def gdb(*options: str) -> float:
    program = Program(["gdb", *options])
    shown = program.until(b"(gdb) ")
    program.end()
    return shown


def command(*arguments: str) -> float:
    start = time.perf_counter()
    program = Program([INSTALLED, *arguments] if os.path.exists(INSTALLED) else [*LAB, *arguments])
    while True:
        try:
            if not os.read(program.terminal, 1 << 16):
                break
        except OSError:
            break
    os.waitpid(program.pid, 0)
    os.close(program.terminal)
    return time.perf_counter() - start


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    lab()  # the first start boots the world, and fills its cache
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        found.setdefault("gdb -q", []).append(gdb("-q"))
        found.setdefault("gdb", []).append(gdb())
        for moment, seconds in lab().items():
            found.setdefault(moment, []).append(seconds)
        found.setdefault("--version", []).append(command("--version"))
        found.setdefault("--help", []).append(command("--help"))
    base = median(found["gdb"])
    print(f"{'':<14}{'ms':>6}{'/ gdb':>8}   (medians of {rounds} rounds)")
    for name, times in found.items():
        print(f"{name:<14}{median(times) * 1000:6.0f}{median(times) / base:8.2f}")


if __name__ == "__main__":
    main()
