"""What all breakpoints have in common, and a look at what happens while a machine goes on."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pagefault_lab.lab.results import Stopped
from pagefault_lab.machine.effort import EFFORT, LOOK
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.breakpoints import Breakpoints
    from pagefault_lab.lab.expressions import Expression
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine
    from pagefault_lab.machine.notices import What
    from pagefault_lab.machine.watches import Watch


class Asked(NamedTuple):
    """What a machine is asked for: to come back at these linear addresses, behind an access to what is watched, behind
    what the processor does of these kinds; or behind `each_step`."""

    addresses: frozenset[int] = frozenset()
    watches: tuple[Watch, ...] = ()
    catch: frozenset[What] = frozenset()
    each_step: bool = False


NOTHING = Asked()


class Breakpoint:
    """What stops a run. It has a number once it is one of a session's `breakpoints`.

    `reached` are the numbers of steps that the machine had made when its condition held; of these the first
    `ignored_up_to` do not stop. `commands` are lines that are executed when it has stopped a run. A `temporary` one
    goes when it has. `module` is the kernel module that it lies in, "" for none.
    """

    title: ClassVar = "breakpoint"
    stopped: ClassVar = Stopped.BREAKPOINT
    goes_before: ClassVar = 0  # steps that reverse-continue goes further back: 1 to stand before the step that did it

    def __init__(self, temporary: bool = False, condition: Expression | None = None) -> None:
        self.number = 0
        self.breakpoints: Breakpoints | None = None
        self.temporary = temporary
        self.condition = condition
        self.enabled = True
        self.reached: array[int] = array("Q")
        self.ignored_up_to = 0
        self.commands: tuple[str, ...] = ()
        self.module = ""

    # --- of each kind

    @property
    def what(self) -> str:
        """What it waits for, as one would type it."""
        raise NotImplementedError

    @property
    def address(self) -> int | None:
        """Where that lies in memory, if it does."""
        return None

    @property
    def is_physical(self) -> bool:
        """Whether that is a physical address."""
        return False

    @property
    def remark(self) -> str:
        """What else there is to know of it."""
        return ""

    def asks(self, machine: Machine) -> Asked:
        """What the machine must be asked for now."""
        raise NotImplementedError

    def asks_anew(self, machine: Machine) -> bool:
        """Whether that may be something else now that the machine has come back; nobody else has changed anything."""
        return False

    def known(self, scope: Scope) -> Any:
        """What must be known before the machine goes on."""
        return None

    def happened(self, scope: Scope, known: Any) -> Any:
        """What has happened here, or in the step that led here, that it waits for; None for nothing."""
        raise NotImplementedError

    def tell(self, session: Session, evidence: Any, step: int = -1) -> Iterator[object]:
        """What a hit comes to, beside that the run has stopped; `step` is the one that led there, -1 the last one."""
        return iter(())

    # --- conditions and counts

    def holds(self, scope: Scope) -> tuple[bool, str]:
        """Whether its condition allows to stop, and what is wrong with it. One that cannot be evaluated does allow it,
        so that it is noticed; not one that asks about what has not happened."""
        if self.condition is None:
            return True, ""
        try:
            return self.condition.holds(scope), ""
        except Problem as problem:
            return True, problem.sentence

    @property
    def hits(self) -> int:
        """How often it was hit up to where the session stands in time."""
        assert self.breakpoints is not None
        return bisect_right(self.reached, self.breakpoints.session.machine.steps)

    @property
    def ignoring(self) -> int:
        """How many hits more will not stop a run."""
        return max(0, self.ignored_up_to - self.hits)

    @property
    def was_hit_here(self) -> bool:
        """Whether the newest of those hits is where the session stands in time."""
        assert self.breakpoints is not None
        return self.hits > 0 and self.reached[self.hits - 1] == self.breakpoints.session.machine.steps

    def ignore(self, count: int) -> None:
        """The next `count` hits, from where the session stands in time, do not stop a run."""
        self.ignored_up_to = self.hits + count

    def count(self, steps: int) -> bool:
        """It is hit when the machine has made so many steps, perhaps once more in the past; whether that stops."""
        place = bisect_left(self.reached, steps)
        if self.reached[place : place + 1] != array("Q", (steps,)):
            self.reached.insert(place, steps)
        return place >= self.ignored_up_to

    def split(self, steps: int) -> array[int]:
        """Take out the hits that came later."""
        place = bisect_right(self.reached, steps)
        ahead = self.reached[place:]
        del self.reached[place:]
        return ahead


class Hit(NamedTuple):
    """One that holds; `evidence` is what has happened. `problem` is why its condition could not be evaluated, or ""."""

    point: Breakpoint
    evidence: Any
    problem: str


class Look:
    """What a machine is asked for before it goes on, and afterwards what of that has happened."""

    __slots__ = ("_known", "_points", "_scope", "addresses", "catch", "each_step")

    def __init__(self, points: Sequence[Breakpoint], scope: Scope) -> None:
        self._scope = scope
        self._points = points
        self._ask()

    def again(self) -> None:
        """The machine has come back, and goes on at once."""
        machine = self._scope.machine
        if any(point.asks_anew(machine) for point in self._points):
            self._ask()
        else:
            self._known = [point.known(self._scope) for point in self._points]

    def _ask(self) -> None:
        machine = self._scope.machine
        asked = [point.asks(machine) for point in self._points]
        self.addresses: frozenset[int] = frozenset().union(*[each.addresses for each in asked])
        self.catch: frozenset[What] = frozenset().union(*[each.catch for each in asked])
        self.each_step = any(each.each_step for each in asked)
        watches = tuple([watch for each in asked for watch in each.watches])
        if watches != machine.cpu.watches.all:
            machine.cpu.watch(watches)
        self._known = [point.known(self._scope) for point in self._points]

    def hits(self) -> list[Hit]:
        """Those that hold now."""
        EFFORT.spend(LOOK * len(self._points))
        found = []
        for point, known in zip(self._points, self._known, strict=True):
            evidence = point.happened(self._scope, known)
            if evidence is not None:
                holds, problem = point.holds(self._scope)
                if holds:
                    found.append(Hit(point, evidence, problem))
        return found
