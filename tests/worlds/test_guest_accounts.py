"""The guest kernel's accounts, after whatever tasks may do and whenever the timer may tick, on our own machine."""

from __future__ import annotations

import random
import struct

import pytest
from judges.guest import PAGE_OFFSET, Guest
from judges.ours import OurGuest

from pagefault_lab.machine.machine import Stop

PAGE = 4096
KERNEL_PDES, VMALLOC_PDES = 0xC0000000 >> 22, 0xC2C00000 >> 22
PRESENT, IF = 1, 0x200
TIMER = 0x20
EXIT, FORK, BRK, SIGNAL, CREATE, INIT, DELETE = 1, 2, 45, 48, 127, 128, 129
SIGSEGV = 11
NAMES = ("red", "green", "blue")
PLACES = ("counter", "user_bss", "user_heap", "user_heap+0x2000", "-4(%esp)")


def longs(guest: Guest, physical: int, count: int = 1024) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", guest.pc.read_physical(physical, 4 * count))


def tasks(guest: Guest) -> list[int]:
    return [task for task in longs(guest, guest["task"] - PAGE_OFFSET, 8)[1:] if task]


def frames(guest: Guest, directory: int, first: int, end: int) -> list[int]:
    """The page tables of a part of a directory, and the pages in them."""
    tables = [entry >> 12 for entry in longs(guest, directory)[first:end] if entry & PRESENT]
    return tables + [entry >> 12 for table in tables for entry in longs(guest, table * PAGE) if entry & PRESENT]


def check_accounts(guest: Guest) -> None:
    """Each page has as many users as there are places that know it; the zones know their first free page."""
    image = guest["_end"] - PAGE_OFFSET >> 12
    master = guest["swapper_pg_dir"] - PAGE_OFFSET
    used = frames(guest, master, VMALLOC_PDES, 1024)
    for task in tasks(guest):
        directory = guest.pc.read_long(task + guest["TASK_PGD"]) - PAGE_OFFSET
        used += [(task - PAGE_OFFSET >> 12) + half for half in (0, 1)]
        used += [directory >> 12, *frames(guest, directory, 0, KERNEL_PDES)]
        for own, all_know in zip(
            longs(guest, directory)[KERNEL_PDES:], longs(guest, master)[KERNEL_PDES:], strict=True
        ):
            assert own >> 12 in (0, all_know >> 12)
    users = bytearray([255] * image + [0] * (8192 - image))
    for page in used:
        users[page] += users[page] < 255
    assert guest.pc.read(guest["mem_map"], 8192) == users
    for zone in ("zone_dma", "zone_normal"):
        start, end, free = longs(guest, guest[zone] - PAGE_OFFSET, 3)
        assert free == start + (users[start:end] + b"\0").index(0)


def kernel_call(guest: Guest, function: str, *arguments: int) -> int:
    pushes = "".join(f"pushl ${argument:#x}; " for argument in reversed(arguments))
    assert guest.kernel_mode(f"{pushes}call {function}"), guest.log
    result = guest.pc.registers()["eax"]
    guest.leave_kernel()
    return result


@pytest.mark.parametrize("seed", range(20))
def test_no_page_is_lost_and_none_has_two_owners(our_guest: OurGuest, seed: int) -> None:
    guest, chance = our_guest, random.Random(seed)
    areas: list[int] = []  # of vmalloc

    def end(code: str) -> None:
        """The running task's end: another runs then, or the same one anew."""
        if guest.pid <= 2:
            assert guest.user(code) is False
            guest.pc.run_to(guest["ready"])
        else:
            guest.place(code, guest.user_place)
            guest.to_user()

    def oops() -> None:
        assert guest.kernel_mode("nop")
        guest.place("movl %eax, 0", guest["kernel_scratch"])
        guest.pc.run_to(guest["ready"]) if guest.pid <= 2 else guest.to_user()

    def vfree() -> None:
        if areas:
            kernel_call(guest, "vfree", areas.pop(chance.randrange(len(areas))))

    def handle() -> None:
        where = guest.user_place + 0x200
        guest.place("movl 12(%esp), %eax; movl $numbers, 52(%eax); ret", where)
        guest.system_call(SIGNAL, SIGSEGV, where)
        assert guest.user("movl $0x50000000, %ebx; movl (%ebx), %ecx")

    actions = {
        "write": lambda: guest.user(f"movl $7, {chance.choice(PLACES)}"),
        "push far down": lambda: guest.user("movl %esp, %ebx; leal -0x2000(%esp), %esp; pushl $7; movl %ebx, %esp"),
        "write in the kernel": lambda: guest.kernel_mode("movl $7, user_bss") and guest.leave_kernel(),
        "fork": lambda: guest.system_call(FORK),
        "switch": guest.tick,
        "exit": lambda: end(f"movl ${EXIT}, %eax; int $0x80"),
        "die": lambda: end("movl $12, %esp; hlt"),
        "oops": oops,
        "brk": lambda: guest.system_call(BRK, guest["user_heap"] + chance.choice((0, 1, 0x4000, 0x500000))),
        "create": lambda: guest.system_call(CREATE, chance.choice(NAMES), chance.choice((64, 5000, 0x500000))),
        "init": lambda: guest.system_call(INIT, chance.choice(NAMES)),
        "delete": lambda: guest.system_call(DELETE, chance.choice(NAMES)),
        "vmalloc": lambda: areas.append(kernel_call(guest, "vmalloc", chance.choice((1, PAGE, 70000, 0x3FF000)))),
        "vfree": vfree,
        "touch": lambda: areas and guest.kernel_mode(f"incl {chance.choice(areas):#x}") and guest.leave_kernel(),
        "sync": lambda: kernel_call(guest, "vmalloc_sync_all"),
        "handle": handle,
    }

    for _ in range(60):
        name = chance.choice(list(actions))
        if name == "write" and guest.pc.read_long(guest.task + guest["TASK_BRK"]) < guest["user_hole"]:
            continue  # it might be its end
        actions[name]()
        check_accounts(guest)


