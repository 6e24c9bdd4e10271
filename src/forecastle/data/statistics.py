"""What the numbers of a whole file tell about its clock, its labels and its units."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecastle.arrays import TIME, TimeArray
from forecastle.data.bars import BarSource
from forecastle.data.cleaning import clean
from forecastle.data.interval import interval_text, most_frequent, steps
from forecastle.data.quality import QualityPolicy, QualityReport
from forecastle.data.recognition import Proposal
from forecastle.data.units import calculated
from forecastle.data.week import FEWEST, WeekOpenings
from forecastle.errors import DataError

LENIENT = QualityPolicy("drop", "repair", "drop", "repair", "repair")

GENERIC = ("csv", "parquet")
"""Choices that say nothing about the origin of a file."""

DAY = np.timedelta64(1, "D")


def describe(table: pd.DataFrame, source: BarSource, proposal: Proposal, *, naive: bool) -> None:
    """Add to a proposal what the raw table of a file tells.

    Parameters
    ----------
    table
        Read as proposed; where `naive`, the times are those of the file's own clock, taken as UTC.
    source
        What read it.
    proposal
        Evidence, doubts and settings are added to it.
    naive
        The clock of the file is not known.
    """
    time = np.unique(table["time"].dropna().dt.tz_localize(None).to_numpy().astype(TIME))
    symbols = [str(name) for name in table["symbol"].dropna().unique()]
    shown = ", ".join(sorted(symbols)[:8]) + (", …" if len(symbols) > 8 else "")
    proposal.evidence.append(f"{len(table)} rows of {len(symbols)} symbol{'s' * (len(symbols) > 1)} ({shown})")
    span = most_frequent(steps(time))
    if span is not None:
        proposal.evidence.append(f"steps of {interval_text(span)} from {time[0]} to {time[-1]}")
        _week(time, span, proposal, naive=naive)
    _units(table, proposal)
    try:
        _defects(clean(table, source, LENIENT)[1], proposal)
    except DataError as error:
        proposal.doubts.append(f"no bars come of it: {error}")


def _week(time: TimeArray, span: np.timedelta64, proposal: Proposal, *, naive: bool) -> None:
    """Clock and label, by the first bars of the weeks."""
    openings = WeekOpenings.of(time)
    telling = span < DAY and len(openings) >= FEWEST
    if telling:
        proposal.evidence.append(f"weeks open at {openings.hours()}, on the clock {'of the file' if naive else 'UTC'}")
    if naive:
        proposal.doubts.append(_zone(openings, proposal) if telling else "timezone: nothing in the file tells it")
    elif telling and openings.share("UTC") < 0.5 and openings.fitting():
        proposal.doubts.append(
            f"timezone: as {next(iter(openings.fitting()))}, weeks would open on Sunday at 17 in New York"
        )
    if proposal.dialect in GENERIC:
        proposal.doubts.append(f"label: open or close of the bar? {_label(openings, span) if telling else ''}".strip())


def _zone(openings: WeekOpenings, proposal: Proposal) -> str:
    """The doubt about the clock; where one clock fits and no other, it is proposed."""
    fitting = openings.fitting()
    if len(fitting) == 1:
        clock, share = next(iter(fitting.items()))
        proposal.settings["timezone"] = clock
        return (
            f"timezone: as {clock}, {share:.0%} of the weeks open on Sunday at 17 in New York, as no other clock gives"
        )
    if fitting:
        return f"timezone: {' or '.join(fitting)}; the file is too short to tell"
    if openings.same_hour():
        return "timezone: weeks open at one hour all year, as on the clock of an exchange: its zone is wanted"
    return "timezone: no clock lets the weeks open on Sunday at 17 in New York; it may change within the file"


def _label(openings: WeekOpenings, span: np.timedelta64) -> str:
    minutes = pd.Series(pd.DatetimeIndex(openings.time).minute).mode().iloc[0]
    length = int(span / np.timedelta64(1, "m"))
    if 1 < length < 60 and minutes in (0, length):
        return f"weeks begin at minute {minutes}, which suggests {'open' if minutes == 0 else 'close'}"
    return "the times do not tell"


def _units(table: pd.DataFrame, proposal: Proposal) -> None:
    """Points, and what the prices are."""
    close = calculated([table["close"]], lambda values: values)
    values = pd.to_numeric(close, errors="coerce").dropna().to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) and (values == np.rint(values)).all() and np.median(values) >= 1000:
        proposal.doubts.append(
            "format.scale: prices are whole numbers; are they points? 0.00001 would make 1.13652 of 113652"
        )
    if "spread" in table and proposal.dialect in GENERIC:
        spread = pd.to_numeric(table["spread"], errors="coerce").dropna()
        if "columns.spread" in proposal.settings:
            proposal.doubts.append("format.point: is the spread in price units, or in points?")
        if len(spread):
            proposal.evidence.append(f"the spread is {spread.median():.6g} at the median")
    elif proposal.dialect in GENERIC:
        proposal.doubts.append("prices: bids, asks, their means or trades? no spread is known")


def _defects(report: QualityReport, proposal: Proposal) -> None:
    """Counts of what the quality policy will judge."""
    counts: dict[str, int] = {}
    for symbol in report.symbols:
        for finding in symbol.findings:
            counts[finding.kind] = counts.get(finding.kind, 0) + finding.count
    listed = ", ".join(f"{count} x {kind}" for kind, count in counts.items()) or "none"
    proposal.evidence.append(f"defects: {listed}")
