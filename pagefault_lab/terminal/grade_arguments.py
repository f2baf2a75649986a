"""The words of `pagefault-lab grade`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Final

from pagefault_lab.terminal.lesson_arguments import number_of

USAGE: Final = """\
       %(prog)s grade LESSON... --submissions DIR [-o FOLDER] [--jobs N | --dask ADDRESS] [--resume]"""

DESCRIPTION: Final = """\
Repeat what was handed in, each submission in a process of its own, and write
grades.csv, grades.json, junit.xml, report.md, and a results.json for each
student as Gradescope has it.

Every file below DIR counts as handed in, but hidden ones and links. Of several
by one student for one lesson, the one with the most points counts. A line that
does something else than it had done ends a submission: what was earned before
it counts. One that cannot be read, is of another version of the lesson, or
takes more than it may, earns nothing, and says why."""

EPILOGUE: Final = """\
exit status:
  0  every submission was graded
  1  some count in part, or not at all
  2  the command line, a lesson or a folder cannot be used"""


def declare(grade: ArgumentParser) -> None:
    """Give `grade` its words."""
    grade.add_argument("lessons", nargs="+", metavar="LESSON", help="its number, its name, or its file, with answers")
    grade.add_argument("--submissions", required=True, metavar="DIR", help="the folder with what was handed in")
    grade.add_argument("-o", dest="to", default="grades", metavar="FOLDER", help="write the reports there (grades)")
    grade.add_argument(
        "--resume", dest="goes_on", action="store_true", help="go on with a run into FOLDER that was broken off"
    )
    grade.add_argument(
        "--any-version", action="store_true",
        help="also what was made with another version of a lesson: for one that was corrected after class; such "
        "submissions are marked",
    )  # fmt: skip
    where = grade.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=number_of("processes"), metavar="N", help="so many processes at once (one for each processor)"
    )
    where.add_argument("--dask", metavar="ADDRESS", help="let the workers of this Dask cluster do it")
    limits = grade.add_argument_group(
        "limits of each submission", "The first four strike at the same place on every computer."
    )
    limits.add_argument(
        "--instructions", type=number_of("instructions"), metavar="N",
        help="that it executes in all; what takes as long counts too (20,000,000)",
    )  # fmt: skip
    limits.add_argument(
        "--line", type=number_of("instructions"), metavar="N", help="that a line executes (as the lesson has it)"
    )
    limits.add_argument("--lines", type=number_of("lines"), metavar="N", help="that it has (5,000)")
    limits.add_argument("--values", type=number_of("values"), metavar="N", help="that its lines tell (200,000)")
    limits.add_argument(
        "--memory",
        type=number_of("MiB"),
        metavar="MIB",
        help="that its process takes, where that can be limited (2048)",
    )
    limits.add_argument("--seconds", type=number_of("seconds"), metavar="N", help="of processor time (300)")
