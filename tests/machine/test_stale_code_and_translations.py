"""What hot code must not outlive: its bytes, its translation, a handler that is not simulated; as single steps tell."""

from __future__ import annotations

from collections.abc import Callable

import builders
import pytest
from builders import TABLE, USER_TEXT

from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.registers import EAX, EBX

NEVER = 1 << 60
Go = Callable[[Machine, int], Machine]
PAGE, OTHER, FAR = USER_TEXT + 0x4000, USER_TEXT + 0x6000, 0x30000


def store_to(address: int) -> bytes:
    """movl %ecx,address"""
    return b"\x89\x0d" + address.to_bytes(4, "little")


def jump(source: int, target: int) -> bytes:
    return b"\xe9" + (target - source - 5 & 0xFFFFFFFF).to_bytes(4, "little")


def remap(machine: Machine, page: int, frame: int) -> None:
    """Change the page table and nothing else: the TLB goes stale."""
    machine.memory.write(TABLE + 4 * (page >> 12), 4, frame | 7)


def step(machine: Machine, count: int) -> Machine:
    for _ in range(count):
        machine.step()
    return machine


def run(machine: Machine, count: int) -> Machine:
    machine.run(count)
    return machine


@pytest.mark.parametrize("repeated", ["f3aa", "aa90"], ids=["rep stosb", "stosb"])
@pytest.mark.parametrize("hot", [1, NEVER])
def test_a_string_store_may_rewrite_the_instruction_behind_it(repeated: str, hot: int) -> None:
    """xorb $1,%al; movl $behind,%edi; movl $1,%ecx; (rep) stosb; behind: inc %ebx or inc %edx; jmp back"""
    behind = 0x1000 + 14
    code = b"\x34\x01\xbf" + behind.to_bytes(4, "little") + b"\xb9\x01\0\0\0" + bytes.fromhex(repeated + "43ebef")
    machine = builders.flat(code, eax=0x42)
    machine.hot = hot
    length = 6 if repeated == "f3aa" else 7
    machine.run(100 * length)
    assert machine.cpu.registers[EBX] == 50
    assert machine.cpu.registers[2] == 50


@pytest.mark.parametrize("go", [run, step])
@pytest.mark.parametrize("hot", [1, NEVER])
def test_a_write_that_walks_anew_makes_every_access_see_the_new_frame(go: Go, hot: int) -> None:
    """The page was read only: its entry is clean, and the first write replaces it by what the tables say by then."""
    machine = builders.two_rings(b"\xa1" + PAGE.to_bytes(4, "little") + b"\xeb\xf9")
    machine.hot = hot
    machine.memory.write(PAGE, 4, 0x11111111)
    machine.memory.write(OTHER, 4, 0x22222222)
    machine.run(50)
    remap(machine, PAGE, OTHER)
    machine.run(50)
    assert machine.cpu.registers[EAX] == 0x11111111, "stale, as it should be"
    machine.cpu.eip = USER_TEXT + 0x100
    # straddling, so that the write itself goes nowhere near the fast paths
    machine.memory.write_bytes(machine.cpu.eip, store_to(PAGE + 0xFFE) + b"\xa1" + PAGE.to_bytes(4, "little"))
    go(machine, 2)
    assert machine.cpu.registers[EAX] == 0x22222222


@pytest.mark.parametrize("go", [run, step])
@pytest.mark.parametrize("hot", [1, 5, NEVER])
def test_a_write_that_walks_anew_changes_the_code_of_its_page(go: Go, hot: int) -> None:
    machine = builders.two_rings(jump(USER_TEXT, PAGE))
    machine.hot = hot
    machine.memory.write_bytes(PAGE, bytes.fromhex("40 eb00 40 eb00 ebf8"))  # incl %eax
    machine.memory.write_bytes(OTHER, bytes.fromhex("43 eb00 43 eb00 ebf8"))  # incl %ebx
    machine.run(21)
    before = machine.cpu.registers[EAX]
    remap(machine, PAGE, OTHER)
    machine.cpu.eip = start = USER_TEXT + 0x100
    machine.memory.write_bytes(start, store_to(PAGE + 0x800) + jump(start + 6, PAGE))
    go(machine, 22)
    assert (machine.cpu.registers[EAX], machine.cpu.registers[EBX]) == (before, 8)


@pytest.mark.parametrize("hot", [1, NEVER])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_fault_whose_handler_is_not_simulated_stops_hot_code_before_it(hot: int, recorded: bool) -> None:
    """incl %eax; movl %eax,FAR; jmp back, and a task gate for the page fault."""
    machine = builders.two_rings(b"\x40\xa3" + FAR.to_bytes(4, "little") + b"\xeb\xf8")
    machine.hot = hot
    builders.set_gate(machine, 14, builders.TSS, 0, 0x8500)
    machine.run(200)
    builders.map_page(machine, FAR, 0)
    for _ in range(2):  # again and again
        stop = machine.record(100, []) if recorded else machine.run(100)
        assert stop is Stop.UNSUPPORTED
        assert "task" in machine.unsupported
        assert (machine.steps, machine.cpu.retired, machine.cpu.exceptions) == (202, 202, 0)
        assert machine.cpu.eip == USER_TEXT + 1


@pytest.mark.parametrize("go", [run, step])
def test_a_page_fault_drops_a_whole_4_mib_page_from_the_fast_paths(go: Go) -> None:
    """The supervisor reads two pieces of it; a write to the one faults, and the other walks anew."""
    large = 0x400000
    read = b"\xa1" + (large + 0x21000).to_bytes(4, "little")
    machine = builders.two_rings(2 * (b"\xa1" + (large + 0x20000).to_bytes(4, "little") + read) + read, cpl=0)
    machine.cpu.write_cr4(0x10)
    machine.memory.write(builders.DIRECTORY + 4, 4, 0x81)
    machine.run(4)
    machine.memory.write(builders.DIRECTORY + 4, 4, 0x81)  # A is clear again
    machine.memory.write_bytes(builders.HANDLERS + 14 * 16, b"\x90")
    start = machine.cpu.eip
    machine.memory.write_bytes(start + 0x40, store_to(large + 0x20000))
    machine.cpu.eip = start + 0x40
    machine.run(1)
    machine.cpu.eip = start
    go(machine, 1)
    assert machine.memory.read(builders.DIRECTORY + 4, 4) & 0x20


def test_code_that_is_executed_once_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pagefault_lab.machine.memory.MOST_DECODED", 500)
    machine = builders.flat(b"\x40" * 6000 + b"\xe9" + (-6005).to_bytes(4, "little", signed=True))  # incl %eax; jmp
    machine.run(45 * 6001)
    assert machine.cpu.registers[EAX] == 45 * 6000
    assert sum(len(code.decoded) for code in machine.memory.code.values()) <= 500 + 200  # of blocks that are new
