"""What insmod, rmmod and lsmod show."""

from __future__ import annotations

import pytest
from shown import text_of

from pagefault_lab.lab.modules import (
    ModuleFailed,
    ModuleLine,
    ModuleList,
    ModuleLoaded,
    ModuleNotStarted,
    ModuleRemoved,
    ModuleUnfinished,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            ModuleLoaded("lecture", 0xC2C00000, 420),
            "✓ lecture is loaded at 0xc2c00000: 420 bytes, init_module returned 0",
        ),
        (ModuleRemoved("lecture"), "✓ lecture is removed, and its memory is free"),
        (
            ModuleFailed("lecture", "init_module", -12, "-ENOMEM", "out of memory"),
            "✗ lecture: init_module returned -ENOMEM (-12): out of memory\n"
            "  the module did not start: the kernel has forgotten it and freed its memory",
        ),
        (
            ModuleFailed("lecture", "create_module", -12, "-ENOMEM", "out of memory"),
            "✗ lecture: create_module returned -ENOMEM (-12): out of memory\n"
            "  the kernel has no place for the module: nothing has changed",
        ),
        (
            ModuleFailed("lecture", "delete_module", -2, "-ENOENT", "no such file, or module"),
            "✗ lecture: delete_module returned -ENOENT (-2): no such file, or module\n  the module is still there",
        ),
        (
            ModuleNotStarted("lecture"),
            "✗ lecture: init_module did not return 0\n  the kernel has forgotten the module and freed its memory",
        ),
        (
            ModuleUnfinished("lecture", "init_module", True),
            "init_module of lecture has not returned yet (`c` lets it go on)",
        ),
        (
            ModuleUnfinished("lecture", "cleanup_module", False),
            "! cleanup_module of lecture will never return (`back` undoes the line, `rmmod\n"
            "  lecture` frees the module as it is)",
        ),
        (
            ModuleUnfinished("lecture", "create_module", True),
            "! create_module of lecture has not returned: nothing is loaded (`back`)",
        ),
        (ModuleList(()), "no module is loaded"),
        (
            ModuleList((ModuleLine("two", 0xC2C02000, 1200, False), ModuleLine("lecture", 0xC2C00000, 420, True))),
            "module   size  address\n"
            "two      1200  0xc2c02000  init_module has not returned\n"
            "lecture   420  0xc2c00000",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_value_is_shown(value: object, text: str) -> None:
    assert text_of(value) == text


def test_a_name_that_the_guest_has_overwritten_cannot_command_the_terminal() -> None:
    assert "\x1b" not in text_of(ModuleList((ModuleLine("a\x1b[2J", 0, 0, True),)))
