"""The guest kernel's printk, on QEMU and on our own machine, judged by Python's own formatting."""

from __future__ import annotations

import pytest
from judges.guest import Guest

# C has no sign in front of an unsigned number, and another prefix in front of an octal one.
FLAGS = {"d": ["", "-", "0", "+", " ", "-0", "+-", " +", "0 "], "u": ["", "-", "0", "-0"], "o": ["", "-", "0", "-0"],
         "x": ["", "-", "0", "#", "-#", "0#"]}  # fmt: skip
FLAGS |= {"i": FLAGS["d"], "X": FLAGS["x"]}
NUMBERS = [0, 1, 42, 0xBEEF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
BITS = {"": 32, "l": 32, "z": 32, "h": 16, "hh": 8, "ll": 64, "L": 64}


def say(guest: Guest, lines: list[tuple[str, list[int | str]]]) -> list[str]:
    """What printk writes for each format with its arguments."""
    code, texts = "", 'end: .asciz "\\n"\n'
    for number, (form, arguments) in enumerate(lines):
        texts += f'form{number}: .asciz "{form}"\n'
        for place, argument in reversed(list(enumerate(arguments))):
            if isinstance(argument, str):
                texts += f'text{number}_{place}: .asciz "{argument}"\n'
                code += f"pushl $text{number}_{place}\n"
            else:
                code += f"pushl ${argument & 0xFFFFFFFF:#x}\n"
        code += f"pushl $form{number}; call printk; addl ${4 * len(arguments) + 4}, %esp\n"
        code += "pushl $end; call printk; popl %eax\n"
    said = guest.pc.serial()
    assert guest.kernel_mode(f"{code} jmp 1f\n{texts}1:")
    return guest.pc.serial().removeprefix(said).split("\n")[:-1]


@pytest.mark.parametrize("conversion", FLAGS)
@pytest.mark.parametrize("length", [length for length, bits in BITS.items() if bits <= 32])
def test_a_number_is_written_as_python_writes_it(each_guest: Guest, conversion: str, length: str) -> None:
    guest = each_guest
    signed = conversion in "di"
    bits = BITS[length]
    numbers = [number & (1 << bits) - 1 for number in NUMBERS]
    numbers = [number - (number >> bits - 1 << bits) if signed else number for number in numbers]
    rows = [[f"{flags}{width}" for width in ("", "1", "5", "12")] for flags in FLAGS[conversion]]
    rows += [[f"{width}{precision}" for precision in (".1", ".5", ".11")] for width in ("", "5", "-12")]
    for forms in rows:
        lines: list[tuple[str, list[int | str]]] = [
            (f"|%{form}{length}{conversion}|", [number]) for form in forms for number in NUMBERS
        ]
        expected = [f"|%{form}{conversion}|" % number for form in forms for number in numbers]
        assert say(guest, lines) == expected


@pytest.mark.parametrize("conversion", FLAGS)
def test_a_long_long_has_64_bits(each_guest: Guest, conversion: str) -> None:
    guest = each_guest
    for number in (0, 1, 0xFFFFFFFF, 1 << 32, 10**18 + 7, 0xC0108E000010ABCD, (1 << 64) - 1):
        value = number - (1 << 64) if conversion in "di" and number >> 63 else number
        arguments: list[int | str] = [number & 0xFFFFFFFF, number >> 32, 5]
        expected = f"%{conversion}|%020{conversion}" % (value, value)
        form = f"%ll{conversion} %d", f"%020L{conversion} %d"
        assert "|".join(line.removesuffix(" 5") for line in say(guest, [(f, arguments) for f in form])) == expected


@pytest.mark.parametrize("flags", ["", "-", "9", "-9", ".0", ".2", ".9", "9.2", "-9.2", "2.9"])
def test_a_text_is_written_as_python_writes_it(each_guest: Guest, flags: str) -> None:
    guest = each_guest
    texts = ["", "a", "hello", "a long name of a task"]
    expected = [f"|%{flags}s|" % text for text in texts]
    assert say(guest, [(f"|%{flags}s|", [text]) for text in texts]) == expected


def test_a_text_with_a_precision_needs_no_zero_at_its_end(each_guest: Guest) -> None:
    guest = each_guest
    end = guest["kernel_scratch_end"] - 4
    guest.pc.write(end, b"abcd")
    assert say(guest, [("%.3s", [end]), ("%c%c|%3c|%-3c|", [0x41, 0x42, 0x43, 0x44])]) == ["abc", "AB|  C|D  |"]


@pytest.mark.parametrize(
    ("form", "arguments", "text"),
    [
        ("%p|%12p|%-12p|", [0x1000, 0xC0100000, 0xAB], "00001000|    c0100000|ab          |"),
        ("%#o %#5o %#X", [8, 8, 0xBEEF], "010   010 0XBEEF"),
        ("%s|%8.3s|", [0, 0], "<NULL>|     <NU|"),
        ("100%% %5%", [], "100% %"),
        ("%*d|%-*d|%0*x|", [4, 7, 4, 7, 4, 7], "   7|7   |0007|"),
        ("%*d|%.*s|%*.*s|", [-4, 7, 2, "name", 5, 3, "name"], "7   |na|  nam|"),
        ("%.*s|%.*d|", [-1, "name", -1, 7], "name|7|"),
        ("100%", [], "100%"),
        ("%5l", [], "%"),
        ("%y %5q%", [], "%y %q%"),
        ("<0>now", [], "now"),
        ("<7>%d", [7], "7"),
        ("<8>x <3 <3", [], "<8>x <3 <3"),
        ("a<3>", [], "a<3>"),
        ("%5lu %s[%d] cr2=%08lx eip=%08lx %s%s", [3, "hello", 1, 0x8050000, 0x8030000, "uwa", " x"],
         "    3 hello[1] cr2=08050000 eip=08030000 uwa x"),
    ],
)  # fmt: skip
def test_other_directives(each_guest: Guest, form: str, arguments: list[int | str], text: str) -> None:
    guest = each_guest
    assert say(guest, [(form, arguments)]) == [text]


def test_printk_returns_its_length_and_keeps_what_a_c_function_keeps(each_guest: Guest) -> None:
    guest = each_guest
    kept = {"ebx": 1, "esi": 2, "edi": 3, "ebp": 4}
    assert guest.kernel_mode("nop")
    esp = guest.pc.registers()["esp"]
    for name, value in kept.items():
        guest.pc.set_register(name, value)
    assert guest.kernel_mode(
        'pushl $-5; pushl $form; call printk; addl $8, %esp; jmp 1f\nform: .asciz "<4>%+6d.\\n"\n1:'
    )
    after = guest.pc.registers()
    assert {name: after[name] for name in kept} == kept
    assert (after["eax"], after["esp"]) == (8, esp)
    assert guest.log == "    -5.\n"


def test_the_log_is_a_ring(each_guest: Guest) -> None:
    """More than its length: the newest bytes stay, at their place modulo the length."""
    guest = each_guest
    line = "0123456789abcdef" * 3 + "\n"
    loop = "movl $400, %ebx; 1: pushl $line; call printk; popl %eax; decl %ebx; jnz 1b; jmp 2f\n"
    assert guest.kernel_mode(f'{loop}line: .asciz "{line[:-1]}\\n"\n2:')
    said = guest.pc.serial().encode()
    end = guest.long("log_end")
    ring = guest.pc.read(guest["log_buf"], 16384)
    assert end == len(said)
    assert ring[end % 16384 :] + ring[: end % 16384] == said[-16384:]
