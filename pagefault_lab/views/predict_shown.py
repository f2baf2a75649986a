"""A prediction that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from pagefault_lab.tutor.told import PredictShown, QuestionShown
from pagefault_lab.views import view
from pagefault_lab.views.exercise import choices_shown, code_lines, earned_of, exercise, helps, keys
from pagefault_lab.views.lines import STRONG, Block, Line, Lines, Span
from pagefault_lab.views.markdown import inline, markdown
from pagefault_lab.views.words import count, printable


@view(PredictShown)
def predict_shown(predict: PredictShown) -> Lines:
    """The lines, and the questions with what was said so far; of the next one, what can be said."""
    points = predict.each * len(predict.questions)
    worth = earned_of(predict.earned, points) if predict.over else count(points, "point")
    how = "`say` what you expect, one by one or all in a row; then the machine shows it"
    anew = "`reset` begins anew" if any(question.said is not None for question in predict.questions) else ""
    return exercise(
        "prediction", predict.title or predict.id, worth, markdown(predict.text),
        Line.of("What will these lines do?" if len(predict.lines) > 1 else "What will this line do?"),
        code_lines(predict.lines),
        *_questions(predict.questions, predict.over),
        Line.of("this is over; `lesson next` goes on") if predict.over else keys(how, anew, helps(predict.hints)),
    )  # fmt: skip


def _questions(questions: tuple[QuestionShown, ...], over: bool) -> Iterator[Block | Lines]:
    next_one = None if over else next((place for place, each in enumerate(questions) if each.said is None), None)
    for place, (question, choices, said) in enumerate(questions):
        sign = "→ " if place == next_one else "  "
        reply = Span(f"  {printable(said)}", STRONG) if said is not None else None
        yield Line.of(f"{sign}{place + 1}  ", *inline(question), reply, hang=5)
        if choices and said is None and not over:
            yield _choices(choices)


def _choices(choices: tuple[str, ...]) -> Lines:
    """Short ones in a row."""
    texts = ["".join(span.text for span in inline(choice)) for choice in choices]
    row = "   ".join(f"{number} {text}" for number, text in enumerate(texts, 1))
    return Lines.of(Line.of(row, indent=5)) if len(row) <= 70 else choices_shown(choices).indented(3)
