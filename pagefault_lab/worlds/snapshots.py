"""A started machine in a file, so that a world need not boot each time.

The file is plain data: a line with the checksum of the rest, a line of JSON (what it is for, the processor's state,
which frames follow, and whatever the world wants to keep with it), then the frames that are not all zeros, 4096 bytes
each. Nothing in it is executed, and whatever is wrong with it means only that the world boots.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

from pagefault_lab.machine.devices import Sent
from pagefault_lab.machine.faults import Fault
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.memory import PAGE, ZEROS, framed, pack
from pagefault_lab.machine.segmentation import Segment, SystemSegment, TableRegister
from pagefault_lab.machine.tlb import TlbEntry
from pagefault_lab.worlds.cache import folder

_KINDS: Final = {kind.__name__: kind for kind in (Segment, SystemSegment, TableRegister, TlbEntry, Fault)}


def store(name: str, key: str, machine: Machine, extra: Mapping[str, Any]) -> None:
    """Keep a machine under a name; if that cannot be, nothing happens."""
    place = folder()
    if place is None:
        return
    memory = machine.memory
    numbers = [number for number, words in enumerate(memory.frames) if words is not None and any(words)]
    head = {
        "key": key,
        "memory": memory.size,
        "steps": machine.steps,
        "cpu": _plain(machine.cpu.save()),
        "ports": _plain(machine.ports.save()),
        "frames": numbers,
        "extra": extra,
    }
    path = place / f"{name}.world"
    written = path.with_suffix(f".{os.getpid()}")
    try:
        place.mkdir(parents=True, exist_ok=True)
        frames = b"".join(pack(memory.frames[number]) or ZEROS for number in numbers)
        body = json.dumps(head, separators=(",", ":")).encode() + b"\n" + frames
        written.write_bytes(b"%08x\n" % crc32(body) + body)
        written.replace(path)
    except OSError:
        pass


def restore(name: str, key: str) -> tuple[Machine, dict[str, Any]] | None:
    """The machine that was kept under this name and key, with its extra; None if there is none that is whole."""
    place = folder()
    if place is None:
        return None
    try:
        checksum, _, body = (place / f"{name}.world").read_bytes().partition(b"\n")
        if int(checksum, 16) != crc32(body):
            return None
        line, _, frames = body.partition(b"\n")
        head = json.loads(line)
        if head["key"] != key or len(frames) != PAGE * len(head["frames"]):
            return None
        machine = Machine(head["memory"])
        for place_in_file, number in enumerate(head["frames"]):
            machine.memory.frames[number] = framed(frames[PAGE * place_in_file : PAGE * (place_in_file + 1)])
        machine.steps = head["steps"]
        machine.cpu.restore(_rich(head["cpu"]))
        machine.ports.restore(_rich(head["ports"]))
        return machine, head["extra"]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None


def _plain(value: Any) -> Any:
    """A machine's state as JSON has it: tuples as lists, the rest as {"": kind, "of": ...}."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {"": "dict", "of": [[_plain(name), _plain(part)] for name, part in value.items()]}
    if isinstance(value, bytes | Sent):
        return {"": "bytes", "of": bytes(value).hex()}
    if type(value).__name__ in _KINDS:
        return {"": type(value).__name__, "of": [_plain(getattr(value, name)) for name in value.__slots__]}
    if value is None or isinstance(value, int | str):
        return value
    raise TypeError(f"{value!r} has no place in a snapshot")


def _rich(value: Any) -> Any:
    """The inverse of `_plain`."""
    if isinstance(value, list):
        return tuple(_rich(part) for part in value)
    if isinstance(value, dict):
        kind, of = value[""], value["of"]
        if kind == "dict":
            return {_rich(name): _rich(part) for name, part in of}
        if kind == "bytes":
            return bytes.fromhex(of)
        return _KINDS[kind](*map(_rich, of))
    return value
