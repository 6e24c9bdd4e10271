"""What every split in conf/split keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from forecastle.windows.fold import Fold, Split
from forecastle.windows.separation import Spans, check_folds

CONF = Path(__file__).resolve().parents[2] / "conf" / "split"
FILES = sorted(CONF.glob("*.yaml"))
HORIZON = 30
REACH = 90
TIMES = np.datetime64("1990-01-01", "us") + np.arange(7588) * np.timedelta64(1, "D")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def split(request: pytest.FixtureRequest) -> Split:
    return instantiate(OmegaConf.load(request.param))


def spans_of(symbols: list[np.ndarray], horizon: int, reach: int) -> Spans:
    """All windows of some symbols, each with the times at which its bars are known."""
    ends = [
        np.concatenate(part)
        for part in zip(
            *(
                (known[: len(known) - horizon - reach + 1], known[reach - 1 : -horizon], known[reach - 1 + horizon :])
                for known in symbols
            ),
            strict=True,
        )
    ]
    return Spans(*ends)


def windows() -> Spans:
    """Two symbols, the second with a hole in its bars."""
    return spans_of([TIMES, np.delete(TIMES, np.s_[2000:2400])], HORIZON, REACH)


def cut(split: Split, spans: Spans, times: np.ndarray = TIMES, horizon: int = HORIZON) -> tuple[Fold, ...]:
    return split.split(spans.origin, spans.label_end, times, horizon, spans.context_start)


def known(spans: Spans, window: int, times: np.ndarray) -> set[np.datetime64]:
    """Times of all bars that a window's context and label may be of: those from its first to its last."""
    return set(times[(times >= spans.context_start[window]) & (times <= spans.label_end[window])])


def judged(spans: Spans, part: np.ndarray, times: np.ndarray) -> set[np.datetime64]:
    """Times of all bars that the labels of a part are of."""
    found: set[np.datetime64] = set()
    for window in part:
        found |= set(times[(times > spans.origin[window]) & (times <= spans.label_end[window])])
    return found


def test_parts_are_whole_ascending_and_apart(split: Split) -> None:
    spans = windows()
    folds = cut(split, spans)
    assert folds
    for fold in folds:
        parts = (fold.train, fold.validation, fold.test)
        together = np.concatenate(parts)
        assert len(np.unique(together)) == len(together)
        assert together.min() >= 0
        assert together.max() < len(spans.origin)
        for part in parts:
            assert len(part)
            assert (np.diff(spans.origin[part]) >= np.timedelta64(0)).all()
        assert len(fold.path) == len(fold.test)
        assert fold.purged > 0


def test_the_pipelines_own_check_passes(split: Split) -> None:
    check_folds(cut(split, windows()), windows())


def test_no_label_that_is_judged_overlaps_one_that_was_learned(split: Split) -> None:
    """Whatever the order of the parts: the labels of every pair of parts have no bar in common, seen as intervals."""
    spans = windows()
    for fold in cut(split, spans):
        for early, later in ((fold.train, fold.validation), (fold.train, fold.test), (fold.validation, fold.test)):
            starts, ends = np.sort(spans.origin[later]), np.sort(spans.label_end[later])
            for window in early[:: max(1, len(early) // 400)]:
                begun = np.count_nonzero(starts < spans.label_end[window])
                assert begun == np.count_nonzero(ends <= spans.origin[window])


def test_a_context_after_a_judged_label_does_not_look_back_into_it(split: Split) -> None:
    spans = windows()
    for fold in cut(split, spans):
        last = spans.label_end[fold.test].max()
        for part in (fold.train, fold.validation):
            after = part[spans.origin[part] >= last]
            assert (spans.context_start[after] > last).all()


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([path.stem for path in FILES if path.stem != "rolling_origin"]),
    st.integers(1, 4),
    st.integers(1, 12),
    st.lists(st.integers(0, 299), max_size=60, unique=True),
)
def test_parts_are_apart_bar_by_bar(name: str, horizon: int, reach: int, missing: list[int]) -> None:
    """Brute force over sets of bars, two symbols of which one lacks some, whatever the horizon and the look-back."""
    times = np.datetime64("2001-01-01", "us") + np.arange(300) * np.timedelta64(1, "D")
    short = {"refit": 40, "validation": 30} if name == "walk_forward" else {}
    split = instantiate({**OmegaConf.load(CONF / f"{name}.yaml"), **short})
    symbols = [times, np.delete(times, missing)]
    spans = spans_of(symbols, horizon, reach)
    for fold in cut(split, spans, times, horizon):
        test, validation = judged(spans, fold.test, times), judged(spans, fold.validation, times)
        assert not any(known(spans, window, times) & (test | validation) for window in fold.train)
        assert not any(known(spans, window, times) & test for window in fold.validation)
        kept = len(fold.train) + len(fold.validation) + len(fold.test)
        assert kept + fold.purged + fold.embargoed <= len(spans.origin)


def test_no_window_is_tested_twice_in_a_path_and_every_path_tests_the_same(split: Split) -> None:
    folds = cut(split, windows())
    test, path = np.concatenate([fold.test for fold in folds]), np.concatenate([fold.path for fold in folds])
    asked = np.unique(test)
    for number in range(path.max() + 1):
        np.testing.assert_array_equal(np.sort(test[path == number]), asked)


def test_the_order_in_which_symbols_stand_changes_nothing(split: Split) -> None:
    spans = windows()
    order = np.random.default_rng(0).permutation(len(spans.origin))
    for fold, other in zip(cut(split, spans), cut(split, spans.of(order)), strict=True):
        for name in ("train", "validation", "test"):
            np.testing.assert_array_equal(np.sort(order[getattr(other, name)]), np.sort(getattr(fold, name)))
        assert (fold.purged, fold.embargoed) == (other.purged, other.embargoed)
