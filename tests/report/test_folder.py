from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.report.conftest import LEVELS, make_run

from forecastle.errors import RunError
from forecastle.report.folder import read_folder
from forecastle.report.forecasts import read_forecasts


def test_rows_in_any_order_become_windows_and_steps(run_folder: Path) -> None:
    table = pd.read_parquet(run_folder / "forecast.parquet")
    forecasts = read_forecasts(run_folder / "forecast.parquet", "test")
    assert forecasts is not None
    expected = table[table["part"] == "test"].pivot(index="origin", columns="step", values="target")
    assert forecasts.horizon == 5
    assert forecasts.levels == LEVELS
    np.testing.assert_array_equal(forecasts.target, expected.to_numpy())
    np.testing.assert_array_equal(forecasts.origin, expected.index.tz_localize(None).to_numpy())
    median = table[table["part"] == "test"].pivot(index="origin", columns="step", values="q0.5")
    np.testing.assert_array_equal(forecasts.values[..., LEVELS.index(0.5)], median.to_numpy())
    assert sorted(forecasts.loss) == ["last_value", "model", "random_walk", "seasonal_naive"]


def test_windows_of_a_symbol_are_its_own(tmp_path: Path) -> None:
    folder = make_run(tmp_path, symbols=("EURUSD", "AUDJPY"), windows=30)
    forecasts = read_forecasts(folder / "forecast.parquet", "validation")
    assert forecasts is not None
    assert len(forecasts.origin) == 60
    table = pd.read_parquet(folder / "forecast.parquet").query(
        "part == 'validation' and symbol == 'AUDJPY' and step == 1"
    )
    one = forecasts.of("AUDJPY")
    assert set(one.symbol) == {"AUDJPY"}
    np.testing.assert_array_equal(one.log_close, table.sort_values("origin")["log_close"].to_numpy())


def test_dictionary_columns_are_read_as_texts(run_folder: Path) -> None:
    path = run_folder / "forecast.parquet"
    before = read_forecasts(path, "test")
    pd.read_parquet(path).astype({"part": "category", "symbol": "category"}).to_parquet(path)
    after = read_forecasts(path, "test")
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.values, after.values)
    assert after.symbol.tolist() == before.symbol.tolist()


def test_classes_are_named_by_their_columns(tmp_path: Path) -> None:
    forecasts = read_forecasts(make_run(tmp_path, target="direction") / "forecast.parquet", "test")
    assert forecasts is not None
    assert forecasts.classes == ("down", "up")
    assert forecasts.levels == ()
    np.testing.assert_allclose(forecasts.values.sum(axis=-1), 1, rtol=1e-6)


def test_a_part_without_rows_has_no_forecasts(run_folder: Path) -> None:
    assert read_forecasts(run_folder / "forecast.parquet", "train") is None


def test_the_test_part_is_judged_where_it_was_opened(run_folder: Path, tmp_path: Path) -> None:
    assert read_folder(run_folder).part == "test"
    assert read_folder(make_run(tmp_path / "sweep", parts=("validation",))).part == "validation"


def test_learning_curves_keep_their_gaps(run_folder: Path) -> None:
    (run_folder / "curves.csv").write_text("name,step,value\ntrain/loss,1,0.5\ntrain/loss,2,\n")
    steps, values = read_folder(run_folder).curves["train/loss"]
    assert steps == [1.0, 2.0]
    assert values[0] == 0.5
    assert np.isnan(values[1])


def _spoil(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def _drop_step(folder: Path) -> None:
    path = folder / "forecast.parquet"
    table = pd.read_parquet(path)
    first = table.query("part == 'test' and step == 2").index[0]
    table.drop(index=first).to_parquet(path)


def _drop_column(folder: Path) -> None:
    path = folder / "forecast.parquet"
    pd.read_parquet(path).drop(columns="origin").to_parquet(path)


def _drop_values(folder: Path) -> None:
    path = folder / "forecast.parquet"
    table = pd.read_parquet(path)
    table.drop(columns=[name for name in table if name.startswith("q")]).to_parquet(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "metrics.json").unlink(), r"must hold metrics\.json"),
        (lambda folder: (folder / "manifest.json").unlink(), r"must hold manifest\.json"),
        (_spoil("metrics.json", "{"), r"cannot read .*metrics\.json"),
        (_spoil("metrics.json", "[]"), "must hold an object, got list"),
        (_spoil("metrics.json", '{"train": {}}'), "a part test or validation, got .'train'."),
        (_spoil("forecast.parquet", "not parquet"), "cannot read the forecasts: .*forecast.parquet"),
        (_spoil("curves.csv", "step,value\n1,2\n"), "cannot read the learning curves"),
        (_spoil("curves.csv", "name,step,value\nloss,one,2\n"), "cannot read the learning curves"),
        (_drop_step, "must have the same steps"),
        (_drop_column, "cannot read the forecasts: .*origin"),
        (_drop_values, r"must have columns q0\.… or p_…"),
    ],
)
def test_a_damaged_folder_is_told_in_one_line(run_folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(run_folder)
    with pytest.raises(RunError, match=message) as caught:
        read_folder(run_folder)
    assert "\n" not in str(caught.value)
