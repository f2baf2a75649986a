"""The guest kernel of the world `linux`, built by GNU as, judged by QEMU: no code of ours runs but the guest."""

from __future__ import annotations

import re

import pytest
from judges import gnu
from judges.guest import BASE, PAGE_OFFSET, Guest, needed

pytestmark = needed

BOOT_LOG = """\
pagefault-lab kernel, i386, in the likeness of Linux 2.4
Memory: {free}k/32768k available
Hello from user mode.
"""


# ---- What the boot leaves behind


def test_it_boots_to_ready_and_says_so_on_the_serial_port_and_in_its_log(guest: Guest) -> None:
    reserved = (guest["_end"] - PAGE_OFFSET) >> 12
    expected = BOOT_LOG.format(free=(8192 - reserved) * 4)
    assert guest.pc.serial() == expected
    assert guest.pc.read(guest["log_buf"], guest.long("log_end")).decode() == expected
    registers = guest.pc.registers()
    assert (registers["cs"], registers["ss"], registers["ds"], registers["es"]) == (0x23, 0x2B, 0x2B, 0x2B)
    assert registers["eflags"] & 0x3700 == 0x200
    assert guest.pc.read_long(guest["pid"]) == 1
    assert guest.pc.read_long(guest["sum"]) == 87
    assert guest.pc.read_long(guest["counter"]) == 0x1001


def test_no_constant_or_symbol_disagrees_with_the_layout(kernel: gnu.Linked) -> None:
    assert kernel["startup_32"] == BASE
    assert kernel["swapper_pg_dir"] == BASE + 0x1000
    assert kernel["_end"] % 8192 == 0
    assert kernel["user_scratch_end"] - kernel["user_scratch"] == 16 * 4096
    assert kernel["kernel_scratch_end"] - kernel["kernel_scratch"] == 4 * 4096
    for task in ("init_task_union", "hello_task_union"):
        assert kernel[task] % 8192 == 0
    for page in ("idt_table", "kernel_scratch", "user_scratch_pages", "hello_text_page", "swapper_pg_dir", "pg0"):
        assert kernel[page] % 4096 == 0
    multiboot = [int.from_bytes(kernel.image.read_bytes()[n : n + 4], "little") for n in range(4, 36, 4)]
    assert sum(multiboot[:3]) & 0xFFFFFFFF == 0
    assert kernel.image.stat().st_size == kernel["_edata"] - BASE


def test_the_system_registers_are_those_of_linux_2_4(guest: Guest) -> None:
    text = guest.pc.monitor("info registers")
    assert re.search(rf"GDT= +{guest['gdt_table']:08x} 0000007f", text)
    assert re.search(rf"IDT= +{guest['idt_alias']:08x} 000007ff", text)
    assert re.search(rf"TR =0060 {guest['init_tss']:08x} 000000eb 00008[9b]00", text)
    assert re.search(rf"LDT=0068 {guest['default_ldt']:08x} 00000027 00008200", text)
    assert "CR0=80050033" in text
    assert "CR4=00000000" in text
    tss = guest.pc.read(guest["init_tss"], 236)
    assert int.from_bytes(tss[4:8], "little") == guest["hello_task_union"] + 8192
    assert int.from_bytes(tss[8:12], "little") == 0x18
    assert int.from_bytes(tss[0x66:0x68], "little") == 0x8000


def test_the_descriptors_are_those_of_linux_2_4(guest: Guest) -> None:
    gdt = [int.from_bytes(guest.pc.read(guest["gdt_table"] + 8 * n, 8), "little") for n in range(16)]
    accessed = 1 << 40
    assert [descriptor & ~accessed for descriptor in gdt[2:6]] == [
        0x00CF9A000000FFFF & ~accessed, 0x00CF92000000FFFF, 0x00CFFA000000FFFF, 0x00CFF2000000FFFF,
    ]  # fmt: skip
    assert gdt[0] == gdt[1] == 0
    assert gdt[12] & 0xF00000000FFFF == 235  # the TSS's limit
    assert gdt[12] >> 40 & 0xFD == 0x89


