"""A folder is a layer and imports point down: read from the source, so that no import can hide."""

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pagefault_lab"
EVERY_LAYER = ["machine", "assembler", "worlds", "lab", "tutor", "commands", "views", "bridges", "terminal"]

# layer: (folders it may import besides itself, third-party packages it may import)
MAY_USE: dict[str, tuple[set[str], set[str]]] = {
    "machine": (set(), set()),
    "assembler": ({"machine"}, set()),
    "worlds": ({"machine", "assembler"}, {"elftools"}),
    "lab": ({"machine", "assembler", "worlds"}, set()),
    "tutor": ({"machine", "assembler", "worlds", "lab"}, {"markdown_it"}),
    "commands": ({"machine", "assembler", "worlds", "lab", "tutor"}, set()),
    "views": ({"machine", "assembler", "worlds", "lab", "tutor", "commands"}, {"rich", "pygments"}),
    "bridges": (
        {"machine", "assembler", "worlds", "lab", "tutor", "commands", "views"},
        {"rich", "markdown_it", "distributed", "pytest"},
    ),
    "terminal": (set(EVERY_LAYER), {"rich", "pygments", "prompt_toolkit"}),
}
SHARED = {"problem"}  # top-level modules that every layer but the machine may use


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"pagefault_lab(\.\w+)+", node.value):
                found.add(node.value)  # a module named for importlib is an import too
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("layer", [layer for layer in EVERY_LAYER if (PACKAGE / layer).is_dir()])
def test_a_layer_imports_only_what_lies_below_it(layer: str) -> None:
    below, packages = MAY_USE[layer]
    for path in (PACKAGE / layer).rglob("*.py"):
        for name in imports_of(path):
            top, _, rest = name.partition(".")
            if top == "pagefault_lab":
                folder = rest.split(".")[0]
                if folder == "__version__" or (folder in SHARED and layer != "machine"):
                    continue
                assert folder in below | {layer}, f"{path} imports {name}: upwards"
            else:
                assert top in packages or top in sys.stdlib_module_names, f"{path} imports {name}"


def test_every_folder_is_a_known_layer() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    assert folders <= set(EVERY_LAYER)
