"""Rules about the way into a handler: the IDT, its gates, the inner stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pagefault_lab.lab.advice.cases import Case, gate_of
from pagefault_lab.lab.advice.rules import Advice, rule
from pagefault_lab.lab.tables import idt
from pagefault_lab.lab.walks import is_refused, refusing
from pagefault_lab.machine.delivery import CodeChosen, Delivery, GateRead, StackChosen
from pagefault_lab.machine.events import Check, Kind, TlbHit
from pagefault_lab.machine.faults import PAGE_FAULT, VECTORS
from pagefault_lab.machine.paging import CODE_PROTECTION, PageWalk

OTHER_SELECTOR: Final = "take the selector of the kernel's CS"
GATE_RULES: Final = {
    "the gate lies inside the IDT": ("lies outside of the IDT", "lidt with a limit of 0x7ff: all 256 gates"),
    "the entry is a gate": ("is no gate", "0x8e00 is P=1, DPL 0, 32-bit interrupt gate"),
    "the gate is present": ("is not present", "set P, bit 15 of the word with the type: 0x8e00, not 0x0e00"),
    "the gate's selector is not null": ("has the null selector", OTHER_SELECTOR),
    "the selector lies inside its table": ("has a selector outside of the table", OTHER_SELECTOR),
    "the gate leads to a code segment": ("leads to no code segment", OTHER_SELECTOR),
    "code DPL <= CPL": ("leads to an outer ring", OTHER_SELECTOR),
    "the code segment is present": ("leads to a segment that is not present", OTHER_SELECTOR),
    "the handler lies inside its segment": ("leads beyond its segment", "the handler's address in its two halves"),
}


@rule
def handler_not_mapped(case: Case) -> Iterator[Advice]:
    """The handler of page faults has to be mapped in each directory: it is where its own absence would be handled."""
    refused = case.why.translation if case.why is not None else None
    gate = gate_of(case.before, PAGE_FAULT)
    if refused is None or gate is None or refused.kind is not Kind.FETCH or case.before.cpu.cpl == 3:
        return
    if refused.linear >> 12 == gate.offset >> 12:
        yield Advice(
            "gate 14 leads to a handler that cannot be fetched in this page directory",
            {"gate 14": gate.offset} | _of_page(case, refused),
            "map its page in every directory before lidt, or let it lie in a page that is; it cannot do that itself",
        )


@rule
def idt_not_mapped(case: Case) -> Iterator[Advice]:
    """The processor reads the gate at once, whichever page directory is in use."""
    for attempt, last in case.stops:
        if is_refused(last) and attempt.stage(GateRead) is None:
            yield Advice(
                "the IDT lies in a page that is not mapped in this page directory",
                _of_page(case, last) | {"IDTR base": case.before.cpu.idtr.base},
                "let it lie in a page that every directory maps, or map it in each before lidt",
            )


@rule
def existing_idt_written(case: Case) -> Iterator[Advice]:
    """Some kernels map their IDT read-only. A new one is built, the old one is only read."""
    refused = case.why.translation if case.why is not None else None
    idtr = case.before.cpu.idtr
    if refused is None or refused.kind is not Kind.WRITE or case.before.cpu.cpl == 3:
        return
    is_protected = case.why is not None and (case.why.fault.error or 0) & CODE_PROTECTION
    if is_protected and idtr.base <= refused.linear <= idtr.base + idtr.limit:
        yield Advice(
            "the IDT in use is mapped read-only",
            _of_page(case, refused) | {"IDTR base": idtr.base},
            "copy it to a page of your own, change the copy, and lidt that",
        )


@rule
def wrong_gate(case: Case) -> Iterator[Advice]:
    """What a delivery demands of the gate, and of the code segment that it names."""
    for attempt, last in case.stops:
        if isinstance(last, Check) and last.rule in GATE_RULES and not _is_of_the_stack(attempt):
            wrong, remedy = GATE_RULES[last.rule]
            gate: GateRead | None = attempt.stage(GateRead)
            numbers = dict(last.numbers)
            if gate is not None and remedy is OTHER_SELECTOR:
                numbers = {"selector": gate.gate.selector} | numbers
                remedy = _about_selector(case, gate.gate.selector)
            yield Advice(f"gate {attempt.fault.vector} {wrong}", numbers, remedy)


def _is_of_the_stack(attempt: Delivery) -> bool:
    """Whether a delivery has come to the selector of the inner stack, of which the same rules are judged."""
    return attempt.stage(CodeChosen) is not None and attempt.stage(StackChosen) is None


def _about_selector(case: Case, wrong: int) -> str:
    """Which selector a gate should have, by the other ones; or the descriptor, if it has that."""
    gates = (entry.gate for entry in idt(case.before, lambda _: None).entries)
    selectors = [gate.selector for gate in gates if gate is not None and gate.present and gate.belongs_in_idt]
    usual = max(selectors, key=selectors.count, default=wrong)
    if usual == wrong:
        return f"look at the descriptor of {wrong:#x}: 0x00cf9a000000ffff is flat code of CPL 0"
    return f"{OTHER_SELECTOR}: {usual:#x}, as most gates"


@rule
def int_refused(case: Case) -> Iterator[Advice]:
    """INT n asks for the gate's DPL; exceptions and external interrupts do not."""
    for attempt, last in case.stops:
        if isinstance(last, Check) and last.rule == "gate DPL >= CPL":
            vector = attempt.fault.vector
            if vector in VECTORS:
                remedy = f"leave the gate: int ${vector} is no way for a user to have an exception, which needs no DPL"
            else:
                remedy = "DPL 3 in the gate (0xee00 or 0xef00), if users shall say it"
            yield Advice(f"gate {vector} is not for int at CPL {case.before.cpu.cpl}", dict(last.numbers), remedy)


