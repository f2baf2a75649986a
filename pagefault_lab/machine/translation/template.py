"""The source of an instruction's function, made ready to take operands."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Template:
    """An instruction function's source: parameter names, statements, its locals with the number of assignments to each,
    and the globals that it refers to."""

    parameters: tuple[str, ...]
    body: tuple[str, ...]
    locals: Counter[str]
    globals: Mapping[str, Any]


@cache
def template_of(function: Callable[..., None]) -> Template | None:
    """The function's source as a tree; None if there is none or its control flow cannot be put inline."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return None
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        return None
    body = definition.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    refused = (ast.Return, ast.For, ast.While, ast.Try, ast.With, ast.Lambda, ast.comprehension, ast.NamedExpr)
    if any(isinstance(node, refused) for statement in body for node in ast.walk(statement)):
        return None
    names = tuple(argument.arg for argument in definition.args.args)
    assigned = Counter(
        node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    return Template(names, tuple(ast.unparse(statement) for statement in body), assigned, function.__globals__)
