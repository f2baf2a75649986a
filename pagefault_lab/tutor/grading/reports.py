"""What a run leaves behind: tables for people and for the programs that keep grades.

    grades.csv              a row for each student and lesson, a column for each exercise
    grades.json             all there is to know, of every submission
    junit.xml               a test case for each exercise
    results/STUDENT.json    as Gradescope's results.json has it; of a single student also results.json
    report.md               for the instructor

They depend on the lessons and the submissions, and on nothing else: no time, no place, no name of a computer. Grades
are taken from where they are kept, one at a time.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from pagefault_lab.problem import Problem, count
from pagefault_lab.tutor.grading.grades import PARTLY, REFUSED, ExerciseGrade, Grade, Grades, row_of, to_json
from pagefault_lab.tutor.grading.keeping import Kept
from pagefault_lab.tutor.grading.running import Entry
from pagefault_lab.tutor.lesson import AnyExercise, Lesson

FORMAT: Final = 1  # of grades.json
COMMONEST: Final = 5  # wrong turns of an exercise, in the report
_COMMANDS_A_SPREADSHEET: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
_UNFIT_FOR_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Reports:
    """The reports on these entries, which are in order, in a folder."""

    def __init__(self, folder: Path, kept: Kept, entries: Sequence[Entry], lessons: Sequence[Lesson]) -> None:
        self.folder = folder
        self._kept = kept
        self._entries = entries
        self._lessons = lessons

    def write(self) -> list[str]:
        """Write them all; their names."""
        results = self.folder / "results"
        try:
            results.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"{results} cannot be written: {error.strerror}") from None
        names = [
            self._write("grades.csv", self._csv),
            self._write("grades.json", self._json),
            self._write("junit.xml", self._junit),
            self._write("report.md", self._report),
        ]
        gradescope = [self._write(path, lambda text=text: iter((text,))) for path, text in self._gradescope()]  # type: ignore[misc]
        for old in (*results.glob("*.json"), self.folder / "results.json"):
            if old.relative_to(self.folder).as_posix() not in gradescope:
                old.unlink(missing_ok=True)  # of an earlier run
        return names + gradescope

    def table(self) -> Grades:
        """The table of grades that count."""
        refused = partly = replaced = 0
        rows = []
        for grade in self._grades():
            refused += grade.verdict == REFUSED
            partly += grade.verdict == PARTLY
            replaced += not grade.counts
            if grade.counts:
                rows.append(row_of(grade))
        return Grades(tuple(rows), len(self._entries), partly, refused, replaced)

    def _grades(self) -> Iterator[Grade]:
        for entry in self._entries:
            grade = self._kept.get(entry.kept)
            if grade is None:
                raise Problem(f"{self._kept.folder} was changed while its grades were in use", "grade once more")
            yield grade._replace(counts=entry.counts)

    def _counting(self) -> Iterator[Grade]:
        return (grade for grade in self._grades() if grade.counts)

    def _write(self, name: str, text: Callable[[], Iterator[str]]) -> str:
        """Write a file wholly or not at all."""
        path = self.folder / name
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as stream:
                for piece in text():
                    stream.write(piece)
            unfinished.replace(path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise Problem(f"{path} cannot be written: {error.strerror}") from None
        return name

    # --- for spreadsheets

    def _csv(self) -> Iterator[str]:
        columns = [(lesson.key, exercise.id) for lesson in self._lessons for exercise in lesson.exercises]
        yield _csv_row(
            ["student", "lesson", "points", "of", "verdict", "remarks", "file", "hints", "answers"]
            + [f"{key}/{id}" if len(self._lessons) > 1 else id for key, id in columns]
        )
        for grade in self._counting():
            points = {(grade.lesson, each.id): each.points for each in grade.exercises}
            yield _csv_row(
                [
                    grade.name, grade.lesson, grade.points, grade.most, grade.verdict, row_of(grade).told, grade.file,
                    sum(each.hints for each in grade.exercises), sum(each.answered for each in grade.exercises),
                    *(points.get(column, "") for column in columns),
                ]
            )  # fmt: skip

    # --- for programs

    def _json(self) -> Iterator[str]:
        lessons = [
            {"key": lesson.key, "title": lesson.title, "digest": lesson.digest, "points": lesson.points}
            for lesson in self._lessons
        ]
        yield f'{{"format": {FORMAT}, "lessons": {json.dumps(lessons)}, "submissions": [\n'
        separator = ""
        for grade in self._grades():
            yield separator + json.dumps(to_json(grade))
            separator = ",\n"
        yield "\n]}\n"

    def _junit(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="pagefault-lab">\n'
        for lesson, grades in groupby(self._counting(), lambda grade: grade.lesson):
            name = lesson or "none of the lessons"
            cases = [_cases(grade) for grade in grades]
            flat = [case for each in cases for case in each]
            tests, failures = len(flat), sum("<failure" in case for case in flat)
            errors = sum("<error" in case for case in flat)
            head = f'tests="{tests}" failures="{failures}" errors="{errors}"'
            yield f"  <testsuite name={_attribute(name)} {head}>\n"
            yield from flat
            yield "  </testsuite>\n"
        yield "</testsuites>\n"

    def _gradescope(self) -> Iterator[tuple[str, str]]:
        """Gradescope's files: name and text. It lets each student be graded alone, with all that they have handed in,
        and reads results.json: there is one unless the students are several."""
        by_student = sorted(
            (entry for entry in self._entries if entry.counts), key=lambda entry: (entry.identity[1], entry.identity[0])
        )
        students = 0
        for who, entries in groupby(by_student, lambda entry: entry.identity[1]):
            grades = [grade for entry in entries if (grade := self._kept.get(entry.kept)) is not None]
            students += bool(grades[0].student)
            yield f"results/{_file_name(grades[0].name, who)}.json", _gradescope(grades)
        if students <= 1:
            yield "results.json", _gradescope(list(self._counting()))

    # --- for the instructor

    def _report(self) -> Iterator[str]:
        yield f"# Grades\n\n{self.table().sums}.\n"
        for lesson in self._lessons:
            yield from self._report_on(lesson)
        yield from _listed(
            "To look at",
            (f"{_code(grade.file)}: {_code(grade.name)}, {text}" for grade in self._grades() for text in grade.flags),
        )
        yield from _listed(
            "Not graded, or in part",
            (f"{_code(grade.file)}: {_text(grade.told)}" for grade in self._grades() if grade.told),
        )
        yield from _listed(
            "Replaced by a better one", (_code(grade.file) for grade in self._grades() if not grade.counts)
        )

    def _report_on(self, lesson: Lesson) -> Iterator[str]:
        """How a lesson went."""
        statistics = [_Statistics(exercise) for exercise in lesson.exercises]
        taken, points = 0, []
        for grade in self._counting():
            if grade.lesson == lesson.key:
                points.append(grade.points)
                if grade.verdict != REFUSED:
                    taken += 1
                    for each, found in zip(statistics, grade.exercises, strict=True):
                        each.add(found)
        yield f"\n## {_text(lesson.title)} ({_code(lesson.key)})\n\n"
        if not points:
            yield "Nobody has handed it in.\n"
            return
        yield f"{count(len(points), 'student')}, {_mean(sum(points), len(points))} of "
        yield f"{count(lesson.points, 'point')} on average, "
        yield f"{sorted(points)[len(points) // 2]} in the middle.\n\n"
        yield "| exercise | kind | solved | points | of | hints | answer shown |\n|---|---|--:|--:|--:|--:|--:|\n"
        for each in statistics:
            yield each.row(taken)
        for each in statistics:
            yield from each.wrong_turns()


class _Statistics:
    """How a class stands in an exercise."""

    def __init__(self, exercise: AnyExercise) -> None:
        self.exercise = exercise
        self.solved = self.points = self.hints = self.answered = 0
        self.remarks: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()

    def add(self, found: ExerciseGrade) -> None:
        self.solved += found.solved
        self.points += found.points
        self.hints += found.hints
        self.answered += found.answered
        self.remarks.update(set(found.remarks))
        if found.wrong:
            self.wrong[found.wrong] += 1

    def row(self, taken: int) -> str:
        exercise = self.exercise
        kind = type(exercise).__name__.lower()
        rate = f"{100 * self.solved // taken} %" if taken else ""
        mean = _mean(self.points, taken)
        return (
            f"| {_code(exercise.id)} | {kind} | {rate} | {mean} | {exercise.points} | {self.hints} "
            f"| {self.answered} |\n"
        )

    def wrong_turns(self) -> Iterator[str]:
        """What went wrong most often."""
        if not self.wrong and not self.remarks:
            return
        yield f"\n### {_code(self.exercise.id)}\n\n"
        for text, times in _commonest(self.remarks):
            yield f"- told to {count(times, 'student')}: {_text(text)}\n"
        for text, times in _commonest(self.wrong):
            yield f"- the first mistake of {count(times, 'student')}: {_code(text)}\n"


def _commonest(found: Counter[str]) -> list[tuple[str, int]]:
    """The commonest, in an order that does not depend on who came first."""
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:COMMONEST]


def _mean(total: int, number: int) -> str:
    """A mean with one digit behind the point, in whole numbers: the same everywhere."""
    tenths = (total * 20 + number) // (2 * number) if number else 0
    return f"{tenths // 10}.{tenths % 10}"


def _listed(title: str, rows: Iterator[str]) -> Iterator[str]:
    begun = False
    for row in rows:
        if not begun:
            yield f"\n## {title}\n\n"
            begun = True
        yield f"- {row}\n"


# --- what a stranger has written, as the formats take it


def _csv_row(cells: Sequence[object]) -> str:
    """A row in which no cell is a formula. All text is quoted, for programs that take a semicolon for a comma."""
    safe = [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_COMMANDS_A_SPREADSHEET) else cell for cell in cells
    ]
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerow(safe)
    return stream.getvalue()


def _cases(grade: Grade) -> list[str]:
    """A submission's test cases."""
    who = _attribute(grade.name)
    if grade.verdict == REFUSED:
        error = f"<error message={_attribute(grade.told)}/>"
        return [f'    <testcase classname={who} name="submission">{error}</testcase>\n']
    found = []
    for each in grade.exercises:
        case = f"    <testcase classname={who} name={_attribute(each.id)}"
        if each.points == each.most:
            found.append(f"{case}/>\n")
            continue
        message = _attribute(f"{each.points} of {count(each.most, 'point')}")
        inside = _xml("\n".join(filter(None, (each.wrong, *each.said))))
        found.append(f"{case}><failure message={message}>{inside}</failure></testcase>\n")
    if grade.verdict == PARTLY:
        error = f"<error message={_attribute(grade.told)}/>"
        found.append(f'    <testcase classname={who} name="all lines">{error}</testcase>\n')
    return found


