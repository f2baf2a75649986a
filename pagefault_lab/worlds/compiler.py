"""C for the guest kernel, by the gcc or clang of the host."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from pagefault_lab.problem import Problem, Problems

INCLUDE: Final = Path(__file__).parent / "linux" / "include"
SECONDS: Final = 60  # for one file
MOST_MESSAGES: Final = 20  # warnings, and errors
LONGEST: Final = 200  # characters of a message that is no error in the file

# What gcc and clang call where a processor of 32 bits has no instruction, and for what an option asks: of their
# library, which no kernel has.
LIBRARY: Final = (
    dict.fromkeys(
        ("__divdi3", "__udivdi3", "__moddi3", "__umoddi3", "__divmoddi4", "__udivmoddi4"),
        "divides 64 bits in the compiler's library, which no kernel has: 32 bits have to do",
    )
    | dict.fromkeys(
        (f"__{operation}{size}i2" for operation in ("popcount", "parity", "clz", "ctz", "ffs") for size in "sd"),
        "counts bits in the compiler's library, which no kernel has: a loop has to do",
    )
    | dict.fromkeys(
        (
            *(f"__{operation}{size}f3" for operation in ("add", "sub", "mul", "div") for size in "sd"),
            *(f"__{relation}{size}f2" for relation in ("eq", "ne", "lt", "le", "gt", "ge", "neg") for size in "sd"),
            *(f"__fix{sign}{size}f{number}i" for sign in ("", "uns") for size in "sd" for number in "sd"),
            *(f"__float{sign}{number}i{size}f" for sign in ("", "un") for number in "sd" for size in "sd"),
            "__extendsfdf2", "__truncdfsf2",
        ),
        "is for floating point, which no kernel has",
    )
    | dict.fromkeys(
        ("__gxx_personality_v0", "_Unwind_Resume", "__cxa_throw", "__cxa_begin_catch", "__cxa_end_catch"),
        "is for the exceptions of C++, which no kernel has: compile it with -fno-exceptions",
    )
    | {
        "__stack_chk_fail": "is what a guarded stack needs: compile it with -fno-stack-protector",
        "mcount": "is what a profile needs: compile it without -pg",
    }
)  # fmt: skip

_NEEDED: Final = ("-m32",)
# What a compiler does not know of these is left out: some are gcc's alone, some clang's, some too new.
_FLAGS: Final = (
    "--target=i386-unknown-linux-gnu", "-march=i486", "-mno-sse", "-mno-mmx", "-mno-80387",
    "-mpreferred-stack-boundary=2", "-mstack-alignment=4",
    "-ffreestanding", "-nostdinc", "-fno-pic", "-fno-pie", "-fno-common", "-fno-strict-aliasing", "-fno-exceptions",
    "-fno-stack-protector", "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables",
    "-fno-toplevel-reorder", "-fkeep-static-functions",  # a static that only assembler text mentions is not unused
    "-ftrack-macro-expansion=0",  # a mistake in what a macro stands for is where the macro is used
    "-Wall", "-fdiagnostics-column-unit=byte", "-fno-diagnostics-show-caret", "-fno-caret-diagnostics",
)  # fmt: skip
_UNKNOWN_FLAG: Final = re.compile(
    r"(?:unrecognized command-line option|unknown argument:|unsupported option) '([^']+)'"
)
_MESSAGE: Final = re.compile(r"(.+?):(\d+):(?:(\d+):)? (fatal error|error|warning): (.*)", re.IGNORECASE)
_NO_HEADER: Final = re.compile(r"\.h(?:: No such file or directory|' file not found)$")
_INSTALL: Final = "install gcc or clang (Debian, Ubuntu: apt install gcc), or name one in CC; .s and .o files need none"

_known_flags: dict[str, tuple[str, ...]] = {}  # by compiler: those of ours that it takes


class Compiled(NamedTuple):
    """An ELF object, and what the compiler warned of, as it said it."""

    data: bytes
    warnings: tuple[str, ...]


def compile_c(file: Path, optimization: str = "-O2") -> Compiled:
    """The object that the first compiler makes of a file which can: $CC, gcc, clang, cc.

    Raises `Problems` for what is wrong in the file, a Problem where there is no compiler.
    """
    found = list(_compilers())
    wanted = os.environ.get("CC", "").strip()
    for compiler in found:
        compiled = _compile_by(compiler, file, optimization)
        if compiled is None:
            continue
        if wanted and compiler != os.environ["CC"]:
            other = f"CC={wanted} cannot be used here: {compiler} has compiled {file}"
            return Compiled(compiled.data, (other, *compiled.warnings))
        return compiled
    if not found:
        raise Problem("there is no C compiler here", _INSTALL)
    raise Problem(f"{' and '.join(found)} cannot make ELF objects for the i386", _INSTALL)


def _compilers() -> Iterator[str]:
    """The compilers that are installed, as command lines; the one to try first is first."""
    found: set[str] = set()
    for command in (os.environ.get("CC", ""), "gcc", "clang", "cc"):
        words = _words(command)
        path = shutil.which(words[0]) if words else None
        if path is not None and os.path.realpath(path) not in found:
            found.add(os.path.realpath(path))
            yield command


def _words(command: str) -> list[str]:
    """A command line as words: `ccache gcc`."""
    try:
        return shlex.split(command, posix=os.name == "posix")
    except ValueError as error:
        raise Problem(f"CC={command} makes no sense: {error}") from None


def _compile_by(compiler: str, file: Path, optimization: str) -> Compiled | None:
    """What this compiler makes of the file; None if it knows nothing of the i386 or of ELF."""
    with TemporaryDirectory(prefix="pagefault-lab-") as folder:
        made = Path(folder, "module.o")
        while True:
            flags = _known_flags.get(compiler, _FLAGS)
            words = [*_words(compiler), *_NEEDED, *flags, optimization]
            words += ["-D__KERNEL__", "-DMODULE", "-I", str(INCLUDE), "-c", "-o", str(made), _as_argument(file)]
            status, said = _run(compiler, words)
            unknown = set(_UNKNOWN_FLAG.findall(said))
            if not unknown & {*_NEEDED, *flags}:
                break
            if unknown & {*_NEEDED}:
                return None
            _known_flags[compiler] = tuple(flag for flag in flags if flag not in unknown)
        if status:
            raise _complaints(compiler, file, status, said)
        data = made.read_bytes() if made.is_file() else b""
    if data[:4] != b"\x7fELF":
        return None
    warnings = [line for line in said.splitlines() if _MESSAGE.match(line)]
    return Compiled(data, tuple(warnings[:MOST_MESSAGES]))


def _run(compiler: str, words: list[str]) -> tuple[int, str]:
    """Exit status and messages of a compiler's run."""
    environment = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"{compiler} has not finished after {SECONDS} seconds") from None
    except (OSError, ValueError) as error:
        raise Problem(f"{compiler} cannot be run: {getattr(error, 'strerror', None) or error}") from None
    return done.returncode, done.stderr.decode("utf-8", "replace")


