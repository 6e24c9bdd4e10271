"""What the README and CONTRIBUTING say is so: their files are written and run, their names are looked up."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.app.conftest import otherwise
from tests.conftest import REPOSITORY, make_bars

from forecastle.config.compose import PARTS
from forecastle.config.target import ROLES
from forecastle.data.synthetic import SyntheticSource
from forecastle.features.causality import check

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file (\S+) -->\n```\w+\n(.*?)```\n", README, re.DOTALL))
STEPS = re.findall(r"<!-- tour[^\n]*\n(.*?)\n-->\n```\w+\n(.*?)```\n", README, re.DOTALL)
GROUPS = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", README, re.MULTILINE))
VARIABLES = re.findall(r"^\| `(FORECASTLE_\w+)` \|", README, re.MULTILINE)


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the newest run of a folder."""
    path = max(folder.glob("runs/*/manifest.json"), key=lambda path: path.stat().st_mtime_ns)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def project(workplace: Path) -> Path:
    """A project with every file that the README shows."""
    assert len(FILES) == 6
    for name, text in FILES.items():
        (workplace / name).parent.mkdir(parents=True, exist_ok=True)
        (workplace / name).write_text(text, encoding="utf-8")
    return workplace


def test_the_indicators_of_the_readme_run(forecastle: Callable[..., Any], project: Path, small: Sequence[str]) -> None:
    outcome = forecastle("run", *otherwise(small, "indicator=[minimal,trix,open_gap]"))
    assert outcome.code == 0, outcome.err
    assert manifest(project)["features"]["columns"][-3:] == ["trix_15", "trix_30", "open_gap"]


def test_the_indicator_class_of_the_readme_passes_the_check_that_it_names(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(project))
    (verdict,) = check(import_module("gaps").OpenGap(), make_bars())
    assert verdict.ok


def test_the_model_of_the_readme_runs(forecastle: Callable[..., Any], project: Path, small: Sequence[str]) -> None:
    outcome = forecastle("run", *small, "model=svr")
    assert outcome.code == 0, outcome.err
    assert manifest(project)["name"] == "svr"


def test_the_source_of_the_readme_reads_a_brokers_times(forecastle: Callable[..., Any], project: Path) -> None:
    table = SyntheticSource(count=1500).history()
    closed = (table["time"] + pd.Timedelta("1h")).dt.tz_convert("Europe/Helsinki")
    (project / "candles").mkdir()
    table.assign(Closed=closed.dt.strftime("%Y-%m-%d %H:%M")).rename(columns={"close": "Last"})[
        ["Closed", "open", "high", "low", "Last"]
    ].to_csv(project / "candles" / "eurusd.csv", index=False)
    outcome = forecastle("run", "data=eurusd")
    assert outcome.code == 0, outcome.err
    kept = manifest(project)
    assert kept["symbols"] == ["EURUSD"]
    assert set(kept["features"]["left_out"]) == {"obv", "volume_zscore"}
    quality = json.loads((project / "runs" / kept["id"] / "quality.json").read_text(encoding="utf-8"))
    assert pd.Timestamp(quality["symbols"]["EURUSD"]["start"]) == table["time"].iloc[0]


def test_the_table_of_groups_names_nothing_that_is_not_there() -> None:
    assert {"data", "indicator", "target", "split", "model", "metric"} <= set(GROUPS) <= {*ROLES, *PARTS, "experiment"}
    for group, cell in GROUPS.items():
        there = {path.stem for path in (REPOSITORY / "conf" / group).glob("*.yaml")}
        assert set(re.findall(r"`(\w+)`", cell)) <= there
        assert re.search(r"`\w+`", cell)


def test_the_tour_shows_the_commands_that_it_ran() -> None:
    assert len(STEPS) >= 10
    for commands, shown in STEPS:
        for command in commands.splitlines():
            line = re.escape(command if command.startswith(">>>") else f"$ {command}")
            with_any_run = re.sub(r"\\\{\d\\\}", "[0-9a-f]{16}", line)
            assert re.search(f"^{with_any_run}$", shown, re.MULTILINE), command
        assert "Traceback" not in shown


def test_each_variable_of_the_readme_is_read_somewhere() -> None:
    places = [*REPOSITORY.glob("src/**/*.py"), *REPOSITORY.glob("conf/**/*.yaml"), REPOSITORY / "conftest.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places)
    assert VARIABLES
    assert [name for name in VARIABLES if name not in text] == []


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_each_make_target_and_each_link_leads_somewhere(text: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)
    assert targets
    assert [name for name in targets if not re.search(f"^{name}:", makefile, re.MULTILINE)] == []
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_the_layers_of_contributing_stand_in_the_order_of_the_import_law() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (law,) = (each for each in settings["tool"]["importlinter"]["contracts"] if "containers" not in each)
    rows = [{name.strip().removeprefix("forecastle.") for name in layer.split("|")} for layer in law["layers"]]
    (picture,) = re.findall(r"<!-- layers -->\n```\w*\n(.*?)```\n", CONTRIBUTING, re.DOTALL)
    drawn = [set(re.split(r"[ |]+", line.partition("  ")[0].strip())) for line in picture.splitlines()]
    places = [next(number for number, row in enumerate(rows) if names <= row) for names in drawn]
    assert places == sorted(set(places))
    assert len(drawn) >= 12


def test_the_picture_of_the_report_is_there_and_small() -> None:
    picture = (REPOSITORY / "docs" / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= 200_000
    assert "](docs/report.png)" in README
