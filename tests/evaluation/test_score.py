"""Scores of the model beside the baselines."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from forecastle.errors import ModelError
from forecastle.evaluation.confusion import MCC
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.objective import applicable
from forecastle.evaluation.point import MAE, RMSE, HitRate
from forecastle.evaluation.price import MeanWeightedQuantileLoss
from forecastle.evaluation.probability import LogLoss
from forecastle.evaluation.quantile import CRPS, Coverage
from forecastle.evaluation.rank import InformationCoefficient
from forecastle.evaluation.score import combine, evaluate, pointwise, score_one
from forecastle.models.forecast import ClassForecast

METRICS = {
    metric.name: metric for metric in (CRPS(), Coverage(0.8), MAE(), RMSE(), HitRate(), InformationCoefficient())
}


def silent(outcome: Outcome) -> Outcome:
    """The same windows, forecast by zeros."""
    return replace(outcome, forecast=replace(outcome.forecast, values=np.zeros_like(outcome.forecast.values)))


@pytest.fixture
def outcomes(make_numbers):
    model = make_numbers(count=200, symbols=2)
    other = make_numbers(count=200, symbols=2, seed=7, signal=0.1)
    return {"model": model, "last_value": silent(model), "random_walk": other}


@pytest.fixture
def scores(outcomes, make_task):
    return evaluate(outcomes, METRICS, "crps", 0, ["AAA", "BBB"], make_task())


def test_scores_are_plain_json_in_a_fixed_order(scores):
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert list(scores) == [
        "target", "objective", "direction", "unit", "windows", "origins", "origins_wanted", "horizon", "steps",
        "start", "end",
        "metrics", "scores", "by_step", "interval", "skill", "by_symbol", "by_fold",
        "by_path", "paths", "over_time",
    ]  # fmt: skip
    assert list(scores["scores"]) == list(scores["interval"]) == ["model", "last_value", "random_walk"]
    assert list(scores["scores"]["model"]) == list(METRICS)


def test_the_frame_tells_windows_origins_and_dates(scores):
    assert (scores["windows"], scores["origins"], scores["horizon"]) == (400, 200, 3)
    assert (scores["target"], scores["origins_wanted"]) == ("log_return", 35)
    assert (scores["start"], scores["end"]) == ("2020-01-01T00:00:00Z", "2020-01-09T07:00:00Z")
    assert (scores["objective"], scores["direction"], scores["unit"]) == ("crps", "min", "log return")
    assert scores["metrics"]["hit_rate"] == {"unit": "fraction", "direction": "max"}


def test_numbers_are_those_of_the_metrics(scores, outcomes):
    for name, outcome in outcomes.items():
        for key, metric in METRICS.items():
            value = metric.score(outcome)
            assert scores["scores"][name][key] == (None if np.isnan(value) else value)
    assert scores["by_step"]["model"]["rmse"] == RMSE().by_step(outcomes["model"]).tolist()
    assert list(scores["by_step"]["random_walk"]) == ["crps"]


def test_undefined_numbers_are_none(scores):
    assert scores["scores"]["last_value"]["information_coefficient"] is None


def test_symbols_are_scored_apart(scores, outcomes):
    second = outcomes["model"].symbol == 1
    assert list(scores["by_symbol"]) == ["AAA", "BBB"]
    assert scores["by_symbol"]["BBB"]["model"] == CRPS().score(outcomes["model"][second])


def test_a_symbol_without_windows_is_left_out(make_numbers, make_task):
    model = make_numbers(count=40)
    found = evaluate({"model": model}, METRICS, "crps", 0, ["AAA", "BBB"], make_task())
    assert found["by_symbol"] == {"AAA": {"model": CRPS().score(model)}}


def test_skill_is_one_minus_the_ratio_of_losses(scores, outcomes):
    losses = {name: CRPS().score(outcome) for name, outcome in outcomes.items()}
    skill = scores["skill"]["last_value"]
    assert skill["value"] == pytest.approx(1 - losses["model"] / losses["last_value"])
    steps = 1 - CRPS().by_step(outcomes["model"]) / CRPS().by_step(outcomes["last_value"])
    np.testing.assert_allclose(skill["by_step"], steps)


def test_intervals_hold_their_values_and_significance_follows_them(scores):
    for name, span in scores["interval"].items():
        assert span["low"] < scores["scores"][name]["crps"] < span["high"]
    for skill in scores["skill"].values():
        assert skill["low"] < skill["value"] < skill["high"]
        assert skill["significant"] is (skill["low"] > 0 or skill["high"] < 0)
    assert scores["skill"]["last_value"]["significant"] is True


def test_a_model_equal_to_its_baseline_has_no_skill(make_numbers, make_task):
    model = make_numbers(count=200)
    skill = evaluate({"model": model, "twin": model}, METRICS, "crps", 0, ["AAA"], make_task())["skill"]["twin"]
    assert (skill["value"], skill["low"], skill["high"], skill["significant"]) == (0.0, 0.0, 0.0, False)


def test_a_worse_model_is_significantly_worse(make_numbers, make_task):
    good, bad = make_numbers(count=300, signal=0.8), make_numbers(count=300, seed=3, signal=-0.5)
    skill = evaluate({"model": bad, "b": good}, METRICS, "crps", 0, ["AAA"], make_task())["skill"]["b"]
    assert skill["high"] < 0
    assert skill["significant"]


def test_skill_of_a_maximised_metric_is_the_share_of_what_the_baseline_misses(outcomes, make_task):
    scores = evaluate(outcomes, METRICS, "hit_rate", 0, ["AAA", "BBB"], make_task())
    model = scores["scores"]["model"]["hit_rate"]
    skill = scores["skill"]["last_value"]
    assert skill["value"] == pytest.approx((model - 0.5) / 0.5)
    assert skill["low"] < skill["value"] < skill["high"]
    assert (scores["direction"], scores["unit"]) == ("max", "fraction")


def test_an_objective_that_is_no_mean_has_no_interval(outcomes, make_task):
    scores = evaluate(outcomes, METRICS, "rmse", 0, ["AAA", "BBB"], make_task())
    assert scores["interval"]["model"] == {"low": None, "high": None}
    assert scores["origins_wanted"] is None
    skill = scores["skill"]["last_value"]
    assert (skill["low"], skill["high"], skill["significant"]) == (None, None, False)
    assert skill["value"] > 0


def test_skill_against_an_undefined_or_perfect_baseline_is_none(outcomes, make_task, make_numbers):
    scores = evaluate(outcomes, METRICS, "information_coefficient", 0, ["AAA", "BBB"], make_task())
    assert scores["skill"]["last_value"]["value"] is None
    assert scores["skill"]["random_walk"]["value"] is not None
    still = replace(make_numbers(), target=np.zeros((60, 3)))
    pair = {"model": still, "perfect": silent(still)}
    assert evaluate(pair, METRICS, "crps", 0, ["AAA"], make_task())["skill"]["perfect"]["value"] is None


def test_too_few_origins_give_scores_without_intervals(make_numbers, make_task):
    model = make_numbers(count=10)
    scores = evaluate({"model": model, "b": silent(model)}, METRICS, "crps", 0, ["AAA"], make_task())
    assert scores["interval"]["b"] == {"low": None, "high": None}
    assert scores["scores"]["b"]["crps"] > 0


@pytest.mark.parametrize("horizon", [1, 3, 12])
def test_origins_wanted_is_where_intervals_begin(make_numbers, make_task, horizon):
    def found(count):
        model = make_numbers(count=count, horizon=horizon)
        return evaluate({"model": model, "b": silent(model)}, METRICS, "crps", 0, ["AAA"], make_task(horizon))

    wanted = found(5)["origins_wanted"]
    assert found(wanted - 1)["interval"]["model"]["low"] is None
    assert found(wanted)["interval"]["model"]["low"] is not None


def test_scores_do_not_depend_on_the_order_of_windows(outcomes, scores, make_task):
    order = np.random.default_rng(0).permutation(400)
    mixed = evaluate(
        {name: each[order] for name, each in outcomes.items()}, METRICS, "crps", 0, ["AAA", "BBB"], make_task()
    )
    assert mixed["skill"]["random_walk"]["low"] == pytest.approx(scores["skill"]["random_walk"]["low"])
    assert mixed["scores"]["model"] == pytest.approx(scores["scores"]["model"])


def test_the_same_seed_gives_the_same_bytes(outcomes, make_task):
    first, second, other = (
        json.dumps(evaluate(outcomes, METRICS, "crps", seed, ["AAA", "BBB"], make_task())) for seed in (1, 1, 2)
    )
    assert first == second != other


def test_kept_scores_combine_to_the_same_answer(outcomes, scores, make_task):
    chosen = applicable(METRICS, "crps", make_task())
    kept = {name: score_one(outcome, chosen, "crps", 3, 0) for name, outcome in outcomes.items()}
    assert combine(kept, chosen, "crps", ["AAA", "BBB"], make_task()) == scores


def test_kept_scores_of_other_windows_are_refused(make_numbers, make_task):
    chosen = applicable(METRICS, "crps", make_task())
    kept = {
        "model": score_one(make_numbers(), chosen, "crps", 3, 0),
        "b": score_one(make_numbers()[10:], chosen, "crps", 3, 0),
    }
    with pytest.raises(ValueError, match="same windows: model, b"):
        combine(kept, chosen, "crps", ["AAA"], make_task())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_forecast_that_is_not_finite_is_refused(make_numbers, value):
    outcome = make_numbers()
    outcome.forecast.values[5, 1, 3] = value
    with pytest.raises(ModelError, match=rf"got {value} at origin 2020-01-01T05:00:00Z, step 2"):
        score_one(outcome, {"crps": CRPS()}, "crps", 3, 0)


def test_losses_are_offered_for_each_window(outcomes):
    losses = pointwise(outcomes, CRPS())
    assert list(losses) == list(outcomes)
    np.testing.assert_array_equal(losses["model"], CRPS().pointwise(outcomes["model"]))
    assert pointwise(outcomes, RMSE()) == {}


def test_classes_are_scored_by_the_same_code(make_classes, make_task):
    model = make_classes(count=120, lean=3.0)
    even = replace(model, forecast=ClassForecast(np.full(model.forecast.values.shape, 0.5, dtype=np.float32)))
    metrics = {"log_loss": LogLoss(), "mcc": MCC(), "price": MeanWeightedQuantileLoss()}
    task = make_task(name="direction", unit="class", classes=("down", "up"))
    scores = evaluate({"model": model, "random_walk": even}, metrics, "log_loss", 0, ["AAA"], task)
    assert list(scores["metrics"]) == ["log_loss", "mcc"]
    assert scores["scores"]["random_walk"]["log_loss"] == pytest.approx(np.log(2))
    assert scores["skill"]["random_walk"]["significant"]
