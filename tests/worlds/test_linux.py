"""The world linux on our own machine: its doors lead where World says, and a kept machine is the booted one."""

from pathlib import Path

import pytest
from judges import gnu, qemu
from judges.guest import BASE, SOURCE, Guest

from pagefault_lab.assembler import assemble
from pagefault_lab.machine.machine import Machine, Stop
from pagefault_lab.worlds import World, boot, linux, snapshots


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "pagefault-lab"


def state(machine: Machine) -> tuple[object, ...]:
    frames = {n: tuple(words) for n, words in enumerate(machine.memory.frames) if words is not None and any(words)}
    return machine.cpu.save(), machine.ports.save(), machine.steps, frames


def test_it_waits_at_cpl_3_with_paging_on_and_nothing_gone_wrong() -> None:
    machine, world = boot("linux")
    cpu = machine.cpu
    assert (cpu.cpl, cpu.eip) == (3, world.symbols["ready"])
    assert cpu.cr0 == 0x80050033
    assert (cpu.exceptions, machine.steps) == (0, 0)
    assert b"Hello from user mode.\n" in bytes(machine.ports.serial.output)


def test_the_second_start_comes_from_the_cache_and_is_the_same(own_cache: Path) -> None:
    first, world = boot("linux")
    (kept,) = own_cache.iterdir()
    written = kept.stat().st_mtime_ns
    second, again = boot("linux")
    assert state(second) == state(first)
    assert again == world
    assert kept.stat().st_mtime_ns == written
    for machine in (first, second):
        machine.run(100_000)
    assert state(second) == state(first)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:100],
                                    lambda data: data.replace(b"\x00\x00", b"\x00\x01", 1), lambda data: b"\x80" + data,
                                    lambda data: data.replace(b'"frames":[', b'"frames":[99999999,', 1),
                                    lambda data: data.replace(b'"memory":', b'"memory":-'),
                                    lambda data: b"[]" + data[data.index(b"\n") :]])  # fmt: skip
def test_a_damaged_cache_means_only_that_it_boots(own_cache: Path, damage) -> None:  # type: ignore[no-untyped-def]
    first, _ = boot("linux")
    (kept,) = own_cache.iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    second, _ = boot("linux")
    assert state(second) == state(first)


def test_a_cache_of_other_sources_is_not_used(own_cache: Path) -> None:
    machine, _ = boot("linux")
    snapshots.store("other", "one key", machine, {})
    assert snapshots.restore("other", "another key") is None
    assert snapshots.restore("other", "one key") is not None


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert boot("linux")[0].cpu.cpl == 3
    monkeypatch.setattr(snapshots, "folder", lambda: None)
    assert boot("linux")[0].cpu.cpl == 3


def test_a_kept_machine_does_not_depend_on_who_keeps_it() -> None:
    """Everything that a processor's state consists of survives the file."""
    machine, _ = boot("linux")
    machine.interrupt(0x20)
    machine.run(500)
    machine.ports.serial.input += b"abc"
    saved = machine.cpu.save(), machine.ports.save()
    assert snapshots._rich(snapshots._plain(saved)) == saved


@pytest.fixture(scope="module")
def world() -> World:
    return boot("linux")[1]


def test_doors_are_places_of_the_guest(world: World) -> None:
    names = set(world.symbols)
    assert {"page_fault", "do_page_fault", "printk", "user_hole"} <= names
    assert "PAGE_OFFSET" in world.constants
    assert "user_hole" not in world.constants
    kernel, user = world.code
    assert world.symbols["page_fault"] in kernel
    assert world.symbols["hello_start"] in user
    assert world.kernel_place in kernel
    assert all(stop.address in kernel for stop in world.stops)


def test_modules_may_use_what_is_exported_and_know_no_mark_of_it(world: World) -> None:
    assert {"printk", "get_free_page", "free_page", "vmalloc", "memcpy", "current", "idt_table"} <= world.exports
    assert world.exports <= world.symbols.keys() - world.constants
    assert "do_page_fault" not in world.exports
    assert not any(name.startswith("__ksymtab_") for name in world.symbols)


def test_doors_for_modules_tasks_and_pages_lead_into_the_guest_s_own_tables() -> None:
    machine, world = boot("linux")
    memory, at = machine.memory, world.symbols
    page_offset = at["PAGE_OFFSET"]
    assert world.modules is not None
    assert memory.read(world.modules.list - page_offset, 4) == 0
    kernel_entry = memory.read(world.modules.directory + at["KERNEL_PDES"], 4)
    assert kernel_entry == memory.read(machine.cpu.cr3 + at["KERNEL_PDES"], 4)

    assert world.tasks is not None
    task = memory.read(world.tasks.current - page_offset, 4)
    assert memory.read(task + at["TASK_PID"] - page_offset, 4) == 1
    assert memory.read(world.tasks.to_user - page_offset, 1) == 0xCF  # iret

    assert world.page_map is not None
    users = memory.read_bytes(world.page_map.start - page_offset, world.page_map.frames)
    assert users[machine.cpu.cr3 >> 12] == 1
    assert users.startswith(b"\xff" * 256)
    assert users.endswith(b"\0" * 256)


def test_the_gate_leads_to_where_world_says() -> None:
    machine, world = boot("linux")
    assert world.user_scratch is not None
    assert world.gate is not None
    assert world.kernel_place is not None
    machine.cpu.eip = world.user_scratch.start
    physical = machine.cpu.translate(world.user_scratch.start, linux_read(), True)
    machine.memory.write_bytes(physical, bytes((0xCD, world.gate)))
    assert machine.run(1000, {world.kernel_place}) is Stop.ADDRESS
    assert machine.cpu.cpl == 0
    assert machine.run(1000, {world.user_scratch.start + 2}) is Stop.ADDRESS
    assert machine.cpu.cpl == 3


def linux_read():  # type: ignore[no-untyped-def]
    from pagefault_lab.machine.events import Kind

    return Kind.READ


@pytest.mark.skipif(not gnu.is_installed(), reason="GNU binutils are not installed")
def test_the_kernel_has_the_bytes_that_gnu_as_and_ld_make_of_its_sources(kernel: gnu.Linked) -> None:
    program = assemble(SOURCE.read_text("utf-8"), name=SOURCE.name, origin=BASE, include=[SOURCE.parent])
    places = {name: symbol.value for name, symbol in program.symbols.items() if name in kernel.symbols}
    assert places == {name: kernel[name] for name in places}
    assert kernel.symbols.keys() - places == {"__bss_start"}  # ld's own
    image = kernel.image.read_bytes()
    for section in program.loaded():
        start = section.address - BASE
        assert section.data == image[start : start + len(section.data)]


@pytest.mark.skipif(not (gnu.is_installed() and qemu.is_installed()), reason="GNU binutils or QEMU are not installed")
def test_it_says_here_what_it_says_in_qemu(guest: Guest, our_guest: Guest) -> None:
    assert our_guest.pc.serial() == guest.pc.serial()
    assert our_guest.pc.registers() == guest.pc.registers()


def test_booting_takes_a_bounded_number_of_steps() -> None:
    machine, names = linux.start()
    assert machine.cpu.retired == 0
    assert names["symbols"]["ready"] == machine.cpu.eip
