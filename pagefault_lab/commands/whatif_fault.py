"""`whatif fault`: what would have had to be different at an earlier fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Circumstance, Count
from pagefault_lab.lab.formats import AS_IT_IS

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("whatif fault", group="explaining")
def whatif_fault(
    session: Session, number: Count | None = None, circumstances: Circumstance = AS_IT_IS
) -> Iterator[object]:
    """Try what would have had to be different for the fault of that NUMBER in the history; the last one without.

    `timeline` and `why fault` number them alike. As in `whatif`, each change is made on a copy of the machine, from
    just before that step: `whatif fault 1 cpl=0`.
    """
    from pagefault_lab.lab.whatif import about_fault

    yield about_fault(session, number, circumstances)
