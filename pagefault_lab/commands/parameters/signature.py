"""A command's parameters, from the signature of its function, and their values, from the words of a line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pagefault_lab.commands.parameters import accesses, files, names, values
from pagefault_lab.commands.parameters.words import Kind, Words
from pagefault_lab.lab.formats import Format, Length, Rights
from pagefault_lab.lab.grammar import no_operator
from pagefault_lab.problem import Problem, closest

if TYPE_CHECKING:
    from pagefault_lab.commands import Command, Found
    from pagefault_lab.lab.session import Session


class Parameter(NamedTuple):
    """One parameter of a command."""

    name: str
    kind: Kind
    default: Any  # inspect.Parameter.empty if it must be given
    many: bool

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty and not self.many and not isinstance(self.kind, values.Format)

    @property
    def usage(self) -> str:
        shown = self.kind.shown or self.name.upper()
        if self.many:
            return f"[{shown} ...]"
        return shown if self.required else f"[{shown}]"


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters behind `session`, from the function's annotations."""
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = eval(annotation, function.__globals__)
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        found.append(Parameter(parameter.name, _kind(annotation), parameter.default, many))
    return tuple(found)


def _kind(annotation: Any) -> Kind:
    """The Kind of an annotation; `X | None` is X."""
    if annotation is Format:
        return values.Format()
    if annotation is Length:
        return values.Length()
    if annotation is Rights:
        return accesses.Rights()
    if get_origin(annotation) is Literal:
        return names.OneOf(get_args(annotation))
    if get_origin(annotation) is Annotated:
        for detail in get_args(annotation)[1:]:
            if isinstance(detail, Kind):
                return detail
    for choice in get_args(annotation):
        if choice is not type(None):
            return _kind(choice)
    raise TypeError(f"{annotation} is no parameter of a command")


def takes_path(command: Command) -> bool:
    """Whether one of its words is a file's name: the terminal completes those."""
    return any(isinstance(parameter.kind, files.Path) for parameter in command.parameters)


def arguments(session: Session, command: Command, line: str, found: Found) -> list[Any]:
    """The values for a command's parameters, from the words of its line; a Problem if they do not fit."""
    words = Words(session, line, found.rest, found.format)
    taken = list(_values(command, words))
    if not words.at_end:
        rest = line[words.skip() :].rstrip()
        known = (word for parameter in command.parameters for word in parameter.kind.options)
        hint = closest(words.next_word(), known) or f"usage: {command.usage}"
        hint = no_operator(rest) or hint
        raise words.problem(f"{rest} is more than {command.name} takes", hint)
    return taken


def _values(command: Command, words: Words) -> Iterator[Any]:
    parameters = command.parameters
    left_out: list[str] = []  # words of parameters that may be left out, and were
    takes_format = any(isinstance(parameter.kind, values.Format) for parameter in parameters)
    if words.format is not None and not takes_format:
        raise words.problem(f"{command.name} takes no /", f"usage: {command.usage}", words.line.find("/"))
    for parameter in parameters:
        if isinstance(parameter.kind, values.Format):
            yield parameter.kind.read(words)
        elif parameter.many:
            while not words.at_end:
                yield parameter.kind.read(words)
        elif not words.at_end and (parameter.required or parameter.kind.fits(words)):
            yield _read(parameter.kind, words, left_out, f"usage: {command.usage}")
        elif parameter.required:
            shown = parameter.kind.shown or parameter.name.upper()
            raise words.problem(f"{shown} is missing", f"usage: {command.usage}", len(words.line.rstrip()))
        else:
            left_out += parameter.kind.options
            yield parameter.default


def _read(kind: Kind, words: Words, left_out: list[str], usage: str) -> Any:
    """The value of the next words. One that is wrong as a whole may have been meant for what was left out before."""
    place, word = words.skip(), words.next_word()
    try:
        return kind.read(words)
    except Problem as problem:
        if left_out and word.isalpha() and problem.column == place:
            problem.hint = closest(word, left_out) or usage
        raise
