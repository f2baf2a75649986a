"""A handout as one page: it needs no script and no network, prints well, and reads well on a phone.

Prose is Markdown whose raw HTML is shown as it is written, whose images are words, and whose links lead to the web, to
an address for mail, or nowhere. All else is text. So nothing in the page acts, whatever the lesson says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pagefault_lab.bridges.handout.content import BEGINNING, Said, facts, kind_of, pieces, points_of, without_title
from pagefault_lab.lab.pictures import Picture
from pagefault_lab.tutor.editions import without_comments
from pagefault_lab.tutor.told import AskShown, PredictShown, TaskShown
from pagefault_lab.views.code import coloured
from pagefault_lab.views.lines import CODE, GLUE, Span
from pagefault_lab.views.svg import svg_of
from pagefault_lab.views.words import count, printable

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from pagefault_lab.bridges.handout.content import ExerciseShown, Handout, Section
    from pagefault_lab.views.lines import Row

HERE: Final = Path(__file__).parent
_OF: Final = '<span class="on-paper">of </span>'  # behind the box for the points
_HARMLESS: Final = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)


def page(handout: Handout) -> str:
    """The whole page."""
    parts = {
        "TITLE": _text(handout.lesson.title),
        "RUNNING": _css_string(handout.lesson.title),
        "STYLE": (HERE / "handout.css").read_text("utf-8"),
        "BODY": "\n".join(_body(handout)),
    }
    template = (HERE / "handout.html").read_text("utf-8")
    return BEGINNING + re.sub(r"\{\{([A-Z]+)\}\}", lambda match: parts[match[1]], template)


def _body(handout: Handout) -> Iterator[str]:
    lesson = handout.lesson
    yield f"<header><h1>{_text(lesson.title)}</h1>"
    if lesson.summary:
        yield f'<p class="summary">{_text(lesson.summary)}</p>'
    yield f'<p class="facts">{_text(", ".join(facts(handout)))}</p>'
    yield '<p class="who"><span>Name</span><span>Date</span></p></header>'
    yield "<main>"
    for section in handout.sections:
        for block in section.blocks:
            if isinstance(block, Said):
                for piece in pieces(block):
                    yield f"<figure>{svg_of(piece)}</figure>" if isinstance(piece, Picture) else _said(piece)
            else:
                yield rendered(without_title(block, lesson.title))
        if section.exercise is not None:
            yield from _exercise(section, section.exercise)
    yield "</main>"


# --- exercises


def _exercise(section: Section, exercise: ExerciseShown) -> Iterator[str]:
    kind = kind_of(exercise)
    yield f'<section class="exercise {kind.lower()}">'
    name = f"<span>{kind} {section.number}</span> {inline(exercise.title or exercise.id)}"
    yield f'<header><h2>{name}</h2><p class="points">{_OF}{count(points_of(exercise), "point")}</p></header>'
    match exercise:
        case TaskShown():
            yield rendered(exercise.text)
            yield _goals(exercise)
        case AskShown():
            yield rendered(exercise.question)
            yield _room(exercise.choices)
        case PredictShown():
            yield rendered(exercise.text)
            yield _code(exercise.lines)
            yield _listed(inline(each.question) + _room(each.choices) for each in exercise.questions)
    if section.hints:
        yield f'<div class="hints"><h3>Hints</h3>{_listed(map(inline, section.hints))}</div>'
    if section.right is not None:
        lines, after = section.right
        replies = f"<p>{inline(lines[0])}</p>" if len(lines) == 1 else _listed(map(inline, lines))
        answer = _code(lines) if isinstance(exercise, TaskShown) else replies
        yield f'<div class="right"><h3>Answer</h3>{answer}{rendered(after)}</div>'
    yield "</section>"


def _goals(task: TaskShown) -> str:
    """What earns how much, where a task says it."""
    goals = [f"<li>{inline(text)} <b>{count(points, 'point')}</b></li>" for text, points, _ in task.goals if text]
    return f'<ul class="goals">{"".join(goals)}</ul>' if goals else ""


def _room(choices: Sequence[str]) -> str:
    """Where a reply is written, or marked."""
    return _listed(map(inline, choices), ' class="choices"') if choices else '<p class="room"></p>'


def _listed(items: Iterable[str], attributes: str = "") -> str:
    return f"<ol{attributes}>{''.join(f'<li>{item}</li>' for item in items)}</ol>"


# --- text


def _said(rows: Sequence[Row]) -> str:
    """What the machine says, in its columns."""
    return f'<pre class="said" tabindex="0">{"".join(map(_row, rows))}</pre>'


def _row(row: Row) -> str:
    spans = ((span.text.replace(GLUE, " "), span.style) for span in row)
    pieces = [piece for text, style in spans for piece in (coloured(text) if style == CODE else [(text, style)])]
    return "".join(_styled(text, style) for text, style in pieces).rstrip() + "\n"


def _code(lines: Sequence[str]) -> str:
    """Lines as they are typed."""
    return _said([[Span(line, CODE)] for line in lines])


def _styled(text: str, style: str) -> str:
    return f'<span class="{style.replace(".", "-")}">{_text(text)}</span>' if style else _text(text)


def _text(text: str) -> str:
    return escape(printable(text))


def _css_string(text: str) -> str:
    """Text between quotes in a style sheet; whatever is no letter or digit is escaped, so that it ends nothing."""
    return "".join(sign if sign.isascii() and sign.isalnum() else f"\\{ord(sign):06x}" for sign in printable(text))


# --- Markdown


def rendered(text: str) -> str:
    """Markdown as HTML in which nothing acts."""
    return str(_markdown().render(_shown(text)))


def inline(text: str) -> str:
    """A line of Markdown."""
    return str(_markdown().renderInline(_shown(text)))


def _shown(text: str) -> str:
    return "\n".join(map(printable, without_comments(text).split("\n")))


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.validateLink = lambda url: _HARMLESS.match(url) is not None  # type: ignore[method-assign]
    for kind, rule in (
        ("image", _image),
        ("heading_open", _heading),
        ("heading_close", _heading),
        ("link_open", _link),
    ):
        markdown.add_render_rule(kind, rule)
    return markdown


def _image(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return f"[{escape(tokens[at].content)}]"


def _heading(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    """One level below the page's title."""
    tokens[at].tag = f"h{min(int(tokens[at].tag[1:]) + 1, 6)}"
    return str(renderer.renderToken(tokens, at, options, env))


def _link(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    tokens[at].attrSet("rel", "noopener noreferrer nofollow")
    return str(renderer.renderToken(tokens, at, options, env))
