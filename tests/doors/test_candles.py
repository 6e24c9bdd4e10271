"""`forecastle data`, as a user meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from forecastle.__main__ import main
from forecastle.doors.candles import USAGE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


Say = pytest.CaptureFixture[str]


def said(capsys: Say, *words: str, code: int = 0) -> str:
    """What a command prints, on either stream, when it ends with this code."""
    capsys.readouterr()
    assert main(["data", *words]) == code, capsys.readouterr()
    found = capsys.readouterr()
    return found.out + found.err


SOURCE = ("data=synthetic", "data.count=300", "data.symbols=['EUR USD',B]")


@pytest.mark.parametrize("store", [(), ("store=sqlite:///x.sqlite",)], ids=["embedded", "sqlite"])
def test_candles_go_in_are_listed_checked_and_come_out(folder: Path, capsys: Say, store: tuple[str, ...]) -> None:
    where = "sqlite:///x.sqlite" if store else "data/candles.duckdb"
    assert said(capsys, "import", *SOURCE, *store).splitlines() == [
        "B 1h: 300 rows read, 0 dropped, 0 repaired, 0 inserted",
        "EUR USD 1h: 300 rows read, 0 dropped, 0 repaired, 0 inserted",
        f"B 1h: 300 added, 0 corrected, 0 unchanged; 300 in {where}",
        f"EUR USD 1h: 300 added, 0 corrected, 0 unchanged; 300 in {where}",
    ]
    listed = said(capsys, "list", *store).splitlines()
    assert [line.split()[-4:] for line in listed[1:]] == [["2015-01-04", "22:00:00", "2015-01-21", "09:00:00"]] * 2
    assert listed[2].split()[:4] == ["EUR", "USD", "1h", "300"]
    checked = said(capsys, "verify", *store).splitlines()
    assert all(re.fullmatch(r"ok     (B|EUR USD) 1h: 300 bars, checksum [0-9a-f]{32}", line) for line in checked)
    assert said(capsys, "export", "EUR USD", "out/bars.csv", *store) == "300 bars of EUR USD written to out/bars.csv\n"
    again = said(capsys, "import", "data=csv", "data.path=out/bars.csv", *store).splitlines()
    assert again[-1] == f"EUR USD 1h: 0 added, 0 corrected, 300 unchanged; 300 in {where}"


def test_a_stretch_of_time_goes_in(folder: Path, capsys: Say) -> None:
    told = said(capsys, "import", *SOURCE, "start=2015-01-05", "end=2015-01-06")
    assert "EUR USD 1h: 24 added" in told


def test_a_correction_is_told_or_refused(folder: Path, capsys: Say) -> None:
    said(capsys, "import", *SOURCE)
    said(capsys, "export", "B", "b.csv")
    table = pd.read_csv("b.csv")
    table.loc[5, "volume"] += 1
    table.to_csv("b.csv", index=False)
    words = ("import", "data=csv", "data.path=b.csv")
    refused = said(capsys, *words, "corrections=refuse", code=2).splitlines()[-1]
    assert refused.startswith("forecastle: B 1h: 1 bars differ from the stored candles (first: 2015-01-05T03:00:00")
    assert "B 1h: 0 added, 1 corrected, 299 unchanged; 300 in data/candles.duckdb" in said(capsys, *words)
    assert "corrections must be apply or refuse, got 'no'" in said(capsys, *words, "corrections=no", code=2)


def test_what_the_policy_refuses_does_not_go_in(folder: Path, capsys: Say) -> None:
    rows = [f"2020-01-0{day}T00:00Z,1,{0.5 if day == 2 else day + 1},1,1\n" for day in range(1, 7)]
    Path("bad.csv").write_text("time,open,high,low,close\n" + "".join(rows))
    words = ("import", "data=csv", "data.path=bad.csv")
    assert "1 x ohlc" in said(capsys, *words, code=2)
    assert not Path("data").exists()
    told = said(capsys, *words, "quality.ohlc=drop").splitlines()
    assert told[0] == "bad 1D: 6 rows read, 1 dropped, 0 repaired, 0 inserted; 1 x ohlc (drop)"
    assert told[1].startswith("bad 1D: 5 added")


def test_a_fault_ends_with_code_1(folder: Path, capsys: Say) -> None:
    import sqlite3

    said(capsys, "import", *SOURCE, "store=sqlite:///x.sqlite")
    with sqlite3.connect("x.sqlite") as connection:
        connection.execute("DELETE FROM candles WHERE symbol = 'B' AND time > 1421000000000000")
    connection.close()
    lines = said(capsys, "verify", "store=sqlite:///x.sqlite", code=1).splitlines()
    assert lines[0].startswith("FAULT  B 1h: number of candles ")
    assert lines[1].startswith("ok     EUR USD 1h")


def test_a_run_reads_the_store(folder: Path, capsys: Say) -> None:
    said(capsys, "import", "data=synthetic", "data.count=1500")
    capsys.readouterr()
    assert main(["run", "data=store", "indicator=minimal", "model=ridge"]) == 0
    direct = ["run", "data=synthetic", "data.count=1500", "indicator=minimal", "model=ridge"]
    stored = capsys.readouterr().out
    assert main(direct) == 0
    scores = [
        [line for line in text.splitlines() if line.startswith("model")] for text in (stored, capsys.readouterr().out)
    ]
    assert scores[0] == scores[1]


def test_a_file_is_looked_at(folder: Path, capsys: Say) -> None:
    Path("a.csv").write_text(
        "time,open,high,low,close\n" + "".join(f"2020-01-0{day}Z,1,1,1,1\n" for day in range(1, 9))
    )
    assert "data=csv" in said(capsys, "inspect", "a.csv")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("exprt",), "no verb 'exprt'; did you mean 'export'"),
        (("list", "more"), "usage: forecastle data list"),
        (("export", "A"), "usage: forecastle data export SYMBOL FILE"),
        (("verify",), "no candle store at data/candles.duckdb"),
        (("import", "data=synthetc"), "data: no choice 'synthetc'; did you mean 'synthetic'"),
        (("list", "store=postgresql://me:hunter2@host/db"), "must hold no password"),
    ],
)
def test_wrong_words_are_told_in_one_line(folder: Path, capsys: Say, words: tuple[str, ...], message: str) -> None:
    told = said(capsys, *words, code=2)
    assert message in told
    assert "hunter2" not in told
    assert told.count("\n") == 1


def test_help_is_printed(capsys: Say) -> None:
    assert said(capsys, "--help") == USAGE
    assert said(capsys, code=2) == USAGE
