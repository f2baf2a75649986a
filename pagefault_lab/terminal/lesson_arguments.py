"""The words of `pagefault-lab lesson`: take one, or one of the tools of those who write lessons and hand them in."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

USAGE: Final = """\
       %(prog)s lesson [NAME] [--again] [--student NAME] [--seed SEED] [--plain]
       %(prog)s lesson submit [NAME] [--student NAME] [-o FILE]
       %(prog)s lesson new | check | update | render | publish ..."""

EPILOGUE: Final = """\
to hand a lesson in:
  submit [NAME]              write the attempt into a small text file

to write one:
  new FILE                   begin a lesson
  check FILE...              prove lessons right
  update FILE...             refresh the output that belongs to the text
  render FILE --html|--md    make a handout
  publish FILE...            make the edition for students

A lesson in a file that is called like one of these is taken by its path: ./check.md"""


class WordsParser(ArgumentParser):
    """A parser of which some first words have parsers of their own; with any other word, or none, it is itself meant.

    Those set `tool` to the word.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tools: dict[str, ArgumentParser] = {}

    def add_tool(self, word: str, description: str) -> ArgumentParser:
        """A parser for what stands behind this word."""
        tool = ArgumentParser(f"{self.prog} {word}", description=description, allow_abbrev=False)
        tool.set_defaults(tool=word)
        self._tools[word] = tool
        return tool

    def parse_known_args(  # type: ignore[override]  # its overloads are no use here
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        tool = self._tools.get(args[0]) if args else None
        if tool is None or args is None:
            return super().parse_known_args(args, namespace)
        return tool.parse_known_args(args[1:], namespace)


def declare(lesson: WordsParser) -> Iterator[ArgumentParser]:
    """Give `lesson` its words, `tool` "" where it has none of these; gives it and the parser of each tool."""
    lesson.set_defaults(tool="")
    lesson.add_argument(
        "name", nargs="?", metavar="NAME", help="its number, its name, or a file; without one, the course is listed"
    )
    lesson.add_argument("--again", action="store_true", help="begin anew; the attempt so far is kept aside")
    _whose(lesson)
    lesson.add_argument("--seed", metavar="SEED", help="draw the values of this seed, not those of the student")
    yield lesson
    new = lesson.add_tool("new", "Write a small lesson that works, to be rewritten.")
    new.add_argument("file", metavar="FILE", help="a file that is not there yet, .md")
    yield new
    check = lesson.add_tool(
        "check", "Prove lessons right: each answer solves its task, nothing is solved before, each wrong answer earns "
        "what it declares, and every variant can be solved.",
    )  # fmt: skip
    _files(check)
    check.add_argument("--seeds", type=number_of("seeds"), metavar="N", help="draw variants so many times (20)")
    check.add_argument("--json", action="store_true", help="print JSON Lines: one object for each value")
    yield check
    update = lesson.add_tool("update", "Write anew what the commands of `show` blocks say.")
    _files(update)
    yield update
    render = lesson.add_tool("render", "Make a handout of a lesson.")
    render.add_argument("file", metavar="FILE", help="a lesson")
    form = render.add_mutually_exclusive_group(required=True)
    form.add_argument("--html", action="store_true", help="a page that prints well, with the diagrams")
    form.add_argument("--md", action="store_true", help="Markdown, with what the machine says")
    render.add_argument("--seed", default="", metavar="SEED", help="with the values that this seed draws")
    render.add_argument("--hints", action="store_true", help="with the hints")
    render.add_argument("--answers", action="store_true", help="with the answers, for who teaches")
    _to(render, "FILE", "write to FILE instead of the standard output")
    yield render
    publish = lesson.add_tool("publish", "Make the edition for students: without answers, with checks that still work.")
    _files(publish)
    publish.add_argument("--unproved", action="store_true", help="also if `lesson check` has something to say")
    _to(publish, "PLACE", "the file, or for several lessons the folder, to write to")
    yield publish
    submit = lesson.add_tool("submit", "Write an attempt into one small text file, to be handed in.")
    submit.add_argument("name", nargs="?", metavar="NAME", help="which lesson; without one, the one taken last")
    _whose(submit)
    _to(submit, "FILE", "write to FILE")
    yield submit


def _files(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a lesson")


def _to(parser: ArgumentParser, what: str, purpose: str) -> None:
    parser.add_argument("-o", dest="to", metavar=what, help=purpose)


def _whose(parser: ArgumentParser) -> None:
    parser.add_argument("--student", metavar="NAME", help="whose attempt it is: it is remembered")


def number_of(noun: str) -> Callable[[str], int]:
    """What parses a number of these, at least 1."""

    def number(word: str) -> int:
        try:
            found = int(word, 0)
        except ValueError:
            found = 0
        if found < 1:
            raise ArgumentTypeError(f"{word!r} is not a number of {noun}")
        return found

    return number
