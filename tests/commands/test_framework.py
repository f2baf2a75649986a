"""How lines become commands: names, abbreviations, words, usage, problems with their columns."""

import re
from pathlib import Path

import pytest
from benches import do, only, value

from pagefault_lab import commands
from pagefault_lab.commands.from_gdb import INSTEAD
from pagefault_lab.lab.results import Value
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem
from pagefault_lab.views.words import paragraphs

EVERY = commands.all_commands()


def test_reading_the_files_finds_what_importing_them_declares() -> None:
    declared = {name: command.name for command in EVERY for name in command.names}
    assert {spelling: name for spelling, (_, name) in commands.spellings().items()} == declared


def test_every_file_is_a_command_or_belongs_to_the_framework() -> None:
    modules = {module for module, _ in commands.spellings().values()}
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")}
    assert files - modules == {"__init__", "from_gdb"}


@pytest.mark.parametrize("word", INSTEAD)
def test_a_word_of_gdb_that_there_is_not_tells_what_to_type_instead(bare: Session, word: str) -> None:
    with pytest.raises(Problem) as caught:
        do(bare, word)
    assert caught.value.hint == INSTEAD[word]
    for line in re.findall("`(.*?)`", INSTEAD[word]):
        first = line.split()[0]
        assert commands.find(line) is not None or first in (".macro", "pagefault-lab"), line


def test_a_line_that_was_to_assign_is_told_how(bare: Session) -> None:
    with pytest.raises(Problem) as caught:
        do(bare, "p $eax = 5")
    assert "`set` assigns" in str(caught.value.hint)


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.name)
def test_a_command_has_help_usage_and_a_summary_that_fits_a_line(command: commands.Command) -> None:
    assert command.help
    assert 0 < len(command.summary) <= 120
    assert command.summary.endswith((".", ":", "]"))
    assert command.usage.startswith(command.name)
    assert command.parameters is not None


def test_no_command_hides_an_instruction() -> None:
    from pagefault_lab.assembler import is_statement

    hidden = {name for name in commands.spellings() if " " not in name and is_statement(name)}
    assert not hidden


@pytest.mark.parametrize(
    ("line", "spelling"),
    [("si", "si"), ("stepi 4", "stepi"), ("  c", "c"), ("cont", "continue"), ("fin", "finish"), ("x/8xw $esp", "x"),
     ("p/x 5", "p"), ("info idt", "info idt"), ("i idt", "info idt"), ("info id", "info idt"), ("dele", "delete"),
     ("reverse-s", "reverse-stepi")],
)  # fmt: skip
def test_a_line_begins_with_this_command(line: str, spelling: str) -> None:
    found = commands.find(line)
    assert found is not None
    assert found.spelling == spelling


@pytest.mark.parametrize("line", ["nop", "movl %eax,%ebx", "5", "", "x=5", "p1", "cli", "%eax"])
def test_a_line_begins_with_no_command(line: str) -> None:
    assert commands.find(line, abbreviated=False) is None


@pytest.mark.parametrize(
    ("line", "hint"),
    [("cr3", "`p cr3` shows its value"), ("%eax", "`p %eax` shows its value"), ("tr", "`p tr` shows its value"),
     ("idtr", "`p idtr` shows its value"), ("tss.esp0", "`p tss.esp0` shows its value"),
     ("pte", "`p pte(address)` shows its value"), ("pte(cr2)", "`p pte(cr2)` shows its value"),
     ("idt", "`info idt` shows it"), ("wlak", "did you mean walk?"), ("nosuch", "help lists the commands")],
)  # fmt: skip
def test_what_has_a_value_is_no_command_and_no_short_name_of_one(line: str, hint: str) -> None:
    assert commands.find(line) is None
    found = commands.unknown(Session("bare"), line).hint
    assert found is not None
    assert found.startswith(hint)


def test_a_short_name_that_fits_several_is_a_problem() -> None:
    with pytest.raises(Problem) as caught:
        commands.find("dis")
    assert "several" in caught.value.sentence
    assert caught.value.hint == "disable, disas, display"


def test_a_short_name_that_fits_several_is_told_the_names_that_it_fits() -> None:
    with pytest.raises(Problem) as caught:
        commands.find("ad")
    assert caught.value.hint == "advance, advice"  # of which one is `until`


@pytest.mark.parametrize(
    ("line", "name"),
    [("s", "si"), ("step 3", "si"), ("n", "ni"), ("i r", "info registers"), ("i b", "info break"), ("u 5", "until"),
     ("adv 5", "until"), ("bt", "backtrace"), ("bt 3", "backtrace"), ("where", "backtrace")],
)  # fmt: skip
def test_gdbs_short_names_are_known(line: str, name: str) -> None:
    found = commands.find(line)
    assert found is not None
    assert commands.get(found.spelling).name == name


