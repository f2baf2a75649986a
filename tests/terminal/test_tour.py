"""`pagefault-lab tour`: what it says is true, it fits the screen, and whoever follows it may leave the path."""

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from subprocess import Popen, run

import pytest
from tmux import LIMIT, PROMPT, TOOLBAR, Terminal

from pagefault_lab.lab.results import Message, Value
from pagefault_lab.lab.session import Session
from pagefault_lab.terminal.arguments import parse
from pagefault_lab.terminal.opening import Opening
from pagefault_lab.terminal.script import lines_of
from pagefault_lab.terminal.tour import FURNITURE, GREETING, Stop, Tour, stops_of

ROOT = Path(__file__).parent.parent.parent
TOUR = ROOT / "lessons" / "tour.lab"
pytestmark = pytest.mark.usefixtures("home")


def script(folder: Path, *lines: str) -> str:
    file = folder / "script.lab"
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)


def lab(*arguments: str) -> tuple[int, str, str]:
    """Run the program without a terminal: its exit status, what it prints, and what it complains about."""
    done = run([sys.executable, "-m", "pagefault_lab", *arguments], capture_output=True, cwd=ROOT, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


# --- a script as stops


def test_a_comment_belongs_to_the_line_that_follows_and_the_last_one_to_none() -> None:
    assert stops_of(["# It is", "# two.", "p 1 + 1", "", "p 2", "# Done."]) == [
        Stop("It is\ntwo.", "p 1 + 1", 3), Stop("", "p 2", 5), Stop("Done.", "", 6)
    ]  # fmt: skip


def test_a_blank_line_ends_a_paragraph() -> None:
    (stop, _) = stops_of(["# a title", "", "# a sentence", "", "nop"])
    assert stop == Stop("a title\n\na sentence", "nop", 5)


def test_an_empty_script_is_over_at_once(tmp_path: Path) -> None:
    assert stops_of([]) == [Stop("", "", 0)]
    assert lab("tour", "--world", "bare", script(tmp_path)) == (0, "", "")


# --- without a terminal


def test_any_script_is_told_and_executed(tmp_path: Path) -> None:
    file = script(tmp_path, "# Two and two", "# is:", "p 2 + 2", "p 1", "# That was it.")
    assert lab("tour", "--world", "bare", "--plain", file) == (
        0, "\n1/2  Two and two is:\ncpl0> p 2 + 2\n2 + 2 = 4\ncpl0> p 1\n1 = 1\n\nThat was it.\n", ""
    )  # fmt: skip


def test_a_block_is_executed_whole(tmp_path: Path) -> None:
    file = script(tmp_path, "# A jump.", "jmp ahead", "nop", "ahead: nop", "p 40 + 2")
    status, told, _ = lab("tour", "--world", "bare", "--plain", file)
    assert status == 0
    assert re.findall(r"^(?:\.\.\.|cpl0)> .*", told, re.MULTILINE) == [
        "cpl0> jmp ahead", "...> nop", "...> ahead: nop", "cpl0> p 40 + 2"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "place"), [(("nop", "p $ebq"), "2:3"), (("nop", "jmp ahead", "foo"), "3:1"), (("jmp ahead",), "1:1")]
)
def test_a_wrong_line_ends_it_with_its_place(tmp_path: Path, lines: tuple[str, ...], place: str) -> None:
    file = script(tmp_path, *lines)
    status, told, _ = lab("tour", "--world", "bare", file)
    assert status == 1
    assert f"{file}:{place}: " in told.replace("\n", "")


def test_a_file_that_is_not_there_gets_one_sentence() -> None:
    status, told, problem = lab("tour", "no-such-tour.lab")
    assert (status, told) == (2, "")
    assert "no-such-tour.lab" in problem
    assert len(problem.splitlines()) <= 2


def test_the_pace_is_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["tour", "--auto", "--pace", "0.5"]).pace == 0.5
    for word in ("quick", "-1", "nan", "inf"):
        with pytest.raises(SystemExit):
            parse(["tour", "--auto", f"--pace={word}"])
        assert "is not a time" in capsys.readouterr().err


