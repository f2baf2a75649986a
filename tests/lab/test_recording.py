"""A recorded session is repeated exactly, whatever has become of files, and wherever Ctrl-C has stopped a line."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from benches import do, everything, only, value
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from test_going_back import BARE_LINES, LINUX_LINES

from pagefault_lab.lab.history import Kind
from pagefault_lab.lab.recording import Abandoned, Line, Recording, Writer, read, replay
from pagefault_lab.lab.results import Ran, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.problem import Problem

TRAVEL = ["back", "back 2", "redo", "goto 0", "goto 3", "reverse-stepi", "reverse-stepi 3", "b 0x1003", "commands",
          "display eax", "x/2xw 0x9000", "x", "set $v = eax + 1", "asm", "end", "jmp ahead", "ahead:", "# nothing", "",
          "1: jmp 1b", "insmod lecture.s", "rmmod lecture"]  # fmt: skip
WRONG = ["nonsense", "movl %exx,%eax", "p 1 +", "goto 999999999", "redo 99", "back 99999", "reverse-stepi 9999999",
         "insmod nothing.s", "load nothing.s", "set eax =", "b nowhere", "delete 77", "irq 99",
         "atmost 5 jmp ahead_of_all", "si 0", "map", "rmmod nothing", "x/3q 0"]  # fmt: skip


def text_of(recording: Recording, ended: bool = False) -> bytes:
    writer = Writer()
    text = writer.head(recording) + b"".join(writer.input(each, recording.contents) for each in recording.inputs)
    return text + (writer.end() if ended else b"")


def again(session: Session) -> Session:
    """The session, brought back from the text of its recording."""
    found = read(text_of(session.recording), "a file")
    assert found.damaged is None
    repeated = Session(found.recording.world)
    for _ in replay(found.recording, repeated):
        pass
    return repeated


def whole(session: Session) -> tuple[Any, ...]:
    """All that a user can tell a session by."""
    history = session.history
    return (
        everything(session), session.world.name, history.lines, history.in_past, history.present,
        [mark.line for mark in history.marks if mark.kind is Kind.LINE],  # where a long run is marked, time decides
        [(each.number, each.address, each.temporary, each.hits) for each in session.breakpoints],
        [(number, each.expression.text, each.letter) for number, each in session.displayed.items()],
        session.examined, session.pending, session.lines, list(session.chronicle.events()), session.recording.inputs,
    )  # fmt: skip


def assert_same(one: Session, other: Session) -> None:
    for ours, theirs in zip(whole(one), whole(other), strict=True):
        assert ours == theirs


def enter(session: Session, line: str) -> Problem | None:
    """What is wrong with the line."""
    try:
        do(session, line)
    except Problem as problem:
        return problem
    return None


# --- the same again


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(BARE_LINES + TRAVEL + WRONG), max_size=14), st.data())
def test_any_session_in_bare_is_repeated_exactly(lines: list[str], data: st.DataObject) -> None:
    repeats_exactly("bare", lines, data)


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(LINUX_LINES + TRAVEL + WRONG), max_size=10), st.data())
def test_any_session_in_linux_is_repeated_exactly(lines: list[str], data: st.DataObject) -> None:
    repeats_exactly("linux", lines, data)


def repeats_exactly(world: str, lines: list[str], data: st.DataObject) -> None:
    """Do the lines, with Ctrl-C at any time; then do them again from the text."""
    session = Session(world)
    for line in lines:
        with ctrl_c(session, data.draw(st.sampled_from([0.0, 0.001, 0.01, 0.05]))), suppress(Problem):
            do(session, line)
        if session.unfinished and data.draw(st.integers(0, 3)) == 0:
            session.abandon()
    assert_same(again(session), session)


@contextmanager
def ctrl_c(session: Session, seconds: float) -> Iterator[None]:
    """The user wants a line to stop that takes longer than this, and presses until it does."""
    over = threading.Event()

    def press() -> None:
        over.wait(seconds)
        while not over.is_set():
            session.interrupt()
            over.wait(0.01)

    pressing = threading.Thread(target=press)
    pressing.start()
    try:
        yield
    finally:
        over.set()
        pressing.join()


def test_what_is_wrong_is_not_in_the_recording(bare: Session) -> None:
    for line in ["nop", *WRONG, "# a comment", "   ", "incl %eax"]:
        enter(bare, line)
    assert [each.text for each in bare.recording.inputs if isinstance(each, Line)] == ["nop", "incl %eax"]


def test_lines_that_only_show_or_write_are_not_done_again(bare: Session, tmp_path: Path) -> None:
    do(bare, "nop", f"save {tmp_path}/lines.lab", "trace", "incl %eax")
    (tmp_path / "lines.lab").unlink()
    repeated = again(bare)
    assert not (tmp_path / "lines.lab").exists()
    assert everything(repeated) == everything(bare)
    assert [each.text for each in bare.recording.inputs if isinstance(each, Line)] == ["nop", "incl %eax"]


# --- unfinished blocks


def test_an_unfinished_block_is_brought_back_unfinished(bare: Session) -> None:
    do(bare, "nop", "asm", "movl $1,%eax", "f: ret")
    repeated = again(bare)
    assert repeated.pending == ["asm", "movl $1,%eax", "f: ret"]
    do(repeated, "end")
    do(bare, "end")
    assert_same(repeated, bare)


def test_a_block_that_was_given_up_is_given_up_again(bare: Session) -> None:
    do(bare, "asm", "movl $1,%eax")
    bare.abandon()
    do(bare, "jmp ahead")
    bare.abandon()
    bare.abandon()  # Ctrl-C where nothing is unfinished
    do(bare, "incl %eax")
    assert sum(isinstance(each, Abandoned) for each in bare.recording.inputs) == 2
    assert_same(again(bare), bare)


# --- Ctrl-C


ENDLESS_MODULE = "init_module: movl $0x5000,%ecx; 1: decl %ecx; jnz 1b; 2: jmp 2b\n"


@pytest.mark.parametrize(
    "lines",
    [("1: jmp 1b",), ("asm", "1: incl %eax", "jmp 1b", "end", "c"), ("jmp ahead", "ahead: jmp ahead"),
     ("insmod endless.s",), ("insmod endless.s", "c"), ("1: jmp 1b", "si 1000000"), ("1: jmp 1b", "kernel"),
     ("asm", "1: incl %eax", "jmp 1b", "end", "until 5"), ("1: jmp 1b", "back", "1: jmp 1b", "reverse-stepi 7")],
)  # fmt: skip
def test_where_ctrl_c_has_stopped_a_line_it_stops_again(
    linux: Session, lines: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("endless.s").write_text(ENDLESS_MODULE)
    for line in lines:
        with ctrl_c(linux, 0.15):
            enter(linux, line)
    assert any(isinstance(each, Line) and each.stop is not None for each in linux.recording.inputs)
    Path("endless.s").unlink()
    repeated = again(linux)
    assert_same(repeated, linux)
    do(repeated, "back")
    do(linux, "back")
    assert_same(repeated, linux)


@pytest.mark.parametrize("line", ["1: jmp 1b", "insmod endless.s"])
def test_a_saved_script_stops_where_ctrl_c_did(
    linux: Session, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("endless.s").write_text(ENDLESS_MODULE)
    with ctrl_c(linux, 0.1):
        do(linux, line)
    do(linux, "jmp ahead # not yet")
    with ctrl_c(linux, 0.1):
        do(linux, "ahead: incl %eax; jmp ahead # here")
    do(linux, "save lines.lab")
    script = Session("bare")
    do(script, *Path("lines.lab").read_text().splitlines())
    assert everything(script)[:4] == everything(linux)[:4]


def test_a_line_that_ctrl_c_came_too_late_for_is_not_stopped(bare: Session) -> None:
    for told in bare.execute("nop"):
        if isinstance(told, Story):
            bare.interrupt()
    (line,) = bare.recording.inputs
    assert line == Line("nop", 1)


def test_atmost_stops_a_line_like_ctrl_c(bare: Session) -> None:
    assert only(Ran, do(bare, "atmost 100 1: jmp 1b")).stopped is Stopped.INTERRUPTED
    assert value(bare, "steps") == 100
    do(bare, "atmost 7 c", "atmost 50 atmost 3 c", "atmost 2 atmost 30 c", "atmost 0 c")
    assert value(bare, "steps") == 112
    do(bare, "atmost 5 incl %eax")  # behind the loop, which is left
    assert value(bare, "eax == 1 && steps == 113")
    assert_same(again(bare), bare)
    with pytest.raises(Problem, match="goes on with the next"):
        do(bare, "atmost 5 jmp ahead")
    assert not bare.unfinished
    with pytest.raises(Problem, match="no number"):
        do(bare, "atmost -1 c")


# --- files


def test_what_files_held_is_kept_and_they_may_change_and_vanish(
    linux: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("main.s").write_text('.include "more.s"\ndata: .incbin "raw.bin"\nmovl $FIVE,%eax\n')
    Path("more.s").write_text("FIVE = 5\n")
    Path("raw.bin").write_bytes(bytes(range(256)))
    Path("blink.s").write_text('.include "constants.s"\n.include "more.s"\ninit_module: movl $FIVE-5,%eax; ret\n')
    do(linux, "load main.s", "c", "insmod blink.s", "load main.s", "insmod lecture.s")
    with pytest.raises(Problem):
        do(linux, "load missing.s")
    for each in tmp_path.iterdir():
        each.unlink()
    Path("more.s").write_text("FIVE = 6\n")
    Path("missing.s").write_text("nop\n")
    assert_same(again(linux), linux)
    sources = [data for data in linux.recording.contents.values() if b"FIVE = 5" in data]
    assert len(sources) == 1  # once, however often it was read


def test_what_a_compiler_made_is_kept_and_none_is_needed(
    linux: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pagefault_lab.worlds.compiler import compile_c

    monkeypatch.chdir(tmp_path)
    Path("blink.c").write_text("int count = 3;\nint init_module(void) { return 0; }\n")
    try:
        compile_c(Path("blink.c"))
    except Problem as problem:
        pytest.skip(str(problem))
    do(linux, "insmod blink.c")
    Path("blink.c").unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert_same(again(linux), linux)


def test_nothing_is_written_again(bare: Session, tmp_path: Path) -> None:
    """Also where the line that writes does more, as a breakpoint's commands may."""
    kept = tmp_path / "kept"
    bare.files.begin_line([])
    bare.files.write(kept, "text")
    assert not kept.exists()
    bare.files.begin_line()
    bare.files.write(kept, "text")
    assert kept.read_text() == "text"