def test_all_256_gates(guest: Guest) -> None:
    table = guest.pc.read(guest["idt_table"], 2048)
    assert guest.pc.read(guest["idt_alias"], 2048) == table
    own = {
        0: "divide_error", 1: "debug", 2: "nmi", 3: "int3", 4: "overflow", 5: "bounds", 6: "invalid_op",
        7: "device_not_available", 8: "double_fault", 9: "coprocessor_segment_overrun", 10: "invalid_TSS",
        11: "segment_not_present", 12: "stack_segment", 13: "general_protection", 14: "page_fault",
        15: "spurious_interrupt_bug", 16: "coprocessor_error", 17: "alignment_check", 18: "machine_check",
        19: "simd_coprocessor_error", 0x80: "system_call", 0x81: "kernel_context",
    }  # fmt: skip
    for vector in range(256):
        gate = int.from_bytes(table[8 * vector : 8 * vector + 8], "little")
        offset = (gate & 0xFFFF) | (gate >> 32 & 0xFFFF0000)
        kind = gate >> 32 & 0xFFFF
        assert gate >> 16 & 0xFFFF == 0x10
        if 0x20 <= vector < 0x30:
            assert (kind, offset) == (0x8E00, guest["irq_stubs"] + 16 * (vector - 0x20))
            continue
        assert offset == guest[own.get(vector, "ignore_int")], f"vector {vector:#x}"
        match vector:
            case 3 | 4 | 5 | 0x80:
                assert kind == 0xEF00
            case 0x81:
                assert kind == 0xEE00
            case 2 | 14:
                assert kind == 0x8E00
            case _:
                assert kind == (0x8F00 if vector in own else 0x8E00)


@pytest.mark.parametrize(
    ("symbol", "flags"),
    [
        ("user_scratch", 0x27), ("user_text", 0x25), ("user_rodata", 0x25), ("user_data", 0x67), ("user_bss", 0),
        ("user_heap", 0), ("user_hole", 0), ("user_stack", 0x67), ("startup_32", 0x63), ("idt_table", 0x63),
        ("idt_alias", 0x61),
    ],
)  # fmt: skip
def test_page_table_entries_have_the_flags_of_linux_2_4(guest: Guest, symbol: str, flags: int) -> None:
    entry = guest.pte(guest[symbol])
    assert entry & 0xFFF & ~(0x40 if flags == 0x27 else 0) == flags  # typed lines make the scratch page dirty
    assert bool(entry) == bool(flags)


# ---- Page faults that are repaired


def test_a_touched_heap_page_appears_zeroed(guest: Guest) -> None:
    assert guest.user("movl user_heap+0x1ffc, %eax; movl $0x12345678, user_heap+0x2000; movl user_heap+0x2004, %ebx")
    registers = guest.pc.registers()
    assert (registers["eax"], registers["ebx"]) == (0, 0)
    assert guest.pte(guest["user_heap"]) == 0
    assert guest.pte(guest["user_heap"] + 0x1000) & 0xFFF == 0x67
    assert guest.pc.read_long(guest["user_heap"] + 0x2000) == 0x12345678
    assert guest.log == ""


def test_the_kernel_may_touch_an_absent_page_of_the_user(guest: Guest) -> None:
    assert guest.kernel_mode("movl $7, user_bss")
    assert guest.pc.read_long(guest["user_bss"]) == 7
    assert guest.log == ""


@pytest.mark.parametrize(("below", "good"), [(4, True), (32, True), (33, False), (36, False), (4096, False)])
def test_the_stack_grows_if_the_access_is_at_most_32_bytes_below_esp(guest: Guest, below: int, good: bool) -> None:
    assert guest.user(f"movl $user_stack, %esp; movb $1, -{below}(%esp)") is good
    assert ("SEGV_MAPERR" in guest.log) is not good


def test_the_stack_ends_after_8_mib(guest: Guest) -> None:
    assert guest.user("movl $0xBF800000, %esp; pushl $1; nop") is False
    assert guest.log.startswith("hello[1]: segfault at bf7ffffc")


