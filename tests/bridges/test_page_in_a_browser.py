"""The page of a trace in Chromium: what a reader does with it by mouse and keys, and what is seen then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from judges import browser
from pages import PROGRAM, data_of, page_of, session_of
from test_page import HOSTILE

from pagefault_lab.lab.story import Story
from pagefault_lab.views.story import story

pytestmark = pytest.mark.skipif(browser.program() is None, reason="no Chromium is installed")
DESKTOP, TABLET, PHONE = (1500, 1000), (900, 1000), (360, 740)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    with browser.running(tmp_path_factory.mktemp("browser")) as running:
        running.look(*DESKTOP)
        yield running


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a short program, with a fault and an interrupt."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    page_of(session_of(*PROGRAM), path)
    return path


@pytest.fixture
def page(chromium: browser.Browser, path: Path) -> Iterator[browser.Browser]:
    """The page, at its first step. Whatever is done with it, nothing goes wrong and nothing is fetched."""
    chromium.look(*DESKTOP)
    chromium.open(path)
    yield chromium
    assert chromium.complaints == []
    assert chromium.requests == [path.resolve().as_uri()]


def number(page: browser.Browser) -> int:
    """The step that is shown."""
    return int(page.ask("document.querySelector('#headline a').hash.slice(6)"))


def test_the_first_step_is_shown(page: browser.Browser) -> None:
    assert page.ask("document.title") == page.text("h1") == "Steps in the world linux"
    assert page.text("#headline").startswith("step 0, ring 3: 0x08030000 <_start> movl $0x3,%ecx")
    assert page.text("#code .here").split()[:2] == ["=>", "0x08030000"]
    assert page.text("#source .here").split("\n")[-1].endswith("_start: movl $3,%ecx")
    assert "ecx 0x00000003 was 0x00000000" in " ".join(page.text("#registers").split())
    assert "it begins at 0xc0114000" in page.text("#kernel")


def test_arrow_keys_and_buttons_go_from_step_to_step(page: browser.Browser) -> None:
    seen = [number(page)]
    for act in (
        lambda: page.press("ArrowRight"), lambda: page.press("ArrowRight"), lambda: page.click("#next"),
        lambda: page.press("ArrowLeft"), lambda: page.click("#previous"), lambda: page.press("PageDown"),
        lambda: page.press("PageUp"), lambda: page.press("Home"), lambda: page.press("ArrowLeft"),
    ):  # fmt: skip
        act()
        seen.append(number(page))
    assert seen == [0, 1, 2, 3, 2, 1, 101, 1, 0, 0]
    assert page.ask("document.getElementById('previous').disabled")
    page.press("End")
    assert page.ask("document.getElementById('next').disabled")


def test_the_slider_is_moved_by_the_mouse_and_by_keys(page: browser.Browser, path: Path) -> None:
    page.click("#slider")
    last = data_of(path)["steps"][-1][0]
    assert last * 0.4 < number(page) < last * 0.6
    before = number(page)
    page.press("ArrowRight")  # once, although the slider and the page both know this key
    assert number(page) == before + 1
    assert page.ask("document.getElementById('slider').getAttribute('aria-valuetext')").startswith(
        f"step {before + 1}: "
    )


def test_a_step_has_a_link(page: browser.Browser, path: Path) -> None:
    page.open(path, "#step=17")
    assert number(page) == 17
    page.press("ArrowRight")
    assert page.ask("location.hash") == "#step=18"
    page.ask("location.hash = '#step=40'")
    page.wait("document.querySelector('#headline a').hash === '#step=40'")
    page.open(path, "#step=99999999")
    assert number(page) == data_of(path)["steps"][-1][0]
    page.open(path, "#nonsense")
    assert number(page) == 0


def test_a_number_can_be_typed(page: browser.Browser) -> None:
    page.ask("document.getElementById('number').select()")
    for digit in "23":
        page.press(digit)
    page.press("Enter")
    assert number(page) == 23


def test_keys_lead_to_faults_and_interrupts(page: browser.Browser, path: Path) -> None:
    events = {kind: data_of(path)["steps"][place][0] for place, kind, _ in data_of(path)["events"]}
    page.press("f")
    assert number(page) == events["fault"]
    assert "#PF error code 0x6 [user, write, not-present]" in page.text("#told")
    page.press("I", shift=True)
    assert number(page) == events["interrupt"]
    page.click("#next-fault")
    assert number(page) == events["fault"]
    page.click("#events-title")
    page.wait("document.querySelector('#events li')")
    assert "#PF error code 0x6" in page.text("#events")
    page.click("#events li:first-child a")
    page.wait(f"document.querySelector('#headline a').hash === '#step={events['interrupt']}'")


def test_a_fault_is_told_as_in_the_terminal_with_both_stacks(page: browser.Browser) -> None:
    page.press("f")
    shown = [line.replace("\u00a0", " ").strip() for line in page.text("#told").splitlines()]
    session = session_of(*PROGRAM[:-1])
    steps = [told for _ in range(number(page) + 1) for told in session.execute("si") if isinstance(told, Story)]
    fault = next(told for told in steps if told.step.number == number(page))
    expected = story(fault).text(1 << 30).splitlines()[1:]
    assert [" ".join(line.split()) for line in shown] == [" ".join(line.split()) for line in expected]
    user, kernel = page.text("#user").splitlines(), page.text("#kernel").splitlines()
    assert [line.split("\t")[-1].split(" <")[0] for line in kernel] == [
        "error code",
        "EIP",
        "CS",
        "EFLAGS",
        "ESP",
        "SS",
    ]
    assert all("*" in line.split("\t")[0] for line in kernel)
    assert kernel[0].startswith("ESP")
    assert user[0].split() == ["top→", "0xbffff000", "0x00000000"]
    assert page.ask("document.getElementById('user').getBoundingClientRect().top") == page.ask(
        "document.getElementById('kernel').getBoundingClientRect().top"
    )


def test_going_back_shows_what_was_shown(page: browser.Browser) -> None:
    names = ["headline", "code", "told", "registers", "user", "kernel", "source"]
    panels = f"{names}.map((id) => document.getElementById(id).innerText)"
    seen = []
    for _ in range(60):
        seen.append(page.ask(panels))
        page.press("ArrowRight")
    for before in reversed(seen):
        page.press("ArrowLeft")
        assert page.ask(panels) == before


def test_the_keyboard_reaches_everything(page: browser.Browser) -> None:
    reached = []
    while reached[-1:] != ["events-title"]:
        page.press("Tab")
        reached.append(page.ask("document.activeElement.id || document.activeElement.parentElement.id"))
        assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"  # it is seen where one is
    wanted = ["number", "slider", "next", "next-fault", "headline", "source", "events-title"]
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_nothing_is_wider_than_the_screen_and_all_can_be_read(
    page: browser.Browser, size: tuple[int, int], dark: bool
) -> None:
    page.look(*size, dark=dark)
    page.press("f")
    assert page.ask("document.documentElement.scrollWidth") <= size[0]
    for contrast, what in page.ask(CONTRASTS):
        assert contrast >= 4.5, what


# the contrast of every text with what lies behind it (WCAG 2.1), where it is not dimmed on purpose
CONTRASTS = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return numbers(colour)[3] === 0 ? behind(element.parentElement) : colour;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("script, .aside, :disabled") || !element.offsetParent) continue;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), `${element.className}: ${element.textContent}`]);
  }
  return found;
})()
"""