# --- the lecture's path

# What the tour claims, in its words, and the expression that is true if it holds: before a line is executed, and after.
CLAIMS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    (
        "movl user_data,%eax",
        {"CPL 3": "cpl == 3"},
        {"Here it may.": "eax == u32[user_data] && fault.count == 0"},
    ),
    (
        "walk user_data",
        {
            "Both are present (P)": "pde(user_data).present && pte(user_data).present",
            "and the user's (US)": "pde(user_data).user && pte(user_data).user",
        },
        {},
    ),
    (
        "movl %eax,user_heap",
        {"has no page there yet": "pde(user_heap).present && !pte(user_heap).present"},
        {"May this one write?": "fault.vector == 14 && fault.error == 6 && cr2 == user_heap && fault.count == 1"},
    ),
    (
        "frame",
        {
            "From CPL 3": "(u32[esp + 8] & 3) == 3",
            "the TSS holds SS0:ESP0": "ss == tss.ss0 && esp == tss.esp0 - 6 * 4",
            "and the error code": "u32[esp] == fault.error && u32[esp + 4] == fault.eip",
        },
        {},
    ),
    (
        "si 2",
        {"where gate 14 of the IDT leads": "eip == idt(14).offset && eip == page_fault", "at CPL 0": "cpl == 0"},
        {"its first instructions": "eip == error_code && u32[esp] == do_page_fault"},
    ),
    (
        "c",
        {},
        {
            "maps one": "pte(user_heap).present && pte(user_heap).writable",
            "returns by iret": "cpl == 3 && eip > fault.eip && fault.count == 1",
            "now it may write": "u32[user_heap] == eax",
        },
    ),
    (
        ".comm oldidtr,6",
        {},
        {"Three words": "u16[oldidtr] == 0 && u16[oldidtr + 2] == 0 && u16[oldidtr + 4] == 0"},
    ),
    (
        "sidt oldidtr",
        {"A user may do that": "cpl == 3", "CPL 0": "cpl != 0"},
        {"sidt stores them": "u16[oldidtr] == idtr.limit && u32[oldidtr + 2] == idtr.base && fault.count == 1"},
    ),
    (
        "insmod lecture.s",
        {},
        {
            "a page that is always mapped": "idtr.base >= 0xC0000000 && idtr.base < 0xC1000000",
            "a new IDT": "idtr.base != u32[oldidtr + 2] && idtr.limit == u16[oldidtr]",
        },
    ),
    ("info idt 14", {"Gate 14 leads to the module's isr0x0E now.": "idt(14).offset == isr0x0E"}, {}),
    (
        "movl %eax,user_heap+0x1000",
        {"is missing too": "!pte(user_heap + 0x1000).present"},
        {"To whom": "eip == isr0x0E && fault.vector == 14 && fault.error == 6 && cr2 == user_heap + 0x1000"},
    ),
    (
        "si 6",
        {"CS and SS were set by the CPU": "cs == idt(14).selector && ss == tss.ss0 && ds != ss && es != ss"},
        {
            "saves all registers, also DS and ES": "esp == tss.esp0 - (6 + 8 + 2) * 4",
            "get what SS has": "ds == ss && es == ss",
        },
    ),
    (
        "c",
        {},
        {"does what it did before": "cpl == 3 && u32[user_heap + 0x1000] == eax"},
    ),
    (
        "jmp user_hole",
        {"a page that the task does not have": "!pte(user_hole).present"},
        {"A jump": "eip == user_hole && cpl == 3"},
    ),
    (
        "c",
        {},
        {
            "Fetching counts as a read": "fault.vector == 14 && fault.error == 4",
            "CR2 is EIP": "fault.eip == user_hole && cr2 == user_hole",
            "starts it anew": "cpl == 3 && !pte(user_heap).present",
        },
    ),
    ("dmesg", {"with its count": "u32[count] == 2"}, {}),
    (
        "rmmod lecture",
        {"Now everything back": "idtr.base != u32[oldidtr + 2]"},
        {"activates the old IDT": "idtr.base == u32[oldidtr + 2] && idt(14).offset == page_fault"},
    ),
    ("p idtr.base == u32[oldidtr+2]", {"Is it the IDT that sidt found?": "idtr.base == u32[oldidtr + 2]"}, {}),
]

