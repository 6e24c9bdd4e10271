"""`forecastle compare` as a user meets it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

Command = Callable[..., Any]


@pytest.fixture
def swept(forecastle: Command, small: list[str]) -> None:
    """A sweep of two models, and one run of another question whose test part was opened."""
    assert forecastle("run", "-m", *small, "model=ridge,random_walk").code == 0
    assert forecastle("run", *small, "horizon=3").code == 0


def test_runs_of_one_question_are_ranked_and_others_stand_apart(forecastle: Command, swept: None) -> None:
    done = forecastle("compare")
    assert done.code == 0, done.err
    first, second = done.out.split("\n\n")
    assert "model=ridge" in first
    assert "model=random_walk" in first
    assert "2 runs compared: none scores better than random_walk" in first
    assert "none of these runs has opened its test part" in first
    assert second.startswith("not ranked with the first table: other steps, windows")
    assert "1 of these runs opened the test part; it has been opened 1 time by 1 run in all" in second
    assert "test part of " in second


def test_tables_that_differ_each_tell_in_what(forecastle: Command, small: list[str]) -> None:
    levels = "quantile_levels=[0.1,0.5,0.9],[0.25,0.5,0.75]"
    assert forecastle("run", "-m", *small, "metric=crps", levels).code == 0
    first, second = forecastle("compare").out.split("\n\n")
    assert second.startswith("not ranked with the first table: other quantile levels")
    told = [line for line in (first + second).splitlines() if line.startswith("quantile levels")]
    assert sorted(told) == ["quantile levels  [0.1, 0.5, 0.9]", "quantile levels  [0.25, 0.5, 0.75]"]


def test_the_numbers_are_those_of_the_runs(forecastle: Command, swept: None) -> None:
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    walk = next(place for place in group["places"] if place["name"] == "model=random_walk")
    ridge = next(place for place in group["places"] if place["name"] == "model=ridge")
    for place in (walk, ridge):
        scores = json.loads(Path("runs", place["run"], "metrics.json").read_text())["validation"]
        assert place["score"] == scores["scores"]["model"]["crps"]
        assert place["skill"] == scores["skill"]["random_walk"]["value"]
    table = pd.read_parquet(Path("runs", ridge["run"], "forecast.parquet")).query("part == 'validation'")
    gap = (table["loss"] - table["loss_random_walk"]).astype(float).mean()
    assert ridge["against_baseline"]["value"] == pytest.approx(gap, rel=1e-9)
    assert np.sign(gap) == np.sign(-ridge["skill"])
    assert walk["against_baseline"]["value"] == pytest.approx(0, abs=1e-12)


def test_a_table_for_other_programs_has_a_line_for_each_run(forecastle: Command, swept: None) -> None:
    rows = list(csv.DictReader(io.StringIO(forecastle("compare", "--csv").out)))
    assert [(row["table"], row["place"]) for row in rows] == [("1", "1"), ("1", "2"), ("2", "1")]
    assert [row["steps"] for row in rows] == ["1, 2, 3, 4, 5", "1, 2, 3, 4, 5", "1, 2, 3"]
    assert all(float(row["score"]) > 0 for row in rows)
    fast = list(csv.DictReader(io.StringIO(forecastle("compare", "--csv", "--fast").out)))
    assert [row["run"] for row in fast] == [row["run"] for row in rows]
    assert not any(row["confidence"] for row in fast)


def test_the_test_part_is_not_opened_by_a_comparison(forecastle: Command, swept: None) -> None:
    before = Path("runs/looks.jsonl").read_text()
    assert "test part of" not in forecastle("compare", "last", "--test").out
    assert Path("runs/looks.jsonl").read_text() == before


@pytest.fixture
def traded(forecastle: Command, small: list[str]) -> list[str]:
    """Words of a sweep of three models that were traded, one of which failed."""
    words = [*small, "policy=sign", "account.costs.spread_bps=1"]
    assert forecastle("run", "-m", *words, "model=ridge,lasso,last_value,logistic").code == 1
    return words


def test_traded_runs_are_judged_by_all_that_were_tried(forecastle: Command, traded: list[str]) -> None:
    (whole,) = json.loads(forecastle("compare", "last", "--json").out)
    assert whole["traded"]["trials"] == whole["trials"] == 4
    (group,) = json.loads(forecastle("compare", "model=ridge", "--json").out)
    assert group["traded"]["trials"] == 4
    assert group["traded"]["traded"] == whole["traded"]["traded"] == 2  # one never traded
    assert whole["traded"]["probability"] is None
    assert group["traded"]["run"] == group["places"][0]["run"]
    told = " ".join(forecastle("compare", "last").out.split())
    assert "traded: the best Sharpe ratio is" in told
    assert "too few to tell skill from luck: 2 different accounts among 4 trials, at least 10 are wanted" in told
    assert "trials of this question on record: 4 (3 finished, 1 failed)" in told
    assert "only" not in told
    assert "only 1 of them is ranked here" in " ".join(forecastle("compare", "model=ridge").out.split())


def test_runs_that_differ_in_trading_only_are_ranked_by_their_accounts(forecastle: Command, small: list[str]) -> None:
    words = [*small, "policy=sign,threshold", "account.costs.spread_bps=1,20"]
    assert forecastle("run", "-m", *words).code == 0
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    assert group["baseline"] == "buy_and_hold"
    assert group["question"]["objective"] == "sharpe ratio per year, net of costs"
    ratios = []
    for place in group["places"]:
        trading = json.loads(Path("runs", place["run"], "metrics.json").read_text())["validation"]["trading"]
        hold = trading["against"]["buy_and_hold"]["sharpe"]["value"]
        ratios.append(trading["sharpe"]["value"])
        assert place["score"] == place["sharpe"] == ratios[-1]
        assert place["against_baseline"]["value"] == pytest.approx(hold - ratios[-1], abs=1e-9)
    assert ratios == sorted(ratios, reverse=True)
    rows = csv.DictReader(io.StringIO(forecastle("compare", "last", "--csv").out))
    assert [float(row["sharpe"]) for row in rows] == ratios
    assert group["places"][1]["against_best"]["value"] == pytest.approx(ratios[0] - ratios[1], abs=1e-9)
    told = " ".join(forecastle("compare", "last").out.split())
    assert "differences in sharpe" in told
    assert "against buy_and_hold, all 3 together" in told
    assert "not ranked, without a score" in told  # it never traded
    (asked,) = json.loads(forecastle("compare", "last", "baseline=random_walk", "--json").out)
    assert asked["question"]["objective"].startswith("crps")
    assert len({place["score"] for place in asked["places"]}) == 1
    assert [place["sharpe"] for place in asked["places"]] == [*ratios, None]  # ties of forecasts


def test_an_account_that_is_gone_or_damaged_does_not_hide_the_others(forecastle: Command, small: list[str]) -> None:
    assert forecastle("run", "-m", *small, "policy=sign", "account.costs.spread_bps=1,2,3,4").code == 0
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    first, second, *rest = (place["run"] for place in group["places"])
    Path("runs", first, "equity.parquet").write_text("x")
    Path("runs", second, "equity.parquet").unlink()
    done = forecastle("compare", "last", "--json", "--html=page.html")
    assert done.code == 0, done.err
    (group,) = json.loads(done.out)
    assert [place["run"] for place in group["places"]] == rest
    assert all(place["against_baseline"] for place in group["places"])
    for run in (first, second):
        assert f"run {run} is left out: it has no account that can be read" in done.err
    forecasts = forecastle("compare", "last", "baseline=random_walk", "--html=page.html")
    assert (forecasts.code, "4 runs compared" in forecasts.out) == (0, True)


def test_accounts_are_compared_where_it_is_asked_for(forecastle: Command, traded: list[str]) -> None:
    (group,) = json.loads(forecastle("compare", "last", "baseline=buy_and_hold", "--fast", "--json").out)
    scores = [place["score"] for place in group["places"]]
    assert scores == sorted(scores, reverse=True)
    assert [place["sharpe"] for place in group["places"]] == scores
    assert forecastle("run", *traded[:-2], "model=lasso").code == 0
    refused = forecastle("compare", "baseline=buy_and_hold")
    assert refused.code == 2
    assert "buy_and_hold wants runs that all were traded" in refused.err


def test_a_page_is_written_beside_what_is_compared_and_links_the_runs(forecastle: Command, swept: None) -> None:
    done = forecastle("compare", "last", "--html")
    sweep = next(Path("runs/sweeps").glob("*/sweep.json")).parent
    assert done.out.endswith(f"\npage  {sweep}/compare.html\n")
    assert forecastle("compare", "--html").code == 0
    for path, count in ((sweep / "compare.html", 2), (Path("runs/compare.html"), 3)):
        links = re.findall(r'href="([^"#]+report.html)"', path.read_text())
        assert len(links) == count
        assert all((path.parent / link).is_file() for link in links)
    assert "Not ranked with question 1: other steps, windows" in Path("runs/compare.html").read_text()


def test_of_a_run_whose_page_cannot_be_written_the_rest_is_shown(
    forecastle: Command, swept: None, caplog: pytest.LogCaptureFixture
) -> None:
    (group, *_) = json.loads(forecastle("compare", "last", "--json").out)
    run = Path("runs", group["places"][1]["run"])
    (run / "report.html").unlink(missing_ok=True)
    (run / "quality.json").write_text("{")
    assert forecastle("compare", "last", "--html", "page.html").code == 0
    page = Path("page.html").read_text()
    assert page.count('report.html"') == 1
    assert "1 of these runs has no page of their own yet" in page
    assert f"run {run.name} gets no page" in caplog.text


def test_a_page_goes_where_it_is_told_and_leaves_other_output_alone(forecastle: Command, swept: None) -> None:
    done = forecastle("compare", "--html", "out/of the way/page.html", "last", "--fast", "--json")
    assert json.loads(done.out)
    assert done.err == "\npage  out/of the way/page.html\n"
    assert Path("out/of the way/page.html").read_text().startswith("<!DOCTYPE html>")
    assert forecastle("compare", "last", "--fast", "--html=page with=sign.html").out.endswith("page with=sign.html\n")
    assert Path("page with=sign.html").is_file()
    Path("taken.html").mkdir()
    refused = forecastle("compare", "--html", "taken.html")
    assert refused.code == 2
    assert "--html: a file is wanted, got the folder taken.html" in refused.err


def test_a_page_of_accounts_shows_the_capital(forecastle: Command, small: list[str]) -> None:
    assert forecastle("run", "-m", *small, "policy=sign,threshold", "account.costs.spread_bps=1,2").code == 0
    assert forecastle("compare", "last", "--html", "page.html").code == 0
    page = Path("page.html").read_text()
    assert "gain vs buy and hold" in page
    assert "Profit net of costs" in page
    assert "Skill by horizon" not in page
    assert "too few to tell skill from luck" in page


def test_the_ledger_of_looks_tells_what_was_opened_how_often_and_by_how_many(
    forecastle: Command, swept: None, small: list[str]
) -> None:
    assert forecastle("run", *small, "model=lasso", "horizon=3").code == 0
    (part,) = json.loads(forecastle("looks", "--json").out)
    ledger = [json.loads(line) for line in Path("runs/looks.jsonl").read_text().splitlines()]
    assert part["times"] == [entry["time"] for entry in ledger]
    assert part["runs"] == [entry["run"] for entry in ledger]
    assert part["trials"] == part["seen"] == 2
    assert part["question"]["steps"] == "1, 2, 3"
    told = " ".join(forecastle("looks").out.split())
    assert f"opened 2 times by 2 runs ({', '.join(run[:8] for run in part['runs'])})" in told
    assert "trials of this question on record: 2" in told
    assert "1 test part on record in runs/looks.jsonl" in told
    refused = forecastle("looks", "--jsn")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "did you mean '--json'" in refused.err


def test_looks_of_runs_that_are_gone_or_damaged_are_listed_all_the_same(forecastle: Command, workplace: Path) -> None:
    assert "no test part was opened in runs yet" in forecastle("looks").out
    Path("runs").mkdir(exist_ok=True)
    Path("runs/looks.jsonl").write_text('{"test": "a", "run": "0123456789abcdef"}\n[]\n{"time": "20')
    done = forecastle("looks")
    assert (done.code, done.err) == (0, "")
    assert "opened 1 time by 1 run (01234567)" in done.out
    assert "its runs are gone" in done.out


SEARCH = ["hydra/sweeper=optuna", "model=ridge", "model.estimator.alpha=choice(0.001,10,1000,100000)"]


def test_a_search_is_ranked_by_what_it_was_after(forecastle: Command, small: list[str]) -> None:
    words = [*SEARCH, *small, "policy=sign", "account.costs.spread_bps=1", "hydra.sweeper.sampler=grid"]
    swept = forecastle("run", "-m", *words, "hydra.sweeper.objectives=[drawdown,crps]")
    assert swept.code == 0, swept.err
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    parts = {p["run"]: json.loads(Path("runs", p["run"], "metrics.json").read_text()) for p in group["places"]}
    told = {
        run: (part["validation"]["trading"]["drawdown"]["largest"], part["validation"]["scores"]["model"]["crps"])
        for run, part in parts.items()
    }
    assert [place["score"] for place in group["places"]] == sorted(drawdown for drawdown, _ in told.values())
    for place in group["places"]:
        drawdown, crps = told[place["run"]]
        assert place["figures"] == {"drawdown": drawdown, "crps": crps}
        beaten = any(d <= drawdown and c <= crps and (d, c) != (drawdown, crps) for d, c in told.values())
        assert place["front"] is not beaten
    compared = forecastle("compare", "last").out
    what = "ranked by {}drawdown as a fraction of the equity (lower is better), the first objective of search"
    for text in (swept.out, compared):
        assert what.format("") in " ".join(text.split())
        order = [line.split()[1:3] for line in text.splitlines() if re.match(r"\d+ +\S+ .*0\.", line)]
        ids = [next(word for word in words if re.fullmatch("[0-9a-f]{8,16}", word))[:8] for words in order]
        assert ids == [place["run"][:8] for place in group["places"]]
    rows = list(csv.DictReader(io.StringIO(forecastle("compare", "last", "--csv").out)))
    assert [row["ranked_by"].split()[0] for row in rows] == ["drawdown"] * len(rows)
    assert [row["front"] for row in rows] == [str(place["front"]) for place in group["places"]]
    assert forecastle("compare", "last", "--html", "page.html").code == 0
    assert "Ranked by drawdown" in Path("page.html").read_text()


def test_a_search_keeps_the_weights_of_the_best_by_what_it_was_after(forecastle: Command, small: list[str]) -> None:
    words = [*SEARCH, *small, "policy=sign", "account.costs.spread_bps=1", "hydra.sweeper.sampler=grid"]
    done = forecastle("run", "-m", *words, "hydra.sweeper.objectives=[turnover]", "keep_models=1")
    assert done.code == 0, done.err
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    first, *others = (place["run"] for place in group["places"])
    assert group["objective"] == "turnover"
    untold = "turnover is not kept for each window: differences in it have no test, no interval and no confidence set"
    assert untold in group["notes"][0]
    assert group["notes"][0].endswith("baseline=random_walk compares these runs by their own objective")
    (own,) = json.loads(forecastle("compare", "last", "baseline=random_walk", "--json").out)
    assert own["objective"] == "crps"
    assert own["places"][1]["against_best"] is not None
    assert untold not in " ".join(own["notes"])
    assert untold not in " ".join(forecastle("compare", "last", "--fast").out.split()), "none was asked for"
    assert Path("runs", first, "model").is_dir()
    assert not any(Path("runs", run, "model").is_dir() for run in others)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jsn"], "unknown flag '--jsn'; did you mean '--json'"),
        (["baseline=random"], "baseline: 'random' is not among those scored; did you mean 'random_walk'"),
        (["baseline=foo"], "is not among those scored (there are: last_value, seasonal_naive, random_walk)"),
        (["modle=ridge"], "no run has a setting 'modle'; did you mean 'model'"),
        (["model=mlp"], "none of 3 runs has model=mlp (there model is random_walk, ridge)"),
        (["--json", "--csv"], "--json or --csv: one of them is wanted, got both"),
        (["baseline="], "baseline=NAME: the name of a forecaster is wanted, say random_walk, got nothing"),
        (["--html="], "--html=FILE.html: a file is wanted, got nothing behind the sign"),
        (["--html=runs"], "--html: a file is wanted, got the folder runs"),
        (["--html=runs/looks.jsonl/a.html"], "cannot be written to runs/looks.jsonl/a.html, since runs/looks.jsonl is"),
        (["ffff"], "no run 'ffff'"),
    ],
)
def test_a_mistake_is_told_in_one_line(forecastle: Command, swept: None, words: list[str], message: str) -> None:
    refused = forecastle("compare", *words)
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") == 1


def test_a_damaged_run_does_not_hide_the_others(forecastle: Command, swept: None) -> None:
    (group,) = json.loads(forecastle("compare", "last", "--json").out)
    first, second = (place["run"] for place in group["places"])
    Path("runs", second, "metrics.json").write_text("{")
    done = forecastle("compare", "last", "--json")
    assert done.code == 0
    assert [place["run"] for place in json.loads(done.out)[0]["places"]] == [first]
    alone = forecastle("compare", second)
    assert (alone.code, alone.err.count("\n")) == (2, 1)
    assert f"{second}/metrics.json is damaged" in alone.err
    Path("runs", first, "forecast.parquet").unlink()
    refused = forecastle("compare", first)
    assert refused.code == 2
    assert f"run {first} has no forecasts that can be read" in refused.err


def test_looks_of_runs_that_are_left_out_are_not_told_of_these(forecastle: Command, small: list[str]) -> None:
    for model in ("ridge", "lasso"):
        assert forecastle("run", *small, f"model={model}").code == 0
    (group,) = json.loads(forecastle("compare", "--json").out)
    assert group["looks"].startswith("2 of these runs opened the test part")
    Path("runs", group["places"][0]["run"], "forecast.parquet").unlink()
    (group,) = json.loads(forecastle("compare", "--json").out)
    assert len(group["places"]) == 1
    assert group["looks"].startswith("1 of these runs opened the test part; it has been opened 2 times by 2 runs")


def test_nothing_to_compare_is_told(forecastle: Command) -> None:
    assert "no finished run in runs; `forecastle run` makes one" in forecastle("compare").err
    assert forecastle("compare", "--help").out.startswith("usage: forecastle compare")


def test_damaged_runs_of_a_sweep_are_named_and_the_others_ranked(
    forecastle: Command, workplace: Path, small: list[str]
) -> None:
    assert forecastle("run", "-m", *small, "model=ridge,lasso,random_walk,last_value").code == 0
    runs = sorted(path.parent for path in workplace.glob("runs/*/manifest.json"))
    (runs[0] / "manifest.json").write_text("{}")
    (runs[1] / "config.yaml").unlink()
    (runs[2] / "forecast.parquet").write_bytes(b"")
    listed, compared = forecastle("runs"), forecastle("compare", "last")
    assert (listed.code, compared.code) == (0, 0), compared.err
    assert f"{runs[0].name}/manifest.json is damaged" in listed.out
    assert len(listed.out.splitlines()) == 5
    assert [run.name in compared.err for run in runs] == [True, True, True, False]
    assert runs[3].name[:8] in compared.out
