"""The list of indicators."""

from __future__ import annotations

import pytest

from forecastle.config.compose import compose
from forecastle.features.listing import describe_indicators, render_indicators


def test_each_indicator_of_full_is_described_in_full() -> None:
    rows = describe_indicators(compose(["indicator=full"]).indicator)
    for row in rows:
        assert list(row) == ["name", "about", "columns", "parameters", "unit", "warmup", "needs"]
        assert row["columns"], row
        assert row["about"].endswith("."), row
        assert row["unit"] != "not stated", row
        assert row["warmup"] >= 1
        assert set(row["needs"]) <= {"volume", "calendar"}
    named = {row["name"]: row for row in rows}
    assert named["obv"]["needs"] == ["volume"]
    assert named["session"]["needs"] == ["calendar"]
    assert named["rsi"]["parameters"] == {"function": "RSI", "timeperiod": 14}
    assert named["sma"]["about"] == "Close less Simple Moving Average (TA-Lib)."


def test_an_own_indicator_that_says_nothing_of_its_unit_is_listed() -> None:
    (row,) = describe_indicators({"mine": {"_target_": "tests.features.test_listing.Mine"}})
    assert row["about"] == "Mine, in one line."
    assert row["unit"] == "not stated"


class Mine:
    """Mine, in one line.

    More of it.
    """

    columns = ("mine",)
    warmup = 3
    needs = ()
    tolerance = 1e-9


def test_the_list_shows_parameters_as_they_are_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    from forecastle.commands import indicators

    assert indicators(["indicator=[stochastic,obv]"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["stochastic", "2", "columns", "18", "bars", "0", "to", "100"]
    assert lines[2].strip() == (
        "function=STOCH name=stochastic outputs={slowk:k,slowd:d} fastk_period=14 slowk_period=3 slowd_period=3"
    )
    assert lines[5].endswith("needs volume")
    assert lines[-1] == "2 indicators, 3 columns; the longest warm-up is 21 bars"


def test_without_words_everything_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    from forecastle.commands import indicators

    assert indicators([]) == 0
    out = capsys.readouterr().out
    assert "alpha158_volume_corr_60" in out
    assert max(map(len, out.splitlines())) <= 118


def test_no_indicators_make_a_short_list() -> None:
    assert render_indicators([]) == "0 indicators, 0 columns; the longest warm-up is 0 bars"
