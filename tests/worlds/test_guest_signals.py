"""Signals to user handlers in the guest kernel, on QEMU and on our own machine; the frame is judged by a real Linux."""

from __future__ import annotations

import struct

import pytest
from judges import linux
from judges.guest import Guest

SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGSTOP = 4, 5, 7, 8, 9, 11, 19
SEGV_MAPERR, SEGV_ACCERR, SI_KERNEL = 1, 2, 0x80
TF, RF, AC = 0x100, 0x10000, 0x40000
SA_RESTORER, SA_NODEFER, SA_ONESHOT = 0x04000000, 0x40000000, 0x80000000
EFAULT, EINVAL = 14, 22
SIGNAL, RT_SIGACTION = 48, 174
GENERAL = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp")
VALUES = {name: 0x01010101 * number for number, name in enumerate(GENERAL, 1)}
LOAD = "; ".join(f"movl ${value:#x}, %{name}" for name, value in VALUES.items())

# Where in what the handler's third argument points to the registers lie, and the signals that were blocked.
UC = {"gs": 20, "fs": 24, "es": 28, "ebx": 52, "eax": 64, "eip": 76, "cs": 80, "eflags": 84, "ss": 92, "sigmask": 108}


def system_call(guest: Guest, number: int, *arguments: int) -> int:
    """What a system call returns to the user, as a signed number."""
    names = ("eax", "ebx", "ecx", "edx", "esi")
    loads = "; ".join(f"movl ${value}, %{name}" for name, value in zip(names, (number, *arguments), strict=False))
    assert guest.user(f"{loads}; int $0x80"), guest.log
    result = guest.pc.registers()["eax"]
    return result - (result >> 31 << 32)


def handle(guest: Guest, handler: str, signal: int = SIGSEGV, flags: int = 0, mask: int = 0, restorer: int = 0) -> int:
    """Set lines of the task's as the handler of a signal; their address."""
    where = guest.user_place + 0x200 + 0x10 * signal
    guest.place(handler, where)
    action = guest.user_place + 0x400
    guest.pc.write(action, struct.pack("<IIIQ", where, flags, restorer, mask))
    assert system_call(guest, RT_SIGACTION, signal, action, 0, 8) == 0
    return where


def run_to_handler(guest: Guest, code: str, handler: int) -> None:
    guest.place(code, guest.user_place)
    guest.pc.run_to(handler)


def long(frame: bytes, offset: int) -> int:
    return int.from_bytes(frame[offset : offset + 4], "little")


def change(register: str, value: object) -> str:
    """A handler that changes a register of the frame and returns."""
    return f"movl 12(%esp), %eax; movl {value}, {UC[register]}(%eax); ret"


# ---- The frame


