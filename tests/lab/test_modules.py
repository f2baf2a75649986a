"""Kernel modules: loaded into the guest, started by it, and gone when they should be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from benches import do, everything, only, value

from pagefault_lab.lab import peeking
from pagefault_lab.lab.modules import (
    ModuleFailed,
    ModuleLine,
    ModuleList,
    ModuleLoaded,
    ModuleNotStarted,
    ModuleRemoved,
    ModuleUnfinished,
)
from pagefault_lab.lab.results import Message, Printed, Ran, Stopped, SymbolList
from pagefault_lab.lab.session import Session
from pagefault_lab.lab.story import Story
from pagefault_lab.machine.step import ShutDown
from pagefault_lab.problem import Problem

AREA, HEAD = 0xC2C00000, 64  # of the first module

SOURCES = {
    "hello": """
        .globl  init_module, cleanup_module
init_module:
        pushl   times
        pushl   $greeting
        call    printk
        addl    $8, %esp
        xorl    %eax, %eax
        ret
cleanup_module:
        pushl   $farewell
        call    printk
        addl    $4, %esp
        ret
        .data
times:  .long   1
greeting: .asciz "<6>hello %d\\n"
farewell: .asciz "<6>bye\\n"
""",
    "failing": """
        .include "constants.s"
ENTRY init_module
        pushl   $text
        call    printk
        addl    $4, %esp
        movl    $-ENOMEM, %eax
        ret
        .section .rodata
