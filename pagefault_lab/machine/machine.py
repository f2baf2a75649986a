"""The machine: processor, memory and ports, and two ways to go on: `step`, which tells all, and `run`, which is fast.

Both execute the same declarations; only the observer differs. Between them are `record`, a run that writes a journal,
and `run_told`, a run that tells each step. Time is the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Set
from contextlib import suppress
from enum import Enum
from typing import Any, Final

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.decoder import Instruction, decode
from pagefault_lab.machine.delivery import Delivery, Source, deliver
from pagefault_lab.machine.devices import Ports
from pagefault_lab.machine.effort import A_RUN, COPIED_FRAME, COPY, EFFORT, TOLD
from pagefault_lab.machine.events import Access, Kind, Reason
from pagefault_lab.machine.faults import DEBUG, Fault, FaultRaised, NotSimulated, general_protection
from pagefault_lab.machine.memory import Memory
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.machine.registers import CS, ECX, MASK, RF
from pagefault_lab.machine.step import End, Interrupted, Retired, ShutDown, Step, Unsupported, Waiting, changes, visible

MEGABYTE: Final = 1 << 20
SINGLE_STEP: Final = 0x4000  # DR6.BS
HOT: Final = 30  # arrivals at an address before the code there is translated
NEVER_HOT: Final = -(1 << 60)


class Stop(Enum):
    """Why `run` came back."""

    LIMIT = "the limit of steps was reached"
    ADDRESS = "an address to stop at was reached"
    FAULT = "an exception was delivered"
    WAITING = "the processor is halted"
    SHUTDOWN = "the processor is shut down"
    CAUGHT = "something was done that the host waits for"
    UNSUPPORTED = "something that is not simulated"


Listener = Callable[[int, int, Notice], object]  # number of the step, linear address of its instruction, what it did


class Machine:
    """A PC as far as it matters here. It starts as `Cpu` does, at CPL 0 with null segments; a world sets it up.

    `listener` is told whatever is worth a line in a timeline, when the step that did it has been made.
    """

    def __init__(self, memory_size: int = 32 * MEGABYTE) -> None:
        self.memory = Memory(memory_size)
        self.ports = Ports()
        self.cpu = Cpu(self.memory, self.ports)
        self.steps = 0
        self.hot = HOT
        self.unsupported = ""  # what a stop for UNSUPPORTED was about
        self.caught: tuple[Notice | Access, ...] = ()  # and what one for CAUGHT
        self.listener: Listener | None = None
        self._catching: Container[What] = ()

    def copy(self) -> Machine:
        """A machine of its own in the same state; it knows nothing of checkpoints, and translates code anew."""
        copy = Machine(self.memory.size)
        copy.memory.frames = [None if words is None else words[:] for words in self.memory.frames]
        EFFORT.spend(COPY + COPIED_FRAME * (len(copy.memory.frames) - copy.memory.frames.count(None)))
        copy.steps = self.steps
        copy.ports.restore(self.ports.save())
        copy.cpu.restore(self.cpu.save())
        return copy

    def interrupt(self, vector: int) -> None:
        """Request an external interrupt: it waits until IF allows it."""
        self.cpu.pending.append(vector)

    # --- one step

    def step(self, catch: Container[What] = ()) -> Step:
        """Execute one instruction, or take a waiting interrupt, and tell everything about it; `caught` as for `run`."""
        EFFORT.spend(TOLD)
        cpu = self.cpu
        self._catching = catch
        number, cs, eip, cpl = self.steps, cpu.segments[CS], cpu.eip, cpu.cpl
        before = visible(cpu)
        events: list[Any] = []
        cpu.look_with(events)
        unsupported = ""
        try:
            instruction = self._advance()
        except NotSimulated as missing:
            instruction, unsupported = None, str(missing)
        finally:
            cpu.look_with(None)
        self._settle(bool(unsupported))
        deliveries = tuple(
            event for event in events if isinstance(event, Delivery) and event.source is not Source.SOFTWARE
        )
        end: End
        if unsupported:
            end = Unsupported(unsupported)
        elif cpu.shutdown:
            end = ShutDown(deliveries)
        elif deliveries:
            end = Interrupted(deliveries)
        elif instruction is None:
            end = Waiting()
        else:
            end = Retired()
        return Step(
            number, cs.selector, eip, cs.base + eip & 0xFFFFFFFF, cpl, instruction, tuple(events),
            changes(before, visible(cpu)), end,
        )  # fmt: skip

    def _advance(self) -> Instruction | None:
        """One step. None if no instruction was fetched; raises NotSimulated with nothing done."""
        cpu = self.cpu
        if cpu.shutdown:
            return None
        cpu.start = cpu.eip
        if cpu.trapping:
            self._trap()
            self.steps += 1
            return None
        if cpu.pending and cpu.interruptible:
            deliver(cpu, Fault(cpu.pending[0]), Source.EXTERNAL)
            cpu.pending.pop(0)
            self.steps += 1
            return None
        if cpu.halted:
            return None
        shadow, cpu.shadow = cpu.shadow, 0
        cpu.trapping = cpu.single_stepping
        instruction: Instruction | None = None
        try:
            try:
                instruction = self._fetch()
                cpu.eip = cpu.eip + instruction.length & 0xFFFFFFFF
                if instruction.repeat and instruction.form.repeat:
                    self.iterate(instruction)
                else:
                    instruction.execute(cpu)
            except FaultRaised as raised:
                cpu.eip = cpu.start
                deliver(cpu, raised.fault)
                self.steps += 1
                return instruction
        except NotSimulated:
            cpu.eip, cpu.shadow, cpu.trapping = cpu.start, shadow, False
            raise
        self.steps += 1
        cpu.retired += 1
        if cpu._eflags & RF and instruction.form.name != "iret":
            cpu._eflags &= ~RF
        if cpu.shadow == 2:
            cpu.trapping = False
        if cpu.trapping:
            with suppress(NotSimulated):  # the instruction is done: the next step says that its trap is not
                self._trap()
        return instruction

    def _settle(self, undone: bool = False) -> bool:
        """The last step is made (or `undone`): tell what was noticed in it; whether it is what the host waits for."""
        cpu, listener = self.cpu, self.listener
        self.memory.leaving.clear()
        caught: list[Notice | Access] = [*cpu.seen]
        for notice in cpu.notices:
            if listener is not None and not undone:
                listener(self.steps - 1, notice.base + cpu.start & 0xFFFFFFFF, notice)
            if notice.what in self._catching:
                caught.append(notice)
        cpu.notices.clear()
        cpu.seen.clear()
        self.caught = () if undone else tuple(caught)
        return bool(self.caught)

    def _trap(self) -> None:
        """The single-step trap behind an instruction."""
        cpu = self.cpu
        cpu.debug[6] |= SINGLE_STEP
        deliver(cpu, DEBUG)
        cpu.trapping = False

    def iterate(self, instruction: Instruction) -> None:
        """One iteration of a repeated string instruction, an instruction of its own: EIP stays until the last."""
        cpu = self.cpu
        mask = MASK[instruction.address_size]
        count = cpu.registers[ECX] & mask
        if count:
            instruction.execute(cpu)
            cpu.registers[ECX] = cpu.registers[ECX] & ~mask | count - 1
            found = instruction.form.repeat == "repe" and cpu.zero != (instruction.repeat == "rep")
            if count > 1 and not found:
                cpu.eip = cpu.repeating = cpu.start
                return
        cpu.repeating = -1

    def _fetch(self) -> Instruction:
        """Fetch and decode the instruction at CS:EIP, byte by byte through segmentation and paging."""
        cpu = self.cpu
        memory = self.memory
        cs = cpu.segments[CS]
        default_size = 4 if cs.big else 2
        user = cpu.cpl == 3
        linear = cs.base + cpu.eip & 0xFFFFFFFF
        if cpu.eip > cs.limit:
            cpu.require("EIP lies inside CS", False, general_protection(0), EIP=cpu.eip, limit=cs.limit)
        physical = cpu.translate(linear, Kind.FETCH, user)
        code = memory.code.get(physical >> 12)
        instruction: Instruction | None = None
        if code is not None:
            cpu.remember_code(linear >> 12, code)
            instruction = code.decoded.get((physical & 0xFFF, default_size))
        if instruction is None or cpu.eip + instruction.length - 1 > cs.limit:
            instruction = self._decode(linear, physical, default_size)
        if cpu.recorder is not None:
            length = instruction.length
            value = int.from_bytes(instruction.bytes, "little")
            cpu.recorder.append(Access(Reason.FETCH, Kind.FETCH, linear, physical, length, value, None))
        return instruction

    def _decode(self, linear: int, physical: int, default_size: int) -> Instruction:
        """Decode from memory, and keep the result with the frame if the instruction lies in one."""
        cpu = self.cpu
        memory = self.memory
        memory.make_room_for_code()
        cs = cpu.segments[CS]
        user = cpu.cpl == 3
        taken = 0
        place = physical

        def next_byte() -> int:
            nonlocal taken, place
            if cpu.eip + taken & 0xFFFFFFFF > cs.limit:
                cpu.require("the instruction lies inside CS", False, general_protection(0), EIP=cpu.eip, limit=cs.limit)
            address = linear + taken & 0xFFFFFFFF
            if taken and not address & 0xFFF:
                place = cpu.translate(address, Kind.FETCH, user) - taken
            taken += 1
            return memory.read(place + taken - 1, 1)

        instruction = decode(next_byte, default_size)
        self.keep_decoded(physical, default_size, instruction)
        return instruction

    def keep_decoded(self, physical: int, default_size: int, instruction: Instruction) -> None:
        """Keep a decoded instruction with its frame, if it lies in one."""
        offset = physical & 0xFFF
        number = physical >> 12
        if offset + instruction.length > 4096 or not self.memory.exists(number):
            return
        self.memory.code_of(number).keep(offset, default_size, instruction, instruction.length)
        self.cpu.forget_writes()

    # --- many steps

    def run(
        self, limit: int, stops: Set[int] = frozenset(), on_fault: bool = False, catch: Container[What] = ()
    ) -> Stop:
        """Go on for at most `limit` steps; stop when EIP's linear address is in `stops`, before executing it.

        The first step is made even if it starts at such an address. `on_fault` stops after an exception's delivery, and
        a step stops that does one of `catch`, or an access that `Cpu.watch` asked for: `caught` has them.
        """
        return self._run(limit, stops, on_fault, catch)

    def record(self, limit: int, journal: list[Any], stops: Set[int] = frozenset(), on_fault: bool = False) -> Stop:
        """Like `run`, with everything written down in `journal`; `journal.records` reads it.

        Each step appends a plain tuple (EIP, flags as `Cpu.lazy` or EFLAGS, EAX to EDI) of what was before it, and
        behind that the events that it caused.
        """
        self.cpu.look_with(journal, journaling=True)
        try:
            return self._run(limit, stops, on_fault, journal=journal)
        finally:
            self.cpu.look_with(None)

    def run_told(
        self,
        limit: int,
        take: Callable[[Step], object],
        stops: Set[int] = frozenset(),
        on_fault: bool = False,
        catch: Container[What] = (),
    ) -> Stop:
        """Like `run`, with everything told: each step is given to `take` when it has been made."""
        return self._run(limit, stops, on_fault, catch, take=take)

    def _run(
        self,
        limit: int,
        stops: Set[int],
        on_fault: bool,
        catch: Container[What] = (),
        journal: list[Any] | None = None,
        take: Callable[[Step], object] | None = None,
    ) -> Stop:
        before = self.steps
        try:
            return self._go_on(limit, stops, on_fault, catch, journal, take)
        finally:
            EFFORT.spend(A_RUN + self.steps - before)

    def _go_on(
        self,
        limit: int,
        stops: Set[int],
        on_fault: bool,
        catch: Container[What],
        journal: list[Any] | None,
        take: Callable[[Step], object] | None,
    ) -> Stop:
        cpu = self.cpu
        exceptions = cpu.exceptions
        first, last = self.steps, self.steps + limit
        self.unsupported = ""
        self.caught = ()
        self._catching = catch
        arrived = True  # EIP is where a block may begin: the run's start and behind that, or behind a transfer
        while self.steps < last:
            if cpu.shutdown:
                return Stop.SHUTDOWN
            if cpu.halted and not (cpu.pending and cpu.interruptible):
                return Stop.WAITING
            before = self.steps
            if take is not None:
                step = self.step(catch)
                if isinstance(step.end, Unsupported):
                    self.unsupported = step.end.what
                    return Stop.UNSUPPORTED
                take(step)
            elif not (cpu.shadow or cpu.pending or cpu.must_step):
                if arrived:
                    self._warm(stops)
                self._run_blocks(last, stops)
                if self.unsupported:
                    self._settle(undone=True)
                    return Stop.UNSUPPORTED
            arrived = True
            if self.steps == before:
                if journal is not None:
                    journal.append((cpu.eip, cpu.lazy or cpu.eflags, *cpu.registers))
                try:
                    instruction = self._advance()
                except NotSimulated as missing:
                    self.unsupported = str(missing)
                    self._settle(undone=True)
                    return Stop.UNSUPPORTED
                if self.memory.leaving:
                    self._settle()
                arrived = instruction is None or instruction.form.transfers or cpu.eip == cpu.start  # a REP goes on
                arrived = arrived or before == first  # behind a stop that is come to again and again
            if self.caught:
                return Stop.SHUTDOWN if cpu.shutdown else Stop.CAUGHT
            if on_fault and cpu.exceptions != exceptions:
                return Stop.SHUTDOWN if cpu.shutdown else Stop.FAULT
            if stops and cpu.segments[CS].base + cpu.eip & 0xFFFFFFFF in stops:
                return Stop.ADDRESS
        return Stop.SHUTDOWN if cpu.shutdown else Stop.LIMIT

    def _run_blocks(self, last: int, stops: Set[int]) -> None:
        """Run translated blocks as long as one follows another, up to a stop, an exception or step number `last`."""
        cpu = self.cpu
        leaving = self.memory.leaving
        exceptions = cpu.exceptions
        retired = self.steps
        while True:
            blocks = cpu.fetches.get(cpu.eip >> 12)
            if blocks is None:
                break
            block = blocks.get(cpu.eip)
            if block is None or self.steps + block.length > last:
                break
            if stops and not stops.isdisjoint(block.addresses):
                del blocks[cpu.eip]  # it will be translated anew, to end before the stop
                break
            self.steps += block.run(last - self.steps)
            if leaving and not self.unsupported and self._settle():
                break
            if cpu.exceptions != exceptions or cpu.eip in stops or self.unsupported:
                break
        cpu.retired += self.steps - retired

    def faulted(self, fault: Fault, made: int) -> int:
        """Deliver the fault of a translated instruction behind `made` steps of its block; the steps with it."""
        try:
            deliver(self.cpu, fault)
        except NotSimulated as missing:
            self.unsupported = str(missing)
            return made
        self.cpu.retired -= 1  # a step that retires nothing
        return made + 1

    def _warm(self, stops: Set[int]) -> None:
        """Count an arrival at EIP; code that is arrived at often enough is translated."""
        cpu = self.cpu
        eip = cpu.eip
        blocks = cpu.fetches.get(eip >> 12)
        if blocks is None or eip in blocks or eip in stops:
            return
        physical = cpu.translate(eip, Kind.FETCH, cpu.cpl == 3)
        heat = self.memory.code[physical >> 12].experience.heat
        heat[eip] = heat.get(eip, 0) + 1
        if heat[eip] >= self.hot:
            from pagefault_lab.machine.translation import translate  # costs start-up time; only long runs need it

            block = translate(self, eip, physical, cpu.journaling, stops)
            if block is not None:
                blocks[eip] = block
            else:
                heat[eip] = NEVER_HOT  # until the code changes: no block can begin with this instruction
