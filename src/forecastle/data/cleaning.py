"""Cleaning: from a raw table to bars, as the policy decides, with an account of every row."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from forecastle.arrays import BoolArray
from forecastle.data.bars import OPTIONAL, PRICES, Bars, BarSource, Panel
from forecastle.data.calendar import slot_times, slots
from forecastle.data.checks import DEFECTS, Defect, insert_flat
from forecastle.data.interval import interval_text, most_frequent, parse_interval, steps
from forecastle.data.quality import ALLOWED, Finding, QualityPolicy, QualityReport, SymbolReport
from forecastle.data.rows import Rows, by_symbol, row_number
from forecastle.data.session import ZONE_POLICIES
from forecastle.data.weekend import WEEKEND_DEFECTS
from forecastle.data.zone import zone_changes
from forecastle.errors import DataError

SHOWN = 5
"""Offending rows that a report shows of each kind."""


def clean(table: pd.DataFrame, source: BarSource, policy: QualityPolicy) -> tuple[Panel, QualityReport]:
    """Judge a raw table and make bars of it.

    Parameters
    ----------
    table
        What `source` gave: see `forecastle.data.bars.BarSource`.
    source
        Says the interval (None: the most frequent step is taken) and whether the times are a calendar; its ``name``,
        where it has one, is used in messages.
    policy
        What is done about each kind of defect.

    Raises
    ------
    DataError
        If a column is missing, a defect is found whose policy is ``fail``, no row of a symbol remains, or the interval
        cannot be derived or is not the declared one.
    """
    where = str(getattr(source, "name", type(source).__name__))
    judge = _Judge(table, policy, where)
    kept = {symbol: judge.rows(symbol, rows, source.calendar) for symbol, rows in by_symbol(table, where)}
    interval = _interval(kept, source.interval, where)
    members = []
    for symbol, rows in kept.items():
        if source.calendar:
            judge.zone(symbol, rows, interval)
        whole = judge.gaps(symbol, rows, interval) if source.calendar else rows
        judge.close(symbol, whole)
        open_, high, low, close = (np.ascontiguousarray(column) for column in whole.prices.T)
        optional = (whole.volume, whole.spread)
        members.append(Bars(symbol, interval, whole.time, open_, high, low, close, *optional, source.calendar))
    report = QualityReport(where, interval_text(interval), policy, tuple(judge.reports.values()))
    return Panel(tuple(members)), report


class _Judge:
    """Applies a policy to the rows of each symbol and keeps the account."""

    def __init__(self, table: pd.DataFrame, policy: QualityPolicy, where: str) -> None:
        self.table, self.policy, self.where = table, policy, where
        self.reports: dict[str, SymbolReport] = {}

    def rows(self, symbol: str, rows: Rows, calendar: bool) -> Rows:
        """The rows of a symbol that remain after every kind of defect of a row; no calendar, no weekends."""
        report = self.reports[symbol] = SymbolReport(symbol, len(rows))
        for defect in (*DEFECTS, *(WEEKEND_DEFECTS if calendar else ())):
            bad = defect.find(rows)
            count = int(np.count_nonzero(bad))
            if not count:
                continue
            policy = getattr(self.policy, defect.setting)
            first = tuple(self._shown(position) for position in rows.position[np.flatnonzero(bad)[:SHOWN]])
            report.findings.append(Finding(defect.kind, policy, count, first))
            if policy == "fail":
                raise DataError(self._refusal(symbol, report.findings[-1], defect.setting, defect.meaning))
            rows = self._apply(rows, bad, defect, policy, report)
        if not len(rows):
            raise DataError(f"{self.where}: {symbol}: no row remains of {report.rows_in}: {_summary(report.findings)}")
        return rows

    def zone(self, symbol: str, rows: Rows, interval: np.timedelta64) -> None:
        """Tell where the clock of the data changes."""
        changes = zone_changes(rows.time, interval)
        if not changes:
            return
        first = tuple(
            {"shift": f"{change.minutes / 60:+g}h"} | self._shown(rows.position[change.row])
            for change in changes[:SHOWN]
        )
        report = self.reports[symbol]
        report.findings.append(Finding("zone", self.policy.session.zone, len(changes), first))
        if self.policy.session.zone == "fail":
            meaning = "the weekly opening and close move in New York time: the clock of the data changes"
            raise DataError(self._refusal(symbol, report.findings[-1], "session.zone", meaning))

    def gaps(self, symbol: str, rows: Rows, interval: np.timedelta64) -> Rows:
        """The rows, with flat bars in the gaps where the policy wants them."""
        try:
            present, absent = slots(rows.time, interval, self.policy.session.market)
        except DataError as error:
            raise DataError(f"{self.where}: {symbol}: {error}") from None
        if not len(absent):
            return rows
        report = self.reports[symbol]
        before = np.searchsorted(present, absent, side="right") - 1
        time = slot_times(rows.time, interval, present, absent)
        holes, bars = np.unique(before, return_counts=True)
        begin = np.searchsorted(before, holes[:SHOWN])
        first = tuple(
            {"time": _moment(time[at]), "bars": int(count), "after": self._shown(rows.position[hole])}
            for at, count, hole in zip(begin, bars, holes, strict=False)
        )
        policy = self.policy.gaps
        report.findings.append(Finding("gap", policy, len(absent), first))
        if policy == "fail":
            raise DataError(self._refusal(symbol, report.findings[-1], "gaps", "an expected bar that is absent"))
        if policy == "report":
            return rows
        report.inserted = len(absent)
        return insert_flat(rows, before, time)

    def close(self, symbol: str, rows: Rows) -> None:
        """Complete the account of a symbol."""
        report = self.reports[symbol]
        report.rows_out = len(rows)
        report.start, report.end = _moment(rows.time[0]), _moment(rows.time[-1])

    def _apply(self, rows: Rows, bad: BoolArray, defect: Defect, policy: str, report: SymbolReport) -> Rows:
        if policy == "report":
            return rows
        if policy == "drop" or defect.repair is None:
            kept = rows.take(~bad)
        else:
            kept = defect.repair(rows, bad)
            report.repaired += int(np.count_nonzero(bad)) - (len(rows) - len(kept))
        report.dropped += len(rows) - len(kept)
        return kept

    def _shown(self, position: int) -> dict[str, Any]:
        """A row as it stood in the source."""
        row = self.table.iloc[int(position)]
        stamp = row["time"] if not pd.isna(row["time"]) else row.get("stamp")
        shown: dict[str, Any] = {"row": row_number(self.table, int(position)), "time": _moment(stamp)}
        if "file" in self.table.columns:  # one of several
            shown = {"row": int(row["row"]), "file": str(row["file"]), "time": _moment(stamp)}
        return shown | {name: _plain(row[name]) for name in (*PRICES, *OPTIONAL) if name in self.table.columns}

    def _refusal(self, symbol: str, finding: Finding, setting: str, meaning: str) -> str:
        """One line: where, how many, what, the first of them, and what would let them pass."""
        row = finding.first[0]
        values = ", ".join(f"{key} {value}" for key, value in (row.get("after") or row).items())
        place = f"first missing at {row['time']}, after {values}" if "after" in row else f"first: {values}"
        policies = ALLOWED.get(setting, ZONE_POLICIES)
        others = " or ".join(f"quality.{setting}={policy}" for policy in policies if policy != "fail")
        return (
            f"{self.where}: {symbol}: {finding.count} x {finding.kind}: {meaning} ({place}); {others} would let it pass"
            f"{_hint(finding, self.reports[symbol].rows_in)}"
        )


def _hint(finding: Finding, rows: int) -> str:
    """What is more likely than a defect of the rows: that the file is written in another way."""
    if finding.kind == "time" and finding.count == rows:
        return "; where times are written otherwise than 2020-01-31 22:00, say data.format.time=%d.%m.%Y, for example"
    if finding.kind == "text" and any(
        re.fullmatch(r"[+-]?\d+,\d+", str(value).strip()) for value in finding.first[0].values()
    ):
        return "; where a comma stands before the decimals, say 'data.format.decimal=\",\"'"
    return ""


def _interval(kept: dict[str, Rows], declared: str | None, where: str) -> np.timedelta64:
    """The length of a bar, from the data and equal for all symbols; checked against the declared one."""
    taken = {symbol: steps(rows.time) for symbol, rows in kept.items()}
    derived = {symbol: most_frequent(differences) for symbol, differences in taken.items()}
    expected = None if declared is None else parse_interval(declared)
    if expected is None:
        expected = most_frequent(np.concatenate(list(taken.values())))
    if expected is None:
        raise DataError(
            f"{where}: the interval cannot be derived from {max(len(rows) for rows in kept.values())} row of a symbol; "
            "say data.interval=1h, for example"
        )
    for symbol, step in derived.items():
        if step is not None and step != expected:
            why = "declared" if declared is not None else "the most frequent of all symbols"
            raise DataError(
                f"{where}: {symbol}: interval {interval_text(expected)} is {why}, but its most frequent step is "
                f"{interval_text(step)}; say data.interval={interval_text(step)}, or leave the symbol out"
            )
    return expected


def _summary(findings: list[Finding]) -> str:
    return ", ".join(f"{finding.count} x {finding.kind} ({finding.policy})" for finding in findings)


def _moment(when: Any) -> str:
    """A time as text, ``2020-01-01T00:00:00Z``; a text stays as it is, what is missing becomes ``missing``."""
    if isinstance(when, str):
        return str(_plain(when))
    if when is None or pd.isna(when):
        return "missing"
    moment = pd.Timestamp(when)
    moment = moment.tz_localize(None) if moment.tzinfo is not None else moment
    return f"{moment.isoformat()}Z"


def _plain(value: Any) -> float | int | str:
    """A value for JSON: a finite number as it is, anything else as a short text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and np.isfinite(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    text = str(value)[:40]
    return text if text.isprintable() else repr(text)
