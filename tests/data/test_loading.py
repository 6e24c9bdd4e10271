"""Loading: the whole first step."""

from __future__ import annotations

import pandas as pd
import pytest

from forecastle.data.loading import load
from forecastle.data.packaged import PackagedSource
from forecastle.data.quality import QualityPolicy
from forecastle.data.synthetic import SyntheticSource
from forecastle.errors import ConfigError, DataError


def test_the_default_data_pass_and_their_holidays_are_counted() -> None:
    panel, report = load(PackagedSource("sp500"), QualityPolicy())
    assert panel.symbols == ("SP500",)
    assert len(panel.members[0]) == 5031
    account = report.to_json()["symbols"]["SP500"]
    weekdays = len(pd.bdate_range("1999-01-04", "2018-12-31"))
    assert account["findings"]["gap"]["count"] == weekdays - 5031
    assert account["findings"]["gap"]["first"][0]["time"] == "1999-01-18T00:00:00Z"  # Martin Luther King day


def test_loading_twice_gives_the_same_content() -> None:
    first, second = (load(PackagedSource("nasdaq"), QualityPolicy())[0] for _ in range(2))
    assert first.content == second.content


def test_a_stretch_is_cut_by_open_time() -> None:
    panel, report = load(PackagedSource("sp500"), QualityPolicy(), "2010-01-01", pd.Timestamp("2011-01-01"))
    assert (report.symbols[0].start, report.symbols[0].end) == ("2010-01-04T00:00:00Z", "2010-12-31T00:00:00Z")
    assert len(panel.members[0]) == 252


def test_a_stretch_without_bars_is_told() -> None:
    with pytest.raises(DataError, match=r"sp500: no bars in \[2030-01-01 00:00:00\+00:00, the end\)"):
        load(PackagedSource("sp500"), QualityPolicy(), "2030-01-01")
    with pytest.raises(DataError, match="start must lie before end"):
        load(PackagedSource("sp500"), QualityPolicy(), "2010-01-01", "2009-01-01")
    with pytest.raises(ConfigError, match="a date such as 2015-01-01 wanted, got 'soon'"):
        load(PackagedSource("sp500"), QualityPolicy(), "soon")


def test_the_newest_bars_alone_are_those_of_the_whole_history() -> None:
    source = SyntheticSource(count=400)
    whole = load(source, QualityPolicy())[0].members[0]
    assert source.recent(7)["close"].tolist() == whole.close[-7:].tolist()
