"""The words of the command line: what they can be, and their help."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from typing import Any

from pagefault_lab import __version__
from pagefault_lab.terminal import grade_arguments, lesson_arguments
from pagefault_lab.terminal.lesson_arguments import WordsParser, number_of

DEFAULT_WORLD = "linux"

USAGE = f"""\
%(prog)s [--world NAME] [--plain]
       %(prog)s --resume [FILE] [--plain]
       %(prog)s tour [FILE] [--auto] [--pace SECONDS] [--world NAME] [--plain]
       %(prog)s run FILE [--budget N] [--json] [--world NAME] [--plain]
       %(prog)s trace FILE.s [--steps N] [--only KINDS] [--ring N] [--range A..B] [--touching A..B]
             [--json] [-o FILE | --html FILE] [--world NAME] [--plain]
{lesson_arguments.USAGE}
{grade_arguments.USAGE}"""

DESCRIPTION = """\
A teaching REPL and debugger for page faults on a simulated i386.

Without a command it opens a prompt: type an instruction in AT&T syntax and see
which entries were read, which rule was judged, what the CPU pushed, and why."""

EPILOGUE = """\
exit status of run and trace:
  0  every line was right (a fault of the guest is not a wrong line)
  1  a line was wrong; the run ended there
  2  the command line, or the file, cannot be used

