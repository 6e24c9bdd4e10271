"""What the ledger answers without composing anything, and what it must not answer any more."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecastle.config import compose
from forecastle.config.values import ValueLoader

Command = Callable[..., Any]
REUSED = "2 runs, 0 computed, 2 reused, 0 failed"
COMPUTED = "2 runs, 2 computed, 0 reused, 0 failed"


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by what varies of each job that is composed."""
    jobs: list[str] = []
    real = ValueLoader.load_sweep_config

    def spy(loader: ValueLoader, master_config: Any, sweep_overrides: Any) -> Any:
        jobs.append(next(word for word in sweep_overrides if word.startswith("horizon=")))
        return real(loader, master_config, sweep_overrides)

    monkeypatch.setattr(ValueLoader, "load_sweep_config", spy)
    return jobs


@pytest.fixture
def words(forecastle: Command, candles: Callable[..., Path], composed: list[str]) -> list[str]:
    """A sweep of two jobs that has been finished."""
    candles()
    words = ["run", "-m", "data=csv", "data.path=prices.csv", "indicator=minimal", "horizon=3,4"]
    first = forecastle(*words)
    assert COMPUTED in first.out, first.err
    composed.clear()
    return words


def test_a_finished_sweep_is_told_of_and_nothing_is_composed_or_run(
    forecastle: Command, words: list[str], composed: list[str]
) -> None:
    again = forecastle(*words)
    assert REUSED in again.out
    assert (again.code, again.err, composed) == (0, "", [])
    resumed = forecastle("sweep", "resume", "last")
    assert resumed.out == again.out
    assert composed == []


def test_of_a_sweep_that_was_stopped_only_the_rest_is_composed(
    forecastle: Command, words: list[str], composed: list[str]
) -> None:
    (path,) = Path("runs").glob("sweeps/*/00001.json")
    for damage in (path.unlink, lambda: path.write_text("{"), lambda: path.write_text("{}")):
        damage()
        assert REUSED in forecastle(*words).out
        assert set(composed) == {"horizon=4"}
        composed.clear()
        assert json.loads(path.read_text())["choices"][-1] == "horizon=4"


def test_workers_note_what_is_needed_to_spare_the_next_time(
    process: Command, forecastle: Command, candles: Callable[..., Path], composed: list[str]
) -> None:
    candles()
    words = ["run", "-m", "data=csv", "data.path=prices.csv", "indicator=minimal", "horizon=3,4"]
    assert COMPUTED in process(*words, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2").out
    assert REUSED in forecastle(*words).out
    assert composed == []


def of_theirs(words: list[str]) -> None:
    place = Path("conf/local")
    place.mkdir(parents=True)
    (place / "default.yaml").write_text("# @package _global_\nseason: 7\n")


def of_ours(words: list[str]) -> None:
    with (compose.conf_folder() / "model" / "ridge.yaml").open("a") as stream:
        stream.write("\n# a word\n")


def of_data(words: list[str]) -> None:
    path = Path("prices.csv")
    before, text = path.stat(), path.read_text()
    assert text[-2] != "7"
    path.write_text(text[:-2] + "7\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


@pytest.mark.parametrize(("change", "told"), [(of_theirs, COMPUTED), (of_ours, REUSED), (of_data, COMPUTED)])
def test_a_changed_file_is_seen(
    forecastle: Command,
    candles: Callable[..., Path],
    composed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: Callable[[list[str]], None],
    told: str,
) -> None:
    ours = tmp_path / "ours"
    shutil.copytree(compose.conf_folder(), ours)
    for place in ("forecastle.config.compose.conf_folder", "forecastle.launch.conf_folder"):
        monkeypatch.setattr(place, lambda: ours)
    candles()
    words = ["run", "-m", "data=csv", "data.path=prices.csv", "indicator=minimal", "horizon=3,4"]
    forecastle(*words)
    composed.clear()
    assert REUSED in forecastle(*words).out
    assert composed == []
    change(words)
    assert told in forecastle(*words).out
    assert set(composed) == {"horizon=3", "horizon=4"}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("FORECASTLE_SEED", "7", COMPUTED), ("FORECASTLE_LOG_LEVEL", "ERROR", REUSED), ("SOMETHING_ELSE", "1", None)],
)
def test_the_environment_that_is_read_is_part_of_it(
    forecastle: Command,
    words: list[str],
    composed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    told: str | None,
) -> None:
    monkeypatch.setenv(name, value)
    assert (told or REUSED) in forecastle(*words).out
    assert bool(composed) == (told is not None)


