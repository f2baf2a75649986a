"""Far JMP, CALL, RET and IRET: every access byte x RPL x CPL, and what arrives, against the manual's rules."""

from __future__ import annotations

from itertools import product

import pytest
from rings import (
    DATA,
    FAR_CODE,
    SPARE,
    SPARE_GATE,
    SPARE_TSS,
    STACKS,
    TEXT,
    Entered,
    Rings,
    code,
    data,
    descriptor,
    gate,
    stack_top,
)

from pagefault_lab.machine.events import SegmentNulled
from pagefault_lab.machine.machine import Stop
from pagefault_lab.machine.registers import CS, DS, ES, ESP, FS, GS, SS
from pagefault_lab.machine.segmentation import Segment

GP, NP, SS_FAULT = 13, 11, 12
DIRECT = {"ljmp": "ea", "lcall": "9a"}
RETURNS = {"lret": "cb", "lret $8": "ca0800", "iret": "cf"}
TASK = "a task switch"
TARGET = 0x20800  # an offset in TEXT's page


def far_pointer(selector: int, offset: int = TARGET) -> bytes:
    return offset.to_bytes(4, "little") + selector.to_bytes(2, "little")


def put_stack(rings: Rings, *values: int) -> None:
    for place, value in enumerate(values):
        rings.memory.write_bytes(rings.cpu.registers[ESP] + 4 * place, value.to_bytes(4, "little"))


def direct_outcome(access: int, rpl: int, cpl: int) -> int | str | None:
    """What JMP or CALL to such a descriptor raises; SDM vol. 2, JMP."""
    present, dpl, type_ = bool(access & 0x80), access >> 5 & 3, access & 0xF
    if access & 0x10:
        if not type_ & 8:
            return GP
        if type_ & 4:
            if dpl > cpl:
                return GP
        elif rpl > cpl or dpl != cpl:
            return GP
        return None if present else NP
    if type_ in (1, 9, 5):
        if dpl < cpl or dpl < rpl:
            return GP
        return TASK if present else NP
    if type_ in (4, 12):
        if dpl < cpl or dpl < rpl:
            return GP
        return "a call gate" if present else NP
    return GP


@pytest.mark.parametrize("cpl", range(4))
@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_transfer_obeys_every_rule(name: str, cpl: int) -> None:
    rings = Rings(cpl)
    cpu = rings.cpu
    start = cpu.save()
    wrong = []
    for access, rpl in product(range(256), range(4)):
        expected = direct_outcome(access, rpl, cpl)
        if expected == "a call gate":
            continue
        cpu.restore(start)
        selector = SPARE | rpl
        rings.describe(SPARE, descriptor(access))
        rings.memory.write_bytes(TEXT, bytes.fromhex(DIRECT[name]) + far_pointer(selector))
        stop = rings.machine.run(1)
        if expected == TASK:
            right = stop is Stop.UNSUPPORTED and cpu.save()[:-1] == start[:-1]  # but for the TLB
        elif expected is None:
            pushed = (cpu.peek(cpu.registers[ESP], 4), cpu.peek(cpu.registers[ESP] + 4, 4))
            right = (cpu.eip, cpu.segments[CS].selector, cpu.cpl) == (TARGET, SPARE | cpl, cpl)
            right = right and rings.descriptor(SPARE).accessed
            right = right and (name == "ljmp" or pushed == (TEXT + 7, code(cpl)))
        else:
            right = rings.entered() == Entered(expected, SPARE) and rings.descriptor(SPARE).raw == descriptor(access)
        if not right:
            wrong.append(f"access {access:#04x} rpl {rpl}: {expected}")
    assert not wrong


def return_outcome(access: int, rpl: int, cpl: int) -> int | None:
    """What RET or IRET to such a descriptor raises; SDM vol. 2, RET."""
    present, dpl, type_ = bool(access & 0x80), access >> 5 & 3, access & 0xF
    if not access & 0x10 or not type_ & 8 or rpl < cpl:
        return GP
    if dpl > rpl if type_ & 4 else dpl != rpl:
        return GP
    return None if present else NP


