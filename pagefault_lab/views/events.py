"""What happened in a step before anything was delivered: accesses with their reasons, walks, and the rules judged.

Accesses are told together with the segment and the translations that belong to them. Fetches and translations that the
TLB gave are no story; a walk is told in full if it is for an operand or the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pagefault_lab.lab.story import Story
from pagefault_lab.machine.delivery import Delivery
from pagefault_lab.machine.events import Access, Check, Kind, PortAccess, Reason, SegmentAccess, SegmentNulled, TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import PageWalk
from pagefault_lab.machine.registers import SS
from pagefault_lab.views import check, page_walk, port_access, segment_access, segment_nulled, tlb_hit, written
from pagefault_lab.views.lines import Line, Lines, Span, maybe, note
from pagefault_lab.views.words import Names, count, doing, hex32, label, named, sized, who


def events_before_delivery(told: Story) -> Lines:
    """The events of a step, deliveries left out, in order."""
    teller = _Teller(told)
    for event in told.step.events:
        teller.tell(event)
    return teller.finish()


@dataclass(slots=True)
class Group:
    """Accesses that belong together, and how they were translated."""

    segment: SegmentAccess | None
    translations: list[PageWalk | TlbHit]
    accesses: list[Access] = field(default_factory=list)

    def takes(self, made: Access, translations: list[PageWalk | TlbHit]) -> bool:
        """Whether another access continues this one: the next bytes of a stack or a table, up or down."""
        last = self.accesses[-1]
        if made.reason is Reason.OPERAND or (made.reason, made.kind) != (last.reason, last.kind):
            return False
        if any(isinstance(found, PageWalk) for found in translations):
            return False
        return made.linear == last.linear + last.size or made.linear + made.size == last.linear


class _Teller:
    """Takes events in order and gives lines. What is still open is told before something else begins."""

    def __init__(self, told: Story) -> None:
        self.names = told.names
        self.stale = told.stale
        self.changed = told.changed
        self.lines: list[Line | Lines | None] = []
        self.segments: dict[int, SegmentAccess] = {}  # allowed, by linear address
        self.translations: list[PageWalk | TlbHit] = []  # allowed, of an access that is still to come
        self.group: Group | None = None
        self.held: list[Check] = []
        self.written = {
            (event.linear, event.size)
            for event in told.step.events
            if isinstance(event, Access) and event.kind is Kind.WRITE and event.reason is Reason.OPERAND
        }

    def tell(self, event: Any) -> None:
        """Take the next event."""
        match event:
            case SegmentAccess(fault=Fault()):
                self.add(_refused_by_segment(event))
            case SegmentAccess():
                self.segments[event.linear] = event
            case PageWalk(end=Fault()) | TlbHit(fault=Fault()):
                self.add(Lines.of(_refused_by_paging(event, self.segment_of(event), self.names), self.author_of(event)))
            case PageWalk() | TlbHit():
                self.translations.append(event)
            case Access(reason=Reason.FETCH):
                self.condense()
            case Access(reason=Reason.OPERAND, kind=Kind.READ) if (event.linear, event.size) in self.written:
                pass  # read in order to be written, or by chance the same place: the write shows what was there
            case Access():
                self.access(event)
            case Check(holds=True):
                if "limit" not in event.numbers:  # limits that are kept are no story
                    self.close()
                    self.held.append(event)
            case Check():
                self.add(check.check(event))
            case PortAccess():
                self.add(port_access.port_access(event))
            case SegmentNulled():
                self.add(segment_nulled.segment_nulled(event))
            case Delivery():
                self.add(None)

    def finish(self) -> Lines:
        """All lines."""
        self.add(None)
        self.condense()
        return Lines.of(*self.lines)

    def add(self, lines: Line | Lines | None) -> None:
        """Tell what is open, then this."""
        self.close()
        self.lines.append(check.in_a_row(self.held))
        self.held.clear()
        self.lines.append(lines)

    def close(self) -> None:
        """Tell the accesses that are open."""
        if self.group is not None:
            self.lines.append(_told(self.group, self.names))
            for found in self.group.translations:
                if isinstance(found, TlbHit) and found.linear in self.stale:
                    self.lines.append(tlb_hit.outdated(found, self.stale[found.linear]).indented(2))
                    self.lines.append(self.author_of(found))
        self.group = None

    def condense(self) -> None:
        """Tell walks that are not the story in one line each."""
        walks = [found for found in self.translations if isinstance(found, PageWalk)]
        self.lines += [page_walk.condensed(walk) for walk in walks]
        self.translations.clear()

    def access(self, made: Access) -> None:
        """Let an access continue the open ones, or begin anew."""
        if self.held:
            self.add(None)
        if self.group is None or not self.group.takes(made, self.translations):
            self.close()
            self.group = Group(self.segments.get(made.linear), list(self.translations))
        self.group.accesses.append(made)
        self.translations.clear()

    def author_of(self, event: PageWalk | TlbHit) -> Line | None:
        """Who has made the TLB stale, if it was."""
        author = self.changed.get(event.linear)
        return written.line(author).indented(2) if author is not None else None

    def segment_of(self, event: PageWalk | TlbHit) -> SegmentAccess | None:
        """The segment access whose bytes a translation is for: it may begin in the page before."""
        for found in reversed(self.segments.values()):
            if found.linear <= event.linear < found.linear + found.size:
                return found
        return None


# --- accesses that were made


def _told(group: Group, names: Names) -> Lines:
    """One line for what was accessed, and the walks that were needed for it."""
    walks = [found for found in group.translations if isinstance(found, PageWalk)]
    first = group.accesses[0]
    parts: list[str | Span | None] = [f"{doing(first.kind)} {_amount(group)} at {_place(group, names)}"]
    if walks:
        parts.append(note(f" as {who(walks[0].user)}"))
    parts.append(f": {_values(group, names)}")
    if group.translations and not walks:
        parts.append(maybe(f"  (TLB: physical {hex32(first.physical)})"))
    if first.reason is Reason.TABLE:
        shown = [Lines.of(page_walk.condensed(walk)) for walk in walks]
    else:
        shown = [Lines.of(page_walk.lookups(walk), page_walk.verdict(walk)) for walk in walks]
    return Lines.of(Line.of(*parts, hang=2), *(lines.indented(2) for lines in shown))


def _amount(group: Group) -> str:
    """How many bytes of what: `8 bytes of a table`; that `ss:` is the stack needs no word."""
    first = group.accesses[0]
    amount = count(sum(made.size for made in group.accesses), "byte")
    if first.reason is Reason.TABLE:
        return f"{amount} of a table"
    return amount if first.reason is Reason.OPERAND or group.segment is not None else f"{amount} of the stack"


def _place(group: Group, names: Names) -> str:
    """The lowest address, by its segment, with its name unless it is on the stack."""
    lowest = min(group.accesses, key=lambda made: made.linear)
    segment = group.segment
    on_stack = lowest.reason is Reason.STACK or (segment is not None and segment.segment == SS)
    name = "" if on_stack else named(lowest.linear, names)
    if segment is None:
        return f"{hex32(lowest.linear)}{name}"
    if segment.base == 0:
        return f"{segment_access.register(segment)}:{hex32(lowest.linear)}{name}"
    return f"{segment_access.place(segment)} = linear {hex32(lowest.linear)}{name}"


def _values(group: Group, names: Names) -> str:
    """The values in the order of the accesses; an entry of a table as the one number that it is."""
    accesses = group.accesses
    first, last = accesses[0], accesses[-1]
    if first.reason is Reason.TABLE and first.kind is Kind.READ and last.linear > first.linear:
        whole = sum(made.value << 8 * (made.linear - first.linear) for made in accesses)
        return sized(whole, sum(made.size for made in accesses))
    downwards = " (downwards)" if last.linear < first.linear else ""
    name = label(first.value, names) if len(accesses) == 1 and first.size == 4 else ""
    return ", ".join(map(_value, accesses)) + name + downwards


def _value(made: Access) -> str:
    """What was read or written; of an operand also what a write replaced."""
    if made.reason is Reason.OPERAND and made.before is not None:
        return f"{sized(made.before, made.size)}->{sized(made.value, made.size)}"
    return sized(made.value, made.size)


# --- accesses that were refused


def _refused_by_segment(access: SegmentAccess) -> Lines:
    return Lines.of(
        Line.of(f"{count(access.size, 'byte')} at {segment_access.place(access)}"),
        segment_access.verdict(access).indented(2),
    )


def _refused_by_paging(event: PageWalk | TlbHit, segment: SegmentAccess | None, names: Names) -> Lines:
    """An access that paging refused: which, the entries, the verdict."""
    if segment is None:
        access = f"{doing(event.kind)} at {hex32(event.linear)}"
    else:
        access = f"{doing(event.kind)} {count(segment.size, 'byte')} at {segment_access.place(segment)}"
        if segment.offset != event.linear:
            access += f", linear {hex32(event.linear)}"
    parts: list[str | Span] = [access, named(event.linear, names), note(f" as {who(event.user)}")]
    if isinstance(event, TlbHit):
        return Lines.of(Line.of(*parts, hang=2), tlb_hit.tlb_hit(event).indented(2))
    return Lines.of(
        Line.of(*parts, maybe(f": {page_walk.split(event)}"), hang=2),
        page_walk.lookups(event).indented(2),
        page_walk.verdict(event).indented(2),
    )
