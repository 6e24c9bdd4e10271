"""params.yaml: the composed default, committed, for the DVC stages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecastle import stages
from forecastle.config.compose import compose, conf_folder
from forecastle.config.schema import Config
from forecastle.errors import DataError
from forecastle.stages import check_params

REPOSITORY = conf_folder().parent


def test_the_committed_params_are_what_conf_composes(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    check_params()


def test_written_params_pass_the_check_and_hold_no_environment(forecastle: Callable[..., Any], workplace: Path) -> None:
    assert forecastle("params").code == 0
    assert forecastle("params", "--check").code == 0
    text = (workplace / "params.yaml").read_text()
    assert str(workplace) not in text
    assert str(Path.home()) not in text
    assert "${" not in text, "every interpolation is resolved"
    expected = asdict(compose())
    del expected["choices"]
    assert yaml.safe_load(text) == expected


def test_where_ones_own_runs_go_is_not_written_for_all(
    forecastle: Callable[..., Any], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forecastle("params").code == 0
    before = (workplace / "params.yaml").read_bytes()
    monkeypatch.setenv("FORECASTLE_OUTPUT", str(workplace / "elsewhere"))
    monkeypatch.setenv("FORECASTLE_LOG_LEVEL", "ERROR")
    assert forecastle("params", "--check").code == 0
    assert forecastle("params").code == 0
    assert (workplace / "params.yaml").read_bytes() == before


def test_params_that_conf_does_not_compose_are_told(forecastle: Callable[..., Any], workplace: Path) -> None:
    forecastle("params")
    path = workplace / "params.yaml"
    path.write_text(path.read_text().replace("horizon: 5\n", "horizon: 6\n"))
    outcome = forecastle("params", "--check")
    assert outcome.code == 2
    assert outcome.err.startswith("forecastle: params.yaml is not what conf/ composes")
    assert "make params" in outcome.err


def test_params_with_overrides_record_them(forecastle: Callable[..., Any], workplace: Path) -> None:
    assert forecastle("params", "model=lasso", "horizon=3").code == 0
    assert forecastle("params", "--check").code == 0
    first, *_ = (workplace / "params.yaml").read_text().splitlines()
    assert first == "# forecastle params model=lasso horizon=3"


def test_ranges_that_no_stage_would_search_are_refused_and_told(
    forecastle: Callable[..., Any], workplace: Path
) -> None:
    refused = forecastle("params", "experiment=search_ridge")
    assert refused.code == 2
    assert "experiment=search_ridge holds a search space (model.estimator.alpha" in refused.err
    assert refused.err.count("\n") == 1
    assert not (workplace / "params.yaml").exists()
    values = ["model.estimator.alpha=3", "model.lags=2", "model.calibration=0.2"]
    assert forecastle("params", "experiment=search_ridge", *values).code == 0, "the choices of a trial"
    assert forecastle("params", "--check").code == 0


def test_a_stage_tells_of_ranges_that_dvc_composed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nothing_to_fit(config: Config) -> None:
        raise DataError("enough")

    monkeypatch.setattr(stages, "_sample", nothing_to_fit)
    for search in ({}, {"model.lags": "choice(1,2)"}):
        with pytest.raises(DataError, match="enough"):
            stages.fit(replace(compose(), search=search))
    assert caplog.messages == [
        "params.yaml holds a search space (model.lags): its values are computed, none is searched"
    ]


def test_an_override_with_spaces_is_recorded_whole(forecastle: Callable[..., Any], workplace: Path) -> None:
    assert forecastle("params", "quantile_levels=[0.1, 0.5, 0.9]", "start='2001-01-01 00:00'").code == 0
    assert forecastle("params", "--check").code == 0


def test_the_style_of_the_yaml_does_not_matter(forecastle: Callable[..., Any], workplace: Path) -> None:
    """DVC writes the same values in a style of its own, without our first line."""
    forecastle("params")
    path = workplace / "params.yaml"
    values = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(values, sort_keys=True, default_flow_style=True))
    assert forecastle("params", "--check").code == 0


def test_a_mistake_in_params_is_told_in_one_line(process: Callable[..., Any], workplace: Path) -> None:
    shutil.copy(REPOSITORY / "params.yaml", workplace)
    path = workplace / "params.yaml"
    path.write_text(path.read_text().replace("horizon: 5\n", "horizn: 5\n"))
    outcome = process("bars", module="forecastle.stages")
    assert outcome.code == 2
    assert outcome.err.startswith("forecastle: unknown key 'horizn'; did you mean 'horizon'?")
    assert len(outcome.err.splitlines()) == 1
