from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from forecastle.data.bars import Bars, Panel
from forecastle.errors import FeatureError, RunError
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.transform import Chain, Standardize

CONTEXT_LENGTH = 5


@pytest.fixture
def windows(panel: Panel, frame_of: Callable[..., FeatureFrame], task: Task) -> Windows:
    return make_windows(panel, frame_of(panel, columns=3), task, CONTEXT_LENGTH, CONTEXT_LENGTH)


def with_features(windows: Windows, features: np.ndarray) -> Windows:
    timeline = replace(windows.context.timeline, features=features)
    return replace(windows, context=replace(windows.context, timeline=timeline))


def covered(windows: Windows) -> list[int]:
    """Rows of the timeline that a context shows, found one by one."""
    return sorted({row - back for row in windows.context.row.tolist() for back in range(CONTEXT_LENGTH)})


def test_standardize_equals_sklearn_on_the_rows_of_training_contexts(windows: Windows) -> None:
    train = windows[np.r_[3:20, 25:30, 60:75]]
    features = windows.context.timeline.features
    reference = StandardScaler().fit(features[covered(train)].astype(np.float64))
    chain = Chain({"standard": Standardize()}).fit(train)
    assert chain.report() == {"standard": {"rows": len(covered(train)), "constant": []}}
    values = chain.apply(windows).context.timeline.features
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, reference.transform(features.astype(np.float64)), rtol=1e-6, atol=1e-6)


def test_fit_sees_training_rows_and_no_other(windows: Windows) -> None:
    train = windows[np.arange(10, 30)]
    features = windows.context.timeline.features
    rows = covered(train)
    state = Chain({"standard": Standardize()}).fit(train).steps["standard"].state()

    elsewhere = np.full_like(features, 1e6)
    elsewhere[rows] = features[rows]
    assert Chain({"standard": Standardize()}).fit(with_features(train, elsewhere)).steps["standard"].state() == state
    for row in (rows[0], rows[-1]):
        inside = features.copy()
        inside[row] += 1
        assert Chain({"standard": Standardize()}).fit(with_features(train, inside)).steps["standard"].state() != state


def test_apply_keeps_everything_but_the_features(windows: Windows) -> None:
    chain = Chain({"standard": Standardize()}).fit(windows[:30])
    result = chain.apply(windows)
    assert result.target is windows.target
    assert result.label_end is windows.label_end
    for name in ("row", "past", "scale", "origin", "symbol"):
        np.testing.assert_array_equal(getattr(result.context, name), getattr(windows.context, name))
    np.testing.assert_array_equal(chain.apply(windows.context).features, result.context.features)
    np.testing.assert_array_equal(chain.apply(windows[7:9]).context.features, result.context.features[7:9])
    assert np.isfinite(result.context.features).all()


def test_missing_features_stay_missing(windows: Windows) -> None:
    features = windows.context.timeline.features
    result = Chain({"standard": Standardize()}).fit(windows).apply(windows).context.timeline.features
    np.testing.assert_array_equal(np.isnan(result), np.isnan(features))


@pytest.mark.parametrize("value", [0.0, 0.1, -1e30, 12345.678])
def test_constant_feature_becomes_zero_and_is_named(windows: Windows, value: float) -> None:
    features = windows.context.timeline.features.copy()
    features[:, 1] = value
    chain = Chain({"standard": Standardize()}).fit(with_features(windows, features))
    result = chain.apply(with_features(windows, features)).context.features
    assert chain.report()["standard"]["constant"] == ["feature_1"]
    np.testing.assert_array_equal(result[:, :, 1], 0)
    assert (result[:, :, 0] != 0).any()


def test_each_step_is_fitted_on_what_the_one_before_gives(windows: Windows) -> None:
    chain = Chain({"first": Standardize(), "second": Standardize()}).fit(windows)
    second = chain.steps["second"].state()
    np.testing.assert_allclose(second["middle"], 0, atol=1e-6)
    np.testing.assert_allclose(second["width"], 1, atol=1e-6)
    once = Chain({"first": Standardize()}).fit(windows).apply(windows)
    np.testing.assert_allclose(chain.apply(windows).context.features, once.context.features, atol=1e-5)


def test_fitting_again_forgets_the_first_fit(windows: Windows) -> None:
    chain = Chain({"standard": Standardize()}).fit(windows[:10])
    fresh = Chain({"standard": Standardize()}).fit(windows[40:70])
    assert chain.fit(windows[40:70]).steps["standard"].state() == fresh.steps["standard"].state()


def test_no_steps_leave_the_windows_as_they_are(windows: Windows, tmp_path: Path) -> None:
    chain = Chain({}).fit(windows)
    assert chain.apply(windows).context is windows.context
    chain.save(tmp_path)
    assert Chain({}).load(tmp_path).apply(windows.context) is windows.context
    assert chain.report() == {}


# Kept in a folder


def test_loaded_chain_gives_the_same_bits(windows: Windows, tmp_path: Path) -> None:
    chain = Chain({"standard": Standardize()}).fit(windows[5:40])
    chain.save(tmp_path)
    loaded = Chain({"standard": Standardize()}).load(tmp_path)
    assert loaded.apply(windows).context.features.tobytes() == chain.apply(windows).context.features.tobytes()
    assert loaded.report() == chain.report()
    (tmp_path / "again").mkdir()
    loaded.save(tmp_path / "again")
    (file,) = tmp_path.glob("*.json")
    assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()
    json.loads(file.read_text())


def test_missing_or_damaged_file_is_told(windows: Windows, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"transforms\.json, got FileNotFoundError"):
        Chain({}).load(tmp_path)
    Chain({"standard": Standardize()}).fit(windows).save(tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_text()
    for damaged in (content[:40], "[]", "{}"):
        file.write_text(damaged)
        with pytest.raises(RunError, match=r"fitted transforms wanted in .*transforms\.json"):
            Chain({"standard": Standardize()}).load(tmp_path)


def test_file_of_other_steps_is_refused(windows: Windows, tmp_path: Path) -> None:
    Chain({"standard": Standardize()}).fit(windows).save(tmp_path)
    with pytest.raises(RunError, match=r"written for the transforms \['standard'\], the configuration has \['other'\]"):
        Chain({"other": Standardize()}).load(tmp_path)


def test_transforms_must_be_fitted_first(windows: Windows) -> None:
    with pytest.raises(FeatureError, match="must be fitted or loaded before"):
        Chain({"standard": Standardize()}).apply(windows)


def test_other_features_are_refused(
    windows: Windows, daily: Callable[..., Bars], frame_of: Callable[..., FeatureFrame], task: Task
) -> None:
    chain = Chain({"standard": Standardize()}).fit(windows)
    panel = Panel((daily("AAA", 60),))
    other = make_windows(panel, frame_of(panel, columns=2), task, CONTEXT_LENGTH, CONTEXT_LENGTH)
    with pytest.raises(FeatureError, match=r"fitted on \['feature_0', .* got \['feature_0', 'feature_1'\]"):
        chain.apply(other)
