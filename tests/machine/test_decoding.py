"""Decoding for itself: what it fetches, what it refuses, and that it never fails otherwise."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pagefault_lab.machine.decoder import MAXIMUM_LENGTH, Instruction, decode
from pagefault_lab.machine.faults import INVALID_OPCODE, Fault, FaultRaised, general_protection, page_fault

PREFIXES = bytes.fromhex("66 67 26 2e 36 3e 64 65 f0 f2 f3")


class PageEnd(Exception):
    """Raised by a fetch of a byte that is not there."""


def decode_bytes(data: bytes, default_size: int = 4) -> Instruction:
    """Decode `data`; a fetch behind its end raises PageEnd."""
    rest = iter(data)

    def fetch() -> int:
        for byte in rest:
            return byte
        raise PageEnd

    return decode(fetch, default_size)


def fault_of(data: bytes, default_size: int = 4) -> Fault | None:
    try:
        decode_bytes(data, default_size)
    except FaultRaised as raised:
        return raised.fault
    return None


codes = st.binary(min_size=16, max_size=16)
prefixed = st.tuples(st.lists(st.sampled_from(PREFIXES), max_size=5).map(bytes), codes).map(b"".join)


@given(prefixed, st.sampled_from([2, 4]))
@example(b"\x0f\xff" + bytes(14), 4)
def test_any_bytes_are_an_instruction_or_a_fault(data: bytes, default_size: int) -> None:
    assert fault_of(data, default_size) in (None, INVALID_OPCODE, general_protection(0))


@given(prefixed, st.sampled_from([2, 4]))
def test_fetching_stops_at_the_last_byte_of_the_instruction(data: bytes, default_size: int) -> None:
    fetched = bytearray()
    rest = iter(data)

    def fetch() -> int:
        fetched.append(next(rest))
        return fetched[-1]

    try:
        instruction = decode(fetch, default_size)
    except FaultRaised:
        assert len(fetched) <= MAXIMUM_LENGTH
    else:
        assert instruction.bytes == bytes(fetched)
        assert instruction.length <= MAXIMUM_LENGTH


@given(prefixed)
def test_an_instruction_cut_short_raises_what_the_fetch_raises(data: bytes) -> None:
    try:
        length = decode_bytes(data).length
    except FaultRaised:
        return
    for cut in range(length):
        with pytest.raises(PageEnd):
            decode_bytes(data[:cut])


def test_a_page_fault_of_the_fetch_comes_through_unchanged() -> None:
    fault = page_fault(4, 0x5000)

    def fetch() -> int:
        raise FaultRaised(fault)

    with pytest.raises(FaultRaised) as raised:
        decode(fetch, 4)
    assert raised.value.fault == fault


# --- the limit of 15 bytes


@pytest.mark.parametrize(
    ("instruction", "rest"),
    [
        ("90", ""),
        ("89 03", ""),
        ("89 84 4b", "11 22 33 44"),
        ("81 84 4b", "11 22 33 44 55 66 77 88"),
        ("0f ba 24 8d", "11 22 33 44 55"),
        ("9a", "11 22 33 44 55 66"),
    ],
)
def test_fifteen_bytes_are_decoded_and_a_sixteenth_is_a_protection_fault(instruction: str, rest: str) -> None:
    data = bytes.fromhex(instruction + rest)
    for prefix in PREFIXES[1:8]:  # without effect on the length of these
        if prefix == 0x67:
            continue
        padding = bytes([prefix]) * (15 - len(data))
        assert decode_bytes(padding + data).length == 15
        assert fault_of(bytes([prefix]) + padding + data) == general_protection(0)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_alone_run_into_the_limit(prefix: int) -> None:
    assert fault_of(bytes([prefix]) * 15) == general_protection(0)
    with pytest.raises(PageEnd):
        decode_bytes(bytes([prefix]) * 14)


# --- prefixes


@pytest.mark.parametrize(
    ("data", "operand_size", "address_size"),
    [
        ("90", 4, 4),
        ("66 90", 2, 4),
        ("67 90", 4, 2),
        ("66 67 90", 2, 2),
        ("67 66 90", 2, 2),
        ("66 66 90", 2, 4),
        ("67 67 90", 4, 2),
    ],
)
def test_the_size_prefixes_take_the_other_size_however_often_they_stand(
    data: str, operand_size: int, address_size: int
) -> None:
    instruction = decode_bytes(bytes.fromhex(data))
    assert (instruction.operand_size, instruction.address_size) == (operand_size, address_size)
    instruction = decode_bytes(bytes.fromhex(data), 2)
    assert (instruction.operand_size, instruction.address_size) == (6 - operand_size, 6 - address_size)


@pytest.mark.parametrize(("first", "last"), [(first, last) for first in range(6) for last in range(6)])
def test_the_last_segment_prefix_wins(first: int, last: int) -> None:
    override = bytes.fromhex("26 2e 36 3e 64 65")
    instruction = decode_bytes(bytes([override[first], override[last], 0x8B, 0x03]))
    assert instruction.segment == last
    assert instruction.operands[0].segment == last  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "repeat"), [("f3 a4", "rep"), ("f2 a4", "repne"), ("f2 f3 a4", "rep"), ("f3 f2 a4", "repne")]
)
def test_the_last_repeat_prefix_wins(data: str, repeat: str) -> None:
    assert decode_bytes(bytes.fromhex(data)).repeat == repeat


# --- LOCK: the instructions that the 486 manual lists, with a memory destination; #UD before all others

LOCKABLE = {
    "add": "00 01 80:0 81:0 83:0", "or": "08 09 80:1 81:1 83:1", "adc": "10 11 80:2 81:2 83:2",
    "sbb": "18 19 80:3 81:3 83:3", "and": "20 21 80:4 81:4 83:4", "sub": "28 29 80:5 81:5 83:5",
    "xor": "30 31 80:6 81:6 83:6", "xchg": "86 87", "inc": "fe:0 ff:0", "dec": "fe:1 ff:1",
    "not": "f6:2 f7:2", "neg": "f6:3 f7:3", "bts": "0fab 0fba:5", "btr": "0fb3 0fba:6", "btc": "0fbb 0fba:7",
    "cmpxchg": "0fb0 0fb1", "xadd": "0fc0 0fc1",
}  # fmt: skip


def lockable_opcodes() -> set[tuple[bytes, int]]:
    """(opcode, ModRM.reg) of all that may be locked; 82 is another name of 80."""
    found = set()
    for text in " ".join(LOCKABLE.values()).split():
        opcode, _, digit = text.partition(":")
        for reg in [int(digit)] if digit else range(8):
            found.add((bytes.fromhex(opcode), reg))
            if opcode == "80":
                found.add((b"\x82", reg))
    return found


def test_lock_is_allowed_for_exactly_the_manuals_instructions_and_only_in_memory() -> None:
    allowed = lockable_opcodes()
    first_bytes = [bytes([byte]) for byte in range(256) if byte != 0x0F and byte not in PREFIXES]
    for opcode in first_bytes + [bytes([0x0F, byte]) for byte in range(256)]:
        for reg in range(8):
            for mod in (0x00, 0x40, 0x80, 0xC0):
                data = b"\xf0" + opcode + bytes([mod | reg << 3 | 1]) + bytes(12)
                expected = None if (opcode, reg) in allowed and mod != 0xC0 else INVALID_OPCODE
                assert fault_of(data) == expected, data.hex(" ")
