"""Someone at a terminal that can do nothing but show lines: the program runs there until it ends, or is killed."""

import os
import re
import select
import signal
import sys
import time

from tmux import LIMIT, ROOT

if sys.platform != "win32":
    import pty


class Typist:
    """Someone at a terminal that cannot edit lines, and what they have seen."""

    def __init__(self, *arguments: str, term: str = "dumb") -> None:
        self.seen = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            variables = {**os.environ, "TERM": term, "PYTHONPATH": str(ROOT)}
            os.execve(sys.executable, [sys.executable, "-m", "pagefault_lab", *arguments], variables)

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def look(self, seconds: float) -> bool:
        """See what is shown within a time; False if the program has closed the terminal."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                try:
                    data = os.read(self.terminal, 1 << 16)
                except OSError:  # Linux says so
                    return False
                if not data:
                    return False
                self.seen += data
        return True

    def wait(self, pattern: str, count: int = 1) -> str:
        """What was seen as soon as it holds the pattern so often."""
        end = time.monotonic() + LIMIT
        while len(re.findall(pattern, text := self.seen.decode("utf-8", "replace"), re.MULTILINE)) < count:
            assert time.monotonic() < end, f"{pattern!r} did not come:\n{text}"
            self.look(0.02)
        return text

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.end()

    def end(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        while self.look(0.02):
            pass
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