@pytest.mark.parametrize(
    ("code", "error", "address", "reason"),
    [
        ("movl %eax, user_hole", 6, "user_hole", SEGV_MAPERR),
        ("movl user_hole, %eax", 4, "user_hole", SEGV_MAPERR),
        ("movl %eax, user_rodata+4", 7, "user_rodata+4", SEGV_ACCERR),
        ("movl startup_32, %eax", 5, "startup_32", SEGV_MAPERR),
        ("movl %eax, startup_32", 7, "startup_32", SEGV_MAPERR),
        ("jmp user_hole", 4, "user_hole", SEGV_MAPERR),
    ],
)
def test_a_handler_is_entered_with_the_frame_of_linux_2_4(
    each_guest: Guest, code: str, error: int, address: str, reason: int
) -> None:
    guest = each_guest
    name, _, offset = address.partition("+")
    cr2 = guest[name] + int(offset or "0")
    handler = handle(guest, "nop", mask=1 << SIGTRAP - 1)
    prepare = f"movl $0x2b, %eax; movl %eax, %fs; subl $5, %esp; {LOAD}; std; stc"
    assert guest.user(prepare)
    user = guest.pc.registers()
    run_to_handler(guest, code, handler)

    now = guest.pc.registers()
    esp = now["esp"]
    assert esp == (user["esp"] - 892) & ~7
    assert (now["cs"], now["ss"], now["ds"], now["es"]) == (0x23, 0x2B, 0x2B, 0x2B)
    frame = guest.pc.read(esp, 892)
    assert struct.unpack_from("<4I", frame) == (esp + 884, SIGSEGV, esp + 16, esp + 144)
    assert struct.unpack_from("<4I", frame, 16) == (SIGSEGV, 0, reason, cr2)
    assert struct.unpack_from("<5I", frame, 144) == (0, 0, 0, 2, 0)
    context = struct.unpack_from("<22I", frame, 164)
    names = ("gs", "fs", "es", "ds", "edi", "esi", "ebp", "esp", "ebx", "edx", "ecx", "eax")
    assert [value & 0xFFFF for value in context[:4]] == [user[name] for name in names[:4]]
    assert list(context[4:12]) == [user[name] for name in names[4:]]
    eip = guest["user_hole"] if code.startswith("jmp") else guest.user_place
    assert context[12:16] == (14, error, eip, 0x23)
    assert context[16] & ~RF == user["eflags"] & ~RF  # it is set by a fault, but not in QEMU
    assert context[17:] == (user["esp"], 0x2B, 0, 0, cr2)
    assert frame[252:260] == bytes(8)
    assert frame[884:891] == bytes.fromhex("b8ad000000cd80")
    assert guest.log == ""


EQUAL = (
    "FRAME_SIG", "SI_SIGNO", "SI_ERRNO", "SI_CODE", "UC_LINK", "SC_ES", "SC_DS", "SC_EDI", "SC_ESI", "SC_EBP", "SC_EBX",
    "SC_EDX", "SC_ECX", "SC_EAX", "SC_TRAPNO", "SC_ERR", "SC_CS", "SC_SS", "SC_OLDMASK",
)  # fmt: skip
RELATED = (
    "FRAME_PINFO", "FRAME_PUC", "SI_ADDR", "SC_ESP", "SC_ESP_AT_SIGNAL", "SC_EIP", "SC_CR2", "SC_EFLAGS", "UC_SIGMASK",
)  # fmt: skip


@pytest.mark.skipif(not linux.is_installed(), reason="no Linux here that runs programs of an i386")
@pytest.mark.parametrize(
    ("code", "signal"),
    [
        ("movl %eax, 0x1000", SIGSEGV),
        ("movl 0x1000, %eax", SIGSEGV),
        ("movl %eax, {readonly}", SIGSEGV),
        ("xorl %ecx, %ecx; divl %ecx", SIGFPE),
        ("int3", SIGTRAP),
        ("movb $0x7f, %al; addb $1, %al; into", SIGSEGV),
        ("movl $99, %eax; bound %eax, {readonly}", SIGSEGV),
        ("ud2", SIGILL),
        ("hlt", SIGSEGV),
        ("int $14", SIGSEGV),
        ("movl $7, %eax; movl %eax, %es", SIGSEGV),
    ],
)
def test_a_real_linux_tells_the_handler_the_same(each_guest: Guest, code: str, signal: int) -> None:
    """But for where things lie, for RF and for the codes of 2.4 that it no longer uses."""
    guest = each_guest
    code = f"xorl %eax, %eax; {LOAD}; {code}"
    theirs = linux.signal_frame(signal, code.format(readonly="constant"))
    handler = handle(guest, "nop", signal)
    run_to_handler(guest, code.format(readonly="numbers"), handler)
    ours = guest.pc.read(guest.pc.registers()["esp"], linux.FRAME)

    assert {name: long(ours, guest[name]) for name in EQUAL} == {name: long(theirs, guest[name]) for name in EQUAL}

    def relations(frame: bytes) -> dict[str, object]:
        """What does not depend on where the program lies."""
        field = {name: long(frame, guest[name]) for name in RELATED}
        return {
            "ucontext behind siginfo": field["FRAME_PUC"] - field["FRAME_PINFO"],
            "ESP twice": field["SC_ESP"] == field["SC_ESP_AT_SIGNAL"],
            "the address is EIP": field["SI_ADDR"] == field["SC_EIP"],
            "the address is CR2": field["SI_ADDR"] == field["SC_CR2"],
            "the address, if it is the same in both": field["SI_ADDR"] if field["SI_ADDR"] in (0, 0x1000) else None,
            "EFLAGS": field["SC_EFLAGS"] & 0x20FED5,
            "blocked": field["UC_SIGMASK"],
        }

    assert relations(ours) == relations(theirs)


