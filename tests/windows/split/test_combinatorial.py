"""PurgedKFold and CombinatorialPurged: folds and paths as in the book, by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.split import CombinatorialPurged, PurgedKFold

HORIZON, REACH = 2, 3
COUNT = 604
"""Bars of 600 windows."""


def cut(split: CombinatorialPurged, count: int = COUNT) -> tuple[Fold, ...]:
    times = np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")
    origin = times[REACH - 1 : -HORIZON]
    return split.split(origin, times[REACH - 1 + HORIZON :], times, HORIZON, times[: len(origin)])


def groups(windows: np.ndarray, of: int, count: int = COUNT) -> list[int]:
    """Numbers of the groups in which windows lie."""
    return sorted({int(window * of // (count - HORIZON - REACH + 1)) for window in windows})


@pytest.mark.parametrize(("total", "tested"), [(6, 2), (5, 1), (6, 3), (4, 2)])
def test_there_are_as_many_folds_and_paths_as_lopez_de_prado_counts(total: int, tested: int) -> None:
    split = CombinatorialPurged(total, tested)
    folds = cut(split)
    assert len(folds) == split.folds == comb(total, tested)
    assert split.paths == tested * comb(total, tested) // total
    assert {int(path) for fold in folds for path in np.unique(fold.path)} == set(range(split.paths))


def test_paths_are_those_of_his_figure() -> None:
    """Figure 12.1 and 12.2: six groups, two tested; path of each group in each of the 15 folds, counted from 1."""
    figure = {
        0: {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}, 1: {0: 1, 5: 2, 6: 3, 7: 4, 8: 5}, 2: {1: 1, 5: 2, 9: 3, 10: 4, 11: 5},
        3: {2: 1, 6: 2, 9: 3, 12: 4, 13: 5}, 4: {3: 1, 7: 2, 10: 3, 12: 4, 14: 5},
        5: {4: 1, 8: 2, 11: 3, 13: 4, 14: 5},
    }  # fmt: skip
    found: dict[int, dict[int, int]] = {group: {} for group in range(6)}
    for number, fold in enumerate(cut(CombinatorialPurged(6, 2))):
        for path in np.unique(fold.path):
            for group in groups(fold.test[fold.path == path], 6):
                found[group][number] = int(path) + 1
    assert found == figure


def test_each_group_validates_beside_its_test_group_and_the_newest_before_the_oldest() -> None:
    folds = cut(PurgedKFold(5))
    assert [groups(fold.test, 5) for fold in folds] == [[0], [1], [2], [3], [4]]
    assert [groups(fold.validation, 5) for fold in folds] == [[4], [0], [1], [2], [3]]
    assert all(groups(fold.train, 5) != groups(fold.test, 5) for fold in folds)
    assert [groups(fold.validation, 6)[0] for fold in cut(CombinatorialPurged(6, 2))][:6] == [5, 5, 5, 5, 4, 0]


def test_the_gap_before_a_test_group_is_the_horizon_and_after_it_the_look_back() -> None:
    fold = cut(PurgedKFold(5))[2]  # windows 240 to 359, each named by its origin, are tested
    assert fold.train[fold.train < 240].max() == 178, "its label ends at 180, the first validation origin"
    assert fold.validation[-1] == 238, "its label ends at 240, the first test origin"
    assert fold.train[fold.train > 240].min() == 359 + HORIZON + REACH, "its first bar is the one after the last label"
    assert (fold.purged, fold.embargoed) == (3, REACH), "one at each of the three boundaries"


@pytest.mark.parametrize(
    ("split", "count", "message"),
    [
        (
            PurgedKFold(50),
            60,
            r"fold \d+: the \w+ part is empty: \d+ windows were purged and \d+ embargoed: fewer groups",
        ),
        (
            CombinatorialPurged(20, 2),
            22,
            "each of 20 groups must have windows, group 4 has none .18 windows of 18 bars.",
        ),
        (CombinatorialPurged(4, 2), 16, r"fold \d: the \w+ part is empty: \d+ windows were purged and \d+ embargoed"),
    ],
)
def test_too_many_folds_for_the_data_are_refused(split: CombinatorialPurged, count: int, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        cut(split, count)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PurgedKFold(2), "folds must be at least 3, got 2"),
        (lambda: CombinatorialPurged(4, 3), "groups must be at least 5, the 3 that test and two more, got 4"),
        (lambda: CombinatorialPurged(4, 0), "test_groups must be at least 1, got 0"),
        (lambda: PurgedKFold(5, 0.0), r"validation must be a share above 0 and at most 1, got 0\.0"),
    ],
)
def test_wrong_arguments_are_told(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
