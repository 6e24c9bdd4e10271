"""What every transform in conf/transform keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from forecastle.config.target import build as build_node
from forecastle.data.bars import Bars, Panel
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import LogReturn
from forecastle.windows.transform import Chain

CONF = Path(__file__).resolve().parents[2] / "conf" / "transform"
ROOT = {"seed": 3, "threads": 1, "horizon": 3, "context_length": 8}
TRAIN = np.arange(20, 300)
SEEN = slice(50 + 20 - 7, 50 + 300)  # rows of the features that the training contexts cover


@pytest.fixture(params=sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def config(request: pytest.FixtureRequest) -> Path:
    return request.param


def build(config: Path) -> Chain:
    whole = OmegaConf.create({**ROOT, "transform": OmegaConf.load(config)})
    nodes = OmegaConf.to_container(whole, resolve=True)["transform"]
    return Chain({name: build_node(node, f"transform.{name}") for name, node in nodes.items()})


def make_values(count: int) -> np.ndarray:
    """An ordinary, a skewed, a large and a constant feature."""
    random = np.random.default_rng(3)
    columns = [random.normal(size=count), random.lognormal(size=count), 1e5 + random.normal(size=count), np.ones(count)]
    return np.stack(columns, axis=1).astype(np.float32)


def make(bars: Bars, values: np.ndarray) -> Windows:
    frame = FeatureFrame(values, ("ordinary", "skewed", "large", "constant"), np.array([len(bars)]), 44, {})
    return make_windows(Panel((bars,)), frame, Task(LogReturn(), 3, (0.5,)), 8, 8)


def test_fit_sees_training_rows_only(config: Path, bars: Bars) -> None:
    values = make_values(len(bars))
    windows = make(bars, values)
    assert windows.context.row[0] == 50
    changed = np.full_like(values, 777)
    changed[SEEN] = values[SEEN]
    first = build(config).fit(windows[TRAIN])
    second = build(config).fit(make(bars, changed)[TRAIN])
    for name, step in first.steps.items():
        assert step.state() == second.steps[name].state()
    np.testing.assert_array_equal(
        first.apply(windows[TRAIN]).context.features, second.apply(windows[TRAIN]).context.features
    )


def test_each_row_is_transformed_by_itself(config: Path, bars: Bars) -> None:
    values = make_values(len(bars))
    windows = make(bars, values)
    chain = build(config).fit(windows[TRAIN])
    changed = values.copy()
    changed[401:] *= -3
    before = chain.apply(windows).context.timeline.features
    after = chain.apply(make(bars, changed)).context.timeline.features
    np.testing.assert_array_equal(before[:401], after[:401])
    assert (before[401:] != after[401:]).any()


def test_transformed_features_are_finite_float32_of_the_same_shape(config: Path, bars: Bars) -> None:
    windows = make(bars, make_values(len(bars)))
    result = build(config).fit(windows[TRAIN]).apply(windows).context.features
    assert result.dtype == np.float32
    assert result.shape == windows.context.features.shape
    assert np.isfinite(result).all()


def test_what_was_learned_is_json_and_comes_back_bit_for_bit(config: Path, bars: Bars, tmp_path: Path) -> None:
    windows = make(bars, make_values(len(bars)))
    chain = build(config).fit(windows[TRAIN])
    chain.save(tmp_path)
    loaded = build(config).load(tmp_path)
    assert loaded.apply(windows).context.features.tobytes() == chain.apply(windows).context.features.tobytes()
    assert json.loads(json.dumps(chain.report())) == chain.report() == loaded.report()
    assert list(chain.report()) == list(chain.steps)
