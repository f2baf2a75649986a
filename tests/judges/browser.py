"""Chromium without a window, as the judge of pages: driven over a pipe by its own protocol (Chrome DevTools)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
SECONDS = 60
WITH_PIPES = """
import os, sys
os.dup2(int(sys.argv[1]), 3)  # where it reads what is called, and 4 where it answers
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "PageUp": 33, "PageDown": 34, "Tab": 9, "Enter": 13}


def program() -> str | None:
    """The browser; None if there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One page of one browser. `complaints` are the errors that it has told, `requests` the addresses it has asked."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    # --- what a user does

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file, and wait until it is loaded."""
        self._events.clear()
        self.call("Page.navigate", url="about:blank")
        self._wait("Page.loadEventFired")
        self._events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        self._wait("Page.loadEventFired")

    def look(self, width: int, height: int, dark: bool = False) -> None:
        """Use a window of this size, with that preference."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key and let it go."""
        known = {"key": key, "modifiers": 8 if shift else 0}
        if key in KEYS:
            known["windowsVirtualKeyCode"] = KEYS[key]
        else:
            known["text"] = key
        if key == "Enter":
            known["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **known)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{name: known[name] for name in known if name != "text"})

    def click(self, selector: str) -> None:
        """Click into the middle of an element."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{element}.scrollIntoView({{block: 'center'}})")
        middle = "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        x, y = self.ask(f"{middle}({element}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    # --- what a user sees

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + SECONDS
        while not self.ask(f"!!({expression})"):
            assert time.monotonic() < end, expression
            time.sleep(0.01)

    def text(self, selector: str) -> str:
        """What is to be read in an element."""
        found: str = self.ask(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    def picture(self, path: Path) -> None:
        """What the window shows, as a PNG file."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    @property
    def complaints(self) -> list[str]:
        """Errors that were told since the page was opened."""
        self.ask("0")
        wrong = ("Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self._events if event["method"] in wrong]

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened."""
        self.ask("0")
        wanted = (event for event in self._events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in wanted]

    # --- the protocol

    def call(self, method: str, **parameters: Any) -> Any:
        """Let the browser do something, and wait until it has."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            if "method" in answer:
                self._events.append(answer)

    def _wait(self, event: str) -> None:
        while not any(each["method"] == event for each in self._events):
            answer = self._read()
            if "method" in answer:
                self._events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._reads, 1 << 20)
            assert piece, "the browser has ended"
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """A browser that keeps its own files in this folder."""
    found = program()
    assert found is not None
    its_reads, writes = os.pipe()
    reads, its_writes = os.pipe()
    command = [
        found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
        f"--user-data-dir={folder}",
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", WITH_PIPES, str(its_reads), str(its_writes), *command],
        pass_fds=(its_reads, its_writes),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(its_reads)
        os.close(its_writes)
        try:
            yield Browser(reads, writes)
        finally:
            os.close(writes)
            os.close(reads)
            process.terminate()
            end = time.monotonic() + SECONDS
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.05)
            process.kill()
