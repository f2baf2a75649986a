"""What would have saved a fault that became a double or a triple fault."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.lab.rescue import Lost, Repair, Rescue, Saving, TableRegisterRestored, TableRestored
from pagefault_lab.machine.delivery import Source
from pagefault_lab.views import view
from pagefault_lab.views.lines import STRONG, Line, Lines, Span, note
from pagefault_lab.views.what_if import change
from pagefault_lab.views.words import count, fault_title, hex32, printable

MOST = 5  # changes that are shown of those that save one attempt


@view(Rescue)
def rescue(found: Rescue) -> Lines:
    """For each attempt that failed the changes after which its handler was entered."""
    return Lines.of(
        Line.of(
            Span("what would have saved it", STRONG),
            note(f": {count(found.tried, 'single change')} tried, each on a copy of the machine"),
            hang=2,
        ),
        *(line for lost in found.lost for line in _lost(lost)),
    )


def _lost(lost: Lost) -> Iterator[Line]:
    attempt = lost.attempt
    exception = attempt.source is Source.EXCEPTION
    title = fault_title(attempt.fault) if exception else f"interrupt {attempt.fault.vector:#x}"
    if not lost.savings:
        yield Line.of(f"{title}: none of these lets its handler be entered", indent=2)
        return
    yield Line.of(f"{title}: its handler is entered after {'any of' if len(lost.savings) > 1 else 'this'}", indent=2)
    for saving in lost.savings[:MOST]:
        yield Line.of(
            Span(repair(saving.repair), STRONG), f": {handler(saving)}, CPL {saving.entered.cpl}", indent=4, hang=2
        )
    if len(lost.savings) > MOST:
        yield Line.of(note(f"and {len(lost.savings) - MOST} more"), indent=4)


def handler(saving: Saving) -> str:
    """`0xc010a24a <page_fault>`."""
    return hex32(saving.entered.eip) + (f" <{saving.symbol}>" if saving.symbol else "")


def repair(made: Repair) -> str:
    """A change in the words of `whatif`, or what was taken back."""
    match made:
        case TableRestored(what, _, before, after, step, line):
            when = f"`{printable(line)}`" if line else f"step {step}"
            return f"{what} as before {when} ({before:#x}->{after:#x})"
        case TableRegisterRestored(register, before, after, step):
            changed = [f"base {hex32(before.base)}->{hex32(after.base)}"] if before.base != after.base else []
            changed += [f"limit {before.limit:#x}->{after.limit:#x}"] if before.limit != after.limit else []
            return f"{register.upper()} as before step {step} ({', '.join(changed)})"
    return change(made, None)
