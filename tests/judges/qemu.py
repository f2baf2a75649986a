"""QEMU as a judge: a PC that runs an image, driven through QEMU's gdb stub.

    with Qemu(image) as pc:
        pc.run_to(0xC0100000)
        pc.registers()["eip"]

Addresses are linear and go through the guest's page tables as they are at that moment. A triple fault stops the PC as
it is then: `ShutDown` says so, and it can still be looked at.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

EMULATOR = "qemu-system-i386"

# The stub's numbers of the registers (QEMU, gdb-xml/i386-32bit.xml).
REGISTERS = {
    "eax": 0, "ecx": 1, "edx": 2, "ebx": 3, "esp": 4, "ebp": 5, "esi": 6, "edi": 7, "eip": 8, "eflags": 9,
    "cs": 10, "ss": 11, "ds": 12, "es": 13, "fs": 14, "gs": 15,
}  # fmt: skip


def is_installed() -> bool:
    return shutil.which(EMULATOR) is not None


class ShutDown(Exception):
    """The guest's processor has met a triple fault."""


class Attempt(NamedTuple):
    """The processor delivered an exception, or tried to: `failed` is the vector of what it met on the way, if anything.

    `error` is 0 for an exception that has no error code.
    """

    vector: int
    error: int
    failed: int | None