def _attribute(text: str) -> str:
    return quoteattr(_UNFIT_FOR_XML.sub("\ufffd", text))


def _xml(text: str) -> str:
    return escape(_UNFIT_FOR_XML.sub("\ufffd", text))


def _gradescope(grades: Sequence[Grade]) -> str:
    """A student's grades as Gradescope's results.json: https://gradescope-autograders.readthedocs.io/"""
    tests = []
    several = len({grade.lesson for grade in grades if grade.exercises}) > 1
    for grade in grades:
        for each in grade.exercises:
            said = [f"hints: {each.hints}"] if each.hints else []
            said += ["the answer was shown"] if each.answered else []
            tests.append(
                {
                    "name": each.title or each.id,
                    "number": f"{grade.lesson}/{each.id}" if several else each.id,
                    "score": each.points,
                    "max_score": each.most,
                    "status": "passed" if each.points == each.most else "failed",
                    "output": "\n".join([*said, *each.said]),
                    "output_format": "text",
                    "visibility": "visible",
                }
            )
    found = {
        "score": sum(grade.points for grade in grades),
        "output": "\n".join(line for grade in grades for line in _outcome(grade)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    return json.dumps(found, indent=1) + "\n"


def _outcome(grade: Grade) -> Iterator[str]:
    """What there is to say of a submission as a whole."""
    if grade.title:
        yield f"{grade.name}, {grade.title}: {grade.points} of {count(grade.most, 'point')}"
    for text in filter(None, (grade.told, *grade.flags)):
        yield f"{grade.file}: {text}"


def _file_name(name: str, who: str) -> str:
    """A file's name for a student, on every system, and for nobody else."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower().encode("ascii", "ignore").decode("ascii")).strip("-")[:40]
    return f"{plain or 'student'}-{blake2b(who.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"


def _text(text: str) -> str:
    """A text in a paragraph of Markdown that means nothing but itself."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text)


def _code(text: str) -> str:
    """A text as code in a line of Markdown."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or text.startswith(" ") else ""
    return f"{fence}{space}{text}{space}{fence}"
