"""The I/O permission bitmap: what it grants and refuses, by port, size, ring, and by what of it lies in the TSS."""

from __future__ import annotations

from itertools import product

import pytest
from rings import DATA, TSS_BASE, Entered, Rings

from pagefault_lab.machine.registers import EDX

MAP = 0x68  # its usual place in the TSS
REFUSED = Entered(13, 0)
IN = {1: "ec", 2: "66ed", 4: "ed"}
OUT = {1: "ee", 2: "66ef", 4: "ef"}
INS = {1: "6c", 2: "666d", 4: "6d"}
OUTS = {1: "6e", 2: "666f", 4: "6f"}
WAYS = {"in": IN, "out": OUT, "ins": INS, "outs": OUTS}


def with_map(program: str, cpl: int = 3, base: int = MAP, limit: int = 0x2FFF, kind: int = 11, iopl: int = 0) -> Rings:
    """A ring machine whose TSS has an I/O map of zeros, which grants everything that lies within the limit."""
    rings = Rings(cpl, bytes.fromhex(program), iopl)
    rings.use_tss(TSS_BASE, limit, kind)
    rings.memory.write_bytes(TSS_BASE + 0x66, base.to_bytes(2, "little"))
    rings.cpu.registers[6] = rings.cpu.registers[7] = DATA
    return rings


def tried(rings: Rings, port: int) -> Entered | None:
    rings.cpu.registers[EDX] = port
    return rings.step()


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("way", WAYS)
def test_every_port_of_the_access_needs_its_bit_clear(way: str, size: int) -> None:
    program = WAYS[way][size]
    for denied, port in product((0, 7, 8, 15, 16, 0x3FF), range(24)):
        rings = with_map(program)
        rings.memory.write_bytes(TSS_BASE + MAP + denied // 8, bytes((1 << denied % 8,)))
        expected = REFUSED if port <= denied < port + size else None
        assert tried(rings, port) == expected, (denied, port)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_clear_bit_among_set_ones_grants_one_port_only(size: int) -> None:
    for granted, port in product(range(16), range(20)):
        rings = with_map(IN[size])
        bits = (1 << 64) - 1 & ~(1 << granted)
        rings.memory.write_bytes(TSS_BASE + MAP, bits.to_bytes(8, "little"))
        expected = None if size == 1 and port == granted else REFUSED
        assert tried(rings, port) == expected, (granted, port)


def test_the_map_counts_only_beyond_iopl() -> None:
    for cpl, iopl in product(range(4), range(4)):
        rings = with_map(IN[1], cpl, iopl=iopl)
        rings.memory.write_bytes(TSS_BASE + MAP, b"\xff")
        assert tried(rings, 3) == (None if cpl <= iopl else REFUSED), (cpl, iopl)


def test_both_bytes_that_are_read_must_lie_in_the_tss() -> None:
    """Two bytes are always read, so the map needs one byte more than its ports take."""
    for port, spare in product((0, 7, 8, 0x60, 0x3FF), (-1, 0, 1, 2)):
        limit = max(MAP + port // 8 + spare, 0x67)
        rings = with_map(IN[1], limit=limit)
        expected = None if MAP + port // 8 + 1 <= limit else REFUSED
        assert tried(rings, port) == expected, (port, spare)


def test_the_last_ports_can_be_granted() -> None:
    rings = with_map(IN[1], limit=MAP + 0x2000)
    assert tried(rings, 0xFFFF) is None
    rings = with_map(IN[1], limit=MAP + 0x1FFF)
    assert tried(rings, 0xFFFF) == REFUSED


@pytest.mark.parametrize("base", [0x67, 0x68, 0xDF, 0x1000, 0x2FFE, 0x2FFF, 0x3000, 0xFFFF])
def test_the_map_may_begin_anywhere_and_grants_nothing_beyond_the_limit(base: int) -> None:
    rings = with_map(IN[1], base=base)
    assert tried(rings, 5) == (None if base + 1 <= 0x2FFF else REFUSED)


def test_a_tss_that_ends_before_its_map_base_field_grants_nothing() -> None:
    assert tried(with_map(IN[1], base=0, limit=0x66), 5) == REFUSED
    assert tried(with_map(IN[1], base=0x20, limit=0x67), 5) is None


def test_a_16_bit_tss_has_no_map() -> None:
    assert tried(with_map(IN[1], kind=3), 5) == REFUSED


def test_the_map_is_read_as_the_supervisor() -> None:
    rings = with_map(IN[1])
    rings.page(TSS_BASE, 1)
    assert tried(rings, 5) is None


def test_an_absent_page_of_the_map_is_a_page_fault_of_the_supervisor() -> None:
    rings = with_map(IN[1])
    rings.page(TSS_BASE + 0x1000, 0)
    assert tried(rings, 0x8000) == Entered(14, 0)
    assert rings.cpu.cr2 == TSS_BASE + MAP + 0x1000


def test_with_the_tss_absent_the_page_fault_has_no_stack_either() -> None:
    rings = with_map(IN[1])
    rings.page(TSS_BASE, 0)
    assert tried(rings, 5) is None
    assert rings.cpu.shutdown
    assert rings.cpu.cr2 == TSS_BASE + 4  # where ESP0 should be


def test_a_refused_access_does_not_reach_the_device() -> None:
    rings = with_map(OUT[1])
    rings.memory.write_bytes(TSS_BASE + MAP + 0xE9 // 8, b"\xff")
    assert tried(rings, 0xE9) == REFUSED
    assert rings.machine.ports.debug.output == b""
    rings = with_map(OUT[1])
    assert tried(rings, 0xE9) is None
    assert rings.machine.ports.debug.output == b"\x00"
