"""The check of folds: whatever a split returns, a score is not computed on what it does not say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.errors import SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.separation import Spans, check_folds, knows, part_from

TIMES = np.datetime64("2020-01-01", "us") + np.arange(100) * np.timedelta64(1, "D")
SPANS = Spans(TIMES[:90], TIMES[4:94], TIMES[6:96])
FOLD = Fold(np.arange(30), np.arange(40, 50), np.arange(60, 70), 0)


def test_folds_that_are_apart_pass() -> None:
    check_folds([FOLD, replace(FOLD, test=np.arange(70, 80), path=np.zeros(0, int))], SPANS)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([], "a split must return at least one fold, got none"),
        ([replace(FOLD, train=np.arange(0))], "fold 0: the train part has no windows"),
        ([FOLD, replace(FOLD, test=np.arange(85, 95), path=np.zeros(10, int))], "fold 1: .* windows 0 to 89, got 94"),
        ([replace(FOLD, train=np.arange(30)[::-1])], "fold 0: the train part must ascend in origin"),
        ([replace(FOLD, train=np.array([1, 1, 2]))], "fold 0: 1 windows stand twice, the first at origin 2020-01-06"),
        (
            [replace(FOLD, train=np.arange(40))],
            r"fold 0: 1 train windows know bars that labels of the validation part are made of, the first at origin "
            r"2020-02-13T00:00 \(bars 2020-02-09T00:00 to 2020-02-15T00:00; the validation part's labels: 2020-02-14",
        ),
        ([replace(FOLD, validation=np.arange(40, 60))], "fold 0: 1 validation windows know bars .* of the test part"),
        (
            [replace(FOLD, train=np.arange(75, 80))],
            "fold 0: 1 train windows know bars .* the first at origin 2020-03-20",
        ),
        ([FOLD, FOLD], r"10 windows are tested by more than one fold \(path 0\), the first at origin 2020-03-05"),
        ([replace(FOLD, path=np.arange(10) // 5)], "path 0 tests 5 of 10 windows; the first that lacks is at origin"),
        ([replace(FOLD, path=np.zeros(3, int))], "fold 0: each of 10 test windows must have a path, got 3"),
    ],
)
def test_folds_that_are_not_what_they_say_are_refused(folds: list[Fold], message: str) -> None:
    with pytest.raises(SplitError, match=message) as caught:
        check_folds(folds, SPANS)
    assert "\n" not in str(caught.value)


@given(st.data())
def test_what_a_window_knows_is_found_bar_by_bar(data: st.DataObject) -> None:
    """Brute force over sets of bars."""

    def draw(count: int) -> list[tuple[int, int, int]]:
        three = st.tuples(*[st.integers(0, 30)] * 3).map(sorted).filter(lambda each: each[1] < each[2])
        return data.draw(st.lists(three, min_size=1, max_size=count))

    rows = [*draw(8), *(others := draw(8))]
    spans = Spans(*(TIMES[list(column)] for column in zip(*rows, strict=True)))
    mine, judged = np.arange(len(rows) - len(others)), np.arange(len(rows) - len(others), len(rows))
    labels = {bar for _, origin, end in others for bar in range(origin + 1, end + 1)}
    knowing = [bool(set(range(rows[at][0], rows[at][2] + 1)) & labels) for at in mine]
    purged = [bool(set(range(rows[at][1] + 1, rows[at][2] + 1)) & labels) for at in mine]
    assert knows(spans.of(mine), spans.of(judged)).tolist() == knowing
    kept, gone, embargoed = part_from(mine, judged, spans)
    assert kept.tolist() == [at for at, each in zip(mine, knowing, strict=True) if not each]
    assert (gone, embargoed) == (sum(purged), sum(knowing) - sum(purged))