class Qemu:
    """A stopped PC with a multiboot image; it runs only inside `run_to` and `step`."""

    def __init__(self, image: Path, megabytes: int = 32, timeout: float = 20.0) -> None:
        self._timeout = timeout
        self._folder = tempfile.TemporaryDirectory(prefix="qemu-")
        self._serial = Path(self._folder.name, "serial")
        self._exceptions = Path(self._folder.name, "exceptions")
        stub = Path(self._folder.name, "gdb")
        self._process = subprocess.Popen(
            [
                EMULATOR, "-m", str(megabytes), "-kernel", str(image), "-S", "-no-reboot", "-no-shutdown",
                "-nodefaults", "-display", "none", "-serial", f"file:{self._serial}",
                "-chardev", f"socket,id=gdb,path={stub},server=on,wait=off", "-gdb", "chardev:gdb",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            self._socket = self._connect(stub)
        except BaseException:
            self._stop_process()
            raise
        self._received = b""
        self._ask("qXfer:features:read:target.xml:0,ffb")  # without it the stub sets no single registers

    def __enter__(self) -> Qemu:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()
        self._stop_process()

    # ---- What a test asks for

    def registers(self) -> dict[str, int]:
        values = bytes.fromhex(self._ask("g"))
        return {name: int.from_bytes(values[4 * n : 4 * n + 4], "little") for name, n in REGISTERS.items()}

    def set_register(self, name: str, value: int) -> None:
        self._expect_ok(f"P{REGISTERS[name]:x}={(value & 0xFFFFFFFF).to_bytes(4, 'little').hex()}")

    def read(self, linear: int, length: int) -> bytes:
        data = b""
        while len(data) < length:
            answer = self._ask(f"m{linear + len(data):x},{min(1024, length - len(data)):x}")
            if answer.startswith("E"):
                raise LookupError(f"nothing mapped at {linear + len(data):#x}")
            data += bytes.fromhex(answer)
        return data

    def read_long(self, linear: int) -> int:
        return int.from_bytes(self.read(linear, 4), "little")

    def read_physical(self, address: int, length: int) -> bytes:
        self._expect_ok("Qqemu.PhyMemMode:1")
        try:
            return self.read(address, length)
        finally:
            self._expect_ok("Qqemu.PhyMemMode:0")

    def write(self, linear: int, data: bytes) -> None:
        for start in range(0, len(data), 512):
            piece = data[start : start + 512]
            self._expect_ok(f"M{linear + start:x},{len(piece):x}:{piece.hex()}")

    def step(self) -> None:
        self._go("s")

    def run_to(self, *places: int) -> int:
        """Run until one of these addresses is about to be executed (again, if EIP is there now); which one."""
        if self.registers()["eip"] in places:
            self.step()
        eip = self.registers()["eip"]
        if eip in places:
            return eip
        for place in places:
            self._expect_ok(f"Z0,{place:x},1")
        try:
            self._go("c")
        finally:
            for place in places:
                self._expect_ok(f"z0,{place:x},1")
        eip = self.registers()["eip"]
        if eip not in places:
            raise AssertionError(f"QEMU stopped at {eip:#x}, where nobody wanted it to")
        return eip

    def system_register(self, name: str) -> int:
        """One that the stub does not know, as `info registers` calls it: `CR2`; of `IDT` and `GDT` the base."""
        found = re.search(rf"\b{name} *= *([0-9a-f]+)", self.monitor("info registers"))
        assert found is not None, name
        return int(found[1], 16)

    def watch_exceptions(self) -> None:
        """Keep account of the exceptions from now on."""
        self._exceptions.write_text("")
        self.monitor(f"logfile {self._exceptions}")
        self.monitor("log int")

    def exceptions(self) -> list[Attempt]:
        """The attempts to deliver one since then, in order; INT n is none. Ends the account."""
        self.monitor("log none")
        attempts: list[Attempt] = []
        lines = r"check_exception old: 0x(\w+) new 0x(\w+)| v=(\w+) e=(\w+) i=0"
        for old, new, vector, error in re.findall(lines, self._exceptions.read_text()):
            if vector:
                attempts.append(Attempt(int(vector, 16), int(error, 16), None))
            elif old != "ffffffff":
                attempts[-1] = attempts[-1]._replace(failed=int(new, 16))
        return attempts

    def monitor(self, command: str) -> str:
        """What QEMU's own monitor answers, `info registers` say."""
        self._send("qRcmd," + command.encode().hex())
        text = ""
        while (packet := self._receive()) != "OK":
            if packet.startswith("O"):
                text += bytes.fromhex(packet[1:]).decode()
        return text

    def serial(self) -> str:
        """All that the guest wrote to its first serial port so far."""
        return self._serial.read_text() if self._serial.exists() else ""

    # ---- The gdb remote protocol

    def _connect(self, stub: Path) -> socket.socket:
        deadline = time.monotonic() + self._timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(self._timeout)
            try:
                connection.connect(str(stub))
                return connection
            except OSError as error:
                connection.close()
                if self._process.poll() is not None:
                    assert self._process.stderr is not None
                    raise RuntimeError(f"QEMU ended: {self._process.stderr.read().decode()}") from error
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _stop_process(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._folder.cleanup()

    def _go(self, packet: str) -> None:
        """Let the guest run until the stub says why it has stopped: by signal 3 if the whole PC has."""
        if self._ask(packet).startswith("T03"):
            raise ShutDown

    def _expect_ok(self, packet: str) -> None:
        answer = self._ask(packet)
        if answer != "OK":
            raise RuntimeError(f"QEMU answers {answer!r} to {packet!r}")

    def _ask(self, packet: str) -> str:
        self._send(packet)
        return self._receive()

    def _send(self, packet: str) -> None:
        self._socket.sendall(f"${packet}#{sum(packet.encode()) & 0xFF:02x}".encode())

    def _receive(self) -> str:
        """The next packet, acknowledged. A guest that never stops is a timeout."""
        while (end := self._received.find(b"#")) < 0 or len(self._received) < end + 3:
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                raise AssertionError(f"QEMU is silent for {self._timeout} seconds; serial: {self.serial()}") from None
            if not data:
                raise AssertionError(f"QEMU went away; serial: {self.serial()}")
            self._received += data
        start = self._received.index(b"$")
        packet = self._received[start + 1 : end].decode()
        self._received = self._received[end + 3 :]
        self._socket.sendall(b"+")
        return packet
