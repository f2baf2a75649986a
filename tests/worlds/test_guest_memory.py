"""Memory services of the guest kernel, on QEMU and on our own machine: pages, vmalloc, strings."""

from __future__ import annotations

import itertools
import re

import pytest
from judges.guest import PAGE_OFFSET, Guest

PAGE = 4096
DMA_END = 0x01000000 // PAGE  # the first page above 16 MiB
GFP_DMA, GFP_KERNEL = 0x001, 0x1F0
IF = 0x200
VMALLOC_AREA = 0xC2C00000


def call(guest: Guest, function: str, *arguments: int) -> int:
    """Call one of the kernel's functions; what it returns."""
    pushes = "".join(f"pushl ${argument:#x}; " for argument in reversed(arguments))
    assert guest.kernel_mode(f"{pushes}call {function}; addl ${4 * len(arguments)}, %esp"), guest.log
    return guest.pc.registers()["eax"]


def page_map(guest: Guest) -> bytes:
    return guest.pc.read(guest["mem_map"], 8192)


def number(address: int) -> int:
    """The page that the kernel sees at this address."""
    assert address % PAGE == 0
    return (address - PAGE_OFFSET) // PAGE


def directory_entry(guest: Guest, directory: int, linear: int) -> int:
    return int.from_bytes(guest.pc.read_physical(directory + 4 * (linear >> 22), 4), "little")


def own_entry(guest: Guest, linear: int) -> int:
    """The entry of the page directory in use."""
    return directory_entry(guest, guest.pc.system_register("CR3"), linear)


def master_entry(guest: Guest, linear: int) -> int:
    return directory_entry(guest, guest["swapper_pg_dir"] - PAGE_OFFSET, linear)


# ---- Pages


@pytest.mark.parametrize(("flags", "start"), [(GFP_KERNEL, DMA_END), (GFP_KERNEL | GFP_DMA, 0), (GFP_DMA, 0)])
def test_a_page_is_the_lowest_free_one_of_its_zone(each_guest: Guest, flags: int, start: int) -> None:
    guest = each_guest
    before = page_map(guest)
    page = number(call(guest, "__get_free_page", flags))
    assert page == before.index(0, start)
    after = page_map(guest)
    assert (after[page], after[:page], after[page + 1 :]) == (1, before[:page], before[page + 1 :])
    call(guest, "free_page", PAGE_OFFSET + page * PAGE)
    assert page_map(guest) == before


def test_the_boot_s_own_pages_are_above_16_mib(each_guest: Guest) -> None:
    guest = each_guest
    used = page_map(guest)
    reserved = used.count(255)
    assert used[:reserved] == bytes([255]) * reserved
    assert used[reserved:DMA_END].count(0) == DMA_END - reserved
    assert 0 < 8192 - DMA_END - used[DMA_END:].count(0) < 50


COUNT_PAGES = """
        xorl    %esi, %esi              # ESI: how many from above 16 MiB, EDI: from below
        xorl    %edi, %edi
1:      pushl   ${flags:#x}
        call    __get_free_page
        addl    $4, %esp
        testl   %eax, %eax
        jz      3f
        cmpl    $0xC1000000, %eax
        jb      2f
        testl   %edi, %edi
        jnz     4f                      # one from above after one from below
        incl    %esi
        jmp     1b
2:      incl    %edi
        jmp     1b
4:      movl    $-1, %esi
3:
"""


