"""Numbers by gdb's letters are what gdb shows of them."""

import shutil
import subprocess

import pytest

from pagefault_lab.views.numbers import in_format

NUMBERS = (0, 1, 7, 8, 65, 127, 128, 255, 4096, 0x7FFFFFFF, 0x80000000, 0xC0100340, 0xFFFFFFFF, -1, -2, -0x80000000)
WIDER = (0x100000000, 0x123456789ABCDEF0, -0x80000001, -0x7FFFFFFFFFFFFFFF)


def judged_by_gdb(letter: str, numbers: tuple[int, ...]) -> list[str]:
    literals = [f"{number:#x}" if number >= 0 else f"{number}" for number in numbers]
    casts = ["(int)" if -0x80000000 <= number < 0 else "" for number in numbers]
    commands = [f"output/{letter} {cast}{literal}" for cast, literal in zip(casts, literals, strict=True)]
    arguments = [argument for command in commands for argument in ("-ex", command, "-ex", r"echo \n")]
    judged = subprocess.run(["gdb", "-q", "-nx", "-batch", *arguments], capture_output=True, text=True, check=True)
    return judged.stdout.split()


@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is the judge of its formats, and it is not installed")
@pytest.mark.parametrize("letter", "xduozat")
def test_a_number_without_a_size_is_shown_as_gdb_shows_it(letter: str) -> None:
    numbers = NUMBERS if letter == "a" else NUMBERS + WIDER  # gdb knows no addresses so wide
    prefix = "0b" if letter == "t" else ""  # here it can be read back
    shown = [in_format(number, letter) for number in numbers]
    assert shown == [prefix + each for each in judged_by_gdb(letter, numbers)]
