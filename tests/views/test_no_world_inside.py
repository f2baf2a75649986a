"""No view and no explanation knows an address, a selector or a symbol of a world: what it shows is what ran."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pagefault_lab
from pagefault_lab.worlds import boot

PACKAGE = Path(pagefault_lab.__file__).parent
MASKS = {0xFFFFFFFF, 0xFFFFF000, 0xFFFF0000, 0xFFC00000, 0xFF000000, 0x80000000, 0xFFFF0FF0}
FILES = [
    *PACKAGE.glob("views/*.py"),
    *PACKAGE.glob("commands/**/*.py"),
    *(PACKAGE / "lab" / f"{name}.py" for name in ("explain", "frames", "story", "tables", "walks", "decode")),
]


def constants(path: Path) -> Iterator[object]:
    """The constants of a file, docstrings apart."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in docstrings:
            yield node.value


@pytest.fixture(scope="module")
def symbols() -> set[str]:
    """Names of the world `linux` that nobody would write by chance."""
    return {name for name in boot("linux")[1].symbols if "_" in name and len(name) > 6}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_knows_no_address_and_no_symbol(path: Path, symbols: set[str]) -> None:
    for value in constants(path):
        if isinstance(value, int) and not isinstance(value, bool):
            assert value < 0x0800_0000 or value in MASKS, hex(value)
        elif isinstance(value, str):
            found = [name for name in symbols if name in value]
            assert not found, f"{value!r} names {found}"
