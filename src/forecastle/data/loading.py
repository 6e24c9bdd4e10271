"""Loading: from a source to clean bars and the account of what was done."""

from __future__ import annotations

import pandas as pd

from forecastle.data.bars import BarSource, Panel
from forecastle.data.cleaning import clean
from forecastle.data.clock import utc
from forecastle.data.quality import QualityPolicy, QualityReport
from forecastle.errors import DataError


def load(
    source: BarSource,
    policy: QualityPolicy,
    start: pd.Timestamp | str | None = None,
    end: pd.Timestamp | str | None = None,
) -> tuple[Panel, QualityReport]:
    """Read, judge and clean the candles of a source.

    Parameters
    ----------
    source
        Where candles come from.
    policy
        What is done about each kind of defect.
    start, end
        Bars with open time in [start, end) are read; UTC where no zone is given. None means no bound.

    Raises
    ------
    DataError
        If the source cannot be read, `start` is not before `end`, nothing lies between them, or the policy refuses
        the data.
    ConfigError
        If `start` or `end` is no date.

    Examples
    --------
    >>> from forecastle.data.synthetic import SyntheticSource
    >>> panel, report = load(SyntheticSource(count=300), QualityPolicy())
    >>> len(panel.members[0]), report.interval
    (300, '1h')
    """
    first, last = utc(start), utc(end)
    if first is not None and last is not None and first >= last:
        raise DataError(f"start must lie before end, got start {first} and end {last}")
    table = source.history(first, last)
    if not len(table):
        where = getattr(source, "name", type(source).__name__)
        raise DataError(f"{where}: no bars in [{first or 'the beginning'}, {last or 'the end'})")
    return clean(table, source, policy)
