"""Objects and how they are linked, judged by GNU ld; and ELF files that are not what they say."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judges import ld

from pagefault_lab.assembler import assemble
from pagefault_lab.problem import Problem
from pagefault_lab.worlds.compiler import LIBRARY
from pagefault_lab.worlds.elf import read_elf
from pagefault_lab.worlds.linking import Linked, Outside
from pagefault_lab.worlds.objects import Object, Undefined, of_program

ADDRESS, HEAD = 0xC2C00000, 64
OUTSIDE = {"printk": 0xC0101234, "current": 0xC0112004, "memcpy": 0xC0105677, "get_free_page": 0xC0107700}
KERNEL = Outside(OUTSIDE, {"do_page_fault": "is in the kernel, but it does not export it"})

needs_ld = pytest.mark.skipif(not ld.is_installed(), reason="GNU as and ld are not installed")
COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("gcc", "clang")
]
HERE = Path(__file__).parent
SOURCES = [*sorted((HERE.parent / "assembler" / "c").glob("*.c")), HERE / "switch.c"]

ASSEMBLY = """
        .text
        .globl  init_module, shared, table
init_module:
        call    printk
        call    printk@PLT
        call    helper
        jmp     far_away
        movl    $message, %eax
        movl    message+4(,%ebx,4), %ecx
        movl    current, %edx
        leal    block+8, %esi
        ret
far_away:
        jmp     *table(,%eax,4)
        .section .text.unlikely, "ax"
helper: jmp     init_module
        .long   message - ., init_module - helper, printk - .
        .section .rodata
        .balign 32
message: .asciz "text"
        .balign 4
table:  .long   init_module, helper, far_away, message + 2, shared, printk, -7 + helper
        .data
shared: .long   block, shared, .Lhere
        .word   0x1234
        .byte   absolute, absolute - 2
.Lhere: .long   absolute
absolute = 5
        .bss
        .balign 16
        .space  20
inside: .space  4
        .comm   block, 64, 32
        .weak   nobody
        .data
        .long   nobody, inside, nobody + 3
"""
OTHER = """
        .globl  main_part
main_part:
        call    init_module
        pushl   $shared
        movl    table + 8, %eax
        movl    block, %eax
        .weak   init_module
        .data
        .balign 64
        .long   table, main_part
        .comm   block, 80, 16
