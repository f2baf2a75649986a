"""`whatif`: what would have to be different, found by trying."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pagefault_lab.commands import command
from pagefault_lab.commands.parameters import Access, Circumstance
from pagefault_lab.lab.formats import AS_IT_IS

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session


@command("whatif", group="explaining")
def whatif(session: Session, access: Access | None = None, circumstances: Circumstance = AS_IT_IS) -> Iterator[object]:
    """Try what would have to be different: for the last fault, or for an ACCESS that was not made.

    Every single change that could matter is made on a copy of the machine, and the step is executed there: bits of the
    table entries, what the TLB holds, the kind of access, CPL, CR0.WP; for other faults descriptors, gates, limits.
    Those after which it ends otherwise are listed, the smallest first, each with what it leads to. If none helps, pairs
    of changes are tried. The machine itself stays as it is.

      whatif                         the last fault, from just before it
      whatif fault 3                 an earlier one
      whatif cpl=0                   the same, had it been at CPL 0
      whatif write $esp              a write now, at the present CPL and CR0.WP
      whatif $esp write user         the same by a user, in the words of `walk`
      whatif read $esp cpl=3 wp=0    under circumstances of your choice
    """
    from pagefault_lab.lab.whatif import about_access, about_fault  # what is tried is loaded when it is asked for

    if access is None:
        yield about_fault(session, None, circumstances)
    else:
        yield about_access(session, access.kind, access.linear, circumstances)
