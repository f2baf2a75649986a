"""Which forms of the instruction table a mnemonic with operands of given shapes could be, and where each operand goes.

Shapes are those of operands.py. All is derived from the table; a form may be written in several ways: a string
instruction without its operands, a shift without the count 1, `shrd` without its %cl, `imul $3,%eax` for
`imul $3,%eax,%eax`, `div %ecx,%eax` for `div %ecx`, `inb %dx` for `inb %dx,%al`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from pagefault_lab.assembler.operands import REGISTERS
from pagefault_lab.machine.instructions import Form, by_mnemonic

IMPLIED: Final = re.compile(r"(si|di|bx)\d+$")  # memory through a register that the instruction implies
_IN_REG: Final = re.compile(r"r\d+$|[scdt]reg$")
_SIZED: Final = re.compile(r"(rm|r|m|moffs)(8|16|32)$")
_ACCUMULATOR: Final = {1: "%al", 2: "%ax", 4: "%eax"}
# Other names that as takes, with or without a suffix.
_OTHER_NAMES: Final = {"retf": "lret", "scmp": "cmps", "ssca": "scas", "slod": "lods", "ssto": "stos"}


@dataclass(frozen=True, slots=True)
class Writing:
    """One way to write a form: the pattern of each written operand, and the written operand of each encoded field.

    `rm`, `reg` and `plus` are indexes of written operands; `fields` pairs each immediate of the encoding ("ib", "cd",
    ...) with the index of the written operand that fills it.
    """

    form: Form
    patterns: tuple[str, ...]
    rm: int | None
    reg: int | None
    plus: int | None
    fields: tuple[tuple[str, int], ...]
    rare: bool = False  # as takes it, and nobody need be told

    @property
    def relative(self) -> int | None:
        """The size in bytes of the displacement, if this is a branch to a label."""
        if self.form.immediates and self.form.immediates[0][0] == "c":
            return {"b": 1, "w": 2, "d": 4}[self.form.immediates[0][1]]
        return None


@cache
def writings(mnemonic: str) -> tuple[Writing, ...]:
    """All ways to write this mnemonic, preferred ones first; none if there is no such mnemonic."""
    return tuple(
        writing if mnemonic.startswith(form.stem) else replace(writing, rare=True)
        for form in _forms(mnemonic)
        for writing in _writings(form)
    )


def is_mnemonic(word: str) -> bool:
    """Whether an instruction can be written with this word."""
    return bool(writings(canonical(word)))


@cache
def canonical(word: str) -> str:
    """The mnemonic that the table has for the word: `lretw` for `retfw`, `sete` for `seteb`, most often the word."""
    known = by_mnemonic()
    if word in known:
        return word
    if word[:4] in _OTHER_NAMES:
        return _OTHER_NAMES[word[:4]] + word[4:]
    plain = known.get(word[:-1], ()) if word.endswith("b") else ()
    return word[:-1] if plain and all(form.operands == ("rm8",) and not form.suffix for form in plain) else word


def _forms(mnemonic: str) -> Iterable[Form]:
    found = list(by_mnemonic().get(mnemonic, ()))
    if not found and mnemonic.endswith("l"):  # calll, retl: what is 32 bits wide anyhow, beside one of 16 bits
        plain = by_mnemonic().get(mnemonic[:-1], ())
        if any(form.suffix == "w" for form in plain):
            found = [form for form in plain if form.suffix == "" and form.operand_size == 4]
    if re.fullmatch("(jmp|call)[wl]?", mnemonic):  # call $8,$5 is lcall
        found += [form for form in _forms("l" + mnemonic) if form.operands == ("far",)]
    return [form for form in found if mnemonic == form.stem or not _is_sized_jump(form)]


def _is_sized_jump(form: Form) -> bool:
    """A jump to a label takes no suffix; a call does."""
    return form.operands[:1] in (("rel16",), ("rel32",)) and form.stem != "call"


def _writings(form: Form) -> list[Writing]:
    everything = form.operands
    kept: list[tuple[int, ...]] = [tuple(range(len(everything)))]
    if any(IMPLIED.match(pattern) for pattern in everything):
        kept.append(())
        if "%dx" not in everything:
            kept.append(tuple(number for number, pattern in enumerate(everything) if IMPLIED.match(pattern)))
    repeated = everything == (f"${form.opcode[-1]}",)  # aam, whose 10 is a byte of its opcode
    if repeated or everything[:1] == ("$1",) or (everything[:1] == ("%cl",) and len(everything) == 3):
        kept.append(tuple(range(1, len(everything))))
    if form.modrm and form.digit is None and not any(_IN_REG.match(pattern) for pattern in everything):
        return []  # a row for the decoder: a field of its encoding has no operand
    found = [_writing(form, [everything[number] for number in numbers]) for numbers in dict.fromkeys(kept)]
    if len(everything) == 3 and everything[0].startswith("imm") and everything[1].replace("m", "") == everything[2]:
        writing = _writing(form, [everything[0], everything[2]])
        found.append(Writing(form, writing.patterns, 1, 1, None, writing.fields))
    if form.stem in ("div", "idiv"):
        accumulator = _ACCUMULATOR[int(everything[0][2:]) // 8]
        found.append(Writing(form, (everything[0], accumulator), 0, None, None, (), rare=True))
    if form.stem in ("in", "out"):
        port = [pattern for pattern in everything if pattern not in _ACCUMULATOR.values()]
        found.append(replace(_writing(form, port), rare=True))
    return found


def _writing(form: Form, patterns: list[str]) -> Writing:
    written: list[str] = []
    rm = reg = plus = None
    values: list[int] = []
    for pattern in patterns:
        place = len(written)
        bare = pattern.lstrip("*")
        if pattern == "far":
            written += ["$selector", "$offset"]
            values.append(place)
            continue
        written.append(pattern)
        if re.match(r"rm\d+$|m\d*$|mfar", bare):
            rm = place
        elif _IN_REG.match(bare):
            if form.plus_register:
                plus = place
            else:
                reg = place
        elif re.match(r"imm|uimm|rel|moffs", bare):
            values.append(place)
    fields = tuple(zip(form.immediates, values, strict=False))
    if form.modrm and form.digit is None and rm is None:
        rm = reg
    return Writing(form, tuple(written), rm, reg, plus, fields)


@cache
def candidates(mnemonic: str, shapes: tuple[str, ...]) -> tuple[Writing, ...]:
    """The ways to write the mnemonic that operands of these shapes could be, preferred ones first."""
    return tuple(
        writing
        for writing in writings(mnemonic)
        if len(writing.patterns) == len(shapes)
        and all(fits(pattern, shape, writing.form) for pattern, shape in zip(writing.patterns, shapes, strict=True))
    )


def fits(pattern: str, shape: str, form: Form) -> bool:
    """Whether an operand of this shape could stand for the pattern."""
    if pattern[0] == "*" or shape[0] == "*":
        return pattern[0] == shape[0] and fits(pattern[1:], shape[1:], form)
    if pattern[0] == "%":
        return shape == pattern or (pattern == "%dx" and shape == "(%dx)")
    if pattern[0] == "$" or pattern.startswith(("imm", "uimm")):
        return shape == "$"
    if pattern.startswith(("rel", "moffs")):
        return shape == "a"
    if pattern.endswith("reg"):
        return shape[0] == "%" and REGISTERS[shape[1:]].kind == pattern
    if IMPLIED.match(pattern):
        return shape in (f"({pattern[:2]})", f"(e{pattern[:2]})")
    is_memory = shape in ("a", "m") or (shape[0] == "(" and shape != "(%dx)")
    if is_memory:
        return pattern[0] == "m" or (pattern.startswith("rm") and not form.register_only)
    if shape[0] != "%":
        return False
    match = _SIZED.match(pattern)
    if match is None or match[1] == "m" or (match[1] == "rm" and form.memory_only):
        return False
    register = REGISTERS[shape[1:]]
    return register.kind == "r" and register.size == int(match[2]) // 8