@pytest.mark.parametrize("cpl", range(4))
@pytest.mark.parametrize("name", RETURNS)
def test_a_return_obeys_every_rule(name: str, cpl: int) -> None:
    rings = Rings(cpl, bytes.fromhex(RETURNS[name]))
    cpu = rings.cpu
    start = cpu.save()
    released = 8 if name == "lret $8" else 0
    flags = [2] if name == "iret" else []
    wrong = []
    for access, rpl in product(range(256), range(4)):
        cpu.restore(start)
        esp = cpu.registers[ESP]
        rings.describe(SPARE, descriptor(access))
        outer_stack = [*([0] * (released // 4)), stack_top(rpl) - 0x40, data(rpl)]
        put_stack(rings, TARGET, SPARE | rpl, *flags, *outer_stack)
        entered = rings.step()
        expected = return_outcome(access, rpl, cpl)
        if expected is None:
            inner_esp = esp + 8 + 4 * len(flags) + released
            new_esp = inner_esp if rpl == cpl else stack_top(rpl) - 0x40 + released
            new_ss = data(cpl) if rpl == cpl else data(rpl)
            right = (cpu.eip, cpu.segments[CS].selector, cpu.cpl) == (TARGET, SPARE | rpl, rpl)
            right = right and (cpu.registers[ESP], cpu.segments[SS].selector) == (new_esp, new_ss)
        else:
            right = entered == Entered(expected, SPARE)
        if not right:
            wrong.append(f"access {access:#04x} rpl {rpl}: {entered} for {expected}")
    assert not wrong


@pytest.mark.parametrize("name", RETURNS)
def test_the_outer_stack_is_judged_like_a_load_of_ss_at_the_new_level(name: str) -> None:
    flags = [2] if name == "iret" else []
    released = [0, 0] if name == "lret $8" else []
    rings = Rings(0, bytes.fromhex(RETURNS[name]))
    start = rings.cpu.save()
    for access, rpl in product(range(256), range(4)):
        rings.cpu.restore(start)
        rings.describe(SPARE, descriptor(access))
        put_stack(rings, TARGET, code(3), *flags, *released, stack_top(3), SPARE | rpl)
        entered = rings.step()
        if rpl != 3 or access & 0x1A != 0x12 or access >> 5 & 3 != 3:
            assert entered == Entered(GP, SPARE), (access, rpl)
        elif not access & 0x80:
            assert entered == Entered(SS_FAULT, SPARE), (access, rpl)
        else:
            assert entered is None, (access, rpl)
            assert rings.cpu.cpl == 3


@pytest.mark.parametrize(("program", "stack"), [("cb", []), ("ca0800", [0, 0]), ("cf", [])])
def test_a_null_outer_stack_or_code_is_general_protection_0(program: str, stack: list[int]) -> None:
    flags = [2] if program == "cf" else []
    for rpl in range(4):
        rings = Rings(0, bytes.fromhex(program))
        put_stack(rings, TARGET, code(3), *flags, *stack, stack_top(3), rpl)
        assert rings.step() == Entered(GP, 0)
        rings = Rings(0, bytes.fromhex(program))
        put_stack(rings, TARGET, rpl, *flags, *stack, stack_top(3), data(3))
        assert rings.step() == Entered(GP, 0)


@pytest.mark.parametrize("program", ["cb", "cf", "ea", "9a"])
def test_an_offset_beyond_the_code_limit_is_general_protection_0(program: str) -> None:
    for offset in (TARGET, TARGET + 1):
        direct = far_pointer(SPARE, offset) if program in ("ea", "9a") else b""
        rings = Rings(0, bytes.fromhex(program) + direct)
        rings.describe(SPARE, descriptor(0x9A, limit=TARGET, flags=4))
        put_stack(rings, offset, SPARE, 2)
        assert rings.step() == (None if offset == TARGET else Entered(GP, 0))
        assert rings.descriptor(SPARE).accessed == (offset == TARGET)


def test_outward_returns_null_the_data_segments_of_inner_rings() -> None:
    """Data and non-conforming code with DPL < new CPL; conforming code may stay (SDM vol. 2, RET)."""
    for access, new_cpl, program in product(range(0x90, 0x100), range(1, 4), ("cb", "cf")):
        if not access & 0x10 or (access & 8 and not access & 2):
            continue
        rings = Rings(0, bytes.fromhex(program))
        rings.describe(SPARE, descriptor(access))
        cpu = rings.cpu
        for number in (ES, DS, FS, GS):
            cpu.load_segment(number, SPARE)
        put_stack(rings, TARGET, code(new_cpl), *([2] if program == "cf" else []), stack_top(new_cpl), data(new_cpl))
        assert rings.step() is None
        stays = access & 0xC == 0xC or access >> 5 & 3 >= new_cpl
        for number in (ES, DS, FS, GS):
            assert cpu.segments[number].selector == (SPARE if stays else 0), (access, new_cpl)
            assert cpu.segments[number].valid == stays


def test_an_outward_return_tells_which_data_segments_it_has_made_null() -> None:
    rings = Rings(0, b"\xcb")
    rings.describe(SPARE, descriptor(0xB2))
    for number, selector in ((ES, 0), (DS, data(0)), (FS, SPARE | 1), (GS, data(3))):
        rings.cpu.load_segment(number, selector)
    put_stack(rings, TARGET, code(3), stack_top(3), data(3))
    events = rings.machine.step().events
    assert [event for event in events if isinstance(event, SegmentNulled)] == [
        SegmentNulled(DS, data(0), 0, 3),
        SegmentNulled(FS, SPARE | 1, 1, 3),
    ]


def test_a_return_to_the_same_ring_keeps_the_data_segments() -> None:
    for cpl in range(4):
        rings = Rings(cpl, b"\xcf")
        put_stack(rings, TARGET, code(cpl), 2)
        assert rings.step() is None
        assert [rings.cpu.segments[number].selector for number in (ES, DS, FS, GS)] == [data(cpl)] * 4


@pytest.mark.parametrize("program", ["cb", "cf"])
def test_a_fault_in_an_outward_return_leaves_the_inner_ring_as_it_was(program: str) -> None:
    rings = Rings(0, bytes.fromhex(program))
    put_stack(rings, TARGET, code(3), *([2] if program == "cf" else []), stack_top(3), data(2))
    before = rings.cpu.save()
    assert rings.step() == Entered(GP, data(2) & ~3)
    after = rings.cpu.save()
    assert after[2][SS] == before[2][SS]
    assert after[2][DS] == before[2][DS]


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("cpl", range(4))
def test_a_far_call_and_return_come_back(cpl: int, size: int) -> None:
    prefix = b"\x66" if size == 2 else b""
    rings = Rings(cpl)
    cpu = rings.cpu
    rings.describe(SPARE, descriptor(0x9B | cpl << 5, base=TEXT))
    cpu.set_segment(CS, Segment.of(SPARE | cpl, rings.descriptor(SPARE)))
    cpu.eip = 0
    call = prefix + b"\x9a" + (0x800).to_bytes(size, "little") + bytes((SPARE, 0))
    rings.memory.write_bytes(TEXT, call)
    rings.memory.write_bytes(TEXT + 0x800, prefix + b"\xcb")
    esp = cpu.registers[ESP]
    assert rings.step() is None
    assert (cpu.eip, cpu.registers[ESP]) == (0x800, esp - 2 * size)
    assert cpu.peek(esp - 2 * size, size) == len(call)
    assert cpu.peek(esp - size, size) == SPARE | cpl
    assert rings.step() is None
    assert (cpu.eip, cpu.segments[CS].selector, cpu.registers[ESP]) == (len(call), SPARE | cpl, esp)


# --- call gates


def gate_outcome(gate_access: int, rpl: int, access: int, cpl: int, calls: bool) -> tuple[int, int] | None:
    """(vector, selector of the error code) of a far JMP or CALL through a call gate; SDM vol. 2, CALL."""
    if gate_access >> 5 & 3 < max(cpl, rpl):
        return GP, SPARE_GATE
    if not gate_access & 0x80:
        return NP, SPARE_GATE
    present, dpl, type_ = bool(access & 0x80), access >> 5 & 3, access & 0xF
    if not access & 0x10 or not type_ & 8 or dpl > cpl:
        return GP, SPARE
    if not calls and not type_ & 4 and dpl != cpl:
        return GP, SPARE
    return None if present else (NP, SPARE)


@pytest.mark.parametrize("calls", [False, True])
@pytest.mark.parametrize("cpl", range(4))
def test_a_call_gate_obeys_every_rule(cpl: int, calls: bool) -> None:
    wrong = []
    gates = [0x0C | present << 7 | dpl << 5 for present in (0, 1) for dpl in range(4)]
    codes = [access for access in range(256) if access & 0x19 == 0x18] + [0x92, 0xF2, 0x89, 0xEC]
    for rpl in range(4):
        rings = Rings(cpl, (b"\x9a" if calls else b"\xea") + far_pointer(SPARE_GATE | rpl, 0))
        start = rings.cpu.save()
        for gate_access, access in product(gates, codes):
            rings.cpu.restore(start)
            rings.describe(SPARE, descriptor(access))
            rings.describe(SPARE_GATE, gate(SPARE, TARGET, gate_access))
            entered = rings.step()
            expected = gate_outcome(gate_access, rpl, access, cpl, calls)
            if expected is None:
                new_cpl = cpl if access & 4 else access >> 5 & 3
                right = entered is None and rings.cpu.segments[CS].selector == SPARE | new_cpl
                right = right and (rings.cpu.eip, rings.cpu.cpl) == (TARGET, new_cpl)
                right = right and rings.cpu.segments[SS].selector == data(new_cpl)
            else:
                right = entered == Entered(*expected)
            if not right:
                wrong.append(f"gate {gate_access:#04x} rpl {rpl} code {access:#04x}: {entered} for {expected}")
    assert not wrong


@pytest.mark.parametrize("count", [0, 1, 3, 31])
@pytest.mark.parametrize("ring", [0, 1, 2])
def test_an_inner_call_copies_the_arguments(ring: int, count: int) -> None:
    rings = Rings(3, b"\x9a" + far_pointer(SPARE_GATE | 3))
    cpu = rings.cpu
    rings.describe(SPARE_GATE, gate(code(ring), TARGET, 0xEC, count))
    arguments = [0x1000_0000 + place for place in range(count)]
    cpu.registers[ESP] -= 0x100
    put_stack(rings, *arguments)
    old_esp = cpu.registers[ESP]
    assert rings.step() is None
    esp = cpu.registers[ESP]
    assert esp == stack_top(ring) - 4 * (count + 4)
    frame = [cpu.peek(esp + 4 * place, 4) for place in range(count + 4)]
    assert frame == [TEXT + 7, code(3), *arguments, old_esp, data(3)]


def test_a_call_through_a_gate_and_its_return_come_back() -> None:
    rings = Rings(3, b"\x9a" + far_pointer(SPARE_GATE | 3))
    cpu = rings.cpu
    rings.describe(SPARE_GATE, gate(code(0), TARGET, 0xEC, 2))
    rings.memory.write_bytes(TARGET, bytes.fromhex("ca0800"))
    old_esp = cpu.registers[ESP]
    assert rings.step() is None
    assert rings.step() is None
    assert (cpu.eip, cpu.cpl, cpu.segments[SS].selector) == (TEXT + 7, 3, data(3))
    assert cpu.registers[ESP] == old_esp + 8


@pytest.mark.parametrize("room", [0, 15, 16, 27, 28])
def test_an_inner_stack_without_room_is_a_stack_fault_with_its_selector(room: int) -> None:
    """16 bytes and 4 for each of 3 arguments; the stack's segment ends below the page by its limit."""
    rings = Rings(3, b"\x9a" + far_pointer(SPARE_GATE | 3))
    rings.describe(SPARE_GATE, gate(code(0), TARGET, 0xEC, 3))
    rings.describe(SPARE, descriptor(0x96, limit=STACKS - 1 + 0x800, flags=4))  # expand-down: above the limit
    rings.memory.write(0x6004, 4, STACKS + 0x800 + room)
    rings.memory.write(0x6008, 2, SPARE)
    rings.set_gate(12, gate(code(3), 0xA000 + 16 * 12))
    assert rings.step() == (None if room >= 28 else Entered(SS_FAULT, SPARE, 3))


def test_a_far_pointer_in_memory_leads_the_same_way() -> None:
    for program in ("ff2d", "ff1d"):
        rings = Rings(0, bytes.fromhex(program) + DATA.to_bytes(4, "little"))
        rings.memory.write_bytes(DATA, far_pointer(FAR_CODE))
        assert rings.step() is None
        assert (rings.cpu.segments[CS].selector, rings.cpu.eip) == (FAR_CODE, TARGET)


def test_what_needs_a_task_switch_is_said_and_nothing_is_done() -> None:
    for selector, flags in ((SPARE_TSS, 2), (0, 0x4002)):
        program = b"\xea" + far_pointer(selector) if selector else b"\xcf"
        rings = Rings(0, program)
        rings.cpu.eflags = flags
        before = rings.cpu.save()
        assert rings.machine.run(5) is Stop.UNSUPPORTED
        assert "task" in rings.machine.unsupported
        assert rings.cpu.save()[:-1] == before[:-1]  # but for the TLB


def test_iret_to_virtual_8086_mode_is_said_to_be_missing() -> None:
    rings = Rings(0, b"\xcf")
    put_stack(rings, TARGET, 0x1000, 0x20002, 0, 0, 0, 0, 0, 0)
    before = rings.cpu.save()
    assert rings.machine.run(5) is Stop.UNSUPPORTED
    assert "8086" in rings.machine.unsupported
    assert rings.cpu.save()[:-1] == before[:-1]
