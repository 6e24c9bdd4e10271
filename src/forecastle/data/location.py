"""Where candles lie: one file or all that a pattern matches, and the symbol that a file's name tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from forecastle.errors import AbsentError, ConfigError, DataError, nearest

SYMBOL = "{symbol}"

SIDES = ("bid", "ask")

PACKED = (".gz", ".zip", ".bz2", ".zst")


def paths_of(path: str | Mapping[str, str | None]) -> dict[str, str]:
    """Name the path of each side by the setting that holds it, or the only path.

    Raises
    ------
    ConfigError
        If there is a path of something else than bid and ask, or none of the bid.

    Examples
    --------
    >>> paths_of({"bid": "bid.csv", "ask": None})
    {'path.bid': 'bid.csv'}
    """
    if isinstance(path, str):
        return {"path": path}
    for side in path:
        if side not in SIDES:
            raise ConfigError(f"path may name bid and ask, got {side!r}{nearest(str(side), SIDES)}")
    bid, ask = path.get("bid"), path.get("ask")
    if bid is None or "???" in (bid, ask):
        raise ConfigError("path.bid must be given: write data.path.bid=… (and data.path.ask=… for the spread)")
    return {"path.bid": bid} | ({} if ask is None else {"path.ask": ask})


def find_files(path: str, key: str = "path") -> list[Path]:
    """Find the file of this path, or all files that it matches as a pattern, in the order of their names.

    Parameters
    ----------
    path
        A path; where no such file exists, ``*``, ``?``, ``[…]`` and ``**`` make a pattern of it.
    key
        The setting that holds it, for messages.

    Raises
    ------
    AbsentError
        If there is no such file; the message names the nearest.
    """
    there = Path(path)
    shown = path if path.isprintable() else repr(path)
    pattern = any(each in path for each in "*?[")
    try:
        if there.is_file():
            return [there]
        root = Path(there.anchor)
        found = root.glob(str(there.relative_to(root))) if pattern else ()
        files = sorted(each for each in found if each.is_file())
        folder = there.is_dir()
    except (OSError, ValueError, NotImplementedError) as error:
        raise AbsentError(f"no such file: {shown} (data.{key}): {error}") from None
    if files:
        return files
    if folder:
        raise AbsentError(f"no such file: {shown} (data.{key}) is a folder; say {shown.rstrip('/')}/*.csv, for example")
    near = nearest(there.name, sorted(each.name for each in there.parent.glob("*"))) if there.parent.is_dir() else ""
    what = "no file matches" if pattern else "no such file:"
    raise AbsentError(f"{what} {shown} (data.{key}){near}")


def stem(path: Path) -> str:
    """A file's name without the ending of its compression.

    Examples
    --------
    >>> stem(Path("data/EURUSD.csv.gz"))
    'EURUSD.csv'
    """
    return path.name.removesuffix(path.suffix) if path.suffix.lower() in PACKED else path.name


def symbol_of(path: Path, symbol: str | None, *, alone: bool) -> str:
    """Name the series in a file without a symbol column.

    Parameters
    ----------
    path
        The file.
    symbol
        A name; or a pattern for the file's name such as ``{symbol}_*.csv``, where ``*`` and ``?`` stand for any
        characters and the ending of a compression (.gz, .zip) may be left out. None takes the name up to the first
        dot.
    alone
        False where there are several files: then None is refused, since their names could be one series or many.

    Raises
    ------
    DataError
        If the name does not match the pattern, or nothing says how several files are to be named.

    Examples
    --------
    >>> symbol_of(Path("EURUSD_H1_2020.csv.gz"), "{symbol}_*.csv", alone=False)
    'EURUSD'
    """
    if symbol is None:
        if not alone:
            raise DataError(
                f"{path}: one of several files without a symbol column; say data.symbol=EURUSD where all are one "
                f"series, or a pattern for their names such as 'data.symbol=\"{SYMBOL}_*\"'"
            )
        return path.name.split(".")[0]
    if SYMBOL not in symbol:
        return symbol
    before, _, after = symbol.partition(SYMBOL)
    pattern = _regular(before) + "(.+?)" + _regular(after)
    for name in (stem(path), path.name):
        if found := re.fullmatch(pattern, name, flags=re.DOTALL):
            return found[1]
    raise DataError(
        f"{path}: its name does not match {symbol!r}, so that its symbol is not known; say data.symbol=EURUSD"
    )


def _regular(part: str) -> str:
    """Part of a pattern as a regular expression; a star takes as little as it can."""
    return "".join({"*": ".*?", "?": "."}.get(each, re.escape(each)) for each in part)
