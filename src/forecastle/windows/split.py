"""Splits: which windows train, validate and test, cut by time over all symbols at once.

**Purge.** A label reaches H bars beyond its origin. A training window is kept only where its label ends at or before
the first validation origin, a validation window only where its label ends at or before the first test origin. This is
derived from the times of the bars themselves, so that gaps and unequal calendars need no setting.

**Embargo.** There is none here, and none is missing: in both splits all training windows lie before those they are
judged on, and features look back only. A context of the test part reads bars that the training part has read too, and
that is no leak: at its origin they were known. An embargo will be needed where training windows lie *after* a test
part (combinatorial folds): their look-back then reads bars of the test labels. It will be as long as that look-back,
``max(warmup - 1 + C, P)`` bars after the last test label, and is as little a matter of choice as the purge.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from forecastle.arrays import BoolArray, TimeArray
from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold


class Holdout:
    """One fold: the oldest part trains, the next validates, the newest tests.

    Fractions are of the bars' times over the whole panel, and not of the windows, so that the boundaries stay where
    they are when features, context_length or horizon change, and results stay comparable. (The training part
    has fewer windows than its fraction says: it pays for the warm-up.)

    Parameters
    ----------
    train, validation, test
        Fractions of the bars' times, each above 0, that sum to 1.
    validation_start, test_start
        Dates such as ``2015-01-01`` or ``2015-01-01T12:00+01:00`` (UTC where no zone is given), in place of the
        fractions: the first origins of both parts lie at or after them. Both or neither.

    Raises
    ------
    ConfigError
        If the fractions do not sum to 1 or one is not above 0, if a date cannot be read, stands alone, or if the two
        are not in order.
    """

    def __init__(
        self,
        train: float = 0.6,
        validation: float = 0.2,
        test: float = 0.2,
        validation_start: str | None = None,
        test_start: str | None = None,
    ) -> None:
        fractions = {"train": train, "validation": validation, "test": test}
        for name, value in fractions.items():
            if not value > 0:
                raise ConfigError(f"{name} must be a fraction above 0, got {value}")
        if abs(sum(fractions.values()) - 1) > 1e-9:
            raise ConfigError(f"train, validation and test must sum to 1, got {train} + {validation} + {test}")
        if (validation_start is None) != (test_start is None):
            raise ConfigError(
                "validation_start and test_start must be given together, "
                f"got validation_start={validation_start}, test_start={test_start}"
            )
        self.cuts = (train, train + validation)
        self.starts: tuple[np.datetime64, np.datetime64] | None = None
        if validation_start is not None and test_start is not None:
            self.starts = (_date("validation_start", validation_start), _date("test_start", test_start))
            if self.starts[0] >= self.starts[1]:
                raise ConfigError(
                    f"validation_start must lie before test_start, got {validation_start} and {test_start}"
                )

    def split(
        self,
        origin: TimeArray,
        label_end: TimeArray,
        times: TimeArray,
        horizon: int,  # noqa: ARG002 (the contract's arguments)
        context_start: TimeArray,  # noqa: ARG002
    ) -> tuple[Fold, ...]:
        """Return one fold; the arguments are told by `forecastle.windows.fold.Split`.

        Raises
        ------
        SplitError
            If a part is empty.
        """
        if self.starts is None:
            rows = [min(round(cut * len(times)), len(times) - 1) for cut in self.cuts]
            validation_start, test_start = times[rows[0]], times[rows[1]]
        else:
            validation_start, test_start = self.starts
        in_test = origin >= test_start
        return (_forward_fold(origin, label_end, validation_start, test_start, in_test),)


class RollingOrigin:
    """One fold that tests at a few origins, H bars apart, so that their labels do not overlap.

    With ``first_row=6070``, five origins and horizon 30 on the exchange rates it is the split of
    ``exchange_rate_nips`` (Lai et al. 2018, arXiv 1703.07015; Salinas et al. 2019, arXiv 1910.03002).

    Parameters
    ----------
    first_row
        Number of the first test origin among the times of all bars, from 0; None for the latest that leaves room for
        all of them.
    origins
        Number of test origins (for each symbol).
    validation
        The last part of the bars up to the first test origin, as a fraction of them, validates.

    Raises
    ------
    ConfigError
        If `origins` or `first_row` is below 1, or `validation` not inside (0, 1).
    """

    def __init__(self, first_row: int | None = None, origins: int = 5, validation: float = 0.2) -> None:
        if origins < 1:
            raise ConfigError(f"origins must be at least 1, got {origins}")
        if first_row is not None and first_row < 1:
            raise ConfigError(f"first_row must be at least 1, got {first_row}")
        if not 0 < validation < 1:
            raise ConfigError(f"validation must be a fraction inside (0, 1), got {validation}")
        self.first_row = first_row
        self.origins = origins
        self.validation = validation

    def split(
        self,
        origin: TimeArray,
        label_end: TimeArray,
        times: TimeArray,
        horizon: int,
        context_start: TimeArray,  # noqa: ARG002 (the contract's argument)
    ) -> tuple[Fold, ...]:
        """Return one fold; the arguments are told by `forecastle.windows.fold.Split`.

        Raises
        ------
        SplitError
            If there are too few bars, a test origin without a window, or an empty part.
        """
        latest = len(times) - 1 - self.origins * horizon
        first = latest if self.first_row is None else self.first_row
        if not 1 <= first <= latest:
            given = self.first_row is not None
            raise SplitError(
                f"{f'first_row {first}, ' if given else ''}{self.origins} test origins and horizon {horizon} need "
                f"{max(first, 1) + self.origins * horizon + 1} bars, got {len(times)}"
                f"{'; split.first_row=null takes the latest origins that fit' if given and latest >= 1 else ''}"
            )
        wanted_origins = times[first : first + self.origins * horizon : horizon]
        in_test = np.isin(origin, wanted_origins)
        absent = np.setdiff1d(wanted_origins, origin[in_test])
        if len(absent):
            raise SplitError(
                f"the test part needs a window at {self.origins} origins, {len(absent)} have none, "
                f"the first at {_text(absent[0])}"
            )
        validation_start = times[round((1 - self.validation) * (first + 1))]
        return (_forward_fold(origin, label_end, validation_start, wanted_origins[0], in_test),)


def _forward_fold(
    origin: TimeArray,
    label_end: TimeArray,
    validation_start: np.datetime64,
    test_start: np.datetime64,
    in_test: BoolArray,
) -> Fold:
    """Cut at two times and purge the labels that reach over them."""
    before = origin < validation_start
    between = (origin >= validation_start) & (origin < test_start)
    _demand("test", in_test, origin, f"from {_text(test_start)} on")
    first_test = origin[in_test].min()
    validation = between & (label_end <= first_test)
    span = f"from {_text(validation_start)} to before {_text(test_start)}"
    _demand("validation", validation, origin, f"{span} and its label ended by {_text(first_test)}")
    first_validation = origin[validation].min()
    train = before & (label_end <= first_validation)
    span = f"before {_text(validation_start)}"
    _demand("train", train, origin, f"{span} and its label ended by {_text(first_validation)}")
    order = np.argsort(origin, kind="stable")
    return Fold(
        train=order[train[order]],
        validation=order[validation[order]],
        test=order[in_test[order]],
        purged=int(np.count_nonzero(before & ~train) + np.count_nonzero(between & ~validation)),
    )


def _demand(name: str, part: BoolArray, origin: TimeArray, where: str) -> None:
    """Refuse an empty part."""
    if not part.any():
        have = (
            f"origins run from {_text(origin.min())} to {_text(origin.max())}"
            if len(origin)
            else "there are no windows"
        )
        raise SplitError(f"the {name} part is empty: no window has its origin {where}; {have}")


def _date(name: str, text: str) -> np.datetime64:
    """Read a date or time in ISO 8601, UTC where no zone is given."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be a date such as 2015-01-01, got {text!r}") from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def _text(time: np.datetime64) -> str:
    """A time to the minute, for messages."""
    return np.datetime_as_string(time, unit="m")
