"""Recognising a dialect by its first lines and the names of its columns, with what stays in doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from forecastle.data.bars import PRICES
from forecastle.data.columns import STANDARD

NAMES: dict[str, tuple[str, ...]] = {
    **STANDARD,
    "time": (*STANDARD["time"], "gmttime", "localtime", "utctime", "opentime", "bartime", "dateutc"),
    "symbol": (*STANDARD["symbol"], "pair", "instrument", "currencypair"),
    "volume": (*STANDARD["volume"], "tickvolume", "tickvol", "vol", "ticks", "tickqty"),
    "spread": ("spread", "spreadclose", "closespread"),
}
"""Names that propose a column, in small letters and without anything else."""

FORMATS = (
    (r"\d{4}\.\d\d\.\d\d", "%Y.%m.%d"),
    (r"\d\d\.\d\d\.\d{4}", "%d.%m.%Y"),
    (r"\d{8}", "%Y%m%d"),
)
CLOCKS = (
    (r"", ""),
    (r" \d\d:\d\d", " %H:%M"),
    (r" \d\d:\d\d:\d\d", " %H:%M:%S"),
    (r" \d\d:\d\d:\d\d\.\d{1,6}", " %H:%M:%S.%f"),
    (r" \d{6}", " %H%M%S"),
)
SLASHED = r"\d\d?/\d\d?/\d{4}.*"
EPOCHS = {10: "s", 13: "ms", 16: "us", 19: "ns"}
"""Unit of a time since 1970 by its digits."""


UNKNOWN = "???"
"""The value of a setting that nothing tells."""

KLINES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time"),
    *("quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
"""Columns of a file of klines, from the left."""


@dataclass
class Proposal:
    """A choice of conf/data, what to say besides, and why.

    Parameters
    ----------
    dialect
        Name of the choice.
    settings
        Keys below ``data`` and their values; ``???`` where nothing tells the value.
    evidence, doubts
        What was seen, and what could not be seen.
    names
        Names of the columns of a dialect without a header line.
    """

    dialect: str
    settings: dict[str, Any] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ()


def recognise_header(names: Sequence[str]) -> Proposal:
    """Propose how to read a text file with these names of columns."""
    there = set(names)
    if {"<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"} <= there:
        return _metatrader5(names)
    if {"Open", "High", "Low", "Close"} <= there and {"Gmt time", "Local time", "EET"} & there:
        return _dukascopy(names)
    if {"Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"} <= there:
        return Proposal(
            "yahoo",
            evidence=["a header with 'Adj Close': Yahoo's layout"],
            doubts=[
                "close is adjusted for splits only; the adjusted close is not read, since the other three are not so"
            ],
        )
    if {"open_time", "open", "high", "low", "close", "close_time"} <= there:
        return Proposal("binance", evidence=["a header with open_time and close_time: Binance's klines"])
    return recognise_columns("csv", names)


def recognise_fields(fields: Sequence[str], separator: str) -> Proposal | None:
    """Propose how to read a text file without a header, by the fields of its first line; None where it is unknown."""
    first = fields[0].strip()
    if len(fields) == 12 and re.fullmatch(r"\d{13}|\d{16}", first) and re.fullmatch(r"\d{13}|\d{16}", fields[6]):
        return Proposal("binance", {}, ["twelve fields with two times since 1970: Binance's klines"], [], KLINES)
    if separator == ";" and len(fields) == 6 and re.fullmatch(r"\d{8} \d{6}", first):
        return Proposal(
            "histdata",
            evidence=["20120201 000000;open;high;low;close;volume without a header: HistData"],
            doubts=["prices are bids: no spread is known"],
            names=("time", *PRICES, "volume"),
        )
    if len(fields) == 7 and re.fullmatch(r"\d{4}\.\d\d\.\d\d", first) and re.fullmatch(r"\d\d:\d\d", fields[1].strip()):
        return Proposal(
            "metatrader4",
            {} if separator == "," else {"format.separator": separator},
            ["2012.11.15,23:00,open,high,low,close,ticks without a header: MetaTrader 4"],
            ["prices are bids in most terminals: no spread is known"],
            ("date", "time", *PRICES, "ticks"),
        )
    return None


def recognise_columns(dialect: str, names: Sequence[str]) -> Proposal:
    """Propose which columns hold what, where no dialect is known."""
    proposal = Proposal(dialect, evidence=[f"columns {', '.join(names[:20])}"])
    bare = {name: re.sub(r"[^a-z]", "", name.lower()) for name in names}
    usual = {ours: {re.sub(r"[^a-z]", "", each) for each in theirs} for ours, theirs in NAMES.items()}
    sides = {
        price: [next((n for n in names if bare[n] in (side + price, price + side)), None) for side in ("bid", "ask")]
        for price in PRICES
    }
    both = all(None not in pair for pair in sides.values())
    if both:
        proposal.settings |= {f"columns.{price}": pair for price, pair in sides.items()}
        proposal.doubts.append("prices are means of bid and ask, and the spread is that at the close")
    for ours in STANDARD:
        if ours in PRICES and both:
            continue
        found = [name for name in names if bare[name] in usual[ours]]
        _assign(proposal, ours, found, bare)
    return proposal


def _assign(proposal: Proposal, ours: str, found: list[str], bare: dict[str, str]) -> None:
    key = f"columns.{ours}"
    if len(found) == 1:
        if found[0].strip("<> ").lower() not in STANDARD[ours]:
            proposal.settings[key] = found[0]
    elif ours == "time" and [bare[name] for name in found] == ["date", "time"]:
        proposal.settings[key] = found
    elif found:
        proposal.settings[key] = UNKNOWN
        proposal.doubts.append(f"{key}: could be {' or '.join(found)}")
    elif ours in ("time", *PRICES):
        proposal.settings[key] = UNKNOWN
        proposal.doubts.append(f"{key}: no column of a usual name")


def time_format(texts: Sequence[str], is_iso: Callable[[str], bool]) -> tuple[str | None, str | None]:
    """The format of times, and the doubt about it.

    Parameters
    ----------
    texts
        Times as they stand, one or more.
    is_iso
        Tells whether a text is ISO 8601.

    Returns
    -------
    format, doubt
        None as the format where times are ISO 8601; ``???`` where the format cannot be told.
    """
    digits = {len(text) for text in texts} if all(text.isdigit() for text in texts) else set()
    if len(digits) == 1 and (unit := EPOCHS.get(digits.copy().pop())):
        return unit, None
    for date, written in FORMATS:
        for clock, spelt in CLOCKS:
            if all(re.fullmatch(date + clock, text) for text in texts):
                return written + spelt, None
    if all(re.fullmatch(SLASHED, text) for text in texts):
        return _slashed(texts)
    if all(is_iso(text) for text in texts):
        return None, None
    return UNKNOWN, f"format.time: times such as {texts[0]!r} are not known"


def _slashed(texts: Sequence[str]) -> tuple[str, str | None]:
    """Month and day are told apart by a number above twelve, or not at all."""
    parts = [re.split(r"[/ ]", text) for text in texts]
    rest = next((spelt for clock, spelt in CLOCKS if re.fullmatch(SLASHED[:-2] + clock, texts[0])), "")
    if any(int(part[0]) > 12 for part in parts):
        return f"%d/%m/%Y{rest}", None
    if any(int(part[1]) > 12 for part in parts):
        return f"%m/%d/%Y{rest}", None
    return UNKNOWN, f"format.time: {texts[0]!r} could be %m/%d/%Y{rest} or %d/%m/%Y{rest}"


def _metatrader5(names: Sequence[str]) -> Proposal:
    proposal = Proposal("metatrader5", evidence=["a header <DATE> … <CLOSE>: MetaTrader 5"])
    if "<TIME>" not in names:
        proposal.settings |= {"columns.time": "<DATE>", "format.time": "%Y.%m.%d"}
    if "<TICKVOL>" not in names:
        proposal.settings["columns.volume"] = "<VOL>" if "<VOL>" in names else ""
    if "<SPREAD>" not in names:
        proposal.settings |= {"columns.spread": "", "format.point": None}
    proposal.doubts.append("prices are bids in most terminals, and the spread is the smallest of the bar, in points")
    return proposal


def _dukascopy(names: Sequence[str]) -> Proposal:
    clock = next(name for name in ("Gmt time", "Local time", "EET") if name in names)
    proposal = Proposal("dukascopy", evidence=[f"a header with {clock!r}: Dukascopy"])
    if clock != "Gmt time":
        proposal.settings["columns.time"] = clock
    if clock == "EET":
        proposal.settings["timezone"] = "EET"
    if clock == "Local time":
        proposal.settings["format.time"] = "%d.%m.%Y %H:%M:%S.%f GMT%z"
    return proposal
