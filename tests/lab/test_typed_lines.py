"""A typed line: real bytes in a scratch page, executed there, restarted after its fault, and EIP that comes back."""

import pytest
from benches import do, everything, only, steps, value

from pagefault_lab.lab.results import (
    BranchedAway,
    Defined,
    Halted,
    Message,
    NotTold,
    Ran,
    RestartedLine,
    Stopped,
    Typed,
    Unfinished,
)
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.step import Interrupted, Retired
from pagefault_lab.problem import Problem


def test_a_line_is_placed_behind_the_last_one_and_executed_there(bare: Session) -> None:
    first = only(Typed, do(bare, "movl $5,%eax"))
    second = do(bare, "addl $3,%eax")
    typed = only(Typed, second)
    assert (first.address, first.bytes) == (0x1000, bytes.fromhex("b805000000"))
    assert (typed.address, typed.bytes, typed.text) == (0x1005, bytes.fromhex("83c003"), "addl $0x3,%eax")
    (step,) = steps(second)
    assert (step.eip, step.end) == (0x1005, Retired())
    assert value(bare, "eax") == 8
    assert value(bare, "eip") == 0x1008


def test_placing_touches_no_tlb_entry_and_no_accessed_or_dirty_bit(linux: Session) -> None:
    do(linux, "nop")
    tlb = dict(linux.machine.cpu.tlb.entries)
    entry = value(linux, "pte(user_scratch)")
    do(linux, ".long 1, 2, 3")
    assert linux.machine.cpu.tlb.entries == tlb
    assert value(linux, "pte(user_scratch)") == entry
    assert not entry & 0x40


def test_code_written_by_the_host_is_never_executed_stale(bare: Session) -> None:
    do(bare, "asm", "start: movl $1,%eax", "end", "c")
    do(bare, "set u8[start+1] = 7", "set eip = start", "si")
    assert value(bare, "eax") == 7


def test_several_statements_of_one_line_are_all_executed(bare: Session) -> None:
    values = do(bare, "movl $1,%eax; addl %eax,%eax; addl %eax,%eax")
    assert [step.eip for step in steps(values)] == [0x1000, 0x1005, 0x1007]
    assert value(bare, "eax") == 4
    do(bare, "back")
    assert value(bare, "eax") == 0


def test_data_is_placed_and_not_executed(bare: Session) -> None:
    values = do(bare, "table: .long 1, 2; .asciz \"hi\"")
    assert not only(Typed, values).executes
    assert [symbol.name for symbol in only(Defined, values).symbols] == ["table"]
    assert not steps(values)
    do(bare, "movl table+4,%eax")
    assert value(bare, "eax") == 2


def test_a_line_is_executed_from_its_first_instruction_also_where_data_comes_first(bare: Session) -> None:
    values = do(bare, ".set two, 2; pointer: .word 0x7ff; .long 0x1234; lidt pointer; .org 0x1040; inc: incl %eax")
    assert only(Typed, values).executes
    assert (value(bare, "idtr.base"), value(bare, "idtr.limit")) == (0x1234, 0x7FF)
    assert steps(values)[0].eip == value(bare, "pointer") + 6


def test_an_equate_is_a_constant(bare: Session) -> None:
    (symbol,) = only(Defined, do(bare, "SIZE = 12")).symbols
    assert (symbol.name, symbol.value, symbol.kind) == ("SIZE", 12, "constant")
    do(bare, "SIZE = 13", "movl $SIZE,%eax")
    assert value(bare, "eax") == 13


@pytest.mark.parametrize("line", ["x = 5", "b: nop", "p = 7", "c:", "set: .long 1", "si = 3", "1: nop", "list == 4"])
def test_a_label_or_assignment_is_code_even_if_its_name_is_a_command(bare: Session, line: str) -> None:
    assert only(Typed, do(bare, line)) if "nop" in line or ".long" in line else only(Defined, do(bare, line))


def test_an_instruction_wins_over_an_abbreviated_command(bare: Session) -> None:
    do(bare, "sti")
    assert value(bare, "if") == 1
    do(bare, "lea 4(%eax),%ebx")
    assert value(bare, "ebx") == 4


def test_a_loop_typed_line_by_line_runs_on_from_its_branch(bare: Session) -> None:
    do(bare, "movl $3,%ecx", "again: incl %eax", "loop again")
    assert value(bare, "eip == again")
    assert only(Ran, do(bare, "c")).stopped is Stopped.END_OF_TYPED
    assert value(bare, "eax") == 3


def test_a_numeric_label_of_an_earlier_line_is_known(bare: Session) -> None:
    do(bare, "movl $2,%ecx", "1: incl %eax", "loop 1b", "c")
    assert value(bare, "eax") == 2