@pytest.mark.parametrize(
    ("line", "column", "hint"),
    [
        ("si 4 5", 5, "usage: si [COUNT]"), ("si x y", 3, ""), ("si/x", 2, "usage"), ("p", 1, "usage: p"),
        ("x/8q 5", 2, "count"),
        ("b 1 fi 2", 4, "usage"), ("b 1 if", 6, ""), ("until 5 6", 8, "usage: until [ADDRESS]"), ("set eax 5", 8, "="),
        ("info", 4, "idt"),
        ("info idx", 5, "idt"), ("world nowhere", None, "bare"), ("load /nowhere/at/all", None, ""),
        ("delete 5", None, "none"),
        ("finsh", 0, "finish"), ("mvol %eax,%ebx", 0, "mov"), ("!", 0, "help"), ("p 1 +", 5, ""), ("disas 0, +0", 9,
        "from 1"),
        ("disas 5 4", None, "START"), ("quit now", 5, "usage: quit"),
        ("timeline fautls", 9, "did you mean faults?"), ("timeline bogus", 9, "usage: timeline [faults|"),
        ("timeline 1 + bogus", 13, "symbols"), ("p eax@3", 5, "`x/3xw ADDRESS`"), ("p eax @", 6, "`x/4xw ADDRESS`"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_told_with_column_and_hint(bare: Session, line: str, column: int | None, hint: str) -> None:
    with pytest.raises(Problem) as caught:
        do(bare, line)
    assert caught.value.column == column
    assert hint in (caught.value.hint or "")
    if column is not None:
        assert caught.value.text == line
    assert not bare.lines


def test_words_may_be_separated_by_commas(bare: Session) -> None:
    do(bare, "b 1", "b 2", "b 3", "delete 1, 2,3")
    assert not len(bare.breakpoints)


def test_a_format_is_parsed_as_gdb_does(bare: Session) -> None:
    assert only(Value, do(bare, "p/t 5")) == Value("5", 5, "t")
    assert value(bare, "5") == 5


def test_the_expression_of_a_value_is_what_was_written(bare: Session) -> None:
    assert only(Value, do(bare, "p   $eax  +  1 ")).expression == "$eax  +  1"


def test_an_optional_word_in_the_middle_may_be_left_out(bare: Session) -> None:
    do(bare, "b if eax == 5")
    (breakpoint,) = bare.breakpoints
    assert breakpoint.address == bare.here
    assert breakpoint.condition is not None


@pytest.mark.parametrize(
    ("line", "word"),
    [("info ", "idt"), ("info id", "idt"), ("p $e", "$eax"), ("p pte", "pte("), ("p fault.", "vector"), ("b 5 ",
    "if"),
     ("symbols ", ""), ("set $cr", "$cr3")],
)  # fmt: skip
def test_words_are_completed(bare: Session, line: str, word: str) -> None:
    words = [completion.word for completion in commands.complete(bare, line)]
    assert word in words or not word


def test_a_completion_replaces_what_is_typed_of_the_word(bare: Session) -> None:
    (completion,) = [each for each in commands.complete(bare, "p 1 + $eip") if each.word == "$eip"]
    assert completion.typed == len("$eip")


def test_what_an_empty_line_stands_for(bare: Session) -> None:
    do(bare, "asm", "nop", "nop", "end", "si")
    assert bare.repetition == "si"
    do(bare, "p eax")
    assert bare.repetition == ""
    do(bare, "x/2xb 0x1000")
    assert bare.repetition == "x"


def test_no_command_knows_an_address_or_a_symbol_of_a_world() -> None:
    linux = Session("linux")
    names = {name for name in linux.symbols if len(name) > 5 and "_" in name}
    for path in Path(commands.__file__).parent.rglob("*.py"):
        text = path.read_text("utf-8")
        code = re.sub(r'"""(?:.|\n)*?"""', "", text)  # examples in help may name them
        words = set(re.findall(r"\w+", code))
        assert not words & names, path.name


def test_examples_in_the_help_fit_on_a_screen_and_stand_on_lines_of_their_own() -> None:
    for each in commands.all_commands():
        for line in each.help.splitlines():
            if line.startswith(" ") or "   " in line:
                assert len(line) <= 78, f"{each.name}: {line}"
                assert line in paragraphs(each.help), f"{each.name}: {line}"
