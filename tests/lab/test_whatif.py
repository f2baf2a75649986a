"""`whatif`: each claim is made true on a machine of its own, and no change that matters is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import product
from typing import NamedTuple

import pytest
from benches import do, everything, only, value
from builders import (
    DIRECTORY,
    GDT,
    HANDLERS,
    IDT,
    KERNEL_CODE,
    KERNEL_DATA,
    KERNEL_STACK,
    PRESENT,
    TABLE,
    TSS_BASE,
    USER,
    USER_TEXT,
    WRITABLE,
    flat,
    map_page,
    on_bench,
    set_gate,
    two_rings,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st
from rights import ALL, TARGET, TARGET_PDE, Key, Situation, fault_in, flips

from pagefault_lab.commands import complete
from pagefault_lab.lab import peeking
from pagefault_lab.lab.hypotheses import (
    EntryBits,
    Hypothesis,
    OtherAccess,
    PageMapped,
    Privilege,
    RegisterBits,
    SegmentField,
    SelectorLoaded,
    TableField,
    TranslationDropped,
    with_field,
)  # fmt: skip
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.tables import MemoryMap
from pagefault_lab.lab.whatif import Ending, Experiment, Trial, WhatIf, outcome_of
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import AC, AM, CS, DS, SS, TF
from pagefault_lab.machine.segmentation import NULL_SEGMENT, Descriptor, Segment, SystemSegment, TableRegister
from pagefault_lab.problem import Problem
from pagefault_lab.views.what_if import change as change_in_words

STORE, LOAD = b"\x89\x03", b"\x8b\x03"
CELL = 0x14000


def key(change: Hypothesis) -> Key:
    """A change by the name that `Situation.changes` gives it."""
    match change:
        case EntryBits(level=level, name=name):
            return level, name
        case Privilege():
            return ("CPL",)
        case RegisterBits(register="cr0", name="WP"):
            return ("WP",)
        case OtherAccess(after=kind):
            return "access", kind
        case TranslationDropped():
            return ("TLB",)
    raise AssertionError(change)


def first_fault(trial: Trial) -> Fault | None:
    return trial.outcome.faults[0] if trial.outcome.faults else None


def told_alone(trials: Iterable[Trial]) -> dict[Key, Fault | None]:
    """The single changes that were told, and what each leads to."""
    alone = [trial for trial in trials if len(trial.changes) == 1 and not isinstance(trial.changes[0], PageMapped)]
    return {key(trial.changes[0]): first_fault(trial) for trial in alone}


def told_together(trials: Iterable[Trial]) -> dict[frozenset[Key], Fault | None]:
    return {frozenset(map(key, trial.changes)): first_fault(trial) for trial in trials if len(trial.changes) == 2}


@cache
def experiment(situation: Situation) -> tuple[Experiment, list[Trial]]:
    """What is found for the access when it is made, and faults."""
    found = Experiment(situation.machine())
    return found, found.trials()


def asked(situation: Situation) -> WhatIf:
    """What `whatif` says of the access while the machine does something else."""
    session = on_bench(situation.machine())
    return only(WhatIf, do(session, f"whatif {situation.kind.value} {TARGET:#x}"))


# --- the whole table of rights


@pytest.mark.parametrize("kind", Kind)
def test_for_a_fault_it_tells_all_single_changes_that_matter_and_what_they_lead_to(kind: Kind) -> None:
    for situation in ALL:
        if situation.kind is kind and fault_in(situation) is not None:
            assert told_alone(experiment(situation)[1]) == flips(situation), situation


@pytest.mark.parametrize("kind", Kind)
def test_for_an_access_that_was_not_made_it_tells_the_same(kind: Kind) -> None:
    for situation in ALL[::5]:  # 5 has no part in the sizes of the table: all of its values occur
        if situation.kind is kind:
            answer = asked(situation)
            assert (answer.outcome.faults[0] if answer.outcome.faults else None) == fault_in(situation)
            assert told_alone((*answer.better, *answer.otherwise)) == flips(situation), situation


@pytest.mark.parametrize("kind", Kind)
def test_where_no_single_change_helps_it_tells_all_pairs_that_do(kind: Kind) -> None:
    for situation in ALL:
        if situation.kind is not kind or fault_in(situation) is None:
            continue
        helpful = [change for change, fault in flips(situation).items() if fault is None]
        pairs = {pair for pair in situation.pairs() if fault_in(situation.after(*pair)) is None}
        if any(change[0] in ("PDE", "PTE") for change in helpful):
            pairs = set()
        elif helpful:  # bits of the tables all the same: they are what can be repaired
            pairs = {pair for pair in pairs if all(change[0] in ("PDE", "PTE") for change in pair)}
        found, trials = experiment(situation)
        assert set(told_together(trials)) == pairs, situation
        assert bool(found.pairs) == (not any(change[0] in ("PDE", "PTE") for change in helpful))


def test_a_page_mapped_where_there_is_none_is_told_last_and_helps() -> None:
    for situation in ALL:
        if fault_in(situation) is None:
            continue
        trials = experiment(situation)[1]
        mapped = [trial for trial in trials if isinstance(trial.changes[0], PageMapped)]
        if situation.pde & situation.pte & 1:
            assert not mapped
            continue
        assert mapped == trials[-1:]
        assert fault_in(situation._replace(pde=7, pte=7)) is None
        if situation.kind is not Kind.FETCH:  # the zeros of the page are executed: addb %al,(%eax)
            assert mapped[0].outcome.ending is Ending.COMPLETES
        else:
            assert mapped[0].outcome.step.instruction is not None


RIGHTS_IN_TLB = [*product((False, True), (False, True))]
SOME_TABLES = [(7, 7), (7, 5), (7, 3), (5, 7), (3, 7), (7, 6), (6, 7), (1, 1)]


@pytest.mark.parametrize("kind", Kind)
def test_what_the_tlb_holds_is_part_of_the_machine(kind: Kind) -> None:
    """Stale or not: what the entry answers, what dropping it does, and that a change of the tables needs that too."""
    for (pde, pte), cached, cpl, wp in product(SOME_TABLES, RIGHTS_IN_TLB, (0, 3), (False, True)):
        situation = Situation(kind, cpl, wp, pde, pte, cached)
        base = fault_in(situation)
        answer = asked(situation)
        trials = (*answer.better, *answer.otherwise)
        assert told_alone(trials) == flips(situation), situation
        for pair, fault in told_together(trials).items():
            assert fault == fault_in(situation.after(*pair)) != base, (situation, pair)
        for change in situation.changes():
            alone = fault_in(situation.after(change)), fault_in(situation.after(("TLB",)))
            both = fault_in(situation.after(change, ("TLB",)))
            needs_both = both != base and alone == (base, base)
            if change[0] in ("PDE", "PTE") and needs_both:
                assert frozenset((change, ("TLB",))) in told_together(trials), (situation, change)


def test_a_clean_translation_is_no_answer_for_a_write() -> None:
    machine = two_rings(LOAD + STORE, ebx=CELL)
    machine.step()
    map_page_behind_the_back(machine, CELL, PRESENT | USER)
    helpful = [trial for trial in Experiment(machine).trials() if trial.outcome.ending is Ending.COMPLETES]
    assert [key(change) for trial in helpful for change in trial.changes if isinstance(change, EntryBits)] == [
        ("PTE", "R/W")
    ]


def map_page_behind_the_back(machine: Machine, linear: int, flags: int) -> None:
    entries = dict(machine.cpu.tlb.entries)
    map_page(machine, linear, flags)
    machine.cpu.tlb.entries = entries


# --- other faults: each with a change that must be told, made by hand on a machine of its own


class Case(NamedTuple):
    """A machine that is about to fault, the change that helps, the same made by hand, and how it ends then."""

    build: Callable[[], Machine]
    change: tuple[type, dict[str, object]]
    by_hand: Callable[[Machine], object]
    faults: tuple[int, ...] = ()


def gate_field(offset: int, value: int, size: int = 4) -> Callable[[Machine], None]:
    return lambda machine: machine.memory.write(offset, size, value)


def with_gate(vector: int, bits: int, selector: int = KERNEL_CODE, code: bytes = b"") -> Callable[[], Machine]:
    def build() -> Machine:
        machine = two_rings(code or bytes((0xCD, vector)), ebx=CELL)
        set_gate(machine, vector, selector, HANDLERS + 16 * vector, bits)
        map_page(machine, CELL, 0)
        return machine

    return build


def regated(vector: int, bits: int) -> Callable[[Machine], None]:
    return lambda machine: set_gate(machine, vector, KERNEL_CODE, HANDLERS + 16 * vector, bits)


def changed(machine: Machine, change: Callable[[Machine], object]) -> Machine:
    change(machine)
    return machine


def hidden(number: int, segment: Segment) -> Callable[[Machine], None]:
    return lambda machine: machine.cpu.set_segment(number, segment)


def user_data(limit: int = 0xFFFFFFFF, access: int = 0xF3) -> Segment:
    raw = limit >> 12 & 0xFFFF | access << 40 | (limit >> 28) << 48 | 0xC << 52
    return Segment.of(0x23, Descriptor(raw))


def attribute(name: str, value: object) -> Callable[[Machine], None]:
    return lambda machine: setattr(machine.cpu, name, value)


def tss_of(limit: int) -> Callable[[Machine], None]:
    return attribute("tr", SystemSegment(0x28, TSS_BASE, limit, 11, True))


def bad_stack_selector() -> Machine:
    machine = with_gate(14, 0x8E00, code=STORE)()
    machine.memory.write(TSS_BASE + 8, 2, 0x30)
    return machine


def stack_page_absent() -> Machine:
    machine = with_gate(14, 0x8E00, code=STORE)()
    map_page(machine, KERNEL_STACK - 0x1000, WRITABLE)
    return machine


def misaligned() -> Machine:
    machine = two_rings(LOAD, ebx=CELL + 1)
    machine.cpu.cr0 |= AM
    machine.cpu.eflags |= AC
    return machine


def with_io_map(code: bytes) -> Machine:
    machine = two_rings(code)
    machine.cpu.tr = SystemSegment(0x28, TSS_BASE, 0x80, 11, True)
    machine.memory.write(TSS_BASE + 0x66, 2, 0x68)
    machine.memory.write(TSS_BASE + 0x68 + 0x60 // 8, 2, 0xFFFF)
    return machine


CASES = {
    "int n through a gate of DPL 0": Case(
        with_gate(14, 0x8E00), (TableField, {"table": "IDT", "number": 14, "name": "DPL", "after": 3}),
        regated(14, 0xEE00),
    ),
    "int n through a gate that is not present": Case(
        with_gate(14, 0x6E00), (TableField, {"name": "P", "after": 1}), regated(14, 0xEE00)
    ),
    "int n through what is no gate": Case(
        with_gate(14, 0xE200), (TableField, {"name": "type", "after": 14}), regated(14, 0xEE00)
    ),
    "int n beyond the IDT": Case(
        lambda: changed(with_gate(14, 0xEE00)(), attribute("idtr", TableRegister(IDT, 0x6F))),
        (RegisterBits, {"register": "idtr", "after": 0x77}), attribute("idtr", TableRegister(IDT, 0x77)),
    ),
    "int n to a selector that is null": Case(
        with_gate(14, 0xEE00, 0), (TableField, {"name": "selector", "after": KERNEL_CODE}), regated(14, 0xEE00)
    ),
    "int n to a data segment": Case(
        with_gate(14, 0xEE00, KERNEL_DATA), (TableField, {"name": "selector", "after": KERNEL_CODE}),
        regated(14, 0xEE00),
    ),
    "int n to a segment that is not present": Case(
        lambda: changed(with_gate(14, 0xEE00)(), gate_field(GDT + KERNEL_CODE + 4, 0x00CF1B00)),
        (TableField, {"table": "GDT", "name": "P", "after": 1}), gate_field(GDT + KERNEL_CODE + 4, 0x00CF9B00),
    ),
    "a page fault whose gate is not present": Case(
        with_gate(14, 0x0E00, code=STORE), (TableField, {"number": 14, "name": "P", "after": 1}), regated(14, 0x8E00),
        (14,),
    ),
    "a page fault whose gate has a selector of no use": Case(
        with_gate(14, 0x8E00, 0, STORE), (TableField, {"name": "selector", "after": KERNEL_CODE}), regated(14, 0x8E00),
        (14,),
    ),
    "a page fault where SS0 is no stack": Case(
        bad_stack_selector, (TableField, {"table": "TSS", "name": "SS0", "after": KERNEL_DATA}),
        gate_field(TSS_BASE + 8, KERNEL_DATA, 2), (14,),
    ),
    "a page fault where the TSS is too short": Case(
        lambda: changed(with_gate(14, 0x8E00, code=STORE)(), tss_of(4)),
        (RegisterBits, {"register": "tr", "after": 0x67}), tss_of(0x67),
        (14,),
    ),
    "a page fault whose stack is not mapped": Case(
        stack_page_absent, (EntryBits, {"name": "P", "linear": KERNEL_STACK - 4, "after": 1}),
        lambda machine: map_page(machine, KERNEL_STACK - 0x1000, PRESENT | WRITABLE), (14,),
    ),
    "a page fault whose IDT is not mapped": Case(
        lambda: changed(with_gate(14, 0x8E00, code=STORE)(), lambda machine: map_page(machine, IDT, WRITABLE)),
        (EntryBits, {"name": "P", "linear": IDT + 14 * 8, "after": 1}),
        lambda machine: map_page(machine, IDT, PRESENT | WRITABLE), (14,),
    ),
    "a null segment register": Case(
        lambda: changed(two_rings(LOAD, ebx=CELL), hidden(DS, NULL_SEGMENT)),
        (SelectorLoaded, {"segment": DS, "after": 0x23}), hidden(DS, user_data()),
    ),
    "an offset beyond the limit": Case(
        lambda: changed(two_rings(LOAD, ebx=CELL), hidden(DS, user_data(0xFFF))),
        (SegmentField, {"name": "limit", "before": 0xFFF, "after": CELL + 3}), hidden(DS, user_data()),
    ),
    "a stack beyond its limit": Case(
        lambda: changed(two_rings(b"\x50"), hidden(SS, user_data(0xFFF))),
        (SegmentField, {"segment": SS, "name": "limit"}), hidden(SS, user_data()),
    ),
    "a write to a read-only segment": Case(
        lambda: changed(two_rings(STORE, ebx=CELL), hidden(DS, user_data(access=0xF1))),
        (SegmentField, {"name": "writable", "after": 1}), hidden(DS, user_data()),
    ),
    "a write to a read-only segment, made a read": Case(
        lambda: changed(two_rings(STORE, ebx=CELL), hidden(DS, user_data(access=0xF1))),
        (OtherAccess, {"segment": DS, "after": Kind.READ}),
        lambda machine: machine.memory.write_bytes(USER_TEXT, LOAD),
    ),
    "a selector whose DPL is 0, loaded at CPL 3": Case(
        lambda: two_rings(b"\x8e\xd8", eax=KERNEL_DATA),
        (TableField, {"table": "GDT", "number": 2, "name": "DPL", "after": 3}),
        gate_field(GDT + KERNEL_DATA + 4, 0x00CFF300),
    ),
    "a selector beyond the GDT": Case(
        lambda: changed(two_rings(b"\x8e\xd8", eax=0x33), gate_field(GDT + 0x34, 0x00CFF300)),
        (RegisterBits, {"register": "gdtr", "after": 0x37}), attribute("gdtr", TableRegister(GDT, 0x37)),
    ),
    "a privileged instruction": Case(
        lambda: two_rings(b"\xf4"), (Privilege, {"before": 3, "after": 0}),
        lambda machine: [hidden(number, Segment.of(selector, Descriptor(raw)))(machine) for number, selector, raw in (
            (SS, KERNEL_DATA, 0x00CF93000000FFFF), (CS, KERNEL_CODE, 0x00CF9B000000FFFF))],
    ),
    "cli without the I/O privilege": Case(
        lambda: two_rings(b"\xfa"), (RegisterBits, {"name": "IOPL", "after": 3}), attribute("eflags", 0x3202)
    ),
    "a port without the I/O privilege": Case(
        lambda: changed(two_rings(b"\xe4\x60"), tss_of(0x60)), (RegisterBits, {"name": "IOPL", "after": 3}),
        attribute("eflags", 0x3202),
    ),
    "a port that the I/O map forbids": Case(
        lambda: with_io_map(b"\xe4\x60"), (TableField, {"table": "TSS", "name": "I/O map", "before": 1, "after": 0}),
        gate_field(TSS_BASE + 0x68 + 0x60 // 8, 0xFFFE, 2),
    ),
    "a misaligned access": Case(
        misaligned, (RegisterBits, {"register": "eflags", "name": "AC", "after": 0}), attribute("eflags", 0x202)
    ),
    "an instruction for a coprocessor that is off": Case(
        lambda: changed(two_rings(b"\xdb\xe3"), lambda machine: machine.cpu.write_cr0(machine.cpu.cr0 | 4)),
        (RegisterBits, {"register": "cr0", "name": "EM", "after": 0}),
        lambda machine: machine.cpu.write_cr0(machine.cpu.cr0 & ~4),
    ),
    "a single-step trap": Case(
        lambda: changed(two_rings(b"\x90"), attribute("eflags", 0x302)),
        (RegisterBits, {"register": "eflags", "name": "TF", "after": 0}), attribute("eflags", 0x202),
    ),
    "an instruction beyond the limit of CS": Case(
        lambda: changed(two_rings(b"\x90"), hidden(CS, Segment.of(0x1B, Descriptor(0x0040FB0000000FFF)))),
        (SegmentField, {"segment": CS, "name": "limit", "after": USER_TEXT}),
        hidden(CS, Segment.of(0x1B, Descriptor(0x00CFFB000000FFFF))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_other_faults_too_are_told_by_what_helps(name: str) -> None:
    case = CASES[name]
    kind, fields = case.change
    assert case.build().step().deliveries, "it faults"
    trials = Experiment(case.build()).trials()
    found = [trial for trial in trials if len(trial.changes) == 1 and fits(trial.changes[0], kind, fields)]
    assert len(found) == 1, [trial.changes for trial in trials]
    by_hand = changed(case.build(), case.by_hand).step()
    exceptions = tuple(each.fault.vector for each in by_hand.deliveries if each.source.name == "EXCEPTION")
    assert exceptions == case.faults
    assert tuple(fault.vector for fault in found[0].outcome.faults) == case.faults
    assert found[0].outcome.better_than(Experiment(case.build()).base)


def fits(change: Hypothesis, kind: type, fields: dict[str, object]) -> bool:
    return isinstance(change, kind) and all(getattr(change, name) == value for name, value in fields.items())


def test_a_4_mib_page_is_a_change_of_its_directory_entry_or_of_cr4() -> None:
    def build(bits: int) -> Machine:
        machine = two_rings(STORE, ebx=TARGET)
        machine.cpu.write_cr4(0x10)
        machine.memory.write(TARGET_PDE, 4, bits)
        return machine

    trials = Experiment(build(0x85)).trials()
    helpful = [trial for trial in trials if fits(trial.changes[0], EntryBits, {"level": "PDE", "name": "R/W"})]
    assert [trial.outcome.ending for trial in helpful] == [Ending.COMPLETES]
    assert not any(fits(trial.changes[0], EntryBits, {"level": "PTE"}) for trial in trials)
    assert build(0x87).step().deliveries == ()
    trials = Experiment(build(0x91087)).trials()
    reserved = [trial for trial in trials if fits(trial.changes[0], EntryBits, {"name": "21..12", "after": 0})]
    assert [trial.outcome.ending for trial in reserved] == [Ending.COMPLETES]
    assert any(fits(trial.changes[0], EntryBits, {"name": "PS", "after": 0}) for trial in trials)
    assert any(fits(trial.changes[0], RegisterBits, {"register": "cr4", "after": 0}) for trial in trials)


def test_a_write_across_two_pages_is_told_by_the_page_that_refuses() -> None:
    machine = two_rings(STORE, ebx=CELL + 0xFFE)
    map_page(machine, CELL + 0x1000, PRESENT | USER)
    trials = Experiment(machine).trials()
    helpful = [change for trial in trials if trial.outcome.ending is Ending.COMPLETES for change in trial.changes]
    assert [(change.linear, key(change)) for change in helpful if isinstance(change, EntryBits)] == [
        (CELL + 0x1000, ("PTE", "R/W"))
    ]


def test_a_fault_that_nothing_would_change_is_told_as_such() -> None:
    answer = Experiment(two_rings(b"\xf7\xf1"))  # a division by 0
    assert answer.trials() == []
    assert answer.singles


def test_an_interrupt_that_cannot_be_delivered_is_told_too() -> None:
    machine = two_rings(b"\x90")
    set_gate(machine, 0x1F, KERNEL_CODE, 0x9000, 0x0E00)
    machine.interrupt(0x1F)
    helpful = [trial for trial in Experiment(machine).trials() if trial.outcome.ending is Ending.COMPLETES]
    assert [fits(trial.changes[0], TableField, {"number": 0x1F, "name": "P"}) for trial in helpful] == [True]


# --- the command


def test_it_is_about_the_step_of_the_last_fault_however_far_the_machine_went_on(linux: Session) -> None:
    do(linux, "movl %eax,_text")
    first = only(WhatIf, do(linux, "whatif"))
    assert first.story.step == linux.fault
    do(linux, "si 3")
    assert only(WhatIf, do(linux, "whatif")).better == first.better


def test_after_the_cause_is_repaired_it_still_tells_of_then(linux: Session) -> None:
    do(linux, "movl %eax,0x40000000", "map 0x40000000")
    answer = only(WhatIf, do(linux, "whatif"))
    assert answer.outcome.faults[0].error == 6
    assert [type(trial.changes[0]) for trial in answer.better][-1] is PageMapped


def test_asking_changes_nothing(linux: Session) -> None:
    do(linux, "movl %eax,0")
    before = everything(linux)
    for line in ("whatif", "whatif cpl=0", "whatif write $esp", "whatif fetch 0 user", "whatif read 0xc0000000 wp=0"):
        do(linux, line)
        assert everything(linux) == before, line


@pytest.mark.parametrize(
    ("words", "kind", "cpl", "wp"),
    [
        ("read $esp", Kind.READ, 3, True),
        ("$esp", Kind.READ, 3, True),
        ("write $esp user", Kind.WRITE, 3, True),
        ("$esp write user", Kind.WRITE, 3, True),
        ("fetch $esp supervisor", Kind.FETCH, 0, True),
        ("write $esp cpl=0 wp=0", Kind.WRITE, 0, False),
        ("write $esp wp=0 cpl=0", Kind.WRITE, 0, False),
        ("write $esp, CPL = 1, WP = 1", Kind.WRITE, 1, True),
        ("write $esp+4 -4 user cpl=3", Kind.WRITE, 3, True),
    ],
)
def test_an_access_is_asked_about_in_the_words_of_walk(
    linux: Session, words: str, kind: Kind, cpl: int, wp: bool
) -> None:
    found = only(WhatIf, do(linux, f"whatif {words}")).asked
    assert found is not None
    assert found == (kind, linux.machine.cpu.registers[4], found.symbol, cpl, wp, True)
    assert "user_stack" in found.symbol


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("whatif write", "ADDRESS is missing"),
        ("whatif write cpl=3", "ADDRESS is missing"),
        ("whatif $esp cpl=4", "CPL cannot be 4"),
        ("whatif $esp wp=", "WP cannot be nothing"),
        ("whatif $esp user supervisor", "CPL is said twice"),
        ("whatif $esp write read", "read is more than whatif takes"),
        ("whatif", "there has been no fault yet"),
        ("whatif nosuchsymbol", "nosuchsymbol"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(linux: Session, line: str, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        do(linux, line)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("whatif wirte 0", "write"),
        ("whatif 0 wirte", "write"),
        ("whatif write 0 usr", "user"),
        ("walk 0 wirte", "write"),
        ("micro bakc", "back"),
    ],
)
def test_a_misspelled_word_is_told_what_was_meant(linux: Session, line: str, word: str) -> None:
    with pytest.raises(Problem) as caught:
        do(linux, line)
    assert caught.value.hint == f"did you mean {word}?"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("whatif wr", "write"),
        ("whatif write user_sta", "user_stack"),
        ("whatif write $esp us", "user"),
    ],
)
def test_its_words_are_completed(linux: Session, line: str, word: str) -> None:
    assert word in [completion.word for completion in complete(linux, line)]


def test_the_same_fault_can_be_asked_about_under_other_circumstances(linux: Session) -> None:
    do(linux, "movl %eax,_text")
    assert only(WhatIf, do(linux, "whatif cpl=0")).outcome.ending is Ending.COMPLETES
    assert only(WhatIf, do(linux, "whatif user wp=0")).outcome.faults[0].error == 7


def test_where_the_new_stack_is_not_mapped_what_led_to_it_is_among_the_changes(linux: Session) -> None:
    do(linux, "set tss.esp0 = 0xff000000", "movl %eax,0")
    step = linux.fault
    assert step is not None
    before = linux.history.machine_at(step.number)
    answer = only(WhatIf, do(linux, "whatif"))
    changes = [each for trial in answer.better for each in trial.changes]
    told = {(each.place, each.after) for each in changes if isinstance(each, TableField) and not is_of_the_tss(each)}
    code = linux.symbols["gdt_table"] + 8 * 2 + 4  # of the kernel's code segment, which the gate names
    fields = ((0x6000, range(4)), (0x8000, range(2)), (0x1000, range(2)), (0x0F00, [0xB ^ bit for bit in (1, 2, 4, 8)]))
    helps = set()
    for mask, after in ((mask, after) for mask, values in fields for after in values):
        changed = before.copy()
        entry = with_field(peeking.read(changed, code, 4), mask, after)
        peeking.place(changed, code, entry.to_bytes(4, "little"))
        if outcome_of(changed.step()).better_than(answer.outcome):
            helps.add(((code, mask), after))
    assert told == helps != set()


def test_another_stack_in_the_tss_is_proposed_and_saves_it(linux: Session) -> None:
    right = value(linux, "tss.esp0")
    do(linux, "set tss.esp0 = 0xff000000", "movl %eax,0")
    answer = only(WhatIf, do(linux, "whatif"))
    (trial,) = (each for each in answer.better if is_of_the_tss(each.changes[0]))
    assert trial.outcome.ending is Ending.HANDLER
    assert change_in_words(trial.changes[0], None) == "TSS: ESP0 0xff000000->0xc0114000"
    do(linux, "back", f"set tss.esp0 = {right}", "movl %eax,0")  # made, not supposed
    assert linux.fault is not None
    assert outcome_of(linux.fault).same_as(trial.outcome)


@pytest.mark.parametrize(
    "lines",
    [
        ["set tss.esp0 = 0xff000000", "whatif write 0"],
        ["set tss.esp0 = 0", "set tss.esp0 = 0xff000000", "movl %eax,0", "whatif"],  # nor was the one before it good
    ],
)
def test_where_nobody_knows_another_stack_the_nearest_one_is_proposed_and_saves_it(
    lines: list[str], linux: Session
) -> None:
    answer = only(WhatIf, do(linux, *lines))
    (trial,) = (each for each in answer.better if is_of_the_tss(each.changes[0]))
    (found,) = trial.changes
    assert isinstance(found, TableField)
    ends = [each.end + 1 for each in only(MemoryMap, do(linux, "info mem")).ranges if each.writable and not each.user]
    assert found.after == max(ends)
    do(linux, "goto 0", f"set tss.esp0 = {found.after}", "movl %eax,0")
    assert linux.fault is not None
    assert outcome_of(linux.fault).ending is trial.outcome.ending is Ending.HANDLER


def is_of_the_tss(change: Hypothesis) -> bool:
    return isinstance(change, TableField) and change.table == "TSS"


def test_an_earlier_fault_is_asked_about_by_its_number(linux: Session) -> None:
    do(linux, "movl %eax,_text", "c", "movl %eax,message")
    assert only(WhatIf, do(linux, "whatif fault 2")) == only(WhatIf, do(linux, "whatif"))
    first = only(WhatIf, do(linux, "whatif fault 1"))
    assert first.outcome.faults[0].linear == value(linux, "_text")
    assert only(WhatIf, do(linux, "whatif fault 1 cpl=0 wp=0")).outcome.ending is Ending.COMPLETES
    assert only(WhatIf, do(linux, "whatif fault cpl=0 wp=0")).outcome.ending is Ending.COMPLETES
    with pytest.raises(Problem, match="no fault 3"):
        do(linux, "whatif fault 3")


def test_without_paging_every_access_is_possible() -> None:
    answer = only(WhatIf, do(on_bench(flat()), "whatif write 0x5000 cpl=3"))
    assert answer.outcome.ending is Ending.COMPLETES
    assert not answer.better
    assert not answer.otherwise


def test_where_memory_is_full_of_pages_there_is_still_room_to_try() -> None:
    machine = two_rings(cpl=0)
    for index in range(1024):
        machine.memory.write(DIRECTORY + 4 * index, 4, TABLE | PRESENT | WRITABLE)
        machine.memory.write(TABLE + 4 * index, 4, (index & 0xFF) << 12 | PRESENT | WRITABLE)
    answer = only(WhatIf, do(on_bench(machine), "whatif write 0x10000"))
    assert answer.outcome.ending is Ending.COMPLETES
    assert told_alone(answer.otherwise)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=2, max_size=16), st.sampled_from([0, 3]), st.integers(0, 0xFFFFFFFF), st.integers(0, 15))
def test_whatever_faults_can_be_asked_about(code: bytes, cpl: int, number: int, broken: int) -> None:
    """Each change that is told leads to what is told when it is applied again, in whatever mess."""
    machine = two_rings(code, cpl, ebx=CELL, eax=number)
    map_page(machine, CELL, number & 7)
    set_gate(machine, broken, number & 0x38, HANDLERS, number & 0xFF00)
    machine.cpu.eflags |= TF * (number & 1)
    for _ in range(4):
        before = machine.copy()
        if machine.step().deliveries:
            experiment = Experiment(before)
            trials = experiment.trials()
            assert experiment.base.faults or experiment.base.ending is Ending.COMPLETES
            for trial in trials:
                assert not trial.outcome.same_as(experiment.base)
                again = experiment.outcome(*trial.changes)
                assert again is not None
                assert again.same_as(trial.outcome)
