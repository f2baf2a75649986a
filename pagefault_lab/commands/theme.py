from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.lab.theme import ThemeChosen, ThemeName

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("theme", group="session")
def theme(session: Session, name: ThemeName | None = None) -> Iterator[object]:
    """Draw the screen in the colours of a theme, or say which themes there are.

      theme light           on a light background
      theme blue-orange     safe for colour-blind eyes
      theme mono            no colour at all

    What is chosen at the prompt is remembered for the next sessions. `pagefault-lab --theme NAME` begins with another
    one, and so does the variable PAGEFAULT_LAB_THEME of the environment. No meaning is in a colour alone.
    """
    yield ThemeChosen(name)