@pytest.mark.parametrize("flags", [GFP_KERNEL, GFP_DMA])
def test_exhaustion_falls_back_to_dma_memory_but_never_from_it(each_guest: Guest, flags: int) -> None:
    guest = each_guest
    before = page_map(guest)
    normal, dma = before[DMA_END:].count(0), before[:DMA_END].count(0)
    assert guest.kernel_mode(COUNT_PAGES.format(flags=flags))
    registers = guest.pc.registers()
    assert (registers["esi"], registers["edi"]) == ((normal, dma) if flags == GFP_KERNEL else (0, dma))
    assert call(guest, "get_free_page", GFP_DMA) == 0
    one = number(call(guest, "get_free_page", GFP_KERNEL) or PAGE_OFFSET)
    assert one == (0 if flags == GFP_KERNEL else before.index(0, DMA_END))

    call(guest, "free_page", 0xC1800000)
    call(guest, "free_page", 0xC0800000)
    assert call(guest, "__get_free_page", GFP_DMA) == 0xC0800000
    assert call(guest, "__get_free_page", GFP_DMA) == 0
    if flags == GFP_KERNEL:
        assert call(guest, "__get_free_page", GFP_KERNEL) == 0xC1800000
        assert call(guest, "__get_free_page", GFP_KERNEL) == 0


@pytest.mark.parametrize("function", ["get_free_page", "get_zeroed_page"])
def test_a_page_of_zeros_is_one_and_another_may_be_dirty(each_guest: Guest, function: str) -> None:
    guest = each_guest
    page = call(guest, "__get_free_page", GFP_KERNEL)
    guest.pc.write(page, b"secret" * 600)
    call(guest, "free_page", page)
    assert call(guest, "__get_free_page", GFP_KERNEL) == page
    assert guest.pc.read(page, PAGE).startswith(b"secret")
    call(guest, "free_page", page)
    assert call(guest, function, GFP_KERNEL) == page
    assert guest.pc.read(page, PAGE) == bytes(PAGE)


def test_a_page_with_two_users_is_free_when_both_have_left(each_guest: Guest) -> None:
    guest = each_guest
    page = call(guest, "get_free_page", GFP_KERNEL)
    count = guest["mem_map"] + number(page)
    guest.pc.write(count, b"\x02")
    for users in (1, 0, 0):
        call(guest, "free_page", page)
        assert guest.pc.read(count, 1)[0] == users


def test_what_is_nobody_s_page_is_not_freed(each_guest: Guest) -> None:
    guest = each_guest
    before = page_map(guest)
    for address in (0xC0100000, 0xC2000000, 0xFFFFF000, 0x08048000, 0, 0xC0F00000):
        call(guest, "free_page", address)
    call(guest, "free_pages", 0xC1FFF000, 3)
    assert page_map(guest) == before


@pytest.mark.parametrize("order", [0, 1, 2, 5, 9])
def test_pages_in_a_row_are_aligned_to_their_number(each_guest: Guest, order: int) -> None:
    guest = each_guest
    used = bytearray(page_map(guest))
    for hole in (3, 10, 300):  # in the way of some rows
        used[used.index(0, DMA_END) + hole] = 1
    guest.pc.write(guest["mem_map"], bytes(used))
    count = 1 << order
    expected = next(n for n in range(DMA_END, 8192, count) if not any(used[n : n + count]))
    first = number(call(guest, "__get_free_pages", GFP_KERNEL, order))
    assert first == expected
    after = page_map(guest)
    assert after[first : first + count] == bytes([1]) * count
    call(guest, "free_page", PAGE_OFFSET + first * PAGE)  # they may go one by one, or together
    call(guest, "free_pages", PAGE_OFFSET + first * PAGE, order)
    assert page_map(guest) == used
    assert number(call(guest, "__get_free_page", GFP_KERNEL)) == used.index(0, DMA_END)


@pytest.mark.parametrize("order", [10, 31, 32, 0xFFFFFFFF])
def test_what_nobody_can_have_got_is_not_freed(each_guest: Guest, order: int) -> None:
    guest = each_guest
    before = page_map(guest)
    call(guest, "free_pages", 0xC1000000, order)
    assert page_map(guest) == before


def test_an_interrupt_that_wants_pages_cannot_come_in_between(each_guest: Guest) -> None:
    guest = each_guest
    page = call(guest, "__get_free_page", GFP_KERNEL)
    for code in ("pushl $GFP_KERNEL; call __get_free_page", f"pushl ${page:#x}; call free_page"):
        assert guest.kernel_mode("sti; nop")
        end = guest.place(code, guest["kernel_scratch"])
        before = page_map(guest)
        while page_map(guest) == before:
            guest.pc.step()
        assert not guest.pc.registers()["eflags"] & IF
        guest.pc.run_to(end)
        assert guest.pc.registers()["eflags"] & IF


