"""Ports and the few devices behind them. A port that nobody answers reads as ones and ignores writes.

Devices are deterministic: what comes in was put there by the host as part of the record. Each gives its state as a
value for checkpoints.
"""

from __future__ import annotations

from typing import Any, Protocol


class Device(Protocol):
    """What answers on some ports, byte by byte."""

    def read(self, port: int) -> int: ...

    def write(self, port: int, value: int) -> None: ...

    def save(self) -> Any: ...

    def restore(self, saved: Any) -> None: ...


class Sent:
    """Bytes that were sent, oldest first; `save` gives what they are as a value.

    All values share one buffer as long as they go on in the same way, so that a thousand checkpoints of a program that
    prints take no more room than what it has printed.
    """

    def __init__(self, data: bytearray | None = None, length: int = 0) -> None:
        self._data = bytearray() if data is None else data
        self._length = length

    def append(self, byte: int) -> None:
        if self._length < len(self._data):  # somebody went on from here
            if self._data[self._length] == byte:
                self._length += 1
                return
            self._data = self._data[: self._length]
        self._data.append(byte)
        self._length += 1

    def save(self) -> Sent:
        return Sent(self._data, self._length)

    def restore(self, saved: Sent | bytes) -> None:
        if isinstance(saved, bytes):
            saved = Sent(bytearray(saved), len(saved))
        self._data, self._length = saved._data, saved._length

    def __bytes__(self) -> bytes:
        return bytes(self._data[: self._length])

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sent | bytes) and len(self) == len(other) and bytes(self) == bytes(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Sent({bytes(self)!r})"


class DebugPort:
    """Port 0xE9, as Bochs and QEMU have it: every byte written is a character for the host; it reads as 0xE9."""

    def __init__(self) -> None:
        self.output = Sent()

    def read(self, port: int) -> int:
        return 0xE9

    def write(self, port: int, value: int) -> None:
        self.output.append(value)

    def save(self) -> Sent:
        return self.output.save()

    def restore(self, saved: Sent) -> None:
        self.output.restore(saved)


class Serial:
    """The transmitter and receiver of a 16550 at eight ports from `base`; always ready to send.

    Registers: data 0 (divisor while DLAB), interrupt enable 1, line control 3, modem control 4, line status 5.
    """

    RECEIVED, EMPTY = 0x01, 0x60  # line status: a byte waits; holding and shift register are empty

    def __init__(self, base: int = 0x3F8) -> None:
        self.base = base
        self.output = Sent()
        self.input = bytearray()
        self.registers = [0] * 8
        self.divisor = [0, 0]

    def _divisor_latched(self, register: int) -> bool:
        return register < 2 and bool(self.registers[3] & 0x80)

    def read(self, port: int) -> int:
        register = port - self.base
        if self._divisor_latched(register):
            return self.divisor[register]
        if register == 0:
            return self.input.pop(0) if self.input else 0
        if register == 2:
            return 0x01  # no interrupt pending
        if register == 5:
            return self.EMPTY | (self.RECEIVED if self.input else 0)
        if register == 6:
            return 0xB0  # carrier, ready, clear to send
        return self.registers[register]

    def write(self, port: int, value: int) -> None:
        register = port - self.base
        if self._divisor_latched(register):
            self.divisor[register] = value
        elif register == 0:
            self.output.append(value)
        else:
            self.registers[register] = value

    def save(self) -> tuple[Sent, bytes, tuple[int, ...], tuple[int, ...]]:
        return self.output.save(), bytes(self.input), tuple(self.registers), tuple(self.divisor)

    def restore(self, saved: tuple[Sent, bytes, tuple[int, ...], tuple[int, ...]]) -> None:
        output, received, registers, divisor = saved
        self.output.restore(output)
        self.input[:] = received
        self.registers[:], self.divisor[:] = registers, divisor


class Keyboard:
    """The 8042 keyboard controller's data port 0x60 and status port 0x64, with a keyboard on which nobody types."""

    DATA, STATUS = 0x60, 0x64
    READY = 0x14  # status: self-test passed, keyboard not locked; both buffers are empty

    def read(self, port: int) -> int:
        return 0 if port == self.DATA else self.READY

    def write(self, port: int, value: int) -> None:
        """Commands are taken and have no effect."""

    def save(self) -> None:
        return None

    def restore(self, saved: None) -> None:
        pass


class Ports:
    """The I/O address space: 65,536 byte ports."""

    def __init__(self) -> None:
        self.debug = DebugPort()
        self.serial = Serial()
        self.keyboard = Keyboard()
        self.devices: dict[str, Device] = {"debug": self.debug, "serial": self.serial, "keyboard": self.keyboard}
        self._by_port: dict[int, Device] = {0xE9: self.debug}
        self._by_port.update(dict.fromkeys((Keyboard.DATA, Keyboard.STATUS), self.keyboard))
        self._by_port.update(dict.fromkeys(range(0x3F8, 0x400), self.serial))

    def read(self, port: int, size: int) -> int:
        """`size` bytes from as many consecutive ports, little-endian."""
        value = 0
        for distance in range(size):
            device = self._by_port.get(port + distance & 0xFFFF)
            value |= (device.read(port + distance & 0xFFFF) & 0xFF if device else 0xFF) << 8 * distance
        return value

    def write(self, port: int, size: int, value: int) -> None:
        """`size` bytes to as many consecutive ports, little-endian."""
        for distance in range(size):
            device = self._by_port.get(port + distance & 0xFFFF)
            if device:
                device.write(port + distance & 0xFFFF, value >> 8 * distance & 0xFF)

    def save(self) -> dict[str, Any]:
        return {name: device.save() for name, device in self.devices.items()}

    def restore(self, saved: dict[str, Any]) -> None:
        for name, state in saved.items():
            self.devices[name].restore(state)
