"""The words of the command line: what they can be, and their help."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter

from pagefault_lab import __version__

USAGE = """\
%(prog)s [--world NAME] [--plain]
       %(prog)s run FILE [--budget N] [--json] [--world NAME] [--plain]"""

DESCRIPTION = """\
A teaching REPL and debugger for page faults on a simulated i386.

Without a command it opens a prompt: type an instruction in AT&T syntax and see
which entries were read, which rule was judged, what the CPU pushed, and why."""

EPILOGUE = """\
exit status of run:
  0  every line was right (a fault of the guest is not a wrong line)
  1  a line was wrong; the run ended there
  2  the command line, or the file, cannot be used

examples:
  pagefault-lab
  pagefault-lab --world bare
  pagefault-lab run exercise.lab
  echo 'p $cr3' | pagefault-lab run --json -"""


def parse(words: list[str]) -> Namespace:
    """What the words ask for: `run` (a file's name, "-" or None), `world`, `plain`, `budget`, `json`.

    Help, the version and wrong words end the program as argparse does it.
    """
    parser = ArgumentParser(
        "pagefault-lab",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(file=None, budget=None, json=False, world="linux", plain=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="pagefault-lab")
    run = commands.add_parser(
        "run",
        help="execute the lines of FILE (- for standard input) without a terminal",
        description="Execute the lines of a file as if they were typed. The first wrong line ends it.",
        allow_abbrev=False,
    )
    run.add_argument("file", metavar="FILE", help="a text file, or - for standard input")
    run.add_argument("--budget", type=_budget, metavar="N", help="let each line execute at most N instructions")
    run.add_argument("--json", action="store_true", help="print JSON Lines: one object for each value")
    for either in (parser, run):  # they may stand before the command and after it
        either.add_argument("--world", default=SUPPRESS, metavar="NAME", help="linux (the default) or bare")
        either.add_argument("--plain", action="store_true", default=SUPPRESS, help="ASCII only, and no colour")
    return parser.parse_args(words)


def _budget(word: str) -> int:
    try:
        number = int(word, 0)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"{word!r} is not a number of instructions")
    return number
