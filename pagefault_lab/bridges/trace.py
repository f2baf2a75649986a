"""Traces for files and pipes: a step after the other, as text or as JSON Lines.

Text is what a screen shows of a trace (views/traced.py), never broken: a line that begins with an address is a step,
the indented ones below it tell what it led into.

JSON Lines begin with a line that tells what follows. Where a trace goes on with other steps wanted, there is another:

    kind         "trace"
    version      of this form: 1. A reader that finds a number which it does not know cannot rely on the rest
    world        in which the session was
    kinds rings ranges touched   which steps are wanted (lab/wanted.py); an empty list wants all

Each further line is one object a step, the same as `pagefault-lab run --json` prints for a step that is told. Numbers
are integers, addresses too; a key that has nothing to say is null. trace.schema.json, which `pagefault-lab trace
--schema` prints, says all of it for programs; version 1 will not lose a key, nor get another.

    kind         "step"
    number       how many steps the machine had made before
    cs eip cpl   with which it began; `linear` is the address of its instruction
    text         the instruction as the disassembler writes it, "" if none was fetched
    instruction  its bytes (hexadecimal), mnemonic, operands, prefixes
    changes      the registers that differ: {register, before, after}
    end          retired, interrupted (an exception or an interrupt entered its handler), shut_down
    fault        what was delivered first: vector, error (its code), words, linear (CR2)
    events       all that happened, in order, each with its kind:
      check           a rule of the manual: rule, holds, numbers, and the fault that it would raise
      segment_access  segment:offset to linear by base and limit; `rule` is the one that failed, or ""
      page_walk       lookups (level, index, address, entry), the rules that were judged on them (text, level, bit,
                      holds), and its end: mapped, or the fault
      tlb_hit         a translation that the TLB had, with its rights
      access          reason (fetch, operand, stack, table), access (read, write, fetch), linear, physical, size,
                      value, before (what a write replaced)
      port_access     port, size, access, value
      delivery        one attempt to enter a handler: source, fault, saved_eip, failed, becomes, and events of its own:
                      those above and its stages gate_read, code_chosen, stack_chosen, pushed, entered
    names        [address, symbol] for the addresses that occur
    stale        [address, page_walk] where the TLB allowed what the tables, which were not read, refuse
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.lab.tracing import Traced
from pagefault_lab.problem import Problem
from pagefault_lab.views.traced import traced

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.story import Story
    from pagefault_lab.lab.wanted import Wanted

VERSION: Final = 1  # of the lines' form: one more with each change that a reader must know of
JSON_NAMES: Final = (".jsonl", ".json")
BEGINNING: Final = rb'0x[0-9a-f]{8}  |\{"kind": "'  # of a trace
UNBROKEN: Final = 1 << 30  # columns


class TraceWriter:
    """Writes steps to a stream; a Sink."""

    def __init__(self, stream: TextIO, as_json: bool) -> None:
        self.stream = stream
        self.as_json = as_json

    def begin(self, session: Session, wanted: Wanted) -> None:
        if self.as_json:
            self.stream.write(f"{json.dumps(heading(session, wanted))}\n")

    def write(self, told: Story) -> None:
        self.stream.write(f"{json.dumps(to_json(told)) if self.as_json else traced(Traced(told)).text(UNBROKEN)}\n")

    def close(self) -> None:
        self.stream.flush()


def heading(session: Session, wanted: Wanted) -> dict[str, object]:
    """The first line of a trace, as JSON."""
    return {
        "kind": "trace",
        "version": VERSION,
        "world": session.world.name,
        "kinds": sorted(wanted.kinds),
        "rings": sorted(wanted.rings),
        "ranges": [list(each) for each in wanted.ranges],
        "touched": [list(each) for each in wanted.touched],
    }


def schema() -> str:
    """The JSON Schema (draft 2020-12) of each line of a trace."""
    return (Path(__file__).parent / "trace.schema.json").read_text("utf-8")


class TraceFile(TraceWriter):
    """A trace in a file of its own, as JSON Lines if its name says so. A Problem if it cannot be written.

    Each step is in the file when `write` returns. An older trace is replaced; a file that is none, such as the program
    that is traced, is not.
    """

    def __init__(self, path: Path, as_json: bool = False) -> None:
        self.path = path
        try:
            if path.is_file() and not _may_be_replaced(path):
                raise Problem(f"{path} is there already, and is no trace", "give it another name")
            stream = path.open("w", buffering=1, encoding="utf-8", newline="\n")
        except (OSError, ValueError) as error:
            raise self._problem(error) from None
        super().__init__(stream, as_json or path.suffix.lower() in JSON_NAMES)

    def begin(self, session: Session, wanted: Wanted) -> None:
        with self._told():
            super().begin(session, wanted)

    def write(self, told: Story) -> None:
        with self._told():
            super().write(told)

    def close(self) -> None:
        with suppress(OSError):  # a line that could not be written has been told
            self.stream.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._problem(error) from None

    def _problem(self, error: Exception) -> Problem:
        return Problem(f"{self.path} cannot be written: {getattr(error, 'strerror', None) or error}")


def _may_be_replaced(path: Path) -> bool:
    """Whether a file is a trace, or empty."""
    with path.open("rb") as stream:
        beginning = stream.read(16)
    return not beginning or re.match(BEGINNING, beginning) is not None
