"""The prompt without a terminal's help: lines from a pipe, or from a terminal that can do nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pagefault_lab.terminal.loop import Ending, Loop
from pagefault_lab.terminal.screen import WIDTH, Screen
from pagefault_lab.terminal.toolbar import fitting
from pagefault_lab.views.prompts import CONTINUATION, prompt_of

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.terminal.guide import Guide


def converse(session: Session, plain: bool, guide: Guide | None = None) -> int:
    """Execute the lines of standard input until it ends; wrong ones are told, and the next one is read.

    Where one stands is said whenever it is something new, and what Enter means stands in brackets.
    """
    typed = sys.stdin.isatty()  # then the terminal has shown the line already
    ending = Ending.DONE
    stood = ""
    while ending is not Ending.LEAVE:
        offer = guide.offered() if guide is not None and typed else ""
        if guide is not None and stood != (stood := fitting(guide.where(), WIDTH - 2)):
            Screen(plain).say(f"--{stood}")
        prompt = CONTINUATION if session.unfinished else prompt_of(session.place())
        try:
            line = read(prompt + (f"[{offer}] " if offer else ""))
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            session.abandon()
            continue
        except UnicodeDecodeError as error:
            Screen(plain).say(f"this line is not text: {error.reason}")
            continue
        screen = Screen(plain) if guide is None else guide.screen(plain)
        loop = Loop(session, screen)
        text = line.rstrip("\r\n")
        if not typed or not line:
            screen.say(text)
        if not line:
            break
        if not text.strip() and not session.unfinished:
            ending = loop.perform(offer) if offer else loop.repeat() if typed else Ending.DONE
        else:
            ending = loop.perform(text)
        if ending is Ending.WRONG and session.unfinished and not typed:
            session.abandon()  # there is nobody who could mend it
            screen.say("  the block is given up")
    return 0


def read(prompt: str) -> str:
    """A line of standard input, with its end; "" if there is none any more."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline()