text:   .asciz  "no memory for this\\n"
""",
    "positive": "init_module: movl $3,%eax; ret",
    "oops": "init_module: movl 0x10,%eax; ret",
    "triple": "init_module: lidt nothing; ud2\n.data; nothing: .word 0, 0, 0",
    "endless": "init_module: incl count; jmp init_module\n.data; count: .long 0",
    "short": "init_module: ret\n.data; x: .byte 0",
    "quiet": "init_module: xorl %eax,%eax; ret",
}


@pytest.fixture(autouse=True)
def in_a_folder_with_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in SOURCES.items():
        (tmp_path / f"{name}.s").write_text(text + "\n")
    monkeypatch.chdir(tmp_path)


def problem_of(session: Session, line: str) -> Problem:
    """What is wrong with a line, which has changed nothing."""
    before = everything(session)
    with pytest.raises(Problem) as raised:
        do(session, line)
    assert everything(session) == before
    return raised.value


def modules(session: Session) -> tuple[ModuleLine, ...]:
    return tuple(only(ModuleList, do(session, "lsmod")).modules)


def used_pages(session: Session) -> bytes:
    """Who uses which page."""
    pages = session.world.page_map
    assert pages is not None
    return peeking.read_bytes(session.machine, pages.start, pages.frames)


# --- loading and removing


def test_a_module_is_linked_into_vmalloc_memory_and_started_at_cpl_0(linux: Session) -> None:
    values = do(linux, "insmod hello.s")
    loaded = only(ModuleLoaded, values)
    assert values == [Printed("hello 1\n"), loaded]
    assert (loaded.name, loaded.address) == ("hello", AREA)
    assert modules(linux) == (ModuleLine("hello", AREA, loaded.size, True),)
    assert linux.ring == 3


def test_its_names_are_the_sessions_as_long_as_it_is_there(linux: Session) -> None:
    loaded = only(ModuleLoaded, do(linux, "insmod hello.s"))
    assert value(linux, "init_module") == AREA + HEAD
    assert value(linux, "[times]") == 1
    assert linux.symbols.kind("times") == "module"
    assert linux.symbols.name(AREA + HEAD + 6) == "init_module+6"
    assert linux.symbols.name(AREA) is None  # its head has no name,
    assert linux.symbols.name(AREA + loaded.size) is None  # nor what is behind it
    do(linux, "rmmod hello")
    assert "times" not in linux.symbols
    assert linux.symbols.name(AREA + HEAD) is None


def test_rmmod_calls_cleanup_module_and_frees_all_pages(linux: Session) -> None:
    do(linux, "insmod quiet.s", "rmmod quiet")  # the area's page table stays
    before = used_pages(linux)
    do(linux, "insmod hello.s")
    assert used_pages(linux) != before
    assert do(linux, "rmmod hello") == [Printed("bye\n"), ModuleRemoved("hello")]
    assert used_pages(linux) == before
    assert modules(linux) == ()


def test_who_stands_in_a_module_that_is_removed_is_warned(linux: Session) -> None:
    values = do(linux, "insmod lecture.s", "movl %eax,user_heap", "rmmod lecture")
    assert values[0] == ModuleRemoved("lecture")
    assert only(Message, values).text == "EIP stands where it was: there is nothing to fetch any more"
    assert only(Ran, do(linux, "c")).exceptions


def test_a_module_without_cleanup_module_is_removed_too(linux: Session) -> None:
    assert do(linux, "insmod quiet.s", "rmmod quiet") == [ModuleRemoved("quiet")]


def test_several_modules_are_listed_newest_first_and_each_has_its_own_memory(linux: Session) -> None:
    do(linux, "insmod hello.s", "insmod quiet.s")
    newest, oldest = modules(linux)
    assert (newest.name, oldest.name) == ("quiet", "hello")
    assert newest.address >= oldest.address + oldest.size + 4096  # a guard page is between them
    assert value(linux, "init_module") == newest.address + HEAD  # the newest module's names win
    do(linux, "rmmod quiet")
    assert value(linux, "init_module") == oldest.address + HEAD


@pytest.mark.parametrize("lines", [[], ["kernel"], ["movl %eax,user_hole"], ["kernel", "cli"], ["switch"]])
def test_wherever_one_stands_the_registers_stay(linux: Session, lines: list[str]) -> None:
    do(linux, "movl $1,%eax; movl $2,%ebx", *lines)

    def standing() -> tuple[object, ...]:
        cpu = linux.machine.cpu
        selectors = [segment.selector for segment in cpu.segments]
        return cpu.registers[:], cpu.eip, cpu.eflags, selectors, cpu.cr3, linux.place()

    before = standing()
    only(ModuleLoaded, do(linux, "insmod hello.s"))
    assert standing() == before
    only(ModuleRemoved, do(linux, "rmmod hello"))
    assert standing() == before


def test_only_the_tasks_that_have_touched_the_area_have_its_page_table(linux: Session) -> None:
    def entry(address: str) -> int:
        return value(linux, f"phys[({address} & ~0xfff) + {AREA >> 22} * 4]")

    assert entry("cr3") == 0
    assert entry("swapper_pg_dir - PAGE_OFFSET") == 0
    do(linux, "insmod hello.s")
    assert entry("cr3") == entry("swapper_pg_dir - PAGE_OFFSET") & ~0x60 | entry("cr3") & 0x60 != 0
    do(linux, "switch")
    assert entry("cr3") == 0
    assert value(linux, f"phys[phys[(swapper_pg_dir - PAGE_OFFSET) + {AREA >> 22} * 4] & ~0xfff]") & 1
    only(ModuleRemoved, do(linux, "rmmod hello"))


def test_a_page_faults_handler_still_finds_its_address_after_it(linux: Session) -> None:
    do(linux, "movl $1,user_heap")  # CR2 has not been read yet, and insmod's own memory faults, too
    only(ModuleLoaded, do(linux, "insmod hello.s"))
    only(ModuleRemoved, do(linux, "rmmod hello"))
    assert value(linux, "cr2") == value(linux, "user_heap")
    do(linux, "c")
    assert value(linux, "[user_heap]") == 1


# --- what the kernel refuses


def test_an_init_module_that_fails_leaves_nothing_behind(linux: Session) -> None:
    do(linux, "insmod quiet.s", "rmmod quiet")
    before, names = used_pages(linux), dict(linux.symbols)
    printed, failed = do(linux, "insmod failing.s")
    assert printed == Printed("no memory for this\n")
    assert failed == ModuleFailed("failing", "init_module", -12, "-ENOMEM", "out of memory")
    assert used_pages(linux) == before
    assert dict(linux.symbols) == names
    assert modules(linux) == ()


def test_a_positive_result_of_init_module_is_no_success(linux: Session) -> None:
    failed = only(ModuleFailed, do(linux, "insmod positive.s"))
    assert (failed.result, failed.error) == (-16, "-EBUSY")
    assert failed.meaning.endswith("the module has returned a positive number")
    assert modules(linux) == ()


def test_a_result_that_is_no_error_is_told_as_a_number(linux: Session) -> None:
    Path("wild.s").write_text("init_module: movl $-1000000,%eax; ret\n")
    failed = only(ModuleFailed, do(linux, "insmod wild.s"))
    assert (failed.result, failed.error) == (-1000000, "-1000000")


def test_without_memory_create_module_says_so(linux: Session) -> None:
    pages = linux.world.page_map
    assert pages is not None
    linux.changing()
    peeking.place(linux.machine, pages.start, used_pages(linux).replace(b"\0", b"\1"))
    linux.changed_by_host()
    before = used_pages(linux)
    failed = only(ModuleFailed, do(linux, "insmod quiet.s"))
    assert (failed.call, failed.error) == ("create_module", "-ENOMEM")
    assert used_pages(linux) == before


def test_a_second_load_is_refused_before_anything_happens(linux: Session) -> None:
    do(linux, "insmod hello.s")
    problem = problem_of(linux, "insmod hello.s")
    assert (problem.sentence, problem.hint) == ("a module hello is there already", "rmmod hello")


def test_a_module_that_is_not_there_cannot_be_removed(linux: Session) -> None:
    assert problem_of(linux, "rmmod hello").hint == "no module is loaded"
    do(linux, "insmod hello.s")
    assert problem_of(linux, "rmmod helo").hint == "did you mean hello?"


def test_rmmod_knows_a_module_by_the_name_of_its_file_too(linux: Session) -> None:
    Path("with-dash.s").write_text(SOURCES["quiet"])
    assert only(ModuleLoaded, do(linux, "insmod with-dash.s")).name == "with_dash"
    assert only(ModuleRemoved, do(linux, "rmmod with-dash")).name == "with_dash"


def test_a_world_without_a_kernel_has_no_modules(bare: Session) -> None:
    for line in ("insmod hello.s", "rmmod hello", "lsmod", "ksyms"):
        assert problem_of(bare, line).sentence == "the world bare has no kernel to load modules into"


# --- what is wrong in the files


def test_names_that_nobody_defines_are_named_and_nothing_changes(linux: Session) -> None:
    Path("bad.s").write_text("init_module: call prink; call do_page_fault; movl $ENOMEM,%eax; ret\n")
    problem = problem_of(linux, "insmod bad.s")
    assert problem.sentence == "prink, do_page_fault, ENOMEM are not defined anywhere"
    assert problem.hint is not None
    assert "did you mean printk?" in problem.hint
    assert "do_page_fault is in the kernel, but it does not export it" in problem.hint
    assert 'ENOMEM is one of the numbers that .include "constants.s" defines' in problem.hint


def test_the_users_names_are_not_the_kernels(linux: Session) -> None:
    Path("bad.s").write_text("init_module: jmp user_heap\n")
    hint = problem_of(linux, "insmod bad.s").hint
    assert hint == "user_heap is the user program's: a module is linked with the kernel only"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.s", "nop", "a has no function init_module"),
        ("a.s", "init_module: movl %eax", "movl takes 2 operands, not 1"),
        ("a.s", "init_module: movl $-ENOMEM,%eax", "ENOMEM is not defined here"),
        ("a.s", ".data; init_module: .word init_module", "an address does not fit in the 16 bits"),
        ("a.o", "text", "a.o is no object file"),
        ("a.txt", "text", "a.txt is nothing that a module is made of"),
        ("a.s", "\udcff", "a.s is not a text file"),
        (f"{'a' * 44}.s", "init_module: ret", f"the module's name would be {'a' * 44}"),
    ],
)
def test_a_file_that_is_no_module_is_refused(linux: Session, name: str, text: str, sentence: str) -> None:
    Path(name).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert problem_of(linux, f"insmod {name}").sentence.startswith(sentence)


def test_two_files_with_an_init_module_are_refused(linux: Session) -> None:
    assert problem_of(linux, "insmod hello.s hello.s").sentence == "init_module is defined twice"
    problem = problem_of(linux, "insmod quiet.s positive.s")
    assert (problem.sentence, problem.hint) == ("there is more than one init_module", "in quiet.s and positive.s")


def test_a_file_that_is_nowhere_is_looked_for_among_the_lessons_too(linux: Session) -> None:
    problem = problem_of(linux, "insmod lectur.s")
    assert problem.sentence == "there is no file lectur.s, neither here nor among the lessons"
    assert problem.hint is not None
    assert "lecture.s" in problem.hint
    assert problem_of(linux, "insmod lecture").hint == "there are lecture.c, lecture.lab, lecture.s"
    assert problem_of(linux, "insmod late-cr2.s").hint == "there is wrong/late-cr2.s"
    only(ModuleLoaded, do(linux, "insmod lecture.s"))


# --- parameters


def test_a_variable_of_an_assembled_module_is_set_as_a_long(linux: Session) -> None:
    assert do(linux, "insmod hello.s times=2*3")[0] == Printed("hello 6\n")


@pytest.mark.parametrize(
    ("line", "sentence", "hint"),
    [
        ("insmod hello.s time=5", "hello has no parameter time", "did you mean times?"),
        ("insmod hello.s init_module=5", "hello has no parameter init_module", None),
        ("insmod quiet.s x=5", "quiet has no parameter x", "it has none"),
        ('insmod hello.s times="5"', "the parameter times of hello takes a number: times=5", None),
        ("insmod hello.s times=0x100000000", "4294967296 does not fit in the 32 bits of times", None),
        ("insmod hello.s times=", "times is given no value", 'times=5, or times="text"'),
        ("insmod short.s x=5", "x is no variable of 32 bits: the module ends there", None),
        ("insmod hello.s times=nosuch", "nosuch is not defined", 'a text is written times="..."'),
        ("insmod hello.s times=1,2", "times takes one value", None),
        ("insmod hello.s times=1;2", "times takes one value", None),
        ("insmod -O9 hello.s", "there is no option -O9", None),
        ("insmod step", "no file is given", None),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(linux: Session, line: str, sentence: str, hint: str | None) -> None:
    problem = problem_of(linux, line)
    assert problem.sentence == sentence
    assert hint is None or problem.hint == hint


# --- functions that do not return


def test_an_oops_in_init_module_leaves_a_module_that_does_not_run(linux: Session) -> None:
    values = do(linux, "insmod oops.s")
    assert "Unable to handle kernel NULL pointer dereference" in values[0].text
    assert only(Ran, values).stopped is Stopped.WORLD
    assert values[-1] == ModuleUnfinished("oops", "init_module", waits=False)
    assert [(each.name, each.running) for each in modules(linux)] == [("oops", False)]
    assert linux.ring == 3
    assert do(linux, "rmmod oops") == [ModuleRemoved("oops")]
    only(ModuleLoaded, do(linux, "insmod hello.s"))


def test_a_triple_fault_in_init_module_is_told_and_taken_back(linux: Session) -> None:
    do(linux, "nop")
    before = everything(linux)
    values = do(linux, "insmod triple.s")
    assert any(isinstance(each, Story) and isinstance(each.step.end, ShutDown) for each in values)
    assert only(Ran, values).stopped is Stopped.SHUTDOWN
    assert only(ModuleUnfinished, values) == ModuleUnfinished("triple", "init_module", waits=False)
    do(linux, "back")
    assert everything(linux) == before


def test_a_module_that_has_the_page_tables_overwritten_is_told_to_the_end(linux: Session) -> None:
    log = linux.world.log
    assert log is not None
    table = value(linux, "phys[cr3 + 0x300 * 4] & ~0xfff")
    entry = 0xC0000000 + table + (log.buffer + 8192 >> 12 & 0x3FF) * 4  # of a page in the midst of the kernel's log
    Path("smash.s").write_text(f"""
