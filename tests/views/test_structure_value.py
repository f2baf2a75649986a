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


def test_steps_are_decimal_as_goto_and_the_timeline_have_them() -> None:
    fault = StructureValue("fault", "the last exception", None, (FieldValue("step", 23385, "the step it ended", ""),))
    assert text_of(fault).splitlines()[1] == "  .step  23385  the step it ended"


def test_a_meaning_that_is_too_long_goes_on_below_itself() -> None:
    eip = FieldValue("eip", 0xC010B400, "where iret goes on after it", "sys_create_module_in_a_long_name+83")
    assert text_of(StructureValue("fault", "the last exception", None, (eip,))).splitlines()[1:] == [
        "  .eip  0xc010b400 <sys_create_module_in_a_long_name+83>  where iret goes on",
        " " * 58 + "after it",
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