STOPS = stops_of(lines_of(str(TOUR)))


def words(stop: Stop) -> str:
    return " ".join(stop.text.split())


def value(session: Session, expression: str) -> int:
    (found,) = session.execute(f"p {expression}")
    assert isinstance(found, Value)
    return found.value


def gates(session: Session, base: int) -> list[int]:
    """The 256 gates of an IDT."""
    return [value(session, f"u32[{base + 8 * vector}] + (u32[{base + 8 * vector + 4}] << 32)") for vector in range(256)]


def test_what_the_tour_says_is_true_where_it_says_it() -> None:
    session = Session()
    assert [stop.line for stop in STOPS[:-1]] == [line for line, _, _ in CLAIMS]
    for stop, (line, before, after) in zip(STOPS, CLAIMS, strict=False):
        for claims in (before, after):
            for claim, expression in claims.items():
                assert claim in words(stop)
                assert value(session, expression) == 1, f"{line}: {claim}"
            if claims is before:
                list(session.execute(line))


def test_each_fault_since_insmod_is_counted() -> None:
    session = Session()
    faults = 0
    for stop in STOPS[:-1]:
        list(session.execute(stop.line))
        if stop.line == "insmod lecture.s":
            faults = value(session, "fault.count")
        if stop.line == "dmesg":
            assert value(session, "u32[count]") == value(session, "fault.count") - faults


def test_no_number_is_said_that_is_not_claimed() -> None:
    for stop, (_, before, after) in zip(STOPS, CLAIMS, strict=False):
        text = words(stop)
        for claim in (*before, *after):
            text = text.replace(claim, "")
        assert not re.search(r"\b\d", text), text


def test_a_users_lidt_is_refused() -> None:
    session = Session()
    list(session.execute(".comm oldidtr,6"))
    list(session.execute("lidt oldidtr"))
    assert value(session, "fault.vector") == 13


def test_the_module_that_the_tour_loads_does_what_is_said_of_it() -> None:
    session = Session()
    old = value(session, "idtr.base")
    before = gates(session, old)
    list(session.execute("insmod lecture.s"))
    new = value(session, "idtr.base")
    count = f"u8[mem_map + ({new} - 0xC0000000 >> 12)]"
    assert [vector for vector, gate in enumerate(gates(session, new)) if gate != before[vector]] == [14]
    assert gates(session, old) == before
    assert value(session, count) == 1
    list(session.execute("rmmod lecture"))
    assert value(session, count) == 0


@pytest.fixture(scope="module")
def played() -> str:
    status, told, problems = lab("tour", "--plain")
    assert (status, problems) == (0, "")
    return told


def test_it_plays_whole_without_a_terminal(played: str) -> None:
    assert re.findall(r"^cpl[0-3][^>\n]*> (.*)$", played, re.MULTILINE) == [stop.line for stop in STOPS[:-1]]
    assert re.findall(r"^(\d+)/", played, re.MULTILINE) == [str(number) for number in range(1, len(STOPS))]
    assert all(len(line) <= 80 for line in played.splitlines())
    assert played.isascii()


def test_the_log_counts_the_faults_with_their_causes(played: str) -> None:
    log = played.partition("> dmesg")[2].partition("> rmmod")[0]
    assert re.findall(r"^ +(\d) hello\[1\] cr2=\w+ eip=\w+ (.*)$", log, re.MULTILINE) == [("1", "uwa"), ("2", "ura x")]
    assert re.search("uwa.*ura.*Segmentation fault.*starting hello anew", log, re.DOTALL)


