"""What the bench does, in a world with other names, addresses, selectors and vectors than any that is shipped.

What it knows of a world comes from its World.
"""

import pytest
from benches import do, only, steps, value
from builders import HANDLERS, KERNEL_CODE, USER, USER_TEXT, map_page, set_gate, two_rings

from pagefault_lab.lab import session as session_module
from pagefault_lab.lab.results import KernelLog, Ran, RestartedLine, Stopped
from pagefault_lab.lab.session import Session
from pagefault_lab.machine.machine import Machine
from pagefault_lab.machine.step import Interrupted
from pagefault_lab.problem import Problem
from pagefault_lab.worlds import LogBuffer, Region, StopPlace, World

GATE, DOOR, FIXER, ANEW, READY, HOLE = 20, 0x7100, 0x7200, 0x7300, 0x1F000, 0x30000
TYPED_USER, TYPED_KERNEL, LOG = 0x1C000, 0x9000, 0xA000


def strange_world(name: str) -> tuple[Machine, World]:
    machine = two_rings(cpl=3)
    memory = machine.memory
    for page in range(TYPED_USER, TYPED_USER + 0x2000, 0x1000):
        map_page(machine, page, 7)
    map_page(machine, HOLE, 6)
    # the gate's handler stands at `antechamber` and returns; the page fault's handler maps the page and returns
    set_gate(machine, GATE, KERNEL_CODE, DOOR - 1, 0xEE00)
    memory.write_bytes(DOOR - 1, bytes.fromhex("90 90 cf"))
    set_gate(machine, 14, KERNEL_CODE, FIXER, 0x8E00)
    memory.write_bytes(FIXER, bytes.fromhex("830d c0200000 01 83c404 cf"))  # orl $1, its entry; drop the code; iret
    # vector 13 ends the task: it goes on at `reborn`, which leads to `idle_user`
    set_gate(machine, 13, KERNEL_CODE, ANEW, 0x8E00)
    memory.write_bytes(ANEW, bytes.fromhex("83c404 c70424 00f00100 cf"))
    memory.write_bytes(LOG, b"hello!")
    memory.write(LOG + 64, 4, 6)
    return machine, World(
        name, "a test's own", {"antechamber": DOOR, "mender": FIXER, "gap": HOLE, "TWO": 2}, frozenset({"TWO"}),
        code=(Region("all", 0x6000, 0x8000),),
        user_scratch=Region("u", TYPED_USER, TYPED_USER + 0x2000),
        kernel_scratch=Region("k", TYPED_KERNEL, TYPED_KERNEL + 0x1000),
        gate=GATE, kernel_place=DOOR, stops=(StopPlace(ANEW + 10, "reborn", READY),),
        log=LogBuffer(LOG, LOG + 64, 64), irq_base=24,
    )  # fmt: skip


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(session_module, "boot", strange_world)
    return Session("strange")


def test_a_faulting_line_is_repaired_restarted_and_retired(strange: Session) -> None:
    assert strange.here == TYPED_USER
    (step,) = steps(do(strange, "incl gap"))
    assert isinstance(step.end, Interrupted)
    assert str(strange.symbols.nearest(strange.here)) == "mender"
    values = do(strange, "c")
    assert only(RestartedLine, values).line == "incl gap"
    assert only(Ran, values).stopped is Stopped.RETIRED
    assert value(strange, "u32[gap]") == 1


def test_a_fault_that_is_not_repaired_is_not_restarted_for_ever(strange: Session) -> None:
    """The handler makes the page present, but nobody makes it writable."""
    do(strange, f"set pte({HOLE:#x}).writable = 0", "incl gap")
    for faults in (3, 4):
        assert only(Ran, do(strange, "c")).stopped is Stopped.SAME_FAULT
        assert value(strange, "eip == mender && fault.error == 7")
        assert value(strange, "fault.count") == faults


def test_kernel_and_user_use_this_worlds_doors(strange: Session) -> None:
    do(strange, "kernel")
    assert value(strange, "cpl == 0 && eip == antechamber")
    assert strange.place().name == "antechamber"
    (step,) = steps(do(strange, "movl %cr3,%eax"))
    assert TYPED_KERNEL <= step.linear < TYPED_KERNEL + 0x1000
    do(strange, "user")
    assert value(strange, "cpl") == 3
    assert strange.place().typed


def test_the_stop_of_this_world_leads_back_to_typed_code(strange: Session) -> None:
    do(strange, "cli")
    ran = only(Ran, do(strange, "c"))
    assert (ran.stopped, ran.detail, ran.place.typed) == (Stopped.WORLD, "reborn", True)


def test_irq_and_dmesg_follow_this_world(strange: Session) -> None:
    do(strange, "irq 2")
    (step,) = steps(do(strange, "si"))
    assert value(strange, f"eip == {HANDLERS + 16 * 26}")
    assert step.deliveries[0].fault.vector == 26
    assert only(KernelLog, do(strange, "dmesg")).text == "hello!"


def test_typed_code_is_placed_where_the_page_tables_say_now(strange: Session) -> None:
    """The page of typed code is moved to another frame: what is typed next goes there."""
    do(strange, "nop")
    entry = value(strange, f"pte({TYPED_USER:#x})")
    do(strange, f"set pte({TYPED_USER:#x}) = {0x50000 | 7:#x}", "set cr3 = cr3", "incl %eax")
    assert value(strange, f"phys[{0x50000 + 1:#x}] & 0xff") == 0x40
    assert value(strange, f"u8[{TYPED_USER:#x}]") == 0
    assert entry & USER
    assert USER_TEXT != TYPED_USER


def test_a_stale_tlb_entry_is_where_the_processor_fetches_and_so_is_typed_code(strange: Session) -> None:
    do(strange, "nop")
    do(strange, f"set pte({TYPED_USER:#x}) = {0x50000 | 7:#x}", "incl %eax")
    assert value(strange, "eax") == 1
    assert value(strange, f"phys[{TYPED_USER + 1:#x}] & 0xff") == 0x40


def test_a_world_without_a_place_for_the_ring_says_so(strange: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    strange.world = strange.world._replace(user_scratch=None, gate=None)
    with pytest.raises(Problem, match="no place"):
        do(strange, "nop")
    with pytest.raises(Problem, match="no kernel"):
        do(strange, "kernel")