def test_a_lost_right_is_given_back(guest: Guest) -> None:
    """Someone took W and U from a page of a writable area, and W from its directory entry: the kernel repairs both."""
    directory = int(re.search(r"CR3=([0-9a-f]+)", guest.pc.monitor("info registers"))[1], 16)  # type: ignore[index]
    pde = PAGE_OFFSET + directory + 4 * (guest["user_data"] >> 22)
    table = PAGE_OFFSET + (guest.pc.read_long(pde) & ~0xFFF)
    pte = table + 4 * (guest["user_data"] >> 12 & 1023)
    guest.pc.write(pte, bytes([0x61]))
    guest.pc.write(pde, bytes([0x65]))
    assert guest.user("movl %cs, %eax; movl $9, user_data")
    assert guest.pc.read_long(guest["user_data"]) == 9
    assert guest.log == ""


# ---- Page faults that are not


KILLED = """\
hello[1]: segfault at {cr2:08x} eip {eip:08x} esp bfffffe0 error {error} ({why})
hello: Segmentation fault
starting hello anew
"""
MAPERR = "SEGV_MAPERR: nothing is there"
ACCERR = "SEGV_ACCERR: not allowed"


@pytest.mark.parametrize(
    ("code", "symbol", "error", "why"),
    [
        ("movl %eax, user_hole", "user_hole", 6, MAPERR),
        ("movl user_hole, %eax", "user_hole", 4, MAPERR),
        ("movl %eax, user_rodata", "user_rodata", 7, ACCERR),
        ("movl %eax, user_text", "user_text", 7, ACCERR),
        ("movl startup_32, %eax", "startup_32", 5, MAPERR),
        ("movl %eax, startup_32", "startup_32", 7, MAPERR),
        ("movl idt_alias+0x10000, %eax", "idt_alias+0x10000", 4, MAPERR),
    ],
)
def test_a_bad_user_access_kills_the_task(guest: Guest, code: str, symbol: str, error: int, why: str) -> None:
    name, _, offset = symbol.partition("+")
    assert guest.user(code) is False
    cr2 = guest[name] + int(offset or "0", 16)
    guest.pc.run_to(guest["ready"])
    log = KILLED.format(cr2=cr2, eip=guest["user_scratch"], error=error, why=why)
    assert guest.log == log + "Hello from user mode.\n"


def test_a_killed_task_starts_with_fresh_memory_and_leaks_none(guest: Guest) -> None:
    free = guest.free_pages()
    scratch = guest["user_scratch"] + 0x800
    guest.pc.write(scratch, b"still here")
    for _ in range(3):
        assert guest.user("movl $1, user_heap; movl $1, user_bss; movl $1, counter; pusha; movl $1, 0") is False
        assert guest.pc.registers()["esp"] == guest["hello_task_union"] + 8192 - 20
        guest.pc.run_to(guest["ready"])
        assert guest.pc.read_long(guest["counter"]) == 0x1001
        assert guest.pte(guest["user_heap"]) == 0
        assert guest.free_pages() == free
        assert guest.pc.registers()["esp"] == 0xBFFFFFE0
    assert guest.pc.read(scratch, 10) == b"still here"
    stack = guest.pc.read(0xBFFFFFE0, 32)
    assert stack[:16] == b"".join(n.to_bytes(4, "little") for n in (1, 0xBFFFFFF0, 0, 0))
    assert stack[16:] == b"hello".ljust(16, b"\0")


def test_when_memory_is_out_the_task_is_killed_and_all_of_it_comes_back(guest: Guest) -> None:
    free = guest.free_pages()
    grow = "movl $45, %eax; movl $0x3fff0000, %ebx; int $0x80; movl $user_heap, %edi; 1: movl %edi, (%edi); "
    assert guest.user(grow + "addl $4096, %edi; jmp 1b") is False
    assert guest.log == "VM: killing process hello\nhello: Killed\nstarting hello anew\n"
    guest.pc.run_to(guest["ready"])
    assert guest.free_pages() == free


# ---- The kernel's own faults


