"""Unicorn judges every form: registers, flags that are defined, memory, ports and faults, with random values.

Each form runs PAGEFAULT_LAB_CASES times (default 50) with register operands and as often with memory operands of all
addressing forms, where it has such.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from flat import decoded, execute, flat_cpu
from random_forms import REACH, Instance, corner, distinct, instance, kinds, memory_size, uses_stack

from pagefault_lab.machine import registers as r
from pagefault_lab.machine.devices import Ports
from pagefault_lab.machine.faults import INVALID_OPCODE, FaultRaised
from pagefault_lab.machine.instructions import Form, forms
from pagefault_lab.machine.registers import ALWAYS_ONE, CF, DF, EAX, ECX, EDI, EDX, ESI, ESP, MASK, STATUS

unicorn = pytest.importorskip("unicorn", reason="Unicorn is the judge of execution")
x86 = pytest.importorskip("unicorn.x86_const")

CASES = int(os.environ.get("PAGEFAULT_LAB_CASES", "50"))
MEMORY = 0x20000
CODE, CODE_SIZE = 0x100000, 0x1000000  # each instance gets a place of its own there
SLOT = 16
REGISTERS = [getattr(x86, f"UC_X86_REG_{name.upper()}") for name in r.NAMES_32]
STATE = [*REGISTERS, x86.UC_X86_REG_EFLAGS, x86.UC_X86_REG_EIP]
COMPARED = STATUS | DF | r.IF | r.IOPL | r.NT | r.AC

# What needs descriptor tables, privileges or an IDT, which Unicorn has not here: the vectors and other tests judge it.
FILES_NOT_JUDGED = {"segments", "system", "coprocessor"}
JUDGED_NEVERTHELESS = {"mov_from_segment", "arpl"}
NOT_JUDGED = {
    *("pop_segment", "pop_stack_segment", "hlt", "ljmp", "lcall", "lret", "lret_and_release", "iret"),
    *("int", "int3", "into", "icebp"),
}

ROTATIONS = {"rol", "ror", "rcl", "rcr"}
SHIFTS = {"shl", "shr", "sar", "shld", "shrd"}
UNDEFINED = {
    name: flags
    for names, flags in (
        ("and or xor test", r.AF),
        ("mul imul imul_register imul_constant", r.SF | r.ZF | r.AF | r.PF),
        ("div idiv", STATUS),
        ("aaa aas", r.OF | r.SF | r.ZF | r.PF),
        ("aam aad", r.OF | r.AF | CF),
        ("daa das", r.OF),
        ("bt bts btr btc bt_string bts_string btr_string btc_string", r.OF | r.SF | r.AF | r.PF),
        ("bsf bsr", CF | r.OF | r.SF | r.AF | r.PF),
    )
    for name in names.split()
}  # SDM vol. 1, appendix A


def undefined_flags(made: Instance) -> int:
    """The flags that the manual leaves undefined for this instance."""
    form = made.form
    mask = UNDEFINED.get(form.name, 0)
    if form.name in ROTATIONS | SHIFTS:
        if form.operands[0] == "%cl":
            count = made.registers[ECX] & 31
        else:
            count = made.immediates[0] & 31 if made.immediates else 1
        bits = int(form.operands[-1].removeprefix("rm"))
        if count and form.name in SHIFTS:
            mask |= r.AF
        if count > 1:
            mask |= r.OF
        if form.name in ("shl", "shr") and count >= bits:
            mask |= CF
        if form.name in ("shld", "shrd") and count > bits:
            mask |= STATUS
    return mask


class Judge:
    """Unicorn beside our processor, the same memory and ports in both."""

    def __init__(self) -> None:
        self.cpu = flat_cpu(MEMORY)
        self.ports = Ports()
        self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_32)
        self.uc.mem_map(0, MEMORY)
        self.uc.mem_map(CODE, CODE_SIZE)
        self.code = CODE
        self.vector: int | None = None
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._interrupted)
        self.uc.hook_add(unicorn.UC_HOOK_INSN, self._input, None, 1, 0, x86.UC_X86_INS_IN)
        self.uc.hook_add(unicorn.UC_HOOK_INSN, self._output, None, 1, 0, x86.UC_X86_INS_OUT)
        self.fresh = self.uc.context_save()
        random = Random(486)
        for address in range(0, MEMORY, 4):
            self.poke(address, 4, corner(random))

    def _interrupted(self, uc: Any, number: int, _: Any) -> None:
        self.vector = number
        uc.emu_stop()

    def _input(self, _: Any, port: int, size: int, __: Any) -> int:
        return self.ports.read(port, size)

    def _output(self, _: Any, port: int, size: int, value: int, __: Any) -> None:
        self.ports.write(port, size, value)

    def poke(self, address: int, size: int, value: int) -> None:
        data = (value & MASK[size]).to_bytes(size, "little")
        self.cpu.memory.write_bytes(address, data)
        self.uc.mem_write(address, data)

    def run(self, made: Instance, eflags: int) -> None:
        """Execute one instance in both, and compare."""
        cpu, data = self.cpu, made.bytes
        *its_registers, its_flags, its_eip = self.run_unicorn(made, eflags)
        cpu.registers[:] = made.registers
        cpu.eflags = eflags
        cpu.eip = cpu.start = self.code
        vector = None
        try:
            instruction = decoded(data)
            assert instruction.bytes == data
            execute(cpu, instruction)
        except FaultRaised as raised:
            vector = raised.fault.vector
            cpu.eip = cpu.start
        told = f"{data.hex()} {made.form.mnemonic} {' '.join(f'{value:#x}' for value in made.registers)} {eflags:#x}"
        assert vector == self.vector, told
        assert cpu.registers == its_registers, told
        assert vector is not None or cpu.eip == its_eip, told
        if vector is None:
            compared = COMPARED & ~undefined_flags(made)
            assert f"{cpu.eflags & compared:#x}" == f"{its_flags & compared:#x}", told
        for page in range(REACH.start, REACH.stop, 4096):
            assert cpu.memory.frame(page >> 12).tobytes() == self.uc.mem_read(page, 4096), told

    def run_unicorn(self, made: Instance, eflags: int) -> list[int]:
        """Registers, EFLAGS and EIP after Unicorn has executed the instance; `vector` is its fault's."""
        uc = self.uc
        if self.vector is not None:
            uc.context_restore(self.fresh)  # it delivers no fault, and would count the next one as a double fault
        self.vector = None
        self.code = self.code + SLOT if self.code + SLOT < CODE + CODE_SIZE else CODE
        uc.mem_write(self.code, made.bytes)
        uc.ctl_remove_cache(self.code, self.code + SLOT)
        uc.reg_write_batch([*zip(REGISTERS, made.registers, strict=True), (x86.UC_X86_REG_EFLAGS, eflags)])
        try:
            if made.form.transfers:
                uc.emu_start(self.code, 0, 0, 1)
            else:
                uc.emu_start(self.code, self.code + len(made.bytes))
        except unicorn.UcError as error:
            absent = error.errno in (unicorn.UC_ERR_FETCH_UNMAPPED, unicorn.UC_ERR_READ_UNMAPPED)
            if error.errno == unicorn.UC_ERR_INSN_INVALID:
                self.vector = INVALID_OPCODE.vector
            elif not (absent and made.form.transfers):  # what a jump leads to need not be there
                raise
        return uc.reg_read_batch(STATE)

    def compare_everything(self) -> None:
        assert self.cpu.memory.read_bytes(0, MEMORY) == bytes(self.uc.mem_read(0, MEMORY))
        assert self.cpu.ports.save() == self.ports.save()

    def start_equal(self) -> None:
        """Forget what an earlier failure left different."""
        self.uc.mem_write(0, self.cpu.memory.read_bytes(0, MEMORY))
        self.ports = Ports()
        self.ports.restore(self.cpu.ports.save())


