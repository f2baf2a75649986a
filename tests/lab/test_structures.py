"""Structures of the expression language: each field is what the machine itself says, and can be set where it lies."""

import pytest
from benches import do, value

from pagefault_lab.lab.results import StructureValue
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.vocabulary import STRUCTURES
from pagefault_lab.machine.events import Kind
from pagefault_lab.machine.gates import Gate
from pagefault_lab.machine.paging import Mapped, walk
from pagefault_lab.machine.segmentation import Descriptor
from pagefault_lab.problem import Problem

FAULTING = "movl %eax,message"  # read-only for users


def shown(session: Session, text: str) -> dict[str, int | None]:
    """The fields that `p` shows of a structure."""
    (found,) = do(session, f"p {text}")
    assert isinstance(found, StructureValue)
    return {field.name: field.value for field in found.fields}


@pytest.fixture
def faulted(linux: Session) -> Session:
    do(linux, FAULTING)
    return linux


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_structure_alone_shows_what_its_fields_are(faulted: Session, name: str) -> None:
    text = f"{name}(2)" if STRUCTURES[name].parameter else name
    if f"seg.{name}" in STRUCTURES or name in ("eflags", "cr0", "cr4"):  # those are numbers when they stand alone
        fields = dict.fromkeys(STRUCTURES[name].fields)
    else:
        fields = shown(faulted, text)
    assert list(fields) == list(STRUCTURES[name].fields)
    for field, told in fields.items():
        found = value(faulted, f"{text}.{field}")
        assert told in (None, found)


def test_a_gate_is_what_the_machine_reads_of_it(linux: Session) -> None:
    for vector in range(256):
        gate = Gate(value(linux, f"idt({vector}) + 0"))
        fields = shown(linux, f"idt({vector})")
        assert fields == {
            "offset": gate.offset, "selector": gate.selector, "type": gate.type, "dpl": gate.dpl,
            "present": int(gate.present),
        }  # fmt: skip


