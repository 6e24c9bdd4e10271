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
}
"""Names that are found without a mapping, whatever their case."""

OPTIONAL = ("symbol", "volume")

Columns = Mapping[str, str | Sequence[str] | None]
"""Our name to the file's name or, for the time, names."""


def check_columns(columns: Columns) -> dict[str, str | Sequence[str] | None]:
    """Return a mapping of columns if it names nothing but what bars have.

    Raises
    ------
    ConfigError
        If it names something else, or several columns for anything but the time.
    """
    for key, value in columns.items():
        if key not in STANDARD:
            raise ConfigError(f"columns may name {', '.join(STANDARD)}, got {key!r}{nearest(str(key), STANDARD)}")
        if value is not None and not isinstance(value, str) and key != "time":
            raise ConfigError(f"columns.{key} must name one column, got {list(value)}")
    return dict(columns)


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
        One column for each, or several for the time; optional ones that are absent are left out.

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
                what = "no column" if theirs not in names else f"{names.count(theirs)} columns named"
                there = f"there are {', '.join(names)}{nearest(theirs, names)}"
                raise DataError(f"{where}: {what} {theirs!r} for {ours}, {there} (data.columns.{ours})")
        found[ours] = wanted
    return found