"""


def ours(source: str, name: str = "ours.s") -> Object:
    return of_program(assemble(source, name=name, relocatable=True))


def outside_of(objects: Sequence[Object]) -> Outside:
    """A kernel that has all that these objects do not define."""
    defined = {each.name for found in objects for each in found.symbols if not isinstance(each.place, Undefined)}
    used = {each.name for found in objects for each in found.symbols if each.binding == "global"} - defined
    invented = {name: 0xC0120000 + 20 * number for number, name in enumerate(sorted(used - OUTSIDE.keys()))}
    return Outside(OUTSIDE | invented, {})


def bytes_by_ld(files: Sequence[Path], linked: Linked, folder: Path) -> dict[int, bytes]:
    """What ld puts where we put each section."""
    places = {
        (number, linked.objects[number].sections[index].name): ADDRESS + offset
        for (number, index), offset in linked.offsets.items()
        if linked.objects[number].sections[index].size
    }
    commons = {name: ADDRESS + offset for name, offset in linked.commons.items()}
    return ld.link(files, places, commons, linked.outside.exports, folder)


def assert_as_ld_links(files: Sequence[Path], objects: Sequence[Object], folder: Path) -> None:
    linked = Linked(objects, outside_of(objects), HEAD)
    data = bytes(HEAD) + bytes(linked.at(ADDRESS))
    judged = bytes_by_ld(files, linked, folder)
    assert judged
    for place, expected in judged.items():
        assert data[place - ADDRESS :][: len(expected)] == expected, hex(place)


def object_of(file: Path) -> Object:
    return read_elf(file.read_bytes(), file.name)


@needs_ld
def test_objects_by_as_are_linked_as_ld_links_them(tmp_path: Path) -> None:
    files = [ld.assemble(ASSEMBLY, tmp_path / "one.o"), ld.assemble(OTHER, tmp_path / "two.o")]
    assert_as_ld_links(files, [object_of(file) for file in files], tmp_path)


@needs_ld
def test_what_we_assemble_is_linked_to_the_same_bytes_as_what_as_assembles(tmp_path: Path) -> None:
    files = [ld.assemble(ASSEMBLY, tmp_path / "one.o"), ld.assemble(OTHER, tmp_path / "two.o")]
    objects = [ours(ASSEMBLY), ours(OTHER)]
    assert_as_ld_links(files, objects, tmp_path)
    assert Linked(objects, KERNEL, HEAD).at(ADDRESS) == Linked(list(map(object_of, files)), KERNEL, HEAD).at(ADDRESS)


@needs_ld
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("optimization", ["-O0", "-O2"])
@pytest.mark.parametrize("extra", [(), ("-ffunction-sections", "-fdata-sections"), ("-fcommon", "-g")])
def test_compiled_objects_are_linked_as_ld_links_them(
    compiler: str, optimization: str, extra: tuple[str, ...], tmp_path: Path
) -> None:
    flags = ["-m32", "-march=i486", "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-w", optimization, *extra]
    files = []
    for source in SOURCES:
        files.append(tmp_path / source.with_suffix(".o").name)
        subprocess.run([compiler, *flags, "-c", "-o", str(files[-1]), str(source)], check=True)
    for file in files:
        assert_as_ld_links([file], [object_of(file)], tmp_path)


@needs_ld
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("optimization", ["-O0", "-O2"])
def test_what_compilers_write_as_assembly_becomes_the_same_by_us_as_by_as(
    compiler: str, optimization: str, tmp_path: Path
) -> None:
    flags = ["-m32", "-march=i486", "-ffreestanding", "-fno-pic", "-fcommon", "-w", optimization]
    flags += ["-fno-addrsig"] if compiler == "clang" else []  # a table that as does not know
    for source in SOURCES:
        text = subprocess.run(
            [compiler, *flags, "-S", "-o", "-", str(source)], check=True, capture_output=True, text=True
        ).stdout
        file = ld.assemble(text, tmp_path / source.with_suffix(".o").name)
        assert_as_ld_links([file], [ours(text)], tmp_path)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    ("option", "name", "hint"),
    [
        ("-fstack-protector-all", "__stack_chk_fail", "compile it with -fno-stack-protector"),
        ("-pg", "mcount", "compile it without -pg"),
    ],
)
def test_what_an_option_needs_of_a_library_is_told_with_the_option(
    compiler: str, option: str, name: str, hint: str, tmp_path: Path
) -> None:
    source, made = tmp_path / "x.c", tmp_path / "x.o"
    source.write_text("int f(char *p) { return *p; }\nint init_module(void) { char room[64]; return f(room); }\n")
    flags = ["-m32", "-fno-pic", "-fcf-protection=none", option]
    subprocess.run([compiler, *flags, "-c", "-o", str(made), str(source)], check=True)
    with pytest.raises(Problem) as raised:
        Linked([object_of(made)], Outside(OUTSIDE, LIBRARY))
    assert raised.value.sentence == f"{name} is not defined anywhere"
    assert hint in str(raised.value.hint)


# --- what belongs together


def test_sections_lie_in_order_aligned_and_apart() -> None:
    linked = Linked([ours(ASSEMBLY), ours(OTHER)], KERNEL, HEAD)
    parts = sorted(
        (offset, linked.objects[number].sections[index]) for (number, index), offset in linked.offsets.items()
    )
    place, order = HEAD, -1
    for offset, section in parts:
        assert offset >= place
        assert offset % section.alignment == 0
        kind = 0 if section.executable else 3 if section.name == ".bss" else 2 if section.writable else 1
        assert kind >= order or not section.size
        place, order = offset + section.size, max(order, kind)
    assert linked.commons["block"] >= place
    assert linked.commons["block"] % 32 == 0
    assert linked.end == linked.commons["block"] + 80


def test_a_common_is_as_large_as_the_largest_and_gives_way_to_a_definition() -> None:
    blocks = [ours(".comm x, 8, 4"), ours(".comm x, 100, 16"), ours(".long x")]
    linked = Linked(blocks, KERNEL)
    assert linked.end - linked.commons["x"] == 100
    defined = Linked([*blocks, ours(".globl x; .data; x: .long 7")], KERNEL)
    assert not defined.commons
    data = defined.at(ADDRESS)
    place = int.from_bytes(data[:4], "little") - ADDRESS
    assert data[place] == 7


WEAK = """
        .weak   f, nothing
        .long   f, nothing, f + 4
        call    f
        jmp     f
        call    nothing
f:      ret
"""
STRONG = ".globl f; nop; f: jmp f"


def test_a_weak_symbol_gives_way_also_in_its_own_object_and_is_0_if_nobody_defines_it() -> None:
    linked = Linked([ours(WEAK), ours(STRONG)], KERNEL)
    data = linked.at(ADDRESS)
    strong = (ADDRESS + linked.offsets[1, 0] + 1).to_bytes(4, "little")
    assert data[:8] == strong + bytes(4)
    assert linked.names()["f"].at(ADDRESS).to_bytes(4, "little") == strong


@needs_ld
@pytest.mark.parametrize("sources", [(WEAK, STRONG), (STRONG, WEAK), (WEAK,)])
def test_weak_symbols_are_linked_as_ld_links_them(sources: tuple[str, ...], tmp_path: Path) -> None:
    files = [ld.assemble(source, tmp_path / f"{number}.o") for number, source in enumerate(sources)]
    assert_as_ld_links(files, [object_of(file) for file in files], tmp_path)
    assert_as_ld_links(files, [ours(source) for source in sources], tmp_path)


CPP = """
        .data
        .long   counter, function
        .section .data.counter, "awG", @progbits, counter, comdat
        .globl  counter
        .type   counter, @gnu_unique_object
counter: .long  7
        .section .text.function, "axG", @progbits, function, comdat
        .weak   function
