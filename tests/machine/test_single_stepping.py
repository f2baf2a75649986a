"""TF: a trap behind each instruction, and behind which there is none (SDM vol. 3, 17.3.1.4; QEMU 7.2 agrees)."""

from __future__ import annotations

import pytest
from rings import DATA, SPARE_TSS, TEXT, Entered, Rings, gate

from pagefault_lab.machine.machine import Stop
from pagefault_lab.machine.registers import EAX, EBX, ESP, OF, RF, TF
from pagefault_lab.machine.step import Retired, Unsupported


@pytest.mark.parametrize("cpl", [0, 3])
@pytest.mark.parametrize(
    ("program", "vector"), [("cd55", 0x55), ("cc", 3), ("ce", 4), ("f1", 1)], ids=["int", "int3", "into", "int1"]
)
def test_a_software_interrupt_clears_tf_and_leaves_no_trap_behind(program: str, vector: int, cpl: int) -> None:
    rings = Rings(cpl, bytes.fromhex(program))
    rings.cpu.eflags |= TF | OF
    assert rings.step() == Entered(vector)
    assert rings.cpu.peek(rings.cpu.registers[ESP], 4) == TEXT + len(program) // 2
    assert rings.cpu.exceptions == 0


def test_an_into_without_overflow_is_an_instruction_as_any() -> None:
    rings = Rings(3, b"\xce")
    rings.cpu.eflags |= TF
    assert rings.step() == Entered(1)


@pytest.mark.parametrize("program", ["8ed0 40", "1617 40", "9d 90"], ids=["mov ss", "push ss; pop ss", "popf"])
def test_the_trap_comes_behind_the_instruction_that_follows_a_load_of_ss_or_of_tf(program: str) -> None:
    rings = Rings(0, bytes.fromhex(program))
    rings.cpu.registers[EAX] = 0x10
    traps = program[:2] != "9d"
    if traps:
        rings.cpu.eflags |= TF
    else:
        rings.cpu.push(TF | 2, 4)
    if program.startswith("16"):
        rings.step()
        rings.cpu.eip, rings.cpu.eflags = TEXT + 1, rings.cpu.eflags | TF
        rings.cpu.push(0x10, 4)
    assert rings.step() is None
    assert rings.step() == Entered(1)
    assert rings.cpu.peek(rings.cpu.registers[ESP], 4) == TEXT + len(bytes.fromhex(program))


def test_a_software_interrupt_pushes_rf_as_0() -> None:
    rings = Rings(3, b"\xcd\x55")
    rings.cpu.eflags |= RF
    assert rings.step() == Entered(0x55)
    assert not rings.cpu.peek(rings.cpu.registers[ESP] + 8, 4) & RF


def test_a_trap_that_is_not_simulated_is_told_behind_its_instruction() -> None:
    rings = Rings(0, b"\x40\x40")
    rings.set_gate(1, gate(SPARE_TSS, 0, 0xE5))
    rings.cpu.eflags |= TF
    assert isinstance(rings.machine.step().end, Retired)
    for _ in range(2):
        assert isinstance(rings.machine.step().end, Unsupported)
    assert rings.machine.run(10) is Stop.UNSUPPORTED
    assert (rings.cpu.registers[EAX], rings.cpu.eip, rings.machine.steps) == (1, TEXT + 1, 1)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_an_access_at_the_end_of_a_flat_segment_wraps_around(distance: int) -> None:
    """The manual leaves it open (SDM vol. 3, 5.3); Bochs, QEMU and Unicorn wrap."""
    rings = Rings(0, bytes.fromhex("8b03 8903"))  # movl (%ebx),%eax; movl %eax,(%ebx)
    memory, cpu = rings.memory, rings.cpu
    memory.write(0x1000 + 4 * 1023, 4, 0x2007)
    memory.write(0x2000 + 4 * 1023, 4, DATA | 7)
    memory.write_bytes(DATA + 4096 - distance, bytes(range(1, distance + 1)))
    memory.write_bytes(0, bytes(range(distance + 1, 5)))
    cpu.registers[EBX] = -distance & 0xFFFFFFFF
    assert rings.step() is None
    assert cpu.registers[EAX] == 0x04030201
    memory.write_bytes(0, bytes(4))
    assert rings.step() is None
    assert memory.read_bytes(0, 4) == bytes(range(distance + 1, 5)) + bytes(distance)
