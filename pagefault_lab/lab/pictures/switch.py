"""`picture switch`: from a vector to its handler, and from the user's stack to the kernel's.

    IDTR -> gate -> code descriptor -> CS:EIP        TR -> TSS descriptor -> TSS -> SS0:ESP0 -> frame

Nothing is judged here. What is drawn is a delivery that the processor made: the one whose handler it is in, the one
that ended in shutdown, or else one that is made now on a copy of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from pagefault_lab.lab import frames, tables
from pagefault_lab.lab.decode import describe
from pagefault_lab.lab.pictures import Arrow, Box, End, Picture, Row, number, symbol_note
from pagefault_lab.lab.pictures.walk import refused
from pagefault_lab.lab.walks import refused_bit
from pagefault_lab.machine.delivery import CodeChosen, Delivery, Entered, GateRead, Pushed, Source, StackChosen, deliver
from pagefault_lab.machine.events import Access, Check, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import PAGE_FAULT, VECTORS, Fault, NotSimulated
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.paging import CODE_USER, PageWalk
from pagefault_lab.machine.registers import CS, ESP, SS
from pagefault_lab.machine.segmentation import TSS32, TSS32_BUSY
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

ERROR_IS_ZERO = (8, 17)  # vectors whose error code tells nothing
STACK_WORDS = 2  # of the old stack, that are drawn
NAMES = {"error code": "error"}  # of what is pushed, where it is too long
STOPPED = Row(note="stopped here", failed=True)
CONSEQUENCES = {  # of a fault during a delivery, by `Delivery.becomes`
    "": "it is delivered instead",
    "double fault": "double fault",
    "shutdown": "triple fault, the processor shuts down",
}


class _Told(NamedTuple):
    """A delivery to be drawn: the machine just before it, the attempts, the one that is drawn, the step in which it
    happened (None: it is one that would happen now), and what of it is not simulated."""

    before: Machine
    attempts: tuple[Delivery, ...]
    drawn: Delivery | None
    step: int | None
    vector: int
    unsupported: str = ""


def switch(session: Session, vector: int | None = None) -> Picture:
    """The delivery whose handler the processor is in; of a `vector`, or outside of handlers, one made now on a copy."""
    told = _happened(session) if vector is None else None
    return _Drawing(session, told or _now(session, vector)).picture()


# --- which delivery


def _happened(session: Session) -> _Told | None:
    """The delivery whose handler the processor is in, or the first one of those that shut it down."""
    if session.machine.cpu.shutdown:
        step = session.fault
    else:
        found = frames.open_frame(session)
        step = session.history.story(found.step) if found is not None else None
    if step is None or not step.deliveries:
        return None
    drawn = next(each for each in step.deliveries if (each.failed is not None) == session.machine.cpu.shutdown)
    return _Told(session.history.machine_at(step.number), step.deliveries, drawn, step.number, drawn.fault.vector)


def _now(session: Session, vector: int | None) -> _Told:
    """What a fault or an interrupt would meet now: made on a copy."""
    if vector is None:
        last = session.fault
        deliveries = last.deliveries if last is not None else ()
        raised = (each.fault.vector for each in deliveries if each.source is Source.EXCEPTION)
        vector = next(raised, PAGE_FAULT)
    if not 0 <= vector <= 255:
        raise Problem(f"there is no vector {vector}", "0 to 255")
    session.check_not_shut_down()
    cpu = session.machine.copy().cpu
    known = VECTORS.get(vector)
    error = None
    if known is not None and known.has_error_code:
        error = CODE_USER if vector == PAGE_FAULT and cpu.cpl == 3 else 0
    source = Source.EXTERNAL if known is None else Source.EXCEPTION
    events: list[Any] = []
    cpu.look_with(events)
    cpu.start = cpu.eip
    unsupported = ""
    try:
        deliver(cpu, Fault(vector, error), source)
    except NotSimulated as missing:
        unsupported = str(missing)
    attempts = tuple(event for event in events if isinstance(event, Delivery))
    return _Told(session.machine, attempts, attempts[0] if attempts else None, None, vector, unsupported)


# --- the drawing of it


class _Drawing:
    """Boxes and arrows of one delivery, as far as it came."""

    def __init__(self, session: Session, told: _Told) -> None:
        self.told = told
        self.before = told.before
        self.name_of = session.symbols.name
        self.drawn = told.drawn
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []

    def stage(self, kind: type[Any]) -> Any:
        return self.drawn.stage(kind) if self.drawn is not None else None

    def picture(self) -> Picture:
        cpu = self.before.cpu
        code: CodeChosen | None = self.stage(CodeChosen)
        stack: StackChosen | None = self.stage(StackChosen)
        switched = code is not None and code.new_cpl < code.old_cpl
        self._registers(switched)
        self._gate()
        if code is not None or self._reached_descriptor():
            self._code(code)
        if switched:
            self._tss(stack)
        if code is not None and not switched:
            self._same_stack(cpu.cpl)
        self._handler(code)
        if stack is not None:
            self._stacks(stack, switched)
        return Picture(
            "switch", self._title(code), tuple(self.boxes), tuple(self.arrows), (), self._refusal(), self._notes()
        )

    def arrow(self, source: str, source_row: int, target: str, target_row: int, left: bool = False) -> None:
        self.arrows.append(Arrow(End(source, source_row), End(target, target_row), left))

    # --- boxes

    def _registers(self, switched: bool) -> None:
        cpu = self.before.cpu
        self.boxes.append(Box("idtr", "IDTR", 0, (Row("base", cpu.idtr.base), Row("limit", cpu.idtr.limit, 2))))
        self.boxes.append(Box("gdtr", "GDTR", 0, (Row("base", cpu.gdtr.base), Row("limit", cpu.gdtr.limit, 2))))
        if switched:
            tr = cpu.tr
            held = (Row("selector", tr.selector, 2), Row("base", tr.base)) if tr.valid else (Row(note="null"),)
            self.boxes.append(Box("tr", "TR", 0, held))
        saved = self.drawn.saved_eip if self.drawn is not None else cpu.eip
        registers = (
            Row("CS", cpu.segments[CS].selector, 2),
            Row("EIP", saved, more=symbol_note(self.name_of(cpu.segments[CS].base + saved & 0xFFFFFFFF))),
            Row("SS", cpu.segments[SS].selector, 2),
            Row("ESP", cpu.registers[ESP]),
        )
        when = "from" if self.told.step is not None else "now,"
        self.boxes.append(Box("interrupted", f"{when} ring {cpu.cpl}", 0, registers))

    def _gate(self) -> None:
        """The gate as it was read; one that could not be read has only its place."""
        vector, read = self.told.vector, self.stage(GateRead)
        entry = tables.idt_entry(self.before, vector, self.name_of)
        gate: Gate | None = read.gate if read is not None else entry.gate if self.drawn is None else None
        title = f"IDT: gate {vector}"
        self.arrow("idtr", 0, "gate", 0)
        if gate is None:
            self.boxes.append(Box("gate", title, 1, (Row("at", entry.address), STOPPED)))
            return
        words = gate.kind.removeprefix("32-bit ") if gate.belongs_in_idt else "no gate of an IDT"
        if gate.size == 2:
            words = words.removesuffix(" gate")  # it is a wide one
        state = f"DPL {gate.dpl}, P={int(gate.present)}"
        rows = [Row("at", entry.address)]
        if not gate.is_task_gate:
            rows.append(Row("offset", gate.offset, more=symbol_note(entry.symbol)))
        rows += [Row("selector", gate.selector, 2), Row(note=words), Row(note=state)]
        if self.drawn is not None and self.stage(CodeChosen) is None and not self._reached_descriptor():
            rows.append(STOPPED)
        self.boxes.append(Box("gate", title, 1, tuple(rows)))

    def _reached_descriptor(self) -> bool:
        """Whether the gate was good enough for the descriptor of its selector to be looked up in memory."""
        if self.drawn is None or self.stage(GateRead) is None:
            return False
        events = self.drawn.events
        behind = events[next(place for place, event in enumerate(events) if isinstance(event, GateRead)) + 1 :]
        return any(isinstance(event, Access | PageWalk | TlbHit) for event in behind)

    def _code(self, code: CodeChosen | None) -> None:
        """The descriptor that the gate's selector names; `code` is None if it was not good enough."""
        selector = self.stage(GateRead).gate.selector
        table, address = self._descriptor_place(selector)
        descriptor = code.descriptor if code is not None else tables.descriptor_of(self.before, selector)
        rows = [Row("at", address)]
        if descriptor is not None:
            state = f"DPL {descriptor.dpl}, P={int(descriptor.present)}"
            rows += [Row(note=describe(descriptor, False)), Row(note=state)]
        if code is None:
            rows.append(STOPPED)
        self.boxes.append(Box("code", f"{table}: {selector & 0xFFF8:#06x}", 1, tuple(rows)))
        if table == "GDT":
            self.arrow("gdtr", 0, "code", 0)
        self.arrow("gate", 2, "code", 0)

    def _descriptor_place(self, selector: int) -> tuple[str, int]:
        cpu = self.before.cpu
        local = bool(selector & 4)
        base = cpu.ldtr.base if local else cpu.gdtr.base
        return "LDT" if local else "GDT", base + (selector & 0xFFF8) & 0xFFFFFFFF

    def _tss(self, stack: StackChosen | None) -> None:
        """The TSS descriptor in the GDT, and the TSS that TR keeps."""
        cpu = self.before.cpu
        tr = cpu.tr
        source = ("tr", 1)
        if tr.valid:
            descriptor = tables.descriptor_of(self.before, tr.selector)
            _, address = self._descriptor_place(tr.selector)
            if descriptor is not None and descriptor.system and descriptor.base == tr.base:
                said = (Row("at", address), Row("base", descriptor.base))
                self.boxes.append(Box("descriptor", f"GDT: {tr.selector & 0xFFF8:#06x}, TSS", 1, said))
                self.arrow("tr", 0, "descriptor", 0)
                source = ("descriptor", 1)
        code: CodeChosen = self.stage(CodeChosen)
        rows = tuple(self._tss_stack(code.new_cpl)) if tr.valid else ()
        if stack is None:
            rows += (STOPPED,)
        self.boxes.append(Box("tss", f"TSS at {tr.base:#010x}" if tr.valid else "no TSS", 1, rows))
        if tr.valid:
            self.arrow(*source, "tss", 0, source[0] == "descriptor")

    def _tss_stack(self, ring: int) -> Iterator[Row]:
        """SS and ESP for a ring, and where in the TSS they lie; what of them cannot be read is left out."""
        tr = self.before.cpu.tr
        if tr.type not in (TSS32, TSS32_BUSY):
            yield Row(note="a 16-bit TSS")
            return
        for name, distance, size in (("ESP", 4 + 8 * ring, 4), ("SS", 8 + 8 * ring, 2)):
            inside = distance + size - 1 <= tr.limit
            value = self.before.cpu.peek(tr.base + distance & 0xFFFFFFFF, size) if inside else None
            note = "" if value is not None else "not mapped" if inside else "beyond the limit"
            yield Row(f"+{distance} {name}{ring}", value, size, note)

    def _same_stack(self, ring: int) -> None:
        """What stands in the place of the TSS where the ring stays."""
        rows = (Row(note=f"CPL stays {ring}"), Row(note="the same stack"), Row(note="TSS is not read"))
        self.boxes.append(Box("same", "no switch", 1, rows))
        self.arrow("interrupted", 3, "same", 1)

    def _handler(self, code: CodeChosen | None) -> None:
        entered: Entered | None = self.stage(Entered)
        if entered is None or code is None:
            return
        symbol = symbol_note(self.name_of(code.descriptor.base + entered.eip & 0xFFFFFFFF))
        rows = [Row("CS", entered.cs, 2), Row("EIP", entered.eip)]
        if symbol:
            rows.append(Row(note=symbol))
        cleared = "cleared" if entered.eflags_before & ~entered.eflags & 0x200 else "unchanged"
        rows.append(Row(note=f"IF {cleared}"))
        self.boxes.append(Box("handler", f"handler, ring {entered.cpl}", 2, tuple(rows)))
        self.arrow("gate", 1, "handler", 1)
        self.arrow("code", 2, "handler", 0)

    def _stacks(self, stack: StackChosen, switched: bool) -> None:
        assert self.drawn is not None
        cpu, frame = self.before.cpu, self.drawn.frame
        above = frame[0].linear + frame[0].size & 0xFFFFFFFF if frame else self._linear(stack)
        rows = [Row(note="SS:ESP of the TSS" if switched else "SS:ESP before", at=above), *map(self._pushed, frame)]
        reached = self.stage(Entered) is not None
        rows.append(Row(note="is ESP now", at=frame[-1].linear) if reached else STOPPED)
        ring = stack.ss & 3
        self.boxes.append(
            Box("new", f"stack of ring {ring}" if switched else f"the stack, ring {ring}", 2, tuple(rows))
        )
        if not switched:
            self.arrow("same", 1, "new", 0)
            return
        self.arrow("tss", 0, "new", 0)
        old = cpu.segments[SS].base + stack.old_esp & 0xFFFFFFFF
        words = [Row("at", old)]
        for distance in range(0, 4 * STACK_WORDS, 4):
            word = cpu.peek(old + distance & 0xFFFFFFFF, 4)
            words.append(Row(f"+{distance}", word, 4, "" if word is not None else "not mapped"))
        self.boxes.append(Box("old", f"old stack, ring {stack.old_ss & 3}", 1, tuple(words)))
        self.arrow("interrupted", 3, "old", 0)
        if len(frame) > 1:
            self.arrow("new", 2, "old", 0)

    def _pushed(self, slot: Pushed) -> Row:
        """A value of the frame; the error code of what only would come says why it came."""
        name = NAMES.get(slot.name, slot.name)
        if slot.name == "error code" and self.told.step is None and self.told.vector not in ERROR_IS_ZERO:
            return Row(name, None, slot.size, "says why", slot.linear)
        return Row(name, slot.value, slot.size, "", slot.linear)

    def _linear(self, stack: StackChosen) -> int:
        """The linear address of SS:ESP of a stack on which nothing was pushed."""
        segment = self.before.cpu.segments[SS]
        if stack.ss == segment.selector:
            return segment.base + stack.esp & 0xFFFFFFFF
        descriptor = tables.descriptor_of(self.before, stack.ss)
        return (descriptor.base if descriptor is not None else 0) + stack.esp & 0xFFFFFFFF

    # --- words

    def _title(self, code: CodeChosen | None) -> str:
        drawn, told = self.drawn, self.told
        if drawn is None:
            return f"what vector {told.vector} would do now, at CPL {self.before.cpu.cpl}"
        event = _event(drawn.fault, drawn.source)
        if told.step is not None:
            when = f"{event}, as it was delivered in step {told.step}"
        else:
            when = f"{event}, if it came now, at CPL {self.before.cpu.cpl}"
        if drawn.failed is not None or code is None:
            return f"{when}: the handler is not reached"
        if code.new_cpl < code.old_cpl:
            return f"{when}: CPL {code.old_cpl} -> {code.new_cpl}, the stack is switched"
        return f"{when}: CPL stays {code.new_cpl}, no switch"

    def _refusal(self) -> str:
        return refusal(self.drawn) if self.drawn is not None else f"not simulated: {self.told.unsupported}"

    def _notes(self) -> tuple[str, ...]:
        notes = []
        drawn, told = self.drawn, self.told
        if drawn is not None and drawn.frame:
            notes.append("The CPU pushes the frame by itself, the first value at the highest address.")
            if any(box.key == "old" for box in self.boxes):
                notes.append("The old stack stays as it is.")
        notes += [_consequence(attempt) for attempt in told.attempts if attempt.failed is not None]
        if told.unsupported and drawn is not None:
            notes.append(f"What follows is not simulated: {told.unsupported}.")
        last = told.attempts[-1] if told.attempts else None
        if last is not None and last is not drawn and last.failed is None:
            notes.append(f"In the end the handler of {_event(last.fault, last.source)} is entered.")
        keys = {box.key for box in self.boxes}
        tr = self.before.cpu.tr
        if tr.valid and "tss" in keys and "descriptor" not in keys:
            notes.append(f"TR keeps what ltr loaded: at {tr.selector:#06x} the GDT has no such TSS any more.")
        return tuple(notes)