function: ret
"""


@needs_ld
def test_what_cpp_defines_wherever_it_is_used_is_that_of_the_first_object(tmp_path: Path) -> None:
    files = [ld.assemble(CPP, tmp_path / f"{number}.o") for number in range(2)]
    assert_as_ld_links(files, [object_of(file) for file in files], tmp_path)


def problem_of(*sources: str) -> Problem:
    with pytest.raises(Problem) as raised:
        Linked([ours(source, f"{number}.s") for number, source in enumerate(sources)], KERNEL).at(ADDRESS)
    return raised.value


def test_all_that_nobody_defines_is_named_at_once_with_what_could_be_meant() -> None:
    problem = problem_of("call prink; call get_free_pag; .long foo_bar_baz; call do_page_fault; call hidden", "hidden:")
    assert problem.sentence == "prink, get_free_pag, foo_bar_baz, do_page_fault, hidden are not defined anywhere"
    assert problem.hint is not None
    assert "prink: did you mean printk?" in problem.hint
    assert "get_free_pag: did you mean get_free_page?" in problem.hint
    assert "do_page_fault is in the kernel, but it does not export it" in problem.hint
    assert "hidden is local to 1.s: .globl or no static" in problem.hint


def test_one_name_that_nobody_defines() -> None:
    problem = problem_of("call prink")
    assert (problem.sentence, problem.hint) == ("prink is not defined anywhere", "did you mean printk?")


def test_a_name_that_is_defined_twice_is_refused_with_both_files() -> None:
    problem = problem_of(".globl f; f: ret", ".globl f; f: nop")
    assert (problem.sentence, problem.hint) == ("f is defined twice", "in 0.s and in 1.s")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("f: .word f", "an address does not fit in the 16 bits that .text+0x0 of 0.s has for it"),
        (".globl f; .data; f: .long 0; .text; nop; .byte f", "an address does not fit in the 8 bits that .text+0x1"),
        (".code16; callw printk", "printk does not fit in the 16 bits that .text+0x1 of 0.s has for it"),
        (".data; .balign 8192; x: .long 0", "section .data of 0.s wants an alignment of 8192"),
        (".comm huge, 0x1800000", "this is too large to be loaded"),
    ],
)
def test_what_does_not_fit_is_refused(source: str, sentence: str) -> None:
    assert problem_of(source).sentence.startswith(sentence)


def test_information_about_a_module_is_read_and_not_loaded() -> None:
    found = ours('.section .modinfo; .asciz "license=GPL", "parm_a=i"; .data; x: .long 1')
    assert found.information == (("license", "GPL"), ("parm_a", "i"))
    assert Linked([found], KERNEL).end == 4
    assert ours("nop").information is None


# --- files that are not what they say


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "x.o is no object file"),
        (b"int main", "x.o is no object file"),
        (b"BC\xc0\xde5\x14\0\0", "x.o holds no machine code yet"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "x.o is not for the i386"),
        (b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\0\x03\0" + bytes(40), "x.o is not an object: it is linked already"),
        (b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x01\0\x03\0", "x.o is damaged: as ELF it makes no sense"),
    ],
)
def test_a_file_that_is_no_object_says_what_it_is(data: bytes, sentence: str) -> None:
    with pytest.raises(Problem) as raised:
        read_elf(data, "x.o")
    assert raised.value.sentence == sentence


@needs_ld
@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("call f@PLT; addl $_GLOBAL_OFFSET_TABLE_, %ebx", "x.o is position-independent"),
        ('.section .tdata, "awT"; x: .long 1', "x.o has a variable for each thread"),
        (".long x@NTPOFF", "x.o has relocations of the unknown kind 17"),
        (".globl __gnu_lto_slim; .comm __gnu_lto_slim, 1", "x.o holds no machine code yet"),
        (
            '.section .note.gnu.property, "a"; .long 4, 12, 5; .asciz "GNU"; .long 0xc0000002, 4, 3',
            "the functions of x.o begin with endbr32, which is not an instruction of a 486",
        ),
    ],
)
def test_an_object_that_a_kernel_cannot_use_is_refused(source: str, sentence: str, tmp_path: Path) -> None:
    file = ld.assemble(source, tmp_path / "x.o")
    with pytest.raises(Problem) as raised:
        object_of(file)
    assert raised.value.sentence == sentence


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if not ld.is_installed():
        pytest.skip("GNU as and ld are not installed")
    return ld.assemble(ASSEMBLY, tmp_path_factory.mktemp("objects") / "one.o").read_bytes()


CHANGES = st.lists(
    st.tuples(st.integers(0, 4095), st.sampled_from([0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(CHANGES, st.integers(0, 4095) | st.none())
def test_a_damaged_object_is_a_problem_or_a_module(
    elf: bytes, changes: list[tuple[int, int]], length: int | None
) -> None:
    data = bytearray(elf)
    for place, byte in changes:
        data[place % len(data)] = byte
    with suppress(Problem):
        linked = Linked([read_elf(bytes(data[:length]), "x.o")], KERNEL, HEAD)
        assert len(linked.at(ADDRESS)) == linked.end - HEAD
        linked.names()
