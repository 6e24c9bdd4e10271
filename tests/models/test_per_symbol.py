"""One forecaster for each symbol of a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecastle.config.compose import compose
from forecastle.errors import ModelError
from forecastle.experiment import Experiment
from forecastle.keeping import run
from forecastle.models.baseline import RandomWalk
from forecastle.models.per_symbol import PerSymbol

PANEL = ["data=synthetic", "data.symbols=[A,B,C]", "data.count=1200", "indicator=minimal"]


def experiment(*overrides: str) -> Experiment:
    given = {word.partition("=")[0] for word in overrides}
    return Experiment(compose([*(word for word in PANEL if word.partition("=")[0] not in given), *overrides]))


class Spy(RandomWalk):
    """Remembers on which symbols it was fitted."""

    fitted: list[list[str]] = []  # noqa: RUF012  shared on purpose

    def fit(self, train: Any, validation: Any = None) -> Spy:
        names = train.context.timeline.symbols
        parts = [train, *([] if validation is None else [validation])]
        self.fitted.append(sorted({names[number] for part in parts for number in np.unique(part.context.symbol)}))
        return self


def test_each_forecaster_sees_the_windows_of_its_symbol_only() -> None:
    sample = experiment().sample
    Spy.fitted.clear()
    PerSymbol(Spy).fit(sample.part("train", 0), sample.part("validation", 0))
    assert Spy.fitted == [["A"], ["B"], ["C"]]


def test_a_symbols_forecast_is_that_of_a_model_trained_on_it_alone() -> None:
    together, alone = experiment("pooling=per_symbol"), experiment("data.symbols=[B]")
    sample = together.sample
    rows = np.flatnonzero(sample.part("test", 0).context.symbol == 1)
    shown = together.fitted[0].transforms.apply(sample.windows)[sample.folds[0].test][rows].context
    mine = together.fitted[0].forecaster.predict(shown)
    # the transforms are fitted over all symbols, so the model alone is asked through them too
    from forecastle.config.target import build

    train = together.fitted[0].transforms.apply(sample.windows)[sample.folds[0].train]
    single = build(together.config.model).fit(train[np.flatnonzero(train.context.symbol == 1)])
    np.testing.assert_array_equal(mine.values, single.predict(shown).values)
    assert alone.sample.windows.context.timeline.symbols == ("B",)


def test_it_is_kept_and_opened_again_bit_for_bit(tmp_path: Path) -> None:
    one = experiment("pooling=per_symbol")
    shown = one.fitted[0].transforms.apply(one.sample.windows)[one.sample.folds[0].test].context
    forecaster = one.fitted[0].forecaster
    assert isinstance(forecaster, PerSymbol)
    forecaster.save(tmp_path)
    from forecastle.config.target import build

    again = PerSymbol(lambda: build(one.config.model)).load(tmp_path)
    np.testing.assert_array_equal(again.predict(shown).values, forecaster.predict(shown).values)


def test_a_symbol_without_training_windows_is_told() -> None:
    sample = experiment().sample
    train = sample.part("train", 0)
    fitted = PerSymbol(RandomWalk).fit(train[np.flatnonzero(train.context.symbol != 2)])
    with pytest.raises(ModelError, match="C had no training windows"):
        fitted.predict(sample.part("test", 0).context)


def test_a_damaged_list_of_symbols_is_told(tmp_path: Path) -> None:
    (tmp_path / "symbols.json").write_text("[", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        PerSymbol(RandomWalk).load(tmp_path)


def test_scores_come_for_each_symbol_and_over_all(tmp_path: Path) -> None:
    ids = set()
    for pooling in ("pooled", "per_symbol"):
        done = run([*PANEL, f"pooling={pooling}", f"output={tmp_path}"])
        ids.add(done.id)
        test = done.metrics["test"]
        assert list(test["by_symbol"]) == ["A", "B", "C"]
        mean = np.mean([row["model"] for row in test["by_symbol"].values()])
        assert test["scores"]["model"]["crps"] == pytest.approx(mean, rel=0.02)
    assert len(ids) == 2


def test_times_need_not_match_between_symbols(tmp_path: Path) -> None:
    from tests.conftest import make_bars

    rows = ["symbol,time,open,high,low,close"]
    for symbol, count, seed in (("A", 1200, 1), ("B", 900, 2)):
        bars = make_bars(count, seed, symbol, volume=False)
        start = 0 if symbol == "A" else 7
        for i in range(count):
            stamp = bars.time[i] + np.timedelta64(start * 60 + (30 if symbol == "B" else 0), "m")
            values = (bars.open[i], bars.high[i], bars.low[i], bars.close[i])
            rows.append(f"{symbol},{stamp}Z,{','.join(map(repr, map(float, values)))}")
    path = tmp_path / "panel.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    done = run(["data=csv", f"data.path={path}", "indicator=minimal", f"output={tmp_path / 'runs'}"])
    assert list(done.metrics["test"]["by_symbol"]) == ["A", "B"]
