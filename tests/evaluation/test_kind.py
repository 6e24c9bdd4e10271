"""Levels that metrics need, and which tasks they suit."""

from __future__ import annotations

import pytest

from forecastle.errors import ConfigError
from forecastle.evaluation.kind import level_columns
from forecastle.evaluation.point import MAE, HitRate
from forecastle.evaluation.price import MeanWeightedQuantileLoss
from forecastle.evaluation.probability import LogLoss
from forecastle.evaluation.quantile import CRPS, Coverage


def test_levels_are_found_although_they_are_computed_differently():
    computed = tuple(0.1 * k for k in range(1, 10))
    assert 0.3 not in computed
    assert level_columns(computed, (0.3, 0.7), "m") == [2, 6]


def test_missing_levels_are_named_in_one_line(make_task):
    with pytest.raises(ConfigError, match=r"coverage_95 needs .* 0\.025, 0\.975: add 0\.025, 0\.975 to") as caught:
        Coverage(0.95).applies(make_task(levels=(0.1, 0.5, 0.9)))
    assert "\n" not in str(caught.value)


def test_a_metric_without_meaning_asks_for_no_levels(make_task):
    direction = make_task(classes=("down", "up"), levels=(0.5,))
    assert not Coverage(0.95).applies(direction)
    assert not MeanWeightedQuantileLoss().applies(make_task(name="volatility", lower=0.0, levels=(0.5,)))


def test_metrics_apply_to_the_targets_that_they_mean_something_for(make_task):
    returns, volatility = make_task(), make_task(name="volatility", lower=0.0)
    direction = make_task(classes=("down", "up"))
    metrics = (CRPS(), MAE(), HitRate(), MeanWeightedQuantileLoss(), LogLoss())
    assert [metric.applies(returns) for metric in metrics] == [True, True, True, True, False]
    assert [metric.applies(volatility) for metric in metrics] == [True, True, False, False, False]
    assert [metric.applies(direction) for metric in metrics] == [False, False, False, False, True]
