"""WalkForward: where the stretches lie, by bars and by the calendar, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.split import WalkForward

HORIZON = 2


def hours(count: int, start: str = "2020-01-01") -> np.ndarray:
    return np.datetime64(start, "us") + np.arange(count) * np.timedelta64(1, "h")


def cut(split: WalkForward, times: np.ndarray) -> tuple[tuple[Fold, ...], np.ndarray]:
    origin = times[:-HORIZON]
    return split.split(origin, times[HORIZON:], times, HORIZON, origin), origin


def spans(part: str, folds: tuple[Fold, ...]) -> list[tuple[int, int]]:
    """First and last row of a part of each fold."""
    return [(int(fold.part(part)[0]), int(fold.part(part)[-1])) for fold in folds]


def test_stretches_of_bars_follow_each_other_and_training_grows() -> None:
    folds, _ = cut(WalkForward(start=0.5, refit=20, validation=10), hours(100))
    assert spans("test", folds) == [(50, 69), (70, 89), (90, 97)]
    assert spans("validation", folds) == [(40, 48), (60, 68), (80, 88)], "the last label ends at the first test origin"
    assert spans("train", folds) == [(0, 38), (0, 58), (0, 78)]
    assert [fold.purged for fold in folds] == [2, 2, 2]


def test_a_window_rolls() -> None:
    folds, _ = cut(WalkForward(start=0.5, refit=20, validation=10, window=15), hours(100))
    assert spans("train", folds) == [(25, 38), (45, 58), (65, 78)]


def test_a_refit_by_the_calendar_begins_with_its_unit() -> None:
    times = np.datetime64("2019-03-05", "us") + np.arange(900) * np.timedelta64(1, "D")
    folds, origin = cut(WalkForward(start=0.5, refit="3 months", validation="1 month"), times)
    begins = [str(origin[fold.test[0]])[:10] for fold in folds]
    assert begins == ["2020-06-01", "2020-09-01", "2020-12-01", "2021-03-01", "2021-06-01"]
    assert [str(origin[fold.validation[0]])[:10] for fold in folds][:2] == ["2020-05-01", "2020-08-01"]
    assert str(origin[folds[-1].test[-1]])[:10] == str(origin[-1])[:10]


@pytest.mark.parametrize(
    ("refit", "second"),
    [("1 month", "2020-02-29"), ("1 year", "2021-01-31"), ("2 weeks", "2020-02-14"), ("10 days", "2020-02-10")],
)
def test_a_date_is_where_the_first_stretch_begins_to_the_day(refit: str, second: str) -> None:
    times = np.datetime64("2019-01-01", "us") + np.arange(1000) * np.timedelta64(1, "D")
    folds, origin = cut(WalkForward(start="2020-01-31", refit=refit, validation=30), times)
    assert [str(origin[fold.test[0]])[:10] for fold in folds[:2]] == ["2020-01-31", second]


def test_every_window_from_the_start_on_is_tested_once() -> None:
    folds, origin = cut(WalkForward(start=0.6, refit=7, validation=10), hours(203))
    tested = np.concatenate([fold.test for fold in folds])
    np.testing.assert_array_equal(tested, np.arange(round(0.6 * 203), len(origin)))


def test_a_trailing_stretch_without_windows_is_no_fold() -> None:
    folds, _ = cut(WalkForward(start=0.5, refit=48, validation=10), hours(100))
    assert spans("test", folds) == [(50, 97)], "the bars 98 and 99 have no label"


@pytest.mark.parametrize(
    ("split", "count", "message"),
    [
        (WalkForward(0.5, 20, 1), 100, r"fold 0: the validation part is empty: .* origins run from 2020-01-01T00:00"),
        (WalkForward(0.02, 20, 10), 100, "fold 0: the train part is empty: no window has its origin before 2019-12-31"),
        (WalkForward(0.5, "1 year", 10), 100, "the first test stretch would begin at 2021-01-01T00:00, but the last"),
        (WalkForward("2021-01-01", 5, 10), 100, "the first test stretch would begin at 2021-01-01T00:00, but the last"),
        (WalkForward(0.5, 20, 10, 60), 100, "fold 0: a window of 60 bars before 2020-01-02T16:00 is wanted to train"),
    ],
)
def test_what_the_data_do_not_hold_is_refused(split: WalkForward, count: int, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        cut(split, hours(count))


def test_a_stretch_without_bars_is_refused() -> None:
    times = np.concatenate([hours(24 * 20), hours(24 * 20, "2020-02-20")])
    with pytest.raises(SplitError, match="fold 1: the test part is empty: no window has its origin from 2020-01-27"):
        cut(WalkForward("2020-01-20", "1 week", 24), times)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": 1.0}, r"start must be a fraction inside \(0, 1\) or a date such as 2015-01-01, got 1.0"),
        ({"start": "soon"}, "start must be a date such as 2015-01-01, got 'soon'"),
        ({"refit": "1 moon"}, r"refit must be a number of bars or of days, weeks, months, years, .* got '1 moon'"),
        ({"refit": 0}, "refit must be a number of bars .* got 0"),
        ({"validation": True}, "validation must be a number of bars .* got True"),
        ({"window": "0 days"}, "window must be a number of bars .* got '0 days'"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        WalkForward(**arguments)
