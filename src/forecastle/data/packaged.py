"""PackagedSource: real daily candles that came with an installed library, so that nothing is downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from forecastle.data.files import CsvSource
from forecastle.data.format import TextFormat
from forecastle.errors import ConfigError, MissingExtraError, nearest

NAMES = ("nasdaq", "sp500")


class PackagedSource:
    """Daily bars of a stock index, 1999 to 2018, 5,031 rows, from the data files of the package ``arch``.

    Prices are index points, not adjusted; volume is in shares. A bar is labelled 00:00 UTC of its trading day in New
    York and its interval is one day: so it counts as known at the next midnight UTC, which is three or four hours
    after the New York close. The file is read without importing the package.

    Parameters
    ----------
    name
        ``sp500`` or ``nasdaq``.

    Raises
    ------
    ConfigError
        If there is no data set of this name.
    MissingExtraError
        If the package is not installed.
    """

    interval = "1D"
    calendar = True

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise ConfigError(f"name must be one of {', '.join(NAMES)}, got {name!r}{nearest(str(name), NAMES)}")
        spec = find_spec("arch")
        if spec is None or spec.origin is None:
            raise MissingExtraError(
                f"data={name} reads a file of the package arch, which is not installed: pip install arch"
            )
        path = Path(spec.origin).parent / "data" / name / f"{name}.csv.gz"
        self.name = name
        self._file = CsvSource(
            str(path), timezone="UTC", interval="1D", symbol=name.upper(), format=TextFormat("%m/%d/%Y")
        )

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with open time in [start, end)."""
        return self._file.history(start, end)

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows before `end`."""
        return self._file.recent(count, end)

    def fingerprint(self) -> str:
        """Path, size and times of change of the packaged file."""
        return self._file.fingerprint()
