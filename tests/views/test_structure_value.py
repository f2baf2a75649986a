"""Structures as `p` shows them, at 80 columns."""

from shown import text_of

from pagefault_lab.lab.expression_help import expression_help
from pagefault_lab.lab.nodes import HISTORY
from pagefault_lab.lab.patterns import PATTERNS
from pagefault_lab.lab.results import FieldValue, StructureValue
from pagefault_lab.lab.vocabulary import QUANTITIES, STRUCTURES

GATE = StructureValue(
    "idt(14)", "gate of a vector", 0xC0108E0000100340,
    (
        FieldValue("offset", 0xC0100340, "where it leads", "page_fault"),
        FieldValue("selector", 0x10, "code segment", ""),
        FieldValue("dpl", 0, "who may call it by INT n", ""),
        FieldValue("ss", None, "the frame on the stack holds no SS", ""),
    ),
)  # fmt: skip


def test_every_field_is_a_row_with_its_name_value_and_meaning() -> None:
    assert text_of(GATE).splitlines() == [
        "idt(14) = 0xc0108e0000100340 (13839717785561727808)  gate of a vector",
        "  .offset    0xc0100340 <page_fault>  where it leads",
        "  .selector  0x10 (16)                code segment",
        "  .dpl       0                        who may call it by INT n",
        "  .ss        -                        the frame on the stack holds no SS",
    ]


def test_a_format_is_that_of_every_number() -> None:
    shown = text_of(GATE._replace(letter="z", value=None)).splitlines()
    assert shown[0] == "idt(14)  gate of a vector"
    assert shown[2].split()[:2] == [".selector", "0x00000010"]


def test_the_help_of_expressions_names_everything_that_there_is() -> None:
    words = text_of(expression_help()).replace(",", " ").split()
    for name in QUANTITIES:
        assert name in words or f"${name}" in words
    for name, structure in STRUCTURES.items():
        assert f"seg.{name}" in words or name in words or f"{name}({structure.parameter})" in words
        assert {f".{field}" for field in structure.fields} <= set(words)
    for name, pattern in PATTERNS.items():
        assert pattern.usage(name).split()[0].rstrip(",") in " ".join(words)
        assert {f".{field}" for field in pattern.record.fields} <= set(words)
    for function in HISTORY.values():
        assert function.usage.split(",")[0] in " ".join(words)
