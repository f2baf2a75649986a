"""Handouts: everything that a lesson says, with room for replies, and nothing that acts, whoever has written it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judges import browser
from markdown_it import MarkdownIt
from test_page_in_a_browser import CONTRASTS, DESKTOP, PHONE, TABLET

from pagefault_lab.bridges.handout import html, markdown
from pagefault_lab.bridges.handout.content import BEGINNING, handout
from pagefault_lab.problem import Problem
from pagefault_lab.terminal.arguments import parse
from pagefault_lab.terminal.lesson_tools import render as tool
from pagefault_lab.tutor.lesson import Lesson
from pagefault_lab.tutor.publishing import publish
from pagefault_lab.tutor.reading import read_lesson

LESSON = """\
+++
format = 1
key = "handed-out"
title = "Handed out"
summary = "A lesson on paper."
minutes = 20
[variants]
number = { from = 100, to = 900 }
+++
# Handed out

The heap is at **{{/x user_heap}}**. <!-- for who reads the file -->

```lab
# EBX holds the number.
movl ${{ $number }},%ebx
```

```show
picture walk user_heap write
old output
```

```task
id = "set"
title = "A number in EAX"
text = "Put {{ $number }} into EAX; see [the manual](https://example.org/manual)."
hints = ["It is in `%ebx`."]
after = "EAX is {{ eax }} now."
answer = "movl %ebx,%eax"
[[goals]]
holds = "eax == $number"
text = "the number is in EAX"
points = 3
[[goals]]
holds = "ebx == $number"
text = "and still in EBX"
points = 1
[[wrong]]
lines = "movl $0,%ebx"
earns = 0
```

It goes on.

```task
id = "further"
text = "Add one to EAX, which is {{ eax }}."
points = 2
goal = "eax == $number + 1"
continues = true
answer = "incl %eax"
```

```ask
id = "which"
points = 1
question = "Which entry is missing?"
choices = ["the PDE", "the `PTE`"]
answer = "pde(user_heap).present ? 2 : 1"
after = "The table is there."
```

```predict
id = "write"
points = 1
lines = "movl %eax,user_heap"
asks = ["fault", "error"]
```
"""

HOSTILE = """<script>document.title='taken'</script><img src=x onerror="document.title='taken'">"""
LINKS = "[a](javascript:alert(1)) [b](data:text/html,x) <javascript:alert(2)> ![c](http://127.0.0.1:9/c.png) [d](//x/y)"
HIDDEN = "<style>body { display: none }</style>"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "h3", "h4", "h5", "h6",
    "p", "ul", "ol", "li", "pre", "code", "span", "b", "strong", "em", "a", "br", "hr", "blockquote", "table", "thead",
    "tbody", "tr", "th", "td", "div", "figure", "svg", "desc", "rect", "g", "text", "polyline", "polygon",
}  # fmt: skip


class Seen(HTMLParser):
    """What a page consists of: its tags, and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def assert_harmless(page: str) -> None:
    seen = Seen(page)
    assert set(seen.tags) <= TAGS
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")]
    for name, value in seen.attributes:
        assert name != "href" or re.match(r"https?://|mailto:|#", value, re.IGNORECASE), value


def lesson_of(text: str = LESSON) -> Lesson:
    return read_lesson(text, "handed-out.md")


def page_of(text: str = LESSON, **options: bool) -> str:
    return html.page(handout(lesson_of(text), "", **options))


@pytest.fixture(scope="module")
def page() -> str:
    return page_of()


# --- what is there


def test_a_page_holds_what_the_lesson_says_filled_in_for_a_seed(page: str) -> None:
    assert page.count("Handed out") == 2  # the title, and one heading
    assert "<strong>0x804c000</strong>" in page
    assert "for who reads the file" not in page
    assert "EBX holds the number." in page
    for seed in ("one", "two"):
        shown = html.page(handout(lesson_of(), seed))
        number = re.search(r"Put (\d+) into EAX", shown)
        assert number is not None
        assert f"${number[1]}" in re.sub(r"<[^>]*>", "", shown)
        assert f"values of seed {seed}" in shown


def test_a_picture_is_drawn_and_what_a_show_block_says_is_of_now(page: str) -> None:
    assert page.count("<svg ") == 1
    assert "page directory" in page
    assert "old output" not in page


def test_exercises_have_their_points_and_room_for_replies(page: str) -> None:
    names = re.findall(r"<h2><span>(.*?)</span> (.*?)</h2>", page)
    assert names == [
        ("Task 1", "A number in EAX"),
        ("Task 2", "further"),
        ("Question 3", "which"),
        ("Prediction 4", "write"),
    ]
    assert re.findall(r"of </span>(.*?)<", page) == ["4 points", "2 points", "1 point", "2 points"]
    assert "<li>the number is in EAX <b>3 points</b></li>" in page
    assert page.count('class="room"') == 1  # the error code; the others have choices
    assert "<li>the PDE</li><li>the <code>PTE</code></li>" in page


