"""The table of grades: names by strangers command nothing, and what went wrong stands beside its author."""

import json

from shown import text_of

from pagefault_lab.bridges.json_lines import to_json
from pagefault_lab.tutor.grading.grades import Grades, Row

TABLE = Grades(
    (
        Row("Ada Lovelace", "first-fault", 28, 31, 12, 13, 2, ""),
        Row("\x1b[2JEve " + "x" * 60, "first-fault", 0, 31, 0, 0, 0, "it is cut off: its end is missing"),
        Row("notes.pdf", "", 0, 0, 0, 0, 0, "it is no submission"),
    ),
    4, 1, 2, 1,
)  # fmt: skip


def test_the_table_fits_and_says_what_happened() -> None:
    assert text_of(TABLE).splitlines() == [
        "student                       lesson       points  of  solved  hints",
        "Ada Lovelace                  first-fault      28  31   12/13      2",
        "\\x1b[2JEve xxxxxxxxxxxxxx...  first-fault       0  31",
        "notes.pdf                     -                 0",
        "",
        "\\x1b[2JEve xxxxxxxxxxxxxx...: it is cut off: its end is missing",
        "notes.pdf: it is no submission",
        "",
        "4 submissions, 1 graded in part, 2 not at all, 1 replaced by a better one",
    ]


def test_it_is_ascii_where_that_is_all_there_is_and_survives_json() -> None:
    assert text_of(TABLE, plain=True).isascii()
    found = to_json(TABLE)
    assert json.loads(json.dumps(found)) == found
    assert found["rows"][0]["points"] == 28