def test_a_null_dereference_in_the_kernel_is_an_oops_and_the_lab_goes_on(guest: Guest) -> None:
    guest.pc.set_register("ebx", 0)
    assert guest.kernel_mode("movl $0x1234, %ecx; movl %eax, (%ebx)") is False
    guest.pc.run_to(guest["ready"])
    eip = guest["kernel_scratch"] + 5
    top = guest["hello_task_union"] + 8192 - 60
    log = guest.log.splitlines()
    assert log[:7] == [
        "Unable to handle kernel NULL pointer dereference at virtual address 00000000",
        " printing eip:",
        f"{eip:08x}",
        "*pde = 00000000",
        "Oops: 0002",
        "CPU:    0",
        f"EIP:    0010:[<{eip:08x}>]    Not tainted",
    ]
    assert re.fullmatch(r"EFLAGS: 000[01]00\d\d", log[7])
    assert " ebx: 00000000   ecx: 00001234 " in log[8]
    assert log[9].endswith(f"esp: {top:08x}")
    assert log[10:12] == [
        "ds: 0018   es: 0018   ss: 0018",
        f"Process hello (pid: 1, stackpage={guest['hello_task_union'] + 4096:08x})",
    ]
    assert log[12].startswith("Stack: 00000000 ")  # the user's registers: the frame of the door
    assert any(line.startswith("Code: 89 03 90 ") for line in log)
    assert log[-3:] == ["hello: Segmentation fault", "starting hello anew", "Hello from user mode."]


@pytest.mark.parametrize(
    ("code", "address", "error"),
    [
        ("movl $0, idt_alias+0x70", "c2800070", "0003"),
        ("movl user_hole, %eax", "08050000", "0000"),
        ("movl %eax, 0xfffffffc", "fffffffc", "0002"),
        ("movl %eax, user_rodata", "08049000", "0003"),
        ("movl $0xd0000000, %eax; jmp *%eax", "d0000000", "0000"),
    ],
)
def test_other_bad_accesses_of_the_kernel(guest: Guest, code: str, address: str, error: str) -> None:
    assert guest.kernel_mode(code) is False
    guest.pc.run_to(guest["ready"])
    assert guest.log.startswith(f"Unable to handle kernel paging request at virtual address {address}\n")
    assert f"\nOops: {error}\n" in guest.log
    assert guest.log.endswith("hello: Segmentation fault\nstarting hello anew\nHello from user mode.\n")
    assert ("Bad EIP value." in guest.log) == ("jmp" in code)


def test_an_oops_on_a_crooked_stack_comes_to_an_end(each_guest: Guest) -> None:
    guest = each_guest
    assert guest.kernel_mode("movl $kernel_scratch_end-61, %esp; movl %eax, 0") is False
    assert "Stack: " in guest.log
    assert len(guest.log) < 2000
    assert guest.log.endswith("hello: Segmentation fault\nstarting hello anew\n")


@pytest.mark.parametrize("stack", ["kernel_scratch_end", "user_stack+0x800"])
def test_an_oops_on_a_foreign_stack_still_knows_the_task(guest: Guest, stack: str) -> None:
    assert guest.kernel_mode(f"movl ${stack}, %esp; movl 0, %eax") is False
    assert guest.log.endswith("hello: Segmentation fault\nstarting hello anew\n")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (".byte 0x0f, 0x0b", "invalid operand: 0000"),
        ("xorl %ecx, %ecx; divl %ecx", "divide error: 0000"),
        ("movl $0x33, %eax; movl %eax, %es", "general protection fault: 0030"),
        ("int3", "int3: 0000"),
        ("int $0x82; int $0x20; int $0x2f", None),
    ],
)
def test_other_exceptions_of_the_kernel(guest: Guest, code: str, text: str | None) -> None:
    """The last row: vectors without an exception's meaning do not hurt."""
    assert guest.kernel_mode(code) is (text is None)
    assert guest.log.startswith(f"{text}\nCPU:    0\n" if text else "Unknown interrupt\n")
    assert guest.long("jiffies") == (text is None)


# ---- Other exceptions of the user


