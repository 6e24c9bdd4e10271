"""What the first bar of each week tells about the clock and the labels of a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecastle.arrays import TimeArray

CLOCKS = ("UTC", "EET", "America/New_York", "Etc/GMT+5", "Europe/London", "Etc/GMT-2", "Etc/GMT-3")
"""Clocks that files of foreign exchange follow."""

SHORTEST, LONGEST = np.timedelta64(36, "h"), np.timedelta64(100, "h")
"""A pause of a weekend."""

FEWEST = 8
"""Weeks that tell anything."""

SURE = 0.85
"""Share of the weeks that have to agree; for four weeks a year Europe and America differ in daylight saving."""


@dataclass(frozen=True)
class WeekOpenings:
    """The first labels of the weeks.

    Parameters
    ----------
    time
        On the clock of the file, shape (weeks,).
    """

    time: TimeArray

    @classmethod
    def of(cls, time: TimeArray) -> WeekOpenings:
        """Find the bars that follow the pause of a weekend, in times that increase."""
        pauses = np.diff(time)
        return cls(time[1:][(pauses >= SHORTEST) & (pauses <= LONGEST)])

    def __len__(self) -> int:
        return len(self.time)

    def share(self, clock: str) -> float:
        """Share of the weeks that open on Sunday at 17 in New York if the file follows this clock."""
        moments = pd.DatetimeIndex(self.time).tz_localize(clock, ambiguous="NaT", nonexistent="NaT")
        local = moments.tz_convert("America/New_York")
        return float(np.mean((local.day_of_week == 6) & (local.hour == 17)))

    def fitting(self) -> dict[str, float]:
        """Share of the weeks that each clock explains, those above `SURE` only, best first."""
        shares = {clock: self.share(clock) for clock in CLOCKS} if len(self) >= FEWEST else {}
        good = {clock: share for clock, share in shares.items() if share >= SURE}
        return dict(sorted(good.items(), key=lambda item: -item[1]))

    def hours(self) -> str:
        """The three most frequent first labels with their shares, on the clock of the file.

        Examples
        --------
        >>> WeekOpenings(np.array(["2020-01-05T22:00", "2020-01-12T22:00"], dtype="datetime64[us]")).hours()
        'Sun 22:00 in 100 % of 2 weeks'
        """
        texts = Counter(pd.DatetimeIndex(self.time).strftime("%a %H:%M"))
        shown = ", ".join(f"{text} in {count / len(self):.0%}" for text, count in texts.most_common(3))
        return f"{shown} of {len(self)} weeks".replace("%", " %")

    def same_hour(self) -> bool:
        """Tell whether the weeks open at one local time all year, as an exchange does on its own clock."""
        counts = Counter(pd.DatetimeIndex(self.time).strftime("%H:%M"))
        return len(self) >= FEWEST and counts.most_common(1)[0][1] >= SURE * len(self)
