"""A terminal to look at: the program runs in tmux, on a screen of 80x24."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent.parent
LIMIT = 60.0  # seconds to wait for a screen: the machine may be busy
PROMPT = r"^cpl[0-3][^>\n]*> ?"
TOOLBAR = r"^ CPL [0-3]  eip "


class Terminal:
    """A screen of 80x24 in tmux, on which the program runs."""

    def __init__(self, *arguments: str, width: int = 80, height: int = 24, **environment: str) -> None:
        self.folder = TemporaryDirectory()  # a server of its own: one takes a while to end
        variables = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        command = [sys.executable, "-m", "pagefault_lab", *arguments]
        self.tmux(
            "-f", os.devnull, "new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(ROOT),
            "-e", f"PYTHONPATH={ROOT}", *variables, *command,
        )  # fmt: skip
        self.tmux("set-option", "remain-on-exit", "on")

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", f"{self.folder.name}/socket", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self) -> str:
        """What is to be seen, without the spaces at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.tmux("capture-pane", "-p").splitlines()).rstrip()

    def everything(self) -> str:
        """The screen and what has scrolled off it."""
        return self.tmux("capture-pane", "-p", "-S", "-")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: `Enter`, `Tab`, `C-c`."""
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)

    def enter(self, line: str) -> None:
        self.type(line)
        self.press("Enter")

    def wait(self, pattern: str) -> str:
        """The screen as soon as it holds the pattern."""
        end = time.monotonic() + LIMIT
        while not re.search(pattern, screen := self.screen(), re.MULTILINE):
            assert time.monotonic() < end, f"{pattern!r} did not come:\n{screen}"
            time.sleep(0.05)
        return screen

    def press_until(self, pattern: str, key: str) -> None:
        """Press a key, again and again, until the screen holds the pattern."""
        end = time.monotonic() + LIMIT
        while not re.search(pattern, screen := self.screen(), re.MULTILINE):
            assert time.monotonic() < end, f"{pattern!r} did not come:\n{screen}"
            self.press(key)
            time.sleep(0.2)

    def ended(self) -> bool:
        """Whether the program has ended."""
        end = time.monotonic() + LIMIT
        while self.tmux("display-message", "-p", "#{pane_dead}").strip() != "1":
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        self.tmux("kill-server")
        self.folder.cleanup()
