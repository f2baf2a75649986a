"""fork() of the guest kernel and copying on write, on QEMU and on our own machine."""

from __future__ import annotations

from itertools import permutations

import pytest
from judges.guest import PAGE_OFFSET, Guest

FORK = "movl $2, %eax; int $0x80"
EXIT = "movl $1, %eax; xorl %ebx, %ebx; int $0x80"
EAGAIN, ENOMEM = 11, 12
PAGES = 5  # what the smallest child needs: two for its kernel stack, a directory, two page tables
WRITABLE = 2
ACCESSED, DIRTY = 0x20, 0x40

PRIVATE = ("counter", "user_bss", "user_heap", "user_stack")


def fork(guest: Guest) -> int:
    """What fork() returns to the parent, which goes on."""
    assert guest.user(FORK), guest.log
    result = guest.pc.registers()["eax"]
    return result - (result >> 31 << 32)


def switch(guest: Guest, pid: int) -> None:
    """Let the timer tick until this task runs."""
    for _ in range(8):
        if guest.tick() == pid:
            return
    pytest.fail(f"task {pid} never runs")


def end(guest: Guest, code: str = EXIT) -> None:
    """Let the running task run lines that are its end; another runs then."""
    guest.place(code, guest.user_place)
    before = guest.pid
    assert guest.to_user() != before


def tasks(guest: Guest) -> list[int]:
    pointers = [guest.pc.read_long(guest["task"] + 4 * n) for n in range(1, 8)]
    return [guest.pc.read_long(pointer) for pointer in pointers if pointer]


def write(guest: Guest, symbol: str, value: int) -> None:
    assert guest.user(f"movl ${value}, {symbol}"), guest.log


# ---- The child