@pytest.mark.parametrize(
    ("code", "trap", "error", "signal"),
    [
        ("xorl %ecx, %ecx; divl %ecx", "divide error", "0", "Floating point exception"),
        ("int3", "int3", "0", "Trace/breakpoint trap"),
        ("movb $0x7f, %al; addb $1, %al; into", "overflow", "0", "Segmentation fault"),
        ("movl $99, %eax; bound %eax, numbers", "bounds", "0", "Segmentation fault"),
        (".byte 0x0f, 0x0b", "invalid operand", "0", "Illegal instruction"),
        ("hlt", "general protection fault", "0", "Segmentation fault"),
        ("int $14", "general protection fault", "72", "Segmentation fault"),
        ("int $0x20", "general protection fault", "102", "Segmentation fault"),
        ("inb $0x60, %al", "general protection fault", "0", "Segmentation fault"),
        ("movl $0x7, %eax; movl %eax, %ds", "general protection fault", "4", "Segmentation fault"),
        ("pushfl; orl $0x100, (%esp); popfl; nop", "debug", "0", "Trace/breakpoint trap"),
    ],
)
def test_a_user_exception_kills_with_its_signal(guest: Guest, code: str, trap: str, error: str, signal: str) -> None:
    assert guest.user(code) is False
    guest.pc.run_to(guest["ready"])
    line, *rest = guest.log.splitlines()
    assert re.fullmatch(rf"hello\[1\]: trap {trap} at eip 080300.. esp bfffff[0-9a-f]+ error {error}", line)
    assert rest == [f"hello: {signal}", "starting hello anew", "Hello from user mode."]


# ---- Entry and exit


def test_a_user_s_null_segments_and_direction_flag_do_not_reach_the_kernel(guest: Guest) -> None:
    write = "movl $4, %eax; movl $2, %ebx; movl $message, %ecx; movl $6, %edx; "
    assert guest.user(write + "xorl %esi, %esi; movl %esi, %ds; movl %esi, %es; std; int $0x80")
    assert guest.log == "Hello "
    registers = guest.pc.registers()
    assert (registers["ds"], registers["es"], registers["eax"]) == (0, 0, 6)
    assert registers["eflags"] & 0x400


def test_a_page_fault_changes_no_register(guest: Guest) -> None:
    values = {"eax": 1, "ebx": 2, "ecx": 3, "edx": 4, "esi": 5, "edi": 6, "ebp": 7}
    for name, value in values.items():
        guest.pc.set_register(name, value)
    assert guest.user("movl %eax, user_heap")
    after = guest.pc.registers()
    assert {name: after[name] for name in values} == values
    assert after["esp"] == 0xBFFFFFE0


def test_the_door_leads_to_the_kernel_prompt_and_back(guest: Guest) -> None:
    values = {"eax": 0xA, "ebx": 0xB, "ecx": 0xC, "edx": 0xD, "esi": 0xE, "edi": 0xF, "ebp": 0x10}
    for name, value in values.items():
        guest.pc.set_register(name, value)
    assert guest.kernel_mode("nop")
    inside = guest.pc.registers()
    assert {name: inside[name] for name in values} == values
    assert (inside["cs"], inside["ss"], inside["ds"], inside["es"]) == (0x10, 0x18, 0x18, 0x18)
    assert inside["esp"] == guest["hello_task_union"] + 8192 - 60
    assert inside["eflags"] & 0x200 == 0

    # Leave the prompt untidy: the way back still finds the frame.
    assert guest.kernel_mode("pushl $1; xorl %ebx, %ebx; movl %ebx, %ds; std; int $0x81; pushl $2")
    guest.pc.set_register("eip", guest["kernel_prompt"])
    guest.pc.run_to(guest["user_scratch"] + 2)
    outside = guest.pc.registers()
    assert {name: outside[name] for name in values} == values
    assert (outside["cs"], outside["ds"], outside["esp"]) == (0x23, 0x2B, 0xBFFFFFE0)
    assert outside["eflags"] & 0x600 == 0x200
    assert guest.log == ""


