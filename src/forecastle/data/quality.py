"""QualityPolicy and QualityReport: what is to be done about each kind of defect, and the account of what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from forecastle.data.session import Session
from forecastle.errors import ConfigError, nearest

ALLOWED: dict[str, tuple[str, ...]] = {
    "types": ("fail", "drop"),
    "values": ("fail", "drop", "repair"),
    "ohlc": ("fail", "drop", "repair"),
    "duplicates": ("fail", "drop", "repair"),
    "order": ("fail", "drop", "repair"),
    "flat": ("report", "fail", "drop"),
    "jumps": ("report", "fail"),
    "gaps": ("report", "fail", "repair"),
}
"""Policies that make sense for each setting."""

REFUSED = {
    ("types", "repair"): "no number can be made of a text",
    ("flat", "repair"): "nobody knows what the prices were",
    ("jumps", "drop"): "the bars after it would stay where they are",
    ("jumps", "repair"): "only their source knows by what the prices are to be adjusted",
    ("gaps", "drop"): "there is nothing to drop",
}
"""Policies that a user could expect, and why they are not offered."""


@dataclass(frozen=True)
class QualityPolicy:
    """What is done about each kind of defect: ``fail`` (refuse the data), ``drop`` rows, ``repair`` or ``report``.

    Whatever is chosen, it is counted in the `QualityReport`. Kinds are looked at in this order, each on the rows that
    those before it left:

    Parameters
    ----------
    types
        A time that cannot be read, or that daylight saving makes no single moment; a text where a number belongs.
        ``drop`` leaves the rows out.
    order
        A time before that of an earlier row. ``drop`` leaves such rows out, ``repair`` sorts.
    duplicates
        Several rows of one time. ``drop`` keeps the first, ``repair`` the last (an appended correction). Also bars of a
        weekend that repeat those of 24 hours before (some brokers write the Friday again): both leave them out.
    values
        Missing or infinite numbers, prices not above zero, volume below zero, ask below bid. ``drop`` leaves the rows
        out; ``repair`` makes a bar with a bad price flat at the last good close before it, a bad volume zero and a bad
        spread the last good one before it (a bar with none before it is left out).
    ohlc
        A high below, or a low above, another price of the bar. ``drop`` leaves the rows out, ``repair`` widens high and
        low to contain open and close.
    flat
        Ten or more bars in a row whose four prices repeat the close before, and bars of a weekend that do, where nearly
        all of its bars do. ``report`` only counts them (one of both kinds twice), ``drop`` leaves them out.
    jumps
        An open that is more than 0.2 (log) and ten times the median move from close to close away from the close
        before: a split of shares that was not adjusted, a wrong price, or news. ``report`` only counts them.
    gaps
        Bars that the `session` expects but that are absent. ``report`` only counts them; ``repair`` inserts bars that
        are flat at the close before, with volume 0. Mind that the calendar that is shown by the data is for each
        week also read from the weeks after it.
    session
        When the market is open, and what is done where the clock of the data changes.

    Raises
    ------
    ConfigError
        If a policy makes no sense for its kind.
    """

    types: str = "fail"
    order: str = "fail"
    duplicates: str = "fail"
    values: str = "fail"
    ohlc: str = "fail"
    flat: str = "report"
    jumps: str = "report"
    gaps: str = "report"
    session: Session = field(default_factory=Session)

    def __post_init__(self) -> None:
        for setting, allowed in ALLOWED.items():
            policy = getattr(self, setting)
            if policy not in allowed:
                why = REFUSED.get((setting, policy))
                hint = f" ({why})" if why else nearest(str(policy), allowed)
                raise ConfigError(f"quality.{setting} must be one of {', '.join(allowed)}, got {policy!r}{hint}")


@dataclass(frozen=True)
class Finding:
    """One kind of defect of one symbol.

    Parameters
    ----------
    kind, policy
        What was found, and what the policy did.
    count
        Rows (for gaps: absent bars).
    first
        The first of them as they stood in the source: row (the first data row is 1), time and values.
    """

    kind: str
    policy: str
    count: int
    first: tuple[dict[str, Any], ...]


@dataclass
class SymbolReport:
    """The account of one symbol: ``rows_in + inserted = rows_out + dropped``, always.

    ``repaired`` counts the rows that were changed, or that had to be moved; ``start`` is the open time of the first
    bar, ``end`` of the last.
    """

    symbol: str
    rows_in: int
    rows_out: int = 0
    dropped: int = 0
    repaired: int = 0
    inserted: int = 0
    start: str = ""
    end: str = ""
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class QualityReport:
    """The account of everything that was found and done between a source and its bars."""

    source: str
    interval: str
    policy: QualityPolicy
    symbols: tuple[SymbolReport, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything as numbers, texts, lists and dictionaries, ready for a JSON file."""
        symbols = {}
        for report in self.symbols:
            findings = {f.kind: {"count": f.count, "policy": f.policy, "first": list(f.first)} for f in report.findings}
            symbols[report.symbol] = {**vars(report), "findings": findings}
        policy = {setting: getattr(self.policy, setting) for setting in ALLOWED} | {
            "session": vars(self.policy.session)
        }
        return {"source": self.source, "interval": self.interval, "policy": policy, "symbols": symbols}
