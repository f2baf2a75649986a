"""The prompt without a terminal's help: lines from a pipe, or from a terminal that can do nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pagefault_lab.terminal.loop import CONTINUATION, Ending, Loop, prompt_of
from pagefault_lab.terminal.screen import Screen

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


def converse(session: Session, plain: bool) -> int:
    """Execute the lines of standard input until it ends; wrong ones are told, and the next one is read."""
    screen = Screen(plain)
    loop = Loop(session, screen)
    typed = sys.stdin.isatty()  # then the terminal has shown the line already
    ending = Ending.DONE
    while ending is not Ending.LEAVE:
        try:
            line = read(CONTINUATION if session.unfinished else prompt_of(session.place()))
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            session.abandon()
            continue
        except UnicodeDecodeError as error:
            screen.say(f"this line is not text: {error.reason}")
            continue
        text = line.rstrip("\r\n")
        if not typed or not line:
            screen.say(text)
        if not line:
            break
        if not text.strip() and not session.unfinished:
            ending = loop.repeat() if typed else Ending.DONE
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
