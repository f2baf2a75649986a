"""Why no form of an instruction fits, and what would."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pagefault_lab.assembler.expressions import Expression, Reference
from pagefault_lab.assembler.forms import IMPLIED, Writing, candidates, fits, is_mnemonic, writings
from pagefault_lab.assembler.operands import Written, WrittenImmediate, WrittenMemory, WrittenRegister
from pagefault_lab.assembler.symbols import REGISTER_WORDS
from pagefault_lab.machine.instructions import by_mnemonic
from pagefault_lab.machine.registers import NAMES
from pagefault_lab.problem import Problem, closest

_SHOWN: Final = 6  # patterns in a hint
_GENERAL: Final = frozenset(name for names in NAMES.values() for name in names)
_WORDS: Final = {
    "rel": "label", "moffs": "address", "mfar": "mem", "far": "$selector,$offset", "m": "mem",
    "sreg": "%segment", "creg": "%cr", "dreg": "%db", "treg": "%tr",
}  # fmt: skip
_NEWER: Final = re.compile(
    r"cmov\w+|rdmsr|wrmsr|rdtscp?|rdpmc|cpuid|sys(enter|exit|call|ret)\w*|[ls]fence|mfence|prefetch\w*|pause"
    r"|clflush|movnti|ud[012]|rsm|cmpxchg(8|16)b|fx(save|rstor)|endbr(32|64)|popcnt\w?|lzcnt\w?|tzcnt\w?|nop[wl]|c(qto|ltq|qo|dqe)|swapgs"
)
_FLOATING: Final = re.compile(
    r"f(ld|st|add|sub|mul|div|com|ucom|i|xch|chs|abs|sqrt|tst|xam|sin|cos|patan|ptan|free|rnd|scale|prem|bld|bst|cmov)\w*"
    r"|emms|mov[dq]|p(add|sub|mul|and|or|xor|cmp|shuf|unpck|max|min|s[lr][lad])[a-z]*|v[a-z]{3,}[sp][sd]|mov([ahlu]p[sd]|dq\w)"
    r"|(add|sub|mul|div|sqrt|min|max|cvt)\w*[sp][sd]"
)


def unknown_mnemonic(word: str, column: int, known: Iterable[str]) -> Problem:
    """A first word that begins no statement."""
    lower = word.lower()
    if word.startswith("."):
        return Problem(f"{word} is not a directive", closest(lower, known), column=column)
    names = by_mnemonic()
    sentence = f"{word} is not an instruction"
    if _NEWER.fullmatch(lower):
        hint = "gcc -march=i486 does without it" if lower.startswith("cmov") else None
        if lower.startswith("endbr"):
            hint = "gcc -fcf-protection=none does without it"
        return Problem(f"{sentence} of a 486", hint, column=column)
    if lower[:-1] in names and lower[-1:] in "bwlq":
        sized = {form.mnemonic for form in names[lower[:-1]] if form.suffix and is_mnemonic(form.mnemonic)}
        sizes = sorted(sized, key=lambda each: "bwl".find(each[-1]))
        return Problem(sentence, f"write {_either(sizes or [lower[:-1]])}", column=column)
    if _FLOATING.fullmatch(lower):
        return Problem(
            f"{word} does not exist here", "this machine has no floating point and no vectors", column=column
        )
    return Problem(sentence, closest(lower, [*filter(is_mnemonic, names), *known]), column=column)


def no_size(mnemonic: str, operands: Sequence[Written], matching: Sequence[Writing], column: int) -> Problem:
    """Nothing tells how many bytes are meant. A register would, had it been written as one."""
    if intel := _intel_syntax(operands):
        return intel
    names = list(dict.fromkeys(writing.form.mnemonic for writing in matching))
    names.sort(key=lambda name: "bwl".find(name[-1]))
    return Problem(f"can't tell the size of this {mnemonic}", f"write {_either(names)}", column=column)


def no_form(mnemonic: str, operands: Sequence[Written], possible: Sequence[Writing], column: int) -> Problem:
    """No form takes these operands. `possible` are those that would if the values were others."""
    if possible:
        return _bad_value(mnemonic, operands, possible, column)
    known = [writing for writing in writings(mnemonic) if not writing.rare]
    shapes = tuple(operand.shape for operand in operands)
    counts = sorted({len(writing.patterns) for writing in known})
    if intel := _intel_syntax(operands):
        return intel
    if len(operands) not in counts:
        wanted = _operands(counts)
        where = operands[-1].column if operands and len(operands) > max(counts) else column
        sentence = f"{mnemonic} takes {wanted}, not {len(operands)}"
        return Problem(sentence, takes(mnemonic) if max(counts) else None, column=where)
    if isinstance(operands[-1], WrittenImmediate) and len(operands) > 1:
        sentence = "a number cannot be the destination, which comes last"
        return Problem(sentence, takes(mnemonic), column=operands[-1].column)
    other = _other_mark(mnemonic, operands, shapes) or _other_size(mnemonic, operands, known)
    if other is not None:
        return other
    memory = [operand for operand in operands if isinstance(operand, WrittenMemory)]
    if len(memory) > 1 and not any(IMPLIED.match(pattern) for writing in known for pattern in writing.patterns):
        sentence = f"{mnemonic} cannot have two operands in memory"
        return Problem(sentence, "go through a register", column=memory[1].column)
    bad = _first_bad(known, shapes)
    return Problem(f"{mnemonic} does not take such operands", takes(mnemonic), column=operands[bad].column)


def takes(mnemonic: str) -> str:
    """The operands that the mnemonic takes, in words: "movl takes: reg32,reg32/mem; $n,reg32/mem"."""
    sized: dict[str, set[str]] = {}
    for writing in writings(mnemonic):
        if writing.rare:
            continue
        words = ",".join(_word(pattern) for pattern in writing.patterns) or "nothing"
        sized.setdefault(re.sub(r"(reg)\d+", r"\1", words), set()).add(words)
    found = dict.fromkeys(next(iter(words)) if len(words) == 1 else plain for plain, words in sized.items())
    for general in list(found):  # what another pattern says as well is left out
        for special in list(found):
            if special != general and special in found and _covers(general, special):
                del found[special]
    shown = list(found)[:_SHOWN]
    return f"{mnemonic} takes: " + "; ".join(shown) + ("; ..." if len(found) > _SHOWN else "")


def _covers(general: str, special: str) -> bool:
    one, other = general.split(","), special.split(",")
    return len(one) == len(other) and all(
        left == right
        or right in left.split("/")
        or (left.startswith("reg") and right[1:] in _GENERAL)
        or (left == "$n" and right.startswith("$"))
        or (left.endswith("mem") and right == "address")
        for left, right in zip(one, other, strict=True)
    )


def _word(pattern: str) -> str:
    if pattern[0] == "*":
        return "*" + _word(pattern[1:])
    if pattern[0] in "%$":
        return pattern
    if pattern.startswith(("imm", "uimm")):
        return "$n"
    match = re.fullmatch(r"([a-z]+)(\d*)", pattern)
    kind, bits = (match[1], match[2]) if match else (pattern, "")
    if kind == "r":
        return f"reg{bits}"
    if kind == "rm":
        return f"reg{bits}/mem"
    if kind in ("si", "di", "bx"):
        return f"(%e{kind})"
    return _WORDS.get(kind, pattern)


def _other_mark(mnemonic: str, operands: Sequence[Written], shapes: tuple[str, ...]) -> Problem | None:
    """With a star or a $ more or less, it would fit."""
    marked = tuple("$" if shape == "a" else shape for shape in shapes)
    if marked != shapes and candidates(mnemonic, marked):
        column = operands[shapes.index("a")].column
        return Problem("a number here is written with a $", takes(mnemonic), column=column)
    for number, operand in enumerate(operands):
        shape = shapes[number]
        for changed in _other_marks(shape):
            if not candidates(mnemonic, (*shapes[:number], changed, *shapes[number + 1 :])):
                continue
            if changed[0] == "*":
                name = f"*%{operand.register.name}" if isinstance(operand, WrittenRegister) else "*..."
                sentence = f"{mnemonic} through a register or memory is written with a star"
                return Problem(sentence, f"write {mnemonic} {name}", column=operand.column)
            sentence = f"{mnemonic} takes no {'star' if shape[0] == '*' else '$'} here"
            return Problem(sentence, takes(mnemonic), column=operand.column)
    return None


def _other_marks(shape: str) -> tuple[str, ...]:
    """The shape with a star or a $ more or less."""
    if shape[0] == "*":
        return (shape[1:],)
    if shape == "$":
        return ("a",)
    return ("*" + shape,)


def _other_size(mnemonic: str, operands: Sequence[Written], known: Sequence[Writing]) -> Problem | None:
    """All would fit if a register had another size."""
    general = [each for each in operands if isinstance(each, WrittenRegister) and each.register.kind == "r"]
    if not general:
        return None
    stems = {writing.form.stem for writing in known if writing.form.mnemonic == mnemonic}
    shapes = tuple(operand.shape for operand in operands)
    for stem in sorted(stems - {mnemonic}):
        for writing in candidates(stem, shapes):
            if writing.form.mnemonic != mnemonic:
                wrong = _misfit(mnemonic, general, operands, known)
                sentence = f"%{wrong.register.name} has {8 * wrong.register.size} bits, not what {mnemonic} needs"
                return Problem(sentence, f"write {writing.form.mnemonic}", column=wrong.column)
    best: list[tuple[WrittenRegister, int]] | None = None
    for writing in known:
        resized = _wrong_sizes(writing, operands)
        if resized and (best is None or len(resized) < len(best)):
            best = resized
    if best is None:
        return None
    if len({each.register.size for each in general}) > 1 and not any(len(_sizes(writing)) > 1 for writing in known):
        first, second = general[0].register, general[-1].register
        if not stems - {mnemonic}:
            sentence = f"%{first.name} and %{second.name} have different sizes"
            return Problem(sentence, takes(mnemonic), column=general[-1].column)
    operand, size = best[0]
    register = operand.register
    number = register.number & 3 if register.size == 1 else register.number
    hint = f"write {'*' if operand.star else ''}%{NAMES[size][number]}" if size > 1 or number < 4 else takes(mnemonic)
    sentence = f"%{register.name} has {8 * register.size} bits, {mnemonic} takes {8 * size} here"
    return Problem(sentence, hint, column=operand.column)


def _misfit(
    mnemonic: str, general: Sequence[WrittenRegister], operands: Sequence[Written], known: Sequence[Writing]
) -> WrittenRegister:
    """The first register that no form of just this mnemonic takes in its place."""
    forms = [each for each in known if each.form.mnemonic == mnemonic and len(each.patterns) == len(operands)]
    for number, operand in enumerate(operands):
        taken = any(fits(each.patterns[number], operand.shape, each.form) for each in forms)
        if not taken and isinstance(operand, WrittenRegister) and operand in general:
            return operand
    return general[0]


def _wrong_sizes(writing: Writing, operands: Sequence[Written]) -> list[tuple[WrittenRegister, int]] | None:
    """The registers that have not the size that this form takes; None if it would not fit anyhow."""
    if len(writing.patterns) != len(operands):
        return None
    wrong: list[tuple[WrittenRegister, int]] = []
    for pattern, operand in zip(writing.patterns, operands, strict=True):
        if fits(pattern, operand.shape, writing.form):
            continue
        match = re.fullmatch(r"(\*?)rm?(8|16|32)", pattern)
        if match is None or not isinstance(operand, WrittenRegister) or operand.register.kind != "r":
            return None
        if operand.star != bool(match[1]) or ("m" in pattern and writing.form.memory_only):
            return None
        wrong.append((operand, int(match[2]) // 8))
    return wrong


def _sizes(writing: Writing) -> set[str]:
    return {match[1] for pattern in writing.patterns if (match := re.fullmatch(r"rm?(8|16|32)", pattern))}


def _bad_value(mnemonic: str, operands: Sequence[Written], possible: Sequence[Writing], column: int) -> Problem:
    for number, operand in enumerate(operands):
        if isinstance(operand, WrittenImmediate) and type(operand.value) is int:
            patterns = [writing.patterns[number] for writing in possible]
            sizes = [int(pattern.lstrip("uim")) for pattern in patterns if pattern.lstrip("uim").isdigit()]
            widths = [8 * (writing.form.operand_size or 1) for writing in possible if writing.form.operand_size]
            bits = max([*sizes, *[width for width in widths if not sizes]], default=8)
            if sizes and not -(1 << bits - 1) <= operand.value < 1 << bits:
                low, high = -(1 << bits - 1), (1 << bits) - 1
                sentence = f"{_number(operand.value)} does not fit in {bits} bits"
                return Problem(sentence, f"from {_number(low)} to {_number(high)}", column=operand.column)
            if bits > 8 and max(sizes) == 8:
                return Problem(
                    f"{_number(operand.value)} does not fit in 8 bits", "from -128 to 127", column=operand.column
                )
            if not sizes:
                return Problem(f"{mnemonic} takes only {_either(sorted(set(patterns)))} here", column=operand.column)
        if isinstance(operand, WrittenMemory) and operand.segment is not None:
            return Problem("a jump's target has no segment", f"ljmp and lcall change {'%cs'}", column=operand.column)
    return Problem(f"{mnemonic} does not take such operands", takes(mnemonic), column=column)


def _number(value: int) -> str:
    return str(value) if -1000 < value < 1000 else hex(value)


def _first_bad(known: Sequence[Writing], shapes: tuple[str, ...]) -> int:
    """The operand up to which at least one form still fits."""
    best = 0
    for writing in known:
        if len(writing.patterns) != len(shapes):
            continue
        good = 0
        for pattern, shape in zip(writing.patterns, shapes, strict=True):
            if not fits(pattern, shape, writing.form):
                break
            good += 1
        best = max(best, good)
    return min(best, len(shapes) - 1)


def _intel_syntax(operands: Sequence[Written]) -> Problem | None:
    """`mov eax, 5`: registers without their %."""
    for operand in operands:
        if isinstance(operand, WrittenMemory) and operand.address_size is None:
            name = _symbol_name(operand.displacement)
            if name and name.lower() in REGISTER_WORDS:
                hint = f"AT&T syntax: registers are written %{name.lower()}, and the destination comes last"
                return Problem(f"{name} is a symbol here, not a register", hint, column=operand.column)
    return None


def _symbol_name(expression: Expression | None) -> str | None:
    return expression.symbol.name if isinstance(expression, Reference) else None


def _operands(counts: Sequence[int]) -> str:
    """`no operand`, `1 operand`, `1, 2 or 3 operands`"""
    numbers = "no" if counts == [0] else _either([str(count) for count in counts])
    return f"{numbers} operand" if counts[-1] < 2 else f"{numbers} operands"


def _either(words: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
