"""`micro` at a terminal of 80x24: one stage on one screen, an empty line for the next."""

import re
import sys

import pytest
from tmux import PROMPT, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tmux does not run there")


def stage(screen: str) -> int:
    """The number of the stage that is shown last."""
    return int(re.findall(r"^stage (\d+) of \d+: ", screen, re.MULTILINE)[-1])


def test_enter_walks_through_a_fault_and_each_stage_is_seen_whole(terminal: Terminal) -> None:
    terminal.enter("movl %eax,0")
    terminal.wait(r"^cpl0 page_fault> ?$")
    terminal.press("C-l")
    terminal.enter("micro fault")
    screen = terminal.wait(r"^stage 1 of 21: (?s:.*)^cpl0 page_fault> ?$")
    assert "fetching the instruction" in screen
    for number in range(2, 22):
        terminal.press("C-l")
        terminal.press("Enter")
        screen = terminal.wait(rf"^stage {number} of 21: (?s:.*)^cpl0 page_fault> ?$")
        assert "movl %eax,0x0 at 0x08030000" in screen
    assert screen.count("CPU") == 6
    assert "this was the last stage of the fault" in screen
    terminal.enter("micro back")
    assert "pushing error code" in terminal.wait(r"(?s:.*)^stage 20 of 21: ")


def test_the_prompt_follows_when_the_last_stage_is_shown_and_back(terminal: Terminal) -> None:
    for line in ("asm", "movl $5,%eax", "incl %eax", "end"):
        terminal.enter(line)
    terminal.wait(PROMPT + "$")
    terminal.enter("micro")
    terminal.wait(r"^stage 1 of 2: ")
    terminal.press("Enter")
    terminal.wait(r"^this was the last stage: the step is made")
    terminal.wait(r"^ CPL 3  eip 0x08030005")
    terminal.enter("micro back")
    terminal.wait(r"^ CPL 3  eip 0x08030000")


def test_a_triple_fault_says_what_would_have_saved_it_and_why_more(terminal: Terminal) -> None:
    for line in ("kernel", "unmap $idtr.base", "flush", "movl 0,%eax"):
        terminal.enter(line)
    screen = terminal.wait(r"^registers are as before it")
    assert "with PTE.P 0->1 of 0xc2800070" in screen
    terminal.enter("why")
    terminal.wait(r"^what would have saved it: ")
    terminal.enter("back")
    terminal.wait(r"^cpl0 kernel_prompt> ?$")