# --- the text


def session_with_all() -> Session:
    session = Session("linux")
    do(session, "movl $1,%eax", "insmod lecture.s", "asm")
    session.abandon()
    do(session, "atmost 9 1: jmp 1b", "p 'é'", "asm", "nop")
    return session


ALL = session_with_all().recording
TEXT = text_of(ALL, ended=True)


def test_a_recording_is_read_as_it_was_written() -> None:
    found = read(TEXT, "a file")
    assert (found.ended, found.damaged) == (True, None)
    assert found.recording.inputs == ALL.inputs
    assert found.recording.contents == ALL.contents
    assert (found.recording.world, found.recording.lines) == ("linux", 7)
    assert text_of(found.recording, ended=True) == TEXT


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(TEXT) - 1))
@example(0)
@example(1)
def test_a_torn_recording_is_what_was_finished(length: int) -> None:
    is_a_beginning(TEXT[:length], damaged=False)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
def test_a_changed_byte_ends_what_can_be_read_and_changes_nothing(place: int, change: int) -> None:
    assume(not (TEXT[place : place + 1] + bytes((TEXT[place] ^ change,))).isspace())  # JSON is the same with either
    is_a_beginning(TEXT[:place] + bytes((TEXT[place] ^ change,)) + TEXT[place + 1 :], damaged=True)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_lines_that_are_missing_or_exchanged_are_noticed(data: st.DataObject) -> None:
    lines = TEXT.splitlines(keepends=True)
    first, second = (data.draw(st.integers(1, len(lines) - 1)) for _ in "12")
    lines[first], lines[second] = lines[second], lines[first]
    if data.draw(st.booleans()):
        del lines[first]
    is_a_beginning(b"".join(lines), damaged=True)


