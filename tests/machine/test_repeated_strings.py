"""REP: every iteration is an instruction of its own, so that faults, traps and interrupts come between iterations."""

from __future__ import annotations

from random import Random
from typing import Any

import builders
import pytest
from random_forms import REACH, WINDOW, Instance, distinct, instance

from pagefault_lab.machine.faults import page_fault
from pagefault_lab.machine.instructions import Form, forms
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.memory import PAGE, framed
from pagefault_lab.machine.registers import (
    ALWAYS_ONE,
    DF,
    EAX,
    ECX,
    EDI,
    EDX,
    ESP,
    MASK,
    NAMES_32,
    RF,
    STATUS,
    TF,
    ZF,
)
from pagefault_lab.machine.step import Interrupted, Retired

STRINGS = [form for form in distinct(forms()) if form.repeat]
LONGEST = 40  # iterations
CASES = 24


def repeated(form: Form, random: Random, prefix: int) -> tuple[Instance, int]:
    """A string instruction with a repeat prefix and a small count, and the flags to begin with."""
    made = instance(form, random, window=range(WINDOW.start + 0x400, WINDOW.stop - 0x400))
    made.prefixes = bytes([prefix]) + made.prefixes
    mask = MASK[made.address_size]
    count = random.choice((0, 1, 2, random.randrange(LONGEST)))
    made.registers[ECX] = made.registers[ECX] & ~mask | count
    made.registers[EAX] = random.choice((0, 0x01010101))
    made.registers[EDX] = 0x1234  # a port where nothing is
    return made, ALWAYS_ONE | random.getrandbits(12) & (STATUS | DF)


