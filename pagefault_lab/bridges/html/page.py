"""Writes the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.lab.frames import meanings
from pagefault_lab.lab.peeking import readable
from pagefault_lab.lab.tables import field_of_tss
from pagefault_lab.machine.delivery import Pushed, Source, StackChosen
from pagefault_lab.machine.events import Access, Kind
from pagefault_lab.machine.registers import ESP, SS
from pagefault_lab.machine.step import REGISTERS, ShutDown, Step, visible
from pagefault_lab.problem import Problem
from pagefault_lab.views.code import coloured
from pagefault_lab.views.delivery import heading
from pagefault_lab.views.lines import CODE, GLUE, NAME, Block, Span
from pagefault_lab.views.story import headline, story

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.story import Story
    from pagefault_lab.machine.machine import Machine

BEGINNING: Final = "<!DOCTYPE html>\n<!-- a trace by pagefault-lab -->\n"
HERE: Final = Path(__file__).parent
UNBROKEN: Final = 1 << 30  # columns
ON_A_STACK: Final = 14  # slots that are shown
AROUND: Final = 3  # instructions shown behind one that was executed, if they were not
BEFORE: Final = 64  # bytes from a symbol, from which on what was not executed is shown
UNKNOWN: Final = -1

Encoded = list[Any]


class PageFile:
    """A page in a file. A Problem if it cannot be written; a file that is there is replaced if it is such a page."""

    def __init__(self, path: Path, session: Session, title: str = "") -> None:
        self.path = path
        self.session = session
        self.steps = Steps(session, title)
        try:
            if path.is_file() and not _may_be_replaced(path):
                raise Problem(f"{path} is there already, and is no page of a trace", "give it another name")
        except (OSError, ValueError) as error:
            raise self._problem(error) from None

    def add(self, told: Story, machine: Machine) -> None:
        self.steps.add(told, machine)

    def write(self, first: int, seen: int, wanted: str) -> int:
        data = page(self.steps.data() | {"first": first, "seen": seen, "wanted": wanted}).encode("utf-8", "replace")
        try:
            self.path.write_bytes(data)
        except (OSError, ValueError) as error:
            raise self._problem(error) from None
        return len(data)

    def _problem(self, error: Exception) -> Problem:
        return Problem(f"{self.path} cannot be written: {getattr(error, 'strerror', None) or error}")


def _may_be_replaced(path: Path) -> bool:
    with path.open("rb") as stream:
        beginning = stream.read(len(BEGINNING))
    return beginning in (b"", BEGINNING.encode())


def page(data: dict[str, Any]) -> str:
    """The whole page for this data."""
    parts = {
        "TITLE": _escaped(data["title"]),
        "STYLE": (HERE / "page.css").read_text("utf-8"),
        "SCRIPT": (HERE / "page.js").read_text("utf-8"),
        "DATA": json.dumps(data, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c"),
    }
    template = (HERE / "page.html").read_text("utf-8")
    return BEGINNING + re.sub(r"\{\{([A-Z]+)\}\}", lambda match: parts[match[1]], template)


def _escaped(text: str) -> str:
    from html import escape

    return escape("".join(character if character.isprintable() else "\ufffd" for character in text))


class Pool:
    """Values that occur often, each kept once; it gives their indices."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._index: dict[Any, int] = {}

    def index(self, key: Any, value: Any = None) -> int:
        """The index of what has this key; the key itself is the value unless another is given."""
        if key not in self._index:
            self._index[key] = len(self.values)
            self.values.append(key if value is None else value)
        return self._index[key]


