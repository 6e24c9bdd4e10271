"""Reproducing: the same bits, or what differs and what changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecastle.runs.identity import code_hash


@pytest.fixture
def made(forecastle: Callable[..., Any], candles: Callable[..., Path], workplace: Path) -> Path:
    """The folder of a run on candles of a file."""
    candles()
    assert forecastle("run", "data=csv", "data.path=prices.csv", "indicator=minimal").code == 0
    (path,) = workplace.glob("runs/*/manifest.json")
    return path.parent


def edit(path: Path, *keys: str, value: Any) -> None:
    """Set one value of a JSON file."""
    whole = json.loads(path.read_text())
    node = whole
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    path.write_text(json.dumps(whole))


def test_a_run_is_reproduced_bit_for_bit(forecastle: Callable[..., Any], made: Path) -> None:
    outcome = forecastle("reproduce", made.name[:6])
    assert outcome.code == 0
    values = int(outcome.out.split("reproduced: ")[1].split()[0])
    assert outcome.out == f"run {made.name} is reproduced: {values} values compared bit for bit, all the same\n"
    assert values > 100, "both parts, every metric of the model and the baselines, every step"


def test_reproducing_writes_nothing(forecastle: Callable[..., Any], made: Path, workplace: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in workplace.rglob("*")}
    assert forecastle("reproduce", "last").code == 0
    assert {path: path.stat().st_mtime_ns for path in workplace.rglob("*")} == before


def test_a_run_of_a_sweep_is_reproduced_without_its_test_part(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    assert forecastle("run", "-m", *small, "model=ridge,lasso").code == 0
    assert forecastle("reproduce", "last").code == 0
    assert not (workplace / "runs" / "looks.jsonl").exists()


def test_a_run_whose_test_part_was_opened_later_is_reproduced_with_it(
    forecastle: Callable[..., Any], small: list[str]
) -> None:
    forecastle("run", "-m", *small, "model=ridge,last_value")
    before = forecastle("reproduce", "last")
    assert forecastle("evaluate", "last", "part=test").code == 0
    after = forecastle("reproduce", "last")
    assert (before.code, after.code) == (0, 0)
    count = [int(each.out.split("reproduced: ")[1].split()[0]) for each in (before, after)]
    assert count[1] > 1.9 * count[0], "both parts, which differ in their stretches of time"


def test_changed_data_are_named(forecastle: Callable[..., Any], candles: Callable[..., Path], made: Path) -> None:
    candles(change=lambda table: table.assign(close=table["close"].where(table.index != 900, table["open"])))
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    first, *rest = outcome.out.splitlines()
    assert first.startswith(f"run {made.name} is NOT reproduced: ")
    assert any(line.startswith("  validation.scores.model.crps: ") for line in rest)
    assert rest[rest.index("what changed:") + 1].startswith("  the data changed (bars ")
    assert len(rest) == rest.index("what changed:") + 2, "nothing else is blamed"


def test_missing_data_are_told_in_one_line(forecastle: Callable[..., Any], made: Path, workplace: Path) -> None:
    (workplace / "prices.csv").unlink()
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 2
    assert outcome.err == "forecastle: no such file: prices.csv (data.path)\n"


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        (("code",), "0" * 32, "the code changed (source 00000000 then, "),
        (("versions", "numpy"), "1.0.0", "numpy changed (1.0.0 then, "),
        (("versions", "python"), "3.9.0", "python changed (3.9.0 then, "),
        (("bars",), "f" * 32, "the data changed (bars ffffffff then, "),
        (("config_hash",), "0" * 32, "the configuration's schema changed"),
    ],
)
def test_what_changed_is_told_even_where_no_value_differs(
    forecastle: Callable[..., Any], made: Path, keys: tuple[str, ...], value: str, told: str
) -> None:
    edit(made / "manifest.json", *keys, value=value)
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 0
    first, second = outcome.out.splitlines()
    assert "is reproduced" in first
    assert second.startswith(f"  {told}")


def test_a_changed_module_that_a_users_own_target_imports_is_another_run_and_told(
    forecastle: Callable[..., Any], small: list[str], workplace: Path
) -> None:
    (workplace / "kept_factor.py").write_text("FACTOR = 1.0\n")
    (workplace / "kept_return.py").write_text(
        "from forecastle.features.returns import LogReturn\n\n\n"
        "class Mine(LogReturn):\n"
        "    def compute(self, bars):\n"
        "        from kept_factor import FACTOR\n\n"
        "        return FACTOR * super().compute(bars)\n"
    )
    own = ["allowed_targets=[kept_]", "indicator=log_return", "indicator.log_return._target_=kept_return.Mine"]
    words = ["run", *small[:2], *own]
    assert forecastle(*words).code == 0
    (run,) = workplace.glob("runs/*/manifest.json")
    (workplace / "kept_factor.py").write_text("FACTOR = 2.0\n")
    code_hash.cache_clear()
    outcome = forecastle("reproduce", run.parent.name)
    assert "  the code changed (source " in outcome.out
    assert forecastle(*words).code == 0
    assert len(list(workplace.glob("runs/*/manifest.json"))) == 2


def test_a_tampered_metric_is_named(forecastle: Callable[..., Any], made: Path) -> None:
    metrics = json.loads((made / "metrics.json").read_text())
    before = metrics["test"]["scores"]["model"]["mae"]
    edit(made / "metrics.json", "test", "scores", "model", "mae", value=before * (1 + 1e-15))
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert lines[0].startswith(f"run {made.name} is NOT reproduced: 1 of ")
    assert lines[1] == f"  test.scores.model.mae: {before * (1 + 1e-15)!r} then, {before!r} now"
    assert lines[2:] == ["what changed:", "  data, code, configuration and versions are those of the run"]


def test_a_missing_metric_is_named(forecastle: Callable[..., Any], made: Path) -> None:
    metrics = json.loads((made / "metrics.json").read_text())
    del metrics["test"]["scores"]["model"]["mae"]
    (made / "metrics.json").write_text(json.dumps(metrics))
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    assert outcome.out.splitlines()[1].startswith("  test.scores.model.mae: None then, ")


@pytest.mark.parametrize("name", ["forecast.parquet", "curves.csv", "quality.json"])
def test_a_missing_file_is_named(forecastle: Callable[..., Any], made: Path, name: str) -> None:
    (made / name).unlink()
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    first, second = outcome.out.splitlines()
    assert first == f"run {made.name} is NOT whole: {name} is missing (`forecastle run … force=true` writes it anew)"
    assert second.endswith(" values compared bit for bit, all the same")


def test_missing_weights_are_named_file_by_file(forecastle: Callable[..., Any], made: Path) -> None:
    (one, *_) = sorted(path for path in made.glob("model/**/*") if path.is_file())
    one.unlink()
    assert f"NOT whole: {one.relative_to(made)} is missing (" in forecastle("reproduce", made.name).out
    shutil.rmtree(made / "model")
    assert f"NOT whole: {one.relative_to(made)} is missing; " in forecastle("reproduce", made.name).out


def test_forecasts_that_were_changed_are_named(forecastle: Callable[..., Any], made: Path) -> None:
    table = pd.read_parquet(made / "forecast.parquet")
    table.loc[0, "target"] += 1e-9
    table.to_parquet(made / "forecast.parquet")
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    assert "NOT whole: forecast.parquet is not what was computed again (" in outcome.out


@pytest.mark.parametrize("opened", ["run", "sweep"])
def test_a_traded_run_has_its_equity_too(forecastle: Callable[..., Any], workplace: Path, opened: str) -> None:
    words = ["data=synthetic", "data.count=1500", "indicator=minimal", "policy=sign", "account.costs.spread_bps=1"]
    forecastle("run", *words, *(["-m", "model=ridge"] if opened == "sweep" else []))
    forecastle("evaluate", "last", "part=test")
    assert forecastle("reproduce", "last").code == 0
    (path,) = workplace.glob("runs/*/equity.parquet")
    path.unlink()
    assert "NOT whole: equity.parquet is missing (" in forecastle("reproduce", "last").out


def test_another_processor_is_compared_within_a_tolerance_and_says_so(
    forecastle: Callable[..., Any], made: Path
) -> None:
    edit(made / "manifest.json", "platform", value="Linux x86_64 Another")
    before = json.loads((made / "metrics.json").read_text())["test"]["scores"]["model"]["mae"]
    edit(made / "metrics.json", "test", "scores", "model", "mae", value=before * (1 + 1e-9))
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 0
    assert "compared within 1e-06 relative (another processor than the run's)" in outcome.out
    edit(made / "metrics.json", "test", "scores", "model", "mae", value=before * (1 + 1e-5))
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    assert "1 of " in outcome.out


def test_a_changed_configuration_computes_another_thing(forecastle: Callable[..., Any], made: Path) -> None:
    path = made / "config.yaml"
    path.write_text(path.read_text().replace("alpha: 1000.0", "alpha: 10.0"))
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 1
    assert "  the configuration's schema changed" in outcome.out.splitlines()


def test_a_damaged_configuration_is_told_in_one_line(forecastle: Callable[..., Any], made: Path) -> None:
    (made / "config.yaml").write_text("data: [")
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 2
    assert "config.yaml is no YAML" in outcome.err
    (made / "config.yaml").unlink()
    outcome = forecastle("reproduce", made.name)
    assert outcome.code == 2
    assert "config.yaml is missing" in outcome.err