# ---- The timer, at any instruction

AT_ANY_TIME = {
    "copy on write": """
        movl $5, counter; movl $2, %eax; int $0x80; testl %eax, %eax; jnz 1f
        movl $2, %eax; int $0x80; movl $6, counter; movl %eax, user_heap; movl $1, %eax; movl $3, %ebx; int $0x80
1:      movl $7, counter; pushl %eax
""",
    "memory": """
        movl $45, %eax; movl $user_heap+0x400000, %ebx; int $0x80; movl $1, user_heap+0x3ff000
        movl %esp, %edi; movl $user_stack-0x2000, %esp; pushal; movl %edi, %esp
        movl $45, %eax; movl $user_heap+4, %ebx; int $0x80
""",
    "module": """
        movl $127, %eax; movl $1f, %ebx; movl $0x3040, %ecx; int $0x80; movl $128, %eax; int $0x80
        movl $129, %eax; int $0x80; jmp 2f
1:      .asciz "abc"
2:
""",
    "signal": """
        movl $48, %eax; movl $11, %ebx; movl $1f, %ecx; int $0x80; movl $0x2b, %eax; movl %eax, %fs; movl $1, %esi
        movl $user_hole, %ebx; std; movl (%ebx), %edx; cld; jmp 2f
1:      movl 12(%esp), %eax; movl $numbers, 52(%eax); ret
2:      movl $-1, %eax; movl $0, %ecx
""",
    "segments": """
        xorl %eax, %eax; movl %eax, %es; movl $0x2b, %eax; movl %eax, %gs; movl $20, %eax; int $0x80
        movl %ebx, %ds; movl $99, %eax; int $0x80
""",
}
ASLEEP = "\n3: movl $29, %eax; int $0x80; jmp 3b"


def outcome(code: str, guest: OurGuest, ticks: list[int]) -> tuple[int, list[object]]:
    """Run lines until they sleep and all others are gone, with ticks at some steps: how many steps, what is then."""
    machine = guest.pc.machine
    end = guest.place(code + ASLEEP, guest.user_place)
    start = machine.steps
    for tick in ticks:
        if machine.run(max(0, start + tick - machine.steps)) is Stop.LIMIT and machine.cpu.eflags & IF:
            machine.interrupt(TIMER)
    for _ in range(50):
        assert machine.run(1_000_000) is Stop.WAITING, guest.log
        frame = guest.task + 8192 - 60
        if guest.pid == 1 and len(tasks(guest)) == 2 and end - 8 <= guest.pc.read_long(frame + 0x28) <= end:
            break
        machine.interrupt(TIMER)
    else:
        pytest.fail("the lines never end")
    steps = machine.steps - start
    check_accounts(guest)
    registers = list(longs(guest, frame - PAGE_OFFSET, 15))
    registers[7:9] = [selector & 0xFFFF for selector in registers[7:9]]  # the rest of a push is as it was
    cpu = guest.pc.registers()
    variables = [guest.pc.read_long(guest[name]) for name in ("counter", "sum", "pid", "vmlist_end", "module_list")]
    said = sorted(guest.log.splitlines())
    return steps, [registers, cpu["fs"], cpu["gs"], variables, said, guest.free_pages()]


@pytest.mark.parametrize("name", AT_ANY_TIME)
def test_a_tick_changes_nothing_for_who_does_not_look(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("guest")
    code, chance = AT_ANY_TIME[name], random.Random(name)
    steps, expected = outcome(code, OurGuest(folder), [])
    for count in [1] * 20 + [2, 5] * 5:
        ticks = sorted(chance.choices(range(steps), k=count))
        assert outcome(code, OurGuest(folder), ticks)[1] == expected, ticks
