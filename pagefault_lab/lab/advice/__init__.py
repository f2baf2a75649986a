"""What is wrong with the way in which faults are handled, and what to do about it: from state, with its numbers.

Each rule judges one thing that goes wrong. It is a function of a Case: a step of the machine that did not do what
somebody wanted, made in the past or (on a copy) about to be made. What it says comes from what that step really did.
To add a rule, write the function in one of the files here and mark it with @rule; one about what may go wrong later, of
the present state alone, is marked with @hazard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from pagefault_lab.lab.advice import hazards, way_back, way_in  # their rules are judged in this order
from pagefault_lab.lab.advice.cases import NEXT_FAULT, NEXT_STEP, Case, case_of, last_step, next_page_faults, next_step
from pagefault_lab.lab.advice.rules import HAZARDS, RULES, Advice, Rule

__all__ = [
    "HAZARDS", "NEXT_FAULT", "NEXT_STEP", "RULES", "Advice", "Advised", "Hint", "Rule", "about", "hazards", "hint",
    "now", "way_back", "way_in",
]  # fmt: skip

if TYPE_CHECKING:
    from pagefault_lab.lab.session import Session
    from pagefault_lab.machine.step import Step


class Advised(NamedTuple):
    """All advice about a fault, or about the present; there may be none."""

    advice: tuple[Advice, ...]


class Hint(NamedTuple):
    """The first of several pieces of advice, for one line."""

    advice: Advice


def about(session: Session, step: Step) -> Iterator[Advised]:
    """What to do about a step that was made, if anything; its machine is taken from the history."""
    found = _once(_judged(case_of(session, session.history.machine_at(step.number), step)))
    if found:
        yield Advised(found)


def now(session: Session) -> Advised:
    """What is wrong now: in the last step, in the next one, at the next page fault, and what may become so."""
    cases = chain(last_step(session), next_step(session), next_page_faults(session))
    dangers = (each._replace(rule=_name(judge)) for judge in HAZARDS for each in judge(session.machine))
    return Advised(_once(chain(*map(_judged, cases), dangers)))


def hint(session: Session) -> Iterator[Hint]:
    """The first advice about the last step, if it was told and a fault, or else about the next one."""
    cases = chain(last_step(session) if _told_last(session) else (), next_step(session))
    yield from map(Hint, islice(chain.from_iterable(map(_judged, cases)), 1))


def _told_last(session: Session) -> bool:
    told = session.runner.last
    return told is not None and told.number == session.machine.steps - 1


def _once(found: Iterable[Advice]) -> tuple[Advice, ...]:
    """The first advice of each rule."""
    first: dict[str, Advice] = {}
    for each in found:
        first.setdefault(each.rule, each)
    return tuple(first.values())


def _judged(case: Case) -> Iterator[Advice]:
    for judge in RULES:
        for advice in judge(case):
            yield advice._replace(rule=_name(judge), when=case.when)


def _name(judge: Callable[..., Any]) -> str:
    return judge.__name__.replace("_", " ")
