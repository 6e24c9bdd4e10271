from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.split import Holdout, RollingOrigin


def day(number: int) -> np.datetime64:
    """The number-th of January 2020 (and on)."""
    return np.datetime64("2020-01-01", "us") + np.timedelta64(number - 1, "D")


def days(first: int, last: int) -> np.ndarray:
    return np.array([day(number) for number in range(first, last + 1)])


def cut_daily(split: Holdout | RollingOrigin, count: int, horizon: int) -> tuple[Fold, np.ndarray]:
    """Split windows at each of `count` days that leaves room for a label."""
    times = days(1, count)
    origin = times[: count - horizon]
    (fold,) = split.split(origin, times[horizon:], times, horizon, origin)
    return fold, origin


# Holdout: a table of dates (days of January 2020) on 20 daily bars


@pytest.mark.parametrize(
    ("arguments", "horizon", "train", "validation", "test", "purged"),
    [
        ({}, 1, (1, 12), (13, 16), (17, 19), 0),
        ({}, 2, (1, 11), (13, 15), (17, 18), 2),
        ({}, 3, (1, 10), (13, 14), (17, 17), 4),
        ({"train": 0.5, "validation": 0.25, "test": 0.25}, 1, (1, 10), (11, 15), (16, 19), 0),
        ({"train": 0.7, "validation": 0.1, "test": 0.2}, 2, (1, 13), (15, 15), (17, 18), 2),
        ({"validation_start": "2020-01-06", "test_start": "2020-01-11"}, 1, (1, 5), (6, 10), (11, 19), 0),
        ({"validation_start": "2020-01-06", "test_start": "2020-01-11"}, 4, (1, 2), (6, 7), (11, 16), 6),
        ({"validation_start": "2020-01-05T12:00", "test_start": "2020-01-11"}, 1, (1, 5), (6, 10), (11, 19), 0),
        ({"validation_start": "2020-01-06T01:00+01:00", "test_start": "20200111"}, 1, (1, 5), (6, 10), (11, 19), 0),
    ],
)
def test_holdout_cuts_at_these_dates(
    arguments: dict[str, float | str],
    horizon: int,
    train: tuple[int, int],
    validation: tuple[int, int],
    test: tuple[int, int],
    purged: int,
) -> None:
    fold, origin = cut_daily(Holdout(**arguments), 20, horizon)
    np.testing.assert_array_equal(origin[fold.train], days(*train))
    np.testing.assert_array_equal(origin[fold.validation], days(*validation))
    np.testing.assert_array_equal(origin[fold.test], days(*test))
    assert fold.purged == purged


def test_holdout_proportions_are_of_time() -> None:
    fold, _ = cut_daily(Holdout(), 1000, 1)
    assert [len(part) for part in (fold.train, fold.validation, fold.test)] == [600, 200, 199]


def test_all_symbols_are_cut_at_the_same_times() -> None:
    times = days(1, 40)
    long, late, early = times[:39], times[20:39], times[:19]  # origins; each label ends a day later
    origin = np.concatenate([long, late, early])
    (fold,) = Holdout().split(origin, origin + np.timedelta64(1, "D"), times, 1, origin)
    assert origin[fold.train].max() == day(24)
    np.testing.assert_array_equal([origin[fold.validation].min(), origin[fold.validation].max()], [day(25), day(32)])
    assert origin[fold.test].min() == day(33)
    assert [len(fold.train), len(fold.validation), len(fold.test)] == [24 + 4 + 19, 16, 14]
    for part in (fold.train, fold.validation, fold.test):
        assert (np.diff(origin[part]) >= np.timedelta64(0)).all()


def test_boundary_without_a_bar_purges_only_labels_that_reach_the_first_origin_after_it() -> None:
    times = np.concatenate([days(1, 5), days(10, 20)])  # nothing from the 6th to the 9th
    split, origin = Holdout(validation_start="2020-01-07", test_start="2020-01-15"), times[:-2]
    (fold,) = split.split(origin, times[2:], times, 2, origin)
    np.testing.assert_array_equal(
        times[fold.train], days(1, 4)
    )  # the label of the 4th ends on the 10th, the first origin
    np.testing.assert_array_equal(times[fold.validation], days(10, 13))
    assert fold.purged == 2


