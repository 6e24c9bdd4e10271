"""Panels survive their file bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecastle.data.bars import Bars, Panel
from forecastle.data.storage import read_panel, write_panel
from forecastle.errors import DataError


def panel(bars: Bars) -> Panel:
    """Two symbols, of which one has no volume and the other no spread."""
    spread = bars.close / 1000
    return Panel((replace(bars, symbol="B", volume=None, spread=spread)[10:300], replace(bars, symbol="A")))


def test_a_panel_is_read_back_bit_for_bit(bars: Bars, tmp_path: Path) -> None:
    before = panel(bars)
    write_panel(before, tmp_path / "deep" / "bars.parquet")
    after = read_panel(tmp_path / "deep" / "bars.parquet")
    assert after.content == before.content
    assert after.symbols == ("A", "B")
    assert after.members[1].volume is None
    assert after.members[0].spread is None
    assert after.members[1].spread is not None
    np.testing.assert_array_equal(after.members[1].spread, bars.close[10:300] / 1000)
    assert after.interval == before.interval
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left.close, right.close)
        assert left.time.dtype == right.time.dtype


def test_close_times_are_read_back_for_those_who_have_them(bars: Bars, tmp_path: Path) -> None:
    days = replace(bars, symbol="B", close_time=bars.time + np.timedelta64(59, "m"))
    before = Panel((replace(bars, symbol="A"), days))
    write_panel(before, tmp_path / "bars.parquet")
    after = read_panel(tmp_path / "bars.parquet")
    assert after.content == before.content
    assert after.members[0].close_time is None
    np.testing.assert_array_equal(after.members[1].known, days.known)


def test_prices_without_a_calendar_and_odd_bits_survive(tmp_path: Path) -> None:
    tiny = np.nextafter(np.array([0.1, 0.2, 5e-324, 1e300]), 1)
    time = np.datetime64("1990-01-01", "us") + np.arange(4) * np.timedelta64(1, "D")
    before = Panel((Bars("X", np.timedelta64(1, "D"), time, tiny, tiny, tiny, tiny, calendar=False),))
    write_panel(before, tmp_path / "bars.parquet")
    after = read_panel(tmp_path / "bars.parquet")
    assert after.content == before.content
    assert after.members[0].calendar is False
    assert pd.read_parquet(tmp_path / "bars.parquet").columns.tolist() == [
        "symbol",
        "time",
        "open",
        "high",
        "low",
        "close",
    ]


def test_the_same_panel_gives_the_same_bytes_and_leaves_nothing_else(bars: Bars, tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        write_panel(panel(bars), tmp_path / name)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.parquet", "two.parquet"]


def test_other_tools_see_symbols_and_utc_times(bars: Bars, tmp_path: Path) -> None:
    write_panel(panel(bars), tmp_path / "bars.parquet")
    table = pd.read_parquet(tmp_path / "bars.parquet")
    assert table.groupby("symbol", observed=True).size().to_dict() == {"A": 800, "B": 290}
    assert str(table["time"].dtype) == "datetime64[us, UTC]"


def test_missing_damaged_and_foreign_files_are_told_in_one_line(bars: Bars, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_panel(tmp_path / "nothing.parquet")
    write_panel(panel(bars), tmp_path / "bars.parquet")
    whole = (tmp_path / "bars.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read as a panel"):
        read_panel(tmp_path / "half.parquet")
    names = ("time", "open", "high", "low", "close", "volume")
    pd.DataFrame({name: [1.0] for name in names}).to_parquet(tmp_path / "foreign.parquet")
    with pytest.raises(DataError, match="a panel of version 2 wanted, got another kind of file"):
        read_panel(tmp_path / "foreign.parquet")
