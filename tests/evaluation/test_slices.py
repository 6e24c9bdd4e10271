"""Slices of windows, and intervals that hold for all of them at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecastle.evaluation.metric import Direction
from forecastle.evaluation.point import RMSE
from forecastle.evaluation.slices import Slicing, regime_of, score_slices, skill_slices, slice_means, slicings


def hours(count: int) -> np.ndarray:
    return np.datetime64("2020-01-01T01:00", "us") + np.arange(count) * np.timedelta64(1, "h")


def cut(name: str, group: np.ndarray) -> Slicing:
    return Slicing(name, tuple(f"{name}{number}" for number in range(int(group.max()) + 1)), group)


def by_name(origin: np.ndarray) -> dict[str, Slicing]:
    nothing = np.zeros(len(origin), dtype=np.int64)
    return {each.name: each for each in slicings(origin, nothing, ("A",), nothing)}


def test_hour_weekday_and_year_are_those_of_pandas_at_the_end_of_the_newest_bar():
    origin = hours(24 * 800)
    instant = pd.DatetimeIndex(origin) - pd.Timedelta("1us")
    found = by_name(origin)
    assert set(found) == {"hour", "weekday", "year"}  # one symbol and one regime are no slices
    for name, wanted in {
        "hour": instant.hour.map("{:02d} h".format),
        "weekday": instant.strftime("%a"),
        "year": instant.year.astype(str),
    }.items():
        assert [found[name].labels[number] for number in found[name].group] == list(wanted)


def test_a_daily_bar_of_friday_known_at_midnight_counts_as_friday_of_the_old_year():
    origin = np.array(["2011-01-01", "2011-01-04"], dtype="datetime64[us]")
    found = by_name(origin)
    assert found["weekday"].labels == ("Mon", "Fri")
    assert found["weekday"].group.tolist() == [1, 0]
    assert found["year"].labels == ("2010", "2011")


def test_regimes_are_thirds_of_the_training_part_of_each_symbol():
    train = np.concatenate([np.arange(300.0), 1000 + np.arange(300.0)])
    owner = np.repeat([0, 1], 300)
    own = regime_of(train, owner, train, owner)
    assert [np.bincount(own[owner == number]).tolist() for number in (0, 1)] == [[100, 100, 100]] * 2
    later = regime_of(np.array([5000.0, 0.0, 150.0, 7.0]), np.array([0, 0, 0, 2]), train, owner)
    assert later.tolist() == [2, 0, 1, -1]  # symbol 2 was never trained on


def test_windows_without_a_regime_are_in_no_slice_of_it():
    regime = np.array([-1, 0, 2, 0], dtype=np.int8)
    (found,) = slicings(hours(4)[:1].repeat(4), np.zeros(4, dtype=int), ("A",), regime)
    assert (found.name, found.labels, found.group.tolist()) == ("regime", ("calm", "wild"), [-1, 0, 1, 0])
    assert slice_means(np.array([9.0, 1.0, 5.0, 2.0]), found).tolist() == [1.5, 5.0]


def test_any_metric_is_scored_in_each_slice(make_numbers):
    outcome = make_numbers(count=90)
    group = np.arange(90) % 3
    median = outcome.forecast.values[..., 19].astype(float)
    wanted = [np.sqrt(np.mean((median - outcome.target)[group == k] ** 2)) for k in range(3)]
    assert score_slices(outcome, RMSE(), cut("g", group)) == pytest.approx(wanted)


def test_skill_is_the_share_of_the_loss_that_is_saved_in_the_slice():
    random = np.random.default_rng(0)
    model, baseline = random.gamma(2, 1, (2, 600))
    group = np.arange(600) % 2
    found = skill_slices(model, baseline, Direction.MIN, hours(600), 3, [cut("g", group)], 0)["g"]
    for number in (0, 1):
        wanted = 1 - model[group == number].sum() / baseline[group == number].sum()
        assert found[number]["value"] == pytest.approx(wanted)
    hits = skill_slices(1 - model, 1 - baseline, Direction.MAX, hours(600), 3, [cut("g", group)], 0)["g"]
    assert [each["low"] for each in hits] == pytest.approx([each["low"] for each in found])


def test_the_interval_of_one_slice_is_that_of_independent_blocks():
    # Losses that are equal inside a block: the error of the mean is that of as many draws as there are blocks.
    random = np.random.default_rng(1)
    blocks, length = 100, 28  # 2·2800^(1/3) = 28.2, so blocks of 29
    origin = hours(blocks * 29)
    model = 1 + 0.1 * random.normal(size=blocks).repeat(29)
    group = np.zeros(len(origin), dtype=int)
    (found,) = skill_slices(model, np.ones(len(origin)), Direction.MIN, origin, 1, [cut("g", group)], 0)["g"]
    assert length < 29
    assert (found["high"] - found["low"]) / 2 == pytest.approx(1.984 * 0.01 * np.std(model) / 0.1, rel=0.08)


def test_few_blocks_give_no_interval_and_a_perfect_baseline_no_skill():
    origin = hours(400)
    group = np.repeat([0, 1], [360, 40])  # blocks of 15: 24 and 2.7 of them
    baseline = np.ones(400)
    found = skill_slices(np.full(400, 0.9), baseline, Direction.MIN, origin, 1, [cut("g", group)], 0)["g"]
    assert found[0]["low"] == pytest.approx(0.1)
    assert (found[1]["value"], found[1]["low"]) == (pytest.approx(0.1), None)
    baseline[group == 0] = 0
    found = skill_slices(np.full(400, 0.9), baseline, Direction.MIN, origin, 1, [cut("g", group)], 0)["g"]
    assert (found[0]["value"], found[0]["low"]) == (None, None)


def test_a_model_that_is_the_baseline_has_no_skill_anywhere():
    losses = np.random.default_rng(0).gamma(2, 1, 500)
    found = skill_slices(losses, losses, Direction.MIN, hours(500), 2, [cut("g", np.arange(500) % 5)], 0)["g"]
    assert {(each["value"], each["low"], each["high"]) for each in found} == {(0.0, 0.0, 0.0)}


def test_the_order_of_windows_does_not_matter():
    random = np.random.default_rng(0)
    model, baseline = random.gamma(2, 1, (2, 500))
    group, order = np.arange(500) % 4, random.permutation(500)
    plain = skill_slices(model, baseline, Direction.MIN, hours(500), 2, [cut("g", group)], 0)["g"]
    mixed = skill_slices(
        model[order], baseline[order], Direction.MIN, hours(500)[order], 2, [cut("g", group[order])], 0
    )["g"]
    assert [each["high"] for each in mixed] == pytest.approx([each["high"] for each in plain])


def excludes_zero(slice_: dict[str, float | None]) -> bool:
    return slice_["low"] is not None and (slice_["low"] > 0 or slice_["high"] < 0)


def market(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses of two forecasters of equal worth, dependent over 5 bars, with calm and wild times."""
    wild = np.exp(0.8 * np.convolve(random.normal(size=count + 49), np.ones(50) / 7, mode="valid"))
    gap = np.convolve(random.normal(size=count + 4), np.ones(5) / 5, mode="valid")
    baseline = wild * (1 + 0.3 * random.random(count))
    return baseline + 0.1 * wild * gap, baseline


def test_slices_of_equal_forecasters_are_called_different_in_about_one_sample_of_twenty():
    origin, cuts = hours(3000), None
    found = 0
    for seed in range(150):
        model, baseline = market(np.random.default_rng(seed), 3000)
        cuts = cuts or [each for each in by_name(origin).values() if each.name != "year"]
        slices = [
            each
            for cells in skill_slices(model, baseline, Direction.MIN, origin, 5, cuts, 0).values()
            for each in cells
        ]
        assert len(slices) == 31
        found += any(map(excludes_zero, slices))
    assert 2 <= found <= 15  # 5 % of 150, and three standard errors


def test_a_skill_that_sits_in_one_hour_is_found_there_and_nowhere_else():
    origin = hours(24 * 300)
    model, baseline = market(np.random.default_rng(6), len(origin))
    cuts = [each for each in by_name(origin).values() if each.name == "hour"]
    model = model - 0.3 * baseline * (cuts[0].group == 3)
    (cells,) = skill_slices(model, baseline, Direction.MIN, origin, 5, cuts, 0).values()
    assert [number for number, each in enumerate(cells) if excludes_zero(each)] == [3]
    assert cells[3]["value"] == pytest.approx(0.3, abs=0.05)
