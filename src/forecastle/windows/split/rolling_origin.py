"""RollingOrigin: one fold that tests at a few origins, as published benchmarks do."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import TimeArray
from forecastle.errors import ConfigError, SplitError
from forecastle.windows.fold import Fold
from forecastle.windows.split.cutting import forward_fold, text


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
                f"the first at {text(absent[0])}"
            )
        validation_start = times[round((1 - self.validation) * (first + 1))]
        return (forward_fold(origin, label_end, (None, validation_start, wanted_origins[0]), in_test),)
