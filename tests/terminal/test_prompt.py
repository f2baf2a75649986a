"""A new user at a terminal of 80x24, looked at through tmux."""

import re
import sys
from pathlib import Path

import pytest
from tmux import PROMPT, TOOLBAR, Terminal

from pagefault_lab.terminal.banner import TO_TRY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tmux does not run there")


def lines(screen: str) -> list[str]:
    return screen.splitlines()


def test_the_first_screen_tells_what_this_is_where_we_stand_and_what_to_try(terminal: Terminal) -> None:
    screen = terminal.screen()
    assert lines(screen)[0].startswith("pagefault-lab ")
    for part in ("linux: ", "CPL 3", "eip 0x", "help", "Ctrl-D", *(line for line, _ in TO_TRY["linux"])):
        assert part in screen
    assert len(lines(screen)) <= 24
    assert re.fullmatch(r" CPL 3  eip 0x[0-9a-f]{8}  cr3 0x[0-9a-f]{8}  step [\d,]+  .*", lines(screen)[-1])


@pytest.mark.parametrize("line", [line for line, _ in TO_TRY["linux"]])
def test_what_the_first_screen_offers_works(terminal: Terminal, line: str) -> None:
    before = terminal.screen().count("cpl")
    terminal.enter(line)
    terminal.wait(rf"> {re.escape(line)}$")
    screen = terminal.wait(r"(?s)> .*^cpl[0-3][^>\n]*>$")
    assert "neither" not in screen
    assert before


def test_an_instruction_faults_is_told_and_taken_back(terminal: Terminal) -> None:
    terminal.enter("movl $0,%ebx")
    terminal.enter("movl %eax,(%ebx)")
    screen = terminal.wait(r"^cpl0 ")
    assert "page_fault" in screen
    assert "CPL 0" in lines(terminal.wait("^ CPL 0 "))[-1]
    told = terminal.everything()
    assert "#PF" in told
    assert "error code" in told
    terminal.enter("back")
    assert "CPL 3" in lines(terminal.wait(r"^ CPL 3 "))[-1]


def test_tab_completes_and_explains_commands_mnemonics_registers_and_symbols(terminal: Terminal) -> None:
    terminal.type("wal")
    terminal.press("Tab")
    terminal.wait(PROMPT + "walk$")
    terminal.press("C-c")
    terminal.type("push")
    terminal.press("Tab")
    assert "Store the operand on top of the stack" in terminal.wait("pushl")
    terminal.press("C-c")
    terminal.type("movl %ea")
    terminal.press("Tab")
    terminal.wait(PROMPT + "movl %eax$")
    terminal.press("C-c")
    terminal.type("disas do_page_fau")
    terminal.press("Tab")
    terminal.wait(PROMPT + "disas do_page_fault")


def test_a_wrong_word_gets_a_caret_and_a_suggestion(terminal: Terminal) -> None:
    terminal.enter("movl %eax,(%ebq)")
    screen = terminal.wait("did you mean")
    written = next(line for line in lines(screen) if line == "  movl %eax,(%ebq)")
    caret = next(line for line in lines(screen) if line.strip() == "^")
    assert written.index("%ebq") == caret.index("^")
    terminal.enter("p 41 + 1")
    terminal.wait(r"\b42\b")


def test_ctrl_c_stops_a_run_that_never_ends_and_not_the_lab(terminal: Terminal) -> None:
    terminal.enter("1: jmp 1b")
    terminal.wait(r"jmp 0x")
    terminal.press("C-c")
    terminal.wait(r"(?s)stopped by the user.*" + PROMPT)
    terminal.enter("c")
    terminal.press_until(r"(?s)> c$.*stopped by the user.*" + PROMPT, "C-c")  # it may not have begun
    terminal.enter("p 41 + 1")
    terminal.wait(r"\b42\b")


def test_keys_pressed_while_a_line_is_executed_are_for_the_next_one(terminal: Terminal) -> None:
    terminal.enter("movl $100000,%ecx; 1: decl %ecx; jnz 1b")
    terminal.wait(r"decl %ecx  # ecx")
    terminal.enter("p 41 + 1")
    terminal.press("C-d")
    assert terminal.ended()
    assert "41 + 1 = 0x2a (42)" in terminal.everything()


def test_ctrl_c_at_the_prompt_clears_the_line(terminal: Terminal) -> None:
    terminal.type("no such thing")
    terminal.wait("no such thing")
    terminal.press("C-c")
    terminal.enter("p 41 + 1")
    assert "no such" not in terminal.wait(r"\b42\b")


def test_an_unfinished_block_gets_another_prompt_until_it_is_finished_or_dropped(terminal: Terminal) -> None:
    terminal.enter("jmp ahead")
    terminal.wait(r"^\.\.\.>")
    terminal.press("C-c")
    terminal.wait(r"(?s)\.\.\.>.*" + PROMPT)
    terminal.enter("jmp ahead")
    terminal.wait(r"(?s)\.\.\.>.*\.\.\.>")
    terminal.enter("ahead: nop")
    terminal.wait(r"(?s)ahead: nop.*" + PROMPT)


def test_an_empty_line_steps_again(terminal: Terminal) -> None:
    def wait_for(number: int) -> None:
        terminal.wait(rf"step {number:,} ")

    terminal.enter("int $0x80")
    wait_for(1)
    terminal.enter("si")
    wait_for(2)
    terminal.press("Enter")
    wait_for(3)
    terminal.press("F7")
    wait_for(4)
    terminal.press("F8")
    wait_for(3)


def test_the_arrow_key_brings_back_a_line_of_an_earlier_session(terminal: Terminal, home: Path) -> None:
    terminal.enter("p 40 + 2")
    terminal.wait(r"\b42\b")
    terminal.press("C-d")
    assert terminal.ended()
    again = Terminal(XDG_STATE_HOME=str(home / "state"))
    try:
        again.wait(TOOLBAR)
        again.press_until("> p 40 \\+ 2", "Up")  # the history is read while one looks at the first screen
    finally:
        again.close()


def test_help_fits_and_quit_leaves(terminal: Terminal) -> None:
    terminal.enter("help")
    terminal.wait(r"(?s)help.*" + PROMPT)
    assert all(len(line) <= 80 for line in lines(terminal.everything()))
    terminal.enter("quit")
    assert terminal.ended()


def test_a_smaller_window_keeps_the_prompt_and_the_toolbar(terminal: Terminal) -> None:
    terminal.tmux("resize-window", "-x", "40", "-y", "12")
    terminal.enter("p 41 + 1")
    screen = terminal.wait(r"\b42\b")
    assert all(len(line) <= 40 for line in lines(screen))
    terminal.wait(r"^ CPL 3 ")


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_poor_terminal_is_enough(home: Path, environment: dict[str, str]) -> None:
    terminal = Terminal(XDG_STATE_HOME=str(home / "state"), **environment)
    try:
        terminal.wait(PROMPT)
        terminal.enter("p 41 + 1")
        terminal.wait(r"\b42\b")
        terminal.enter("quit")
        assert terminal.ended()
    finally:
        terminal.close()