@rule
def inner_stack_unusable(case: Case) -> Iterator[Advice]:
    """A fault in an outer ring is pushed on the stack that the TSS names, which has to be there whenever it happens."""
    for attempt, last in case.stops:
        chosen: StackChosen | None = attempt.stage(StackChosen)
        code: CodeChosen | None = attempt.stage(CodeChosen)
        if chosen is not None and chosen.tss_address is not None and is_refused(last):
            yield Advice(
                f"ESP{code.new_cpl if code is not None else 0} in the TSS leads to a page that cannot be written",
                {"SS0": chosen.ss, "ESP0": chosen.esp, "TSS": chosen.tss_base} | _of_page(case, last),
                "write the top of a stack that is always mapped to the TSS; vector 8 needs a stack of its own to tell",
            )
        elif chosen is not None and is_refused(last):
            yield Advice(
                "there is no room left to push on, and in the same ring no other stack",
                {"ESP": chosen.esp} | _of_page(case, last),
                "give ESP room before; vector 8 needs a stack of its own, by a task gate, to tell of it",
            )
        elif code is not None and chosen is None and is_refused(last):
            yield Advice(
                "the TSS lies in a page that is not mapped in this page directory",
                {"TSS": case.before.cpu.tr.base} | _of_page(case, last),
                "let it lie in a page that every directory maps",
            )
        elif code is not None and chosen is None and isinstance(last, Check) and last.rule not in GATE_RULES:
            yield Advice(
                f"the stack that the TSS names is wrong: not so that {last.rule}",
                {"TR": case.before.cpu.tr.selector, "TSS": case.before.cpu.tr.base} | dict(last.numbers),
                f"put the kernel's data selector into SS{code.new_cpl} of the TSS that TR names",
            )


def _of_page(case: Case, refused: PageWalk | TlbHit) -> dict[str, int]:
    """The address, the directory, and the entry that refused."""
    tables = refused.tables if isinstance(refused, TlbHit) else refused
    numbers = {"address": refused.linear, "CR3": case.before.cpu.cr3}
    entry = refusing(tables)
    if entry is not None:
        numbers[entry.level] = entry.entry
    return numbers