def test_neither_hints_nor_answers_are_shown_unless_one_asks_for_them(page: str) -> None:
    for secret in ("It is in <code>%ebx</code>.", "movl %ebx,%eax", "incl %eax", "The table is there."):
        assert secret not in re.sub(r"</?span[^>]*>", "", page)
    full = re.sub(r"</?span[^>]*>", "", page_of(hints=True, answers=True))
    for said in (
        "It is in <code>%ebx</code>.",
        "movl %ebx,%eax",
        "incl %eax",
        "<p>the <code>PTE</code></p>",
        "The table is there.",
    ):
        assert said in full
    assert "<ol><li>yes</li><li>6</li></ol>" in full


def test_a_task_that_continues_stands_where_the_one_before_it_was_solved() -> None:
    number = re.search(r"Put (\d+) into EAX", page_of())
    assert number is not None
    assert f"Add one to EAX, which is {number[1]}." in page_of()


def test_a_student_edition_gives_no_answers() -> None:
    edition = read_lesson(publish(lesson_of()), "handed-out.md")
    with pytest.raises(Problem, match="this edition of the lesson has no answers"):
        handout(edition, answers=True)
    alone = LESSON.replace("continues = true\n", "")
    shown = html.page(handout(read_lesson(publish(lesson_of(alone)), "handed-out.md")))
    assert shown == html.page(handout(lesson_of(alone)))


def test_what_a_student_edition_does_not_know_is_left_open() -> None:
    block = (
        "It goes on, at {{/x user_heap + $number - $number }}, with {{ ebx }}.\n\n```lab\nmovl ${{ eax }},%ecx\n```\n"
    )
    text = LESSON.replace("It goes on.", block).replace(
        "continues = true", 'continues = true\nhints = ["{{ $number }}"]'
    )
    shown = handout(read_lesson(publish(lesson_of(text)), "handed-out.md"), hints=True)
    paper, page = markdown.text(shown), html.page(shown)
    heap, number = re.search(r"\*\*(0x\w+)\*\*", paper), re.search(r"Put (\d+) into EAX", paper)
    assert heap is not None
    assert number is not None
    for said in (f"It goes on, at {heap[1]}, with [?].", "EAX, which is [?].", "[?] is what the machine says there"):
        assert said in paper
        assert said in page
    assert "movl $[?],%ecx" in paper
    assert f"**Hints**\n\n1. {number[1]}\n" in paper
    assert paper.index("Put ") < paper.index("[?]") < paper.index("Which entry is missing?")


# --- what never is


def hostile() -> str:
    """The lesson, hostile wherever it can say something."""
    quoted = HOSTILE.replace('"', "'")
    return (
        LESSON.replace('title = "Handed out"', f'title = """</style>{HOSTILE}"""')
        .replace("A lesson on paper.", quoted)
        .replace("It goes on.", f"{HOSTILE}\n\n{HOSTILE} {LINKS}\n\n{HIDDEN}\n\n```js\n{HOSTILE}\n```")
        .replace("A number in EAX", quoted)
        .replace("Add one", f"{quoted} {LINKS} Add one")
        .replace("the number is in EAX", quoted)
        .replace("the PDE", quoted)
        .replace("Which entry", f"{quoted} Which entry")
        .replace("It is in `%ebx`.", quoted)
        .replace("The table is there.", quoted)
        .replace("EBX holds the number.", HOSTILE)
        .replace("movl ${{ $number }},%ebx\n", f"movl ${{{{ $number }}}},%ebx\np 1 # {HOSTILE}\n")
    )  # fmt: skip


def test_a_hostile_lesson_is_text() -> None:
    page = page_of(hostile(), hints=True, answers=True)
    assert_harmless(page)
    assert page.count("&lt;script&gt;") >= 10
    assert "</style>" not in page.replace("</style>\n</head>", "")


PIECES = [
    "<", ">", "&", '"', "'", "`", "```", "\n", "\n\n", "[", "](", ")", "![", "<!--", "-->", "](javascript:", "<a href=",
    "<javascript:x>", "<http://x onclick=y>", "onerror=x", "&#106;avascript:", "java\tscript:", "[x]: data:a\n", "[x]",
    "<script>", "</script>", "<svg/onload=x>", "\\", "|a|\n|-|\n|<b>|", "# ", "> ", "- ", "<![CDATA[", "<?x", "\x00",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30))
@settings(deadline=None, max_examples=300)
def test_whatever_prose_says_is_harmless(pieces: list[str]) -> None:
    assert_harmless(html.rendered("".join(pieces)))


