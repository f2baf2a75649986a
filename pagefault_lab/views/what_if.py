"""`whatif`: how a step ends, and each change after which it ends otherwise, with what it leads to then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pagefault_lab.lab.hypotheses import (
    EntryBits,
    Hypothesis,
    OtherAccess,
    PageMapped,
    Privilege,
    RegisterBits,
    SegmentField,
    SelectorLoaded,
    TableField,
    TranslationDropped,
)
from pagefault_lab.lab.whatif import Ending, Outcome, Trial, WhatIf
from pagefault_lab.machine.delivery import Source
from pagefault_lab.machine.faults import DOUBLE_FAULT, Fault
from pagefault_lab.machine.registers import SEGMENT_NAMES
from pagefault_lab.machine.step import Unsupported
from pagefault_lab.views import view
from pagefault_lab.views.lines import BAD, GOOD, STRONG, Block, Line, Lines, Span, note, table
from pagefault_lab.views.story import changes
from pagefault_lab.views.traced import written
from pagefault_lab.views.words import count, doing, error_words, hex16, hex32, named, small


@view(WhatIf)
def what_if(answer: WhatIf) -> Lines:
    """The question, how it ends as it is, and the changes: those that help first."""
    return Lines.of(*_question(answer), *_changes(answer), _tried(answer))


def _question(answer: WhatIf) -> Iterator[Line]:
    names, step = answer.story.names, answer.story.step
    if answer.asked is not None:
        asked = answer.asked
        access = f"{doing(asked.kind)} {hex32(asked.linear)}{named(asked.linear, {asked.linear: asked.symbol})}"
        paging = f"CR0.WP={int(asked.write_protect)}" if asked.paging else "paging off"
        yield Line.of(
            "whatif ", Span(access, STRONG), f" at CPL {asked.cpl}, {paging}: ", *_ends(answer, answer.outcome)
        )
        return
    text = answer.story.text or "the instruction"
    place = f" at {hex32(step.eip)}{named(step.linear, names)}, CPL {step.cpl}"
    if answer.assumed.write_protect is not None:
        place += f", CR0.WP={int(answer.assumed.write_protect)}"
    yield Line.of("whatif ", Span(text, STRONG), f"{place}: ", *_ends(answer, answer.outcome))


def _changes(answer: WhatIf) -> Iterator[Block | Lines]:
    """Lists, the smallest changes first: single ones, pairs, a page that several bits map; then what is no better."""
    mapped = [trial for trial in answer.better if isinstance(trial.changes[0], PageMapped)]
    alone = [trial for trial in answer.better if len(trial.changes) == 1 and trial not in mapped]
    pairs = [trial for trial in answer.better if len(trial.changes) > 1]
    yield from _list(answer, "any of these would help:" if len(alone) > 1 else "this would help:", alone)
    yield from _list(answer, "two together would help:" if alone else "no single change helps; two together do:", pairs)
    yield from _list(answer, "and so would:" if alone or pairs else "no single change helps, nor do two; but:", mapped)
    fails = "it would fail" if answer.outcome.ending is Ending.COMPLETES else "it would fail otherwise"
    yield from _list(answer, f"{fails} after:", answer.otherwise)


def _list(answer: WhatIf, heading: str, trials: Sequence[Trial]) -> Iterator[Block]:
    if trials:
        yield Line.of(heading, indent=2)
        yield table(((_made(answer, trial), _ending(answer, trial)) for trial in trials), indent=4)


def _tried(answer: WhatIf) -> Line:
    """How much was tried, so that silence about a change says something."""
    tried = count(answer.singles, "single change")
    if answer.pairs:
        tried += f" and {count(answer.pairs, 'pair')}"
    rest = "the others change nothing" if answer.better or answer.otherwise else "none makes it end otherwise"
    return Line.of(note(f"tried: {tried}, each on a copy of the machine; {rest}"), indent=2, hang=2)


# --- what was changed


def _made(answer: WhatIf, trial: Trial) -> str:
    return ", ".join(change(each, _about(answer)) for each in trial.changes)


def _about(answer: WhatIf) -> int | None:
    """The address that it is all about: changes for another page tell which."""
    faults = answer.outcome.faults
    return answer.asked.linear if answer.asked is not None else faults[0].linear if faults else None


def change(made: Hypothesis, about: int | None) -> str:
    """`PTE.R/W 0->1`."""
    match made:
        case EntryBits(level, linear, _, name, before, after, frame):
            leads = f" (frame {hex32(frame)})" if name == "P" and after else ""
            return f"{level}.{name} {small(before)}->{small(after)}{_where(' of', linear, about)}{leads}"
        case TranslationDropped(linear):
            return f"TLB entry{_where(' of', linear, about)} dropped"
        case PageMapped(linear):
            return f"a page mapped{_where(' at', linear, about) or ' there'}, RW US"
        case Privilege(before, after):
            return f"CPL {before}->{after}"
        case RegisterBits(register, name, before, after):
            place = name if name == "IOPL" else f"{register.upper()}.{name}"
            return f"{place} {small(before)}->{small(after)}"
        case OtherAccess(before=before, after=after):
            return f"a {doing(after)}, not a {doing(before)}"
        case TableField(table_, number, name, _, _, _, before, after):
            place = {"IDT": f"gate {number}", "TSS": "TSS"}.get(table_, f"{table_} entry {number}")
            return f"{place}: {name} {small(before)}->{small(after)}"
        case SegmentField(segment, name, before, after):
            return f"{SEGMENT_NAMES[segment].upper()} {name} {small(before)}->{small(after)}"
        case SelectorLoaded(segment, before, after):
            return f"{SEGMENT_NAMES[segment].upper()} {hex16(before)}->{hex16(after)}"


def _where(preposition: str, linear: int, about: int | None) -> str:
    """Which page is meant, if not the one that it is all about."""
    return f"{preposition} {hex32(linear)}" if about is None or linear >> 12 != about >> 12 else ""


# --- what it led to


def _ending(answer: WhatIf, trial: Trial) -> Span:
    """An outcome as one cell, which has one style."""
    text = "".join(span.text for span in _ends(answer, trial.outcome, trial.changes))
    return Span(text, GOOD if trial.outcome.ending is Ending.COMPLETES else BAD)


def _ends(answer: WhatIf, outcome: Outcome, made: Iterable[Hypothesis] = ()) -> Iterator[Span]:
    """`✓ completes, eax: 0x0->0x1`, or the faults and what becomes of them."""
    step = outcome.step
    match outcome.ending:
        case Ending.COMPLETES:
            yield Span(f"✓ {_completed(answer, outcome, made)}", GOOD)
        case Ending.UNSUPPORTED:
            assert isinstance(step.end, Unsupported)
            yield Span(f"not simulated: {step.end.what}", BAD)
        case Ending.HANDLER | Ending.SHUTDOWN:
            yield Span(" -> ".join(_fault(each, answer, outcome) for each in outcome.faults), BAD)
            if outcome.ending is Ending.SHUTDOWN:
                yield Span(" -> shutdown (triple fault)", BAD)
            elif outcome.better_than(answer.outcome):
                yield Span(": its handler is entered", BAD)


def _completed(answer: WhatIf, outcome: Outcome, made: Iterable[Hypothesis]) -> str:
    step, names = outcome.step, answer.story.names
    if answer.asked is not None or any(isinstance(each, OtherAccess) for each in made):
        invented = any(isinstance(each, PageMapped) for each in made)
        return "OK" if invented else f"OK: physical {hex32([*step.accesses()][-1].physical)}"
    effects = [*(changes(step, names) if step.instruction is not None else ()), *written(step, names)]
    entered = next((each.fault.vector for each in step.deliveries if each.source is not Source.EXCEPTION), None)
    if entered is not None:
        return f"the handler of interrupt {entered:#x} is entered"
    return ", ".join(["completes", *effects])


def _fault(raised: Fault, answer: WhatIf, outcome: Outcome) -> str:
    """`#PF 0x6 [user, write, not-present]`; of several, no words. The address if it is not the one it is all about."""
    text = raised.row.mnemonic
    if raised.error is not None and raised != DOUBLE_FAULT:
        text += f" {raised.error:#x}"
    words = error_words(raised)
    if words and len(outcome.faults) == 1:
        text += f" [{words}]"
    if raised.linear is not None and (raised.linear != _about(answer) or outcome is answer.outcome):
        text += f" at {hex32(raised.linear)}"
    return text
