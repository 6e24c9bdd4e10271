"""ExchangeRateSource: the field's benchmark panel of eight daily exchange rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from forecastle.data.bars import PRICES
from forecastle.data.selection import between, newest
from forecastle.errors import AbsentError, DataError

CURRENCIES = ("AUD", "GBP", "CAD", "CHF", "CNY", "JPY", "NZD", "SGD")
FIRST_DAY = np.datetime64("1990-01-01", "us")


class ExchangeRateSource:
    """Eight currencies over 7,588 days in USD per unit, close only: open, high and low are the close, no volume.

    The file (Lai et al. 2018, arXiv 1703.07015) has no header and no dates that can be trusted. Row i is given
    the time 1990-01-01 plus i days, which is an order and no calendar (``calendar = False``).

    Parameters
    ----------
    path
        ``exchange_rate.txt.gz``, as published: rows of eight rates separated by commas.
    """

    interval = "1D"
    calendar = False
    name = "exchange_rate"

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def history(self, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """All rows with artificial open time in [start, end), one currency after the other.

        The index is the row of the file, plus the file's length for each currency before.

        Raises
        ------
        DataError
            If the file is missing, or is not eight columns of numbers.
        """
        if not self.path.is_file():
            raise AbsentError(
                f"no such file: {self.path} (data.path); "
                "the benchmark is looked for below the folder named by FORECASTLE_SHARED"
            )
        names = pyarrow.csv.ReadOptions(column_names=list(CURRENCIES))
        types = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(CURRENCIES, pa.float64()))
        try:
            rates = pyarrow.csv.read_csv(str(self.path), read_options=names, convert_options=types)
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{self.path}: eight columns of rates wanted (data.path): {reason}") from None
        count = rates.num_rows
        close = np.concatenate([rates[currency].to_numpy() for currency in CURRENCIES])
        time = np.tile(FIRST_DAY + np.arange(count) * np.timedelta64(1, "D"), len(CURRENCIES))
        symbol = pd.Categorical.from_codes(
            np.repeat(np.arange(len(CURRENCIES)), count), categories=pd.Index(CURRENCIES)
        )
        table = pd.DataFrame(
            {"symbol": symbol, "time": pd.DatetimeIndex(time, tz="UTC"), **dict.fromkeys(PRICES, close)}
        )
        return between(table, start, end)

    def recent(self, count: int, end: pd.Timestamp | None = None) -> pd.DataFrame:
        """The newest `count` rows of each currency before `end`."""
        return newest(self.history(end=end), count)

    def fingerprint(self) -> str:
        """Path, size and times of change.

        Raises
        ------
        AbsentError
            If the file is missing.
        """
        try:
            stat = self.path.stat()
        except OSError:
            raise AbsentError(f"no such file: {self.path} (data.path)") from None
        return f"{self.path}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"
