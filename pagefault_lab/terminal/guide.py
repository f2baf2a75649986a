"""What someone who goes along at a prompt has to say: a lesson."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pagefault_lab.terminal.screen import PromptScreen


class Guide(Protocol):
    """Asked before every line. `typed_ahead` is the first one, if it was typed while the greeting was read."""

    typed_ahead: str

    def offered(self) -> str:
        """The line that Enter types where nothing is; "" for what it does at any prompt."""

    def where(self) -> Sequence[str]:
        """Where one stands, the most important first: it is always to be seen."""

    def screen(self, plain: bool) -> PromptScreen:
        """What the next line is shown on."""
