"""Cutting one fold in which training comes first, then validation, then test."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from forecastle.arrays import BoolArray, TimeArray
from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold


def forward_fold(
    origin: TimeArray,
    label_end: TimeArray,
    starts: tuple[np.datetime64 | None, np.datetime64, np.datetime64],
    in_test: BoolArray,
    name: str = "",
) -> Fold:
    """Cut at the starts of the three parts and purge the labels that reach over them.

    Parameters
    ----------
    origin, label_end
        Of N windows, shape (N,).
    starts
        When training, validation and test begin, by origin; training with None as early as there are windows.
    in_test
        Which windows are tested, shape (N,).
    name
        Begins every message: ``fold 3:``, or nothing.

    Raises
    ------
    SplitError
        If a part is empty.
    """
    train_start, validation_start, test_start = starts
    before = origin < validation_start
    since = ""
    if train_start is not None:
        before &= origin >= train_start
        since = f"from {text(train_start)} to "
    between = (origin >= validation_start) & (origin < test_start)
    demand(f"{name}the test part", in_test, origin, f"from {text(test_start)} on")
    first_test = origin[in_test].min()
    validation = between & (label_end <= first_test)
    span = f"from {text(validation_start)} to before {text(test_start)}"
    demand(f"{name}the validation part", validation, origin, f"{span} and its label ended by {text(first_test)}")
    first_validation = origin[validation].min()
    train = before & (label_end <= first_validation)
    span = f"{since}before {text(validation_start)}"
    demand(f"{name}the train part", train, origin, f"{span} and its label ended by {text(first_validation)}")
    order = np.argsort(origin, kind="stable")
    return Fold(
        train=order[train[order]],
        validation=order[validation[order]],
        test=order[in_test[order]],
        purged=int(np.count_nonzero(before & ~train) + np.count_nonzero(between & ~validation)),
    )


def demand(part: str, chosen: BoolArray, origin: TimeArray, where: str) -> None:
    """Raise SplitError where a part is empty."""
    if not chosen.any():
        have = (
            f"origins run from {text(origin.min())} to {text(origin.max())}" if len(origin) else "there are no windows"
        )
        raise SplitError(f"{part} is empty: no window has its origin {where}; {have}")


def date(name: str, given: str) -> np.datetime64:
    """Read a date or time in ISO 8601, UTC where no zone is given.

    Raises
    ------
    ConfigError
        If it is none; the message begins with `name`.
    """
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be a date such as 2015-01-01, got {given!r}") from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def text(time: np.datetime64) -> str:
    """A time to the minute, for messages."""
    return np.datetime_as_string(time, unit="m")
