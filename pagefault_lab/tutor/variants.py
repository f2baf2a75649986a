"""Variants: values that a seed draws, the same ones on every machine and in every Python."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from pagefault_lab.tutor.lesson import Computed, OneOf, Range

if TYPE_CHECKING:
    from pagefault_lab.lab.scopes import Scope
    from pagefault_lab.tutor.lesson import Lesson


def seed_of(student: str, key: str) -> str:
    """The seed of a student, by name, in the lesson of this key."""
    return _digest(f"{key}\n{same_name(student)}").hex()


def same_name(student: str) -> str:
    """What is the same for all ways to write a name: blanks around and in it, and its case, are no difference."""
    from unicodedata import normalize

    return normalize("NFC", " ".join(student.split()).casefold())  # an accent may be typed in two ways


def draw(lesson: Lesson, seed: str, scope: Scope) -> dict[str, int]:
    """The values of the lesson's variants for a seed. `scope` is the world as it begins, for computed ones."""
    from pagefault_lab.lab.scopes import Then

    values: dict[str, int] = {}
    for name, variant in lesson.variants.items():
        match variant:
            case Range(first, last):
                values[name] = first + _number(lesson.key, seed, name) % (last - first + 1)
            case OneOf(choices):
                values[name] = choices[_number(lesson.key, seed, name) % len(choices)]
            case Computed(expression):
                values[name] = expression.value(Then.of(scope, scope.machine, values))
    return values


def _number(key: str, seed: str, name: str) -> int:
    """64 bits that look random; what is left of them by a small number is as good as evenly spread."""
    return int.from_bytes(_digest(f"{key}\n{seed}\n{name}"), "little")


def _digest(text: str) -> bytes:
    """Eight bytes that stand for a text, which a command line or a forged file may have made of no characters."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
