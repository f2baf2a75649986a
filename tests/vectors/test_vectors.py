"""5,050 situations that need privilege, judged by what Bochs 2.7 made of them (convert.py tells the format).

Each case is an initial state that is run until the handler of some vector is entered: the code at HANDLERS + 16*vector
is never executed, the machine stops before it. Every case is run twice: freely, and step by step with everything
recorded, because both must tell the same.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.machine.registers import ESP, NAMES_32, PG, SEGMENT_NAMES, SS
from pagefault_lab.machine.segmentation import (
    NULL_SEGMENT,
    Descriptor,
    Segment,
    SystemSegment,
    TableRegister,
    descriptor_address,
    is_null,
    mark_accessed,
)
from pagefault_lab.machine.step import ShutDown

HERE = Path(__file__).parent
FAMILIES = ("paging", "segload", "seglimit", "intgates", "faults", "irets", "callgates")
COUNTS = {
    "paging": 695, "segload": 2356, "seglimit": 502, "intgates": 213, "faults": 436, "irets": 327, "callgates": 521,
}  # fmt: skip
MEMORY_SIZE = 16 << 20
HANDLERS = range(0x804000, 0x805000)
HANDLER_TABLE = 0x801000  # page table for HANDLERS' 4 MiB, where PDE 2 points
LONGEST = 10_000  # steps of a case; some run through zeros until they find something invalid

Json = dict[str, Any]


def left_out(case: Json) -> str:
    """Why a case is not run; empty for all others."""
    if case["category"] == "iret_nt":
        return "iret with NT=1 returns to another hardware task, which is not simulated yet"
    if case["name"].startswith("jmpTSS"):
        return "a far jump to a TSS switches hardware tasks, which is not simulated yet"
    return ""


@cache
def family(name: str) -> Json:
    return json.loads(lzma.decompress((HERE / f"{name}.json.xz").read_bytes()))


def merged(common: Json, departures: Json) -> Json:
    return {key: value for key, value in (common | departures).items() if value is not None}


def cases(name: str) -> Iterator[Json]:
    """The cases of a family, each complete but for the common memory."""
    common = family(name)["common"]
    for case in family(name)["cases"]:
        whole = {"dump": common["dump"], "ignore": common["ignore"], "memory": [], **case}
        for part in ("registers", "expect"):
            whole[part] = merged(common[part], case.get(part, {}))
        yield whole


@cache
def common_frames(name: str) -> dict[int, list[int]]:
    """The memory that a family's cases share, as frames."""
    memory = Machine(MEMORY_SIZE).memory
    for address, data in family(name)["common"]["memory"]:
        memory.write_bytes(address, bytes.fromhex(data))
    for index in range(1024):
        memory.write(HANDLER_TABLE + 4 * index, 4, 0x800000 + 4096 * index | 3)
    return {number: words for number, words in enumerate(memory.frames) if words is not None}


def prepared(name: str, case: Json) -> Machine:
    """A machine in the case's initial state."""
    machine = Machine(MEMORY_SIZE)
    for number, words in common_frames(name).items():
        machine.memory.frame(number)[:] = words
    for address, data in case["memory"]:
        machine.memory.write_bytes(address, bytes.fromhex(data))
    cpu, registers = machine.cpu, case["registers"]
    cpu.write_cr0(registers["cr0"] & ~PG)
    cpu.gdtr = TableRegister(registers["gdtb"], registers["gdtl"])
    cpu.idtr = TableRegister(registers["idtb"], registers["idtl"])
    cpu.ldtr = system_segment(machine, registers["ldtr"])
    cpu.tr = system_segment(machine, registers["tr"])
    if cpu.tr.valid:
        address = cpu.gdtr.base + (cpu.tr.selector & 0xFFF8) + 5
        machine.memory.write(address, 1, machine.memory.read(address, 1) | 2)
        cpu.tr = system_segment(machine, registers["tr"])
    for number, segment_name in enumerate(SEGMENT_NAMES):
        selector = registers[segment_name]
        if is_null(selector):
            cpu.set_segment(number, NULL_SEGMENT)
        else:
            descriptor = mark_accessed(cpu, selector, descriptor_of(machine, selector))
            cpu.set_segment(number, Segment.of(selector, descriptor))
    for number, register in enumerate(NAMES_32):
        cpu.registers[number] = registers.get(register, 0)
    cpu.eip, cpu.eflags = registers["eip"], registers["eflags"]
    cpu.write_cr3(registers["cr3"])
    cpu.write_cr0(registers["cr0"])
    return machine


def descriptor_of(machine: Machine, selector: int) -> Descriptor:
    address = descriptor_address(machine.cpu, selector)
    assert address is not None
    return Descriptor(int.from_bytes(machine.memory.read_bytes(address, 8), "little"))


def system_segment(machine: Machine, selector: int) -> SystemSegment:
    if is_null(selector):
        return SystemSegment(selector)
    descriptor = descriptor_of(machine, selector)
    return SystemSegment(selector, descriptor.base, descriptor.limit, descriptor.type, True)