def test_hostile_names_are_shown_and_do_nothing(chromium: browser.Browser, tmp_path: Path) -> None:
    path = tmp_path / "<script>alert(1)<&.html"
    session = session_of("asm", f"nop # {HOSTILE}", "nop", "end", "run")
    session.symbols.define(HOSTILE, session.code.start or 0)
    page_of(session, path)
    chromium.open(path)
    assert chromium.ask("document.title") == "Steps in the world linux"
    assert HOSTILE in chromium.text("#source")
    assert HOSTILE in chromium.text("#code")
    assert chromium.ask("document.images.length + document.scripts.length") == 2
    assert chromium.complaints == []


def test_ten_thousand_steps_are_there_in_a_blink(chromium: browser.Browser, tmp_path: Path) -> None:
    session = session_of("asm", "movl $5000,%ecx", "1: pushl %ecx", "popl %eax", "loop 1b", "end", "run")
    path = tmp_path / "page.html"
    data = page_of(session, path)
    assert len(data["steps"]) == 10_000
    assert path.stat().st_size < 3_000_000
    chromium.open(path)
    milliseconds = chromium.ask("performance.getEntriesByType('navigation')[0].domComplete")
    assert milliseconds < 2000  # some 250 where nothing else runs
    chromium.press("End")
    assert number(chromium) == session.machine.steps - 1
    far = "(() => { const start = performance.now(); document.getElementById('slider').value = %d;"
    far += (
        " document.getElementById('slider').dispatchEvent(new Event('input')); return performance.now() - start; })()"
    )
    assert max(chromium.ask(far % place) for place in (0, 9999, 5000, 4999)) < 500