def test_every_stop_fits_one_screen_with_what_is_said_of_it(played: str) -> None:
    stops = re.split(r"\n\n(?=\d+/)", played.strip("\n"))
    assert len(stops) == len(STOPS) - 1
    for stop in stops:
        assert len(stop.splitlines()) + FURNITURE <= 24, stop


def test_the_prompt_and_the_help_say_how_to_start_it() -> None:
    (said,) = Session("bare").execute("tour")
    assert isinstance(said, Message)
    assert "pagefault-lab tour" in said.text
    assert re.search(r"^    tour ", lab("--help")[1], re.MULTILINE)


# --- with someone who types


class Typist:
    """Someone who follows a tour: each entry is a line, "" for the Enter key, or an exception for Ctrl-C and Ctrl-D."""

    def __init__(self, file: str, world: str = "bare") -> None:
        self.opening = Opening(world)
        self.file = file
        self.offers: list[str] = []
        self.foot = ""
        self.came_to_the_end = False

    def types(self, *entries: str | type[BaseException]) -> None:
        """Follow it until it is over, or out of entries."""
        left = iter(entries)
        tour = Tour(self.opening, self.file, plain=True)

        def read() -> str:
            self.offers.append(tour.offered())
            self.foot = tour.foot(80)
            entry = next(left, EOFError)
            if isinstance(entry, str):
                return entry or self.offers[-1]
            raise entry

        tour.greet()
        self.came_to_the_end = tour.guide(read)

    def value(self, expression: str) -> int:
        return value(self.opening.session, expression)


@pytest.fixture
def typist(tmp_path: Path) -> Typist:
    file = script(tmp_path, "# one", "movl $1,%eax", "# two", "p $eax", "# three", "movl $3,%eax", "# The end.")
    return Typist(file)


def test_enter_goes_through_it(typist: Typist, capsys: pytest.CaptureFixture[str]) -> None:
    typist.types("", "", "")
    assert typist.came_to_the_end
    assert typist.offers == ["movl $1,%eax", "p $eax", "movl $3,%eax"]
    assert typist.value("$eax") == 3
    told = capsys.readouterr().out
    assert told.index("2/3  two") < told.index("3/3  three") < told.index("The end.")


def test_typing_the_line_oneself_is_as_good(typist: Typist) -> None:
    typist.types("movl $1,%eax", " p $eax ", "movl $3,%eax")
    assert typist.came_to_the_end