def test_too_many_pages_in_a_row_are_not_there(each_guest: Guest) -> None:
    guest = each_guest
    before = page_map(guest)
    assert call(guest, "__get_free_pages", GFP_KERNEL, 10) == 0
    assert call(guest, "__get_free_pages", GFP_KERNEL, 0xFFFFFFFF) == 0
    assert page_map(guest) == before
    rows = 0
    while call(guest, "__get_free_pages", GFP_DMA, 9):
        rows += 1
    assert rows == 7  # of eight times 2 MiB the kernel itself has one


# ---- vmalloc


def test_an_area_ends_in_a_guard_page_and_the_next_one_begins_behind(each_guest: Guest) -> None:
    guest = each_guest
    assert call(guest, "vmalloc", 1) == VMALLOC_AREA
    assert call(guest, "vmalloc", PAGE) == VMALLOC_AREA + 2 * PAGE
    assert call(guest, "vmalloc", PAGE + 1) == VMALLOC_AREA + 4 * PAGE
    for page, there in enumerate([1, 0, 1, 0, 1, 1, 0, 0]):
        assert guest.kernel_mode(f"movl {VMALLOC_AREA:#x}, %eax")  # so that this directory has the entry
        entry = guest.pte(VMALLOC_AREA + page * PAGE)
        assert entry & 0xFFF == (0x63 if there else 0)
        assert entry == 0 or entry >> 12 >= DMA_END
    assert guest.kernel_mode(f"movl $5, {VMALLOC_AREA + 5 * PAGE + 0xFFC:#x}")
    assert guest.kernel_mode(f"movl $5, {VMALLOC_AREA + 6 * PAGE:#x}") is False
    assert guest.log.startswith(
        f"Unable to handle kernel paging request at virtual address {VMALLOC_AREA + 6 * PAGE:08x}\n"
    )
    assert "\nOops: 0002\n" in guest.log


def test_vfree_gives_every_page_back_and_the_tlb_forgets_them(each_guest: Guest) -> None:
    guest = each_guest
    before = page_map(guest)
    area = call(guest, "vmalloc", 0x500000)
    assert guest.kernel_mode(f"movl $1, {area:#x}; movl $1, {area + 0x4FFFFC:#x}")
    assert page_map(guest)[DMA_END:].count(0) == before[DMA_END:].count(0) - 0x500 - 2  # two page tables
    free_it = f"pushl ${area:#x}; call vfree; popl %eax; movl {area:#x}, %eax"
    assert guest.kernel_mode(free_it) is False
    guest.pc.run_to(guest["ready"])
    assert guest.free_pages() == before.count(0)
    assert "\nOops: 0000\n" in guest.log


def test_after_vfree_all_that_the_kernel_remembers_is_as_before(each_guest: Guest) -> None:
    """But for the contents of pages that are free. A page table with another area in it stays."""
    guest = each_guest

    def remembered() -> list[bytes]:
        places = [("zone_dma", 12), ("zone_normal", 12), ("mem_map", 8192), ("vmlist", 1032), ("vmlist_end", 4),
                  ("swapper_pg_dir", PAGE)]  # fmt: skip
        tasks = [guest[f"{name}_task_union"] + guest["TASK_PGD"] for name in ("hello", "other")]
        directories = [guest.pc.read(guest.pc.read_long(task), PAGE) for task in tasks]
        return directories + [guest.pc.read(guest[name], size) for name, size in places]

    assert guest.kernel_mode("nop")
    for neighbour in (False, True):
        if neighbour:
            call(guest, "vmalloc", 0x3FE000)
            call(guest, "vmalloc_sync_all")
        before = remembered()
        area = call(guest, "vmalloc", 3 * PAGE)
        assert guest.kernel_mode(f"movl $1, {area:#x}")
        assert remembered() != before
        call(guest, "vfree", area)
        assert remembered() == before


