"""The full-screen view, looked at through tmux: every key of it, and what a new user would try first."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tmux import PROMPT, ROOT, TOOLBAR, Terminal

from pagefault_lab import commands
from pagefault_lab.terminal.layout import KEYS, Key

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="tmux does not run there"),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
AT_THE_BOTTOM = r"F1 help .*F10 leave"
PANES = ("code: cpl3", "registers", "page walk", "timeline: step 0", "user stack: ESP 0x", "kernel stack: tss.esp0 0x")


def opened(home: Path, *arguments: str, width: int = 80, height: int = 24, **environment: str) -> Terminal:
    """The program with the view open."""
    environment = {"TERM": "screen-256color", **environment}
    terminal = Terminal(*arguments, width=width, height=height, XDG_STATE_HOME=str(home / "state"), **environment)
    terminal.wait(TOOLBAR)
    terminal.enter("layout")
    terminal.wait(AT_THE_BOTTOM)
    return terminal


@pytest.fixture(params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def view(home: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """The view on a screen of either size."""
    terminal = opened(home, width=request.param[0], height=request.param[1])
    try:
        yield terminal
    finally:
        terminal.close()


def size(terminal: Terminal) -> tuple[int, int]:
    width, height = terminal.tmux("display-message", "-p", "#{pane_width} #{pane_height}").split()
    return int(width), int(height)


def test_all_panes_and_the_keys_are_on_the_screen(view: Terminal) -> None:
    screen = view.screen()
    for title in (*PANES, "output"):
        assert title in screen
    lines = screen.splitlines()
    assert len(lines) == size(view)[1]
    assert lines[-1].startswith(" F1 help  F5 continue  F6 reverse  F7 step  F8 back  F9 next  F10 leave")
    assert re.match(PROMPT.rstrip("?"), lines[-2] + " ")


@pytest.mark.parametrize("prefix", [(), ("C-x",)], ids=["function keys", "Ctrl-X"])
def test_every_key_types_its_line(view: Terminal, prefix: tuple[str, ...]) -> None:
    assert KEYS[-1].line == "layout off"
    for key in KEYS:
        view.press(*prefix, key.letter if prefix else key.function)
        view.wait(TOOLBAR if key is KEYS[-1] else rf"^cpl\d[^>\n]*> {re.escape(key.line)}$")


def test_the_help_lists_every_key() -> None:
    text = commands.get("layout").help

    def listed(key: Key) -> bool:
        return bool(re.search(rf"{key.function} +Ctrl-X {key.letter} +{re.escape(key.line)}(\s|$)", text))

    assert all(map(listed, KEYS))


def test_a_step_and_a_step_back_change_the_panes(view: Terminal) -> None:
    view.enter("movl %eax,0")
    screen = view.wait("timeline: step 1 ")
    assert "page walk: user write 0x00000000" in screen
    assert "#PF 0x6 cr2=0x00000000" in screen
    assert re.search(r"-> 0x[0-9a-f]{8}  0x00000006  error code", screen)  # on the kernel's stack
    assert re.search(r"esp\*  0x", screen)  # changed
    assert "user stack: saved ESP 0x" in screen
    view.press("F7")
    view.wait("timeline: step 2 ")
    view.press("F8")
    view.wait("step 1 of 2 ")
    view.press("F8")
    assert "code: cpl3" in view.wait("step 0 of 2 ")
    view.press("F9")
    view.wait("step 1 of 2 ")


def test_enter_steps_again_and_the_arrow_brings_back_a_line(view: Terminal) -> None:
    view.enter("int $0x80")
    view.wait("timeline: step 1 ")
    view.enter("si")
    view.wait("timeline: step 2 ")
    view.press("Enter")
    view.wait("timeline: step 3 ")
    view.press("Up")
    view.wait(r"> si\n F1 help")
    view.press("Up")
    view.wait(r"> int \$0x80\n F1 help")
    view.press("Down")
    view.wait(r"> si\n F1 help")


def test_tab_completes_over_the_panes(view: Terminal) -> None:
    view.type("walk $e")
    view.press("Tab")
    assert "general register" in view.wait(r"\$eax ")
    view.press("C-c")
    view.type("pushl %ea")
    view.press("Tab")
    view.wait(r"^cpl3> pushl %eax")


def test_ctrl_c_clears_the_line_and_gives_a_block_up(view: Terminal) -> None:
    view.type("no such thing")
    view.wait("no such thing")
    view.press("C-c")
    view.enter("p 41 + 1")
    assert "no such" not in view.wait(r"\b42\b")
    view.enter("asm")
    view.wait(r"^\.\.\.>\n F1")
    view.press("C-c")
    view.wait(r"^cpl3>\n F1")


def test_ctrl_c_stops_a_line_that_runs_and_not_the_view(view: Terminal) -> None:
    view.enter("1: jmp 1b")
    view.wait("^ running: Ctrl-C stops it")
    view.press_until("(?s)stopped by the user.*" + AT_THE_BOTTOM, "C-c")
    view.enter("p 41 + 1")
    view.wait(r"\b42\b")


def test_ctrl_d_leaves_and_the_session_goes_on(view: Terminal) -> None:
    view.enter("int $0x80")
    view.wait("timeline: step 1 ")
    view.type("p")
    view.press("C-d")  # deletes forward while something is typed
    view.press("BSpace", "C-d")
    view.wait(r"(?s)^cpl0 .*^ CPL 0 .*step 1 ")
    view.press("F10")  # and back: what was said is still there
    assert view.wait(AT_THE_BOTTOM).splitlines()[-3].strip()
    view.enter("layout")
    view.wait("this is the full-screen view")
    view.enter("layout off")
    view.wait(TOOLBAR)
    view.press("C-x", "a")
    view.wait(AT_THE_BOTTOM)
    view.enter("quit")
    assert view.ended()


def test_ten_pasted_lines_are_executed_in_order(view: Terminal) -> None:
    ten = [f"set $a{number} = {number}" for number in range(1, 10)] + ["p $a1 + $a9 * 100"]
    view.tmux("set-buffer", "\n".join(ten) + "\n")
    view.tmux("paste-buffer")  # as if typed
    view.wait(r"\(901\)")
    view.enter("set $a1 = 0")
    view.enter("p $a1 + 41")
    view.wait(r"\(41\)")
    view.tmux("paste-buffer", "-p")  # as terminals that know it mark a paste
    view.wait(r"^p \$a1 \+ \$a9 \* 100$")
    view.press("Enter")
    view.wait(r"(?s)\(41\).*\(901\)" if size(view)[1] > 24 else r"\(901\)")


def test_what_was_pasted_after_a_wrong_line_is_not_executed(view: Terminal) -> None:
    view.tmux("set-buffer", "set $a = 1\nnonsense\nset $a = 2")
    view.tmux("paste-buffer", "-p")
    view.press("Enter")
    view.wait("what was pasted after it was not executed: 1 line")
    view.enter("p $a + 41")
    view.wait(r"\b42\b")


def test_a_long_answer_gets_the_whole_screen_and_gives_it_back(view: Terminal) -> None:
    view.enter("info idt")
    screen = view.wait(r"^output: \d+ rows below, PgDn")
    assert "code: cpl3" not in screen
    assert screen.splitlines()[1].endswith("> info idt")  # from its beginning
    view.press_until("code: cpl3", "NPage")
    view.press("PPage")
    view.wait("^output: PgDn shows the rest again")
    view.press("PPage")
    view.wait(r"^output: \d+ rows below, PgDn")
    view.enter("nop")
    view.wait("timeline: step 1 ")


def test_a_wrong_line_gets_a_caret_and_changes_nothing(view: Terminal) -> None:
    view.enter("movl %eax,(%ebq)")
    assert "timeline: step 0" in view.wait("did you mean")
    view.enter("p 41 + 1")
    view.wait(r"\b42\b")


def test_the_view_follows_the_size_of_the_window(view: Terminal) -> None:
    view.enter("int $0x80")
    for width, height in ((40, 10), (100, 30), (20, 4), (64, 16), (80, 24)):
        view.tmux("resize-window", "-x", str(width), "-y", str(height))
        screen = view.wait("too small" if width < 64 else "code: cpl0")
        assert max(map(len, screen.splitlines())) <= width
        assert len(screen.splitlines()) <= height
    view.tmux("resize-window", "-x", "40", "-y", "10")
    view.wait("too small")
    view.enter("p 41 + 1")  # it is a prompt still
    view.wait(r"\b42\b")
    view.tmux("resize-window", "-x", "80", "-y", "24")
    view.wait(AT_THE_BOTTOM)


@pytest.mark.parametrize("plain", [("--plain", {}), (None, {"NO_COLOR": "1"}), (None, {"PAGEFAULT_LAB_THEME": "mono"})])
def test_no_colour_means_none(home: Path, plain: tuple[str | None, dict[str, str]]) -> None:
    argument, environment = plain
    terminal = opened(home, *([argument] if argument else []), **environment)
    try:
        terminal.enter("movl %eax,0")
        terminal.wait("error code")
        escapes = re.findall(r"\x1b\[([\d;]*)m", terminal.tmux("capture-pane", "-e", "-p"))
        assert {number for escape in escapes for number in escape.split(";")} <= {"", "0", "1", "2", "7", "39", "49"}
        if argument:
            assert terminal.screen().isascii()
    finally:
        terminal.close()


def test_a_theme_is_the_whole_screens(view: Terminal) -> None:
    def colours() -> set[str]:
        return set(re.findall(r"38;[25];[\d;]+|3[0-7](?=[;m])", view.tmux("capture-pane", "-e", "-p")))

    view.enter("movl %eax,0")
    view.wait("error code")
    before = colours()
    view.enter("theme blue-orange")
    view.wait("safe for colour-blind eyes")
    view.press("C-l")
    assert before
    assert not colours() & before


def test_a_program_that_faults_in_the_dark_is_shown_too(home: Path) -> None:
    terminal = opened(home, "--world", "bare")
    try:
        terminal.enter("int $3")  # there is no IDT: shutdown
        screen = terminal.wait("shutdown")
        assert "page walk" in screen
        terminal.enter("back")
        terminal.wait("step 0 of")
    finally:
        terminal.close()


def test_in_a_script_the_context_is_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pagefault_lab", "run", "-"],
        input="layout\nlayout off\n", capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert all(title in done.stdout for title in PANES)
    assert done.stdout.endswith("the full-screen view is not open\n")