def test_a_frame_with_bad_selectors_is_repaired_or_kills_the_task(guest: Guest) -> None:
    guest.kernel_mode("movl $0x33, 0x1c(%esp); movl $0x33, 0x20(%esp)")
    guest.pc.set_register("eip", guest["kernel_prompt"])
    guest.pc.run_to(guest["user_scratch"] + 2)
    assert (guest.pc.registers()["ds"], guest.pc.registers()["es"]) == (0, 0)
    assert guest.log == ""

    guest.kernel_mode("movl $0x33, 0x2c(%esp)")
    guest.pc.set_register("eip", guest["kernel_prompt"])
    guest.pc.run_to(guest["task_started"])
    assert guest.log == "hello: Segmentation fault\nstarting hello anew\n"


def test_an_interrupt_wakes_the_idle_task(guest: Guest) -> None:
    assert guest.pc.run_to(guest["cpu_idle"])
    assert guest.pc.registers()["eflags"] & 0x200
    assert guest.pc.registers()["cs"] == 0x10
    guest.pc.set_register("eip", guest["cpu_idle"] + 1)  # where the interrupt finds a halted processor
    assert guest.tick() == 1
    assert guest.long("jiffies") == 1
    assert guest.pc.registers()["eip"] == guest["cpu_idle"] + 1
    guest.pc.run_to(guest["ready"])
    assert guest.pid == 2
    assert guest.tick() == 1
    assert guest.pc.registers()["eax"] == 0xFFFFFFFF - 4 + 1  # -EINTR


# ---- System calls


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("movl $20, %eax", 1),
        ("movl $3, %eax", -38),
        ("movl $45, %eax; xorl %ebx, %ebx", 0x08050000),
        ("movl $45, %eax; movl $0x08051234, %ebx", 0x08051234),
        ("movl $45, %eax; movl $0x40000001, %ebx", 0x08050000),
        ("movl $46, %eax", -38),
        ("movl $-1, %eax", -38),
        ("movl $4, %eax; movl $0, %ebx; movl $message, %ecx; movl $5, %edx", -9),
        ("movl $4, %eax; movl $1, %ebx; movl $user_hole, %ecx; movl $5, %edx", -14),
        ("movl $4, %eax; movl $1, %ebx; movl $startup_32, %ecx; movl $5, %edx", -14),
        ("movl $4, %eax; movl $1, %ebx; movl $0xbffffffe, %ecx; movl $5, %edx", -14),
        ("movl $4, %eax; movl $1, %ebx; movl $message, %ecx; movl $-1, %edx", -14),
        ("movl $4, %eax; movl $1, %ebx; movl $message, %ecx; movl $0, %edx", 0),
    ],
)
def test_a_system_call_returns(guest: Guest, code: str, result: int) -> None:
    assert guest.user(code + "; int $0x80")
    assert guest.pc.registers()["eax"] == result & 0xFFFFFFFF


def test_write_reads_absent_pages_and_long_texts(guest: Guest) -> None:
    text = "".join(f"{n:04}." for n in range(40))
    fill = "movl $user_heap+0xfc0, %edi; movl $text, %esi; movl $200, %ecx; rep movsb; "
    write = "movl $4, %eax; movl $1, %ebx; movl $user_heap+0xfc0, %ecx; movl $200, %edx; int $0x80; jmp 1f\n"
    assert guest.user(fill + write + f'text: .ascii "{text}"\n1:')
    assert guest.log == text
    assert guest.pc.registers()["eax"] == 200


def test_brk_takes_pages_away(guest: Guest) -> None:
    free = guest.free_pages()
    shrink = "movl $1, user_heap+0x1000; movl $45, %eax; movl $user_heap+1, %ebx; int $0x80"
    assert guest.user(shrink)
    assert guest.free_pages() == free
    assert guest.user("movl user_heap, %eax")
    assert guest.user("movl user_heap+0x1000, %eax") is False
    assert "segfault at 0804d000" in guest.log


def test_exit_says_its_status(guest: Guest) -> None:
    assert guest.user("movl $1, %eax; movl $0x1ff, %ebx; int $0x80") is False
    assert guest.log == "hello: exit status 255\nstarting hello anew\n"
