"""`help` as a newcomer sees it: all names on one screen, and from there a way to each."""

from __future__ import annotations

import re

import pytest
from shown import text_of

from pagefault_lab import commands
from pagefault_lab.lab.manual import HelpIndex
from pagefault_lab.lab.session import Session


def shown(line: str, width: int = 80) -> str:
    (index,) = Session("bare").execute(line)
    assert isinstance(index, HelpIndex)
    return text_of(index, width)


def test_all_that_help_lists_fits_on_a_screen_of_24_rows_with_the_line_the_prompt_and_the_bar() -> None:
    assert len(shown("help").splitlines()) <= 24 - 3
    assert max(map(len, shown("help").splitlines())) <= 80


def test_every_command_stands_in_it() -> None:
    words = set(re.findall(r"[a-z-]+", shown("help")))
    names = {word for command in commands.all_commands() for word in command.name.split()}
    assert names <= words


@pytest.mark.parametrize("group", commands.GROUPS[:-1])
def test_a_group_tells_what_each_of_its_commands_is_for(group: str) -> None:
    told = shown(f"help {group}", 120)
    for command in commands.all_commands():
        assert (f"  {command.name} " in told) == (command.group == group)


def test_all_that_can_be_executed_is_listed_too() -> None:
    assert {"movs", "iret", "lidt"} <= set(shown("help instructions").split())