def _event(fault: Fault, source: Source) -> str:
    """What is delivered."""
    if source is Source.EXCEPTION:
        row = fault.row
        return row.mnemonic if row.mnemonic == row.name else f"{row.mnemonic} {row.name}"
    return f"vector {fault.vector:#x} ({source.value})"


def _consequence(attempt: Delivery) -> str:
    """What a fault has made of a delivery, and of itself."""
    failed = attempt.failed
    assert failed is not None
    error = f" error code {failed.error:#x}" if failed.error is not None else ""
    event = _event(attempt.fault, attempt.source)
    return f"{failed.row.mnemonic}{error} while {event} was delivered: {CONSEQUENCES[attempt.becomes]}."


def refusal(delivery: Delivery) -> str:
    """What ended an attempt, from its last events; "" if its handler was entered."""
    if delivery.failed is None:
        return ""
    for event in reversed(delivery.events):
        match event:
            case Check(holds=False):
                numbers = ", ".join(f"{name}={number(value)}" for name, value in event.numbers.items())
                return f"the rule that fails: {event.rule} ({numbers})"
            case SegmentAccess(fault=Fault()):
                return f"the rule that fails: {event.rule} ({event.selector:#06x}:{event.offset:#010x})"
            case PageWalk(end=Fault()):
                return f"{event.kind.value} at {event.linear:#010x}: {refused(event)}"
            case TlbHit(fault=Fault()):
                return f"{event.kind.value} at {event.linear:#010x} refused by the TLB: {refused_bit(event)}=0"
    return delivery.failed.row.name
