"""The instruction set: one declaration feeds decoder, execution, assembler, disassembler, help and tests.

An instruction is rows, a function, and examples:

    @instruction(("pushV rV", "50 +r"), ("pushV imm8", "6A ib"), ("pushV immV", "68 iV"), ("pushV rmV", "FF /6"))
    def push(cpu: Cpu, source: Operand) -> None:
        '''Store the operand on top of the stack. ...'''

A row is the AT&T pattern as typed and the encoding as the manual prints it (SDM vol. 2, 3.1.1), in the order the
assembler prefers; among rows with the same bytes the first is the disassembler's.

Patterns. A mnemonic's upper-case last letter is its size suffix: B, W, L, or V for "W with a 16-bit operand size, L
with a 32-bit one". A row with V anywhere stands for both; if only its operands have it, the 16-bit form's mnemonic
gets a `w` and the 32-bit form's none (`jmp`, `jmpw`). Operands, in AT&T order (source first); # is 8, 16, 32 or V:

    r#           general register (ModRM.reg, or the opcode's low bits with +r)
    rm#          register or memory      m#, m    memory only (m: only an address)
    imm#         immediate, of that size; imm8 in a V row is sign-extended to V by "ib"
    uimm8        immediate that is not sign-extended (shift counts, ports, vectors)
    rel8, relV   branch target           far      selector and offset: `$sel,$off`
    mfar         memory holding a far pointer
    moffs#       memory by address only  sreg, creg, dreg, treg  ModRM.reg
    si#, di#     string source DS:(E)SI and destination ES:(E)DI; bx8 the table of xlat, DS:(E)BX
    *x           indirect: the assembler wants a star before it
    %al %aV %dx %cl %es ...  that register          $1 $3   that constant

Encodings. Hexadecimal opcode bytes, then /r or /0../7, +r, ib iw iV (immediates), cb cV (branch), pV (far), oV
(moffs). O16 O32 (operand size), A16 A32 (address size) restrict a row. R and M restrict the rm operand to a register
or to memory.

The function is called with `cpu` and the operands in the pattern's order. If its parameters include `operand_size` or
`address_size` (bytes), they come right after `cpu`. It changes nothing before everything that can fault has been done,
so that a fault leaves no trace: reads, then checks, then the one write to memory, then registers and flags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final, TypeVar

Function = TypeVar("Function", bound=Callable[..., None])


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One way to write and to encode an instruction. A form is equal to itself only."""

    name: str  # of the instruction: the function's name without a trailing underscore
    mnemonic: str  # as GNU as writes it, suffix included: "addl"
    stem: str  # without its suffix: "add"
    suffix: str  # "b", "w", "l" or ""
    operands: tuple[str, ...]  # patterns with V replaced: "rm32", "imm8", "*rm32", "%eax"
    opcode: bytes
    digit: int | None  # of /0 to /7
    modrm: bool
    plus_register: bool
    immediates: tuple[str, ...]  # "ib", "iw", "id", "cb", "cw", "cd", "pw", "pd", "o"
    operand_size: int | None  # bytes; None: of no matter
    address_size: int | None
    register_only: bool
    memory_only: bool
    function: Callable[..., None]
    leading: tuple[str, ...]  # "operand_size", "address_size": parameters before the operands
    lockable: bool
    repeat: str  # "" no; "rep": by count only; "repe": also by ZF
    transfers: bool  # may change EIP, CS, CPL or the translation of addresses: ends a straight run of code

    @property
    def key(self) -> int:
        """The opcode as one number: 0x00 to 0xFF, or 0x0F00 to 0x0FFF."""
        return int.from_bytes(self.opcode[:2], "big")


_FORMS: list[Form] = []
_MNEMONIC = re.compile("([a-z0-9]+)([BWLV]?)")
_IMMEDIATES = frozenset({"ib", "iw", "id", "iV", "cb", "cw", "cd", "cV", "pw", "pd", "pV", "o"})
_MEMORY = re.compile(r"\*?(m[0-9V]*|mfar)")


def instruction(
    *rows: tuple[str, str], lockable: bool = False, repeat: str = "", transfers: bool = False
) -> Callable[[Function], Function]:
    """Declare an instruction by its rows; see the module's text for their grammar."""

    def declare(function: Function) -> Function:
        parameters = function.__annotations__
        leading = tuple(name for name in parameters if name in ("operand_size", "address_size"))
        for pattern, encoding in rows:
            for size in (4, 2) if "V" in pattern + encoding else (None,):
                _FORMS.append(_form(pattern, encoding, size, function, leading, lockable, repeat, transfers))
        return function

    return declare