def test_a_branch_to_a_label_that_follows_takes_more_lines(bare: Session) -> None:
    unfinished = only(Unfinished, do(bare, "jmp done"))
    assert unfinished.waits_for == "done"
    assert bare.unfinished
    assert bare.pending == ["jmp done"]
    do(bare, "movl $1,%eax")
    values = do(bare, "done: movl $2,%ebx")
    assert not bare.unfinished
    assert len(steps(values)) == 2
    assert (value(bare, "eax"), value(bare, "ebx")) == (0, 2)


def test_a_wrong_line_in_a_block_leaves_the_block_waiting(bare: Session) -> None:
    do(bare, "jmp done", "incl %eax")
    with pytest.raises(Problem):
        do(bare, "incl %exx")
    assert bare.pending == ["jmp done", "incl %eax"]
    do(bare, "done: nop")
    assert value(bare, "eax") == 0


def test_an_unfinished_block_can_be_given_up(bare: Session) -> None:
    assert only(Message, do(bare, "jmp done", "end"))
    assert not bare.unfinished
    do(bare, "jmp done")
    bare.abandon()
    assert not bare.unfinished
    assert not bare.history.lines
    assert not bare.lines


@pytest.mark.parametrize(("opens", "way_out"), [("jmp done", "`end` forgets `jmp done`"), ("asm", "`end` finishes")])
def test_who_types_a_command_into_an_unfinished_block_is_told_how_to_get_out(
    bare: Session, opens: str, way_out: str
) -> None:
    do(bare, opens)
    for line, sentence in (("c", "c is a command"), ("  info tlb", "info tlb is a command"), ("zork", "not an inst")):
        with pytest.raises(Problem, match=sentence) as caught:
            do(bare, line)
        assert way_out in str(caught.value.hint)
        assert bare.pending == [opens]
    with pytest.raises(Problem, match="no register") as caught:
        do(bare, "incl %exx")
    assert way_out not in str(caught.value.hint)  # it was meant for the block
    do(bare, "done: nop", *(["end"] if opens == "asm" else []))
    assert not bare.unfinished


def test_a_macro_that_was_typed_can_be_used_later(bare: Session) -> None:
    do(bare, ".macro twice what", "incl \\what", "incl \\what", ".endm", "twice %ebx")
    assert value(bare, "ebx") == 2
    with pytest.raises(Problem) as caught:
        do(bare, "movl %exx,%eax")
    assert (caught.value.line, caught.value.column) == (None, 5)
    assert str(caught.value).startswith("there is no register")


def test_an_asm_block_is_placed_and_not_executed(bare: Session) -> None:
    do(bare, "nop", "asm", "isr:", "pushal", "popal", "iret")
    values = do(bare, "end")
    assert only(Typed, values).bytes == bytes.fromhex("6061cf")
    assert not only(Typed, values).executes
    assert value(bare, "eip == isr")
    assert [line.text for line in bare.code.program] == ["nop", "pushal", "popal", "iret"]
    assert value(bare, "steps") == 1


def test_a_wrong_line_of_an_asm_block_is_told_at_once_with_its_number(bare: Session) -> None:
    do(bare, "asm", "nop")
    with pytest.raises(Problem) as caught:
        do(bare, "  nopp")
    assert (caught.value.line, caught.value.column) == (3, 2)
    do(bare, "end")
    assert [line.text for line in bare.code.program] == ["nop"]


def test_a_line_of_an_asm_block_may_name_what_a_later_line_defines(bare: Session) -> None:
    do(bare, "asm", "pushl $text", "movl size,%eax", "ret", "text: .asciz \"a\"", "size: .long 2")
    values = do(bare, "end")
    assert only(Typed, values).bytes[0] == 0x68
    assert len(bare.code.program) == 5
    do(bare, "asm")
    with pytest.raises(Problem) as caught:
        do(bare, "movl eax,%ebx")
    assert caught.value.hint == "a register is written with a %: %eax"


def test_an_asm_block_without_its_label_is_told_at_the_end(bare: Session) -> None:
    do(bare, "asm", "jmp nowhere")
    with pytest.raises(Problem):
        do(bare, "end")
    do(bare, "nowhere: nop", "end")
    assert not bare.unfinished


def test_a_wrong_line_changes_nothing(bare: Session) -> None:
    before = everything(bare)
    for line in ("movl %exx,%eax", "movl (%eax", "nonsense", "x = ", "p (", "set eax"):
        with pytest.raises(Problem) as caught:
            do(bare, line)
        assert caught.value.sentence
        assert everything(bare) == before
    assert not bare.lines


