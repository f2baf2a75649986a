"""What an expression is evaluated in: a session, or a copy of its machine at another time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pagefault_lab.lab.chronicle import Chronicle, Since
    from pagefault_lab.lab.history import History
    from pagefault_lab.lab.symbols import Symbols
    from pagefault_lab.machine.machine import Machine


class Scope(Protocol):
    """What an expression is evaluated in. A Session is one; `Then` is one for a copy of its machine.

    `history` and `chronicle` are those of the session; what they know is asked for up to the machine's step.
    """

    @property
    def machine(self) -> Machine: ...

    @property
    def symbols(self) -> Symbols: ...

    @property
    def variables(self) -> dict[str, int]: ...

    @property
    def history(self) -> History: ...

    @property
    def chronicle(self) -> Chronicle | Since: ...

    @property
    def last_value(self) -> int | None:
        """The number that `p` showed last."""


@dataclass(slots=True)
class Then:
    """A Scope at another time, or for an event: `machine` is a copy as it was then."""

    machine: Machine
    symbols: Symbols
    variables: dict[str, int]
    history: History
    chronicle: Chronicle | Since
    last_value: int | None
    event: Any = None  # an Event or an Origin, whose fields a pattern's condition names

    @classmethod
    def of(cls, scope: Scope, machine: Machine, variables: dict[str, int] | None = None) -> Then:
        """Everything as in `scope`, but this machine, and these variables if they were others then."""
        known = scope.variables if variables is None else variables
        return cls(machine, scope.symbols, known, scope.history, scope.chronicle, scope.last_value)