# --- in a browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    if browser.program() is None:
        pytest.skip("no Chromium is installed")
    with browser.running(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_a_page_fits_any_screen_and_can_be_read(
    chromium: browser.Browser, page: str, tmp_path: Path, size: tuple[int, int], dark: bool
) -> None:
    path = tmp_path / "page.html"
    path.write_text(page, "utf-8")
    chromium.look(*size, dark=dark)
    chromium.open(path)
    assert chromium.ask("document.documentElement.scrollWidth") <= size[0]
    assert chromium.ask("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'") is not dark
    for contrast, what in chromium.ask(CONTRASTS):
        assert contrast >= 4.5 or what.startswith(": "), what
    assert chromium.complaints == []
    assert chromium.requests == [path.resolve().as_uri()]


@pytest.mark.parametrize(("width", "height"), [(8.27, 11.69), (8.5, 11)], ids=["A4", "Letter"])
def test_a_page_prints(chromium: browser.Browser, page: str, tmp_path: Path, width: float, height: float) -> None:
    path = tmp_path / "page.html"
    path.write_text(page, "utf-8")
    chromium.look(*DESKTOP, dark=True)
    chromium.open(path)
    chromium.call("Emulation.setEmulatedMedia", media="print")
    assert chromium.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    kept = "[...document.querySelectorAll('pre, figure, .exercise')].map((each) => getComputedStyle(each).breakInside)"
    assert set(chromium.ask(kept)) == {"avoid"}
    inches = width - 2 * 18 / 25.4  # between the margins
    chromium.look(int(inches * 96), 1000)
    chromium.call("Emulation.setEmulatedMedia", media="print")
    too_wide = "(each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1"
    assert (
        chromium.ask(f"[...document.querySelectorAll('main *')].filter({too_wide}).map((each) => each.outerHTML)") == []
    )
    printed = chromium.call("Page.printToPDF", paperWidth=width, paperHeight=height, printBackground=True)["data"]
    assert len(printed) > 10_000
    chromium.call("Emulation.setEmulatedMedia", media="")


def test_a_hostile_lesson_does_nothing_in_a_browser(chromium: browser.Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page_of(hostile(), hints=True, answers=True), "utf-8")
    chromium.look(*DESKTOP)
    chromium.open(path)
    assert chromium.ask("document.title").startswith("</style><script>")
    assert chromium.ask("document.images.length + document.scripts.length") == 0
    assert chromium.ask("getComputedStyle(document.body).display") == "block"
    assert chromium.complaints == []
    assert chromium.requests == [path.resolve().as_uri()]


# --- Markdown


def test_markdown_holds_the_same(page: str) -> None:
    text = markdown.text(handout(lesson_of()))
    tokens = MarkdownIt("commonmark").parse(text)
    fences = [token for token in tokens if token.type == "fence"]
    assert [token.info for token in fences] == ["text", "asm"]
    assert "page directory" in fences[0].content
    assert "+++" not in text
    assert "answer" not in text
    assert "It is in" not in text
    headings = re.findall(r"^#+ .*", text, re.MULTILINE)
    assert headings == [
        "# Handed out", "### Task 1: A number in EAX (4 points)", "### Task 2: further (2 points)",
        "### Question 3: which (1 point)", "### Prediction 4: write (2 points)",
    ]  # fmt: skip
    full = markdown.text(handout(lesson_of(), hints=True, answers=True))
    assert "```asm\nmovl %ebx,%eax\n```" in full


def test_markdown_of_a_hostile_lesson_has_no_html() -> None:
    text = markdown.text(handout(lesson_of(hostile()), hints=True, answers=True))
    for token in MarkdownIt("commonmark").parse(text.removeprefix(BEGINNING)):
        assert token.type != "html_block"
        assert all(child.type != "html_inline" for child in token.children or ())


# --- the tool


def test_a_handout_goes_to_the_standard_output_or_into_a_file(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source, target = tmp_path / "lesson.md", tmp_path / "handout.html"
    source.write_text(LESSON, "utf-8")

    def rendered(*words: str) -> int:
        return tool.run(parse(["lesson", "render", str(source), *words]))

    assert rendered("--html") == 0
    printed = capfdbinary.readouterr().out
    for _ in range(2):  # an older one is replaced
        assert rendered("--html", "-o", str(target)) == 0
    assert target.read_bytes() == printed
    assert rendered("--md", "-o", str(source)) == 2
    assert source.read_text("utf-8") == LESSON
    assert rendered("--md", "--answers", "--hints", "--seed", "x", "-o", str(tmp_path / "handout.md")) == 0
    source.write_text("no lesson", "utf-8")
    assert rendered("--md") == 1