def test_a_problem_stands_at_its_column(bare: Session) -> None:
    with pytest.raises(Problem) as caught:
        do(bare, "  movl %eax, (%exx)")
    assert (caught.value.text, caught.value.column) == ("  movl %eax, (%exx)", 14)
    assert caught.value.file is None
    assert caught.value.line is None


def test_a_fault_enters_the_handler_and_eip_of_the_fault_is_the_lines_address(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx")
    values = do(linux, "movl %eax,(%ebx)")
    (step,) = steps(values)
    assert isinstance(step.end, Interrupted)
    assert value(linux, "fault.eip") == only(Typed, values).address
    assert value(linux, "cpl == 0 && eip == page_fault && cr2 == user_bss && fault.error == 6")


def test_c_after_a_repaired_fault_stops_when_the_restarted_line_has_retired(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl $77,%eax", "movl %eax,(%ebx)")
    values = do(linux, "c")
    assert only(RestartedLine, values).line == "movl %eax,(%ebx)"
    assert only(Ran, values).stopped is Stopped.RETIRED
    (step,) = steps(values)
    assert step.end == Retired()
    assert value(linux, "u32[user_bss]") == 77
    assert linux.place().typed


def test_a_line_that_faults_twice_is_followed_to_its_end(linux: Session) -> None:
    do(linux, "movl $user_bss,%esi", "movl $user_heap,%edi")
    do(linux, "movsl")
    values = do(linux, "c")
    assert only(Ran, values).stopped is Stopped.RETIRED
    assert value(linux, "fault.count") == 2
    assert value(linux, "esi == user_bss + 4 && edi == user_heap + 4")


def test_si_through_the_handler_notices_the_restarted_line_too(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)", "finish")
    assert value(linux, "cpl == 3")
    assert only(RestartedLine, do(linux, "si")).came_back is None


def test_in_a_handler_a_line_runs_in_its_context_and_eip_comes_back(linux: Session) -> None:
    do(linux, "movl $user_bss,%ebx", "movl %eax,(%ebx)")
    place, esp = linux.here, value(linux, "esp")
    values = do(linux, "movl 4(%esp),%ecx")
    (step,) = steps(values)
    assert (step.cpl, step.end) == (0, Retired())
    assert step.linear in linux.world.kernel_scratch
    assert value(linux, "ecx == fault.eip")
    assert (linux.here, value(linux, "esp")) == (place, esp)
    assert only(Ran, do(linux, "c")).stopped is Stopped.RETIRED


def test_in_a_handler_a_line_that_faults_comes_back_once_it_is_restarted(linux: Session) -> None:
    do(linux, "kernel")
    place = linux.here
    do(linux, "movl user_bss,%ecx")
    assert value(linux, "eip == page_fault")
    restarted = only(RestartedLine, do(linux, "c"))
    assert restarted.came_back == place == linux.here


def test_in_a_handler_a_branch_does_not_come_back(linux: Session) -> None:
    do(linux, "kernel", "jmp printk")
    assert value(linux, "eip == printk")


def test_a_typed_call_comes_back_when_the_function_returns(linux: Session) -> None:
    do(linux, "kernel")
    place = linux.here
    do(linux, "call find_vma")
    assert value(linux, "eip == find_vma")
    values = do(linux, "c")
    assert only(Ran, values).stopped is Stopped.RETIRED
    assert linux.here == place


def test_a_system_call_that_is_typed_comes_back_behind_it(linux: Session) -> None:
    do(linux, "movl $20,%eax", "int $0x80")
    assert value(linux, "cpl") == 0
    assert only(RestartedLine, do(linux, "c")).line == "int $0x80"
    assert value(linux, "cpl == 3 && eax == 1")
    do(linux, "nop")


def test_a_repeated_string_instruction_is_executed_whole(bare: Session) -> None:
    do(bare, "movl $0x9000,%edi; movl $5,%ecx; movb $'x',%al")
    values = do(bare, "rep stosb")
    assert len(steps(values)) == 5
    assert value(bare, "ecx") == 0
    do(bare, "movl $5000,%ecx")
    assert len(steps(do(bare, "rep stosb"))) < 100
    assert value(bare, "ecx") == 0
    do(bare, "back")
    assert value(bare, "ecx") == 5000


def test_a_line_that_never_ends_stops_at_the_budget_and_can_be_undone() -> None:
    session = Session("bare", budget=500)
    values = do(session, "1: jmp 1b")
    assert only(Ran, values).stopped is Stopped.BUDGET
    assert value(session, "steps") == 500
    do(session, "back")
    assert value(session, "steps") == 0


def test_lines_fill_page_after_page_and_then_say_so(bare: Session) -> None:
    for _ in range(3):
        do(bare, ".space 4096")
    do(bare, "movl $3,%eax")
    before = everything(bare)
    with pytest.raises(Problem, match="full"):
        do(bare, ".space 5000")
    assert everything(bare) == before
    do(bare, "movl $4,%ebx")


def test_a_line_may_lie_across_two_pages(linux: Session) -> None:
    do(linux, ".space 4094", "movl $0x1234,%eax")
    assert value(linux, "eax") == 0x1234


def test_typed_code_that_the_page_tables_do_not_map_is_a_problem(linux: Session) -> None:
    do(linux, "set pte(user_scratch).present = 0", "set cr3 = cr3")
    before = everything(linux)
    with pytest.raises(Problem) as caught:
        do(linux, "nop")
    assert "not mapped" in caught.value.sentence or "nothing is mapped" in caught.value.sentence
    assert everything(linux) == before


def test_a_halted_processor_executes_nothing_until_an_interrupt(linux: Session) -> None:
    do(linux, "jmp ready")
    assert only(Ran, do(linux, "c")).stopped is Stopped.WAITING
    with pytest.raises(Problem, match="halted"):
        do(linux, "nop")
    assert only(Ran, do(linux, "si")).stopped is Stopped.WAITING
    do(linux, "irq 0", "si")
    assert value(linux, "cpl") == 0
    do(linux, "nop")


def test_a_code_segment_with_a_base_executes_what_is_typed(bare: Session) -> None:
    do(bare, "table: .quad 0, 0x00cf9a001000ffff, 0x00cf92000000ffff", "pointer: .word 23; .long table")
    do(bare, "lgdt pointer")
    base = value(bare, "gdt(1).base")
    assert base == 0x1000
    do(bare, "ljmp $8,$0x500")
    assert bare.here == 0x1500
    bare.go_to(0x9000)
    do(bare, "movl $9,%eax")
    assert value(bare, "eax") == 9
    assert bare.here == 0x9000


def test_a_line_that_gets_on_and_faults_elsewhere_stops_there(linux: Session) -> None:
    """Recursion without an end: each new page of the stack is a fault of its own."""
    do(linux, "f: call f")
    for faults in (2, 3):
        assert only(Ran, do(linux, "c")).stopped is Stopped.NEXT_FAULT
        assert value(linux, "fault.count") == faults


def test_a_line_that_branches_away_says_where_eip_is(linux: Session) -> None:
    place = only(BranchedAway, do(linux, "movl $user_hole,%ebx", "jmp *%ebx")).place
    assert (place.address, place.name, place.typed) == (value(linux, "user_hole"), "user_hole", False)
    for line in ("back", "movl $1,%eax", "jmp 1f; 1:", "int $0x80", "c", "kernel"):
        assert not any(isinstance(each, BranchedAway) for each in do(linux, line)), line


def test_hlt_tells_what_the_processor_waits_for(linux: Session) -> None:
    do(linux, "kernel")
    assert only(Halted, do(linux, "hlt")) == Halted(interruptible=False)
    do(linux, "back", "sti")
    assert only(Halted, do(linux, "hlt")) == Halted(interruptible=True)


def test_steps_of_a_loop_that_are_not_told_are_counted(bare: Session) -> None:
    values = do(bare, "movl $3000,%ecx", "1: loop 1b")
    assert only(NotTold, values).steps + len(steps(values)) == 3000


def test_a_name_reaches_no_further_than_what_was_placed_with_it(bare: Session) -> None:
    do(bare, ".comm old,6", "movl $1,%eax")
    start = value(bare, "old")
    assert bare.symbols.name(start + 5) == "old+5"
    assert bare.symbols.name(start + 6) is None
    do(bare, "asm", "handler: nop", "iret", "end", "nop")
    assert bare.symbols.name(value(bare, "handler") + 1) == "handler+1"
    assert bare.symbols.name(value(bare, "handler") + 2) is None
    do(bare, "line: nop", "nop")
    assert bare.symbols.name(value(bare, "line") + 1) == "line+1", "what is typed line by line goes on"
    before = everything(bare)
    do(bare, "old: .space 2", "back")
    assert everything(bare) == before


def test_the_prompts_place_is_named_in_typed_code_too(bare: Session) -> None:
    assert bare.place().name == ""
    do(bare, "asm", "handler: nop", "nop", "end", "run handler", "back")
    assert bare.place().name == "handler"
    do(bare, "si")
    assert bare.place().name == "handler+1"
    do(bare, "si")
    assert bare.place().name == "", "here the next line will be typed"


def test_who_names_a_symbol_like_a_register_is_told_how_the_register_is_set(linux: Session) -> None:
    (told,) = [value for value in do(linux, "eax = 831") if isinstance(value, Message)]
    assert "set $eax = ..." in told.text
    assert not [value for value in do(linux, "other = 831") if isinstance(value, Message)]