class Steps:
    """The data of a page, step by step."""

    def __init__(self, session: Session, title: str = "") -> None:
        self.session = session
        self.title = title or f"Steps in the world {session.world.name}"
        self.styles, self.rows, self.labels = Pool(), Pool(), Pool()
        self.code: dict[tuple[int, bytes], Encoded] = {}
        self.code_index: dict[tuple[int, bytes], int] = {}
        self.steps: list[Encoded] = []
        self.events: list[Encoded] = []
        self.start: list[int] = []
        self._registers: list[int] = []  # as the page has them behind the last step
        self._memory: dict[int, int] = {}  # the same of the stacks' slots
        self._user_stack = UNKNOWN
        self._user_base = 0
        self.styles.index("")
        self.labels.index("")

    def add(self, told: Story, machine: Machine) -> None:
        """One more step, which this machine has just made."""
        step = told.step
        after = [*visible(machine.cpu)]
        before = list(after)
        for name, old, _ in step.changes:
            before[PLACES[name]] = old
        stacks = self._stacks(step, before, machine)
        after += stacks
        before += stacks if not self.steps else self._registers[-len(stacks) :]
        if not self.steps:
            self.start = list(before)
        given = _differences(self._registers or before, before)
        self._registers = after
        written, seen = self._slots(told, machine, stacks)
        encoded = [
            step.number, self._instruction(told), given, _differences(before, after), seen, written, self._told(told),
        ]  # fmt: skip
        self._note_events(told)
        self.steps.append([part or 0 for part in encoded])

    # --- the instruction, and what is told

    def _instruction(self, told: Story) -> int:
        step = told.step
        data = step.instruction.bytes if step.instruction is not None else b""
        key = step.linear, data
        if key not in self.code_index:
            text, _, symbol = told.text.partition(" <")
            spans = [Span(text, CODE), Span(f" <{symbol}" if symbol else "", NAME)]
            row = self._row([Span(""), *(spans if text else [Span(self._nothing(told), "note")])])
            self.code_index[key] = len(self.code)
            self.code[key] = [step.linear, data.hex(" "), row, self._label(step.linear), 1]
        return self.code_index[key]

    @staticmethod
    def _nothing(told: Story) -> str:
        first = told.step.deliveries[0] if told.step.deliveries else None
        return "(not fetched)" if first is None or first.source is Source.EXCEPTION else "(interrupted before it)"

    def _label(self, linear: int) -> str:
        near = self.session.symbols.nearest(linear)
        return near.name if near is not None and not near.offset else ""

    def _told(self, told: Story) -> list[int]:
        """The rows of the step's story behind its headline."""
        blocks = story(told).blocks
        return list(self._rows(blocks[1:] if headline(told) is not None else blocks))

    def _rows(self, blocks: Iterable[Block]) -> Iterator[int]:
        for block in blocks:
            for row in block.rows(UNBROKEN, False):
                yield self._row(row)

    def _row(self, spans: list[Span]) -> int:
        indent = 0
        if spans and not spans[0].text.strip(" "):
            indent, spans = len(spans[0].text), spans[1:]
        found: Encoded = [indent]
        for text, style, _ in spans:
            for piece, named in coloured(text.replace(GLUE, " ")) if style == CODE else ((text, style),):
                place = self.styles.index(named)
                if len(found) > 1 and found[-2] == place:
                    found[-1] += piece
                elif piece:
                    found += [place, piece]
        return self.rows.index(tuple(found))

    def _note_events(self, told: Story) -> None:
        step = told.step
        for delivery in step.deliveries:
            kind = "fault" if delivery.source is Source.EXCEPTION else "interrupt"
            text = "".join(span.text for span in heading(delivery, told.names).spans)
            self.events.append([len(self.steps), kind, text.replace(GLUE, " ")])
        if isinstance(step.end, ShutDown) and self.events:
            self.events.append([len(self.steps), "shutdown", "the processor shuts down"])

    # --- the stacks

    def _stacks(self, step: Step, before: list[int], machine: Machine) -> list[int]:
        """The linear addresses of the tops of the user's stack and of the kernel's, and of where that one begins."""
        cpu = machine.cpu
        top = cpu.segments[SS].base + cpu.registers[ESP] & 0xFFFFFFFF
        inner = field_of_tss(machine, "esp0")
        bottom = UNKNOWN if inner is None else inner  # the kernel's stack segment is flat
        if cpu.cpl == 3:
            self._user_stack, self._user_base = top, cpu.segments[SS].base
            return [top, bottom, bottom]
        if step.cpl == 3:
            chosen = [found for each in step.deliveries if (found := each.stage(StackChosen)) is not None]
            esp = chosen[0].old_esp if chosen else before[PLACES["esp"]]
            self._user_stack = self._user_base + esp & 0xFFFFFFFF
        return [self._user_stack, top, bottom]

    def _slots(self, told: Story, machine: Machine, stacks: list[int]) -> tuple[list[int], list[int]]:
        """What the step wrote on the stacks, and what else of them the page does not know yet."""
        names = {linear & ~3: meaning for linear, meaning in meanings(told.step)}
        changed: set[int] = set()
        for event in told.step.all_events():
            match event:
                case Pushed(name, linear):
                    names[linear & ~3] = name
                case Access(kind=Kind.WRITE, linear=linear, size=size):
                    changed.update(range(linear & ~3, linear + size, 4))
        written: list[int] = []
        seen: list[int] = []
        for address, found in _slots_of(machine, stacks):
            known = self._memory.get(address)
            self._memory[address] = found
            if address in changed:
                written += [address, found, self._meaning(names.get(address, ""), found, told)]
            elif found != known:
                seen += [address, found]
        return written, seen

    def _meaning(self, meaning: str, value: int, told: Story) -> int:
        symbol = told.names.get(value, "")
        return self.labels.index(f"{meaning} <{symbol}>".strip() if symbol else meaning)

    # --- all of it

    def data(self) -> dict[str, Any]:
        """What the page is given."""
        session = self.session
        return {
            "title": self.title,
            "world": session.world.name,
            "source": sorted({(line.address, line.text) for line in session.code.program}),
            "registers": [*REGISTERS, "user", "kernel", "bottom"],
            "start": self.start,
            "code": [*self.code.values(), *self._neighbours()],
            "styles": [style.replace(".", "-") for style in self.styles.values],
            "rows": self.rows.values,
            "labels": self.labels.values,
            "steps": self.steps,
            "events": self.events,
        }

    def _neighbours(self) -> Iterator[Encoded]:
        """Instructions beside those that were executed, as far as they lie in memory now."""
        from pagefault_lab.lab.code import disassembly
        from pagefault_lab.lab.formats import Length

        known = {address: len(data) for address, data in self.code if data}
        known |= dict.fromkeys(self.session.code.ends(), 0)  # behind what was typed nothing is shown
        ends = {address + length for address, length in known.items()}
        for address in sorted(known.keys() - ends):
            near = self.session.symbols.nearest(address)
            if near is not None and 0 < near.offset <= BEFORE:
                yield from self._shown(
                    disassembly(self.session, address - near.offset, Length(near.offset, True)), known
                )
        for address in sorted(ends - known.keys()):
            yield from self._shown(disassembly(self.session, address, None, AROUND), known)

    def _shown(self, found: Any, known: dict[int, int]) -> Iterator[Encoded]:
        for line in found.lines:
            if line.address in known:
                return
            known[line.address] = len(line.bytes)
            row = self._row([Span(""), Span(line.text, CODE), Span(f" <{line.symbol}>" if line.symbol else "", NAME)])
            yield [line.address, line.bytes.hex(" "), row, line.label, 0]


PLACES: Final = {name: place for place, name in enumerate(REGISTERS)}


def _differences(before: list[int], after: list[int]) -> list[int]:
    """Place and new value, one behind the other, of what differs."""
    found: list[int] = []
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            found += [place, new]
    return found


def _slots_of(machine: Machine, stacks: list[int]) -> Iterator[tuple[int, int]]:
    """Address and value of the slots that are shown of the stacks: of the kernel's, those up to where it begins."""
    user, kernel, bottom = stacks
    for top, end in ((user, UNKNOWN), (kernel, bottom)):
        if top == UNKNOWN:
            continue
        start = top & ~3
        size = min(4 * ON_A_STACK, end - start if top <= end else 4 * ON_A_STACK)
        data, _ = readable(machine, start, size)
        for place in range(0, size, 4):
            slot = data[place : place + 4]
            yield start + place & 0xFFFFFFFF, int.from_bytes(slot, "little") if len(slot) == 4 else UNKNOWN
