"""The world `linux`: a tiny i386 kernel in the likeness of Linux 2.4, booted up to its task's first wait.

kernel.s beside this file tells what is where; its doors are what this module holds on to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.worlds import (
    WORLDS,
    LogBuffer,
    ModuleDoors,
    PageMap,
    Region,
    StopPlace,
    TaskDoors,
    World,
    cache,
    snapshots,
)
from pagefault_lab.worlds.bare import flat_machine

if TYPE_CHECKING:
    from pagefault_lab.machine.machine import Machine

HERE: Final = Path(__file__).parent
CALLS_SIZE: Final = 512  # of each scratch region's end, for the system calls that commands make
BOOT_STEPS: Final = 20_000_000  # more than it ever takes
TIMER_IRQ: Final = 0
EXPORT: Final = "__ksymtab_"  # in front of an exported name: the label of its record


def boot() -> tuple[Machine, World]:
    """The machine as its task waits, from the cache if it was booted before."""
    package = HERE.parents[1]
    key = cache.key(package / "machine", package / "assembler", HERE.parent)
    kept = snapshots.restore("linux", key)
    if kept is None:
        machine, names = start()
        snapshots.store("linux", key, machine, names)
    else:
        machine, names = kept
    return machine, world(names)


def start() -> tuple[Machine, dict[str, Any]]:
    """Assemble the kernel, load it as a multiboot loader would, and let it run until its task is ready."""
    from pagefault_lab.assembler import assemble
    from pagefault_lab.machine.machine import Stop

    source = HERE / "kernel.s"
    linked_at = 0xC0100000
    program = assemble(source.read_text("utf-8"), name=source.name, origin=linked_at, include=[HERE])
    hidden = (".L", EXPORT)
    shown = [symbol for name, symbol in program.symbols.items() if not name.startswith(hidden) and not name.isdigit()]
    symbols = {symbol.name: symbol.value for symbol in shown}
    constants = [symbol.name for symbol in shown if symbol.section is None and not symbol.is_global]
    exports = [name.removeprefix(EXPORT) for name in program.symbols if name.startswith(EXPORT)]
    machine = flat_machine()
    loaded_at = linked_at - symbols["PAGE_OFFSET"]
    for section in program.loaded():
        machine.memory.write_bytes(section.address - symbols["PAGE_OFFSET"], section.data)
    machine.cpu.eip = loaded_at
    stop = machine.run(BOOT_STEPS, {symbols["ready"]})
    if stop is not Stop.ADDRESS or machine.cpu.cpl != 3:
        raise RuntimeError(f"the kernel did not come up: {stop.value} at {machine.cpu.eip:#x}")
    machine.steps = machine.cpu.retired = 0  # time begins with the prompt
    return machine, {"symbols": symbols, "constants": constants, "exports": exports}


def world(names: Mapping[str, Any]) -> World:
    """The doors, by the kernel's own symbols."""
    at: dict[str, int] = names["symbols"]
    return World(
        "linux",
        WORLDS["linux"],
        at,
        frozenset(names["constants"]),
        ends=frozenset({"_end", "user_scratch_end"}),
        code=(
            Region("kernel text", at["_text"], at["_etext"]),
            Region("user text", at["user_text"], at["user_rodata"]),
        ),
        user_scratch=Region("user scratch", at["user_scratch"], at["user_scratch_end"] - CALLS_SIZE),
        kernel_scratch=Region("kernel scratch", at["kernel_scratch"], at["kernel_scratch_end"] - CALLS_SIZE),
        user_calls=Region("system calls", at["user_scratch_end"] - CALLS_SIZE, at["user_scratch_end"]),
        kernel_calls=Region("system calls", at["kernel_scratch_end"] - CALLS_SIZE, at["kernel_scratch_end"]),
        gate=0x81,
        kernel_place=at["kernel_prompt"],
        stops=(
            StopPlace(at["task_started"], "the kernel has started the task anew", at["ready"]),
            StopPlace(at["kernel_panic"], "the kernel has panicked and halts"),
        ),
        log=LogBuffer(at["log_buf"], at["log_end"], at["LOG_BUF_LEN"]),
        irq_base=at["FIRST_IRQ_VECTOR"],
        exports=frozenset(names["exports"]),
        modules=ModuleDoors(at["module_list"], at["swapper_pg_dir"] - at["PAGE_OFFSET"]),
        tasks=TaskDoors(at["current"], at["task"], at["NR_TASKS"], at["restore_iret"], TIMER_IRQ),
        page_map=PageMap(at["mem_map"], at["MEMORY_PAGES"]),
    )
