"""Conformal correction against crepes, brute force and simulated coverage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.conftest import LEVELS, market

from forecastle.errors import ConfigError, ModelError
from forecastle.models.conformal import FEWEST, Conformal
from forecastle.models.forecast import ClassForecast, QuantileForecast, SampleForecast
from forecastle.windows.context import Task, Windows
from forecastle.windows.sample import make_windows
from forecastle.windows.target import Direction, LogReturn, Volatility

Make = Callable[..., Windows]
Z = np.array([-1.2816, -0.6745, 0.0, 0.6745, 1.2816])


def flat(windows: Windows, width: float = 1.0) -> QuantileForecast:
    """Quantiles of the random walk, their widths multiplied."""
    spread = windows.context.task.spread(windows.context.scale)
    return QuantileForecast(LEVELS, (spread[..., None] * width * Z).astype(np.float32))


def parts(windows: Windows, count: int) -> tuple[Windows, Windows]:
    """Validation windows and the test windows after them, whose origins the labels of the former do not reach."""
    test = np.flatnonzero(windows.context.origin >= windows.label_end[count - 1])
    return windows[np.arange(count)], windows[test]


def shares(forecast: QuantileForecast, windows: Windows) -> np.ndarray:
    """Share of outcomes below each level, (H, Q)."""
    return (windows.target[..., None] <= forecast.values).mean(axis=0)


def test_the_split_form_of_a_point_forecast_is_the_predictive_system_of_crepes(make: Make) -> None:
    from crepes import ConformalPredictiveSystem

    validation, test = parts(make(500, horizon=1), 199)  # ranks (n + 1)·τ are whole
    point = np.full((len(test), 1, 5), 0.001, dtype=np.float32)
    seen = np.full((199, 1, 5), 0.001, dtype=np.float32)
    found = Conformal().fit(QuantileForecast(LEVELS, seen), validation)
    ours = found.correct(QuantileForecast(LEVELS, point), test).values[:, 0]
    sigmas = [each.context.task.spread(each.context.scale)[:, 0] for each in (validation, test)]
    system = ConformalPredictiveSystem().fit(validation.target[:, 0] - np.float32(0.001), sigmas[0])
    percentiles = [100 * level for level in LEVELS]
    theirs = system.predict_percentiles(
        point[:, 0, 0].astype(float), sigmas[1], lower_percentiles=percentiles[:2], higher_percentiles=percentiles[2:]
    )
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-9)


def test_quantiles_that_are_too_narrow_cover_what_they_say_once_corrected(make: Make) -> None:
    validation, test = parts(make(6000, horizon=2, signal=0), 2000)
    narrow = flat(test, 0.5)
    assert np.abs(shares(narrow, test) - LEVELS).max() > 0.1
    for rate in (0.0, 0.005):
        corrected = Conformal(rate).fit(flat(validation, 0.5), validation).correct(narrow, test)
        assert np.abs(shares(corrected, test) - LEVELS).max() < 0.03


def shifted(count: int) -> tuple[Windows, Windows]:
    """Windows whose outcomes double in size, at unchanged volatility, right where the test part begins."""
    windows = make_windows(*market(count, 0, 4, 0), Task(LogReturn(), 2, LEVELS), context_length=8, past_length=20)
    validation, test = parts(windows, count // 4)
    return validation, replace(test, target=2 * test.target)


def test_the_adaptive_form_follows_a_shift_that_the_split_form_misses() -> None:
    validation, test = shifted(8000)
    split, adaptive = (
        shares(Conformal(rate).fit(flat(validation), validation).correct(flat(test), test), test)
        for rate in (0.0, 0.01)
    )
    assert np.abs(split - LEVELS)[:, [0, -1]].min() > 0.12
    assert np.abs(adaptive - LEVELS).max() < (1 + 0.01) / (0.01 * len(test)) + 0.01


def brute_force(rate: float, validation: Windows, test: Windows) -> np.ndarray:
    """Both parts origin by origin, each outcome counted from the end of its label on."""

    def spread(windows: Windows) -> np.ndarray:
        return windows.context.task.spread(windows.context.scale)[..., None]

    errors = (validation.target[..., None] - flat(validation).values) / spread(validation)
    starts = [validation.context.origin[k * len(validation) // 20] for k in range(20)]
    told: list[tuple[np.datetime64, np.ndarray]] = []
    answers = []
    for windows in (validation, test):
        answers.clear()
        for i, origin in enumerate(windows.context.origin):
            level = np.array(LEVELS) + rate * sum((np.array(LEVELS) - below for end, below in told if end <= origin), 0)
            level = np.broadcast_to(level, errors.shape[1:])
            now = max(start for start in starts if start <= origin) if windows is validation else origin
            known = errors[validation.label_end <= now]
            moved = flat(windows).values[i].astype(float)
            if len(known) >= FEWEST:
                for h, q in np.ndindex(moved.shape):
                    looked = np.clip(level[h, q], 0, 1)
                    moved[h, q] += spread(windows)[i, h, 0] * np.quantile(known[:, h, q], looked, method="weibull")
            answers.append(np.sort(moved, axis=-1))
            told.append((windows.label_end[i], windows.target[i][:, None] <= answers[-1]))
    return np.array(answers)


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_the_correction_is_that_of_going_through_time_origin_by_origin(make: Make, rate: float) -> None:
    validation, test = parts(make(460, horizon=3, seed=2), 240)
    found = Conformal(rate).fit(flat(validation), validation).correct(flat(test), test)
    np.testing.assert_allclose(found.values, brute_force(rate, validation, test), rtol=1e-5, atol=1e-8)


@given(st.integers(0, 219), st.integers(0, 2**31), st.sampled_from([0.0, 0.2]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_forecast_does_not_depend_on_labels_that_end_after_its_origin(
    position: int, seed: int, rate: float, corrects_validation: bool
) -> None:
    windows = make_windows(*market(500, 0.5, 4, 1), Task(LogReturn(), 3, LEVELS), context_length=8, past_length=20)
    validation, test = parts(windows, 220)
    asked = validation if corrects_validation else test
    time = asked.context.origin[position]
    changed = []
    for part in (validation, asked):
        late = part.label_end > time
        target = part.target.copy()
        target[late] = np.random.default_rng(seed).normal(0, 5, (late.sum(), 3))
        changed.append(replace(part, target=target))
    before = Conformal(rate).fit(flat(validation), validation).correct(flat(asked), asked).values
    after = Conformal(rate).fit(flat(validation), changed[0]).correct(flat(asked), changed[1]).values
    rows = asked.context.origin <= time
    assert np.array_equal(before[rows], after[rows])
    assert rate == 0 or rows.all() or not np.array_equal(before, after)


def test_the_first_validation_windows_stay_as_they_are_and_the_last_do_not(make: Make) -> None:
    validation, _ = parts(make(500), 400)
    narrow = flat(validation, 0.3)
    corrected = Conformal().fit(narrow, validation).correct(narrow, validation)
    assert np.array_equal(corrected.values[:100], narrow.values[:100])
    assert (np.ptp(corrected.values[-100:], axis=2) > 2 * np.ptp(narrow.values[-100:], axis=2)).all()


def test_order_of_windows_and_saving_change_nothing(make: Make, tmp_path: Path) -> None:
    validation, test = parts(make(700), 300)
    found = Conformal(0.02).fit(flat(validation), validation)
    wanted = found.correct(flat(test), test).values
    found.save(tmp_path)
    assert np.array_equal(Conformal(0.02).load(tmp_path).correct(flat(test), test).values, wanted)
    order = np.random.default_rng(0).permutation(len(test))
    assert np.array_equal(found.correct(flat(test[order]), test[order]).values, wanted[order])


def test_a_lower_bound_and_the_order_of_levels_are_kept(make: Make) -> None:
    validation, test = parts(make(900, target=Volatility()), 300)
    tangled = [QuantileForecast(LEVELS, flat(part).values[..., ::-1]) for part in (validation, test)]
    values = Conformal(0.05).fit(tangled[0], validation).correct(tangled[1], test).values
    assert values.min() >= 0
    assert (np.diff(values, axis=-1) >= 0).all()


def test_sample_paths_become_corrected_quantiles(make: Make) -> None:
    validation, test = parts(make(700, signal=0), 300)
    random = np.random.default_rng(0)
    paths = [
        SampleForecast(random.normal(0, 0.005, (len(part), 200, 3)).astype(np.float32)) for part in (validation, test)
    ]
    corrected = Conformal().fit(paths[0], validation).correct(paths[1], test)
    assert np.abs(shares(corrected, test) - LEVELS).max() < 0.1


def test_labels_that_overlap_are_waited_for_until_enough_of_them_do_not(make: Make) -> None:
    validation = make(500, horizon=20)
    corrected = Conformal().fit(flat(validation, 0.5), validation).correct(flat(validation, 0.5), validation)
    moved = (corrected.values != flat(validation, 0.5).values).any(axis=(1, 2))
    first = validation.context.origin[moved.argmax()]
    assert moved[moved.argmax() :].all()
    ended = validation.label_end[validation.label_end <= first]
    assert 9 * 20 <= len(ended) + 20 < 9 * 20 + len(validation) / 20 + 2  # nine labels in a row, then the next stretch


def test_what_cannot_be_corrected_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rate must be at least 0 and less than 1, got 1"):
        Conformal(1.0)
    windows = make(300, horizon=1)
    with pytest.raises(ModelError, match="at least 100 validation windows, got 99"):
        Conformal().fit(flat(windows[np.arange(99)]), windows[np.arange(99)])
    long = make(350, horizon=40)  # the levels reach to .1 and .9: ten parts need nine cuts
    with pytest.raises(ModelError, match=rf"at least 9 .* whose labels do not overlap, got 8 of {len(long)}"):
        Conformal().fit(flat(long), long)
    classes = make(300, target=Direction(), horizon=1)
    probability = ClassForecast(np.full((len(classes), 1, 2), 0.5, dtype=np.float32))
    with pytest.raises(ModelError, match="corrects quantiles, but direction has classes down, up"):
        Conformal().fit(probability, classes)
    with pytest.raises(ModelError, match="must be fitted"):
        Conformal().correct(flat(windows), windows)
    with pytest.raises(ModelError, match="must be fitted"):
        Conformal().save(tmp_path)
    other = make(300, horizon=2)
    with pytest.raises(ModelError, match="fitted for 1 steps of 5 levels, got 2 steps of 5 levels"):
        Conformal().fit(flat(windows), windows).correct(flat(other), other)
    (tmp_path / "conformal.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(ModelError, match="holds no correction"):
        Conformal().load(tmp_path)
