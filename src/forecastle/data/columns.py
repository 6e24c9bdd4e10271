"""Columns: which column of a file holds what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forecastle.data.bars import PRICES
from forecastle.errors import ConfigError, DataError, nearest

STANDARD: dict[str, tuple[str, ...]] = {
    "time": ("time", "ts", "timestamp", "date", "datetime"),
    "symbol": ("symbol", "ticker"),
    **{price: (price,) for price in PRICES},
    "volume": ("volume", "tick_volume"),
    "spread": (),
}
"""Names that are found without a mapping, whatever their case; a spread is never, since its unit has to be told."""

OPTIONAL = ("symbol", "volume", "spread")

PAIRS = (*PRICES, "volume")
"""What may stand in two columns, that of the bid and that of the ask."""

Columns = Mapping[str, str | Sequence[str] | None]
"""Our name to the file's name or, for the time and for bid and ask, names."""


def check_columns(columns: Columns) -> dict[str, str | Sequence[str] | None]:
    """Return a mapping of columns if it names nothing but what bars have.

    Raises
    ------
    ConfigError
        If it names something else, several columns where one is wanted, or bid and ask of some prices only.
    """
    for key, value in columns.items():
        if key not in STANDARD:
            raise ConfigError(f"columns may name {', '.join(STANDARD)}, got {key!r}{nearest(str(key), STANDARD)}")
        if value is None or isinstance(value, str) or key == "time":
            continue
        if key not in PAIRS:
            raise ConfigError(f"columns.{key} must name one column, got {list(value)}")
        if len(value) != 2:
            raise ConfigError(f"columns.{key} must name one column, or those of bid and ask, got {list(value)}")
    sides = {price: 2 if _is_pair(columns.get(price)) else 1 for price in PRICES}
    if len(set(sides.values())) > 1:
        single = ", ".join(price for price, count in sides.items() if count == 1)
        raise ConfigError(f"columns must name bid and ask for all four prices or for none, got one column for {single}")
    if sides["close"] == 2 and columns.get("spread"):
        raise ConfigError(f"columns.spread must be null where bid and ask give it, got {columns['spread']!r}")
    return dict(columns)


def _is_pair(value: str | Sequence[str] | None) -> bool:
    return value is not None and not isinstance(value, str)


def find_columns(names: Sequence[str], given: Columns, where: str) -> dict[str, list[str]]:
    """Find the file's columns for each of ours.

    Parameters
    ----------
    names
        Names of the file's columns.
    given
        The mapping; what it does not name is found under its usual names. ``""`` leaves out what is optional.
    where
        Name of the file, for messages.

    Returns
    -------
    dict
        One column for each, or several for the time, or bid and ask; optional ones that are absent are left out.

    Raises
    ------
    DataError
        If a column is not there, or several could be meant.
    """
    found: dict[str, list[str]] = {}
    for ours, usual in STANDARD.items():
        name = given.get(ours)
        if name == "" and ours in OPTIONAL:
            continue
        wanted = [name] if isinstance(name, str) else list(name or ())
        if not wanted:
            wanted = [there for there in names if there.strip("<> ").lower() in usual]
            if len(wanted) > 1:
                join = " (a list joins a date and a time of day)" if ours == "time" else ""
                raise DataError(f"{where}: columns {wanted} could each be the {ours}; say data.columns.{ours}=…{join}")
            if not wanted and ours in OPTIONAL:
                continue
        for theirs in wanted or [ours]:
            if names.count(theirs) != 1:
                raise DataError(f"{where}: {_absence(names, theirs)} for {ours}, {_what_is(names, theirs, ours)}")
        found[ours] = wanted
    return found


def _absence(names: Sequence[str], theirs: str) -> str:
    return f"no column {theirs!r}" if theirs not in names else f"{names.count(theirs)} columns named {theirs!r}"


def _what_is(names: Sequence[str], theirs: str, ours: str) -> str:
    shown = [name if name.isprintable() else repr(name) for name in names[:20]]
    there = f"there are {', '.join(shown)}{nearest(theirs, names)} (data.columns.{ours})"
    if sum(name[:1].isdigit() for name in names) > len(names) // 2:
        return f"{there}; the first line holds numbers: where a file has no header line, say data.format.names=[…]"
    bids, asks = ([name for name in names if name.strip("<> ").lower().startswith(side)] for side in ("bid", "ask"))
    if ours in PRICES and bids and asks:
        bid, ask = (min(side, key=lambda name: ours not in name.lower()) for side in (bids, asks))
        return f"{there}; a list of two joins bid and ask, for example data.columns.{ours}=[{bid},{ask}]"
    return there
