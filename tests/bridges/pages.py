"""Pages for tests: a session whose steps go into one, and the data that is in its file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pagefault_lab.lab.session import Session
from pagefault_lab.terminal.loop import trace_page

# a program for the world `linux` at CPL 3: a loop, a system call, a fault that the kernel repairs
PROGRAM = (
    "asm", "_start: movl $3,%ecx", "again: loop again", "movl $20,%eax", "int $0x80", "pushl %ebp", "call sub",
    "andl $0xfffff000,%esp", "pushl %eax", "jmp 2f", "sub: ret", "2: nop", "end", "run",
)  # fmt: skip


def session_of(*lines: str) -> Session:
    """A session of the world `linux` that can write pages, and has executed these lines."""
    session = Session("linux")
    session.trace.open_page = trace_page
    for line in lines:
        for _ in session.execute(line):
            pass
    return session


def page_of(session: Session, path: Path, words: str = "") -> dict[str, Any]:
    """The data of the page that `trace html` writes."""
    (written,) = session.execute(f'trace html "{path}" {words}')
    assert written.size == path.stat().st_size
    return data_of(path)


def data_of(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data