def _form(
    pattern: str,
    encoding: str,
    size: int | None,
    function: Callable[..., None],
    leading: tuple[str, ...],
    lockable: bool,
    repeat: str,
    transfers: bool,
) -> Form:
    word, _, rest = pattern.partition(" ")
    match = _MNEMONIC.fullmatch(word)
    if match is None:
        raise ValueError(f"{pattern!r}: a mnemonic is lower case with an upper-case suffix")
    stem, letter = match.groups()
    suffix = letter.lower()
    if size is not None and (letter == "V" or not letter):
        suffix = "w" if size == 2 else letter and "l"
    parts = _encoding(encoding)
    if size is not None:
        rest = rest.replace("%aV", "%ax" if size == 2 else "%eax").replace("V", str(8 * size))
    operands = tuple(rest.replace(" ", "").split(",")) if rest else ()
    return Form(
        name=function.__name__.rstrip("_"),
        mnemonic=stem + suffix,
        stem=stem,
        suffix=suffix,
        operands=operands,
        opcode=parts.opcode,
        digit=parts.digit,
        modrm=parts.modrm,
        plus_register=parts.plus_register,
        immediates=tuple(part.replace("V", "w" if size == 2 else "d") for part in parts.immediates),
        operand_size=parts.operand_size or size,
        address_size=parts.address_size,
        register_only=parts.register_only,
        memory_only=parts.memory_only or (parts.modrm and any(map(_MEMORY.fullmatch, operands))),
        function=function,
        leading=leading,
        lockable=lockable,
        repeat=repeat,
        transfers=transfers,
    )


class _Encoding:
    """The parts of an encoding as the manual prints it, for both operand sizes."""

    def __init__(self, text: str) -> None:
        opcode = bytearray()
        immediates = []
        self.digit: int | None = None
        self.modrm = self.plus_register = self.register_only = self.memory_only = False
        self.operand_size: int | None = None
        self.address_size: int | None = None
        for part in text.split():
            if part in _IMMEDIATES:
                immediates.append(part)
            elif part == "/r":
                self.modrm = True
            elif part[0] == "/":
                self.modrm, self.digit = True, "01234567".index(part[1:])
            elif part == "+r":
                self.plus_register = True
            elif part in ("O16", "O32"):
                self.operand_size = int(part[1:]) // 8
            elif part in ("A16", "A32"):
                self.address_size = int(part[1:]) // 8
            elif part == "R":
                self.register_only = True
            elif part == "M":
                self.memory_only = True
            elif len(part) == 2:
                opcode.append(int(part, 16))
            else:
                raise ValueError(f"{text!r}: {part!r} is no part of an encoding")
        self.opcode = bytes(opcode)
        self.immediates = tuple(immediates)


_encoding = cache(_Encoding)


@cache
def forms() -> tuple[Form, ...]:
    """All forms, in the order of their files' names and, in a file, of its rows."""
    for module in sorted(info.name for info in iter_modules(__path__)):
        import_module(f"{__name__}.{module}")
    return tuple(_FORMS)


@cache
def by_mnemonic() -> dict[str, tuple[Form, ...]]:
    """Forms by each spelling of their mnemonic: with the suffix, and without it where operands tell it."""
    found: dict[str, list[Form]] = {}
    for form in forms():
        for spelling in dict.fromkeys((form.mnemonic, form.stem)):
            found.setdefault(spelling, []).append(form)
    return {mnemonic: tuple(rows) for mnemonic, rows in found.items()}


Slots = list[Form | None]  # 16 of them: 2*ModRM.reg + (1 if ModRM.mod is 3)
Table = dict[int, Form | Slots]
SIZES: Final = (2, 4)


@cache
def table(operand_size: int, address_size: int) -> Table:
    """The decoder's table for these sizes (bytes): opcode key to a form, or to 16 slots where ModRM decides."""
    found: Table = {}
    chosen = [
        form
        for form in forms()
        if form.operand_size in (None, operand_size) and form.address_size in (None, address_size)
    ]
    for form in sorted(chosen, key=lambda form: form.plus_register):
        for key in range(form.key, form.key + (8 if form.plus_register else 1)):
            if not form.modrm:
                found.setdefault(key, form)
                continue
            slots = found.setdefault(key, [None] * 16)
            if not isinstance(slots, list):
                raise ValueError(f"opcode {key:#x} with and without ModRM: {form.mnemonic}")
            for slot in _slots(form):
                slots[slot] = slots[slot] or form
    return found


def _slots(form: Form) -> Iterable[int]:
    digits = range(8) if form.digit is None else (form.digit,)
    for digit in digits:
        if not form.register_only:
            yield 2 * digit
        if not form.memory_only:
            yield 2 * digit + 1


def examples() -> list[tuple[str, str]]:
    """(instruction's name, example line) of every `|` line in the docstrings."""
    from inspect import getdoc

    found: dict[tuple[str, str], None] = {}
    for form in forms():
        for line in (getdoc(form.function) or "").splitlines():
            if line.count("|") == 2:
                found[form.name, line.strip()] = None
    return list(found)