@pytest.fixture(scope="module")
def the_judge() -> Judge:
    return Judge()


@pytest.fixture
def judge(the_judge: Judge) -> Judge:
    the_judge.start_equal()
    return the_judge


def prepare(judge: Judge, made: Instance, random: Random) -> None:
    """Put corner cases into the memory that the instance will read, and let rare cases happen often."""
    form, registers = made.form, made.registers
    size = memory_size(form)
    value = corner(random)
    if made.address is not None and size:
        judge.poke(made.address, size, value)
    if form.name in ("movs", "cmps", "scas", "lods", "stos", "outs"):
        judge.poke(registers[ESI] & MASK[made.address_size] & 0xFFFF, size, value)
        judge.poke(registers[EDI] & MASK[made.address_size] & 0xFFFF, size, random.choice((value, corner(random))))
    if uses_stack(form):
        value = corner(random)
        judge.poke(registers[ESP], 4, value & ~r.TF if form.name == "popf" else value)
    if form.name == "push_segment":
        judge.poke(registers[ESP] - 4, 4, 0)  # a 486 leaves the upper half as it is, where Unicorn writes zeros
    if form.name == "cmpxchg" and random.random() < 0.4 and EAX not in made.addressing:
        assert made.modrm is not None
        registers[EAX] = value if made.address is not None else registers[made.modrm & 7]
    if form.name in ("div", "idiv") and random.random() < 0.7 and not made.addressing & {EAX, EDX}:
        high = random.choice((0, 0, 0xFFFFFFFF, value >> 1 & MASK[size], 1))
        registers[EDX] = high
        registers[EAX] = registers[EAX] & 0xFFFF00FF | (high & 0xFF) << 8


def is_judged(form: Form) -> bool:
    if form.name == "test" and form.digit == 1:
        return False  # F6 /1 and F7 /1, which Unicorn does not know
    if form.function.__module__.rpartition(".")[2] in FILES_NOT_JUDGED:
        return form.name in JUDGED_NEVERTHELESS
    return form.name not in NOT_JUDGED


JUDGED = [form for form in distinct(forms()) if is_judged(form)]
NAMES = list(dict.fromkeys(form.name for form in JUDGED))


@pytest.mark.parametrize("name", NAMES)
def test_unicorn_agrees(name: str, judge: Judge) -> None:
    for form in JUDGED:
        if form.name == name:
            for in_memory in kinds(form):
                random = Random(f"{form.mnemonic} {form.operands} {form.opcode.hex()} {in_memory}")
                for _ in range(CASES):
                    made = instance(form, random, in_memory)
                    eflags = ALWAYS_ONE | r.IF | random.getrandbits(12) & (STATUS | DF)
                    if random.random() < 0.3:
                        eflags = random.choice(
                            (ALWAYS_ONE, ALWAYS_ONE | STATUS, ALWAYS_ONE | CF, ALWAYS_ONE | STATUS & ~CF)
                        )
                    prepare(judge, made, random)
                    judge.run(made, eflags)
    judge.compare_everything()