def is_a_beginning(text: bytes, damaged: bool) -> None:
    """What can be read of it is a beginning of the whole, and where it is not all, that is said."""
    if b"\n" not in text or (damaged and text.split(b"\n")[0] != TEXT.split(b"\n")[0]):
        with pytest.raises(Problem, match="a file is no recorded session"):
            read(text, "a file")
        return
    found = read(text, "a file")
    inputs = found.recording.inputs
    assert inputs == ALL.inputs[: len(inputs)]
    if damaged and text != TEXT and text.endswith(b"\n"):
        assert found.damaged is not None or len(inputs) == len(ALL.inputs)
    if not damaged:
        assert found.damaged is None


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\n")
@example(b"[]\n")
@example(b"5\n")
@example(b"[" * 100_000 + b"\n")
@example(b'{"crc": 1}\n')
def test_what_is_no_recording_is_a_problem(text: bytes) -> None:
    with pytest.raises(Problem, match="a file is no recorded session"):
        read(text, "a file")


@pytest.mark.parametrize(
    "content",
    [{"line": 5, "steps": 1}, {"line": "nop"}, {"line": "nop", "steps": "1"}, {"line": "nop", "steps": 1, "stop": "x"},
     {"line": "nop", "steps": 1, "given": ["unknown"]}, {"line": "nop", "steps": 1, "given": 7}, {"other": 1}, {},
     {"contents": "00", "data": "eJwDAAAAAAE="}, {"contents": "00", "data": "?"}, {"contents": "00", "data": ""},
     {"contents": 5, "data": 6}, {"contents": [], "data": ""}],
)  # fmt: skip
def test_a_recording_of_a_stranger_that_makes_no_sense_ends_there(content: dict[str, Any]) -> None:
    writer = Writer()
    text = writer.head(Recording("bare")) + writer.input(Line("nop", 1), {}) + writer._line(content)
    found = read(text + writer.input(Line("nop", 2), {}), "a file")
    assert found.recording.inputs == [Line("nop", 1)]
    assert found.damaged == 3


