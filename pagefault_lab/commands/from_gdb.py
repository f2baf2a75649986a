"""Words of gdb, and of QEMU's monitor, that there are not here: what to type instead. Some are two words.

Where a word can mean here what it means there, it is one of the names of a command.
"""

from typing import Final

_STACK: Final = "`backtrace` tells who called, `frame` what was pushed, `x/8xw $esp` what lies on the stack"
_PLACE: Final = "`p/a ADDRESS` names an address, `p NAME` gives the address of a name, `symbols` lists all"
_MAPPED: Final = "`info mem` shows what is mapped, `walk ADDRESS` one page"
_RECORDED: Final = "all that happens is recorded: `timeline` lists it, `goto STEP` and `rsi` go back"
_STARTS: Final = "`run` starts the typed program again, `world` everything anew"
_HERE: Final = "the machine is here, with nothing to connect to: type an instruction, or `help`"
_CATCH: Final = "the kernel in the guest does that: `catch fault`, `catch interrupt 0x80`, `catch ring` see it happen"
_NO_TYPES: Final = "there are no types: `p EXPRESSION` shows numbers, `p idt(14)` a structure with all its fields"
_NO_SETTING: Final = "there is no such setting, and no need for one"

INSTEAD: Final[dict[str, str]] = {
    "up": _STACK, "down": _STACK, "info stack": _STACK, "info locals": _STACK, "info args": _STACK,
    "return": "`finish` runs to the end of the function or the handler, `set $eip = ADDRESS` goes on elsewhere",
    "jump": "`set $eip = ADDRESS`, then `c`", "j": "`set $eip = ADDRESS`, then `c`",
    "clear": "`delete NUMBER`; `info break` tells the numbers",
    "rbreak": "`b PLACE`, for each of them; `symbols PART` lists names",
    "start": _STARTS, "starti": _STARTS, "kill": _STARTS,
    "record": _RECORDED, "checkpoint": _RECORDED, "restart": _RECORDED, "info record": _RECORDED,
    "info checkpoints": _RECORDED,
    "file": "`load FILE.s` assembles and places one, `insmod FILE.o` loads a module",
    "symbol-file": "`insmod FILE.o` brings its names along",
    "source": "`pagefault-lab run FILE` executes the lines of a file",
    "attach": _HERE, "target": _HERE, "detach": _HERE, "info target": _HERE, "info files": _MAPPED,
    "monitor": "the words of the monitor are commands here: `info tlb`, `info mem`, `xp`",
    "output": "`p EXPRESSION`", "printf": "`p EXPRESSION`", "echo": "a line that begins with # is a comment",
    "whatis": _NO_TYPES, "ptype": _NO_TYPES, "info types": _NO_TYPES,
    "end": "it finishes an `asm` block, or `commands`; none is open",
    "define": "`.macro NAME` begins a macro of instructions, `commands` what a breakpoint does",
    "handle": _CATCH, "signal": _CATCH, "info signals": _CATCH, "info handle": _CATCH,
    "show": "`info` with another word shows it; `help info` lists them",
    "apropos": "`help` lists the commands, `help NAME` explains one",
    "find": "`x/64xw ADDRESS` shows memory, `who ADDRESS` who last wrote it",
    "dump": "`x/64xb ADDRESS` shows bytes", "restore": "`poke ADDRESS VALUE ...` puts them there, `load FILE.s` code",
    "shell": "another terminal does that", "make": "another terminal does that",
    "refresh": "Ctrl-L", "focus": "Page Up and Page Down move through what was said",
    "info symbol": _PLACE, "info address": _PLACE, "info line": _PLACE, "info scope": _PLACE,
    "info functions": "`symbols` lists the names, `symbols PART` some of them",
    "info variables": "`symbols` lists the names, `symbols PART` some of them",
    "info source": "`list` shows what was typed", "info sources": "`list` shows what was typed",
    "info program": "`context` shows where the processor stands", "info inferiors": "`context` shows where it stands",
    "info threads": "`info tss` shows the task that the processor knows; the prompt tells its privilege",
    "info proc": _MAPPED, "info pg": _MAPPED,
    "info sharedlibrary": "`lsmod` lists the modules",
    "info vector": "`info idt` shows the IDT, `info idt 14` one gate",
    "info float": "this machine has no floating point",
    "info macro": "`list` shows what was typed",
    "delete display": "`undisplay NUMBER`", "disable display": "`undisplay NUMBER`",
    "delete breakpoints": "`delete NUMBER`, or `delete` for all",
    "disable breakpoints": "`disable NUMBER`, or `disable` for all",
    "enable once": "`tb PLACE` stops once", "enable delete": "`tb PLACE` stops once",
    "catch syscall": "`catch interrupt 0x80`", "catch signal": _CATCH, "catch fork": _CATCH, "catch exec": _CATCH,
    "set logging": "`trace on FILE` writes every step into a file, `save FILE` the lines",
    "set disassembly-flavor": "it is AT&T syntax everywhere, as GNU as reads it",
    "set pagination": _NO_SETTING, "set confirm": _NO_SETTING, "set height": _NO_SETTING, "set width": _NO_SETTING,
    "set print": "`p/x`, `p/t`, `p/a`: the letter says how a value is shown",
}  # fmt: skip
