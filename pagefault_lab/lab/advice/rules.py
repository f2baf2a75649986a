"""What a rule is, and what it gives: advice. Rules are kept in the order in which they are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pagefault_lab.lab.advice.cases import Case
    from pagefault_lab.machine.machine import Machine


class Advice(NamedTuple):
    """One thing that is wrong, with the numbers that tell it, and what to do. `rule` names the rule that found it.

    `when` tells of what has not happened yet: NEXT_STEP, or NEXT_FAULT; "" of what has, or is so.
    """

    sentence: str
    numbers: dict[str, int]
    remedy: str
    rule: str = ""
    when: str = ""


Rule: TypeAlias = "Callable[[Case], Iterator[Advice]]"
Hazard: TypeAlias = "Callable[[Machine], Iterator[Advice]]"
RULES: list[Rule] = []
HAZARDS: list[Hazard] = []


def rule(judge: Rule) -> Rule:
    """Mark a rule about a step."""
    RULES.append(judge)
    return judge


def hazard(judge: Hazard) -> Hazard:
    """Mark a rule about a state in which nothing has gone wrong yet."""
    HAZARDS.append(judge)
    return judge
