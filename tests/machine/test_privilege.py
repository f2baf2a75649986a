"""Which ring may do what: every instruction with such a rule x CPL x IOPL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from rings import DATA, SPARE_TSS, Entered, Rings, code

from pagefault_lab.machine.registers import EAX, ESP, IF, IOPL, NT, PE, PG, TF, WP

AT_DATA = DATA.to_bytes(4, "little").hex()
ONLY_RING_0 = {
    "hlt": "f4",
    "clts": "0f06",
    "invd": "0f08",
    "wbinvd": "0f09",
    "lgdt": f"0f0115{AT_DATA}",
    "lidt": f"0f011d{AT_DATA}",
    "lldt": "0f00d0",
    "ltr": "0f00d9",  # from %cx
    "lmsw": "0f01f3",  # from %bx
    "invlpg": f"0f013d{AT_DATA}",
    "mov %cr0,%eax": "0f20c0",
    "mov %cr2,%eax": "0f20d0",
    "mov %cr3,%eax": "0f20d8",
    "mov %cr4,%eax": "0f20e0",
    "mov %ebx,%cr0": "0f22c3",
    "mov %eax,%cr2": "0f22d0",
    "mov %eax,%cr4": "0f22e0",
    "mov %edx,%cr3": "0f22da",
    **{f"mov %dr{number},%eax": f"0f21{0xC0 | number << 3:02x}" for number in range(8)},
    **{f"mov %eax,%dr{number}": f"0f23{0xC0 | number << 3:02x}" for number in range(8)},
    **{f"mov %tr{number},%eax": f"0f24{0xC0 | number << 3:02x}" for number in range(3, 8)},
    **{f"mov %eax,%tr{number}": f"0f26{0xC0 | number << 3:02x}" for number in range(3, 8)},
}
UP_TO_IOPL = {
    "cli": "fa",
    "sti": "fb",
    "in": "e480",
    "in %dx": "ed",
    "out": "e680",
    "out %dx": "ee",
    "ins": "6c",
    "outs": "6e",
}
FOR_ALL = {
    "sgdt": f"0f0105{AT_DATA}",
    "sidt": f"0f010d{AT_DATA}",
    "sldt": "0f00c0",
    "str": "0f00c8",
    "smsw": "0f01e0",
    "lar": "0f02c1",
    "lsl": "0f03c1",
    "verr": "0f00e0",
    "verw": "0f00e8",
    "arpl": "63c8",
    "pushf": "9c",
    "popf": "9d",
    "fwait": "9b",
    "fninit": "dbe3",
    "int": "cd41",
}


def instructions() -> Iterator[tuple[str, str, list[int]]]:
    """Name, bytes, and for each IOPL the highest CPL that may."""
    for name, data_ in ONLY_RING_0.items():
        yield name, data_, [0, 0, 0, 0]
    for name, data_ in UP_TO_IOPL.items():
        yield name, data_, [0, 1, 2, 3]
    for name, data_ in FOR_ALL.items():
        yield name, data_, [3, 3, 3, 3]


@pytest.mark.parametrize(("name", "program", "highest"), list(instructions()))
def test_an_instruction_is_for_the_rings_that_the_manual_names(name: str, program: str, highest: list[int]) -> None:
    for cpl, iopl in product(range(4), range(4)):
        rings = Rings(cpl, bytes.fromhex(program), iopl)
        cpu = rings.cpu
        # values that every one of them takes
        cpu.registers[:] = [0, SPARE_TSS, 0x1000, PE | PG | WP | 0x10, cpu.registers[ESP], 0, DATA, DATA]
        rings.memory.write(cpu.registers[ESP], 4, 2)
        rings.memory.write_bytes(DATA, bytes.fromhex("ff1f0030 0000"))
        before = cpu.save()
        entered = rings.step()
        if cpl <= highest[iopl]:
            assert entered in (None, Entered(0x41)), (cpl, iopl)
        else:
            assert entered == Entered(13, 0), (cpl, iopl)
            after = cpu.save()
            assert cpu.peek(cpu.registers[ESP] + 4, 4) == before[0][0], "the saved EIP is the instruction's"
            assert [r for n, r in enumerate(after[1]) if n != ESP] == [r for n, r in enumerate(before[1]) if n != ESP]


def flags_after(rings: Rings, popped: int, by: str) -> int:
    cpu = rings.cpu
    esp = cpu.registers[ESP]
    values = [popped] if by == "popf" else [cpu.eip + 1, code(cpu.cpl), popped]
    for place, value in enumerate(values):
        rings.memory.write_bytes(esp + 4 * place, value.to_bytes(4, "little"))
    assert rings.step() is None
    return cpu.eflags


@pytest.mark.parametrize("by", ["popf", "iret"])
def test_iopl_changes_only_in_ring_0_and_if_only_up_to_iopl(by: str) -> None:
    for cpl, iopl, old_if, popped_if, popped_iopl in product(range(4), range(4), (0, IF), (0, IF), range(4)):
        rings = Rings(cpl, b"\x9d" if by == "popf" else b"\xcf", iopl)
        rings.cpu.eflags |= old_if
        flags = flags_after(rings, popped_if | popped_iopl << 12 | 2, by)
        assert flags & IOPL == (popped_iopl if cpl == 0 else iopl) << 12
        assert flags & IF == (popped_if if cpl <= iopl else old_if)


@pytest.mark.parametrize("by", ["popf", "iret"])
@pytest.mark.parametrize("cpl", range(4))
def test_the_other_flags_change_in_every_ring(by: str, cpl: int) -> None:
    ordinary = 0x4CD5 | 0x40000  # NT OF DF SF ZF AF PF CF, AC; not TF, which would trap
    rings = Rings(cpl, b"\x9d" if by == "popf" else b"\xcf")
    assert flags_after(rings, ordinary | 2, by) & ~NT == (ordinary | 2) & ~NT


def test_vm_cannot_be_set_from_an_outer_ring() -> None:
    for cpl in (1, 2, 3):
        rings = Rings(cpl, b"\xcf")
        assert not flags_after(rings, 0x20002, "iret") & 0x20000


def test_a_popped_trap_flag_traps_after_the_next_instruction() -> None:
    rings = Rings(0, b"\x9d\x90\x90")
    rings.memory.write(rings.cpu.registers[ESP], 4, TF | 2)
    assert rings.step() is None
    assert rings.step() == Entered(1)


def test_hlt_waits_until_an_interrupt() -> None:
    rings = Rings(0, b"\xf4")
    assert rings.step() is None
    assert rings.cpu.halted
    assert rings.interrupt(0x21) == Entered(0x21)
    assert not rings.cpu.halted


@pytest.mark.parametrize(
    ("value", "allowed"),
    [
        (PE, True),
        (PE | PG, True),
        (PG, False),
        (PE | 0x20000000, False),
        (PE | 0x60000000, True),
        (PE | 0x40000000, True),
    ],
)
def test_cr0_takes_only_combinations_that_make_sense(value: int, allowed: bool) -> None:
    rings = Rings(0, bytes.fromhex("0f22c0"))
    rings.cpu.registers[EAX] = value
    assert rings.step() == (None if allowed else Entered(13, 0))
    assert rings.cpu.cr0 == (value | 0x10 if allowed else PE | PG | WP | 0x10)


def test_lmsw_sets_pe_and_never_clears_it() -> None:
    for value in range(16):
        rings = Rings(0, bytes.fromhex("0f01f0"))
        rings.cpu.registers[EAX] = value
        assert rings.step() is None
        assert rings.cpu.cr0 == PG | WP | 0x10 | PE | value
