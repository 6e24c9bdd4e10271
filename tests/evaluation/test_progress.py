"""Where skill comes from, against values worked by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from forecastle.evaluation.progress import course, skill_by_step

DAYS = np.datetime64("2020-01-01", "us") + np.arange(600) * np.timedelta64(1, "D")


def test_skill_at_a_step_is_that_of_its_mean_losses() -> None:
    random = np.random.default_rng(0)
    base = 1 + random.random((600, 3))
    good, bad = base * [0.9, 0.8, 0.7], base * 1.1
    first, second = skill_by_step([good, bad], base, DAYS, 3, perfect=0.0)
    assert first.value == pytest.approx([0.1, 0.2, 0.3])
    assert first.low == pytest.approx([0.1, 0.2, 0.3])  # the same ratio in every resample
    assert second.value == pytest.approx([-0.1] * 3)
    noisy = good + 0.3 * random.normal(size=good.shape)
    (found,) = skill_by_step([noisy], base, DAYS, 3, perfect=0.0)
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_a_score_to_be_maximised_has_the_skill_of_its_distance_from_one() -> None:
    base = np.full((600, 2), 0.5)
    (found,) = skill_by_step([np.full((600, 2), 0.6)], base, DAYS, 2, perfect=1.0)
    assert found.value == pytest.approx([0.2, 0.2])
    went = course(np.full((600, 2), 0.6), base, DAYS, 2, perfect=1.0)
    assert went.value[-1] == pytest.approx(0.2)


def test_too_few_origins_give_no_interval_and_no_room_no_skill() -> None:
    base = np.ones((20, 2))
    base[:, 1] = 0.0
    (found,) = skill_by_step([np.full((20, 2), 0.5)], base, DAYS[:20], 2, perfect=0.0)
    assert found.value[0] == pytest.approx(0.5)
    assert np.isnan([found.value[1], *found.low, *found.high]).all()
    assert course(np.ones((20, 1)), np.zeros((20, 1)), DAYS[:20], 1, perfect=0.0) is None


def test_the_course_ends_at_the_skill_and_symbols_of_one_origin_count_once() -> None:
    random = np.random.default_rng(1)
    base = 1 + random.random((600, 2))
    model = base - 0.1 * random.random((600, 2))
    went = course(model, base, DAYS, 2, perfect=0.0)
    assert went.value[-1] == pytest.approx(1 - model.mean() / base.mean())
    assert went.value[0] == pytest.approx((base[0] - model[0]).mean() / base.sum(axis=0).mean())
    order = random.permutation(1200)
    twice = course(
        np.repeat(model, 2, axis=0)[order], np.repeat(base, 2, axis=0)[order], np.repeat(DAYS, 2)[order], 2, perfect=0.0
    )
    assert twice.value == pytest.approx(went.value)
    assert twice.reach == pytest.approx(went.reach)


def test_the_course_ends_at_the_skill_of_all_windows_where_origins_have_unlike_numbers_of_them() -> None:
    random = np.random.default_rng(3)
    origin = np.repeat(DAYS, random.integers(1, 4, 600))
    for perfect in (0.0, 1.0):
        base = 0.2 + 0.5 * random.random((len(origin), 2))
        model = base + 0.05 * random.normal(size=base.shape)
        went = course(model, base, origin, 2, perfect)
        (step,) = skill_by_step([model[:, :1]], base[:, :1], origin, 2, perfect)
        assert went.value[-1] == pytest.approx((model.mean() - base.mean()) / (perfect - base.mean()))
        assert step.value[0] == pytest.approx((model[:, 0].mean() - base[:, 0].mean()) / (perfect - base[:, 0].mean()))


def test_a_forecaster_without_skill_stays_in_reach_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    inside = []
    for _ in range(400):
        shocks = random.normal(size=604)
        gain = sum(shocks[lag : lag + 600] for lag in range(4))  # as labels of four bars overlap
        base = np.full((600, 1), 50.0)
        went = course(base - gain[:, None], base, DAYS, 4, perfect=0.0)
        inside.append(np.abs(went.value[[199, 399, 599]]) <= went.reach[[199, 399, 599]])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