def _as_argument(file: Path) -> str:
    """The file's name so that no compiler takes it for an option."""
    return f".{os.sep}{file}" if str(file).startswith("-") else str(file)


def _complaints(compiler: str, file: Path, status: int, said: str) -> Problem:
    """The compiler's errors as problems."""
    found = [
        _problem(file, Path(match[1]), int(match[2]), match[3], match[5])
        for match in map(_MESSAGE.match, said.splitlines())
        if match is not None and match[4].lower() != "warning"
    ]
    if found:
        return Problems(found[:MOST_MESSAGES])
    silent = "it does not say why" if status > 0 else f"signal {-status} has ended it"
    first = next(iter(said.splitlines()), silent)[:LONGEST]
    return Problem(f"{compiler} cannot compile {file}", first)


def _problem(compiled: Path, file: Path, number: int, column: str | None, text: str) -> Problem:
    """One error; `column` counts bytes from 1. Of assembler text the compiler knows the line only in functions."""
    hint = f"this kernel has {', '.join(_headers())}" if _NO_HEADER.search(text) else None
    try:
        line = file.read_bytes().split(b"\n")[number - 1].rstrip(b"\r")
    except (OSError, ValueError, IndexError):
        return Problem(text, "in assembler text", file=str(compiled))
    place = None if column is None else len(line[: int(column) - 1].decode("utf-8", "replace"))
    return Problem(text, hint, text=line.decode("utf-8", "replace"), column=place, line=number, file=str(file))


def _headers() -> list[str]:
    """What C can include."""
    return sorted(header.relative_to(INCLUDE).as_posix() for header in INCLUDE.rglob("*.h"))