@pytest.mark.parametrize(
    ("code", "signal", "trap", "error", "reason", "at_eip"),
    [
        ("xorl %ecx, %ecx; divl %ecx", SIGFPE, 0, 0, 1, True),
        ("pushfl; orl $0x100, (%esp); popfl; nop", SIGTRAP, 1, 0, 1, True),
        ("int3", SIGTRAP, 3, 0, SI_KERNEL, False),
        ("movb $0x7f, %al; addb $1, %al; into", SIGSEGV, 4, 0, SI_KERNEL, False),
        ("movl $99, %eax; bound %eax, numbers", SIGSEGV, 5, 0, SI_KERNEL, False),
        (".byte 0x0f, 0x0b", SIGILL, 6, 0, 2, True),
        (".byte 0xd9, 0xe8", SIGFPE, 7, 0, SI_KERNEL, False),
        ("movl $0x43, %eax; movl %eax, %es", SIGBUS, 11, 0x40, SI_KERNEL, False),
        ("hlt", SIGSEGV, 13, 0, SI_KERNEL, False),
    ],
)
def test_other_exceptions_have_handlers_too(
    each_guest: Guest, code: str, signal: int, trap: int, error: int, reason: int, at_eip: bool
) -> None:
    guest = each_guest
    assert guest.kernel_mode("movl %cr0, %eax; orl $4, %eax; movl %eax, %cr0")  # EM: there is no coprocessor
    assert guest.leave_kernel() == 1
    guest.pc.write(guest["gdt_table"] + 0x40, (0x00CF72000000FFFF).to_bytes(8, "little"))  # not present
    handler = handle(guest, "nop", signal)
    run_to_handler(guest, code, handler)
    frame = guest.pc.read(guest.pc.registers()["esp"], 260)
    eip = long(frame, guest["SC_EIP"])
    assert struct.unpack_from("<3I", frame, 16) == (signal, 0, reason)
    assert long(frame, guest["SI_ADDR"]) == (eip if at_eip else 0)
    assert (long(frame, guest["SC_TRAPNO"]), long(frame, guest["SC_ERR"])) == (trap, error)
    assert guest.log in ("", "math-emulation not enabled and no coprocessor found.\n")


def test_an_unaligned_access_is_a_bus_error(our_guest: Guest) -> None:
    """QEMU makes no alignment checks."""
    guest = our_guest
    handler = handle(guest, "nop", SIGBUS)
    run_to_handler(guest, "pushfl; orl $0x40000, (%esp); popfl; movl 1(%esp), %eax", handler)
    frame = guest.pc.read(guest.pc.registers()["esp"], 260)
    assert struct.unpack_from("<4I", frame, 16) == (SIGBUS, 0, 1, long(frame, guest["SC_EIP"]))
    assert (long(frame, guest["SC_TRAPNO"]), long(frame, guest["SC_ERR"])) == (17, 0)


# ---- Coming back


def test_a_handler_repairs_a_register_and_the_instruction_is_tried_again(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("ebx", "$numbers"))
    assert guest.user(f"{LOAD}; movl $user_hole, %ebx; std; stc; movl (%ebx), %ecx")
    registers = guest.pc.registers()
    assert {name: registers[name] for name in GENERAL} == {**VALUES, "ebx": guest["numbers"], "ecx": 1}
    assert registers["eflags"] & 0x401 == 0x401
    assert (registers["esp"], registers["cs"], registers["ds"]) == (0xBFFFFFE0, 0x23, 0x2B)
    assert guest.log == ""


