"""`forecastle check` on a user's own indicator and candles."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecastle.__main__ import main

MODULE = '''
"""A user's own indicators."""

import numpy as np


class Own:
    columns = ("own_mean",)
    needs = ()
    tolerance = 1e-9

    def __init__(self, period: int = 10, ahead: int = 0, claimed: int | None = None, broken: str = ""):
        self.period, self.ahead, self.broken = period, ahead, broken
        self.warmup = period if claimed is None else claimed

    def compute(self, bars):
        if self.broken == "raise":
            raise ZeroDivisionError("oh")
        values = np.full((len(bars), 1), np.nan)
        close = np.concatenate([bars.close, np.full(self.ahead, bars.close[-1])])
        for row in range(len(bars)):
            first = max(row + self.ahead - self.period + 1, 0)
            values[row] = close[first : row + self.ahead + 1].mean()
        values[: self.warmup - 1] = np.nan
        if self.broken == "hole":
            values[400:] = np.nan
        return values


class Silent:
    def compute(self, bars):
        return bars.close[:, None]
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder with an own module of a name that no other test imports."""
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield name
    sys.modules.pop(name, None)


def check(project: str, *words: str, target: str = "Own") -> int:
    return main(
        [
            "check",
            "data=synthetic",
            f"allowed_targets=[{project}.]",
            f"+indicator.own._target_={project}.{target}",
            "indicator=roc",
            *words,
        ]
    )


def test_an_honest_indicator_passes(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(project) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["roc_10", "11", "ok"]
    assert lines[2].split() == ["own_mean", "10", "ok"]
    assert lines[-1].endswith("0 look ahead, 0 need more warm-up than they claim")


def test_a_leak_is_told_with_its_length_and_ends_in_1(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(project, "+indicator.own.ahead=3") == 1
    out = capsys.readouterr().out
    assert "LOOKS AHEAD by 3 bars or more" in out
    assert "1 look ahead" in out


def test_a_short_claim_is_told_with_what_is_needed_and_ends_in_1(
    project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(project, "+indicator.own.period=30", "+indicator.own.claimed=12") == 1
    out = capsys.readouterr().out
    assert "NEEDS 30 bars of warm-up" in out
    assert "0 look ahead, 1 need more warm-up" in out


def test_values_that_are_not_finite_are_told_and_end_in_1(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(project, "+indicator.own.broken=hole") == 1
    assert "not finite after its warm-up" in capsys.readouterr().out


def test_an_indicator_that_fails_names_itself(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(project, "+indicator.own.broken=raise") == 2
    assert "indicator 'own' failed: ZeroDivisionError: oh" in capsys.readouterr().err


def test_an_indicator_that_does_not_say_what_it_must_is_refused(
    project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(project, target="Silent") == 2
    assert "is no indicator: it has no warmup, columns, needs, tolerance" in capsys.readouterr().err


def test_flags_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-m", "indicator=rsi"]) == 2
    assert "forecastle check takes overrides such as indicator=rsi data=sp500, got -m" in capsys.readouterr().err


def test_what_needs_absent_volume_is_not_tried() -> None:
    from tests.conftest import make_bars

    from forecastle.config.compose import compose
    from forecastle.data.bars import Panel
    from forecastle.doors.checking import examine, render

    panel = Panel((make_bars(600, symbol="A", volume=False), make_bars(600, symbol="B", volume=False)))
    findings, left_out = examine(compose(["indicator=[roc,obv]"]), panel)
    assert [finding.verdict.column for finding in findings] == ["roc_10"]
    assert left_out == {"obv": "needs volume, which is missing here"}
    assert "obv: not tried, needs volume, which is missing here" in render(findings, left_out, panel)