@pytest.mark.parametrize(
    ("arguments", "count", "horizon", "message"),
    [
        (
            {"validation_start": "2020-01-05", "test_start": "2020-02-01"},
            20,
            1,
            "the test part is empty: no window has its origin from 2020-02-01T00:00 on; "
            "origins run from 2020-01-01T00:00 to 2020-01-19T00:00",
        ),
        (
            {"validation_start": "2020-01-14", "test_start": "2020-01-15"},
            20,
            2,
            "the validation part is empty: no window has its origin from 2020-01-14T00:00 to before 2020-01-15T00:00 "
            "and its label ended by 2020-01-15T00:00; origins run",
        ),
        (
            {"validation_start": "2019-12-01", "test_start": "2020-01-10"},
            20,
            1,
            "the train part is empty: no window has its origin before 2019-12-01T00:00 and its label ended by "
            "2020-01-01T00:00",
        ),
        ({}, 20, 4, "the test part is empty: no window has its origin from 2020-01-17T00:00 on"),
        ({}, 3, 1, "part is empty"),
        ({}, 1, 1, "the test part is empty: .* there are no windows"),
    ],
)
def test_empty_part_is_refused_by_name_and_dates(
    arguments: dict[str, str], count: int, horizon: int, message: str
) -> None:
    with pytest.raises(SplitError, match=message) as caught:
        cut_daily(Holdout(**arguments), count, horizon)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": 0.5}, r"train, validation and test must sum to 1, got 0.5 \+ 0.2 \+ 0.2"),
        ({"train": 0.8, "validation": 0.0}, "validation must be a fraction above 0, got 0.0"),
        ({"train": 1.2, "test": -0.4}, "test must be a fraction above 0, got -0.4"),
        ({"train": float("nan")}, "train must be a fraction above 0, got nan"),
        ({"test_start": "2020-01-01"}, "validation_start and test_start must be given together"),
        ({"validation_start": "2020-01-01"}, "validation_start and test_start must be given together"),
        ({"validation_start": "spring", "test_start": "2020-01-01"}, "validation_start must be a date .* got 'spring'"),
        ({"validation_start": "2020-01-01", "test_start": 2021}, "test_start must be a date .* got 2021"),
        (
            {"validation_start": "2020-02-01", "test_start": "2020-02-01"},
            "validation_start must lie before test_start, got 2020-02-01 and 2020-02-01",
        ),
    ],
)
def test_holdout_refuses_arguments_that_cannot_be(arguments: dict[str, float | str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Holdout(**arguments)


def test_thirds_sum_to_one() -> None:
    fold, _ = cut_daily(Holdout(train=1 / 3, validation=1 / 3, test=1 / 3), 30, 1)
    assert [len(part) for part in (fold.train, fold.validation, fold.test)] == [10, 10, 9]


# Rolling origin


@pytest.mark.parametrize(
    ("first_row", "horizon", "train", "validation", "test", "purged"),
    [
        (None, 3, (1, 23), (26, 28), (31, 34, 37), 2 + 2),  # rows 30, 33, 36; the label of row 36 is the last bar
        (20, 3, (1, 15), (18, 18), (21, 24, 27), 2 + 2),
        (20, 1, (1, 17), (18, 20), (21, 22, 23), 0),
    ],
)
def test_rolling_origin_cuts_at_these_dates(
    first_row: int | None,
    horizon: int,
    train: tuple[int, int],
    validation: tuple[int, int],
    test: tuple[int, int, int],
    purged: int,
) -> None:
    fold, origin = cut_daily(RollingOrigin(first_row, origins=3), 40, horizon)
    np.testing.assert_array_equal(origin[fold.test], [day(number) for number in test])
    np.testing.assert_array_equal(origin[fold.train][[0, -1]], [day(number) for number in train])
    np.testing.assert_array_equal(origin[fold.validation][[0, -1]], [day(number) for number in validation])
    assert fold.purged == purged


def test_benchmark_has_five_origins_of_each_series() -> None:
    times = np.datetime64("1990-01-01", "us") + np.arange(7588) * np.timedelta64(1, "D")
    rows = np.tile(np.arange(100, 7588 - 30), 8)
    (fold,) = RollingOrigin(6070).split(times[rows], times[rows + 30], times, 30, times[rows])
    assert sorted(rows[fold.test].tolist()) == sorted([6070 + 30 * number for number in range(5)] * 8)
    assert rows[fold.validation].max() + 30 == 6070
    assert rows[fold.train].max() + 30 == rows[fold.validation].min()
    assert len(np.unique(rows[fold.train])) == pytest.approx(0.8 * 6071, abs=140)


@pytest.mark.parametrize(
    ("split", "count", "horizon", "message"),
    [
        (RollingOrigin(6070), 5031, 30, "first_row 6070, 5 test origins and horizon 30 need 6221 bars, got 5031"),
        (RollingOrigin(6070), 6220, 30, "got 6220; split.first_row=null takes the latest origins that fit$"),
        (RollingOrigin(6070), 100, 30, "need 6221 bars, got 100$"),
        (RollingOrigin(), 20, 4, "^5 test origins and horizon 4 need 22 bars, got 20$"),
        (RollingOrigin(2, origins=2), 20, 3, "the validation part is empty"),
        (RollingOrigin(5, origins=2), 20, 5, "the validation part is empty"),
        (RollingOrigin(5, origins=2, validation=0.95), 20, 1, "the train part is empty"),
    ],
)
def test_rolling_origin_refuses_too_few_bars_with_numbers(
    split: RollingOrigin, count: int, horizon: int, message: str
) -> None:
    with pytest.raises(SplitError, match=message):
        cut_daily(split, count, horizon)


def test_test_origin_without_a_window_is_refused() -> None:
    times = days(1, 40)
    rows = np.delete(np.arange(37), 33)
    with pytest.raises(SplitError, match="a window at 3 origins, 1 have none, the first at 2020-02-03T00:00"):
        RollingOrigin(origins=3).split(times[rows], times[rows + 3], times, 3, times[rows])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"origins": 0}, "origins must be at least 1, got 0"),
        ({"first_row": 0}, "first_row must be at least 1, got 0"),
        ({"validation": 0.0}, r"validation must be a fraction inside \(0, 1\), got 0.0"),
        ({"validation": 1.0}, r"validation must be a fraction inside \(0, 1\), got 1.0"),
    ],
)
def test_rolling_origin_refuses_arguments_that_cannot_be(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RollingOrigin(**arguments)


# Properties


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[np.ndarray], int]:
    """Bar times of one to three symbols with gaps of their own, and a horizon."""
    horizon = draw(st.integers(1, 6))
    symbols = []
    for _ in range(draw(st.integers(1, 3))):
        keep = np.array(draw(st.lists(st.booleans(), min_size=90, max_size=90)))
        keep[::3] = True
        offset = draw(st.integers(0, 20))
        symbols.append(days(1 + offset, 90 + offset)[keep])
    return symbols, horizon