def test_the_child_is_its_parent_but_for_its_number_and_what_fork_returned(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.user("movl $0x2b, %eax; movl %eax, %fs; movl $0x23, %eax; movl %eax, %gs; std; stc")
    assert fork(guest) == 3
    parent = guest.pc.registers()
    switch(guest, 3)
    child = guest.pc.registers()
    assert child == {**parent, "eax": 0}
    assert guest.pc.read(guest.task + guest["TASK_COMM"], 6) == b"hello\0"
    assert guest.user("movl $20, %eax; int $0x80")
    assert guest.pc.registers()["eax"] == 3
    assert guest.pc.read_long(guest["init_tss"] + 4) == guest.task + 8192
    assert guest.task % 8192 == 0
    assert guest.log == ""


def test_it_is_the_last_of_the_round(each_guest: Guest) -> None:
    guest = each_guest
    assert fork(guest) == 3
    assert [guest.tick() for _ in range(6)] == [2, 3, 1, 2, 3, 1]


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize("symbol", PRIVATE)
def test_a_private_page_is_shared_until_one_writes(each_guest: Guest, symbol: str, first: int) -> None:
    guest = each_guest
    write(guest, symbol, 7)
    before = guest.pte(guest[symbol])
    assert guest.users(guest[symbol]) == 1
    fork(guest)
    shared = guest.pte(guest[symbol])
    assert (before ^ shared) == WRITABLE
    assert guest.users(guest[symbol]) == 2
    switch(guest, 3)
    assert guest.pte(guest[symbol]) == shared & ~ACCESSED
    assert guest.pc.read_long(guest[symbol]) == 7

    switch(guest, first)
    free = guest.free_pages()
    write(guest, symbol, 8)
    copied = guest.pte(guest[symbol])
    assert copied & 0xFFF == before & 0xFFF
    assert copied >> 12 != shared >> 12
    assert (guest.users(guest[symbol]), guest.free_pages()) == (1, free - 1)

    switch(guest, 4 - first)  # the last user
    assert guest.pc.read_long(guest[symbol]) == 7
    assert guest.pte(guest[symbol]) | ACCESSED == shared
    assert guest.users(guest[symbol]) == 1
    write(guest, symbol, 9)
    assert guest.pte(guest[symbol]) == before
    assert guest.free_pages() == free - 1

    switch(guest, first)
    assert guest.pc.read_long(guest[symbol]) == 8
    assert guest.log == ""


def test_the_rest_of_a_copied_page_is_as_it_was(each_guest: Guest) -> None:
    guest = each_guest
    pattern = bytes(n * 7 & 0xFF for n in range(4096))
    write(guest, "user_heap", 0)
    guest.pc.write(guest["user_heap"], pattern)
    fork(guest)
    assert guest.user("movb $1, user_heap+0x123")
    assert guest.pc.read(guest["user_heap"], 4096) == pattern[:0x123] + b"\1" + pattern[0x124:]
    switch(guest, 3)
    assert guest.pc.read(guest["user_heap"], 4096) == pattern


def test_the_parent_s_tlb_forgets_that_it_could_write(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.user(f"movl $7, counter; {FORK}; testl %eax, %eax; jz 1f; movl $8, counter; 1:")
    switch(guest, 3)
    assert guest.pc.read_long(guest["counter"]) == 7


def test_the_first_push_copies_the_stack(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.user(f"pushl $5; {FORK}; pushl %eax")
    assert guest.pc.read_long(guest.pc.registers()["esp"]) == 3
    switch(guest, 3)
    esp = guest.pc.registers()["esp"]
    assert guest.user("pushl %eax")
    assert [guest.pc.read_long(esp), guest.pc.read_long(esp - 4)] == [5, 0]


def test_pages_that_nobody_can_write_or_all_may_are_not_counted(each_guest: Guest) -> None:
    guest = each_guest
    symbols = ("user_scratch", "user_text", "user_rodata")
    written = guest["user_scratch"] + 0x8000
    assert guest.user(f"movl $7, {written:#x}")
    dirty = guest.pte(written)
    before = [guest.pte(guest[symbol]) for symbol in symbols]
    fork(guest)
    assert [guest.pte(guest[symbol]) | DIRTY for symbol in symbols] == [entry | DIRTY for entry in before]
    switch(guest, 3)
    child = [guest.pte(guest[symbol]) for symbol in symbols]
    assert [entry | ACCESSED | DIRTY for entry in child] == [entry | ACCESSED | DIRTY for entry in before]
    assert {guest.users(guest[symbol]) for symbol in symbols} == {255}
    assert guest.pte(written) == dirty - ACCESSED - DIRTY  # the child has not been there
    assert guest.pc.read_long(written) == 7


def test_a_shared_page_that_has_lost_its_right_gets_it_back_instead_of_a_copy(each_guest: Guest) -> None:
    guest = each_guest
    place = guest["user_scratch"] + 0x8000
    entry = guest.pte(place)
    table = guest.pc.read_long(guest.pc.read_long(guest.task + guest["TASK_PGD"]) + 4 * (place >> 22)) & ~0xFFF
    guest.pc.write(PAGE_OFFSET + table + 4 * (place >> 12 & 1023), (entry & ~WRITABLE).to_bytes(4, "little"))
    free = guest.free_pages()
    assert guest.user(f"movl $7, {place:#x}")
    assert guest.pte(place) & ~DIRTY == entry & ~DIRTY
    assert guest.free_pages() == free


def test_pages_that_come_later_are_each_one_s_own(each_guest: Guest) -> None:
    guest = each_guest
    fork(guest)
    write(guest, "user_heap", 1)
    switch(guest, 3)
    assert guest.pte(guest["user_heap"]) == 0
    write(guest, "user_heap", 3)
    assert guest.user("movl $user_stack-0x3000, %esp; pushl $3")
    switch(guest, 1)
    assert guest.pc.read_long(guest["user_heap"]) == 1
    assert guest.pte(guest["user_stack"] - 0x4000) == 0


def test_the_kernel_s_own_write_copies_too(each_guest: Guest) -> None:
    guest = each_guest
    write(guest, "counter", 7)
    fork(guest)
    switch(guest, 3)
    assert guest.kernel_mode("movl $8, counter")
    assert guest.pc.read_long(guest["counter"]) == 8
    assert guest.leave_kernel() == 3
    switch(guest, 1)
    assert guest.pc.read_long(guest["counter"]) == 7
    assert guest.log == ""


def test_a_fork_at_the_kernel_prompt_has_a_child_in_user_mode(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.kernel_mode(FORK)
    assert (guest.pc.registers()["eax"], guest.pc.registers()["cs"]) == (3, 0x10)
    back = guest.user_place + 2
    assert guest.leave_kernel() == 1
    switch(guest, 3)
    assert guest.pc.registers()["eip"] == back
    assert (guest.pc.registers()["eax"], guest.pc.registers()["cs"]) == (0, 0x23)


def test_a_tick_that_the_parent_has_not_followed_is_none_for_the_child(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.kernel_mode("nop")
    assert guest.tick() == 1
    assert guest.kernel_mode(FORK)
    assert guest.leave_kernel() == 2
    assert guest.tick() == 3


# ---- Its end


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("movl $1, %eax; movl $3, %ebx; int $0x80", "hello: exit status 3\n"),
        ("movl $1, user_hole", "hello: Segmentation fault\n"),
        ("int3", "hello: Trace/breakpoint trap\n"),
    ],
)
def test_a_child_that_ends_is_gone_with_all_it_had(each_guest: Guest, code: str, said: str) -> None:
    guest = each_guest
    free = guest.free_pages()
    fork(guest)
    write(guest, "counter", 1)
    switch(guest, 3)
    for symbol in PRIVATE:
        write(guest, symbol, 3)
    end(guest, code)
    assert guest.pid == 1
    assert tasks(guest) == [1, 2]
    assert guest.free_pages() == free
    assert guest.log.endswith(said)
    assert "anew" not in guest.log
    assert [guest.tick() for _ in range(2)] == [2, 1]
    assert guest.pc.read_long(guest["counter"]) == 1
    assert fork(guest) == 4


def test_a_child_that_ends_in_an_oops_is_gone_too(each_guest: Guest) -> None:
    guest = each_guest
    free = guest.free_pages()
    fork(guest)
    switch(guest, 3)
    stack = guest.task
    assert guest.kernel_mode("nop")
    guest.place("movl %eax, 0", guest["kernel_scratch"])
    assert guest.to_user() == 1
    assert f"\nProcess hello (pid: 3, stackpage={stack + 4096:08x})\n" in guest.log
    assert guest.log.endswith("\nhello: Segmentation fault\n")
    assert guest.free_pages() == free


def test_a_parent_that_starts_anew_leaves_its_child_what_it_had(each_guest: Guest) -> None:
    guest = each_guest
    write(guest, "user_heap", 7)
    free = guest.free_pages()
    fork(guest)
    assert guest.user("movl $1, user_hole") is False
    guest.pc.run_to(guest["ready"])
    switch(guest, 3)
    assert guest.pc.read_long(guest["user_heap"]) == 7
    assert guest.users(guest["user_heap"]) == 1
    end(guest)
    assert guest.free_pages() == free + 1  # the parent has no heap any more
    switch(guest, 1)
    assert guest.pte(guest["user_heap"]) == 0


@pytest.mark.parametrize("order", [*permutations((1, 3, 4))])
def test_three_generations_share_a_page_and_part(each_guest: Guest, order: tuple[int, ...]) -> None:
    guest = each_guest
    free = guest.free_pages()
    write(guest, "counter", 7)
    assert fork(guest) == 3
    switch(guest, 3)
    assert fork(guest) == 4
    assert guest.users(guest["counter"]) == 3
    for number, pid in enumerate(order):
        switch(guest, pid)
        assert guest.users(guest["counter"]) == 3 - number
        assert guest.pc.read_long(guest["counter"]) == 7
        write(guest, "counter", pid)
    for pid in order:
        switch(guest, pid)
        assert guest.pc.read_long(guest["counter"]) == pid
    for pid in order:
        if pid != 1:
            switch(guest, pid)
            end(guest)
    switch(guest, 1)
    assert guest.pc.read_long(guest["counter"]) == 1
    assert guest.free_pages() == free


def test_brk_of_one_takes_no_page_from_the_other(each_guest: Guest) -> None:
    guest = each_guest
    write(guest, "user_heap", 7)
    fork(guest)
    assert guest.user("movl $45, %eax; movl $user_heap, %ebx; int $0x80")
    assert guest.pte(guest["user_heap"]) == 0
    switch(guest, 3)
    assert guest.users(guest["user_heap"]) == 1
    assert guest.pc.read_long(guest["user_heap"]) == 7


def test_a_big_heap_with_few_pages_is_copied_as_such(each_guest: Guest) -> None:
    guest = each_guest
    free = guest.free_pages()
    grow = "movl $45, %eax; movl $0x40000000, %ebx; int $0x80"
    assert guest.user(f"{grow}; movl $1, 0x20000000; movl $2, 0x3ffffffc")
    assert guest.free_pages() == free - 4  # two pages, two page tables
    assert fork(guest) == 3
    assert guest.free_pages() == free - 4 - PAGES - 2
    switch(guest, 3)
    assert [guest.pc.read_long(place) for place in (0x20000000, 0x3FFFFFFC)] == [1, 2]
    end(guest)
    assert guest.free_pages() == free - 4


# ---- Limits


def test_there_are_eight_tasks_with_the_swapper(each_guest: Guest) -> None:
    guest = each_guest
    assert [fork(guest) for _ in range(5)] == [3, 4, 5, 6, 7]
    free = guest.free_pages()
    assert fork(guest) == -EAGAIN
    assert guest.free_pages() == free
    switch(guest, 5)
    end(guest)
    switch(guest, 1)
    assert fork(guest) == 8
    assert tasks(guest) == [1, 2, 3, 4, 8, 6, 7]
    assert guest.free_pages() == free


def leave_free(guest: Guest, pages: int) -> None:
    """Take all of the memory, but for so many pages in a row."""
    assert guest.kernel_mode("1: pushl $GFP_KERNEL; call __get_free_page; addl $4, %esp; testl %eax, %eax; jnz 1b")
    for number in range(pages):
        assert guest.kernel_mode(f"pushl ${0xC1FF0000 + 4096 * number:#x}; call free_page; addl $4, %esp")
    assert guest.leave_kernel() == 1
    assert guest.free_pages() == pages


@pytest.mark.parametrize("pages", range(PAGES))
def test_a_fork_for_which_memory_does_not_suffice_leaves_no_trace(each_guest: Guest, pages: int) -> None:
    guest = each_guest
    leave_free(guest, pages)
    users = guest.pc.read(guest["mem_map"], 8192)
    assert fork(guest) == -ENOMEM
    assert guest.pc.read(guest["mem_map"], 8192) == users
    assert tasks(guest) == [1, 2]
    write(guest, "counter", 8)  # without a page to copy to
    assert guest.user("pushl $1")
    assert guest.log == ""


def test_the_last_pages_suffice_for_a_child_but_not_for_its_copies(each_guest: Guest) -> None:
    guest = each_guest
    leave_free(guest, PAGES)
    assert fork(guest) == 3
    assert guest.free_pages() == 0
    switch(guest, 3)
    end(guest, "movl $1, counter")
    assert guest.log == "VM: killing process hello\nhello: Killed\n"
    assert guest.free_pages() == PAGES
    switch(guest, 1)
    write(guest, "counter", 1)
