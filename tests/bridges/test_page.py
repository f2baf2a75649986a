"""The page of a trace: its data gives every state that the machine was in, and its file nothing that it should not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pages import PROGRAM, data_of, page_of, session_of

from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.registers import ESP
from pagefault_lab.machine.step import REGISTERS, visible
from pagefault_lab.problem import Problem
from pagefault_lab.views.story import story

NUMBER, CODE, GIVEN, CHANGES, SEEN, WRITTEN, ROWS = range(7)


class Reader:
    """Reads the data as page.js does: from step to step."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.registers = list(data["start"])
        self.memory: dict[int, int] = {}
        self.labels: dict[int, str] = {}

    def make(self, step: list[Any]) -> None:
        for changed in (step[GIVEN] or [], step[CHANGES] or []):
            for place, value in zip(changed[::2], changed[1::2], strict=True):
                self.registers[place] = value
        for address, value in zip((step[SEEN] or [])[::2], (step[SEEN] or [])[1::2], strict=True):
            self.memory[address] = value
        written = step[WRITTEN] or []
        for address, value, label in zip(written[::3], written[1::3], written[2::3], strict=True):
            self.memory[address] = value
            self.labels[address] = self.data["labels"][label]

    def told(self, step: list[Any]) -> list[str]:
        rows = (self.data["rows"][index] for index in step[ROWS] or [])
        return ["".join(row[2::2]).replace("\u00a0", " ") for row in rows]


def stepped(session: Session, lines: tuple[str, ...]) -> list[tuple[tuple[int, ...], int, int | None, Story]]:
    """Registers, the stack's top and what lies there behind each step that `si` makes, and its story."""
    found = []
    for line in lines:
        for value in session.execute(line):
            if isinstance(value, Story):
                cpu = session.machine.cpu
                top = cpu.registers[ESP]
                found.append((visible(cpu), top, cpu.peek(top & ~3, 4), value))
    return found


def test_the_data_gives_the_registers_and_the_stack_behind_every_step(tmp_path: Path) -> None:
    session = session_of(*PROGRAM[:-1])
    # lines of the host between the steps: a register, an interrupt, and memory that it writes
    told = stepped(session, ("si",) * 30)
    for line in ("set $edi = 77", "poke $esp 5", "irq 0"):
        list(session.execute(line))
    told += stepped(session, ("si",) * 80)
    data = page_of(session, tmp_path / "page.html")
    assert [step[NUMBER] for step in data["steps"]] == list(range(session.machine.steps))
    assert data["registers"][: len(REGISTERS)] == list(REGISTERS)
    reader = Reader(data)
    for step, (registers, top, value, story_told) in zip(data["steps"], told, strict=True):
        reader.make(step)
        assert tuple(reader.registers[: len(REGISTERS)]) == registers, step
        assert reader.registers[-3:][registers[REGISTERS.index("cpl")] == 0] == top
        bottom = reader.registers[-1]
        if top != bottom:
            assert reader.memory[top & ~3] == (-1 if value is None else value), step
        assert data["code"][step[CODE]][0] == story_told.step.linear


def test_what_is_told_of_a_step_is_what_the_terminal_tells(tmp_path: Path) -> None:
    session = session_of(*PROGRAM[:-1])
    told = [each for *_, each in stepped(session, ("si",) * 60)]
    data = page_of(session, tmp_path / "page.html")
    reader = Reader(data)
    for step, one in zip(data["steps"], told, strict=True):
        shown = story(one).text(1 << 30).splitlines()
        assert [row.strip() for row in shown[1:]] == [row.strip() for row in reader.told(step)]


def test_what_was_pushed_says_what_it_is(tmp_path: Path) -> None:
    data = page_of(session_of(*PROGRAM), tmp_path / "page.html")
    reader = Reader(data)
    for step in data["steps"]:
        reader.make(step)
        if step[NUMBER] == data["steps"][data["events"][-1][0]][NUMBER]:
            break
    frame = [reader.labels[address] for address in sorted(reader.labels) if address > 0xC0000000][-6:]
    assert frame[0] == "error code"
    assert re.fullmatch(r"EIP <\w+\+\d+>", frame[1])
    assert frame[2:] == ["CS", "EFLAGS", "ESP", "SS"]
    assert {"ebp", "return EIP"} <= {label.partition(" <")[0] for label in data["labels"]}


def test_faults_and_interrupts_are_listed(tmp_path: Path) -> None:
    data = page_of(session_of(*PROGRAM), tmp_path / "page.html")
    assert [(kind, text.split()[0]) for _, kind, text in data["events"]] == [
        ("interrupt", "interrupt"),
        ("fault", "#PF"),
    ]
    for place, *_ in data["events"]:
        assert data["steps"][place][ROWS]