examples:
  pagefault-lab tour
  pagefault-lab
  pagefault-lab --world bare
  pagefault-lab --resume
  pagefault-lab lesson
  pagefault-lab lesson 1
  pagefault-lab run exercise.lab
  echo 'p $cr3' | pagefault-lab run --json -
  pagefault-lab trace program.s | less"""


def parse(words: list[str]) -> Namespace:
    """What the words ask for: `command` (None for the prompt), `world`, `plain`, and what the command takes.

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
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="FILE",
        help="bring the last session back as it was after its last finished line, also one that was cut off; "
        "or the one of this journal",
    )
    parser.set_defaults(world=DEFAULT_WORLD, plain=False, theme=None)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", prog="pagefault-lab", parser_class=WordsParser
    )
    tour = commands.add_parser(
        "tour",
        help="a first look, in two minutes: the lecture's path, a line at each press of Enter",
        description="Go through a script with what its comments say, a line at each press of Enter.",
        allow_abbrev=False,
    )
    tour.add_argument("file", nargs="?", metavar="FILE", help="any script; without one, the lecture's path")
    tour.add_argument("--auto", action="store_true", help="go on by itself, for a projector")
    tour.add_argument(
        "--pace", type=_seconds, default=0.6, metavar="SECONDS", help="with --auto: the time for each row (0.6)"
    )
    run = commands.add_parser(
        "run",
        help="execute the lines of FILE (- for standard input) without a terminal",
        description="Execute the lines of a file as if they were typed. The first wrong line ends it.",
        allow_abbrev=False,
    )
    run.add_argument("file", metavar="FILE", help="a text file, or - for standard input")
    run.add_argument(
        "--budget", type=number_of("instructions"), metavar="N", help="let each line execute at most N instructions"
    )
    run.add_argument("--json", action="store_true", help="print JSON Lines: one object for each value")
    trace = commands.add_parser(
        "trace",
        help="assemble FILE.s, run it to its end, and tell each of its steps, one line each",
        description="Assemble a program, place it where typed code goes, and run it: to its end, to a HLT, to what the "
        "kernel does with a task that it kills, to a shutdown. Each step is a line, the kernel's steps included. What "
        "else there is to say goes to the standard error.",
        allow_abbrev=False,
    )
    _trace_words(trace)
    lesson = commands.add_parser(
        "lesson",
        help="the course: list the lessons, take one, write one, hand one in",
        description="Without a NAME, list the lessons. With one, take that lesson, or go on with it.",
        epilog=lesson_arguments.EPILOGUE,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    lessons = list(lesson_arguments.declare(lesson))
    grade = commands.add_parser(
        "grade",
        help="repeat what was handed in, and write grades and reports",
        description=grade_arguments.DESCRIPTION,
        epilog=grade_arguments.EPILOGUE,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    grade_arguments.declare(grade)
    for either in (parser, tour, run, trace):  # they may stand before the command and after it
        either.add_argument("--world", default=SUPPRESS, metavar="NAME", help="linux (the default) or bare")
    for either in (parser, tour, run, trace, *lessons, grade):
        either.add_argument("--plain", action="store_true", default=SUPPRESS, help="ASCII only, and no colour")
        either.add_argument("--theme", default=SUPPRESS, metavar="NAME", help="light, blue-orange, mono, or default")
    arguments = parser.parse_args(words)
    if arguments.resume is not None and (arguments.command is not None or arguments.world != DEFAULT_WORLD):
        parser.error("--resume goes on at the prompt, in the session's own world")
    return arguments


def _trace_words(trace: ArgumentParser) -> None:
    """What `trace` takes."""
    trace.add_argument("file", metavar="FILE.s", help="a program in AT&T syntax; it begins at _start or at its top")
    trace.add_argument("--steps", type=number_of("instructions"), metavar="N", help="stop after N steps")
    trace.set_defaults(wanted=())
    kinds = trace.add_argument_group(
        "which steps", "Those that fit all of these; of several of one kind, one suffices."
    )
    kinds.add_argument(
        "--only", dest="wanted", action=_Wanted, metavar="KINDS",
        help="faults, interrupts, rings, walks, ports, loads, reads, writes; several with commas between",
    )  # fmt: skip
    kinds.add_argument(
        "--ring", dest="wanted", action=_Wanted, choices="0123", metavar="N", help="that begin at this CPL"
    )
    kinds.add_argument(
        "--user", dest="wanted", action=_Wanted, const=("ring", "3"), nargs=0, help="--ring 3: not the kernel's"
    )
    kinds.add_argument(
        "--range", dest="wanted", action=_Wanted, metavar="A..B", help="whose instruction lies there: main..+0x100"
    )
    kinds.add_argument("--touching", dest="wanted", action=_Wanted, metavar="A..B", help="that read or write there")
    form = trace.add_argument_group("form")
    form.add_argument("--json", action="store_true", help="JSON Lines: one object a step, with all that happened")
    files = form.add_mutually_exclusive_group()
    files.add_argument("-o", dest="to", metavar="FILE", help="write to FILE; JSON Lines if it ends in .jsonl or .json")
    files.add_argument("--html", metavar="FILE", help="write a page for a browser, with a slider over the steps")
    form.add_argument(
        "--last",
        type=number_of("instructions"),
        default=100_000,
        metavar="N",
        help="with --html: look at the last N steps (100000)",
    )
    form.add_argument(
        "--schema", action=_Schema, nargs=0, default=SUPPRESS, help="print the JSON Schema of the JSON Lines"
    )


class _Wanted(Action):
    """Puts an option into the words of the command `trace`."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        name = str(option).removeprefix("--")
        match name:
            case "only":
                from pagefault_lab.lab.wanted import KINDS

                words = values.replace(",", " ").split()
                for word in words:
                    if word not in KINDS:
                        parser.error(f"argument {option}: {word!r} is none of {', '.join(KINDS)}")
            case "range" | "touching":
                start, dots, end = values.partition("..")
                if not (dots and start and end):
                    parser.error(f"argument {option}: {values!r} is not START..END or START..+BYTES")
                words = [name, start, end]
            case _:
                words = list(self.const or (name, values))
        namespace.wanted += (" ".join(words),)


class _Schema(Action):
    """Prints the schema, and ends the program."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        from pagefault_lab.bridges.trace import schema

        print(schema(), end="")
        parser.exit()


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 60:
        raise ArgumentTypeError(f"{word!r} is not a time of 0 to 60 seconds")
    return seconds