def test_an_area_goes_into_the_first_gap_that_is_big_enough(each_guest: Guest) -> None:
    guest = each_guest
    areas = [call(guest, "vmalloc", size * PAGE) for size in (1, 3, 2, 1)]
    call(guest, "vfree", areas[1])
    call(guest, "vfree", areas[0])
    assert call(guest, "vmalloc", 6 * PAGE) == areas[3] + 2 * PAGE
    assert call(guest, "vmalloc", 5 * PAGE) == areas[0]
    assert call(guest, "vmalloc", PAGE) == areas[3] + 9 * PAGE


@pytest.mark.parametrize("size", [0, 0x2000001, 0x80000000, 0xFFFFFFFF, 0x2000000])
def test_what_vmalloc_cannot_give_costs_nothing(each_guest: Guest, size: int) -> None:
    """The last one asks for as much as there is memory: it gives up in the midst."""
    guest = each_guest
    before = page_map(guest)
    assert call(guest, "vmalloc", size) == 0
    assert page_map(guest) == before
    assert call(guest, "vmalloc", 1) == VMALLOC_AREA


def test_there_is_an_end_to_areas(each_guest: Guest) -> None:
    guest = each_guest
    loop = "xorl %ebx, %ebx; 1: pushl $1; call vmalloc; addl $4, %esp; incl %ebx; testl %eax, %eax; jnz 1b"
    assert guest.kernel_mode(loop)
    assert guest.pc.registers()["ebx"] == 129
    call(guest, "vfree", VMALLOC_AREA + 14 * PAGE)
    assert call(guest, "vmalloc", 1) == VMALLOC_AREA + 14 * PAGE


def test_vfree_complains_about_what_is_no_area(each_guest: Guest) -> None:
    guest = each_guest
    area = call(guest, "vmalloc", 2 * PAGE)
    call(guest, "vfree", 0)
    assert guest.log == ""
    call(guest, "vfree", area + PAGE)
    assert guest.log == f"Trying to vfree() nonexistent vm area ({area + PAGE:08x})\n"


# ---- Directory entries that come when they are needed


def test_a_task_s_directory_gets_the_entry_when_its_kernel_code_touches_the_area(each_guest: Guest) -> None:
    guest = each_guest
    area = call(guest, "vmalloc", PAGE)
    master = master_entry(guest, area)
    assert master & 0xFFF == 0x67  # as 2.4 has it: the entries of the table restrict
    assert own_entry(guest, area) == 0
    assert guest.kernel_mode(f"movl $0x1234, {area:#x}; movl {area:#x}, %eax")
    assert guest.pc.registers()["eax"] == 0x1234
    assert own_entry(guest, area) & ~0x20 == master & ~0x20
    assert guest.log == ""


@pytest.mark.parametrize("known", [False, True])
def test_the_user_may_not_touch_the_area(each_guest: Guest, known: bool) -> None:
    guest = each_guest
    area = call(guest, "vmalloc", PAGE)
    if known:
        assert guest.kernel_mode(f"movl {area:#x}, %eax")
    guest.leave_kernel()
    assert guest.user(f"movl {area:#x}, %eax") is False
    assert re.match(rf"hello\[1\]: segfault at {area:08x} .* error {5 if known else 4} \(SEGV_MAPERR", guest.log)


def test_an_entry_of_the_area_that_no_page_table_has_is_an_oops_not_an_endless_loop(each_guest: Guest) -> None:
    guest = each_guest
    area = call(guest, "vmalloc", PAGE)
    assert guest.kernel_mode(f"movl {area + PAGE:#x}, %eax") is False
    assert f"kernel paging request at virtual address {area + PAGE:08x}\n" in guest.log
    assert "\n*pde = 00000000\n" not in guest.log  # it got the entry all the same
    assert "*pte = 00000000\n" in guest.log


