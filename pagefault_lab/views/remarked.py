"""What a lesson says to what someone has done."""

from __future__ import annotations

from pagefault_lab.tutor.told import Remarked
from pagefault_lab.views import view
from pagefault_lab.views.lines import Lines
from pagefault_lab.views.markdown import Quoted, in_column, markdown


@view(Remarked)
def remarked(remark: Remarked) -> Lines:
    """The text behind a bar."""
    return in_column(Lines.of(Quoted(markdown(remark.text).blocks)))