def test_a_handler_goes_on_elsewhere(each_guest: Guest) -> None:
    guest = each_guest
    skip = "movl 12(%esp), %eax; addl $6, {eip}(%eax); addl $1, {eax}(%eax); ret".format(**UC)
    handle(guest, skip)
    assert guest.user("xorl %eax, %eax; movl user_hole, %ebx; movl user_hole, %ebx; movl user_hole, %ebx")
    assert guest.pc.registers()["eax"] == 3
    assert guest.log == ""


def test_a_handler_brings_the_page_that_was_missing(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "movl $45, %eax; movl $user_hole+0x1000, %ebx; int $0x80; ret")
    assert guest.user("movl $9, %ebx; movl $7, user_hole; movl user_hole, %eax")
    assert (guest.pc.registers()["eax"], guest.pc.registers()["ebx"]) == (7, 9)


def test_a_handler_of_single_steps_runs_once_for_each_instruction(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "incl user_bss; ret", SIGTRAP)
    assert guest.user("pushfl; orl $0x100, (%esp); popfl; nop; nop; nop; pushfl; andl $~0x100, (%esp); popfl; nop")
    assert guest.pc.read_long(guest["user_bss"]) == 6
    assert guest.log == ""


def test_nothing_that_a_handler_writes_gives_it_privilege(each_guest: Guest) -> None:
    guest = each_guest
    wanted = {"eflags": 0xFFFFFFFF & ~TF & ~AC, "fs": 0x33, "gs": 0x18, "es": 0x33, "cs": 0x20, "ss": 0x28}
    changes = "; ".join(f"movl ${value:#x}, {UC[name]}(%eax)" for name, value in wanted.items())
    handle(guest, f"movl 12(%esp), %eax; {changes}; incl {UC['eip']}(%eax); ret")
    assert guest.user("hlt; nop"), guest.log
    registers = guest.pc.registers()
    assert registers["eflags"] & ~RF == 0xED7
    assert (registers["cs"], registers["ss"]) == (0x23, 0x2B)
    assert (registers["fs"], registers["gs"], registers["es"]) == (0, 0, 0)
    assert guest.log == ""


@pytest.mark.parametrize("selector", [0x10, 0x13, 0x18, 0x33, 0x60, 0])
def test_a_code_segment_that_is_not_the_user_s_kills(each_guest: Guest, selector: int) -> None:
    guest = each_guest
    handle(guest, change("cs", f"${selector}"))
    assert guest.user("hlt") is False
    assert guest.log == "hello: Segmentation fault\nstarting hello anew\n"


# ---- The handler's own faults


def test_the_same_signal_in_its_handler_kills(each_guest: Guest) -> None:
    guest = each_guest
    handler = handle(guest, "movl $1, user_hole+4; ret")
    assert guest.user("movl $1, user_hole") is False
    assert guest.log.startswith(f"hello[1]: segfault at 08050004 eip {handler:08x} esp ")
    assert guest.log.endswith("\nhello: Segmentation fault\nstarting hello anew\n")


def test_another_signal_in_a_handler_has_its_own_handler(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, f"movl 12(%esp), %eax; movl {UC['sigmask']}(%eax), %eax; movl %eax, user_bss; ret", SIGTRAP)
    handle(guest, "int3; " + change("ebx", "$numbers"))
    assert guest.user("movl $user_hole, %ebx; movl (%ebx), %eax")
    assert (guest.pc.registers()["eax"], guest.pc.read_long(guest["user_bss"])) == (1, 1 << SIGSEGV - 1)


def test_and_the_first_signal_stays_blocked_when_that_has_returned(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "ret", SIGTRAP)
    handle(guest, "int3; hlt")
    assert guest.user("hlt") is False
    assert guest.log.endswith("\nhello: Segmentation fault\nstarting hello anew\n")


