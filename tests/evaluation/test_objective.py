"""Which metrics apply, and which may rank."""

from __future__ import annotations

import pytest

from forecastle.errors import ConfigError
from forecastle.evaluation.objective import applicable, default_objective
from forecastle.evaluation.point import MAE, HitRate
from forecastle.evaluation.probability import Brier, LogLoss
from forecastle.evaluation.quantile import CRPS, Coverage

METRICS = {"mae": MAE(), "crps": CRPS(), "hit_rate": HitRate(), "coverage": Coverage(0.9), "log_loss": LogLoss()}


def test_metrics_come_in_their_order_under_their_own_names(make_task):
    assert list(applicable(METRICS, "crps", make_task())) == ["mae", "crps", "hit_rate", "coverage_90"]
    assert list(applicable(METRICS, "log_loss", make_task(classes=("down", "up")))) == ["log_loss"]


def test_default_objectives_are_proper_scores():
    assert (default_objective(False), default_objective(True)) == ("crps", "log_loss")


def test_a_mistyped_objective_is_told_the_nearest_name(make_task):
    with pytest.raises(ConfigError, match=r"objective: crsp is not among the metrics; did you mean 'crps'\?"):
        applicable(METRICS, "crsp", make_task())


def test_an_objective_of_the_other_kind_is_refused(make_task):
    with pytest.raises(ConfigError, match="log_loss does not apply to the target log_return"):
        applicable(METRICS, "log_loss", make_task())
    with pytest.raises(ConfigError, match="hit_rate does not apply to the target volatility"):
        applicable(METRICS, "hit_rate", make_task(name="volatility", lower=0.0))


def test_an_objective_without_direction_is_refused(make_task):
    with pytest.raises(ConfigError, match="coverage_90 has no better and worse"):
        applicable(METRICS, "coverage_90", make_task())


def test_two_metrics_of_one_name_are_refused(make_task):
    with pytest.raises(ConfigError, match="two that are called coverage_80"):
        applicable({"a": CRPS(), "b": Coverage(0.8), "c": Coverage(0.8)}, "crps", make_task())


def test_no_metric_at_all_is_told(make_task):
    with pytest.raises(ConfigError, match="possible: none"):
        applicable({"brier": Brier()}, "crps", make_task())
