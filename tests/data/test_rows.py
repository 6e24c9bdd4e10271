"""Raw tables split into the rows of each symbol."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecastle.data.rows import by_symbol


def test_a_volume_that_one_symbol_of_a_panel_lacks_is_no_column_of_that_symbol() -> None:
    time = pd.date_range("2020-01-01", periods=2, freq="h", tz="UTC").as_unit("us")
    table = pd.DataFrame({"symbol": ["A", "A", "B", "B"], "time": [*time, *time]})
    table = table.assign(open=1.0, high=1.0, low=1.0, close=1.0, volume=[np.nan, np.nan, 3.0, np.nan])
    rows = dict(by_symbol(table, "here"))
    assert rows["A"].volume is None
    assert rows["B"].volume is not None  # one value is missing: a defect, to be judged
    assert np.isnan(rows["B"].volume[1])
