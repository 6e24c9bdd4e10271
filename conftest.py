"""`FORECASTLE_REQUIRE_ALL=1` makes every skip a failure, so that nothing goes untested unnoticed.

Hypothesis then draws the same examples each time: the tests fail or pass by the code alone.

It stands here rather than in ``tests/`` because the doctests under ``src/`` are meant too.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


if os.environ.get("FORECASTLE_REQUIRE_ALL") == "1":
    settings.register_profile("same", derandomize=True)
    settings.load_profile("same")


def _refuse_skip(report: Report) -> Report:
    if os.environ.get("FORECASTLE_REQUIRE_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} may not be skipped, since FORECASTLE_REQUIRE_ALL=1: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse a test or doctest that is skipped, when marked or while it runs."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse a whole module that is skipped."""
    return _refuse_skip((yield))
