"""A question."""

from __future__ import annotations

from pagefault_lab.tutor.told import AskShown
from pagefault_lab.views import view
from pagefault_lab.views.exercise import choices_shown, earned_of, exercise, helps, keys, replies
from pagefault_lab.views.lines import Line, Lines
from pagefault_lab.views.markdown import markdown
from pagefault_lab.views.words import count


@view(AskShown)
def ask_shown(ask: AskShown) -> Lines:
    """The question, what can be said to it, and how often."""
    worth = earned_of(ask.earned, ask.points) if ask.over else count(ask.points, "point")
    how = f"`say 1` to `say {len(ask.choices)}` replies" if ask.choices else "`say VALUE` replies"
    may_count = f"{replies(ask.tries)} may count"
    return exercise(
        "question", ask.title or ask.id, worth, markdown(ask.question),
        choices_shown(ask.choices) if ask.choices else None,
        Line.of("this is over; `lesson next` goes on") if ask.over else keys(how, may_count, helps(ask.hints)),
    )  # fmt: skip
