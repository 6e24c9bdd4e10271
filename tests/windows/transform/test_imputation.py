from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from forecastle.errors import ConfigError, FeatureError
from forecastle.windows.transform.imputation import Impute
from forecastle.windows.transform.step import Rows, Training

Make = Callable[..., Training]
RowsOf = Callable[..., Rows]
STARTS = (0, 37, 38, 70)


def with_holes(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(size=(100, 3)).astype(np.float32)
    values[random.random((100, 3)) < 0.4] = np.nan
    values[5, 0] = np.inf
    return values


@pytest.mark.parametrize("limit", [0, 1, 3, 200])
def test_it_equals_pandas_forward_fill_of_each_symbol_and_then_the_median(
    training_of: Make, rows_of: RowsOf, limit: int
) -> None:
    train, values = with_holes(0), with_holes(1)
    known = pd.DataFrame(train.astype(np.float64)).replace(np.inf, np.nan)
    table = pd.DataFrame(values.astype(np.float64)).replace(np.inf, np.nan)
    symbol = np.searchsorted(STARTS, np.arange(100), side="right")
    filled = table.groupby(symbol).ffill(limit=limit) if limit else table
    result = Impute(limit).fit(training_of(train)).apply(rows_of(values, starts=STARTS))
    np.testing.assert_array_equal(result.values, filled.fillna(known.median()).to_numpy().astype(np.float32))


def test_known_values_stay_bit_for_bit(training_of: Make, rows_of: RowsOf) -> None:
    values = with_holes(2)
    result = Impute().fit(training_of(values)).apply(rows_of(values)).values
    known = np.isfinite(values)
    assert result[known].tobytes() == values[known].tobytes()
    assert np.isfinite(result).all()


def test_what_was_missing_in_training_is_counted(training_of: Make) -> None:
    values = np.ones((6, 3))
    values[1:3, 2] = np.nan
    step = Impute().fit(training_of(values, ("a", "b", "gappy")))
    assert step.report() == {"rows": 6, "missing": {"gappy": 2}}
    assert (step.memory, step.fills) == (5, True)


def test_a_feature_that_is_never_known_is_refused(training_of: Make) -> None:
    values = np.ones((6, 2))
    values[:, 1] = np.nan
    with pytest.raises(FeatureError, match=r"missing on all 6 training rows cannot be filled: \['lost'\]"):
        Impute().fit(training_of(values, ("a", "lost")))
    with pytest.raises(ConfigError, match="limit must be at least 0 bars, got -1"):
        Impute(-1)
