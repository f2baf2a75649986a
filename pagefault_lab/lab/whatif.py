"""What would have to be different: changes are made on copies of the machine, and the step is executed on each.

Every single change that could matter is tried, and those after which the step ends otherwise are kept. If none of them
makes it end better, pairs are tried; pairs of bits of the page tables also where only another privilege would help.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from pagefault_lab.lab import authors
from pagefault_lab.lab.candidates import candidates
from pagefault_lab.lab.explain import fault_in
from pagefault_lab.lab.hypotheses import (
    EntryBits,
    Hypothesis,
    OtherAccess,
    PageMapped,
    TranslationDropped,
    let_nothing_come_before,
    make_flat,
    set_privilege,
)
from pagefault_lab.lab.story import Story, tell
from pagefault_lab.lab.walks import covering, is_refused, walk_now
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.events import Kind, SegmentAccess
from pagefault_lab.machine.faults import Fault, FaultRaised
from pagefault_lab.machine.registers import DS, PG, WP
from pagefault_lab.machine.step import Interrupted, Retired, ShutDown, Step, Unsupported, Waiting
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.formats import Circumstances
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

MOST_PAIRS: Final = 1000


class Ending(Enum):
    """How a step ended."""

    COMPLETES = "completes"
    HANDLER = "handler"  # of an exception
    UNSUPPORTED = "unsupported"
    SHUTDOWN = "shutdown"


class Outcome(NamedTuple):
    """How a step ended, and all faults that were raised on the way, in order. `step` is the whole of it."""

    ending: Ending
    faults: tuple[Fault, ...]
    step: Step

    def same_as(self, other: Outcome) -> bool:
        """Whether the processor judged the same."""
        return (self.ending, self.faults) == (other.ending, other.faults)

    def better_than(self, other: Outcome) -> bool:
        """Whether it comes nearer to completing: fewer faults on the way to a handler, or none."""
        return self._distance < other._distance

    @property
    def _distance(self) -> tuple[int, int]:
        return list(Ending).index(self.ending), len(self.faults)


class Trial(NamedTuple):
    """Changes made together, and what the step then led to."""

    changes: tuple[Hypothesis, ...]
    outcome: Outcome


class SupposedAccess(NamedTuple):
    """An access that nobody has made, to one byte at a linear address; without `paging` nothing judges it."""

    kind: Kind
    linear: int
    symbol: str
    cpl: int
    write_protect: bool
    paging: bool


class WhatIf(NamedTuple):
    """What a step leads to, and what it would lead to after changes: `better` and `otherwise`, the smallest first.

    `asked` is None if the step is one that faulted. `assumed` was said to be otherwise from the outset.
    `singles` and `pairs` are how many were tried.
    """

    asked: SupposedAccess | None
    assumed: Circumstances
    story: Story
    outcome: Outcome
    better: tuple[Trial, ...]
    otherwise: tuple[Trial, ...]
    singles: int
    pairs: int


# --- the two questions


def about_fault(session: Session, number: int | None, circumstances: Circumstances) -> WhatIf:
    """What the step of the last fault, or of the one of that number, led to: on copies from just before it."""
    step = fault_in(session, number, "whatif write 0 asks about an access that was not made")
    machine = session.history.machine_at(step.number)
    _assume(machine, circumstances)
    blamed = [authors.of_failure(session, attempt, step.number) for attempt in step.deliveries]
    stacks = [each.origin.before for each in blamed if each is not None and each.what == "ESP0"]
    return _answer(session, Experiment(machine, stacks=stacks), None, circumstances)


def about_access(session: Session, kind: Kind, linear: int, circumstances: Circumstances) -> WhatIf:
    """What an access would lead to that is not made: from the present, by flat segments, with nothing else pending."""
    machine = session.machine.copy()
    cpu = machine.cpu
    _assume(machine, circumstances)
    let_nothing_come_before(cpu)
    make_flat(cpu, DS)
    symbol = session.symbols.name(linear) or ""
    asked = SupposedAccess(kind, linear, symbol, cpu.cpl, bool(cpu.cr0 & WP), bool(cpu.cr0 & PG))
    access = OtherAccess(DS, linear, linear, 1, kind, kind)
    return _answer(session, Experiment(machine, access), asked, circumstances)


def _assume(machine: Machine, circumstances: Circumstances) -> None:
    cpu = machine.cpu
    if circumstances.cpl is not None:
        set_privilege(cpu, circumstances.cpl)
    if circumstances.write_protect is not None:
        cpu.write_cr0(cpu.cr0 | WP if circumstances.write_protect else cpu.cr0 & ~WP)


def _answer(session: Session, experiment: Experiment, asked: SupposedAccess | None, assumed: Circumstances) -> WhatIf:
    base = experiment.base
    trials = experiment.trials()
    better = tuple(trial for trial in trials if trial.outcome.better_than(base))
    otherwise = tuple(trial for trial in trials if not trial.outcome.better_than(base))
    story = tell(base.step, session.symbols.name)
    return WhatIf(asked, assumed, story, base, better, otherwise, len(experiment.singles), experiment.pairs)


# --- trials


class Experiment:
    """The next step of a machine, executed again and again on copies that differ.

    `asked`, if given, is an access to be made in the place of that step; `stacks` are ESPs that the TSS held before.
    `base` is how it ends as the machine is, `singles` what every single change that could matter leads to, `pairs` how
    many of those were tried so far.
    """

    def __init__(self, machine: Machine, asked: OtherAccess | None = None, stacks: Sequence[int] = ()) -> None:
        self.machine = machine
        self.asked = asked
        self.stacks = stacks
        base = self.outcome()
        assert base is not None
        self.base = base
        self.access = asked or _access(machine, base.step)
        tried = {each: self.outcome(each) for each in self._candidates(base.step)}
        self.singles = {each: outcome for each, outcome in tried.items() if outcome is not None}
        self.pairs = 0

    def outcome(self, *changes: Hypothesis) -> Outcome | None:
        """What the step leads to after changes; None if they cannot be made together."""
        try:
            copy = self._changed(changes)
            access = next((each for each in changes if isinstance(each, OtherAccess)), self.asked)
            if access is not None:
                access.apply(copy)
        except (Problem, FaultRaised):  # a table that is not mapped any more, a selector that cannot be loaded
            return None
        return outcome_of(copy.step())

    def trials(self) -> list[Trial]:
        """The changes after which the step ends otherwise, the smallest first.

        Pairs are tried if no single change helps. What a repair of the page tables would be is told in any case: of
        bits that help only together, too, and of a page where there is none.
        """
        alone = [Trial((each,), outcome) for each, outcome in self.singles.items() if not outcome.same_as(self.base)]
        found = [*alone, *self._flushed()]
        if self.base.ending is Ending.COMPLETES:
            return found
        helpful = [trial.changes[0] for trial in found if trial.outcome.better_than(self.base)]
        if not helpful:
            found += self._pairs()
        elif not any(isinstance(each, EntryBits) for each in helpful):
            found += self._pairs((EntryBits,))
        return [*found, *self._mapped()]

    def _changed(self, changes: Iterable[Hypothesis]) -> Machine:
        copy = self.machine.copy()
        for each in changes:
            if not isinstance(each, OtherAccess):  # that is prepared when all else is in its place
                each.apply(copy)
        return copy

    def _candidates(self, step: Step, *changes: Hypothesis) -> list[Hypothesis]:
        """What else could matter to the step that changes have led to."""
        linear = self.asked.linear if self.asked is not None else None
        return candidates(self._changed(changes), step, linear, self.access, self.stacks)

    def _flushed(self) -> Iterator[Trial]:
        """An entry changed and the page dropped from the TLB, as a kernel does both, where neither alone is enough."""
        drops = [each for each in self.singles if isinstance(each, TranslationDropped)]
        entries = [each for each in self.singles if isinstance(each, EntryBits)]
        for drop, bits in product(drops, entries):
            outcome = self.outcome(bits, drop)
            if outcome is None or outcome.same_as(self.base):
                continue
            alone = self.singles[bits], self.singles[drop]
            if all(each.same_as(self.base) for each in alone) or all(outcome.better_than(each) for each in alone):
                yield Trial((bits, drop), outcome)

    def _pairs(self, kinds: tuple[type, ...] = (object,)) -> Iterator[Trial]:
        """Pairs of changes of these kinds that help: each with those that could matter after it."""
        tried: set[frozenset[Hypothesis]] = set()
        for first, led_to in self.singles.items():
            if not isinstance(first, kinds):
                continue
            for second in self._candidates(led_to.step, first):
                pair = frozenset((first, second))
                if pair in tried or first.place == second.place or not isinstance(second, kinds):
                    continue
                if self.pairs == MOST_PAIRS:
                    return
                tried.add(pair)
                self.pairs += 1
                outcome = self.outcome(first, second)
                if outcome is not None and outcome.better_than(self.base):
                    yield Trial((first, second), outcome)

    def _mapped(self) -> Iterator[Trial]:
        """A page where there is none: several bits, and a frame. Where another fault came first, only if it helps."""
        pages = {event.linear for event in self.base.step.all_events() if is_refused(event)}
        for linear in sorted(pages):
            verdict = walk_now(self.machine, linear).verdict
            if verdict is not None and verdict.bit == "P":
                outcome = self.outcome(PageMapped(linear))
                if outcome is None or outcome.same_as(self.base):
                    continue
                if outcome.better_than(self.base) or linear == self.base.faults[0].linear:
                    yield Trial((PageMapped(linear),), outcome)


def outcome_of(step: Step) -> Outcome:
    """How a step ended, as far as the processor judged it."""
    faults = []
    for delivery in step.deliveries:
        if delivery.source is Source.EXCEPTION:
            faults.append(delivery.fault)
        if delivery.failed is not None and delivery.becomes:  # else it is delivered itself
            faults.append(delivery.failed)
    return Outcome(_ending(step, bool(faults)), tuple(faults), step)


def _ending(step: Step, faulted: bool) -> Ending:
    match step.end:
        case Retired() | Waiting():
            return Ending.COMPLETES
        case Interrupted():
            return Ending.HANDLER if faulted else Ending.COMPLETES  # an external interrupt was taken
        case ShutDown():
            return Ending.SHUTDOWN
        case Unsupported():
            return Ending.UNSUPPORTED
    raise AssertionError


def _access(machine: Machine, step: Step) -> OtherAccess | None:
    """The access of the instruction itself that was refused, where it matters which kind it is; None if none was."""
    own = step.own_events
    refused = next((event for event in own if is_refused(event)), None)
    reached = [event for event in own if isinstance(event, SegmentAccess)]
    if refused is not None:
        kind, linear = refused.kind, refused.linear
        if kind is Kind.FETCH:
            return OtherAccess(DS, linear, linear, 1, kind, kind)
        access = covering(own, linear)
        if access is None:
            return None
        return OtherAccess(access.segment, access.offset, access.linear, access.size, kind, kind)
    for event in reached:
        if event.fault is not None:
            hidden = machine.cpu.segments[event.segment]
            kinds = [
                kind
                for kind in (Kind.READ, Kind.WRITE)
                if hidden.refusal(event.segment, event.offset, event.size, kind) == (event.rule, event.fault)
            ]
            if len(kinds) == 1:
                return OtherAccess(event.segment, event.offset, event.linear, event.size, kinds[0], kinds[0])
    return None
