"""A step taken apart into its stages: runs of the events that the machine has recorded, none left out, none moved.

    fetch | an operand's segment and translation, the access | the rules of the instruction | the fault is raised |
    the rules that an entry of a table is judged by | that entry is read | what was chosen | each push | the new CS:EIP

A stage is what belongs together for a reader: rules that were judged one behind the other, or an access with the way
to it, and what the processor concluded from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from pagefault_lab.lab.frames import PUSHED_BY_CPU, RETURN, Slot, meanings
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.decoder import Instruction
from pagefault_lab.machine.delivery import CodeChosen, Delivery, GateRead, Pushed, StackChosen
from pagefault_lab.machine.events import Access, Check, Kind, Reason, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import DEBUG
from pagefault_lab.machine.operands import Register16, Register32, SegmentRegister
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import NAMES, NAMES_32, SEGMENT_NAMES
from pagefault_lab.machine.step import Step

CONCLUSIONS: Final = (GateRead, CodeChosen, StackChosen, Pushed)


class Stage(NamedTuple):
    """Some of a step's events, in their order. `attempt` is the index of the delivery that they belong to, None before
    one. Without events it is where the instruction was done, or where nothing could be done."""

    attempt: int | None
    events: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stages:
    """A step, stage by stage: the events of all stages are all the step's events."""

    told: Story
    stages: tuple[Stage, ...]


class StageShown(NamedTuple):
    """One stage of a step, by its index. `replayed` tells whether the step is one of the past, looked at once more; if
    not, it is made when its last stage is shown."""

    whole: Stages
    at: int
    replayed: bool

    @property
    def stage(self) -> Stage:
        return self.whole.stages[self.at]

    @property
    def is_last(self) -> bool:
        return self.at + 1 == len(self.whole.stages)

    @property
    def attempt(self) -> Delivery | None:
        """The delivery that the stage belongs to, as far as it had come with it; None if it belongs to none."""
        found = self.stage.attempt
        if found is None:
            return None
        delivery = self.whole.told.step.deliveries[found]
        made = tuple(self._of_attempt())
        if len(made) == len(delivery.events):
            return delivery
        return replace(delivery, events=made, failed=None, becomes="")

    @property
    def stack(self) -> tuple[Slot, ...]:
        """What the instruction, or this attempt to deliver, has pushed and popped so far, the highest address first."""
        told = self.whole.told
        symbols = told.names
        meaning_of = dict(meanings(told.step))
        popped = iter(_popped(told.step.instruction))
        slots = {}
        for event in self._of_attempt():
            match event:
                case Pushed(name, linear, value, size):
                    symbol = symbols.get(value, "") if name == "EIP" else ""
                    slots[linear] = Slot(linear, value, size, name, PUSHED_BY_CPU, symbol)
                case Access(reason=Reason.STACK, linear=linear, value=value, size=size) if self.stage.attempt is None:
                    if event.kind is Kind.WRITE:
                        meaning, by = meaning_of.get(linear, ""), told.text
                    else:
                        meaning, by = f"{next(popped, '')} (popped)".strip(), ""
                    slots[linear] = Slot(linear, value, size, meaning, by, symbols.get(value, ""))
        return tuple(slots[linear] for linear in sorted(slots, reverse=True))

    def _of_attempt(self) -> Iterator[Any]:
        """What has happened so far in the attempt that the stage belongs to, or before any."""
        for stage in self.whole.stages[: self.at + 1]:
            if stage.attempt == self.stage.attempt:
                yield from (event for event in stage.events if not isinstance(event, Delivery))


# what an instruction takes from the stack, in the order in which it does
_RETURN_FRAME: Final = ("EIP", "CS", "EFLAGS", "ESP", "SS")
_ALL_REGISTERS: Final = tuple(name for name in reversed(NAMES_32) if name != "esp")


def _popped(instruction: Instruction | None) -> Iterable[str]:
    """What an instruction pops, first popped first, as far as it has a name."""
    match (instruction.form.stem, instruction.operands) if instruction is not None else ("", ()):
        case "iret", _:
            return _RETURN_FRAME
        case "popa", _:
            return _ALL_REGISTERS
        case "pop", (Register32() | Register16() as destination,):
            return (NAMES[destination.size][destination.number],)
        case "pop", (SegmentRegister() as destination,):
            return (SEGMENT_NAMES[destination.number],)
        case "ret", _:
            return (RETURN,)
    return ()


def take_apart(told: Story) -> Stages:
    """The stages of a step."""
    return Stages(told, tuple(_stages(told.step)))


def _stages(step: Step) -> Iterator[Stage]:
    """Deliveries stand behind all else that a step does."""
    yield from (Stage(None, part) for part in _parts(step.own_events))
    deliveries = step.deliveries
    trapped = step.instruction is not None and bool(deliveries) and deliveries[0].fault == DEBUG
    if not deliveries or trapped:
        yield Stage(None, ())
    for attempt, delivery in enumerate(deliveries):
        yield Stage(attempt, (delivery,))
        yield from (Stage(attempt, part) for part in _parts(delivery.events))


def _parts(events: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Cut events where something new begins."""
    part: list[Any] = []
    for event in events:
        if part and _begins(event, part[-1]):
            yield tuple(part)
            part = []
        part.append(event)
    if part:
        yield tuple(part)


def _begins(event: Any, last: Any) -> bool:
    """Whether an event begins a stage, rather than going on with that of the `last` one."""
    match event:
        case GateRead() | CodeChosen() | StackChosen() | Pushed():
            return isinstance(last, CONCLUSIONS)
        case Check():
            return not isinstance(last, Check)
        case SegmentAccess() | PageWalk() | TlbHit() | Access():
            return not (isinstance(last, SegmentAccess | PageWalk | TlbHit) or _continues(event, last))
    return True


def _continues(event: Any, last: Any) -> bool:
    """Whether an access, or the way to it, is for the next bytes of an entry whose first bytes were just read."""
    return (
        isinstance(last, Access)
        and last.reason is Reason.TABLE
        and last.kind is Kind.READ
        and event.linear == last.linear + last.size
    )
