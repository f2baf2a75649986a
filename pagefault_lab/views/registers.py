"""`info registers`: values, and which differ from before the last line."""

from __future__ import annotations

from pagefault_lab.lab.tables import Register, Registers
from pagefault_lab.machine.registers import NAMES_32, SEGMENT_NAMES
from pagefault_lab.views import view
from pagefault_lab.views.lines import NAME, STRONG, Line, Lines, Span, note, table
from pagefault_lab.views.words import flag_changes, flags_set, hex16, hex32


@view(Registers)
def registers(shown: Registers) -> Lines:
    """The general registers two a row; a star marks what has changed."""
    by_name = {register.name: register for register in shown.registers}
    general = [by_name[name] for name in NAMES_32]
    rows = [(*_cells(left), *_cells(right)) for left, right in zip(general[:4], general[4:], strict=True)]
    eip, flags = by_name["eip"], by_name["eflags"]
    changed = flag_changes(flags.before, flags.value)
    selectors = [part for name in SEGMENT_NAMES for part in _selector(by_name[name])]
    return Lines.of(
        table(rows),
        Line.of(*_name(eip, 6), hex32(eip.value), _symbol(eip), note(_before(eip))),
        Line.of(*_name(flags, 6), f"{hex32(flags.value)} [{flags_set(flags.value)}]", note(_before(flags, changed))),
        Line.of(*selectors, f"cpl {shown.cpl}"),
    )


def compact(shown: Registers) -> Lines:
    """For a pane of 34 columns; with more of them the values before."""
    by_name = {register.name: register for register in shown.registers}
    general = [by_name[name] for name in NAMES_32]
    rows = [(*_pane_cells(left), *_pane_cells(right)) for left, right in zip(general[:4], general[4:], strict=True)]
    rows.append((*_pane_cells(by_name["eip"]), *_pane_cells(by_name["eflags"])))
    selectors = [_pane_selector(by_name[name]) for name in SEGMENT_NAMES]
    return Lines.of(
        table(rows, optional=(2, 5)),
        table((selectors[:3], selectors[3:])),
        Line.of(f"cpl {shown.cpl}  flags {flags_set(by_name['eflags'].value) or 'none'}"),
    )


def _pane_cells(register: Register) -> tuple[Span, ...]:
    changed = register.value != register.before
    name = register.name.replace("eflags", "efl") + ("*" if changed else "")
    value = Span(hex32(register.value), STRONG if changed else "")
    return Span(name, STRONG), value, note(f"was {register.before:#x}" if changed else "")


def _pane_selector(register: Register) -> str:
    return f"{register.name}{'*' if register.value != register.before else ' '} {hex16(register.value)}"


def _cells(register: Register) -> tuple[Span | str, ...]:
    """Name and star; value, exact symbol, and the value before."""
    name = "".join(span.text for span in _name(register, 3)).rstrip()
    return Span(name, STRONG), f"{hex32(register.value)}{_symbol(register).text}{_before(register)}"


def _name(register: Register, width: int) -> tuple[Span, Span]:
    star = "*" if register.value != register.before else " "
    return Span(register.name.ljust(width), STRONG), Span(f"{star} ", STRONG)


def _symbol(register: Register) -> Span:
    return Span(f" <{register.symbol}>" if register.symbol else "", NAME)


def _before(register: Register, changed: str = "") -> str:
    if register.value == register.before:
        return ""
    return f"  was {register.before:#x}" + (f": {changed}" if changed else "")


def _selector(register: Register) -> tuple[Span | str, ...]:
    star = "*" if register.value != register.before else " "
    return Span(f"{register.name}{star}", STRONG), f"{hex16(register.value)}  "
