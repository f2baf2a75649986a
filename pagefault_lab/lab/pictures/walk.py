"""`picture walk`: a linear address cut into its parts, and its way through the page tables.

CR3 -> page directory [31..22] -> page table [21..12] -> page frame + [11..0]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.lab.pictures import Arrow, Box, End, Picture, Row, Strip, bits, symbol_note
from pagefault_lab.lab.walks import cached, judge, walk_now
from pagefault_lab.machine.events import Kind, TlbHit
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.paging import Lookup, Mapped, PageWalk
from pagefault_lab.machine.registers import PG

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.machine import Machine

ENTRIES = {"PDE": ("directory", "page directory"), "PTE": ("table", "page table")}


def walk(session: Session, linear: int, kind: Kind, user: bool) -> Picture:
    """The walk for an access as the page tables are now; what the TLB says of it, if it holds the page."""
    machine = session.machine
    symbol = session.symbols.name(linear) or ""
    who = "user" if user else "supervisor"
    title = f"{kind.value} at {linear:#010x}{f' <{symbol}>' if symbol else ''} as {who}"
    if not machine.cpu.cr0 & PG:
        return _without_paging(machine, linear, title, symbol)
    found = walk_now(machine, linear, kind, user)
    boxes = [Box("cr3", "CR3", 0, (Row(number=machine.cpu.cr3),))]
    arrows = []
    source = End("cr3")
    for lane, lookup in enumerate(found.lookups, 1):
        box = _entry(found, lookup, lane)
        boxes.append(box)
        arrows += [Arrow(source, End(box.key)), Arrow(End(f"{box.key} index"), End(box.key))]
        source = End(box.key, 2)
    boxes.append(_end(machine, found, len(found.lookups) + 1))
    arrows.append(Arrow(source, End("end")))
    if isinstance(found.end, Mapped):
        arrows.append(Arrow(End("offset index"), End("end")))
    notes = []
    if not found.lookups[0].present:
        notes.append("The page table is not looked at.")
    tlb = _tlb(machine, linear)
    if tlb is None:
        notes.append("The TLB does not hold the page: an access would walk.")
    else:
        boxes.append(tlb)
        notes.append(_opinion(machine, found))
    return Picture(
        "walk", title, tuple(boxes), tuple(arrows), (_split(found),), refused(found), tuple(filter(None, notes))
    )


def _without_paging(machine: Machine, linear: int, title: str, symbol: str) -> Picture:
    """The address is the physical one."""
    boxes = (
        Box("linear", "linear address", 0, (Row(number=linear, more=symbol_note(symbol)),)),
        Box("end", "physical address", 1, (Row("=", linear), Row("byte", machine.memory.read(linear, 1), 1))),
    )
    notes = ("Paging is off (CR0.PG=0): nothing is looked up, no right is judged, every access is allowed.",)
    return Picture("walk", title, boxes, (Arrow(End("linear"), End("end")),), (), "", notes)


def _split(walk: PageWalk) -> Strip:
    """The linear address as bit fields: 10, 10 and 12 bits, or 10 and 22 for a page of 4 MiB."""
    pde = walk.lookups[0]
    parts = [("directory", 31, 22)]
    if len(walk.lookups) == 1 and pde.present:
        parts.append(("offset", 21, 0))
    else:
        parts += [("table", 21, 12), ("offset", 11, 0)]
    return Strip(f"linear address {walk.linear:#010x}", tuple(_part(walk.linear, *part) for part in parts))


def _part(linear: int, name: str, high: int, low: int) -> Box:
    """A part of the address, bit by bit too."""
    cell = bits(linear, name, high, low)
    binary = Row(note=f"{linear >> low & (1 << high - low + 1) - 1:0{high - low + 1}b}")
    return cell._replace(key=f"{name} index", rows=(cell.rows[0], binary, *cell.rows[1:]))


def _entry(walk: PageWalk, lookup: Lookup, lane: int) -> Box:
    """One entry: where it lies, what it is, what its bits say."""
    key, title = ENTRIES[lookup.level]
    rule = walk.verdict
    rows = [
        Row(f"[{lookup.index:#05x}]"),
        Row("at", lookup.address),
        Row(lookup.level, lookup.entry),
        Row(note=flags(lookup.entry)),
    ]
    if rule is not None and rule.level == lookup.level:
        rows.append(Row(note=_failed_bit(rule.bit), failed=True))
    return Box(key, title, lane, tuple(rows))


def _failed_bit(bit: str) -> str:
    return f"{bit}=0" if bit in ("P", "U/S", "R/W") else f"bits {bit} not 0"


def flags(entry: int) -> str:
    """The bits of a PDE or PTE that are set, or dashes: `P RW US A D`."""
    names = ((1, "P"), (2, "RW"), (4, "US"), (0x20, "A"), (0x40, "D"))
    rare = ((0x80, " PS"), (0x100, " G"))
    common = " ".join(name if entry & bit else "-" * len(name) for bit, name in names)
    return common + "".join(name for bit, name in rare if entry & bit)


def _end(machine: Machine, walk: PageWalk, lane: int) -> Box:
    """The page frame and the byte in it, or the page fault."""
    match walk.end:
        case Mapped(physical=physical, large=large):
            mask = 0x3FFFFF if large else 0xFFF
            rows = (
                Row("base", physical & ~mask),
                Row("+", physical & mask),
                Row("=", physical),
                Row("byte", machine.memory.read(physical, 1), 1),
            )
            return Box("end", "4 MiB page" if large else "page frame", lane, rows)
        case Fault() as fault:
            assert fault.error is not None
            told = (Row(note="no frame", failed=True), Row("error", fault.error), Row("CR2", walk.linear))
            return Box("end", "#PF page fault", lane, told)


def _tlb(machine: Machine, linear: int) -> Box | None:
    """The TLB's entry for the page."""
    entry, stale = cached(machine, linear)
    if entry is None:
        return None
    rows = [
        Row("page", linear & 0xFFFFF000),
        Row("->", entry.frame << 12),
        Row(note=f"{'RW' if entry.writable else '--'} {'US' if entry.user else '--'} {'D' if entry.dirty else '-'}"),
    ]
    rows.append(Row(note="STALE", failed=True) if stale else Row(note="agrees"))
    return Box("tlb", "TLB", 0, tuple(rows))


def _opinion(machine: Machine, walk: PageWalk) -> str:
    """What the TLB, which is asked first, makes of the access."""
    judged = judge(machine, walk.linear, walk.kind, walk.user)
    if not isinstance(judged, TlbHit):
        return "The TLB holds the page, but the tables are walked for this access: its entry is not dirty yet."
    verdict = "refuses" if judged.fault is not None else "allows"
    stale = cached(machine, walk.linear).stale
    said = f"The TLB is asked first, and {verdict} the access"
    return f"{said}, though {stale}." if stale else f"{said}: the tables are not read."


def refused(walk: PageWalk) -> str:
    """Why a walk ended in a fault; "" if it did not."""
    rule = walk.verdict
    if rule is None:
        return ""
    return f"refused by {_failed_bit(rule.bit)} in the {rule.level} (rule: {rule.text})"