def test_unless_the_handler_blocks_it(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "incl user_bss; ret", SIGTRAP)
    handle(guest, "int3; " + change("ebx", "$numbers"), mask=1 << SIGTRAP - 1)
    assert guest.user("movl $user_hole, %ebx; movl (%ebx), %eax") is False
    assert "trap int3" in guest.log
    assert guest.log.endswith("\nhello: Trace/breakpoint trap\nstarting hello anew\n")


def test_a_handler_that_defers_nothing_may_be_interrupted_by_itself(each_guest: Guest) -> None:
    guest = each_guest
    recursive = "incl user_bss; cmpl $5, user_bss; je 1f; movl user_hole, %eax; 1: " + change("ebx", "$numbers")
    handle(guest, recursive.replace("movl user_hole", "movl (%ebx)"), flags=SA_NODEFER)
    assert guest.user("movl $user_hole, %ebx; movl (%ebx), %ecx")
    assert (guest.pc.registers()["ecx"], guest.pc.read_long(guest["user_bss"])) == (1, 5)


def test_after_the_handler_the_signal_is_no_longer_blocked(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("ebx", "$numbers"))
    for _ in range(3):
        assert guest.user("movl $user_hole, %ebx; movl (%ebx), %ecx")
    assert guest.log == ""


def test_a_handler_for_one_time_is_good_for_one_time(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("ebx", "$numbers"), flags=SA_ONESHOT)
    fault = "movl $user_hole, %ebx; movl (%ebx), %ecx"
    assert guest.user(fault)
    assert guest.user(fault) is False
    assert guest.log.startswith("hello[1]: segfault at 08050000")


# ---- The user's stack


@pytest.mark.parametrize("esp", [0x08049FF0, 0x08050380, 0, 100, 0xC0100000, 0xFFFFFFF0, 0xC0000300])
def test_a_stack_that_cannot_take_the_frame_kills(each_guest: Guest, esp: int) -> None:
    guest = each_guest
    before = guest.pc.read(guest["idt_table"], 4096)
    handle(guest, "nop")
    assert guest.user(f"movl ${esp:#x}, %esp; hlt") is False
    frame = (esp - 892 & ~7) & 0xFFFFFFFF
    eip = guest["user_scratch"] + 5
    assert guest.log == (
        f"hello[1]: bad signal frame {frame:08x} eip {eip:08x} esp {esp:08x}\n"
        "hello: Segmentation fault\nstarting hello anew\n"
    )
    assert guest.pc.read(guest["idt_table"], 4096) == before


def test_the_stack_grows_for_the_frame(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("eip", "%ebx"))
    assert guest.user("movl $user_stack+0x100, %esp; movl $1f, %ebx; hlt; 1:")
    assert guest.pc.registers()["esp"] == guest["user_stack"] + 0x100
    assert guest.pte(guest["user_stack"] - 0x1000)
    assert guest.log == ""


@pytest.mark.parametrize("esp", [0, 0xC0100000, 0x08050000])
def test_a_return_from_nowhere_kills(each_guest: Guest, esp: int) -> None:
    guest = each_guest
    assert guest.user(f"movl ${esp:#x}, %esp; movl $173, %eax; int $0x80") is False
    assert guest.log.startswith(f"hello[1]: bad signal frame {esp - 4 & 0xFFFFFFFF:08x} eip ")
    assert guest.log.endswith("\nhello: Segmentation fault\nstarting hello anew\n")


def test_a_handler_may_have_its_own_way_back(each_guest: Guest) -> None:
    guest = each_guest
    restorer = guest.user_place + 0x500
    guest.place("incl user_bss; movl $173, %eax; int $0x80", restorer)
    handle(guest, change("ebx", "$numbers"), flags=SA_RESTORER, restorer=restorer)
    assert guest.user("movl $user_hole, %ebx; movl (%ebx), %ecx")
    assert guest.pc.read_long(guest["user_bss"]) == 1


