"""The guest kernel of the world `linux` in QEMU, built by GNU as: what a test may ask of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judges import gnu, qemu

SOURCE = Path(__file__).parents[2] / "pagefault_lab" / "worlds" / "linux" / "kernel.s"
BASE = 0xC0100000
PAGE_OFFSET = 0xC0000000
SYSTEM_CALL = ("eax", "ebx", "ecx", "edx")  # its number, and the arguments

# The marks of a test module that needs a guest.
needed = [
    pytest.mark.skipif(not gnu.is_installed(), reason="GNU binutils are not installed"),
    pytest.mark.skipif(not qemu.is_installed(), reason=f"{qemu.EMULATOR} is not installed"),
]


class Guest:
    """The guest in QEMU, with hands to type code into its scratch pages."""

    def __init__(self, kernel: gnu.Linked, pc: qemu.Qemu, folder: Path) -> None:
        self.kernel = kernel
        self.symbols = dict(kernel.symbols)  # and those of modules
        self.pc = pc
        self.folder = folder
        self.boot()

    def boot(self) -> None:
        self.pc.run_to(BASE - PAGE_OFFSET)
        self.pc.run_to(self["ready"])

    def __getitem__(self, symbol: str) -> int:
        return self.symbols[symbol]

    def long(self, symbol: str) -> int:
        return self.pc.read_long(self[symbol])

    @property
    def task(self) -> int:
        """Where the running task's structure, and the low end of its kernel stack, lies."""
        return self.long("current")

    @property
    def pid(self) -> int:
        return self.pc.read_long(self.task + self["TASK_PID"])

    @property
    def user_place(self) -> int:
        """Where the running task's lines go: all tasks share the scratch pages, so each has its own of them."""
        return self["user_scratch"] + 0x1000 * (self.pid - 1)

    @property
    def log(self) -> str:
        """What the kernel said since it was up."""
        return self.pc.serial().split("Hello from user mode.\n", 1)[1]

    def user(self, code: str) -> bool:
        """Run lines as user code; True if they got to their end, False if the task was started anew."""
        return self._run(code, self.user_place)

    def system_call(self, number: int, *arguments: int | str) -> int:
        """What a system call returns to the user, as a signed number; the registers are kept."""
        before = self.pc.registers()
        end = self.place_system_call(number, *arguments)
        assert self.pc.run_to(end, self["task_started"]) == end, self.log
        result = self.pc.registers()["eax"]
        for name in SYSTEM_CALL:
            self.pc.set_register(name, before[name])
        return result - (result >> 31 << 32)

    def place_system_call(self, number: int, *arguments: int | str) -> int:
        """Place one where the lab places its own, and let EIP stand there; its end. A text's address is passed."""
        loads, texts = [], []
        for name, argument in zip(SYSTEM_CALL, (number, *arguments), strict=False):
            loads.append(f"movl ${f'text_{name}' if isinstance(argument, str) else argument}, %{name}")
            if isinstance(argument, str):
                texts.append(f'text_{name}: .asciz "{argument}"')
        return self.place("\n".join((*loads, "int $0x80", "jmp 1f", *texts, "1:")), self["user_scratch_end"] - 512)

    def kernel_mode(self, code: str) -> bool:
        """Go through the door, then run lines as kernel code; True if they got to their end."""
        if self.pc.registers()["cs"] & 3:
            self.place("int $0x81", self.user_place)
            self.pc.run_to(self["kernel_prompt"])
        return self._run(code, self["kernel_scratch"])

    def leave_kernel(self) -> int:
        """From the kernel prompt back to user mode; who runs there."""
        self.pc.set_register("eip", self["kernel_prompt"])
        return self.to_user()

    def to_user(self) -> int:
        """Run on to where user mode is entered by iret, or the kernel goes on after an interrupt; who runs then."""
        self.pc.run_to(self["restore_iret"])
        self.pc.step()
        return self.pid

    def tick(self) -> int:
        """The timer ticks before the next instruction, and its interrupt is served; who runs then.

        No device ticks by itself here, so an `int` that user mode is allowed for once enters the timer's gate.
        """
        registers = self.pc.registers()
        kind = self.pc.system_register("IDT") + 8 * self["FIRST_IRQ_VECTOR"] + 5
        self.pc.write(kind, b"\xee")
        where = self.user_place if registers["cs"] & 3 else self["kernel_scratch"]
        self.place("int $FIRST_IRQ_VECTOR", where + 0x800)
        self.pc.run_to(self["irq_stubs"])
        self.pc.write(self.pc.registers()["esp"], registers["eip"].to_bytes(4, "little"))
        self.pc.write(kind, b"\x8e")
        return self.to_user()

    def place(self, code: str, where: int) -> int:
        """Lines into memory, with a nop behind; EIP is set to them. Returns their end."""
        used = [name for name in self.symbols if re.search(rf"\b{re.escape(name)}\b", code)]
        definitions = "".join(f".set {name}, {self[name]:#x}\n" for name in used)
        lines = self.assemble(definitions + code, where)
        self.pc.write(where, lines + b"\x90")
        self.pc.set_register("eip", where)
        return where + len(lines)

    def assemble(self, text: str, base: int) -> bytes:
        return gnu.assemble(text, base, self.folder)

    def _run(self, code: str, where: int) -> bool:
        end = self.place(code, where)
        stopped = self.pc.run_to(end, self["task_started"], self["kernel_panic"])
        assert stopped != self["kernel_panic"], self.log
        return stopped != self["task_started"]

    def pte(self, linear: int) -> int:
        """The page table entry in the current directory; 0 if there is no table."""
        pde = self._physical_long(self.pc.system_register("CR3") + 4 * (linear >> 22))
        return self._physical_long((pde & ~0xFFF) + 4 * (linear >> 12 & 1023)) if pde & 1 else 0

    def users(self, linear: int) -> int:
        """How many tasks have the page that is at this address in the current directory."""
        return self.pc.read(self["mem_map"] + (self.pte(linear) >> 12), 1)[0]

    def _physical_long(self, address: int) -> int:
        return int.from_bytes(self.pc.read_physical(address, 4), "little")

    def free_pages(self) -> int:
        return self.pc.read(self["mem_map"], 8192).count(0)
