"""Identity: the id changes with whatever can change a number, and with nothing else."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecastle import pipeline
from forecastle.config.compose import compose
from forecastle.config.schema import Config
from forecastle.config.target import target_modules
from forecastle.data.bars import Bars, Panel
from forecastle.errors import RunError
from forecastle.runs import identity
from forecastle.runs.identity import Identity, code_hash, digest, library_versions

BASE = Identity("config", "bars", "code", {"numpy": "2.0", "python": "3.11.2"})


@pytest.fixture
def config() -> Config:
    return compose(["data=synthetic", "indicator=minimal"])


def config_hash(*overrides: str) -> str:
    given = {word.partition("=")[0]: word for word in ("data=synthetic", "indicator=minimal", *overrides)}
    return digest(compose([*given.values()]).identity)


@pytest.mark.parametrize(
    "change",
    [
        {"config": "other"},
        {"bars": "other"},
        {"code": "other"},
        {"versions": {"numpy": "2.1", "python": "3.11.2"}},
        {"versions": {"numpy": "2.0", "python": "3.11.3"}},
    ],
)
def test_the_id_changes_with_each_of_its_parts(change: dict[str, object]) -> None:
    assert replace(BASE, **change).id != BASE.id  # type: ignore[arg-type]


def test_the_id_is_sixteen_hexadecimal_digits_whatever_the_order_of_versions() -> None:
    assert len(BASE.id) == 16
    assert set(BASE.id) <= set("0123456789abcdef")
    assert replace(BASE, versions=dict(reversed(BASE.versions.items()))).id == BASE.id


@pytest.mark.parametrize(
    "override",
    [
        "data.count=4999",
        "data.interval=30min",
        "indicator.rsi.timeperiod=15",
        "indicator=core",
        "target=volatility",
        "split.train=0.5",
        "transform=none",
        "model=lasso",
        "model.estimator.alpha=1",
        "+model.estimator.tol=1e-5",
        "metric=crps",
        "quality.gaps=fail",
        "horizon=4",
        "context_length=16",
        "season=7",
        "quantile_levels=[0.1,0.5,0.9]",
        "quantile_levels=19",
        "objective=mae",
        "missing_inputs=refuse",
        "on_error=leave_out",
        "timeframes=[4h]",
        "indicator.rsi.timeframes=[4h]",
        "day_start='17:00 America/New_York'",
        "start='2015-02-01'",
        "seed=1",
        "threads=2",
    ],
)
def test_every_value_that_can_change_a_number_changes_the_id(override: str) -> None:
    assert config_hash(override) != config_hash()


@pytest.mark.parametrize(
    "override",
    [
        "output=elsewhere",
        "force=true",
        "log_level=DEBUG",
        "tracker=wandb",
        "cache=off",
        "cache.gigabytes=1",
        "workers=2",
        "pool=process",
        "sweep=abc",
        "+choices={model: other}",
        "allowed_targets=[mine.]",
    ],
)
def test_paths_tracker_and_display_leave_the_id_alone(override: str) -> None:
    assert config_hash(override) == config_hash()


def test_a_file_moved_to_another_place_leaves_the_id_alone() -> None:
    one, other = (digest(compose(["data=csv", f"data.path={path}"]).identity) for path in ("a.csv", "b/c.csv"))
    assert one == other


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_one_changed_bar_changes_the_id(config: Config, bars: Bars, column: str) -> None:
    changed = getattr(bars, column).copy()
    changed[17] = np.nextafter(changed[17], np.inf)
    panels = [Panel((bars,)), Panel((replace(bars, **{column: changed}),))]
    first, second = (pipeline.identify(config, panel) for panel in panels)
    assert first.bars != second.bars
    assert first.id != second.id


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source, which the hash is taken of in place of ours."""
    ours = code_hash.__wrapped__(())
    folder = tmp_path / "forecastle"
    source = Path(identity.__file__).parent.parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(identity, "__file__", str(folder / "runs" / "identity.py"))
    assert code_hash.__wrapped__(()) == ours, "the copy has the same source at another place"
    return folder


@pytest.mark.parametrize("name", ["pipeline.py", "arrays.py", "data/bars.py", "models/baseline.py"])
def test_the_code_hash_changes_with_the_numeric_source(package: Path, name: str) -> None:
    before = code_hash.__wrapped__(())
    (package / name).write_text((package / name).read_text() + "\n# changed\n")
    assert code_hash.__wrapped__(()) != before


def test_a_renamed_module_changes_the_code_hash(package: Path) -> None:
    before = code_hash.__wrapped__(())
    (package / "models" / "baseline.py").rename(package / "models" / "basis.py")
    assert code_hash.__wrapped__(()) != before


@pytest.mark.parametrize("name", ["terminal.py", "runs/store.py", "report/page.py", "tracking/guard.py"])
def test_source_that_computes_nothing_leaves_the_code_hash_alone(package: Path, name: str) -> None:
    before = code_hash.__wrapped__(())
    (package / name).write_text((package / name).read_text() + "\n# changed\n")
    assert code_hash.__wrapped__(()) == before


def test_the_users_own_target_module_takes_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from forecastle.features.returns import LogReturn\nclass Mine(LogReturn):\n    pass\n"
    (tmp_path / "my_own_returns.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    words = ["allowed_targets=[my_own_]", "indicator=log_return", "indicator.log_return._target_=my_own_returns.Mine"]
    modules = target_modules(compose(words))
    assert modules == ("my_own_returns",)
    before = code_hash.__wrapped__(modules)
    assert before != code_hash.__wrapped__(())
    (tmp_path / "my_own_returns.py").write_text(source + "# changed\n")
    assert code_hash.__wrapped__(modules) != before


def test_a_module_without_source_has_no_identity() -> None:
    with pytest.raises(RunError, match="source of the module 'no_such_module_of_mine' cannot be found"):
        code_hash(("no_such_module_of_mine",))


def test_versions_of_a_booster_take_part_only_where_it_is_named() -> None:
    assert "lightgbm" in library_versions(["lightgbm.LGBMRegressor"])
    assert "torch" in library_versions(["forecastle.models.neural.Network"])
    plain = library_versions(["sklearn.linear_model.Ridge"])
    assert list(plain) == ["python", "numpy", "pandas", "scipy", "scikit-learn", "TA-Lib"]
    assert plain["numpy"] == np.__version__
