"""Separation: what a window of one part knows is apart from what the windows of another part are asked.

A window's context is computed from the bars from its ``context_start`` to its origin, its label from those after the
origin up to its ``label_end``. Where one of these bars belongs to a label that the model is judged on, the window may
neither train nor validate: fitted to it, the model would know a part of the answer. Whether the window lies before or
after that label makes no difference to the rule. What it takes away because labels overlap is the purge, what it takes
away because a context after a label looks back into it the embargo; neither is a matter of choice.

References
----------
López de Prado, Advances in Financial Machine Learning (2018), section 7.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from forecastle.arrays import BoolArray, IntArray, TimeArray
from forecastle.errors import SplitError
from forecastle.windows.fold import Fold


class Spans(NamedTuple):
    """Three times of each of N windows, UTC, shape (N,).

    Known time of the oldest bar of the context; of the newest one; of the last bar of the label, which is of the bars
    after the origin.
    """

    context_start: TimeArray
    origin: TimeArray
    label_end: TimeArray

    def of(self, windows: IntArray) -> Spans:
        """The times of some windows."""
        return Spans(*(times[windows] for times in self))


def knows(mine: Spans, judged: Spans) -> BoolArray:
    """Which windows have a bar of a judged window's label in their context or label, shape (N,)."""
    begun = np.searchsorted(np.sort(judged.origin), mine.label_end, side="left")
    ended = np.searchsorted(np.sort(judged.label_end), mine.context_start, side="left")
    return np.asarray(begun > ended)


def part_from(mine: IntArray, judged: IntArray, spans: Spans) -> tuple[IntArray, int, int]:
    """Take away the windows that know a bar of a judged window's label.

    Parameters
    ----------
    mine, judged
        Indices of windows.
    spans
        Of all windows.

    Returns
    -------
    tuple
        What is left of `mine`; how many were purged, since their label overlaps a judged one; how many were embargoed,
        since their context alone does.
    """
    windows, others = spans.of(mine), spans.of(judged)
    lost = knows(windows, others)
    begun = np.searchsorted(np.sort(others.origin), windows.label_end, side="left")
    ended = np.searchsorted(np.sort(others.label_end), windows.origin, side="right")
    purged = int(np.count_nonzero(begun > ended))
    return mine[~lost], purged, int(np.count_nonzero(lost)) - purged


def check_folds(folds: Sequence[Fold], spans: Spans) -> None:
    """Refuse folds on which a score would not be what it says, whoever made them.

    Parameters
    ----------
    folds
        What a split returned.
    spans
        Of the N windows that were split.

    Raises
    ------
    SplitError
        If there is no fold, a part is empty, is not ascending or holds what is no window; if parts of a fold share a
        window or what one knows reaches into the labels of another; if a window is tested twice in a path, or
        paths test different windows. The message names the fold, counted from 0.
    """
    if not folds:
        raise SplitError("a split must return at least one fold, got none")
    context_start, origin, label_end = spans
    for number, fold in enumerate(folds):
        _check_parts(number, fold, origin)
        for early, later in (("train", "validation"), ("train", "test"), ("validation", "test")):
            mine, other = fold.part(early), fold.part(later)
            wrong = knows(spans.of(mine), spans.of(other))
            if wrong.any():
                at = mine[np.flatnonzero(wrong)[0]]
                raise SplitError(
                    f"fold {number}: {np.count_nonzero(wrong)} {early} windows know bars that labels of the {later} "
                    f"part are made of, the first at origin {_text(origin[at])} (bars {_text(context_start[at])} to "
                    f"{_text(label_end[at])}; the {later} part's labels: {_text(origin[other].min())} to "
                    f"{_text(label_end[other].max())})"
                )
    _check_paths(folds, origin)


def _check_parts(number: int, fold: Fold, origin: TimeArray) -> None:
    together: IntArray = np.concatenate([fold.train, fold.validation, fold.test])
    for name in ("train", "validation", "test"):
        part = fold.part(name)
        if not len(part):
            raise SplitError(f"fold {number}: the {name} part has no windows")
        if part.min() < 0 or part.max() >= len(origin):
            wrong = part.min() if part.min() < 0 else part.max()
            raise SplitError(f"fold {number}: the {name} part must hold windows 0 to {len(origin) - 1}, got {wrong}")
        if (np.diff(origin[part]) < np.timedelta64(0)).any():
            raise SplitError(f"fold {number}: the {name} part must ascend in origin")
    distinct, count = np.unique(together, return_counts=True)
    if len(distinct) < len(together):
        at = _text(origin[distinct[count > 1][0]])
        raise SplitError(f"fold {number}: {np.count_nonzero(count > 1)} windows stand twice, the first at origin {at}")
    if len(fold.path) != len(fold.test):
        raise SplitError(f"fold {number}: each of {len(fold.test)} test windows must have a path, got {len(fold.path)}")


def _check_paths(folds: Sequence[Fold], origin: TimeArray) -> None:
    test = np.concatenate([fold.test for fold in folds])
    path = np.concatenate([fold.path for fold in folds])
    asked = np.unique(test)
    for number in np.unique(path).tolist():
        distinct, count = np.unique(test[path == number], return_counts=True)
        if (count > 1).any():
            at = _text(origin[distinct[count > 1][0]])
            raise SplitError(
                f"{np.count_nonzero(count > 1)} windows are tested by more than one fold (path {number}), the first "
                f"at origin {at}: test parts must not overlap, or their windows must be on different paths"
            )
        lacking = np.setdiff1d(asked, distinct)
        if len(lacking):
            at = _text(origin[lacking[0]])
            raise SplitError(
                f"path {number} tests {len(distinct)} of {len(asked)} windows; the first that lacks is at origin {at}"
            )


def _text(time: np.datetime64) -> str:
    """A time to the minute, for messages."""
    return np.datetime_as_string(time, unit="m")
