"""The processor's state, and how it reaches memory: segmentation, then the TLB and paging, then physical memory.

Fast paths. For each segment register there is a dict from linear page to the page's frame, one for reads and one for
writes. A page is in it only if every check would pass without effect: the segment is flat, the TLB holds the page with
sufficient rights for the current privilege, nobody watches it, and for writes the page is dirty, holds no decoded code,
is no page table in use, and has been kept for the last checkpoint. While a recorder looks, all of them are empty, so
that nothing passes unseen. They are caches only: losing an entry loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pagefault_lab.machine import flags
from pagefault_lab.machine.devices import Ports
from pagefault_lab.machine.events import Access, Check, Kind, Noted, PortAccess, Reason, SegmentAccess, TlbHit
from pagefault_lab.machine.faults import ALIGNMENT_CHECK, Fault, FaultRaised, general_protection, page_fault
from pagefault_lab.machine.memory import Code, Frame, Memory
from pagefault_lab.machine.notices import Notice, What
from pagefault_lab.machine.paging import (
    CODE_PROTECTION,
    CODE_USER,
    CODE_WRITE,
    DIRTY,
    LARGE,
    PRESENT,
    Mapped,
    PageWalk,
    walk,
)
from pagefault_lab.machine.registers import (
    AC,
    ALWAYS_ONE,
    AM,
    CF,
    CS,
    EFLAGS_BITS,
    ESP,
    IF,
    IOPL,
    MASK,
    OF,
    PF,
    PG,
    PGE,
    PSE,
    RF,
    SF,
    SS,
    STATUS,
    TF,
    WP,
    ZF,
)  # fmt: skip
from pagefault_lab.machine.segmentation import (
    NULL_SEGMENT,
    Segment,
    SystemSegment,
    TableRegister,
    load_segment,
)
from pagefault_lab.machine.tlb import Tlb, TlbEntry
from pagefault_lab.machine.watches import Watch, Watches

READ, WRITE, FETCH = Kind.READ, Kind.WRITE, Kind.FETCH
Pages = dict[int, Frame]
NO_PAGES: Final[Pages] = {}
Blocks = dict[int, dict[int, Any]]
NO_BLOCKS: Final[Blocks] = {}

_SAVED: Final = (
    "eip", "_eflags", "lazy", "gdtr", "idtr", "ldtr", "tr", "cr0", "cr2", "cr3", "cr4", "cpl",
    "halted", "shutdown", "trapping", "shadow", "repeating", "retired", "exceptions", "last_fault",
)  # fmt: skip


class Cpu:
    """One i386-family processor. `registers` are EAX to EDI as unsigned 32-bit numbers.

    `eip` points behind the instruction while it executes, `start` at it. `recorder`, when not None, is the list to
    which everything observable is appended (events.py). `pending` holds vectors of external interrupts that wait.
    `retired` counts instructions (each REP iteration is one), the machine's only clock; `exceptions` counts deliveries.
    `notices` are what is worth a line in a timeline, `seen` the accesses that were watched, both of the present step.
    """

    def __init__(self, memory: Memory, ports: Ports) -> None:
        self.memory = memory
        self.ports = ports
        self.registers = [0] * 8
        self.eip = self.start = 0
        self._eflags = ALWAYS_ONE
        self.lazy: flags.Pending | None = None
        self.segments: list[Segment] = [NULL_SEGMENT] * 6
        self.gdtr = self.idtr = TableRegister()
        self.ldtr = self.tr = SystemSegment()
        self.cr0 = self.cr2 = self.cr3 = self.cr4 = 0
        self.debug = [0, 0, 0, 0, 0, 0, 0xFFFF0FF0, 0x400]
        self.test = [0] * 8
        self.cpl = 0
        self.tlb = Tlb()
        self.pending: list[int] = []
        self.halted = self.shutdown = False
        self.trapping = False  # a single-step trap is due: TF was set before the instruction, and it entered no handler
        self.shadow = 0  # 1: the last instruction was STI; 2: it loaded SS: no interrupt (and no trap) before the next
        self.repeating = -1  # the EIP of a string instruction that stands between two iterations
        self.retired = self.exceptions = 0
        self.last_fault: tuple[Fault, int] | None = None  # the last exception delivered, and the EIP it saved
        self.recorder: list[Any] | None = None
        self.notices: list[Notice] = []
        self.seen: list[Access] = []
        self.watches = Watches()
        self._tables: set[int] | None = None  # frames of the page tables in use; None if that is not known
        # fast paths: by privilege (index 1: CPL 3), and by segment register
        self._read_pages: tuple[Pages, Pages] = ({}, {})
        self._write_pages: tuple[Pages, Pages] = ({}, {})
        self._closed_pages: tuple[Pages, Pages] = ({}, {})  # that a checkpoint has closed: else they were in the former
        self.reads: list[Pages] = [NO_PAGES] * 6
        self.writes: list[Pages] = [NO_PAGES] * 6
        self.noted_reads: list[Pages] = [NO_PAGES] * 6  # open to a journal's accesses, which are seen all the same
        self.noted_writes: list[Pages] = [NO_PAGES] * 6
        self.journaling = False  # whether translated code runs although a recorder looks: it writes down itself
        self._fetch_pages: tuple[Blocks, Blocks, Blocks, Blocks] = ({}, {}, {}, {})
        self.fetches: Blocks = NO_BLOCKS  # linear page to the blocks translated from its frame

    # --- state as a value

    def save(self) -> tuple[Any, ...]:
        """Everything but memory and devices, as a value that `restore` and == understand."""
        self.eflags  # noqa: B018  settle, so that equal states have equal values
        return (
            tuple(getattr(self, name) for name in _SAVED),
            tuple(self.registers),
            tuple(self.segments),
            tuple(self.debug),
            tuple(self.test),
            tuple(self.pending),
            dict(self.tlb.entries),
        )

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Return to a state that `save` gave; what is in memory then is there already."""
        plain, registers, segments, debug, test, pending, entries = saved
        before = self.cr0, self.cr4, self.tlb.entries
        for name, value in zip(_SAVED, plain, strict=True):
            setattr(self, name, value)
        self.registers[:] = registers
        self.segments[:] = segments
        self.debug[:] = debug
        self.test[:] = test
        self.pending[:] = pending
        self.tlb.entries = dict(entries)
        if before == (self.cr0, self.cr4, entries):  # the fast paths lead where they did
            self._look_for_tables()
            self.refresh()
        else:
            self.forget_pages()

    @staticmethod
    def saved(state: tuple[Any, ...], name: str) -> Any:
        """What CR0, IDTR or TR, say, was in a state that `save` gave."""
        return state[0][_SAVED.index(name)]

    @staticmethod
    def translations(state: tuple[Any, ...]) -> Mapping[int, TlbEntry]:
        """What the TLB had in a state that `save` gave."""
        entries: dict[int, TlbEntry] = state[-1]
        return entries

    # --- fast paths

    def refresh(self) -> None:
        """Choose the fast paths anew, after a change of CPL, of a segment register, of the recorder, of AC or AM."""
        user = self.cpl == 3
        recording, aligned = self.recorder is not None, self.checks_alignment
        closed = recording or aligned
        reads, writes = (NO_PAGES, NO_PAGES) if aligned else (self._read_pages[user], self._write_pages[user])
        for number, segment in enumerate(self.segments):
            flat = segment.flat
            readable = reads if flat and segment.readable else NO_PAGES
            writable = writes if flat and segment.writable else NO_PAGES
            self.reads[number] = NO_PAGES if recording else readable
            self.writes[number] = NO_PAGES if recording else writable
            if self.journaling:
                self.noted_reads[number], self.noted_writes[number] = readable, writable
        cs = self.segments[CS]
        if (closed and not self.journaling) or not (cs.flat and cs.big and self.segments[SS].big):
            self.fetches = NO_BLOCKS
        else:
            self.fetches = self._fetch_pages[user + 2 * self.journaling]

    def forget_pages(self) -> None:
        """Empty the fast paths: translations, rights or the mode have changed."""
        for pages in (*self._read_pages, *self._write_pages, *self._closed_pages):
            pages.clear()
        for fetches in self._fetch_pages:
            fetches.clear()
        self._tables = None
        self.refresh()

    def forget_page(self, page: int) -> None:
        """Empty the fast paths of one linear page."""
        for pages in (*self._read_pages, *self._write_pages, *self._closed_pages):
            pages.pop(page, None)
        for fetches in self._fetch_pages:
            fetches.pop(page, None)

    def remember_code(self, page: int, code: Code) -> None:
        """Let later fetches from this linear page go straight to its blocks, until its translation is forgotten."""
        if self.fetches is not NO_BLOCKS:
            self.fetches[page] = code.blocks[self.journaling]

    def forget_writes(self) -> None:
        """Make every page's next write take the slow path: code was decoded, or there are other page tables."""
        for pages in (*self._write_pages, *self._closed_pages):
            pages.clear()
        self._tables = None

    def _look_for_tables(self) -> None:
        """Something else than the processor may have changed the page directory."""
        tables, self._tables = self._tables, None
        if tables != self.tables:
            self.forget_writes()

    def close_writes(self) -> None:
        """A checkpoint was taken: let the next write to every page be announced to the memory that is not kept yet."""
        self._look_for_tables()
        saved, entries = self.memory.saved, self.tlb.entries if self.cr0 & PG else None
        for pages, closed in zip(self._write_pages, self._closed_pages, strict=True):
            kept = {}
            if saved:
                numbers = ((page, entries[page].frame if entries is not None else page) for page in pages)
                kept = {page: pages[page] for page, number in numbers if number in saved}
            closed.update(pages)
            pages.clear()
            pages.update(kept)

    def _reopen(self, segment: int, offset: int) -> Frame | None:
        """The page that a write goes to, open again if nothing but a checkpoint has closed it."""
        user = self.cpl == 3
        pages = self.writes[segment]
        if pages is not self._write_pages[user]:
            return None
        page = self._closed_pages[user].pop(offset >> 12, None)
        if page is not None:
            self.memory.touch(self.tlb.entries[offset >> 12].frame if self.cr0 & PG else offset >> 12)
            pages[offset >> 12] = page
        return page

    def look_with(self, recorder: list[Any] | None, journaling: bool = False) -> None:
        """Record into this list from now on; None stops. While `journaling`, translated code is used all the same."""
        self.recorder = recorder
        self.journaling = journaling
        self.refresh()

    # --- what is noticed at every speed

    def notice(self, what: What, *numbers: int) -> None:
        """Something was done that is worth a line in a timeline."""
        self.notices.append(Notice(what, numbers, self.segments[CS].base))
        self.memory.leaving.append(None)

    def watch(self, watches: Iterable[Watch]) -> None:
        """See every access to these places from now on, and to no others."""
        self.watches = Watches(watches)
        for code in self.memory.code.values():
            code.forget_blocks()  # without watches, they do not look behind a read
        self.forget_pages()

    def _look(self, access: Access, second: int) -> None:
        """See an access if somebody watches what it touches; `second` is the frame of what lies behind a page's end."""
        if self.watches.see(access, second):
            self.seen.append(access)
            self.memory.leaving.append(None)

    @property
    def tables(self) -> set[int]:
        """The frames of the page directory that CR3 names, and of its page tables."""
        if self._tables is None:
            self._tables = set()
            directory = self.cr3 >> 12
            if self.cr0 & PG and self.memory.exists(directory):
                mask, table = (PRESENT | LARGE, PRESENT) if self.cr4 & PSE else (PRESENT, PRESENT)
                entries = self.memory.frame(directory)
                self._tables = {directory, *(entry >> 12 for entry in entries if entry & mask == table)}
        return self._tables

    def _write_table(self, physical: int, size: int, value: int) -> None:
        """Store into a page table in use: an entry that changes is noticed."""
        memory = self.memory
        places = range(physical & ~3, physical + size, 4)
        before = [memory.read(place, 4) for place in places]
        memory.write(physical, size, value)
        for place, entry in zip(places, before, strict=True):
            after = memory.read(place, 4)
            if after != entry:
                self.notice(What.TABLE, place, entry, after)
                if place >> 12 == self.cr3 >> 12:
                    self.forget_writes()  # the directory names other tables

    # --- flags

    @property
    def eflags(self) -> int:
        """EFLAGS with every bit up to date."""
        if self.lazy is not None:
            self._eflags = self._eflags & ~STATUS | flags.status(*self.lazy)
            self.lazy = None
        return self._eflags

    @eflags.setter
    def eflags(self, value: int) -> None:
        changed = (self._eflags ^ value) & AC
        self.lazy = None
        self._eflags = value & EFLAGS_BITS | ALWAYS_ONE
        if changed:
            self.refresh()

    def set_flags(self, mask: int, value: int) -> None:
        """Set the flags of `mask` to their bits in `value`; the others stay."""
        self.eflags = self.eflags & ~mask | value & mask

    def flags_add(self, left: int, right: int, result: int, size: int) -> None:
        """Status flags of left + right (+ carry); all are unsigned and cut to `size` bytes."""
        self.lazy = (flags.ADD, left, right, result, size)

    def flags_subtract(self, left: int, right: int, result: int, size: int) -> None:
        """Status flags of left - right (- borrow)."""
        self.lazy = (flags.SUBTRACT, left, right, result, size)

    def flags_logic(self, result: int, size: int) -> None:
        """Status flags of a bitwise result: CF = OF = 0, AF (undefined) = 0."""
        self.lazy = (flags.LOGIC, 0, 0, result, size)

    def flags_increment(self, result: int, size: int) -> None:
        """Status flags of an increment; CF stays."""
        self.lazy = (flags.INCREMENT, self.carry, 0, result, size)

    def flags_decrement(self, result: int, size: int) -> None:
        """Status flags of a decrement; CF stays."""
        self.lazy = (flags.DECREMENT, self.carry, 0, result, size)

    @property
    def carry(self) -> int:
        """CF, 0 or 1."""
        return flags.carry(*self.lazy) if self.lazy is not None else self._eflags & CF

    @property
    def zero(self) -> bool:
        """Whether ZF is set, without settling the others."""
        return self.lazy[3] == 0 if self.lazy is not None else bool(self._eflags & ZF)

    def condition(self, code: int) -> bool:
        """A condition by its number in the opcode: O NO B AE E NE BE A S NS P NP L GE LE G (SDM vol. 1, B.1)."""
        which = code >> 1
        if which == 2:
            holds = self.zero
        else:
            bits = self.eflags
            if which == 0:
                holds = bool(bits & OF)
            elif which == 1:
                holds = bool(bits & CF)
            elif which == 3:
                holds = bool(bits & (CF | ZF))
            elif which == 4:
                holds = bool(bits & SF)
            elif which == 5:
                holds = bool(bits & PF)
            else:
                holds = bool(bits & SF) != bool(bits & OF)
                if which == 7:
                    holds = holds or bool(bits & ZF)
        return holds != bool(code & 1)

    @property
    def iopl(self) -> int:
        return (self._eflags & IOPL) >> 12

    # --- rules and faults

    def require(self, rule: str, holds: bool, fault: Fault, **numbers: int) -> None:
        """Judge a protection rule: recorded whether it holds or not; raises `fault` if it does not."""
        if self.recorder is not None:
            self.recorder.append(Check(rule, holds, fault, numbers))
        if not holds:
            raise FaultRaised(fault)

    def _raise_page_fault(self, fault: Fault) -> None:
        assert fault.linear is not None
        self.cr2 = fault.linear
        for page in self.tlb.drop(fault.linear, bool(self.cr4 & PSE)):
            self.forget_page(page)
        raise FaultRaised(fault)

    # --- memory by segment

    def read(self, segment: int, offset: int, size: int) -> int:
        """Read an operand of 1, 2 or 4 bytes."""
        page = self.reads[segment].get(offset >> 12)
        if page is not None:
            shift = (offset & 3) << 3
            if not shift:
                return page[offset >> 2 & 1023] & MASK[size]
            if shift + (size << 3) <= 32:
                return page[offset >> 2 & 1023] >> shift & MASK[size]
        return self._read_segment(segment, offset, size, READ, Reason.OPERAND)

    def read_for_write(self, segment: int, offset: int, size: int) -> int:
        """Read an operand that will be written back: judged as a write."""
        page = self.writes[segment].get(offset >> 12) or self._reopen(segment, offset)
        if page is not None:
            shift = (offset & 3) << 3
            if shift + (size << 3) <= 32:
                return page[offset >> 2 & 1023] >> shift & MASK[size]
        return self._read_segment(segment, offset, size, WRITE, Reason.OPERAND)

    def write(self, segment: int, offset: int, size: int, value: int) -> None:
        """Write an operand of 1, 2 or 4 bytes; `value` is unsigned and fits."""
        page = self.writes[segment].get(offset >> 12) or self._reopen(segment, offset)
        if page is not None:
            shift = (offset & 3) << 3
            if size == 4:
                if not shift:
                    page[offset >> 2 & 1023] = value
                    return
            elif shift + (size << 3) <= 32:
                index = offset >> 2 & 1023
                page[index] = page[index] & ~(MASK[size] << shift) | value << shift
                return
        linear = self.linear(segment, offset, size, WRITE)
        self.write_linear(linear, size, value, self.cpl == 3, Reason.OPERAND)

    def _read_segment(self, segment: int, offset: int, size: int, kind: Kind, reason: Reason) -> int:
        linear = self.linear(segment, offset, size, kind)
        return self.read_linear(linear, size, self.cpl == 3, reason, kind)

    def linear(self, segment: int, offset: int, size: int, kind: Kind) -> int:
        """Check an access by its segment and give the linear address (SDM vol. 3, 5.3; alignment 5.13)."""
        hidden = self.segments[segment]
        linear = hidden.base + offset & 0xFFFFFFFF
        refusal = hidden.refusal(segment, offset, size, kind)
        if self.recorder is not None:
            rule, fault = refusal or ("", None)
            self.recorder.append(
                SegmentAccess(segment, hidden.selector, offset, size, hidden.base, hidden.limit, linear, rule, fault)
            )
        if refusal is not None:
            raise FaultRaised(refusal[1])
        if linear % size and self.checks_alignment and kind is not FETCH:
            self.require("aligned, as CR0.AM, EFLAGS.AC and CPL 3 demand", False, ALIGNMENT_CHECK, linear=linear)
        return linear

    @property
    def checks_alignment(self) -> bool:
        """Whether misaligned accesses fault: CR0.AM and EFLAGS.AC set at CPL 3."""
        return self.cpl == 3 and bool(self.cr0 & AM) and bool(self._eflags & AC)

    # --- memory by linear address

    def translate(self, linear: int, kind: Kind, user: bool) -> int:
        """The physical address for an access, by the TLB or else by a walk that fills it; may raise a page fault."""
        if not self.cr0 & PG:
            return linear
        entry = self.tlb.entries.get(linear >> 12)
        if entry is not None:
            fault = None
            if (user and not entry.user) or (kind is WRITE and not entry.writable and (user or self.cr0 & WP)):
                code = CODE_PROTECTION | (CODE_WRITE if kind is WRITE else 0) | (CODE_USER if user else 0)
                fault = page_fault(code, linear)
            if fault is not None or kind is not WRITE or entry.dirty:
                physical = entry.frame << 12 | linear & 0xFFF
                if self.recorder is not None:
                    asked = None
                    if fault is not None:
                        asked = walk(self.memory, self.cr0, self.cr3, self.cr4, linear, kind, user)
                    self.recorder.append(TlbHit(linear, physical, kind, user, entry.user, entry.writable, fault, asked))
                if fault is not None:
                    self._raise_page_fault(fault)
                return physical
        walked = walk(self.memory, self.cr0, self.cr3, self.cr4, linear, kind, user)
        if self.recorder is not None:
            self.recorder.append(walked)
        end = walked.end
        if isinstance(end, Fault):
            self._raise_page_fault(end)
            raise AssertionError
        for address, updated in walked.updates():
            self.memory.write(address, 4, updated)
        if self.watches:
            self._look_at_walk(walked)
        dirty = kind is WRITE or bool(walked.lookups[-1].entry & DIRTY)
        self.tlb.entries[linear >> 12] = TlbEntry(
            end.physical >> 12, end.user, end.writable, dirty, end.global_, end.large
        )
        if entry is not None:  # for a clean page, perhaps a stale one, by which the fast paths went
            self.forget_page(linear >> 12)
            if entry.frame != end.physical >> 12 and entry.frame in self.memory.code:
                self.memory.forget_code(entry.frame)  # the running block may be of this very page
        return end.physical

    def _look_at_walk(self, walked: PageWalk) -> None:
        """See the entries that a walk has read, and changed."""
        updates = dict(walked.updates())
        for lookup in walked.lookups:
            place, entry = lookup.address, lookup.entry
            self._look(Access(Reason.WALK, READ, place, place, 4, entry, None), 0)
            if place in updates:
                self._look(Access(Reason.WALK, WRITE, place, place, 4, updates[place], entry), 0)

    def ask(self, linear: int, kind: Kind, user: bool) -> TlbEntry | PageWalk | None:
        """What would decide an access, without making it: the TLB's entry, a walk, or None while paging is off."""
        if not self.cr0 & PG:
            return None
        entry = self.tlb.entries.get(linear >> 12)
        if entry is not None:
            return entry
        return walk(self.memory, self.cr0, self.cr3, self.cr4, linear, kind, user)

    def peek(self, linear: int, size: int) -> int | None:
        """Bytes at a linear address as the processor would see them, without any effect; None if not mapped."""
        value = 0
        for distance in range(size):
            address = linear + distance & 0xFFFFFFFF
            found = self.ask(address, READ, False)
            if isinstance(found, TlbEntry):
                physical = found.frame << 12 | address & 0xFFF
            elif found is None:
                physical = address
            elif isinstance(found.end, Mapped):
                physical = found.end.physical
            else:
                return None
            value |= self.memory.read(physical, 1) << 8 * distance
        return value

    def read_linear(self, linear: int, size: int, user: bool, reason: Reason, kind: Kind = READ) -> int:
        """Read bytes at a linear address; `user` tells whose rights count, `kind` WRITE demands write rights."""
        first = 4096 - (linear & 0xFFF)
        physical = self.translate(linear, kind, user)
        second = 0
        if size <= first:
            value = self.memory.read(physical, size)
            if self.recorder is None or self.journaling:
                self._remember(linear, physical, kind, user, reason)
        else:
            second = self.translate(linear + first & 0xFFFFFFFF, kind, user)
            value = self.memory.read(physical, first) | self.memory.read(second, size - first) << 8 * first
        if self.recorder is not None or self.watches:
            self._accessed(Access(reason, READ, linear, physical, size, value, None), second)
        return value

    def write_linear(self, linear: int, size: int, value: int, user: bool, reason: Reason) -> None:
        """Write bytes at a linear address. Both pages are judged before a byte of a straddling write is stored."""
        first = 4096 - (linear & 0xFFF)
        physical = self.translate(linear, WRITE, user)
        second = self.translate(linear + first & 0xFFFFFFFF, WRITE, user) if size > first else 0
        if self.recorder is not None or self.watches:
            before = self.memory.read(physical, min(size, first))
            if size > first:
                before |= self.memory.read(second, size - first) << 8 * first
            self._accessed(Access(reason, WRITE, linear, physical, size, value, before), second)
        if size <= first:
            self._store(physical, size, value)
            if self.recorder is None or self.journaling:
                self._remember(linear, physical, WRITE, user, reason)
        else:
            self._store(physical, first, value & (1 << 8 * first) - 1)
            self._store(second, size - first, value >> 8 * first)

    def _accessed(self, access: Access, second: int) -> None:
        """Tell whoever looks of an access; `second` is the physical address of what lies behind a page's end."""
        if self.recorder is not None:
            self.recorder.append(access)
        if self.watches:
            self._look(access, second >> 12)

    def _store(self, physical: int, size: int, value: int) -> None:
        """Store what lies in one frame."""
        if physical >> 12 in self.tables:
            self._write_table(physical, size, value)
        else:
            self.memory.write(physical, size, value)

    def _remember(self, linear: int, physical: int, kind: Kind, user: bool, reason: Reason) -> None:
        """Let the next access to this page take the fast path, if nothing would be missed."""
        if user != (self.cpl == 3) or reason is Reason.TABLE or reason is Reason.FETCH:
            return
        number = physical >> 12
        page = linear >> 12
        if not self.memory.exists(number) or page in self.watches.pages or number in self.watches.frames:
            return
        frame = self.memory.frame(number)
        self._read_pages[user][page] = frame
        has_code = number in self.memory.code and self.memory.code[number].words
        if kind is WRITE and not has_code and number not in self.tables:
            self.memory.touch(number)
            self._write_pages[user][page] = frame

    # --- stack

    @property
    def stack_mask(self) -> int:
        """What of ESP counts: all of it, or SP when SS is a 16-bit segment."""
        return 0xFFFFFFFF if self.segments[SS].big else 0xFFFF

    def peek_stack(self, distance: int, size: int) -> int:
        """`size` bytes of the stack at `distance` above its top; ESP stays."""
        offset = self.registers[ESP] + distance & self.stack_mask
        page = self.reads[SS].get(offset >> 12)
        if page is not None and not offset & 3:
            return page[offset >> 2 & 1023] & MASK[size]
        return self._read_segment(SS, offset, size, READ, Reason.STACK)

    def move_stack(self, distance: int) -> None:
        """Move ESP (SP of a 16-bit stack) by a signed number of bytes."""
        mask = self.stack_mask
        esp = self.registers[ESP]
        self.registers[ESP] = esp & ~mask | esp + distance & mask

    def push(self, value: int, size: int) -> None:
        """Push `size` (2 or 4) bytes; ESP moves only when the write has succeeded."""
        self.push_all((value,), size)

    def push_all(self, values: tuple[int, ...] | list[int], size: int, width: int = 0) -> None:
        """Push several values, first one first, as one transaction: all places are judged before any is written.

        `width`, if given, is how many bytes of each slot are really written (PUSH of a segment register writes 2).
        """
        mask = self.stack_mask
        esp = self.registers[ESP]
        width = width or size
        if len(values) == 1:
            offset = esp - size & mask
            page = self.writes[SS].get(offset >> 12) or self._reopen(SS, offset)
            if page is not None and not offset & 3 and width == 4:
                page[offset >> 2 & 1023] = values[0]
            else:
                linear = self.linear(SS, offset, width, WRITE)
                self.write_linear(linear, width, values[0], self.cpl == 3, Reason.STACK)
            self.registers[ESP] = esp & ~mask | offset
            return
        user = self.cpl == 3
        places = []
        judged = set()
        for count in range(1, len(values) + 1):
            place = self.linear(SS, esp - size * count & mask, width, WRITE)
            places.append(place)
            last = place + width - 1 & 0xFFFFFFFF
            for address in (place,) if place >> 12 == last >> 12 else (place, last & 0xFFFFF000):
                if address >> 12 not in judged:
                    judged.add(address >> 12)
                    self.translate(address, WRITE, user)
        for place, value in zip(places, values, strict=True):
            self.write_linear(place, width, value, user, Reason.STACK)
        self.registers[ESP] = esp & ~mask | esp - size * len(values) & mask

    def pop(self, size: int) -> int:
        """Pop `size` (2 or 4) bytes."""
        value = self.peek_stack(0, size)
        self.move_stack(size)
        return value

    # --- the same for code that keeps a journal: aligned accesses in the fast paths, each noted

    def note_read(self, segment: int, offset: int, size: int) -> int:
        """`read`, noted."""
        page = self.noted_reads[segment].get(offset >> 12)
        shift = (offset & 3) << 3
        if page is None or shift + (size << 3) > 32 or self.recorder is None:
            return self.read(segment, offset, size)
        value = page[offset >> 2 & 1023] >> shift & MASK[size]
        self.recorder.append(Noted(Reason.OPERAND, READ, offset, size, value, None))
        return value

    def note_write(self, segment: int, offset: int, size: int, value: int) -> None:
        """`write`, noted."""
        page = self.noted_writes[segment].get(offset >> 12)
        shift = (offset & 3) << 3
        if page is None or shift + (size << 3) > 32 or self.recorder is None:
            self.write(segment, offset, size, value)
            return
        index = offset >> 2 & 1023
        word = page[index]
        page[index] = word & ~(MASK[size] << shift) | value << shift
        self.recorder.append(Noted(Reason.OPERAND, WRITE, offset, size, value, word >> shift & MASK[size]))

    def note_peek(self, distance: int, size: int) -> int:
        """`peek_stack`, noted; on a 32-bit stack."""
        offset = self.registers[ESP] + distance & 0xFFFFFFFF
        page = self.noted_reads[SS].get(offset >> 12)
        if page is None or offset & 3 or self.recorder is None:
            return self.peek_stack(distance, size)
        value = page[offset >> 2 & 1023] & MASK[size]
        self.recorder.append(Noted(Reason.STACK, READ, offset, size, value, None))
        return value

    def note_push(self, value: int, size: int) -> None:
        """`push`, noted; on a 32-bit stack."""
        offset = self.registers[ESP] - size & 0xFFFFFFFF
        page = self.noted_writes[SS].get(offset >> 12)
        if page is None or size != 4 or offset & 3 or self.recorder is None:
            self.push(value, size)
            return
        index = offset >> 2 & 1023
        self.recorder.append(Noted(Reason.STACK, WRITE, offset, size, value, page[index]))
        page[index] = value
        self.registers[ESP] = offset

    # --- transfers of control

    def jump(self, offset: int) -> None:
        """Go on at another offset of the same code segment."""
        limit = self.segments[CS].limit
        if offset > limit or self.recorder is not None:
            self.require("the target lies inside CS", offset <= limit, general_protection(0), EIP=offset, limit=limit)
        self.eip = offset

    def set_segment(self, number: int, segment: Segment) -> None:
        """Put a checked segment into a segment register; loading CS sets CPL to its RPL."""
        if number == CS and self.cpl != segment.selector & 3:
            self.notice(What.RING, self.cpl, segment.selector & 3)
            self.cpl = segment.selector & 3
        self.segments[number] = segment
        self.refresh()

    def load_segment(self, number: int, selector: int) -> None:
        """Load ES, SS, DS, FS or GS with all checks (segmentation.py)."""
        load_segment(self, number, selector)

    # --- control registers and the TLB

    def write_cr0(self, value: int) -> None:
        """Change CR0; a change of PG or WP leaves no translation behind."""
        changed = self.cr0 ^ value
        self.notice(What.CR0, self.cr0, value | 0x10)
        self.cr0 = value | 0x10  # ET is hard-wired on a 486
        if changed & PG:
            self.tlb.drop_all(keep_global=False)
        self.forget_pages()

    def write_cr3(self, value: int) -> None:
        """Load the page directory's address: drops every translation but the global ones."""
        self.notice(What.CR3, self.cr3, value)
        self.cr3 = value
        self.tlb.drop_all(keep_global=bool(self.cr4 & PGE))
        self.forget_pages()

    def write_cr4(self, value: int) -> None:
        """Change CR4: drops every translation."""
        self.notice(What.CR4, self.cr4, value)
        self.cr4 = value
        self.tlb.drop_all(keep_global=False)
        self.forget_pages()

    def invalidate(self, linear: int) -> None:
        """INVLPG: drop one page's translation."""
        self.notice(What.FLUSH, linear)
        self.tlb.drop(linear, bool(self.cr4 & PSE))
        self.forget_pages()

    # --- ports

    def read_port(self, port: int, size: int) -> int:
        """IN, after the privilege has been checked."""
        value = self.ports.read(port, size)
        self.notice(What.PORT, port, value, size, 0)
        if self.recorder is not None:
            self.recorder.append(PortAccess(port, size, READ, value))
        return value

    def write_port(self, port: int, size: int, value: int) -> None:
        """OUT, after the privilege has been checked."""
        if self.recorder is not None:
            self.recorder.append(PortAccess(port, size, WRITE, value))
        self.notice(What.PORT, port, value, size, 1)
        self.ports.write(port, size, value)

    @property
    def interruptible(self) -> bool:
        """Whether a waiting external interrupt would be taken now."""
        return bool(self._eflags & IF) and not self.shadow

    @property
    def single_stepping(self) -> bool:
        """Whether TF asks for a trap after the next instruction."""
        return bool(self._eflags & TF)

    @property
    def must_step(self) -> bool:
        """Whether the next step has more to do than an instruction's own work: a trap, or RF to clear."""
        return self.trapping or bool(self._eflags & (TF | RF))
