"""Every example in the docstrings of instructions: its bytes come from GNU as, and it does what it says.

`state | text = bytes | result`: what the state does not name is 0; of what the result does not name, only flags may
have changed. A result like `#GP(0)` means that nothing has.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flat import decoded, execute, flat_cpu, flat_segment
from judges import gnu

from pagefault_lab.machine.cpu import Cpu
from pagefault_lab.machine.faults import VECTORS, FaultRaised
from pagefault_lab.machine.instructions import examples, forms
from pagefault_lab.machine.registers import CS, FLAG_NAMES, IOPL, NAMES, PG, SEGMENT_NAMES
from pagefault_lab.machine.segmentation import Segment, SystemSegment, TableRegister, is_null

CODE = 0x8000  # where an example's code is if its state does not name EIP
SLOT = 32
PLACES = {f"{name}": (size, number) for size, names in NAMES.items() for number, name in enumerate(names)}
FLAGS = {name.lower(): bit for bit, name in FLAG_NAMES.items()}
SIZES = {"b": 1, "w": 2, "": 4}
EXAMPLES = examples()


def parts(example: str) -> tuple[str, str, bytes, str]:
    """(state, text, bytes, result) of an example."""
    state, middle, result = (part.strip() for part in example.split("|"))
    text, _, data = middle.rpartition(" = ")
    return state, text.strip(), bytes.fromhex(data), result


def settings(text: str) -> dict[str, int]:
    """`eax=5 [0x1000]=-1` as names and unsigned numbers."""
    pairs = (word.partition("=") for word in text.split())
    return {name: int(value, 0) & 0xFFFFFFFF for name, _, value in pairs}


class State:
    """A processor's state under the names that examples use."""

    def __init__(self, cpu: Cpu) -> None:
        self.cpu = cpu

    def __setitem__(self, name: str, value: int) -> None:
        cpu = self.cpu
        if name in PLACES:
            size, number = PLACES[name]
            assert size == 4, f"{name}: a state names whole registers"
            cpu.registers[number] = value
        elif name in FLAGS:
            cpu.set_flags(FLAGS[name], FLAGS[name] if value else 0)
        elif name == "iopl":
            cpu.set_flags(IOPL, value << 12)
        elif name == "cpl":
            cpu.set_segment(CS, flat_segment(value, code=True))
        elif name in SEGMENT_NAMES:
            number = SEGMENT_NAMES.index(name)
            cpu.set_segment(number, Segment(value) if is_null(value) else flat_segment(value, code=number == CS))
        elif match := re.fullmatch(r"([bw]?)\[(.+)\]", name):
            cpu.memory.write(int(match[2], 0), SIZES[match[1]], value & (1 << 8 * SIZES[match[1]]) - 1)
        elif match := re.fullmatch(r"(dr|tr)(\d)", name):
            (cpu.debug if match[1] == "dr" else cpu.test)[int(match[2])] = value
        elif match := re.fullmatch(r"(gdtr|idtr)\.(base|limit)", name):
            old = getattr(cpu, match[1])
            base, limit = (value, old.limit) if match[2] == "base" else (old.base, value)
            setattr(cpu, match[1], TableRegister(base, limit))
        elif name in ("ldtr", "tr"):
            assert value == 0
            setattr(cpu, name, SystemSegment())
        else:
            assert name in ("eip", "cr0", "cr2", "cr3", "cr4"), name
            setattr(cpu, name, value)

    def __getitem__(self, name: str) -> int:
        cpu = self.cpu
        if name in PLACES:
            size, number = PLACES[name]
            shift = 8 if size == 1 and number >= 4 else 0
            return cpu.registers[number & 3 if size == 1 else number] >> shift & (1 << 8 * size) - 1
        if name in FLAGS:
            return int(bool(cpu.eflags & FLAGS[name]))
        if name in SEGMENT_NAMES:
            return cpu.segments[SEGMENT_NAMES.index(name)].selector
        if match := re.fullmatch(r"([bw]?)\[(.+)\]", name):
            return cpu.memory.read(int(match[2], 0), SIZES[match[1]])
        if match := re.fullmatch(r"(dr|tr)(\d)", name):
            return (cpu.debug if match[1] == "dr" else cpu.test)[int(match[2])]
        if match := re.fullmatch(r"(gdtr|idtr)\.(base|limit)", name):
            return getattr(getattr(cpu, match[1]), match[2])
        if name in ("ldtr", "tr"):
            return getattr(cpu, name).selector
        return getattr(cpu, name)


def everything(cpu: Cpu) -> dict[str, Any]:
    """All that an instruction may change, flags and EIP apart."""
    return {
        "registers": tuple(cpu.registers),
        "segments": tuple(cpu.segments),
        "tables": (cpu.gdtr, cpu.idtr, cpu.ldtr, cpu.tr),
        "control": (cpu.cr0 & ~PG, cpu.cr2, cpu.cr3, cpu.cr4, tuple(cpu.debug), tuple(cpu.test)),
        "memory": {number: tuple(frame) for number, frame in enumerate(cpu.memory.frames) if frame and any(frame)},
    }


@cache
def bytes_by_gnu(folder: Path) -> dict[str, bytes]:
    """What GNU as makes of the text of each example."""
    texts = list(dict.fromkeys(parts(example)[1] for _, example in EXAMPLES))
    lines = []
    for number, text in enumerate(texts):
        lines.append(f".org {SLOT * number}\n1: {text}\n2: .org {SLOT * number + SLOT - 1}\n.byte 2b - 1b")
    image = gnu.assemble("\n".join(lines), 0, folder)
    slots = (image[SLOT * number :][:SLOT] for number in range(len(texts)))
    return {text: slot[: slot[-1]] for text, slot in zip(texts, slots, strict=True)}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.mark.skipif(not gnu.is_installed(), reason="GNU as is the judge of bytes")
@pytest.mark.parametrize("example", dict.fromkeys(example for _, example in EXAMPLES))
def test_an_examples_bytes_are_what_gnu_as_makes_of_it(example: str, folder: Path) -> None:
    _, text, data, _ = parts(example)
    assert data.hex() == bytes_by_gnu(folder)[text].hex()


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_does_what_it_says(name: str, example: str) -> None:
    given, _, data, result = parts(example)
    cpu = flat_cpu()
    state = State(cpu)
    cpu.eip = CODE
    for key, value in settings(given).items():
        state[key] = value
    before = everything(cpu)
    instruction = decoded(data)
    assert instruction.form.name == name
    assert instruction.bytes == data
    try:
        execute(cpu, instruction)
    except FaultRaised as raised:
        fault = raised.fault
        code = "" if fault.error is None else f"({fault.error:#x})" if fault.error else "(0)"
        assert f"{VECTORS[fault.vector].mnemonic}{code}" == result
        assert everything(cpu) == before
        return
    wanted = settings(result)
    assert {key: state[key] for key in wanted} == wanted
    if "eip" not in wanted:
        assert cpu.eip == cpu.start + len(data)
    expected = flat_cpu()
    changed = State(expected)
    for key, value in (settings(given) | wanted).items():
        changed[key] = value
    assert everything(cpu) == everything(expected)


def test_every_instruction_has_an_example() -> None:
    assert {form.name for form in forms()} == {name for name, _ in EXAMPLES}
