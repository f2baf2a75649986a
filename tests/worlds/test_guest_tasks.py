"""Tasks of the guest kernel, on QEMU and on our own machine: who runs, in which memory, on which stack."""

from __future__ import annotations

import struct

import pytest
from judges.guest import PAGE_OFFSET, Guest, needed

STACK = 0xBFFFFFE0
GENERAL = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp")


def directory(guest: Guest, union: str) -> tuple[int, ...]:
    return struct.unpack("<1024I", guest.pc.read(guest.pc.read_long(guest[union] + guest["TASK_PGD"]), 4096))


# ---- Switching


def test_the_timer_switches_to_the_other_task_at_ready_and_back(each_guest: Guest) -> None:
    guest = each_guest
    hello = guest.pc.registers()
    tasks = (1, "hello_task_union", hello), (2, "other_task_union", {**hello, **dict.fromkeys(GENERAL, 0)})
    for ticks, (pid, union, registers) in enumerate([*tasks, *tasks, *tasks]):
        assert (guest.pid, guest.task, guest.long("jiffies")) == (pid, guest[union], ticks)
        assert guest.pc.system_register("CR3") == guest.pc.read_long(guest[union] + guest["TASK_PGD"]) - PAGE_OFFSET
        assert guest.pc.read_long(guest["init_tss"] + 4) == guest[union] + 8192
        now = guest.pc.registers()
        assert (now["eip"], now["esp"], now["cs"], now["ss"]) == (guest["ready"], STACK, 0x23, 0x2B)
        assert {name: now[name] for name in GENERAL} == {name: registers[name] for name in GENERAL}
        guest.tick()
    assert guest.log == ""


