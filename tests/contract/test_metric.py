"""Every metric in conf/metric keeps the contract of `forecastle.evaluation.metric.Metric`."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import yaml

from forecastle.evaluation.metric import Direction, Outcome
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.windows.context import Task

FOLDER = Path(__file__).resolve().parents[2] / "conf" / "metric"
SETS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}
NODES = [pytest.param(key, node, id=f"{name}:{key}") for name, nodes in SETS.items() for key, node in nodes.items()]
LEVELS = tuple(k / 40 for k in range(1, 40))
N, H = 80, 3


class FakeTarget:
    """What metrics read of a target."""

    def __init__(self, *classes: str) -> None:
        self.name, self.unit, self.classes, self.lower = "log_return", "log return", classes, None


def target_class(node):
    module, _, name = node["_target_"].rpartition(".")
    return getattr(import_module(module), name)


def build(node):
    return target_class(node)(**{key: value for key, value in node.items() if key != "_target_"})


DIRECTED = [node for node in NODES if build(node.values[1]).direction is not Direction.NONE]


def outcome_for(metric, quality: float, seed: int = 0) -> Outcome:
    """Forecasts that know `quality` (0 … 1) of what comes."""
    random = np.random.default_rng(seed)
    origin = np.datetime64("2020-01-01", "us") + np.arange(N) * np.timedelta64(3600, "s")
    rest = np.zeros(N), origin, np.arange(N) // (N // 2)
    if metric.classes:
        target = random.integers(0, 2, (N, H)).astype(float)
        up = np.clip(0.5 + quality * 0.45 * (2 * target - 1) + (1 - quality) * random.uniform(-0.4, 0.4, (N, H)), 0, 1)
        return Outcome(ClassForecast(np.stack([1 - up, up], axis=-1).astype(np.float32)), target, *rest)
    target = random.normal(0, 0.01, (N, H))
    noise = random.normal(0, 0.01, (N, H))
    z = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    median = quality * target + (1 - quality) * noise
    values = median[..., None] + 0.01 * (1.1 - quality) * z
    return Outcome(QuantileForecast(LEVELS, values.astype(np.float32)), target, *rest)


@pytest.mark.parametrize(("key", "node"), NODES)
def test_every_parameter_of_the_constructor_stands_in_the_file(key, node):
    parameters = inspect.signature(target_class(node)).parameters
    assert set(node) - {"_target_"} == set(parameters), "every parameter stands in the file"


@pytest.mark.parametrize(("key", "node"), NODES)
def test_it_states_name_unit_direction_and_kind(key, node):
    metric = build(node)
    assert metric.name.startswith(key), "the name is the key, with the parameter in it where there is one"
    assert metric.unit
    assert isinstance(metric.direction, Direction)
    number, classes = Task(FakeTarget(), H, LEVELS), Task(FakeTarget("down", "up"), H, LEVELS)
    assert metric.applies(classes) is metric.classes
    assert metric.applies(number) is not metric.classes


@pytest.mark.parametrize(("key", "node"), NODES)
def test_score_steps_and_pointwise_values_agree(key, node):
    metric = build(node)
    outcome = outcome_for(metric, 0.5)
    score, steps, values = metric.score(outcome), metric.by_step(outcome), metric.pointwise(outcome)
    assert type(score) is float
    assert steps.shape == (H,)
    for h in range(H):
        single = Outcome(
            type(outcome.forecast)(
                **{**vars(outcome.forecast), "values": outcome.forecast.values[:, h : h + 1]},
            ),
            outcome.target[:, h : h + 1],
            *(outcome.log_close, outcome.origin, outcome.symbol),
        )
        tolerance = 0.02 if metric.unit == "fraction of price" else 1e-12  # its steps share one mean price
        assert steps[h] == pytest.approx(metric.score(single), rel=tolerance)
    if values is not None:
        assert values.shape == (N, H)
        assert values.dtype == np.float64
        assert score == pytest.approx(values.mean(), rel=1e-12)
        np.testing.assert_allclose(steps, values.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize(("key", "node"), NODES)
def test_it_does_not_depend_on_the_order_of_windows(key, node):
    metric = build(node)
    outcome = outcome_for(metric, 0.5)
    mixed = outcome[np.random.default_rng(0).permutation(N)]
    assert metric.score(mixed) == pytest.approx(metric.score(outcome), rel=1e-12)


@pytest.mark.parametrize(("key", "node"), DIRECTED)
def test_a_forecast_that_knows_more_is_better_in_its_direction(key, node):
    metric = build(node)
    worse, better = (metric.score(outcome_for(metric, quality)) for quality in (0.0, 0.9))
    assert better < worse if metric.direction is Direction.MIN else better > worse


@pytest.mark.parametrize("name", SETS)
def test_a_file_begins_with_a_line_that_says_what_it_is(name):
    assert (FOLDER / f"{name}.yaml").read_text().startswith("# ")


def test_a_metric_that_stands_in_a_set_and_alone_is_the_same():
    singles = {name: nodes for name, nodes in SETS.items() if list(nodes) == [name]}
    assert singles
    for name, nodes in singles.items():
        for members in SETS.values():
            assert members.get(name, nodes[name]) == nodes[name]


def test_default_is_both_sets():
    assert list(SETS["default"].items()) == [*SETS["number"].items(), *SETS["classes"].items()]
