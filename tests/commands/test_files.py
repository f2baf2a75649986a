"""load, save, world: what comes from files and goes to them."""

from pathlib import Path

import pytest
from benches import do, everything, only, value

from pagefault_lab.lab.results import Ran, Saved, Stopped, Typed, WorldEntered, Worlds
from pagefault_lab.lab.session import Session
from pagefault_lab.problem import Problem


def test_a_file_is_placed_with_its_labels_and_not_executed(bare: Session, tmp_path: Path) -> None:
    (tmp_path / "sum.s").write_text(
        "# a program\nvalues: .long 1,2,3\n.globl _start\n_start: xorl %eax,%eax\nmovl $3,%ecx\n"
        "1: addl values-4(,%ecx,4),%eax\nloop 1b\n"
    )
    values = do(bare, f"load {tmp_path}/sum.s")
    assert not only(Typed, values).executes
    assert value(bare, "eip == _start && values == 0x1000 && steps == 0")
    assert only(Ran, do(bare, "c")).stopped is Stopped.END_OF_TYPED
    assert value(bare, "eax") == 6
    do(bare, "movl values+4,%ebx")
    assert value(bare, "ebx") == 2


def test_a_file_that_begins_with_org_lies_there(bare: Session, tmp_path: Path) -> None:
    (tmp_path / "boot.s").write_text("# boot sector\n/* at\n 7c00 */ .org 0x7c00\nentry: movl $1,%eax\njmp entry\n")
    do(bare, "set u32[0x100] = 0x12345678", f'load "{tmp_path}/boot.s"')
    assert value(bare, "entry == 0x7c00 && u8[0x7c00] == 0xb8 && u32[0x100] == 0x12345678 && eip == entry")
    do(bare, "nop")
    assert value(bare, "eip") == 0x7C00  # the line was typed elsewhere than in typed code, and came back


def test_a_file_may_include_its_neighbours(bare: Session, tmp_path: Path) -> None:
    (tmp_path / "main.s").write_text('.include "constants.s"\nmovl $FIVE,%eax\n')
    (tmp_path / "constants.s").write_text("FIVE = 5\n")
    do(bare, f"load {tmp_path}/main.s", "c")
    assert value(bare, "eax") == 5


def test_a_wrong_file_is_told_with_file_line_and_column(bare: Session, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.s"
    wrong.write_text("nop\n  movl %exx,%eax\n")
    before = everything(bare)
    with pytest.raises(Problem) as caught:
        do(bare, f"load {wrong}")
    assert (caught.value.file, caught.value.line, caught.value.column) == (str(wrong), 2, 7)
    assert everything(bare) == before


@pytest.mark.parametrize("name", ["nothing.s", ".", "binary.s", "big.s"])
def test_a_file_that_cannot_be_loaded_is_a_problem(bare: Session, tmp_path: Path, name: str) -> None:
    (tmp_path / "binary.s").write_bytes(b"\x80\x81\xff")
    (tmp_path / "big.s").write_text(".space 100000\n")
    with pytest.raises(Problem):
        do(bare, f"load {tmp_path / name}")
    do(bare, "nop")


def test_a_saved_session_is_repeated_exactly(linux: Session, tmp_path: Path) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)", "c", "asm", "f: nop", "ret", "end", "jmp over",
       "nop", "over: nop", "kernel", "movl $3,%eax", "user", "set edx = 7", "irq 0", "si", "c", "back",
       "reverse-stepi")  # fmt: skip
    with pytest.raises(Problem):
        do(linux, "nonsense")
    saved = only(Saved, do(linux, f"save {tmp_path}/session.lab"))
    again = Session("bare")
    lines = (tmp_path / "session.lab").read_text().splitlines()
    assert saved.lines == len(linux.lines)
    for line in lines:
        do(again, line)
    assert everything(again)[:4] == everything(linux)[:4]
    assert again.lines[1:] == linux.lines


def test_a_place_that_cannot_be_written_is_a_problem(bare: Session, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be written"):
        do(bare, f"save {tmp_path}/no/such/folder/x.lab")


def test_worlds_are_listed_and_entered(bare: Session) -> None:
    worlds = only(Worlds, do(bare, "world"))
    assert worlds.present == "bare"
    assert [name for name, _ in worlds.worlds] == ["linux", "bare"]
    do(bare, "x = 5", "nop")
    entered = only(WorldEntered, do(bare, "world linux"))
    assert (entered.name, entered.place.ring) == ("linux", 3)
    assert "x" not in bare.symbols
    with pytest.raises(Problem, match="nothing to go back"):
        do(bare, "back")
    do(bare, "nop")
    assert value(bare, "cpl == 3 && steps == 1")


def test_an_unknown_world_leaves_the_session_where_it_is(bare: Session) -> None:
    do(bare, "nop")
    with pytest.raises(Problem, match="no world"):
        do(bare, "world linus")
    assert value(bare, "steps") == 1
