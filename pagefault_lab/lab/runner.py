"""Going on: step by step, told, or in runs that stop where something is to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING, Final

from pagefault_lab.lab.results import BranchedAway, Halted, Message, NotTold, Ran, Stopped
from pagefault_lab.machine.all_but import AllBut
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.machine import Stop
from pagefault_lab.machine.notices import What
from pagefault_lab.machine.registers import CS, IF
from pagefault_lab.machine.step import Interrupted, Retired, ShutDown, Step, Unsupported, Waiting

if TYPE_CHECKING:
    from pagefault_lab.lab.breakpoints import Breakpoint, Hit, Look
    from pagefault_lab.lab.session import Session
    from pagefault_lab.lab.typed_lines import TypedLine
    from pagefault_lab.worlds import StopPlace

SLICE: Final = 20_000  # steps between two looks at whether the user wants to stop
TRACED_SLICE: Final = 200  # the same while a trace is on: each takes a hundred times as long
TOLD: Final = 32  # steps of `si N` that are told one by one
TOLD_OF_LINE: Final = 8  # steps of a typed line, which may be a loop


class Runner:
    """Makes the machine of a session go on.

    `last` is the last step, if it was told; `interrupted` whether the user wants to stop, `spent` the steps of this
    line.
    It stops when these are `stop_at`: the number at which Ctrl-C was noticed, or at which that is to be repeated.
    `hits` are the breakpoints that stop it where it stands, of them the `errand` of the command that lets it run.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.last: Step | None = None
        self.interrupted = False
        self.spent = 0
        self.stop_at: int | None = None
        self.hits: tuple[Hit, ...] = ()
        self._errand: Breakpoint | None = None
        self._looked_at = -1  # the number of steps at which it was last looked whether to stop
        self._fault: Step | None = None  # one that delivered an exception: the last one that was asked for

    def forget(self) -> None:
        """The session stands elsewhere in time."""
        self.last = self._fault = None
        self.hits = ()

    def begin_line(self, stop_at: int | None = None) -> None:
        """A new line has its own budget."""
        self.interrupted = False
        self.spent = 0
        self.stop_at = stop_at
        self.hits = ()
        self._looked_at = -1

    @property
    def must_stop(self) -> Stopped | None:
        """Why this line may not go on, if so.

        The answer is the same as long as no step is made: so the number of steps tells all of when Ctrl-C came.
        """
        if self.interrupted and self._looked_at < self.spent:
            self.stop_at = self.spent if self.stop_at is None else min(self.spent, self.stop_at)
        self._looked_at = self.spent
        if self.stopped_at is not None:
            return Stopped.INTERRUPTED
        budget = self.session.budget
        return Stopped.BUDGET if budget is not None and self.spent >= budget else None

    @property
    def stopped_at(self) -> int | None:
        """How many steps this line had made when Ctrl-C stopped it; None if that has not happened."""
        return self.stop_at if self.stop_at is not None and self.stop_at <= self.spent else None

    @property
    def fault(self) -> Step | None:
        """The last step that delivered an exception, told in full; None if there was none."""
        event = self.session.chronicle.last(What.FAULT)
        if event is None:
            return None
        if self._fault is None or self._fault.number != event.step:
            self._fault = self.session.history.story(event.step)
        return self._fault

    # --- told steps

    def step(self) -> Step:
        """Make one step and remember it; in the past, once more."""
        session = self.session
        look = session.breakpoints.look(self._errand)
        self.last = step = session.machine.step(look.catch)
        if faulted(step):
            self._fault = step
        if not session.history.repeats:
            session.trace.take(step)
        self._made(look, int(did_something(step)))
        return step

    def _made(self, look: Look, steps: int) -> None:
        """So many steps were made: count them, see what stops them, and in the past do what the host did then."""
        session = self.session
        self.spent += steps
        hits = session.breakpoints.stopping(look) if steps else ()
        if session.history.repeats:
            session.history.catch_up()
        self.hits = hits

    def steps(self, count: int) -> Iterator[object]:
        """Make `count` steps and tell each; if they are many, only the last. In the past, up to the present."""
        session = self.session
        if session.history.repeats:
            yield from self._repeat_steps(count)
            return
        session.check_not_shut_down()
        journey = Journey(session)
        stands_still = self._stands_still(journey)
        if stands_still is not None:
            yield stands_still
            return
        session.changing()
        session.typed_lines.resume()
        for left in range(count, 0, -1):
            stopped = self.must_stop
            if stopped is None and left < count and session.code.ends_at_eip and not session.interrupt_is_next:
                stopped = Stopped.END_OF_TYPED
            if stopped is not None:
                yield journey.end(stopped)
                return
            step = self.step()
            restarted = session.typed_lines.settle(step)
            self._mark_time()
            if count <= TOLD or left == 1 or not goes_on(step) or self.hits:
                yield step
            if restarted is not None:
                yield restarted
            if self.hits:
                yield from self._end(journey, Stopped.ARRIVED)
                return
            if not goes_on(step):
                break
            yield from self._halted(step)
        if count > TOLD:
            yield journey.end(Stopped.ARRIVED)

    def _repeat_steps(self, count: int) -> Iterator[object]:
        """Make `count` steps once more, as they were made."""
        session = self.session
        session.moving()
        journey = Journey(session)
        for left in range(count, 0, -1):
            step = self.step()
            ends = self.hits or not session.history.in_past or self.must_stop
            if count <= TOLD or left == 1 or ends:
                yield step
            if ends:
                yield from self._end(journey, self.must_stop or Stopped.PRESENT)
                return
        if count > TOLD:
            yield journey.end(Stopped.ARRIVED)

    def _stands_still(self, journey: Journey) -> Ran | None:
        """What a run comes to that cannot make one step: nothing is typed here, or the processor is halted."""
        session = self.session
        if session.interrupt_is_next:
            return None
        if session.machine.cpu.halted:
            return journey.end(Stopped.WAITING)
        return journey.end(Stopped.END_OF_TYPED) if session.code.ends_at_eip else None

    def drive(self) -> Iterator[object]:
        """Execute the innermost typed line until it is finished or left. Its first steps are told, and the last."""
        session = self.session
        began = Journey(session)
        told = 0
        while (line := session.typed_lines.executing) is not None:
            if told >= TOLD_OF_LINE or self.must_stop is not None:
                journey = Journey(session)
                stopped = self._stay_in(line)
                if stopped is not None:
                    yield journey.end(stopped)
                    return
                if journey.steps > 1 and not session.trace.shows_all:
                    yield NotTold(journey.steps - 1)
                step = self._last_step()
            else:
                step = self.step()
                told += line.is_told
            if line.is_told or not isinstance(step.end, Retired):
                yield step
            restarted = session.typed_lines.settle(step)
            if restarted is not None:
                yield restarted
            if not goes_on(step):
                yield from self._told_hits()
                return
            yield from self._halted(step)
            if line.is_told and isinstance(step.end, Retired) and not step.deliveries and self._branched_away(line):
                yield BranchedAway(session.place())
            if self.hits:
                yield from self._end(began, Stopped.ARRIVED)
                return

    def _halted(self, step: Step) -> Iterator[Halted]:
        """What the step means, if it was the HLT after which the processor waits."""
        cpu = self.session.machine.cpu
        if cpu.halted and isinstance(step.end, Retired) and not self.session.interrupt_is_next:
            yield Halted(bool(cpu.eflags & IF))

    def _branched_away(self, line: TypedLine) -> bool:
        """Whether EIP is neither in typed code, nor where it stood before the line."""
        cpu = self.session.machine.cpu
        return not self.session.code.contains_eip and (cpu.segments[CS].selector, cpu.eip) != line.back_to

    def _stay_in(self, line: TypedLine) -> Stopped | None:
        """Go on without telling, up to the step that leaves a typed line or is stopped by a breakpoint; why not, if it
        stops before."""
        session = self.session
        inside = range(line.start, line.end)
        stop, self.hits = Stop.LIMIT, ()
        look = session.breakpoints.look(self._errand)
        while not self.hits and session.here in inside and session.ring == line.ring:
            stopped = self.must_stop
            if stopped is not None:
                return stopped
            stop = self._advance(self._at_most(SLICE), AllBut({*inside} - look.addresses), look, {What.RING})
            look.again()
            self._mark_time()
            if stop not in (Stop.LIMIT, Stop.ADDRESS, Stop.CAUGHT):
                break
        return {Stop.WAITING: Stopped.WAITING, Stop.UNSUPPORTED: Stopped.UNSUPPORTED}.get(stop)

    # --- runs

    def go(self, errand: Breakpoint | None = None, tell_arrival: bool = False) -> Iterator[object]:
        """Run until something stops it; the last value is a Ran that tells what.

        `errand` is what it is to run to; `tell_arrival` tells the step that has arrived.
        """
        session = self.session
        session.check_not_shut_down()
        journey = Journey(session)
        if not session.history.repeats:
            stands_still = self._stands_still(journey)
            if stands_still is not None:
                yield stands_still
                return
        self._errand = errand
        try:
            yield from (
                self._repeat(journey, tell_arrival) if session.history.repeats else self._go(journey, tell_arrival)
            )
        finally:
            self._errand = None

    def _go(self, journey: Journey, tell_arrival: bool) -> Iterator[object]:
        session = self.session
        session.changing()
        session.typed_lines.resume()
        place = self._world_stop()
        if place is not None and place.goes_on_to is not None and self._errand is None:
            yield from self._stop_of_world(place, journey)
            return
        while True:
            if session.typed_lines.executing is not None:
                unfinished = len(session.typed_lines.all)
                ended = got_on = False
                for value in self.drive():
                    yield value
                    got_on = got_on or (isinstance(value, Step) and isinstance(value.end, Retired))
                    ended = isinstance(value, Ran) or (isinstance(value, Step) and not goes_on(value))
                if ended:
                    return
                lines = session.typed_lines.all
                if len(lines) < unfinished:
                    yield journey.end(Stopped.RETIRED)
                    return
                if lines[-1].repeated:
                    yield journey.end(Stopped.SAME_FAULT)
                    return
                if got_on and self.last is not None and faulted(self.last):
                    yield journey.end(Stopped.NEXT_FAULT)
                    return
            stop = self._run(SLICE)
            if stop is Stop.SHUTDOWN:
                yield from self._shut_down(journey)
                return
            if stop is Stop.UNSUPPORTED:
                yield journey.end(Stopped.UNSUPPORTED, detail=session.machine.unsupported)
                return
            if self.hits:
                if tell_arrival and self._arrived:
                    yield self._last_step()
                restarted = session.typed_lines.arrive()
                if restarted is not None:
                    yield restarted
                yield from self._end(journey, Stopped.ARRIVED)
                return
            restarted = session.typed_lines.arrive()
            if restarted is not None:
                yield restarted
                yield journey.end(Stopped.RETIRED)
                return
            if session.typed_lines.executing is not None:
                continue
            place = self._world_stop()
            if place is not None:
                yield from self._stop_of_world(place, journey)
                return
            stopped = Stopped.END_OF_TYPED if session.code.ends_at_eip else self.must_stop
            if stopped is None and stop is Stop.WAITING:
                stopped = Stopped.WAITING
            if stopped is not None:
                yield journey.end(stopped)
                return

    def _repeat(self, journey: Journey, tell_arrival: bool) -> Iterator[object]:
        """`_go` along what is recorded, up to the present."""
        session = self.session
        session.moving()
        while True:
            self._run(SLICE)
            stopped = self.must_stop if session.history.in_past else Stopped.PRESENT
            if self.hits or stopped is not None:
                if tell_arrival and self._arrived:
                    yield self._last_step()
                yield from self._end(journey, stopped or Stopped.ARRIVED)
                return

    @property
    def _arrived(self) -> bool:
        """Whether the errand is done."""
        return any(hit.point is self._errand for hit in self.hits)

    def _end(self, journey: Journey, stopped: Stopped, detail: str = "") -> Iterator[object]:
        """The run is over: what has stopped it; `stopped` is why if no breakpoint has."""
        yield from self._told_hits()
        own = next((hit.point for hit in self.hits if hit.point.number), None)
        if own is not None and not self._arrived:
            stopped = own.stopped
        elif self._arrived:
            stopped = Stopped.ARRIVED
        yield journey.end(stopped, own.number if own is not None else None, detail)

    def _told_hits(self) -> Iterator[object]:
        """What the breakpoints tell that have stopped the run; their commands are due now."""
        session = self.session
        for point, evidence, problem in self.hits:
            if problem:
                yield Message(f"the condition of breakpoint {point.number} cannot be evaluated: {problem}", "warning")
            yield from point.tell(session, evidence)
            session.breakpoints.due += point.commands

    def _run(self, limit: int, *places: int) -> Stop:
        """Run a while without telling; comes back wherever `_go` has something to decide, or after `limit` steps."""
        session = self.session
        machine, repeats = session.machine, session.history.repeats
        stops = {*places, *session.code.ends(), *session.typed_lines.resumptions()}
        stops.update(place.address for place in session.world.stops)
        left = self._at_most(limit)
        stop, self.hits = Stop.LIMIT, ()
        look = session.breakpoints.look(self._errand)
        while left > 0 and session.history.repeats == repeats:
            before = machine.steps
            stop = self._advance(left, look.addresses | stops, look)
            self._mark_time()
            left -= machine.steps - before
            if self.hits or session.here in stops or stop not in (Stop.FAULT, Stop.ADDRESS, Stop.CAUGHT):
                break
            if repeats:
                look = session.breakpoints.look(self._errand)  # the host may have changed something
            else:
                look.again()
        return stop

    def _at_most(self, limit: int) -> int:
        """How many of so many steps this line may make before it must stop, or it is looked whether a mark is due."""
        bounds = (self.session.budget, self.stop_at)
        return min([limit, self.session.history.stride, *(each - self.spent for each in bounds if each is not None)])

    def _advance(self, limit: int, stops: Set[int], look: Look, catch: Set[What] = frozenset()) -> Stop:
        """Let the machine go on without telling, at most until it has delivered an exception, or done what is to be
        caught, or a breakpoint may hold; traced if that is on. `stops` has the addresses of breakpoints."""
        session = self.session
        machine, trace = session.machine, session.trace
        catch = look.catch | catch
        limit = 1 if look.each_step else limit
        before = machine.steps
        if session.history.repeats:
            stop = session.history.run(limit, stops, on_fault=True, catch=catch)
        elif trace.looks_at_each:
            stop = machine.run_told(min(limit, TRACED_SLICE), trace.take, stops, on_fault=True, catch=catch)
        else:
            stop = machine.run(limit, stops, on_fault=True, catch=catch)
            trace.passed(before)
        self.last = None
        self._made(look, machine.steps - before)
        return Stop.CAUGHT if look.each_step and stop is Stop.LIMIT else stop

    def _mark_time(self) -> None:
        """In a long run, leave a mark to come back to."""
        self.session.history.take_in_run()

    def _last_step(self) -> Step:
        """The step that a run ended with, told."""
        self.last = step = self.session.history.story(self.session.machine.steps - 1)
        return step

    def _world_stop(self) -> StopPlace | None:
        here = self.session.here
        return next((place for place in self.session.world.stops if place.address == here), None)

    def _stop_of_world(self, place: StopPlace, journey: Journey) -> Iterator[object]:
        """The world stops here; perhaps first after going on to where it is ready, back in typed code."""
        session = self.session
        if place.goes_on_to is None:
            yield journey.end(Stopped.WORLD, detail=place.sentence)
            return
        session.typed_lines.forget()
        self._errand = None
        while session.here != place.goes_on_to:
            stop = self._run(SLICE, place.goes_on_to)
            if stop is Stop.SHUTDOWN:
                yield from self._shut_down(journey)
                return
            if self.hits:
                yield from self._end(journey, Stopped.WORLD, place.sentence)
                return
            another = self._world_stop()  # it may never be ready: whatever starts a task may be what kills it
            if another is not None or self.must_stop is not None or stop in (Stop.UNSUPPORTED, Stop.WAITING):
                yield journey.end(Stopped.WORLD, detail=(another or place).sentence)
                return
        session.code.stand_at_end()
        session.changed_by_host()
        yield journey.end(Stopped.WORLD, detail=place.sentence)

    def _shut_down(self, journey: Journey) -> Iterator[object]:
        """The processor has given up in an untold step: this one is told."""
        self.session.typed_lines.forget()
        yield self._last_step()
        yield from self._told_hits()
        yield journey.end(Stopped.SHUTDOWN)


class Journey:
    """Counts what a run does."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.began = session.machine.steps
        self.exceptions = session.machine.cpu.exceptions

    @property
    def steps(self) -> int:
        return self.session.machine.steps - self.began

    def end(self, stopped: Stopped, breakpoint: int | None = None, detail: str = "") -> Ran:
        """The run is over."""
        exceptions = self.session.machine.cpu.exceptions - self.exceptions
        return Ran(self.steps, exceptions, stopped, self.session.place(), breakpoint, detail)


def faulted(step: Step) -> bool:
    """Whether the step delivered, or tried to deliver, an exception."""
    deliveries = step.end.deliveries if isinstance(step.end, Interrupted | ShutDown) else ()
    return any(delivery.source is Source.EXCEPTION for delivery in deliveries)


def did_something(step: Step) -> bool:
    """Whether the step changed anything at all."""
    return not isinstance(step.end, Waiting | Unsupported)


def goes_on(step: Step) -> bool:
    """Whether a next step can follow."""
    return not isinstance(step.end, Waiting | Unsupported | ShutDown)
