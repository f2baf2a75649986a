from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import TraceWord
from pagefault_lab.lab.tracing import MOST_ON_A_PAGE
from pagefault_lab.lab.wanted import ALL, KINDS, Wanted
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("trace", group="looking")
def trace(session: Session, switch: Literal["on", "off", "html"] | None = None, *words: TraceWord) -> Iterator[object]:
    """Tell every step that the machine makes from now on, one line each, whatever lets it go on: typed lines, si, c.

      trace on              on the screen, but for steps that are told in full
      trace on steps.txt    into a file, which begins anew
      trace on steps.jsonl  one JSON object a step, with all that happened in it
      trace off
      trace                 whether it is on

    Only some steps are wanted where words say which; they may also come later, to a trace that is on:

      trace faults interrupts    what delivered one of these
      trace on steps.txt ring 3  what began at CPL 3
      trace range do_fork +64    what lies there
      trace writes touching $esp-4 +4
      trace on                   all of them again

    Kinds are faults, interrupts, rings (CPL changed), walks, ports, loads (of CR0, CR3, CR4, GDTR, IDTR, LDTR, TR),
    reads and writes; one of those named suffices. All of ring, range, touching and kinds must fit.

      trace html page.html       a page for a browser, with the last 10,000 steps
      trace html page.html last 50000 ring 3

    `back` writes no line; what is executed after it is traced as any other step. Runs are slow meanwhile, some ten
    thousand steps a second instead of millions, unless kinds are named, and reads, writes and walks are not among them.
    """
    session.only_shows()
    files = [word for word in words if isinstance(word, Path)]
    counts = [word for word in words if isinstance(word, int)]
    wanted = ALL
    for word in words:
        if isinstance(word, Wanted):
            wanted = wanted.also(word)
    file = files[0] if files else None
    if len(files) > 1:
        hint = closest(str(files[1]), KINDS) or f"trace {switch or 'on'} {file}"
        raise Problem(f"{files[1]}: one trace has one file", hint)
    if file is not None and switch in (None, "off"):
        raise Problem(f"{file}: a file belongs to `trace on`", closest(str(file), KINDS) or f"trace on {file}")
    if counts and switch != "html":
        raise Problem("`last` is for a page", "trace html page.html last 50000")
    if switch == "html":
        if file is None:
            raise Problem("the page's file is missing", "trace html page.html")
        session.note_line("")
        yield session.trace.write_page(file, wanted, counts[-1] if counts else MOST_ON_A_PAGE)
        return
    if switch == "on":
        session.trace.start(file, wanted)
    elif switch == "off":
        session.trace.stop()
    elif wanted:
        session.trace.want(wanted)
    yield session.trace.state
