"""The luck of traded runs: their net returns judged together."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecastle.comparison.trials import FEWEST, luck
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
    drawn[:, 0] += 0.01 * sharpe / math.sqrt(365.25)
    return drawn


def test_the_numbers_are_those_of_the_returns(tmp_path: Path) -> None:
    returns = noise(12, seed=1)
    runs = [traded(tmp_path, column) for column in returns.T]
    found = luck(runs, "validation", runs, trials=40)
    deflated, year = deflated_sharpe(returns, 40), math.sqrt(365.25)
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


def test_of_fewer_than_ten_accounts_no_verdict_is_given(tmp_path: Path) -> None:
    runs = [traded(tmp_path, column) for column in noise(FEWEST, seed=4, sharpe=9.0).T]
    few = luck(runs[:-1], "validation", [], 40)
    assert few is not None
    assert (few.expected, few.probability, few.overfitting, few.skill) == (None, None, None, False)
    assert (few.run, few.traded, few.trials) == (runs[0].id, FEWEST - 1, 40)
    assert f"too few to tell skill from luck: {FEWEST - 1} different accounts among 40 trials" in str(few)
    json.dumps(few.to_json(), allow_nan=False)
    assert luck(runs, "validation", [], 40).skill


def test_accounts_that_are_the_same_count_as_one_in_the_spread_and_each_as_a_trial(tmp_path: Path) -> None:
    returns = noise(FEWEST, seed=7)
    runs = [traded(tmp_path, column) for column in returns.T]
    copies = [traded(tmp_path, returns[:, 0]) for _ in range(30)]
    found = luck([*copies, *runs], "validation", [], 40)
    assert found.traded == FEWEST
    assert found.expected == pytest.approx(deflated_sharpe(returns, 40).expected * math.sqrt(365.25), rel=1e-9)
    assert luck([*copies, *runs[1:-1]], "validation", [], 40).probability is None
    assert luck([copies[3]], "validation", runs, 40).run == copies[3].id


def test_too_few_or_unlike_accounts_are_not_judged(tmp_path: Path) -> None:
    first, second = (traded(tmp_path, column) for column in noise(2, seed=4).T)
    other = traded(tmp_path, noise(1, seed=5)[:, 0], start="2011-01-01")
    still = traded(tmp_path, np.zeros(1500))
    assert luck([first], "validation", [first], 1) is None
    assert luck([first, second], "test", [], 2) is None
    assert luck([still, still], "validation", [], 2) is None
    assert luck([first, other], "validation", [], 2).traded == 1
    assert luck([first, second], "validation", [], 1).trials == 2
    assert luck([first, second, other], "validation", [], 3).trials == 3


def test_one_run_is_judged_by_all_that_were_tried(tmp_path: Path) -> None:
    returns = noise(12, seed=6)
    runs = [traded(tmp_path, column) for column in returns.T]
    whole = deflated_sharpe(returns, 19)
    alone = luck([runs[2]], "validation", runs, 19)
    assert alone is not None
    assert alone.run == runs[2].id
    assert alone.trials == 19
    assert alone.expected == pytest.approx(whole.expected * math.sqrt(365.25), rel=1e-9)
    assert alone.sharpe == pytest.approx(returns[:, 2].mean() / returns[:, 2].std(ddof=1) * math.sqrt(365.25), rel=1e-9)
    assert luck([runs[whole.best]], "validation", runs, 19) == luck(runs, "validation", runs, 19)
