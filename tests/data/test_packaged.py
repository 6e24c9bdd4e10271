"""The candles that come with an installed library."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pandas as pd
import pytest

from forecastle.data import packaged
from forecastle.data.packaged import NAMES, PackagedSource
from forecastle.errors import ConfigError, MissingExtraError


@pytest.mark.parametrize("name", NAMES)
def test_the_candles_are_those_of_the_library_itself(name: str) -> None:
    theirs = importlib.import_module(f"arch.data.{name}").load()
    ours = PackagedSource(name).history()
    assert len(ours) == 5031
    assert ours["time"].dt.strftime("%Y-%m-%d").tolist() == theirs.index.strftime("%Y-%m-%d").tolist()
    for column in ("Open", "High", "Low", "Close", "Volume"):
        assert ours[column.lower()].tolist() == theirs[column].tolist()


def test_days_are_labelled_at_midnight_utc() -> None:
    times = PackagedSource("sp500").history()["time"]
    assert times.iloc[0] == pd.Timestamp("1999-01-04", tz="UTC")
    assert (times == times.dt.normalize()).all()


def test_the_package_is_not_imported() -> None:
    code = (
        "import sys; from forecastle.data.packaged import PackagedSource; "
        "assert len(PackagedSource('sp500').history()) == 5031; "
        "sys.exit(any(name in sys.modules for name in ('arch', 'scipy', 'statsmodels')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_and_a_missing_package_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"got 'sp50'; did you mean 'sp500'\?"):
        PackagedSource("sp50")
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install arch"):
        PackagedSource("sp500")


def test_recent_is_the_tail_of_history() -> None:
    source = PackagedSource("nasdaq")
    pd.testing.assert_frame_equal(source.recent(5), source.history().tail(5))
    assert source.fingerprint() == PackagedSource("nasdaq").fingerprint() != PackagedSource("sp500").fingerprint()