# ---- Setting handlers


def test_signal_sets_a_handler_for_one_time_and_tells_the_one_before(each_guest: Guest) -> None:
    """As in Linux, whose C library does not use this call."""
    guest = each_guest
    where = guest.user_place + 0x200
    guest.place(change("ebx", "$numbers"), where)
    fault = "movl $user_hole, %ebx; movl (%ebx), %ecx"
    assert system_call(guest, SIGNAL, SIGSEGV, where) == 0
    run_to_handler(guest, fault, where)
    assert guest.pc.read(guest.task + guest["TASK_BLOCKED"], 8) == bytes(8)
    assert system_call(guest, SIGNAL, SIGSEGV, where) == 0  # the handler may set itself again
    assert system_call(guest, SIGNAL, SIGSEGV, where) == where
    assert guest.user(fault)
    assert guest.user(fault) is False


@pytest.mark.parametrize("handler", [0, 1])
def test_a_fault_cannot_be_ignored(each_guest: Guest, handler: int) -> None:
    guest = each_guest
    assert system_call(guest, SIGNAL, SIGSEGV, handler) == 0
    assert guest.user("hlt") is False
    assert "trap general protection fault" in guest.log
    assert guest.log.endswith("\nhello: Segmentation fault\nstarting hello anew\n")


def test_what_cannot_be_set(each_guest: Guest) -> None:
    guest = each_guest
    action = guest.user_place + 0x400
    guest.pc.write(action, struct.pack("<IIIQ", 0x1234, 0, 0, 0xFFFFFFFFFFFFFFFF))
    for signal in (0, 32, 65, -1, SIGKILL, SIGSTOP):
        assert system_call(guest, SIGNAL, signal, 0x1234) == -EINVAL
        assert system_call(guest, RT_SIGACTION, signal, action, 0, 8) == -EINVAL
    assert system_call(guest, RT_SIGACTION, SIGSEGV, action, 0, 4) == -EINVAL
    for address in (guest["user_hole"], guest["startup_32"], 0xFFFFFFFF):
        assert system_call(guest, RT_SIGACTION, SIGSEGV, address, 0, 8) == -EFAULT
        assert system_call(guest, RT_SIGACTION, SIGSEGV, 0, address, 8) == -EFAULT
    assert system_call(guest, RT_SIGACTION, SIGKILL, 0, 0, 8) == 0  # nothing asked
    assert guest.log == ""


def test_an_action_can_be_read_back_but_kill_and_stop_cannot_be_blocked(each_guest: Guest) -> None:
    guest = each_guest
    new, old = guest.user_place + 0x400, guest.user_place + 0x420
    action = struct.pack("<IIIQ", 0x1234, SA_NODEFER, 0x5678, 0xFFFFFFFFFFFFFFFF)
    guest.pc.write(new, action)
    assert system_call(guest, RT_SIGACTION, 31, new, old, 8) == 0
    assert guest.pc.read(old, 20) == bytes(20)
    assert system_call(guest, RT_SIGACTION, 31, 0, old, 8) == 0
    allowed = 0xFFFFFFFFFFFFFFFF & ~(1 << SIGKILL - 1) & ~(1 << SIGSTOP - 1)
    assert guest.pc.read(old, 20) == action[:12] + allowed.to_bytes(8, "little")
    assert system_call(guest, SIGNAL, 31, 0) == 0x1234


# ---- Tasks


def test_a_child_has_its_parent_s_handlers_until_it_sets_its_own(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("ebx", "$numbers"))
    fault = "movl $user_hole, %ebx; movl (%ebx), %ecx"
    assert guest.user("movl $2, %eax; int $0x80")
    assert guest.tick() == 2
    assert guest.tick() == 3
    assert guest.user(fault)
    assert guest.pc.registers()["ecx"] == 1
    assert system_call(guest, SIGNAL, SIGSEGV, 0) > 0
    assert guest.tick() == 1
    assert guest.user(fault)
    assert guest.log == ""


