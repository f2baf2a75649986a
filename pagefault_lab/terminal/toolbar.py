"""The line at the bottom of the screen: ring, EIP, CR3 and how many steps were made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pagefault_lab.terminal.opening import Glimpse

SHOWN_KEYS: Final = ("F7 si, F8 back", "F10 layout")


def toolbar(glimpse: Glimpse, width: int) -> str:
    """As much of it as fits, the most important first."""
    parts = (
        f"CPL {glimpse.ring}",
        f"eip {glimpse.eip:#010x}",
        f"cr3 {glimpse.cr3:#010x}",
        f"step {glimpse.steps:,}",
        f"world {glimpse.world}",
        *SHOWN_KEYS,
    )
    return fitting(parts, width)


def fitting(parts: Iterable[str], width: int) -> str:
    """The first of these parts, as many as fit into a width."""
    shown = ""
    for part in parts:
        if len(shown) + len(part) + 2 > width:
            break
        shown += f"  {part}" if shown else f" {part}"
    return shown
