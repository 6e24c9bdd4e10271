"""The luck of traded runs: their net returns judged together."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecastle.comparison.trials import luck
from forecastle.evaluation.luck import backtest_overfitting, deflated_sharpe
from forecastle.runs.store import Run


def traded(folder: Path, returns: np.ndarray, start: str = "2010-01-01") -> Run:
    """A run that keeps an account of these daily returns."""
    place = folder / f"{len(list(folder.iterdir())):016x}"
    place.mkdir()
    net = np.concatenate([[1.0], np.cumprod(1 + returns)])
    time = np.datetime64(start, "us") + np.arange(len(net)) * np.timedelta64(1, "D")
    table = {"part": ["validation"] * len(net), "time": pa.array(time, pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table({**table, "net": net, "gross": net - 1, "buy_and_hold": net}), place / "equity.parquet")
    return Run(place.name, place)


def noise(count: int, seed: int, sharpe: float = 0.0) -> np.ndarray:
    drawn = 0.01 * np.random.default_rng(seed).standard_normal((1500, count))
    drawn[:, 0] += 0.01 * sharpe / math.sqrt(365.2425)
    return drawn


def test_the_numbers_are_those_of_the_returns(tmp_path: Path) -> None:
    returns = noise(5, seed=1)
    runs = [traded(tmp_path, column) for column in returns.T]
    found = luck(runs, "validation", runs, trials=40)
    deflated, year = deflated_sharpe(returns, 40), math.sqrt(365.2425)
    assert found is not None
    assert found.run == f"{deflated.best:016x}"
    assert found.trials == 40
    assert found.sharpe == pytest.approx(deflated.ratio * year, rel=1e-9)
    assert found.expected == pytest.approx(deflated.expected * year, rel=1e-9)
    assert found.probability == pytest.approx(deflated.probability, rel=1e-6)
    assert found.overfitting == backtest_overfitting(returns).probability
    json.dumps(found.to_json(), allow_nan=False)


def test_noise_is_luck_and_a_strong_signal_is_skill(tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    (tmp_path / "signal").mkdir()
    without = [traded(tmp_path / "noise", column) for column in noise(30, seed=2).T]
    planted = [traded(tmp_path / "signal", column) for column in noise(30, 3, sharpe=4.0).T]
    chance = luck(without, "validation", without, 30)
    signal = luck(planted, "validation", planted, 30)
    assert chance is not None
    assert signal is not None
    assert not chance.skill
    assert str(chance).endswith("luck is not ruled out")
    assert signal.skill
    assert str(signal).endswith(": skill")
    assert "of 30 trials" in str(signal)


def test_too_few_or_unlike_accounts_are_not_judged(tmp_path: Path) -> None:
    first, second = (traded(tmp_path, column) for column in noise(2, seed=4).T)
    other = traded(tmp_path, noise(1, seed=5)[:, 0], start="2011-01-01")
    still = traded(tmp_path, np.zeros(1500))
    assert luck([first], "validation", [first], 1) is None
    assert luck([first, second], "test", [], 2) is None
    assert luck([first, other], "validation", [], 2) is None
    assert luck([still, still], "validation", [], 2) is None
    assert luck([first, second], "validation", [], 1).trials == 2
    assert luck([first, second, other], "validation", [], 3).trials == 3


def test_one_run_is_judged_by_all_that_were_tried(tmp_path: Path) -> None:
    returns = noise(6, seed=6)
    runs = [traded(tmp_path, column) for column in returns.T]
    whole = deflated_sharpe(returns, 9)
    alone = luck([runs[2]], "validation", runs, 9)
    assert alone is not None
    assert alone.run == runs[2].id
    assert alone.trials == 9
    assert alone.expected == pytest.approx(whole.expected * math.sqrt(365.2425), rel=1e-9)
    assert alone.sharpe == pytest.approx(
        returns[:, 2].mean() / returns[:, 2].std(ddof=1) * math.sqrt(365.2425), rel=1e-9
    )
    assert luck([runs[whole.best]], "validation", runs, 9) == luck(runs, "validation", runs, 9)