class Endless(Exception):
    """A case that comes to no end."""


def run_freely(machine: Machine) -> None:
    """Go on until a handler is reached at CPL 0, or shutdown."""
    for _ in range(LONGEST):
        stop = machine.run(LONGEST, HANDLERS)
        if stop is Stop.SHUTDOWN or (stop is Stop.ADDRESS and machine.cpu.cpl == 0):
            return
        if stop is not Stop.ADDRESS:
            raise Endless(f"{stop.value} {machine.unsupported}")
    raise Endless


def run_by_steps(machine: Machine) -> None:
    """The same with every step recorded."""
    for _ in range(LONGEST):
        step = machine.step()
        if isinstance(step.end, ShutDown) or (machine.cpu.eip in HANDLERS and machine.cpu.cpl == 0):
            return
    raise Endless


def outcome(machine: Machine, expect: Json) -> Json:
    """What the machine shows of what is expected, under the same names."""
    cpu = machine.cpu
    if cpu.shutdown:
        return {"end": "triple", "changed": expect["changed"]}
    found: Json = {"end": "vec", "vec": (cpu.eip - HANDLERS.start) // 16}
    esp, stack = cpu.registers[ESP], cpu.segments[SS]
    found |= {"h_esp": esp, "h_ss": stack.selector, "h_efl": cpu.eflags & 0x7700}
    frame = [cpu.peek(stack.base + esp + 4 * place, 4) for place in range(6)]
    if "err" in expect:
        found["err"] = frame.pop(0)
        esp += 4
    found |= {name: cpu.registers[number] for number, name in enumerate(NAMES_32)}
    found |= {name: cpu.segments[number].selector for number, name in enumerate(SEGMENT_NAMES)}
    eip, cs, eflags, outer_esp, outer_ss = (value or 0 for value in frame[:5])
    found |= {"eip": eip, "cs": cs & 0xFFFF, "eflags": eflags, "esp": esp + 12}
    if cs & 3:
        found |= {"esp": outer_esp, "ss": outer_ss & 0xFFFF}
    found |= {"cr0": cpu.cr0, "cr2": cpu.cr2, "cr3": cpu.cr3, "tr": cpu.tr.selector, "ldtr": cpu.ldtr.selector}
    return found


def wrong_bytes(machine: Machine, name: str, case: Json) -> Iterator[str]:
    """Bytes of the dumped ranges that are not as expected."""
    initial = prepared_bytes(name, case)
    changed = {
        place: byte
        for address, data in case["expect"]["changed"]
        for place, byte in enumerate(bytes.fromhex(data), address)
    }
    ignored = {place for start, length in case["ignore"] for place in range(start, start + length)}
    for start, length in case["dump"]:
        for place, byte in enumerate(machine.memory.read_bytes(start, length), start):
            expected = changed.get(place, initial(place))
            if byte != expected and place not in ignored:
                yield f"[{place:#x}]={byte:#x} for {expected:#x}"


def prepared_bytes(name: str, case: Json) -> Callable[[int], int]:
    """The bytes that the case's memory began with, before registers were loaded."""
    own = {place: byte for address, data in case["memory"] for place, byte in enumerate(bytes.fromhex(data), address)}
    frames = common_frames(name)

    def byte_at(address: int) -> int:
        if address in own:
            return own[address]
        words = frames.get(address >> 12)
        return words[address >> 2 & 1023] >> (address & 3) * 8 & 0xFF if words is not None else 0

    return byte_at


def judge(name: str, case: Json, run: Callable[[Machine], None]) -> str:
    """What differs from the expected outcome; empty if nothing does."""
    machine = prepared(name, case)
    try:
        run(machine)
    except Endless as reason:
        return f"{case['name']}: no handler is reached: {reason}"
    expect = case["expect"]
    found = outcome(machine, expect)
    differences = [
        f"{key}={found.get(key)!r} for {value!r}"
        for key, value in expect.items()
        if key != "changed" and found.get(key) != value
    ]
    differences += wrong_bytes(machine, name, case)
    return f"{case['name']}: {', '.join(differences)}" if differences else ""


@pytest.mark.parametrize("run", [run_freely, run_by_steps])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_case_ends_as_on_bochs(name: str, run: Callable[[Machine], None]) -> None:
    wrong = [problem for case in cases(name) if not left_out(case) if (problem := judge(name, case, run))]
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:20])


def test_only_hardware_tasks_are_left_out() -> None:
    reasons = [left_out(case) for name in FAMILIES for case in cases(name)]
    assert len(reasons) == sum(COUNTS.values()) == 5050
    assert sum(map(bool, reasons)) == 72


@pytest.mark.parametrize("name", FAMILIES)
def test_no_case_is_missing(name: str) -> None:
    assert len(family(name)["cases"]) == COUNTS[name]
