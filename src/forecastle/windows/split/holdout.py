"""Holdout: one fold, cut at two times."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import TimeArray
from forecastle.errors import ConfigError
from forecastle.windows.fold import Fold
from forecastle.windows.split.cutting import date, forward_fold


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
            self.starts = (date("validation_start", validation_start), date("test_start", test_start))
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
        return (forward_fold(origin, label_end, (None, validation_start, test_start), in_test),)