def test_the_area_can_be_read_by_an_instruction_that_is_allowed_to_fault(each_guest: Guest) -> None:
    guest = each_guest
    area = call(guest, "vmalloc", PAGE)
    guest.pc.set_register("ebx", area)
    assert guest.kernel_mode("pushl %ebx; call probe_long; popl %edx; sbbl %ecx, %ecx")
    assert guest.pc.registers()["ecx"] == 0
    assert guest.kernel_mode("addl $0x1000, %ebx; pushl %ebx; call probe_long; popl %edx; sbbl %ecx, %ecx")
    assert guest.pc.registers()["ecx"] == 0xFFFFFFFF
    assert guest.log == ""


def test_vmalloc_sync_all_spares_the_faults(each_guest: Guest) -> None:
    guest = each_guest
    area = call(guest, "vmalloc", PAGE)
    call(guest, "vmalloc_sync_all")
    tasks = [guest.pc.read_long(guest["task"] + 4 * n) for n in range(guest["NR_TASKS"])]
    directories = [guest.pc.read_long(task + guest["TASK_PGD"]) for task in tasks if task]
    entries = {directory_entry(guest, pgd - PAGE_OFFSET, area) for pgd in directories if pgd}
    assert entries == {master_entry(guest, area)}
    assert own_entry(guest, area) == master_entry(guest, area)


# ---- Memory and strings


@pytest.mark.parametrize("distance", [-8, -3, 0, 1, 5, 70])
def test_memmove_and_memcpy(each_guest: Guest, distance: int) -> None:
    guest = each_guest
    where = guest["kernel_scratch"] + 0x2000
    text = bytes(range(250))
    source, target = 100, 100 + distance
    for count in (0, 1, 3, 4, 7, 64):
        expected = bytearray(text)
        expected[target : target + count] = text[source : source + count]
        overlapping = 0 < abs(distance) < count
        for function in ["memmove"] + ["memcpy"] * (not overlapping):
            guest.pc.write(where, text)
            assert call(guest, function, where + target, where + source, count) == where + target
            assert guest.pc.read(where, len(text)) == expected


def test_memset(each_guest: Guest) -> None:
    guest = each_guest
    where = guest["kernel_scratch"] + 0x2000
    for count in (0, 1, 3, 4, 6, 64):
        guest.pc.write(where, b"x" * 80)
        assert call(guest, "memset", where + 1, 0x1A5, count) == where + 1
        assert guest.pc.read(where, 80) == b"x" + b"\xa5" * count + b"x" * (79 - count)


def test_comparing_tells_the_order_of_the_first_bytes_that_differ(each_guest: Guest) -> None:
    guest = each_guest
    where, there = guest["kernel_scratch"] + 0x2000, guest["kernel_scratch"] + 0x2100
    texts = [b"\0", b"a\0", b"module\0", b"module1\0", b"\xe4\0"]  # in order
    for one, other in itertools.product(range(len(texts)), repeat=2):
        guest.pc.write(where, texts[one])
        guest.pc.write(there, texts[other])
        assert sign(call(guest, "strcmp", where, there)) == sign(one - other)
        if one == other:
            assert call(guest, "memcmp", where, there, len(texts[one])) == 0
            assert call(guest, "strlen", where) == len(texts[one]) - 1


def test_memcmp_looks_at_no_more_than_it_is_told(each_guest: Guest) -> None:
    guest = each_guest
    where = guest["kernel_scratch"] + 0x2000
    guest.pc.write(where, b"ab\0cab\0d")
    assert [sign(call(guest, "memcmp", where, where + 4, count)) for count in (0, 2, 3, 4)] == [0, 0, 0, -1]
    assert sign(call(guest, "memcmp", where + 4, where, 4)) == 1


def sign(value: int) -> int:
    """Of a number, or of the 32 bits that stand for one."""
    value -= (value & 0x80000000) << 1 if value > 0 else 0
    return (value > 0) - (value < 0)
