"""Modules of the guest kernel, on QEMU and on our own machine: create_module, init_module, delete_module."""

from __future__ import annotations

import pytest
from judges.guest import Guest

from pagefault_lab.worlds import boot

VMALLOC_AREA = 0xC2C00000
CREATE, INIT, DELETE = 127, 128, 129
CLEANED_UP = 0x3000  # where in kernel_scratch the module's cleanup counts
ENOENT, EIO, ENOMEM, EFAULT, EBUSY, EEXIST, EINVAL = 2, 5, 12, 14, 16, 17, 22

MODULE = """
        .long   0                       # how often init_module ran
init:   incl    {base} + 64
        movl    ${result}, %eax
        ret
cleanup:
        incl    {cleaned_up}
        ret
"""


def call(guest: Guest, number: int, name: str, size: int = 0) -> int:
    """A module system call from wherever the guest stands; its result."""
    run = guest.user if guest.pc.registers()["cs"] & 3 else guest.kernel_mode
    code = f"""
        movl ${number}, %eax
        movl $name, %ebx
        movl ${size}, %ecx
        int $0x80
        jmp 1f
name:   .asciz "{name}"
1:"""
    assert run(code), guest.log
    result = guest.pc.registers()["eax"]
    return result - (1 << 32) if result > 0xFFFFF000 else result


def load(guest: Guest, base: int, result: int) -> None:
    """Write the module behind its head, as a loader outside does."""
    source = MODULE.format(base=base, result=result, cleaned_up=guest["kernel_scratch"] + CLEANED_UP)
    image = guest.assemble(source, base + 64)
    guest.pc.write(base + 64, image)
    incl = b"\xff\x05"
    field(guest, base, "MODULE_INIT", base + 64 + image.index(incl))
    field(guest, base, "MODULE_CLEANUP", base + 64 + image.rindex(incl))


def field(guest: Guest, module: int, name: str, value: int | None = None) -> int:
    """A field of a module's head, after it got that value."""
    if value is not None:
        guest.pc.write(module + guest[name], value.to_bytes(4, "little"))
    return guest.pc.read_long(module + guest[name])


def cleaned_up(guest: Guest) -> int:
    """How often cleanup_module ran."""
    return guest.pc.read_long(guest["kernel_scratch"] + CLEANED_UP)


@pytest.fixture(params=["user", "kernel"])
def caller(request: pytest.FixtureRequest, each_guest: Guest) -> Guest:
    """A guest that stands in user mode, or at the kernel prompt: the calls work from both."""
    if request.param == "kernel":
        assert each_guest.kernel_mode("nop")
    return each_guest


def test_a_created_module_is_the_newest_of_the_list(caller: Guest) -> None:
    first = call(caller, CREATE, "first", 64)
    second = call(caller, CREATE, "a" * 43, 5000)
    assert (first, second) == (VMALLOC_AREA, VMALLOC_AREA + 0x2000)
    assert caller.long("module_list") == second
    fields = ("MODULE_NEXT", "MODULE_SIZE", "MODULE_FLAGS", "MODULE_INIT", "MODULE_CLEANUP")
    assert [field(caller, second, name) for name in fields] == [first, 5000, 0, 0, 0]
    assert [field(caller, first, name) for name in fields] == [0, 64, 0, 0, 0]
    assert caller.pc.read(first + caller["MODULE_NAME"], 6) == b"first\0"
    assert caller.pc.read(second + caller["MODULE_NAME"], 44) == b"a" * 43 + b"\0"


@pytest.mark.parametrize(
    ("name", "size", "error"),
    [
        ("there", 64, EEXIST),
        ("", 64, EINVAL),
        ("a" * 44, 64, EINVAL),
        ("small", 63, EINVAL),
        ("big", 0x2000000, ENOMEM),
        ("huge", -1, ENOMEM),
    ],
)
def test_a_module_that_cannot_be_created_leaves_nothing(caller: Guest, name: str, size: int, error: int) -> None:
    there = call(caller, CREATE, "there", 64)
    before = caller.pc.read(caller["mem_map"], 8192)
    assert call(caller, CREATE, name, size) == -error
    assert caller.long("module_list") == there
    assert caller.pc.read(caller["mem_map"], 8192) == before
    assert call(caller, CREATE, "next", 64) == there + 0x2000


@pytest.mark.parametrize("number", [CREATE, INIT, DELETE])
@pytest.mark.parametrize("address", ["startup_32", "user_hole", "0xbfffffff", "0"])
def test_a_name_that_the_user_may_not_read_is_no_name(each_guest: Guest, number: int, address: str) -> None:
    guest = each_guest
    prepare = "movb $0x41, 0xbfffffff; " if address == "0xbfffffff" else ""
    assert guest.user(f"{prepare}movl ${number}, %eax; movl ${address}, %ebx; movl $64, %ecx; int $0x80")
    assert guest.pc.registers()["eax"] == (1 << 32) - EFAULT
    assert guest.long("module_list") == 0