init_module:
        pushl   $text
        call    printk
        movl    $0, {entry:#x}
        movl    %cr3, %eax
        movl    %eax, %cr3
        lidt    nothing
        ud2
        .data
text:   .asciz  "goodbye"
nothing: .word  0, 0, 0
""")
    values = do(linux, "insmod smash.s")
    assert only(Ran, values).stopped is Stopped.SHUTDOWN
    assert only(ModuleUnfinished, values) == ModuleUnfinished("smash", "init_module", waits=False)


def test_the_names_of_a_module_that_has_itself_removed_are_gone_with_it(linux: Session) -> None:
    Path("own.s").write_text("""
init_module: movl $129,%eax; movl $name,%ebx; int $0x80; ret
        .data
name:   .asciz "own"
""")
    assert do(linux, "insmod own.s")[-1] == ModuleUnfinished("own", "init_module", waits=False)
    assert modules(linux) == ()
    assert "name" not in linux.symbols


def test_a_budget_ends_an_init_module_that_runs_on_and_it_still_waits() -> None:
    session = Session("linux", budget=20_000)
    values = do(session, "insmod endless.s")
    assert only(Ran, values).stopped is Stopped.BUDGET
    assert values[-1] == ModuleUnfinished("endless", "init_module", waits=True)
    assert value(session, "[count]") > 1000
    before = value(session, "[count]")
    assert only(Ran, do(session, "c")).stopped is Stopped.BUDGET
    assert value(session, "[count]") > before


def test_a_budget_that_does_not_suffice_for_create_module_loads_nothing() -> None:
    session = Session("linux", budget=50)
    assert do(session, "insmod hello.s")[-1] == ModuleUnfinished("hello", "create_module", waits=True)
    assert "times" not in session.symbols


def test_a_breakpoint_in_the_kernels_fault_handler_does_not_keep_a_module_from_being_loaded(linux: Session) -> None:
    do(linux, "b page_fault")
    only(ModuleLoaded, do(linux, "insmod hello.s"))
    assert len(linux.breakpoints) == 1
    values = do(linux, "insmod oops.s")  # here it is the module that faults
    assert only(Ran, values).stopped is Stopped.BREAKPOINT
    assert values[-1] == ModuleUnfinished("oops", "init_module", waits=True)


def test_step_stands_at_the_first_instruction_and_c_completes_it(linux: Session) -> None:
    values = do(linux, "insmod step hello.s")
    assert linux.here == AREA + HEAD == value(linux, "init_module")
    assert linux.ring == 0
    assert values[-1] == ModuleUnfinished("hello", "init_module", waits=True)
    assert not linux.breakpoints.addresses()
    assert [each.running for each in modules(linux)] == [False]
    do(linux, "si")
    values = do(linux, "c")
    assert Printed("hello 1\n") in values
    assert only(ModuleLoaded, values).name == "hello"
    assert linux.ring == 3


def test_finish_completes_it_too(linux: Session) -> None:
    do(linux, "insmod --step failing.s", "finish")
    assert linux.machine.cpu.registers[0] == 0xFFFFFFF4  # -ENOMEM: the kernel has yet to see it
    assert only(ModuleNotStarted, do(linux, "c")).name == "failing"
    assert modules(linux) == ()
    assert "text" not in linux.symbols


def test_a_breakpoint_in_cleanup_module_holds_rmmod_up(linux: Session) -> None:
    do(linux, "insmod hello.s", "tb cleanup_module")
    values = do(linux, "rmmod hello")
    assert values[-1] == ModuleUnfinished("hello", "cleanup_module", waits=True)
    assert linux.here == value(linux, "cleanup_module")
    assert only(ModuleRemoved, do(linux, "c")).name == "hello"
    assert "cleanup_module" not in linux.symbols


def test_what_the_guest_removes_itself_is_noticed(linux: Session) -> None:
    do(linux, "insmod hello.s", 'name: .asciz "hello"')
    values = do(linux, "movl $129,%eax; movl $name,%ebx; int $0x80", "c")
    assert only(ModuleRemoved, values).name == "hello"
    assert modules(linux) == ()
    assert "times" not in linux.symbols


# --- the way back


def test_back_takes_insmod_back_whole_and_it_can_be_done_again(linux: Session) -> None:
    do(linux, "nop")
    before = everything(linux)
    first = do(linux, "insmod hello.s")
    after = everything(linux)
    do(linux, "back")
    assert everything(linux) == before
    assert modules(linux) == ()
    assert "times" not in linux.symbols
    assert do(linux, "insmod hello.s") == first
    assert everything(linux) == after
    do(linux, "rmmod hello", "back")
    assert everything(linux) == after
    assert value(linux, "[times]") == 1


def test_single_steps_back_from_behind_insmod_know_the_module_while_it_is_there(linux: Session) -> None:
    do(linux, "insmod hello.s", "nop", "reverse-stepi 4")
    assert [each.name for each in modules(linux)] == ["hello"]
    assert "times" in linux.symbols
    do(linux, "back")
    assert modules(linux) == ()
    assert "times" not in linux.symbols


# --- C

COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("gcc", "clang")
]

IN_C = r"""
#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/errno.h>

static int times = 2, unused;
static short small = 1;
static unsigned char tiny = 1;
static char *text = "default";
MODULE_PARM(times, "i");
MODULE_PARM(small, "h");
MODULE_PARM(tiny, "b");
MODULE_PARM(text, "s");
MODULE_PARM_DESC(text, "what to say");

asmlinkage int twice(int number);
extern int counter;

static int __init start(void)
{
        int i;

        for (i = 0; i < times; i++)
                printk(KERN_INFO "%d %s %d %d %d\n", i, text, small, tiny, twice(counter));
        return times < 0 ? -EINVAL : 0;
}

static void __exit stop(void)
{
        printk(KERN_INFO "bye, %s\n", text);
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("somebody");
"""
BESIDE_IT = """
        .globl  twice
twice:  movl    4(%esp), %eax
        addl    %eax, %eax
        ret
        .comm   counter, 4
"""


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CC", request.param)
    Path("blink-er.c").write_text(IN_C)
    Path("beside.s").write_text(BESIDE_IT)
    return str(request.param)


@pytest.mark.parametrize("optimization", ["-O0", "-O2", ""])
def test_c_and_assembly_make_one_module_with_parameters(linux: Session, compiler: str, optimization: str) -> None:
    line = f'insmod {optimization} blink-er.c beside.s times=1 small=-3 text="hi \\"there\\"" tiny=200'
    values = do(linux, line)
    assert next(each for each in values if not isinstance(each, Message)) == Printed('0 hi "there" -3 200 0\n')
    assert only(ModuleLoaded, values).name == "blink_er"
    assert do(linux, "rmmod blink_er") == [Printed('bye, hi "there"\n'), ModuleRemoved("blink_er")]


def test_a_parameter_must_be_declared_in_c(linux: Session, compiler: str) -> None:
    assert problem_of(linux, "insmod blink-er.c beside.s unused=1").sentence == "blink_er has no parameter unused"
    assert problem_of(linux, "insmod blink-er.c beside.s small=70000").sentence.startswith(
        "70000 does not fit in the 16"
    )
    assert problem_of(linux, "insmod blink-er.c beside.s text=1").sentence.endswith('takes a text: text="..."')
    failed = only(ModuleFailed, do(linux, "insmod blink-er.c beside.s times=-1"))
    assert failed.error == "-EINVAL"


def test_what_the_compiler_warns_of_is_told(linux: Session, compiler: str) -> None:
    warnings = [each for each in do(linux, "insmod blink-er.c beside.s") if isinstance(each, Message)]
    assert len(warnings) == 1
    assert "blink-er.c:6:23: warning:" in warnings[0].text
    assert "unused" in warnings[0].text


def test_what_the_compiler_refuses_is_a_problem_at_its_place(linux: Session, compiler: str) -> None:
    Path("bad.c").write_text("#include <linux/module.h>\nint init_module(void)\n{\n\treturn /* ä */ nothing;\n}\n")
    problem = problem_of(linux, "insmod bad.c")
    assert "nothing" in problem.sentence
    assert (problem.file, problem.line, problem.column) == ("bad.c", 4, 16)
    assert problem.text == "\treturn /* ä */ nothing;"


def test_what_the_compilers_assembler_refuses_is_one_too(linux: Session, compiler: str) -> None:
    Path("bad.c").write_text('int x;\nasm("movl %nothing, %eax");\n')
    problem = problem_of(linux, "insmod bad.c")
    assert (problem.file, problem.line, problem.hint) == ("bad.c", None, "in assembler text")
    Path("bad.c").write_text('int f(void)\n{\n        asm("movl %nothing, %eax");\n        return 0;\n}\n')
    problem = problem_of(linux, "insmod bad.c")
    assert (problem.file, problem.line) == ("bad.c", 3)


def test_an_object_needs_no_compiler(linux: Session, compiler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pagefault_lab.worlds.compiler import compile_c

    Path("made.o").write_bytes(compile_c(Path("blink-er.c")).data)
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    assert only(ModuleLoaded, do(linux, "insmod made.o beside.s")).name == "made"


def test_without_a_compiler_one_sentence_says_what_to_install(linux: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("some.c").write_text(IN_C)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    problem = problem_of(linux, "insmod some.c")
    assert problem.sentence == "there is no C compiler here"
    assert problem.hint is not None
    assert "gcc" in problem.hint


@pytest.mark.parametrize(
    ("script", "sentence", "hint"),
    [
        ("exit 3", "cannot compile some.c", "it does not say why"),
        ("kill -9 $$", "cannot compile some.c", "signal 9 has ended it"),
        ("printf %1000s x >&2; exit 1", "cannot compile some.c", " " * 200),
    ],
)
def test_a_compiler_that_gives_up_is_a_problem(
    linux: Session, script: str, sentence: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("some.c").write_text(IN_C)
    Path("odd").write_text(f"#!/bin/sh\n{script}\n")
    Path("odd").chmod(0o755)
    monkeypatch.setenv("CC", "./odd")
    problem = problem_of(linux, "insmod some.c")
    assert problem.sentence == f"./odd {sentence}"
    assert problem.hint == hint


@pytest.mark.parametrize("command", ["./nosuch", "./odd"])
def test_another_compiler_than_the_one_in_cc_is_told(
    linux: Session, compiler: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("odd").write_text("#!/bin/sh\nexit 0\n")  # it says that all is well, and makes nothing
    Path("odd").chmod(0o755)
    monkeypatch.setenv("CC", command)
    first = do(linux, "insmod blink-er.c beside.s")[0]
    assert isinstance(first, Message)
    assert first.text.startswith(f"CC={command} cannot be used here: ")


def test_a_mistake_in_what_a_macro_stands_for_is_where_the_macro_is_used(linux: Session, compiler: str) -> None:
    Path("bad.c").write_text("#include <linux/module.h>\nint init_module(void) { return 0; }\nmodule_init(other);\n")
    problem = problem_of(linux, "insmod bad.c")
    assert (problem.file, problem.line) == ("bad.c", 3)


def test_a_header_that_is_missing_is_told_with_those_that_are_there(linux: Session, compiler: str) -> None:
    Path("bad.c").write_text("#include <linux/fs.h>\n")
    problem = problem_of(linux, "insmod bad.c")
    assert problem.hint is not None
    assert problem.hint.startswith("this kernel has asm/desc.h, ")


def test_floating_point_is_refused(linux: Session, compiler: str) -> None:
    Path("bad.c").write_text("static volatile double d = 1.5;\nint init_module(void) { d = d * 2; return 0; }\n")
    assert problem_of(linux, "insmod bad.c").sentence.startswith(("__muldf3", "__adddf3"))
    assert "is for floating point, which no kernel has" in str(problem_of(linux, "insmod bad.c").hint)


IN_THE_BOOKS = r"""
#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/init.h>
#include <linux/slab.h>

static int *numbers __initdata;
static short myshort = 1;
MODULE_PARM (myshort, "h");
MODULE_SUPPORTED_DEVICE("testdevice");
EXPORT_NO_SYMBOLS;

static int sum(int count, ...)
{
        va_list list;
        int found = 0;

        va_start(list, count);
        while (count--)
                found += va_arg(list, int);
        va_end(list);
        return found;
}

static int __init hello_init(void)
{
        struct pt_regs *regs = NULL;

        numbers = (int *)get_free_page(GFP_KERNEL);
        if (!numbers)
                return -ENOMEM;
        memset(numbers, 0, PAGE_SIZE);
        printk(KERN_ALERT "Hello, %s: %d %hd %d\n", current->comm, sum(3, 1, 2, 3), myshort, (int)sizeof(*regs));
        free_page((unsigned long)numbers);
        return 0;
}

static void __exit hello_exit(void)
{
        printk("<1>Goodbye, world\n");
}

module_init(hello_init);
module_exit(hello_exit);
"""


def test_a_module_as_the_books_write_it(linux: Session, compiler: str) -> None:
    Path("book.c").write_text(IN_THE_BOOKS)
    printed, loaded = do(linux, "insmod -O3 book.c")
    assert printed == Printed("Hello, hello: 6 1 60\n")
    assert loaded.name == "book"


def test_ksyms_lists_what_a_module_may_use(linux: Session) -> None:
    exported = only(SymbolList, do(linux, "ksyms")).symbols
    names: list[Any] = [symbol.name for symbol in exported]
    assert {"printk", "get_free_page", "current", "idt_table", "memcpy"} <= set(names)
    assert "do_page_fault" not in names
    assert [symbol.value for symbol in exported] == sorted(symbol.value for symbol in exported)
    pages = [symbol.name for symbol in only(SymbolList, do(linux, "ksyms free_page")).symbols]
    assert {"get_free_page", "free_page"} <= set(pages) < set(names)