def test_a_descriptor_is_what_the_machine_reads_of_it(linux: Session) -> None:
    for number in range((linux.machine.cpu.gdtr.limit + 1) // 8):
        descriptor = Descriptor(value(linux, f"gdt({number}) + 0"))
        for field, told in shown(linux, f"gdt({number})").items():
            if field not in ("s", "available"):
                assert told == int(getattr(descriptor, field)), (number, field)
        assert value(linux, f"gdt({number}).s") == int(not descriptor.system)


@pytest.mark.parametrize("name", ["es", "cs", "ss", "ds", "fs", "gs"])
def test_a_segment_register_tells_its_hidden_part_and_not_the_table(linux: Session, name: str) -> None:
    number = value(linux, f"seg.{name}.index")
    before = shown(linux, f"seg.{name}")
    do(linux, f"set gdt({number}).limit = 0x5fff", f"set gdt({number}).dpl = 1")
    assert shown(linux, f"seg.{name}") == before
    assert value(linux, f"{name}.selector == {name}")
    assert value(linux, f"gdt({number}).limit") == 0x5FFF


def test_the_system_registers_tell_theirs(linux: Session) -> None:
    cpu = linux.machine.cpu
    assert shown(linux, "seg.tr") == {
        "selector": cpu.tr.selector, "index": cpu.tr.selector >> 3, "ti": 0, "rpl": 0, "base": cpu.tr.base,
        "limit": cpu.tr.limit, "type": cpu.tr.type, "valid": 1,
    }  # fmt: skip
    assert shown(linux, "seg.ldtr")["base"] == value(linux, "&ldt(0)") == value(linux, "gdt(ldtr >> 3).base")


def test_without_ldt_and_tss_there_is_nothing_to_show(bare: Session) -> None:
    for text in ("ldt(0)", "tss", "tss.esp0", "&tss"):
        with pytest.raises(Problem, match=r"there is no (LDT|TSS)"):
            do(bare, f"p {text}")
    assert value(bare, "seg.ldtr.valid || seg.tr.valid") == 0


@pytest.mark.parametrize("address", ["user_text", "user_data", "message", "user_hole", "page_fault", "idt_alias", "0"])
def test_a_page_is_what_a_walk_finds(linux: Session, address: str) -> None:
    cpu = linux.machine.cpu
    linear = value(linux, address)
    end = walk(linux.machine.memory, cpu.cr0, cpu.cr3, cpu.cr4, linear, Kind.READ, False).end
    fields = shown(linux, f"page({address})")
    assert fields["present"] == isinstance(end, Mapped)
    if isinstance(end, Mapped):
        assert (fields["physical"], fields["writable"], fields["user"]) == (end.physical, end.writable, end.user)
        rights = "pte({0}).{1} && pde({0}).{1}"
        assert fields["writable"] == value(linux, rights.format(address, "writable"))
        assert fields["user"] == value(linux, rights.format(address, "user"))


def test_the_tlb_tells_what_it_holds_and_when_that_is_stale(linux: Session) -> None:
    assert shown(linux, "tlb(user_hole)")["present"] == 0
    do(linux, "movl user_data,%eax")
    assert value(linux, "tlb(user_data).present && tlb(user_data).frame == pte(user_data).frame")
    assert value(linux, "tlb(user_data).stale") == 0
    do(linux, "set pte(user_data).writable = 0")
    assert value(linux, "tlb(user_data).stale && tlb(user_data).writable") == 1


def test_the_last_fault_is_told_bit_by_bit(faulted: Session) -> None:
    fields = shown(faulted, "fault")
    assert fields["vector"] == 14
    assert fields["error"] == 7
    assert (fields["present"], fields["write"], fields["user"], fields["reserved"]) == (1, 1, 1, 0)
    assert fields["linear"] == value(faulted, "cr2") == value(faulted, "fault.cr2") == value(faulted, "message")
    assert fields["cs"] == 0x23
    assert fields["step"] == faulted.machine.steps - 1
    assert value(faulted, "fault.number") == fields["count"]


def test_the_error_code_of_a_selector_is_told_bit_by_bit(linux: Session) -> None:
    do(linux, "int $14")
    assert value(linux, "fault.vector == 13 && fault.error == 14 * 8 + 2")
    assert value(linux, "fault.idt && fault.index == 14 && !fault.external && !fault.ti")
    assert value(linux, "fault.present || fault.write || fault.user") == 0


def test_the_frame_is_the_one_on_the_stack(faulted: Session) -> None:
    assert shown(faulted, "frame") == {
        "vector": 14, "error": 7, "eip": value(faulted, "fault.eip"), "cs": 0x23,
        "eflags": value(faulted, "u32[$esp + 12]"), "esp": value(faulted, "u32[$esp + 16]"), "ss": 0x2B,
        "address": value(faulted, "$esp + 4"), "ring": 3,
    }  # fmt: skip
    do(faulted, "set frame.eip += 5")
    assert value(faulted, "u32[$esp + 4] == fault.eip + 5")


def test_a_frame_without_error_code_or_outer_stack_has_none(linux: Session) -> None:
    do(linux, "kernel", "int3")
    fields = shown(linux, "frame")
    assert fields["eip"] is not None
    assert fields["error"] is fields["ss"] is fields["esp"] is None
    with pytest.raises(Problem, match="holds no SS"):
        do(linux, "p frame.ss")


def test_where_there_is_no_frame_a_condition_is_false_and_p_says_so(linux: Session) -> None:
    with pytest.raises(Problem, match="no exception frame"):
        do(linux, "p frame")
    do(linux, "b $eip if frame.error & 4")
    (breakpoint,) = linux.breakpoints
    assert breakpoint.holds(linux) == (False, "")


@pytest.mark.parametrize(
    "line",
    ["set pte(user_data).writable = 0", "set pte(user_data).RW = 0", "set pde(user_data).user = 0", "set tss.esp0 = 8",
     "set pte(user_data).frame = 0x123", "set idt(14).dpl = 3", "set idt(14).offset = 0x12345678", "set cr0.wp = 0",
     "set gdt(3).base = 0x87654321", "set gdt(5).limit = 0xfffff", "set eflags.df = 1", "set seg.fs.selector = 0",
     "set idtr.limit = 0x6f", "set tss.ss0 = 0x2b", "set gdt(5).type = 1", "set pte(user_data) = 0"],
)  # fmt: skip
def test_what_is_set_is_what_is_read_then(linux: Session, line: str) -> None:
    target, _, expected = line.removeprefix("set ").partition(" = ")
    do(linux, line)
    assert value(linux, f"{target} == {expected}")


def test_setting_a_field_leaves_its_neighbours_alone(linux: Session) -> None:
    for vector in (0, 14, 0x80):
        before = shown(linux, f"idt({vector})")
        do(linux, f"set idt({vector}).dpl = 2")
        assert shown(linux, f"idt({vector})") == before | {"dpl": 2}


def test_the_address_of_a_structure_is_where_it_lies(linux: Session) -> None:
    assert value(linux, "&idt(14) == idtr.base + 14 * 8 && &tss == seg.tr.base && &gdt(3) == gdtr.base + 24")
    assert value(linux, "phys[&pte(user_data)] == pte(user_data)")
    with pytest.raises(Problem, match="no such entry"):
        do(linux, "p &pte(0x40000000)")


def test_the_address_of_a_field_that_has_bytes_of_its_own_is_where_they_lie(faulted: Session) -> None:
    assert value(faulted, "&tss.esp0 - &tss") == 4
    assert value(faulted, "u16[&tss.ss0] == tss.ss0")
    assert value(faulted, "&frame.eip == frame.address")
    assert value(faulted, "&frame.error == $esp")
    for text in ("&pte(0).present", "&idt(14).dpl", "&frame.ring", "&fault.eip"):
        with pytest.raises(Problem, match="has an address"):
            value(faulted, text)


def test_the_manuals_letters_are_understood(linux: Session) -> None:
    for letters in ("P RW US PWT PCD A D PS G AVL", "p rw us pwt pcd a d ps g avl"):
        for letter, field in zip(letters.split(), list(STRUCTURES["pte"].fields)[:10], strict=True):
            assert value(linux, f"pte(user_text).{letter} == pte(user_text).{field}")
    assert value(linux, "gdt(2).DPL == gdt(2).dpl && gdt(2).DB == gdt(2).big")
