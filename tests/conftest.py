"""Where every judge is installed, as in CI, nothing may be skipped: PAGEFAULT_LAB_NO_SKIPS=1 makes a skip a failure."""

import os
import signal
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

import pagefault_lab.commands  # noqa: F401  with it sessions understand commands
from pagefault_lab.lab.session import Session

pytest_plugins = ["pytester"]  # for the tests of our own plugin
collect_ignore_glob = ["*.md"]  # lessons that tests take are no tests
NO_SKIPS = bool(os.environ.get("PAGEFAULT_LAB_NO_SKIPS"))


def pytest_configure() -> None:
    """Programs that tests start take Ctrl-C, also where whoever started pytest in the background ignores it. No example
    of a law has to be done in a given time, on however busy a machine. CI tries the same examples each time, so that it
    answers the same twice; elsewhere each run tries others. Where there is no terminal, pages have 80 columns."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("untimed", settings.default, deadline=None, derandomize=NO_SKIPS)
    settings.load_profile("untimed")


@pytest.fixture
def bare() -> Session:
    return Session("bare")


@pytest.fixture
def linux() -> Session:
    return Session("linux")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _judged((yield))


def _judged(report: Any) -> Any:
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where nothing may be: {reason}"
    return report
