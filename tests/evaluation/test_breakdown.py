"""Scores of groups of windows, and intervals of forecasts that several folds made of one origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecastle.evaluation.bootstrap import resampled_means
from forecastle.evaluation.breakdown import breakdown, periods, tell
from forecastle.evaluation.metric import pooled
from forecastle.evaluation.quantile import CRPS
from forecastle.evaluation.rank import InformationCoefficient


def test_each_group_is_scored_as_if_it_stood_alone(make_numbers):
    outcome = replace(make_numbers(count=300, symbols=2), fold=np.arange(600) % 3, path=np.arange(600) // 300)
    for metric in (CRPS(), InformationCoefficient()):
        losses = metric.pointwise(outcome)
        found = breakdown(outcome, metric, losses, metric.score(outcome))
        for kind in ("symbol", "fold", "path"):
            label = getattr(outcome, kind)
            for group in found[kind]:
                assert group.value == pytest.approx(metric.score(outcome[label == group.number]), rel=1e-12)
                assert group.windows == np.count_nonzero(label == group.number)
        assert sum(group.windows for group in found["period"]) == 600


def test_rows_are_laid_side_by_side_and_paths_have_a_spread(make_numbers):
    outcome = replace(make_numbers(count=300), path=np.arange(300) // 100)
    metric = CRPS()
    found = breakdown(outcome, metric, metric.pointwise(outcome), metric.score(outcome))
    told = tell({"model": found, "other": found}, ["AAA"])
    values = [row["scores"]["model"] for row in told["by_path"]]
    assert told["paths"]["count"] == 3
    assert told["paths"]["sd"]["other"] == pytest.approx(np.std(values, ddof=1))
    assert told["by_symbol"] == {"AAA": {"model": metric.score(outcome), "other": metric.score(outcome)}}
    assert [row["fold"] for row in told["by_fold"]] == [0]


@pytest.mark.parametrize(
    ("start", "stop", "step", "count", "second"),
    [
        ("2020-01-01", "2020-01-20", "1h", 19, "2020-01-02"),
        ("2020-01-15", "2022-06-01", "1D", 29, "2020-02-01"),
        ("2013-02-01", "2020-01-01", "1D", 28, "2013-04-01"),
        ("1950-06-01", "2020-01-01", "1D", 70, "1951-01-01"),
    ],
)
def test_time_is_cut_by_the_shortest_unit_of_the_calendar_that_makes_few_rows(start, stop, step, count, second):
    width = np.timedelta64(int(step[:-1]), step[-1])
    label, begins = periods(np.arange(np.datetime64(start, "us"), np.datetime64(stop, "us"), width))
    assert (len(begins), str(begins[1])[:10]) == (count, second)
    assert (label[0], label[-1]) == (0, count - 1)


def test_outcomes_of_folds_are_laid_one_after_the_other(make_numbers):
    parts = [replace(make_numbers(count=10, seed=seed), fold=np.full(10, seed)) for seed in range(3)]
    whole = pooled(parts)
    assert whole.fold.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    np.testing.assert_array_equal(whole.forecast.values[10:20], parts[1].forecast.values)
    assert pooled(parts[:1]) is parts[0]


def test_an_origin_that_several_folds_forecast_is_drawn_as_one():
    """Twice the same losses at the same origins say no more than once: the interval must not shrink."""
    random = np.random.default_rng(0)
    losses, origin = random.normal(size=(2, 300)), np.arange(300).astype("datetime64[D]").astype("datetime64[us]")
    once = resampled_means(losses, origin, 5, 0)
    twice = resampled_means(np.tile(losses, 2), np.tile(origin, 2), 5, 0)
    np.testing.assert_allclose(twice, once, rtol=1e-9, atol=1e-12)
