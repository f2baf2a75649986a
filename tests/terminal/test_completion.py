"""What Tab offers fits where it is offered, and says what it is."""

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from pagefault_lab.terminal.completion import Words
from pagefault_lab.terminal.opening import Opening


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(Opening("linux"))


def offered(words: Words, line: str) -> dict[str, str]:
    """The lines that Tab would make of `line`, and what is said of each."""
    found = words.get_completions(Document(line), CompleteEvent(completion_requested=True))
    return {
        line[: len(line) + completion.start_position] + completion.text: completion.display_meta_text
        for completion in found
    }


@pytest.mark.parametrize(
    ("line", "complete"),
    [
        ("wal", "walk"),
        ("movs", "movsb"),
        ("rep mov", "rep movsl"),
        ("again: inc", "again: incl"),
        (".asc", ".asciz"),
        ("movl %e", "movl %eax"),
        ("movl $user_h", "movl $user_heap"),
        ("movl user_d", "movl user_data"),
        ("jmp do_page", "jmp do_page_fault"),
        ("info i", "info idt"),
        ("walk user_st", "walk user_stack"),
        ("walk user_stack w", "walk user_stack write"),
        ("walk user_stack write u", "walk user_stack write user"),
        ("p $es", "p $esp"),
        ("p fault.", "p fault.error"),
        ("p pte(user_heap).wri", "p pte(user_heap).writable"),
        ("p seg.ds.", "p seg.ds.limit"),
        ("p fra", "p frame"),
        ("p frame.e", "p frame.eip"),
        ("p cou", "p count("),
        ("p count(fa", "p count(fault"),
        ("p last(fault(14, (error & 4))).", "p last(fault(14, (error & 4))).cr2"),
        ("b page_fault if last(ring(3, 0)).st", "b page_fault if last(ring(3, 0)).step"),
        ("set eflags.i", "set eflags.if"),
        ("help expr", "help expressions"),
        ("decode g", "decode gate"),
        ("help push", "help pushl"),
        ("world b", "world bare"),
        ("disas page_f", "disas page_fault"),
    ],
)
def test_a_beginning_can_become_the_whole(words: Words, line: str, complete: str) -> None:
    assert complete in offered(words, line)


def test_every_first_word_says_what_it_is(words: Words) -> None:
    found = offered(words, "")
    assert {"walk", "movl", ".byte"} <= found.keys()
    assert [word for word, meaning in found.items() if not meaning] == []
    assert max(map(len, found.values())) <= 60


NOTHING = ["nosuchword ", "walk )(", 'movl "', "p fault.error.", "x/", "\x00", "b 1 if ", "info x y", "p x(1).", "b ("]


@pytest.mark.parametrize("line", NOTHING)
def test_what_cannot_be_completed_offers_nothing_and_fails_nowhere(words: Words, line: str) -> None:
    offered(words, line)


def test_files_are_completed_where_a_command_takes_one(
    words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first.s").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden").write_text("")
    monkeypatch.chdir(tmp_path)
    assert set(offered(words, "load ")) == {"load first.s", "load folder/"}
    assert set(offered(words, "load f")) == {"load first.s", "load folder/"}
    assert set(offered(words, f"load {tmp_path}/fi")) == {f"load {tmp_path}/first.s"}
    assert offered(words, "load nowhere/") == {}
    assert set(offered(words, "insmod other.s fi")) == {"insmod other.s first.s"}
    assert set(offered(words, "insmod 'other one.s' \"fi")) == {"insmod 'other one.s' \"first.s"}


def test_insmod_completes_its_options_and_the_modules_among_the_lessons_too(
    words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lecture.s").write_text("")
    monkeypatch.chdir(tmp_path)
    assert offered(words, "insmod lecture.") == {"insmod lecture.s": "", "insmod lecture.c": "among the lessons"}
    assert set(offered(words, "insmod wrong/no")) == {"insmod wrong/no-addl.s"}
    assert set(offered(words, "insmod lecture.s wrong/no")) == {"insmod lecture.s wrong/no-addl.s"}
    assert offered(words, "insmod wrong/lec") == {}
    assert set(offered(words, "insmod st")) == {"insmod step"}
    assert set(offered(words, "insmod -O")) == {f"insmod -O{level}" for level in "0123s"}
    assert set(offered(words, "trace o")) == {"trace on", "trace off"}


def test_modules_that_are_loaded_are_completed() -> None:
    opening = Opening("linux")
    words = Words(opening)
    assert offered(words, "rmmod ") == {}
    list(opening.session.execute("insmod lecture.s"))
    assert offered(words, "rmmod le") == {"rmmod lecture": "0xc2c00000"}
