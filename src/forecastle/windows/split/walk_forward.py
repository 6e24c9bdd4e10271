"""WalkForward: the model is fitted again and again, and tested each time on what came next."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import TimeArray
from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.split.cutting import date, forward_fold, text
from forecastle.windows.split.stretch import read_stretch


class WalkForward:
    """Test stretches that follow each other without a gap, each with a model that was fitted just before it.

    Fold k tests from ``start + k · refit`` to the next refit, the last fold to the end of the data. The stretch
    `validation` before it validates (and stops the model early), all bars before that, or the last `window` of them,
    train. So every window from `start` on is tested once, by a model that knew the past alone: together the test parts
    are one forecast of the whole stretch, as it would have been made.

    Parameters
    ----------
    start
        Where the first test stretch begins: a fraction of the bars' times, with a `refit` by the calendar moved on to
        the next beginning of its unit, or a date such as ``2015-01-01`` (UTC where no zone is given).
    refit
        How long a model is used: a number of bars, or a text such as ``1 year``, ``3 months``, ``2 weeks`` or
        ``10 days``.
    validation
        Length of the validation part, in the same words.
    window
        Length of the training part, in the same words (rolling); null: from the first bar on (expanding).

    Raises
    ------
    ConfigError
        If `start` is neither a fraction inside (0, 1) nor a date, or one of the others no stretch of time.
    """

    def __init__(
        self,
        start: float | str = 0.5,
        refit: int | str = "1 year",
        validation: int | str = "1 year",
        window: int | str | None = None,
    ) -> None:
        if not isinstance(start, str) and not 0 < start < 1:
            raise ConfigError(f"start must be a fraction inside (0, 1) or a date such as 2015-01-01, got {start}")
        self.start = date("start", start) if isinstance(start, str) else start
        self.refit = read_stretch("refit", refit)
        self.validation = read_stretch("validation", validation)
        self.window = None if window is None else read_stretch("window", window)

    def split(
        self,
        origin: TimeArray,
        label_end: TimeArray,
        times: TimeArray,
        horizon: int,  # noqa: ARG002 (the contract's arguments)
        context_start: TimeArray,  # noqa: ARG002
    ) -> tuple[Fold, ...]:
        """Return the folds, oldest first; the arguments are told by `forecastle.windows.fold.Split`.

        Raises
        ------
        SplitError
            If nothing lies at or after `start`, or a part of a fold is empty.
        """
        last = origin.max()
        first = self._first(times)
        if first > last:
            raise SplitError(
                f"the first test stretch would begin at {text(first)}, but the last origin is {text(last)}: "
                f"give split.start as a date, or a refit shorter than {self.refit}"
            )
        starts = self.refit.starts(first, last, times)
        folds = []
        for number, begin in enumerate(starts):
            in_test = origin >= begin
            if number + 1 < len(starts):
                in_test &= origin < starts[number + 1]
            validation_start = self.validation.before(begin, times)
            train_start = None if self.window is None else self.window.before(validation_start, times)
            if train_start is not None and train_start < times[0]:
                raise SplitError(
                    f"fold {number}: a window of {self.window} before {text(validation_start)} is wanted to train, but "
                    f"the first bar is known at {text(times[0])}: a later split.start, or a shorter window"
                )
            folds.append(
                forward_fold(origin, label_end, (train_start, validation_start, begin), in_test, f"fold {number}: ")
            )
        return tuple(folds)

    def _first(self, times: TimeArray) -> np.datetime64:
        """When the first test stretch begins."""
        if isinstance(self.start, np.datetime64):
            return self.start
        return self.refit.opened(times[min(round(self.start * len(times)), len(times) - 1)])
