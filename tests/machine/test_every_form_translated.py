"""Every form does the same translated as executed step by step, on the fast paths and off them.

An instance and a jump to itself behind it are a block. It runs first stepped, then translated, from equal states.
"""

from __future__ import annotations

from random import Random
from typing import Any

import builders
import pytest
from flat import decoded
from random_forms import REACH, Instance, corner, distinct, instance, kinds, uses_stack

from pagefault_lab.machine.faults import FaultRaised
from pagefault_lab.machine.instructions import forms
from pagefault_lab.machine.registers import ALWAYS_ONE, DF, ESP, IF, STATUS

CASES = 3
NEVER = 1 << 60
CODE = 0x10000
FORMS = [form for form in distinct(forms()) if not form.transfers]
NAMES = list(dict.fromkeys(form.name for form in FORMS))


class Pair:
    """Two equal machines: one translates at once, the other never."""

    def __init__(self) -> None:
        self.translated, self.stepped = builders.flat(), builders.flat()
        self.translated.hot, self.stepped.hot = 1, NEVER
        random = Random(80386)
        for address in range(REACH.start, REACH.stop, 4):
            self.poke(address, corner(random))
        self.code = CODE

    def poke(self, address: int, value: int) -> None:
        for machine in (self.translated, self.stepped):
            machine.memory.write_bytes(address, value.to_bytes(4, "little"))

    def load(self, made: Instance) -> None:
        self.code = CODE + (self.code + 32) % 0x8000
        for machine in (self.translated, self.stepped):
            machine.memory.write_bytes(self.code, made.bytes + b"\xeb\xfe")

    def run(self, registers: list[int], eflags: int) -> None:
        for machine in (self.translated, self.stepped):
            cpu = machine.cpu
            cpu.registers[:] = registers
            cpu.eflags = eflags
            cpu.eip = self.code
            cpu.shutdown = False
            machine.run(2)

    def assert_equal(self, told: str) -> None:
        assert self.translated.cpu.save() == self.stepped.cpu.save(), told
        for page in range(REACH.start >> 12, REACH.stop >> 12):
            assert self.translated.memory.frame(page) == self.stepped.memory.frame(page), told
        assert self.translated.ports.save() == self.stepped.ports.save()

    def is_translated(self, at: int) -> bool:
        code: Any = self.translated.memory.code.get(at >> 12)
        return code is not None and any(at in blocks for blocks in code.blocks)


def is_known(made: Instance) -> bool:
    """Whether it decodes; some values of ModRM.reg name no register."""
    try:
        decoded(made.bytes)
    except FaultRaised:
        return False
    return True


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


@pytest.mark.parametrize("name", NAMES)
def test_a_form_does_the_same_translated_and_stepped(name: str, pair: Pair) -> None:
    random = Random(name)
    for form in FORMS:
        if form.name == name:
            for in_memory in kinds(form):
                for _ in range(CASES):
                    made = instance(form, random, in_memory)
                    pair.load(made)
                    for _ in range(4):  # the first runs only warm up the code and the data's pages
                        if made.address is not None:
                            pair.poke(made.address, corner(random))
                        if uses_stack(form):
                            pair.poke(made.registers[ESP], corner(random))
                        eflags = ALWAYS_ONE | random.getrandbits(12) & (STATUS | DF | IF)
                        registers = list(made.registers)
                        for number in set(range(8)) - made.addressing - {ESP}:
                            if (
                                random.random() < 0.3
                                and not form.repeat
                                and form.name not in ("enter", "leave", "xlat")
                            ):
                                registers[number] = corner(random)
                        pair.run(registers, eflags)
                        pair.assert_equal(f"{made.bytes.hex()} {form.mnemonic}")
                    assert pair.is_translated(pair.code) == is_known(made), made.bytes.hex()