SPLITS = st.sampled_from(
    [Holdout(), Holdout(0.4, 0.3, 0.3), Holdout(0.8, 0.1, 0.1), RollingOrigin(origins=1), RollingOrigin(40, 2, 0.3)]
)


@settings(deadline=None)
@given(market=markets(), split=SPLITS)
def test_every_split_keeps_the_order_of_time(market: tuple[list[np.ndarray], int], split: Holdout) -> None:
    symbols, horizon = market
    origin = np.concatenate([known[:-horizon] for known in symbols])
    label_end = np.concatenate([known[horizon:] for known in symbols])
    try:
        (fold,) = split.split(origin, label_end, np.unique(np.concatenate(symbols)), horizon, origin)
    except SplitError:
        assume(False)
    parts = [fold.train, fold.validation, fold.test]
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)
    for part in parts:
        assert len(part)
        assert (np.diff(origin[part]) >= np.timedelta64(0)).all()
    # every window stands in a part, or was purged, or (rolling origins only) lies at or after the first test origin
    first_validation, first_test = origin[fold.validation].min(), origin[fold.test].min()
    if isinstance(split, Holdout):
        assert len(together) + fold.purged == len(origin)
    else:
        assert len(fold.train) + len(fold.validation) + fold.purged == np.count_nonzero(origin < first_test)
    assert origin[fold.train].max() < first_validation <= origin[fold.validation].max() < first_test

    # the bars that labels are made of, one by one, against the bars that later parts begin with
    label_bars = [known[row + 1 : row + horizon + 1] for known in symbols for row in range(len(known) - horizon)]
    for part, boundary in ((fold.train, first_validation), (fold.validation, first_test)):
        assert all((label_bars[window] <= boundary).all() for window in part)
    # nothing was purged that need not have been
    dropped = np.setdiff1d(np.flatnonzero(origin < first_validation), fold.train)
    assert all(label_bars[window][-1] > first_validation for window in dropped)
