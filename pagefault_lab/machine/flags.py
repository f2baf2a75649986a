"""The status flags of a result (SDM vol. 1, 3.4.3.1).

Most results are never asked for their flags, so the processor keeps what they follow from and settles when asked:
(rule, left, right, result, size). The rules need no carry-in: carries and borrows show in the operands and the result.
"""

from typing import Final, TypeAlias

from pagefault_lab.machine.registers import AF, CF, OF, PF, SF, SIGN, ZF

ADD, SUBTRACT, LOGIC, INCREMENT, DECREMENT = range(5)
Pending: TypeAlias = tuple[int, int, int, int, int]

PARITY: Final = tuple(PF if byte.bit_count() % 2 == 0 else 0 for byte in range(256))


def status(rule: int, left: int, right: int, result: int, size: int) -> int:
    """CF PF AF ZF SF OF as EFLAGS bits. INCREMENT and DECREMENT take the carry to keep (0 or 1) as `left`."""
    sign = SIGN[size]
    flags = PARITY[result & 0xFF]
    if result == 0:
        flags |= ZF
    if result & sign:
        flags |= SF
    if rule == ADD:
        if (left & right | (left | right) & ~result) & sign:
            flags |= CF
        if (left ^ result) & (right ^ result) & sign:
            flags |= OF
        return flags | (left ^ right ^ result) & AF
    if rule == SUBTRACT:
        if (~left & right | (~left | right) & result) & sign:
            flags |= CF
        if (left ^ right) & (left ^ result) & sign:
            flags |= OF
        return flags | (left ^ right ^ result) & AF
    if rule == LOGIC:
        return flags
    if left:
        flags |= CF
    if rule == INCREMENT:
        return flags | (AF if not result & 0xF else 0) | (OF if result == sign else 0)
    return flags | (AF if result & 0xF == 0xF else 0) | (OF if result == sign - 1 else 0)


def carry(rule: int, left: int, right: int, result: int, size: int) -> int:
    """CF alone, 0 or 1."""
    if rule == ADD:
        return 1 if (left & right | (left | right) & ~result) & SIGN[size] else 0
    if rule == SUBTRACT:
        return 1 if (~left & right | (~left | right) & result) & SIGN[size] else 0
    return 0 if rule == LOGIC else left
