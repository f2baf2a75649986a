"""What one machine has learned of code, others with the same page use; and none is misled by it."""

import builders
import pytest

from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.registers import EAX, EBX

LOOP = 0x1000  # where builders.flat puts code: incl %eax; addb $2,number; jmp LOOP
PROGRAM = bytes.fromhex("40 8005 00180000 02 ebf6")
NUMBER = 0x1800  # in the same page
ADDED = LOOP + 7  # the number that is added


def machine(program: bytes = PROGRAM) -> Machine:
    return builders.flat(program, eax=0)


def counted(made: Machine, rounds: int) -> tuple[int, int]:
    made.run(3 * rounds)
    return made.cpu.registers[EAX], made.memory.read(NUMBER, 1)


def blocks_of(made: Machine) -> int:
    return sum(len(blocks) for code in made.memory.code.values() for blocks in code.blocks)


QUIET = bytes.fromhex("40 4b ebfc")  # incl %eax; decl %ebx; jmp


def test_code_that_was_hot_in_one_machine_is_translated_at_once_in_another() -> None:
    first, second = machine(QUIET), machine(QUIET)
    first.run(3_000)
    assert blocks_of(first)
    second.run(6)
    assert blocks_of(second)
    second.run(2_994)
    assert second.cpu.save() == first.cpu.save()


def test_the_machine_alone_decides_whether_code_is_translated() -> None:
    machine(QUIET).run(3_000)
    stepped = machine(QUIET)
    stepped.hot = 1 << 60
    stepped.run(3_000)
    assert not blocks_of(stepped)


@pytest.mark.parametrize("when", [0, 1, 40])
def test_code_that_a_machine_has_changed_is_its_own(when: int) -> None:
    """The byte is changed before anything was executed, and behind that."""
    assert counted(machine(), 100) == (100, 200)
    other = machine()
    assert counted(other, when) == (when, 2 * when)
    other.memory.write(ADDED, 1, 1)
    assert counted(other, 100) == (100 + when, 100 + 2 * when)
    assert counted(machine(), 100) == (100, 200)


def test_code_that_was_changed_before_it_was_ever_reached_is_not_what_it_was_elsewhere() -> None:
    both = PROGRAM + QUIET
    start = LOOP + len(PROGRAM)
    first, second = machine(both), machine(both)
    for made in (first, second):
        made.run(1)  # now this page of it is known to be like the other's
    first.cpu.eip = start
    first.run(3_000)
    second.memory.write(start, 1, 0x43)  # incl %ebx; decl %ebx; jmp
    second.cpu.eip = start
    second.run(3_000)
    assert (second.cpu.registers[EAX], second.cpu.registers[EBX]) == (1, 0)


def test_data_beside_code_may_change_as_it_likes() -> None:
    first, second = machine(), machine()
    second.memory.write(NUMBER, 1, 7)
    for rounds in range(1, 50):
        assert counted(first, 1) == (rounds, 2 * rounds)
        assert counted(second, 1) == (rounds, 7 + 2 * rounds)


def test_a_block_of_one_machine_does_nothing_to_another() -> None:
    first, second = machine(QUIET), machine(QUIET)
    first.run(3_000)
    second.run(300)
    first.run(300)
    assert (first.cpu.registers[EAX], second.cpu.registers[EAX]) == (1_100, 100)


def test_stops_and_watches_of_one_machine_are_not_those_of_another() -> None:
    first, second = machine(QUIET), machine(QUIET)
    first.run(3_000)
    second.run(3_000, stops={LOOP + 1})
    assert second.steps == 1
    second.run(3_000, stops={LOOP + 1})
    assert second.steps == 4
    first.run(3_000)
    assert first.steps == 6_000