@pytest.mark.parametrize("leaving", ["q", "quit", EOFError, KeyboardInterrupt])
def test_it_can_be_left_and_says_how_to_come_back(
    typist: Typist, leaving: str | type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    typist.types("", leaving)
    assert not typist.came_to_the_end
    place, way = capsys.readouterr().out.splitlines()[-1].split("; ")
    assert place == "left at stop 2 of 3"
    assert way.startswith("pagefault-lab tour ")


def test_a_line_of_ones_own_that_changes_nothing_leaves_the_offer_as_it_was(typist: Typist) -> None:
    typist.types("", "p 1 + 1", "no such thing", "")
    assert typist.offers == ["movl $1,%eax", "p $eax", "p $eax", "p $eax", "movl $3,%eax"]


def test_a_line_of_ones_own_that_changes_something_is_taken_back_first(typist: Typist) -> None:
    typist.types("", "movl $7,%eax", "movl $8,%eax", "p $eax + 1", "", "")
    assert typist.offers == ["movl $1,%eax", "p $eax", "back", "back 2", "back 2", "p $eax", "movl $3,%eax"]
    assert typist.value("$eax") == 1


def test_an_unfinished_block_of_ones_own_is_not_disturbed(typist: Typist) -> None:
    typist.types("jmp ahead", "b", "", "ahead: movl $9,%eax", "", KeyboardInterrupt)
    assert typist.offers[1:] == ["", "", "", "back", "movl $1,%eax"]


def test_ctrl_c_gives_a_block_of_ones_own_up_before_it_leaves(typist: Typist) -> None:
    typist.types("jmp ahead", KeyboardInterrupt, "", KeyboardInterrupt)
    assert typist.offers == ["movl $1,%eax", "", "movl $1,%eax", "p $eax"]


def test_b_goes_back_one_stop_and_takes_everything_since_with_it(typist: Typist) -> None:
    typist.types("", "", "movl $7,%eax", "b", "b", "b")
    assert typist.offers == [
        "movl $1,%eax", "p $eax", "movl $3,%eax", "back", "p $eax", "movl $1,%eax", "movl $1,%eax"
    ]  # fmt: skip
    assert typist.value("$eax") != 1


@pytest.mark.parametrize("line", ["back", "rsi", "world bare"])
def test_whoever_goes_back_in_time_goes_back_in_the_tour(typist: Typist, line: str) -> None:
    typist.types("", "", line)
    assert typist.offers[-1] in ("movl $1,%eax", "back")
    assert typist.foot.startswith(" stop 1 of 3")


def test_a_wrong_line_of_the_tour_is_offered_again(tmp_path: Path) -> None:
    typist = Typist(script(tmp_path, "jmp ahead", "foo", "nop"))
    typist.types("", "")
    assert typist.offers == ["jmp ahead"] * 3
    assert not typist.opening.session.unfinished


@pytest.mark.parametrize("width", [1, 20, 79, 80, 200])
def test_the_line_at_the_bottom_never_wraps(tmp_path: Path, width: int) -> None:
    assert len(Tour(Opening("bare"), script(tmp_path), plain=True).foot(width)) <= width


# --- at a terminal

tmux = pytest.mark.skipif(sys.platform == "win32", reason="tmux does not run there")


@pytest.fixture
def tour(home: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts the tour in a terminal of 80x24."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    opened: list[Terminal] = []

    def start(*arguments: str, **environment: str) -> Terminal:
        terminal = Terminal("tour", *arguments, XDG_STATE_HOME=str(home / "state"), **environment)
        opened.append(terminal)
        return terminal

    yield start
    for terminal in opened:
        terminal.close()


FIRST, SECOND = (stop.line for stop in STOPS[:2])


@tmux
def test_the_first_screen_shows_what_enter_will_do(tour: Callable[..., Terminal]) -> None:
    terminal = tour()
    screen = terminal.wait(r"^ stop 1 of ")
    assert GREETING in screen
    assert re.search(PROMPT + re.escape(FIRST), screen, re.MULTILINE)


@tmux
def test_enter_a_line_of_ones_own_back_and_q(tour: Callable[..., Terminal]) -> None:
    terminal = tour()
    terminal.wait(r"^ stop 1 of ")
    terminal.press("Enter")
    terminal.wait(r"^ stop 2 of ")
    terminal.wait(PROMPT + re.escape(SECOND) + "$")
    terminal.enter("nop")
    terminal.wait(PROMPT + "back$")
    terminal.press("Enter")
    terminal.wait(r"(?s)undone: nop.*" + PROMPT + re.escape(SECOND) + "$")
    terminal.enter("b")
    terminal.wait(r"^ stop 1 of ")
    terminal.enter("q")
    assert terminal.ended()
    assert "pagefault-lab tour begins anew" in terminal.screen()


@tmux
def test_whoever_comes_to_the_end_is_at_the_labs_prompt(tour: Callable[..., Terminal], tmp_path: Path) -> None:
    terminal = tour("--world", "bare", script(tmp_path, "# one", "movl $42,%eax", "# That was it."))
    terminal.wait(r"^ stop 1 of 1 ")
    terminal.press("Enter")
    terminal.wait(r"(?s)That was it\..*help lists.*" + TOOLBAR)
    terminal.enter("p $eax")
    terminal.wait(r"\(42\)")
    terminal.enter("quit")
    assert terminal.ended()


@tmux
def test_by_itself_it_types_and_ends(tour: Callable[..., Terminal], tmp_path: Path) -> None:
    terminal = tour("--auto", "--pace", "0.1", "--world", "bare", script(tmp_path, "# one", "p 40 + 2", "# Done."))
    assert terminal.ended()
    assert re.search(r"1/1  one\ncpl0> p 40 \+ 2\n.*\(42\).*\n\nDone\.", terminal.screen())


@tmux
def test_ctrl_c_stops_what_goes_by_itself(tour: Callable[..., Terminal]) -> None:
    terminal = tour("--auto", "--pace", "60")
    terminal.wait(r"^1/")
    terminal.press("C-c")
    assert terminal.ended()
    assert "left at stop 1 of " in terminal.screen()


@tmux
@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_poor_terminal_is_enough(tour: Callable[..., Terminal], environment: dict[str, str], tmp_path: Path) -> None:
    terminal = tour("--world", "bare", script(tmp_path, "# one", "p 40 + 2", "# two", "p 3"), **environment)
    terminal.wait(r"p 40 \+ 2")
    terminal.press("Enter")
    terminal.wait(r"(?s)\(42\).*2/2  two.*p 3")
    terminal.enter("q")
    assert terminal.ended()


class Wire:
    """The tour on a terminal that is nothing but a wire: what goes over it can be read, and its settings looked at."""

    def __init__(self, kind: str) -> None:
        pty, self.termios = pytest.importorskip("pty"), pytest.importorskip("termios")
        self.master, self.terminal = pty.openpty()
        self.termios.tcsetwinsize(self.terminal, (24, 80))
        self.settings_before = self.settings()
        environment = {**os.environ, "TERM": kind, "PROMPT_TOOLKIT_NO_CPR": "1"}  # nobody would answer
        command = [sys.executable, "-m", "pagefault_lab", "tour", "--plain"]
        self.process = Popen(command, stdin=self.terminal, stdout=self.terminal, cwd=ROOT, env=environment)
        self.shown = b""

    def settings(self) -> list[object]:
        return self.termios.tcgetattr(self.terminal)

    def wait(self, there: Callable[[], bool]) -> None:
        """Read what comes until it is there."""
        end = time.monotonic() + LIMIT
        while not there():
            assert time.monotonic() < end, self.shown
            if select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 4096)

    def wait_for(self, text: str) -> None:
        self.wait(lambda: text.encode() in self.shown)
        self.shown = self.shown.partition(text.encode())[2]

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def ended(self) -> bool:
        self.wait(lambda: self.process.poll() is not None)
        return self.process.returncode == 0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.terminal)