@pytest.mark.parametrize("what", ["code_hash", "_package", "library_versions", "version_of"])
def test_other_code_and_other_libraries_are_seen(
    forecastle: Command, words: list[str], composed: list[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    other: Any = {"numpy": "1.0"} if what == "library_versions" else "0" * 32
    monkeypatch.setattr(f"forecastle.runs.ground.{what}", lambda *_: other)
    assert REUSED in forecastle(*words).out
    assert set(composed) == {"horizon=3", "horizon=4"}


def test_a_users_own_module_is_seen(process: Command, workplace: Path, small: list[str]) -> None:
    (workplace / "mine.py").write_text(
        "from forecastle.models.baseline import RandomWalk\n\nclass Mine(RandomWalk):\n    pass\n"
    )
    folder = workplace / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("_target_: mine.Mine\n")
    words = ["run", "-m", *small, "allowed_targets=[mine.]", "model=mine", "horizon=3,4"]
    assert COMPUTED in process(*words).out
    again = process(*words)
    assert REUSED in again.out
    assert again.err == "", "no job was begun"
    with (workplace / "mine.py").open("a") as stream:
        stream.write("\n# a word\n")
    assert COMPUTED in process(*words).out


def test_a_run_that_is_gone_is_computed_again(forecastle: Command, words: list[str], composed: list[str]) -> None:
    (path,) = Path("runs").glob("sweeps/*/00000.json")
    shutil.rmtree(Path("runs") / json.loads(path.read_text())["run"])
    assert "2 runs, 1 computed, 1 reused, 0 failed" in forecastle(*words).out
    assert set(composed) == {"horizon=3"}


DAMAGE = [
    ("metrics.json", lambda path: os.truncate(path, 100), "is not what a run writes"),
    ("manifest.json", lambda path: path.write_text("{}"), "is not what a run writes"),
    ("config.yaml", lambda path: path.unlink(), "is missing"),
    ("forecast.parquet", lambda path: path.write_text(""), "is empty"),
    ("forecast.parquet", lambda path: os.truncate(path, 1000), "is no whole Parquet file"),
]


@pytest.mark.parametrize(("name", "harm", "what"), DAMAGE)
def test_a_run_that_is_damaged_is_told_of_and_computed_again(
    forecastle: Command, words: list[str], composed: list[str], name: str, harm: Callable[[Path], Any], what: str
) -> None:
    (path,) = Path("runs").glob("sweeps/*/00000.json")
    folder = Path("runs") / json.loads(path.read_text())["run"]
    whole = (folder / name).read_bytes()
    harm(folder / name)
    again = forecastle(*words)
    assert set(composed) == {"horizon=3"}
    assert f"run {folder.name} is damaged ({name} {what}) and is computed again" in again.err.splitlines()
    assert "2 runs, 1 computed, 1 reused, 0 failed" in again.out
    if name != "manifest.json":
        assert (folder / name).read_bytes() == whole
    composed.clear()
    assert REUSED in forecastle(*words).out
    assert composed == []


@pytest.mark.parametrize("word", ["show", "explain", "reproduce", "compare", "evaluate"])
def test_a_run_whose_manifest_tells_nothing_is_refused_in_one_line(
    forecastle: Command, small: list[str], word: str
) -> None:
    forecastle("run", *small)
    (path,) = Path("runs").glob("*/manifest.json")
    path.write_text("{}")
    done = forecastle(word, path.parent.name, *(["part=test"] if word == "evaluate" else []))
    assert done.code == 2
    assert f"{path} is damaged: id, name, " in done.err or "manifest.json is not what a run writes" in done.err
    assert "KeyError" not in done.err
    assert path.parent.name in forecastle("runs").out


def test_a_protected_run_that_is_damaged_is_not_replaced(forecastle: Command, small: list[str]) -> None:
    forecastle("run", *small)
    (path,) = Path("runs").glob("*/forecast.parquet")
    forecastle("protect", "last", "--tag", "production")
    path.write_text("")
    refused = forecastle("run", *small)
    assert refused.code == 2
    assert "is protected (production), so it is not computed again though forecast.parquet is empty" in refused.err
    assert refused.err.count("\n") == 1
    forecastle("unprotect", "production")
    assert forecastle("run", *small).code == 0
    assert path.stat().st_size > 0


@pytest.mark.parametrize("word", ["force=true", "explain=true"])
def test_what_is_to_be_done_in_any_case_is_done(
    forecastle: Command, words: list[str], composed: list[str], word: str
) -> None:
    for _ in range(2):
        composed.clear()
        assert forecastle(*words, word).code == 0
        assert set(composed) == {"horizon=3", "horizon=4"}


def test_what_depends_on_the_time_is_composed_each_time(
    forecastle: Command, words: list[str], composed: list[str]
) -> None:
    place = Path("conf/local")
    place.mkdir(parents=True)
    (place / "default.yaml").write_text("# @package _global_\nend: ${now:%Y-%m-%d}\n")
    for _ in range(2):
        composed.clear()
        assert forecastle(*words).code == 0
        assert set(composed) == {"horizon=3", "horizon=4"}


def test_another_folder_of_settings_makes_other_runs_of_the_same_words(
    forecastle: Command, words: list[str], composed: list[str]
) -> None:
    Path("mine/local").mkdir(parents=True)
    Path("mine/local/default.yaml").write_text("# @package _global_\nseason: 9\n")
    assert COMPUTED in forecastle(*words, "--config-dir", "mine").out
    composed.clear()
    assert REUSED in forecastle(*words, "--config-dir", "mine").out
    assert composed == []
    assert REUSED in forecastle(*words).out
    assert set(composed) == {"horizon=3", "horizon=4"}
