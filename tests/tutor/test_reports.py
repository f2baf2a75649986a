"""What grading writes is as those document it who read it, whatever strangers are called and have typed."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_class import small_lesson

from pagefault_lab.problem import Problem
from pagefault_lab.tutor.grading.grades import GRADED, PARTLY, ExerciseGrade, Grade
from pagefault_lab.tutor.grading.keeping import Kept
from pagefault_lab.tutor.grading.replaying import refused
from pagefault_lab.tutor.grading.reports import Reports
from pagefault_lab.tutor.grading.running import Entry, handed_in, in_order
from pagefault_lab.tutor.grading.workers import Job, read_job
from pagefault_lab.tutor.submission import one_line

HERE = Path(__file__).parent
LESSON = small_lesson()


def graded(student: str, said: str = "", points: int = 1, **others: Any) -> Grade:
    """What someone has earned who has done alike in each exercise, and to whom this was said."""
    exercises = tuple(
        ExerciseGrade(
            each.id, type(each).__name__.lower(), each.title, points, each.points, points == each.points, 3, 1, True,
            (said,), (said,), said,
        )
        for each in LESSON.exercises
    )  # fmt: skip
    found = Grade(
        f"{student}.submission", student, LESSON.key, LESSON.title, points * len(exercises), LESSON.points, GRADED, "",
        (), 12, exercises,
    )  # fmt: skip
    return found._replace(**others)


def reports(folder: Path, *grades: Grade) -> dict[str, str]:
    """All that is written about these grades, by name."""
    kept = Kept(folder / ".finished", b"")
    entries = []
    for grade in grades:
        name = kept.name(Job(grade.file, b""))
        kept.put(name, grade)
        entries.append(Entry(name, grade.name, grade.file, grade.identity, grade.points))
    names = Reports(folder, kept, in_order(entries), [LESSON]).write()
    return {name: (folder / name).read_bytes().decode("utf-8") for name in names}


# what a stranger has written, as one_line lets it through
STRANGE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(lambda text: one_line(text, 60))


@given(student=STRANGE, said=STRANGE, told=STRANGE)
@settings(max_examples=60)
def test_all_of_it_can_be_read_whatever_strangers_have_written(student: str, said: str, told: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    gradescope = jsonschema.Draft202012Validator(json.loads((HERE / "gradescope.schema.json").read_text()))
    grades = [
        graded(student, said),
        graded("Ada", said, 0, verdict=PARTLY, told=told or "partly", flags=(said,)),
        refused(f"{said}.pdf", told)._replace(claimed=student),
    ]
    with TemporaryDirectory() as folder:
        found = reports(Path(folder), *grades)
    for name, text in found.items():
        if name.startswith("results"):
            gradescope.validate(json.loads(text))
    rows = list(csv.DictReader(io.StringIO(found["grades.csv"])))
    assert sorted(row["student"].removeprefix("'") for row in rows) == sorted(
        grade.name.removeprefix("'") for grade in grades
    )
    suites = ElementTree.fromstring(found["junit.xml"])
    assert sum(len(suite) for suite in suites) == 2 * len(LESSON.exercises) + 2
    assert len(json.loads(found["grades.json"])["submissions"]) == 3


def test_what_continuous_integration_reads_is_as_its_schema_says(tmp_path: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema judges JUnit's XML")
    schema = xmlschema.XMLSchema(HERE.parent / "judges" / "junit-10.xsd")  # of Jenkins, as pytest's own tests have it
    found = reports(
        tmp_path,
        graded('Ada & "<Bo>"', "a <b>\n]]>"),
        graded("Eve", verdict=PARTLY, told="<odd>"),
        graded("Max", points=2),
        refused("x.pdf", "it is no submission"),
    )
    schema.validate(found["junit.xml"])


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠\t\r\n"))
def test_no_cell_of_a_table_is_a_formula(sign: str, tmp_path: Path) -> None:
    found = reports(tmp_path, graded(f"{sign}1+1", verdict=PARTLY, told=f"{sign}2+2"))
    [row] = csv.DictReader(io.StringIO(found["grades.csv"], newline=""))
    assert (row["student"], row["remarks"], row["file"]) == (
        f"'{sign}1+1", f"'{sign}2+2", f"'{sign}1+1.submission",
    )  # fmt: skip


# --- Gradescope


def test_gradescope_is_told_of_all_that_one_student_has_handed_in(tmp_path: Path) -> None:
    found = reports(tmp_path, graded("Ada"), graded("ADA", file="a.txt", points=0), refused("notes.txt", "it is none"))
    result = json.loads(found["results.json"])
    assert result["score"] == len(LESSON.exercises)
    assert [test["number"] for test in result["tests"]] == [exercise.id for exercise in LESSON.exercises]
    assert result["output"].splitlines() == [
        "notes.txt: it is none",
        f"Ada, For a small class: {len(LESSON.exercises)} of {LESSON.points} points",
    ]


def test_gradescope_is_told_of_no_one_where_there_are_several(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("of an earlier run")
    found = reports(tmp_path, graded("Ada"), graded("Eve"))
    assert "results.json" not in found
    assert not (tmp_path / "results.json").exists()
    assert len([name for name in found if name.startswith("results/")]) == 2


def test_gradescope_is_told_also_where_nothing_can_be_graded(tmp_path: Path) -> None:
    result = json.loads(reports(tmp_path, refused("notes.txt", "it is no submission"))["results.json"])
    assert (result["score"], result["tests"], result["output"]) == (0, [], "notes.txt: it is no submission")


# --- files that cannot be read or written


@contextmanager
def as_someone_else() -> Iterator[Path]:
    """Be somebody whom the rights of files bind, which do not bind root; gives a folder of theirs."""
    is_root = os.geteuid() == 0
    with TemporaryDirectory(dir="/tmp") as folder:  # which all may reach
        if is_root:
            os.chown(folder, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if is_root:
                os.seteuid(0)


needs_rights = pytest.mark.skipif(sys.platform == "win32", reason="files have other rights there")


@needs_rights
def test_what_cannot_be_read_is_handed_in_all_the_same(tmp_path: Path) -> None:
    with as_someone_else() as folder:
        for name in ("fine", "locked", "closed/hidden", "listed/no"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"x")
        (folder / "locked").chmod(0)
        (folder / "closed").chmod(0)
        (folder / "listed").chmod(0o400)
        found = [(file.name, read_job(*file).data) for file in handed_in(folder, tmp_path)]
        (folder / "closed").chmod(0o700)
        (folder / "listed").chmod(0o700)
    assert found == [("closed", b""), ("fine", b"x"), ("listed/no", b""), ("locked", b"")]


@needs_rights
def test_a_folder_that_cannot_be_read_or_written_is_one_problem(tmp_path: Path) -> None:
    with as_someone_else() as folder:
        (folder / "closed").mkdir(mode=0)
        with pytest.raises(Problem, match="closed cannot be read: Permission denied"):
            handed_in(folder / "closed", tmp_path)
        with pytest.raises(Problem, match="closed/grades cannot be written: Permission denied"):
            Kept(folder / "closed" / "grades", b"")


def test_a_name_that_is_no_text_can_stand_in_a_report(tmp_path: Path) -> None:
    file = os.fsdecode(b"\xff.submission") if sys.platform != "win32" else "\udcff.submission"
    assert "\ufffd.submission" in reports(tmp_path, refused(file, "it is none"))["grades.csv"]