@pytest.fixture
def wire() -> Iterator[Callable[[str], Wire]]:
    wires: list[Wire] = []

    def start(kind: str) -> Wire:
        wires.append(Wire(kind))
        return wires[-1]

    yield start
    for each in wires:
        each.close()


@pytest.mark.parametrize("keys", ["q\r", "\x03", "\x04"])
def test_leaving_leaves_the_terminal_as_it_was(wire: Callable[[str], Wire], keys: str) -> None:
    started = wire("xterm")
    started.wait_for("\x1b[?2004h")  # bracketed paste: from here on keys are read
    assert started.settings() != started.settings_before
    started.type(keys)
    assert started.ended()
    assert started.settings() == started.settings_before


def test_a_terminal_that_cannot_edit_lines_shows_what_enter_means_in_brackets(wire: Callable[[str], Wire]) -> None:
    started = wire("dumb")
    started.wait_for(f"cpl3> [{FIRST}] ")
    started.type("\r")
    started.wait_for(f"cpl3> [{SECOND}] ")
    started.type("nop\r")
    started.wait_for("cpl3> [back] ")
    started.type("\r")
    started.wait_for(f"cpl3> [{SECOND}] ")
    started.type("jmp ahead\r")
    started.wait_for("...> ")
    started.process.send_signal(signal.SIGINT)
    started.wait_for(f"cpl3> [{SECOND}] ")
    started.type("q\r")
    started.wait_for("begins anew")
    assert started.ended()