def test_other_is_hello_s_program_that_has_not_run(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.tick() == 2
    assert guest.pc.read(guest.task + guest["TASK_COMM"], 16) == b"other".ljust(16, b"\0")
    assert (guest.long("counter"), guest.long("sum"), guest.long("pid")) == (0x1000, 0, 0)
    stack = guest.pc.read(STACK, 32)
    assert stack == struct.pack("<4I16s", 1, STACK + 16, 0, 0, b"other")


def test_directories_agree_about_the_kernel_and_about_nothing_else(each_guest: Guest) -> None:
    guest = each_guest
    hello, other = directory(guest, "hello_task_union"), directory(guest, "other_task_union")
    assert hello[768:] == other[768:]
    assert [bool(entry) for entry in hello[:768]] == [bool(entry) for entry in other[:768]]
    assert all(one != another for one, another in zip(hello[:768], other[:768], strict=True) if one)


def test_tasks_share_the_scratch_pages_and_the_program_but_no_variables(each_guest: Guest) -> None:
    guest = each_guest
    places = ("user_scratch", "user_text", "user_rodata", "user_data", "user_stack")
    hello = [guest.pte(guest[place]) >> 12 for place in places]
    assert guest.tick() == 2
    other = [guest.pte(guest[place]) >> 12 for place in places]
    assert [one == another for one, another in zip(hello, other, strict=True)] == [True, True, True, False, False]


def test_every_register_survives_the_other_task(each_guest: Guest) -> None:
    guest = each_guest
    values = {name: 0x1000 + number for number, name in enumerate(GENERAL)}
    assert guest.user("movl $0x23, %eax; movl %eax, %fs; movl $0x2b, %eax; movl %eax, %gs; std; stc")
    for name, value in values.items():
        guest.pc.set_register(name, value)
    before = guest.pc.registers()
    assert guest.tick() == 2
    assert guest.pc.registers()["fs"] == guest.pc.registers()["gs"] == 0
    load = "; ".join(f"movl $-1, %{name}" for name in GENERAL)
    assert guest.user(f"{load}; movl $0x2b, %ecx; movl %ecx, %fs; cld; clc")
    assert guest.tick() == 1
    assert guest.pc.registers() == before
    assert guest.tick() == 2
    assert (guest.pc.registers()["fs"], guest.pc.registers()["gs"]) == (0x2B, 0)


def test_a_selector_whose_descriptor_is_gone_is_null_after_the_switch(each_guest: Guest) -> None:
    guest = each_guest
    descriptor = guest["gdt_table"] + 0x40
    guest.pc.write(descriptor, (0x00CFF2000000FFFF).to_bytes(8, "little"))
    assert guest.user("movl $0x43, %eax; movl %eax, %fs; movl %eax, %gs")
    assert guest.tick() == 2
    guest.pc.write(descriptor, bytes(8))
    assert guest.tick() == 1
    assert (guest.pc.registers()["fs"], guest.pc.registers()["gs"]) == (0, 0)
    assert guest.log == ""


def test_a_task_that_pauses_gives_way_when_it_wakes(each_guest: Guest) -> None:
    guest = each_guest
    for awake, asleep in (1, 2), (2, 1), (1, 2):
        assert guest.pid == awake
        guest.pc.run_to(guest["cpu_idle"])
        guest.pc.set_register("eip", guest["cpu_idle"] + 1)  # where an interrupt finds a halted processor
        assert guest.tick() == awake  # no switch in the kernel
        assert guest.to_user() == asleep


def test_a_tick_between_the_call_of_pause_and_its_sleep_is_not_slept_on(each_guest: Guest) -> None:
    guest = each_guest
    guest.pc.run_to(guest["system_call"])
    assert guest.tick() == 1  # no switch in the kernel
    assert guest.to_user() == 2
    guest.pc.run_to(guest["cpu_idle"])  # nobody is due


def test_a_tick_at_the_kernel_prompt_counts_on_the_way_to_user_mode(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.kernel_mode("movl $1, %esi")
    assert guest.tick() == 1
    assert guest.pc.registers()["cs"] == 0x10
    assert guest.kernel_mode("std; movl $0, %eax; movl %eax, %es")  # nor does it matter how the prompt is left
    assert guest.leave_kernel() == 2
    assert guest.tick() == 1
    assert guest.pc.registers()["cs"] == 0x23
    assert guest.kernel_mode("nop")
    assert guest.leave_kernel() == 1


def test_sched_yield_lets_the_next_task_run(each_guest: Guest) -> None:
    guest = each_guest
    end = guest.place("movl $158, %eax; int $0x80", guest.user_place)
    guest.pc.run_to(guest["ready"])
    assert guest.pid == 2
    assert guest.tick() == 1
    assert (guest.pc.registers()["eip"], guest.pc.registers()["eax"]) == (end, 0)


def test_a_task_without_others_goes_on(each_guest: Guest) -> None:
    guest = each_guest
    guest.pc.write(guest["task"] + 8, bytes(4))
    before = guest.pc.registers()
    for _ in range(2):
        assert guest.tick() == 1
        assert guest.pc.registers() == before
    assert guest.long("jiffies") == 2


def test_other_starts_anew_as_hello_does(each_guest: Guest) -> None:
    guest = each_guest
    free = guest.free_pages()
    assert guest.tick() == 2
    assert guest.user("movl $1, user_heap; movl $9, counter; movl $1, user_hole") is False
    assert guest.log == (
        f"other[2]: segfault at 08050000 eip {guest['user_scratch'] + 0x1014:08x} esp {STACK:08x} error 6"
        " (SEGV_MAPERR: nothing is there)\nother: Segmentation fault\nstarting other anew\n"
    )
    assert guest.pc.registers()["esp"] == guest["other_task_union"] + 8192 - 20
    guest.pc.run_to(guest["ready"])
    assert guest.log.endswith("\nHello from user mode.\n")
    assert (guest.long("pid"), guest.long("counter"), guest.free_pages()) == (2, 0x1001, free)
    assert guest.tick() == 1
    assert guest.long("counter") == 0x1001
    assert guest.tick() == 2


def test_stack_and_heap_grow_in_every_task(each_guest: Guest) -> None:
    guest = each_guest
    grow = (
        "movl $45, %eax; movl $user_heap+0x8000, %ebx; int $0x80; movl {pid}, user_heap+0x7000;"
        "movl $user_stack-0x3000, %esp; pushl {pid}"
    )
    for pid in 1, 2:
        assert guest.user(grow.format(pid=f"${pid}")) or pytest.fail(guest.log)
        guest.tick()
    for pid in 1, 2:
        assert guest.pc.read_long(guest["user_heap"] + 0x7000) == pid
        assert guest.pc.read_long(guest["user_stack"] - 0x3004) == pid
        guest.tick()


@needed[0]
@needed[1]
def test_two_tasks_that_never_stop_share_the_processor(guest: Guest) -> None:
    """The PC's own timer, let through to the processor, 18 times a second."""
    assert guest.tick() == 2
    count = guest["user_scratch"] + 0x3000
    guest.place(f"1: incl {count:#x}; jmp 1b", guest.user_place)
    assert guest.tick() == 1
    assert guest.kernel_mode("inb $0x21, %al; andb $0xfe, %al; outb %al, $0x21")
    assert guest.leave_kernel() == 1
    assert guest.user(f"movl $3, %ebx; 2: movl {count:#x}, %eax; 1: cmpl %eax, {count:#x}; je 1b; decl %ebx; jnz 2b")
    assert guest.pid == 1
    assert guest.long("jiffies") > 6
    assert guest.log == ""
