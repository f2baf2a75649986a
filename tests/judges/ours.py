"""Our own machine in the place of QEMU, and its guest in the place of QEMU's: the same tests for both."""

from __future__ import annotations

from pathlib import Path

from judges.guest import Guest

from pagefault_lab.assembler import assemble
from pagefault_lab.lab import peeking
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.registers import NAMES_32, SEGMENT_NAMES
from pagefault_lab.worlds import boot

STEPS = 50_000_000  # more than any test takes


class Pc:
    """A `Machine` with the hands of `qemu.Qemu`, as far as guests need them."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def registers(self) -> dict[str, int]:
        cpu = self.machine.cpu
        selectors = {name: segment.selector for name, segment in zip(SEGMENT_NAMES, cpu.segments, strict=True)}
        return {**dict(zip(NAMES_32, cpu.registers, strict=True)), **selectors, "eip": cpu.eip, "eflags": cpu.eflags}

    def system_register(self, name: str) -> int:
        cpu = self.machine.cpu
        return cpu.idtr.base if name == "IDT" else int(getattr(cpu, name.lower()))

    def set_register(self, name: str, value: int) -> None:
        cpu = self.machine.cpu
        if name == "eip":
            cpu.eip = value
        else:
            cpu.registers[NAMES_32.index(name)] = value & 0xFFFFFFFF

    def read(self, linear: int, length: int) -> bytes:
        return peeking.read_bytes(self.machine, linear, length)

    def read_long(self, linear: int) -> int:
        return peeking.read(self.machine, linear, 4)

    def read_physical(self, address: int, length: int) -> bytes:
        return self.machine.memory.read_bytes(address, length)

    def write(self, linear: int, data: bytes) -> None:
        peeking.place(self.machine, linear, data)

    def step(self) -> None:
        self.machine.run(1)

    def run_to(self, *places: int) -> int:
        cpu = self.machine.cpu
        if cpu.eip in places:
            self.step()
        if cpu.eip not in places:
            stop = self.machine.run(STEPS, set(places))
            assert stop is Stop.ADDRESS, f"{stop.value} at {cpu.eip:#x}; serial: {self.serial()}"
        return cpu.eip

    def serial(self) -> str:
        return bytes(self.machine.ports.serial.output).decode()


class OurGuest(Guest):
    """The guest on our machine, its code assembled by our assembler."""

    pc: Pc

    def __init__(self, folder: Path) -> None:
        machine, world = boot("linux")
        self.symbols = dict(world.symbols)
        self.pc = Pc(machine)
        self.folder = folder

    def assemble(self, text: str, base: int) -> bytes:
        return b"".join(section.data for section in assemble(text, origin=base).loaded())