def test_another_format_and_another_world_are_refused() -> None:
    writer = Writer()
    text = writer._line({"recording": 99, "version": "9.0", "world": "bare", "digest": ""})
    with pytest.raises(Problem, match=r"pagefault-lab 9\.0 in another format"):
        read(text, "a file")
    session = Session("bare")
    with pytest.raises(Problem, match=r"as it was in pagefault-lab 0\.0\.1") as caught:
        next(replay(Recording("bare", "0.0.1", "another digest", [Line("nop", 1)]), session))
    assert caught.value.line is None
    assert value(session, "steps") == 0


# --- a program that has changed since


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [(Line("nop", 7), "it leads to step 2, and led to step 7"), (Line("nonsense", 1), "neither a command"),
     (Line("load x.s", 1), "reads more files")],
)  # fmt: skip
def test_a_line_that_no_longer_does_what_it_did_is_told_and_those_before_it_stand(wrong: Line, sentence: str) -> None:
    session = Session("bare")
    recording = Recording("bare", inputs=[Line("incl %eax", 1), wrong, Line("nop", 9)])
    with pytest.raises(Problem, match=sentence) as caught:
        list(replay(recording, session))
    assert caught.value.sentence.startswith("line 2 of the session does not do what it did: ")
    assert caught.value.line == 2
    expected = Session("bare")
    do(expected, "incl %eax")
    assert_same(session, expected)


# --- bad input never loses history


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(BARE_LINES + TRAVEL), st.lists(st.sampled_from(WRONG), max_size=2)),
                max_size=12))  # fmt: skip
def test_wrong_lines_leave_no_trace_in_bare(lines: list[tuple[str, list[str]]]) -> None:
    leave_no_trace("bare", lines)


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(LINUX_LINES + TRAVEL), st.lists(st.sampled_from(WRONG), max_size=2)),
                max_size=8))  # fmt: skip
def test_wrong_lines_leave_no_trace_in_linux(lines: list[tuple[str, list[str]]]) -> None:
    leave_no_trace("linux", lines)


def leave_no_trace(world: str, lines: list[tuple[str, list[str]]]) -> None:
    """A session with wrong lines in between is the one without, also in the past and in unfinished blocks."""
    one, other = Session(world, budget=5000), Session(world, budget=5000)
    for line, wrong in lines:
        if (enter(one, line) is None) is not (enter(other, line) is None):
            pytest.fail(line)
        for each in wrong:
            before = whole(one)
            if one.unfinished and enter(other, each) is None:  # in a block it may be right
                assert enter(one, each) is None
                continue
            assert enter(one, each) is not None, each
            assert whole(one) == before, each
    assert_same(one, other)
    for session in (one, other):
        session.abandon()
        enter(session, "reverse-stepi")
        enter(session, "back")
    assert_same(one, other)


@pytest.mark.parametrize(
    "prepared", [(), ("back",), ("back 2",), ("reverse-stepi",), ("reverse-stepi 2", "si"), ("back 2", "redo")]
)
@pytest.mark.parametrize("wrong", [*WRONG, "redo 3"])
def test_a_wrong_line_leaves_a_session_where_it_stands_in_time(
    bare: Session, prepared: tuple[str, ...], wrong: str
) -> None:
    do(bare, "incl %eax", "set $v = 7", "movl $3,%ecx; 1: loop 1b", "incl %eax", *prepared)
    before = whole(bare)
    assert enter(bare, wrong) is not None
    assert whole(bare) == before


@pytest.mark.parametrize("line", ["movl $0x9000,%ebx; incl (%ebx)", "si 2", "reverse-stepi", "back 2", "redo"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, None])
def test_a_line_that_is_broken_off_while_it_is_shown_has_done_nothing(
    bare: Session, line: str, error: type[BaseException] | None
) -> None:
    """By a second Ctrl-C, by a bug in what shows it, or because nobody wants the rest of its values."""
    do(bare, "incl %eax", "set $v = 7", "movl $3,%ecx; 1: loop 1b", "incl %eax", "back")
    before = whole(bare)
    values = bare.execute(line)
    next(values)
    if error is None:
        values.close()  # type: ignore[attr-defined]
    else:
        with pytest.raises(error):
            values.throw(error)  # type: ignore[attr-defined]
    assert whole(bare) == before
    assert_same(again(bare), bare)