def test_a_name_may_lie_in_a_page_that_is_not_there_yet(each_guest: Guest) -> None:
    """The name's own absent page comes as with any access; it is all zeros, so there is no name."""
    guest = each_guest
    assert guest.user(f"movl ${CREATE}, %eax; movl $user_bss, %ebx; movl $64, %ecx; int $0x80")
    assert guest.pc.registers()["eax"] == (1 << 32) - EINVAL


def test_a_module_runs_and_cleans_up(caller: Guest) -> None:
    free = caller.free_pages()
    base = call(caller, CREATE, "good", 0x1100)
    load(caller, base, 0)
    assert call(caller, INIT, "good") == 0
    assert field(caller, base, "MODULE_FLAGS") == caller["MODULE_RUNNING"]
    assert caller.pc.read_long(base + 64) == 1
    assert call(caller, INIT, "good") == -EBUSY
    assert caller.pc.read_long(base + 64) == 1
    assert call(caller, CREATE, "good", 64) == -EEXIST
    assert call(caller, DELETE, "good") == 0
    assert cleaned_up(caller) == 1
    assert caller.long("module_list") == 0
    assert caller.free_pages() == free
    assert call(caller, DELETE, "good") == -ENOENT
    assert caller.log == ""


@pytest.mark.parametrize(("result", "error"), [(-EIO, EIO), (7, EBUSY), (-ENOMEM, ENOMEM)])
def test_a_module_whose_init_fails_is_gone(caller: Guest, result: int, error: int) -> None:
    other = call(caller, CREATE, "other", 64)
    newest = call(caller, CREATE, "newest", 64)
    free = caller.free_pages()
    base = call(caller, CREATE, "bad", 0x1100)
    latest = call(caller, CREATE, "latest", 64)
    load(caller, base, result)
    assert call(caller, INIT, "bad") == -error
    assert cleaned_up(caller) == 0
    assert (caller.long("module_list"), field(caller, latest, "MODULE_NEXT")) == (latest, newest)
    assert field(caller, newest, "MODULE_NEXT") == other
    assert caller.free_pages() == free - 1
    assert call(caller, INIT, "bad") == -ENOENT


def test_a_module_without_functions_needs_none(caller: Guest) -> None:
    base = call(caller, CREATE, "data", 64)
    assert call(caller, INIT, "data") == 0
    assert field(caller, base, "MODULE_FLAGS") == caller["MODULE_RUNNING"]
    assert call(caller, DELETE, "data") == 0
    assert caller.long("module_list") == 0


def test_a_module_that_never_ran_is_deleted_without_cleaning_up(caller: Guest) -> None:
    load(caller, call(caller, CREATE, "idle", 0x1100), 0)
    assert call(caller, DELETE, "idle") == 0
    assert cleaned_up(caller) == 0
    assert caller.long("module_list") == 0


def test_unknown_modules_are_not_there(caller: Guest) -> None:
    call(caller, CREATE, "known", 64)
    for name in ("know", "known1", "unknown"):
        assert call(caller, INIT, name) == -ENOENT
        assert call(caller, DELETE, name) == -ENOENT


def test_modules_leave_the_list_in_any_order(caller: Guest) -> None:
    for name in "abc":
        call(caller, CREATE, name, 64)
    for name, left in (("b", "ca"), ("c", "a"), ("a", "")):
        assert call(caller, DELETE, name) == 0
        names, module = "", caller.long("module_list")
        while module:
            names += caller.pc.read(module + caller["MODULE_NAME"], 1).decode()
            module = field(caller, module, "MODULE_NEXT")
        assert names == left


def test_a_module_that_fails_in_init_with_an_oops_can_be_deleted(each_guest: Guest) -> None:
    guest = each_guest
    base = call(guest, CREATE, "oops", 0x1100)
    load(guest, base, 0)
    field(guest, base, "MODULE_INIT", 0x10)
    code = f'movl ${INIT}, %eax; movl $name, %ebx; int $0x80; nop\nname: .asciz "oops"'
    assert guest.user(code) is False
    assert "NULL pointer dereference at virtual address 00000010" in guest.log
    guest.pc.run_to(guest["ready"])
    assert call(guest, DELETE, "oops") == 0
    assert cleaned_up(guest) == 0
    assert guest.long("module_list") == 0


# ---- What a module may use


def test_every_exported_name_is_a_symbol_with_its_letters(each_guest: Guest) -> None:
    guest = each_guest
    table = guest.pc.read(guest["__start___ksymtab"], guest["__stop___ksymtab"] - guest["__start___ksymtab"])
    longs = [int.from_bytes(table[n : n + 4], "little") for n in range(0, len(table), 4)]
    found = {}
    for value, letters in zip(longs[::2], longs[1::2], strict=True):
        name, _, _ = guest.pc.read(letters, 64).partition(b"\0")
        found[name.decode()] = value
    assert found == {name: guest[name] for name in boot("linux")[1].exports}
