"""The package as it is installed: light to start, complete, and free of what only its makers have."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import pagefault_lab

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pagefault_lab"
LESSONS = ROOT / "lessons"
HEAVY = {"prompt_toolkit", "rich", "pygments", "asyncio", "dataclasses"}


def imported_by(*arguments: str) -> set[str]:
    """The top-level modules, and this package's layers, that the program imports for these arguments."""
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", "-c", CALL, *arguments],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    names = re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE)
    return {".".join(name.split(".")[: 2 if name.startswith("pagefault_lab") else 1]) for name in names}


CALL = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pagefault_lab.__main__ import main; main()"


def test_the_version_answers_before_argparse_is_imported() -> None:
    imported = imported_by("--version")
    assert not imported & {"argparse", *HEAVY}
    assert {name for name in imported if name.startswith("pagefault_lab.")} == {"pagefault_lab.__main__"}


def test_help_answers_before_anything_heavy_is_imported() -> None:
    imported = imported_by("--help")
    assert not imported & HEAVY
    assert {name for name in imported if name.startswith("pagefault_lab.")} <= {
        "pagefault_lab.__main__", "pagefault_lab.terminal", "pagefault_lab.problem"
    }  # fmt: skip


def test_the_prompt_imports_no_world_and_no_machine_before_it_reads_keys() -> None:
    code = "import sys, pagefault_lab.terminal.prompt, pagefault_lab.terminal.banner; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    imported = set(done.stdout.split())
    assert "prompt_toolkit" in imported
    for name in ("rich", "pygments", "pagefault_lab.machine", "pagefault_lab.worlds.linux", "pagefault_lab.lab"):
        assert name not in imported


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == pagefault_lab.__version__
    done = subprocess.run(
        [sys.executable, "-m", "pagefault_lab", "--version"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == f"pagefault-lab {pagefault_lab.__version__}\n"


def test_a_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        capture_output=True, text=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    if done.returncode and re.search("Could not find a version|ConnectionError|No module named pip", done.stderr):
        pytest.skip("no package index from which to get the build tool")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("pagefault_lab/")}
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and not any(part[0] in "._" for part in path.relative_to(PACKAGE).parts[:-1])
    }
    there |= {f"pagefault_lab/{path.relative_to(ROOT).as_posix()}" for path in LESSONS.rglob("*") if path.is_file()}
    assert held == there
    assert "pagefault_lab/worlds/linux/include/linux/module.h" in held


def test_no_file_of_the_project_mentions_a_place_outside_it() -> None:
    tracked = [*PACKAGE.rglob("*"), *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.*"), *(ROOT / "lessons").rglob("*")]
    outside = "shared" + "/"
    texts = {".py", ".s", ".h", ".md", ".toml", ".inc", ".c", ".ld"}
    for path in tracked:
        if path.is_file() and path.suffix in texts:
            text = path.read_text("utf-8")
            assert f"../{outside}" not in text, path
            assert f"/work/{outside}" not in text, path