def test_the_source_and_the_code_around_what_was_executed_are_there(tmp_path: Path) -> None:
    data = page_of(session_of(*PROGRAM), tmp_path / "page.html")
    assert [text for _, text in data["source"]] == list(PROGRAM[1:-2])
    executed = {"".join(data["rows"][row][2::2]) for _, _, row, _, executed in data["code"] if executed}
    assert {"pushl %eax", "ret", "int $0x80"} <= executed
    assert not all(executed for *_, executed in data["code"])  # what a jump has passed over is there too
    addresses = [code[0] for code in data["code"]]
    assert len(addresses) == len(set(addresses))


def test_a_page_has_the_last_steps_and_says_so(tmp_path: Path) -> None:
    session = session_of(*PROGRAM)
    made = session.machine.steps
    data = page_of(session, tmp_path / "page.html", "last 40")
    assert [step[NUMBER] for step in data["steps"]] == list(range(made - 40, made))
    assert (data["first"], data["seen"], data["wanted"]) == (made - 40, 40, "")


def test_a_page_has_the_steps_that_are_wanted_with_all_that_came_between(tmp_path: Path) -> None:
    session = session_of(*PROGRAM)
    whole = page_of(session, tmp_path / "page.html")
    data = page_of(session, tmp_path / "page.html", "ring 3")
    assert data["wanted"] == "ring 3"
    all_steps, reader = Reader(whole), Reader(data)
    behind = {}
    for step in whole["steps"]:
        all_steps.make(step)
        behind[step[NUMBER]] = list(all_steps.registers)
    assert 10 < len(data["steps"]) < len(whole["steps"])
    for step in data["steps"]:
        reader.make(step)
        assert reader.registers == behind[step[NUMBER]]


def test_a_page_has_no_steps_of_what_lies_ahead(tmp_path: Path) -> None:
    session = session_of(*PROGRAM, "reverse-stepi 100")
    data = page_of(session, tmp_path / "page.html")
    assert data["steps"][-1][NUMBER] == session.machine.steps - 1
    assert session.history.present == session.machine.steps + 100


HOSTILE = '</script><script>document.title="hacked"</script><img src=x onerror=alert(1)><!--'


def test_names_in_a_page_are_never_markup(tmp_path: Path) -> None:
    folder = tmp_path / "<b>&amp;"
    folder.mkdir()
    path = folder / "page.html"
    session = session_of("asm", f"nop # {HOSTILE}", "nop /* <!--<script> */", "end", "run")
    session.symbols.define(HOSTILE, session.code.start or 0)
    data = page_of(session, path)
    assert any(HOSTILE in text for _, text in data["source"])
    assert any(label == HOSTILE for *_, label, _ in data["code"])
    text = path.read_text("utf-8")
    assert "hacked" in text
    assert len(re.findall("(?i)<script", text)) == len(re.findall("(?i)</script", text)) == 2
    assert "<img" not in text
    assert "<!--" not in text.removeprefix("<!DOCTYPE html>\n<!--")


def test_a_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    page_of(session_of(*PROGRAM), path)
    text = path.read_text("utf-8")
    assert not re.search(r"https?:|//cdn|@import|url\(|\bsrc=|<link", text)
    assert "default-src 'none'" in text


# --- files


def test_a_page_replaces_a_page_and_nothing_else(tmp_path: Path) -> None:
    session = session_of("nop")
    path, other = tmp_path / "page.html", tmp_path / "mine.html"
    page_of(session, path)
    assert len(page_of(session, path)["steps"]) == 1
    other.write_text("<!DOCTYPE html>\n<p>mine")
    with pytest.raises(Problem, match="is no page of a trace"):
        page_of(session, other)
    assert other.read_text() == "<!DOCTYPE html>\n<p>mine"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("trace html", "the page's file is missing"),
        ("trace html a.html b.html", "one trace has one file"),
        ("trace html missing/page.html", "cannot be written: No such file"),
        ("trace html . ", "cannot be written: Is a directory"),
        ("trace html page.html last 0", "0 is no count"),
        ("trace html page.html ports", "there is no step for a page"),
        ("trace on steps.txt last 5", "`last` is for a page"),
    ],
)
def test_what_makes_no_page_is_said(line: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = session_of("nop")
    with pytest.raises(Problem, match=re.escape(sentence)):
        list(session.execute(line))
    assert not list(tmp_path.iterdir())


def test_a_session_without_steps_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no step for a page"):
        page_of(session_of(), tmp_path / "page.html")


def test_ctrl_c_ends_the_writing_of_a_page(tmp_path: Path) -> None:
    session = session_of(*PROGRAM)
    path = tmp_path / "page.html"
    writing = session.execute(f"trace html {path}")
    add = session.trace.open_page

    def open_page(path: Path, session: Session) -> Any:
        session.interrupt()
        return add(path, session)

    session.trace.open_page = open_page
    with pytest.raises(Problem, match="the page is not written"):
        list(writing)
    assert not path.exists()


def test_the_page_of_another_session_with_the_same_lines_is_the_same(tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        page_of(session_of(*PROGRAM), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert data_of(tmp_path / "one.html")["world"] == "linux"