def test_the_other_task_s_handlers_are_its_own(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("ebx", "$numbers"))
    assert guest.tick() == 2
    assert guest.user("hlt") is False
    assert guest.log.startswith("other[2]: trap general protection fault")


def test_a_task_that_starts_anew_has_no_handlers_and_nothing_blocked(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "int3; ret")  # SIGTRAP kills it while SIGSEGV is blocked
    assert guest.user("hlt") is False
    guest.pc.run_to(guest["ready"])
    assert guest.pc.read(guest.task + guest["TASK_BLOCKED"], 8) == bytes(8)
    assert guest.user("hlt") is False
    assert guest.log.endswith("hello: Segmentation fault\nstarting hello anew\n")
    guest.pc.run_to(guest["ready"])
    handle(guest, change("eip", "%ebx"))
    assert guest.user("movl $1f, %ebx; hlt; 1:")


def test_a_frame_on_a_shared_stack_page_is_the_child_s_alone(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, change("eip", "%ebx"))
    assert guest.user("movl $0x12345678, -0x100(%esp); movl $2, %eax; int $0x80")
    stack = guest.pc.read(guest["user_stack"], 4096)
    assert guest.tick() == 2
    assert guest.tick() == 3
    assert guest.user("movl $1f, %ebx; hlt; 1:")
    assert guest.pc.read(guest["user_stack"], 4096) != stack
    assert guest.tick() == 1
    assert guest.pc.read(guest["user_stack"], 4096) == stack


def test_what_the_kernel_tells_of_an_action_goes_to_the_child_s_copy(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "nop")
    assert guest.user("movl $7, counter; movl $2, %eax; int $0x80")
    assert guest.tick() == 2
    assert guest.tick() == 3
    assert system_call(guest, RT_SIGACTION, SIGSEGV, 0, guest["counter"], 8) == 0
    assert guest.pc.read_long(guest["counter"]) != 7
    assert guest.tick() == 1
    assert guest.pc.read_long(guest["counter"]) == 7


def test_a_signal_waits_while_another_task_runs(each_guest: Guest) -> None:
    guest = each_guest
    handler = handle(guest, change("ebx", "$numbers"))
    guest.place("movl $user_hole, %ebx; movl (%ebx), %ecx", guest.user_place)
    guest.pc.run_to(guest["force_sig_info"])
    assert guest.tick() == 1  # in the kernel, so the switch waits too
    assert guest.to_user() == 2
    assert guest.tick() == 1
    assert guest.pc.registers()["eip"] == handler
    assert guest.log == ""


def test_a_signal_of_the_kernel_prompt_is_taken_on_the_way_to_user_mode(each_guest: Guest) -> None:
    guest = each_guest
    handler = handle(guest, "nop")
    assert guest.kernel_mode("pushl $0x1234; pushl $1; pushl $11; call force_sig_info; std")
    assert guest.leave_kernel() == 1
    registers = guest.pc.registers()
    assert registers["eip"] == handler
    frame = guest.pc.read(registers["esp"], 892)
    assert struct.unpack_from("<4I", frame, 16) == (SIGSEGV, 0, 1, 0x1234)
    assert frame[884:891] == bytes.fromhex("b8ad000000cd80")


def test_signals_are_not_for_the_kernel_s_own_faults(each_guest: Guest) -> None:
    guest = each_guest
    handle(guest, "nop")
    write = "movl $4, %eax; movl $1, %ebx; movl $user_hole, %ecx; movl $5, %edx; int $0x80"
    assert guest.user(write)
    assert guest.pc.registers()["eax"] == 0xFFFFFFFF - EFAULT + 1
    assert guest.kernel_mode("movl user_hole, %eax") is False
    assert guest.log.endswith("hello: Segmentation fault\nstarting hello anew\n")