def few_values(random: Random, size: int) -> bytes:
    """Memory in which comparisons come out equal as often as not."""
    blocks = (b"\x00" * 4, b"\x01" * 4, b"\x00" * 4, b"\x00\x01\x00\x00")
    return b"".join(random.choice(blocks) for _ in range(size // 4))


def machine_for(made: Instance, eflags: int, contents: bytes) -> Machine:
    machine = builders.flat(made.bytes)
    for page in range(REACH.start, REACH.stop, 4096):
        machine.memory.frame(page >> 12)[:] = framed(contents[page - REACH.start :][:PAGE])
    machine.cpu.registers[:] = made.registers
    machine.cpu.eflags = eflags
    return machine


def contents_of(machine: Machine) -> bytes:
    return b"".join(machine.memory.frame(page >> 12).tobytes() for page in range(REACH.start, REACH.stop, PAGE))


class Judge:
    """Unicorn, which executes all iterations at once."""

    CODE = 0x100000

    def __init__(self) -> None:
        unicorn: Any = pytest.importorskip("unicorn", reason="Unicorn is the judge of execution")
        x86: Any = pytest.importorskip("unicorn.x86_const")
        self.registers = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in NAMES_32]
        self.flags = x86.UC_X86_REG_EFLAGS
        self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
        self.uc.mem_map(REACH.start, len(REACH))
        self.uc.mem_map(self.CODE, 0x100000)
        self.uc.hook_add(unicorn.UC_HOOK_INSN, lambda *_: 0xFFFFFFFF, None, 1, 0, x86.UC_X86_INS_IN)
        self.uc.hook_add(unicorn.UC_HOOK_INSN, lambda *_: None, None, 1, 0, x86.UC_X86_INS_OUT)
        self.code = self.CODE

    def run(self, made: Instance, eflags: int, contents: bytes) -> tuple[list[int], int, bytes]:
        """Registers, status flags and memory at the end."""
        self.code += 16
        self.uc.mem_write(self.code, made.bytes)
        self.uc.mem_write(REACH.start, contents)
        self.uc.reg_write_batch([*zip(self.registers, made.registers, strict=True), (self.flags, eflags)])
        self.uc.emu_start(self.code, self.code + len(made.bytes))
        *registers, its_flags = self.uc.reg_read_batch([*self.registers, self.flags])
        return registers, its_flags & STATUS, bytes(self.uc.mem_read(REACH.start, len(REACH)))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.mark.parametrize("prefix", [0xF2, 0xF3])
@pytest.mark.parametrize("form", STRINGS, ids=lambda form: form.mnemonic)
def test_unicorn_agrees_about_the_end_of_a_repetition(form: Form, prefix: int, judge: Judge) -> None:
    random = Random(f"{form.mnemonic} {prefix}")
    for _ in range(CASES):
        made, eflags = repeated(form, random, prefix)
        contents = few_values(random, len(REACH))
        machine = machine_for(made, eflags, contents)
        end = machine.cpu.eip + len(made.bytes)
        assert machine.run(LONGEST + 1, {end}) is Stop.ADDRESS
        ours = list(machine.cpu.registers), machine.cpu.eflags & STATUS, contents_of(machine)
        assert ours == judge.run(made, eflags, contents), made.bytes.hex()


@pytest.mark.parametrize("prefix", [0xF2, 0xF3])
@pytest.mark.parametrize("form", STRINGS, ids=lambda form: form.mnemonic)
def test_each_iteration_is_a_step_that_counts_down_and_stays_until_the_last(form: Form, prefix: int) -> None:
    random = Random(f"steps {form.mnemonic} {prefix}")
    for _ in range(CASES // 4):
        made, eflags = repeated(form, random, prefix)
        machine = machine_for(made, eflags, few_values(random, len(REACH)))
        cpu = machine.cpu
        start = cpu.eip
        mask = MASK[made.address_size]
        while cpu.eip == start:
            before = cpu.registers[ECX]
            assert isinstance(machine.step().end, Retired)
            left = cpu.registers[ECX]
            if not before & mask:
                assert (left, cpu.eip) == (before, start + len(made.bytes))
                continue
            assert left == before - 1
            equal = bool(cpu.eflags & ZF)
            ended = not left & mask or (form.repeat == "repe" and equal != (prefix == 0xF3))
            assert cpu.eip == (start + len(made.bytes) if ended else start)


def stack_words(machine: Machine, count: int) -> list[int]:
    esp = machine.cpu.registers[ESP]
    return [machine.memory.read(esp + 4 * place, 4) for place in range(count)]


REP_STOSL = bytes.fromhex("f3ab")
FULL = builders.PRESENT | builders.WRITABLE | builders.USER
FILLED = 0x20000  # a user page
EFLAGS = 0x202  # to begin with


def filling(machine_edi: int, count: int, **more: int) -> Machine:
    return builders.two_rings(REP_STOSL, eax=0xABCD, edi=machine_edi, ecx=count, **more)


def test_a_fault_keeps_the_iterations_before_it_and_the_rest_follows_when_it_is_repaired() -> None:
    machine = filling(FILLED + 0x1000 - 8, 5)
    cpu = machine.cpu
    builders.map_page(machine, FILLED + 0x1000, 0)
    handler = bytes.fromhex("83c404 cf")  # addl $4,%esp; iret
    machine.memory.write_bytes(builders.HANDLERS + 16 * 14, handler)
    assert machine.run(100, on_fault=True) is Stop.FAULT
    assert cpu.last_fault == (page_fault(6, FILLED + 0x1000), builders.USER_TEXT)
    assert (cpu.registers[ECX], cpu.registers[EDI]) == (3, FILLED + 0x1000)
    assert stack_words(machine, 2) == [6, builders.USER_TEXT]
    assert machine.memory.read(FILLED + 0x1000 - 4, 4) == 0xABCD
    builders.map_page(machine, FILLED + 0x1000, FULL)
    assert machine.run(100, {builders.USER_TEXT + 2}) is Stop.ADDRESS
    assert (cpu.registers[ECX], cpu.registers[EDI]) == (0, FILLED + 0x1000 + 12)
    assert [machine.memory.read(FILLED + 0xFF8 + 4 * place, 4) for place in range(6)] == [0xABCD] * 5 + [0]


def test_a_count_of_zero_touches_nothing() -> None:
    machine = filling(FILLED, 0)
    builders.map_page(machine, FILLED, 0)
    step = machine.step()
    assert isinstance(step.end, Retired)
    assert machine.cpu.eip == builders.USER_TEXT + 2
    assert machine.cpu.registers[EDI] == FILLED


def test_an_interrupt_comes_between_iterations_and_returns_into_the_repetition() -> None:
    machine = filling(FILLED, 5)
    cpu = machine.cpu
    machine.memory.write_bytes(builders.HANDLERS + 16 * 20, b"\xcf")
    for _ in range(2):
        machine.step()
    machine.interrupt(20)
    assert isinstance(machine.step().end, Interrupted)
    assert stack_words(machine, 3) == [builders.USER_TEXT, builders.USER_CODE, EFLAGS | RF]
    assert (cpu.registers[ECX], cpu.registers[EDI]) == (3, FILLED + 8)
    machine.step()
    assert cpu.eip == builders.USER_TEXT
    assert machine.run(100, {builders.USER_TEXT + 2}) is Stop.ADDRESS
    assert (cpu.registers[ECX], cpu.registers[EDI]) == (0, FILLED + 20)


def test_a_single_step_trap_comes_after_every_iteration() -> None:
    machine = filling(FILLED, 3)
    cpu = machine.cpu
    machine.memory.write_bytes(builders.HANDLERS + 16, b"\xcf")
    cpu.eflags |= TF
    start = builders.USER_TEXT
    for left, eip, resume in ((2, start, RF), (1, start, RF), (0, start + 2, 0)):  # SDM vol. 3, 17.3.1.1; Bochs agrees
        assert isinstance(machine.step().end, Interrupted)
        assert cpu.registers[ECX] == left
        assert stack_words(machine, 3) == [eip, builders.USER_CODE, EFLAGS | TF | resume]
        machine.step()


@pytest.mark.parametrize("iterations", range(4))
def test_an_interrupt_finds_rf_set_only_between_two_iterations(iterations: int) -> None:
    """Also when it comes by at full speed, to a processor that was put back to where it stood between them."""
    machine = filling(FILLED, 3)
    assert machine.run(iterations) is Stop.LIMIT
    kept = machine.cpu.save()
    machine.run(5 - iterations)
    machine.cpu.restore(kept)
    machine.interrupt(20)
    assert machine.run(1) is Stop.LIMIT
    assert bool(stack_words(machine, 3)[2] & RF) == (iterations in (1, 2))


def test_a_repeat_prefix_before_another_instruction_means_nothing() -> None:
    machine = builders.flat(bytes.fromhex("f340"), ecx=0)  # rep incl %eax
    machine.step()
    assert (machine.cpu.registers[EAX], machine.cpu.registers[ECX], machine.cpu.eip) == (1, 0, 0x1002)
