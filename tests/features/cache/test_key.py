"""The key of a frame: whatever can change a bit of it changes the key, and nothing else does."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import REPOSITORY, make_bars

from forecastle.arrays import SPAN
from forecastle.data.bars import Panel
from forecastle.errors import RunError
from forecastle.features.cache import key as module
from forecastle.features.cache.key import frame_key, source_hash
from forecastle.runs import source

NODES = [
    ("rsi", {"_target_": "forecastle.features.talib.TALib", "function": "RSI", "timeperiod": [7, 14]}),
    ("atr", {"_target_": "forecastle.features.talib.TALib", "function": "ATR", "unit": "close"}),
]
MODULES = ("forecastle.features.talib",)
PANEL = Panel((make_bars(300, symbol="A"), make_bars(300, symbol="B", seed=1)))


def key(panel: Panel = PANEL, nodes: Any = NODES, settings: Any = ("skip",), modules: Any = MODULES) -> str:
    return frame_key(panel, nodes, settings, modules)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    caches: list[Any] = [source_hash, module._version]
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


def test_the_same_gives_the_same_key() -> None:
    again = Panel((make_bars(300, symbol="B", seed=1), make_bars(300, symbol="A")))
    assert key(again) == key()
    assert key(modules=MODULES * 2) == key()
    assert len(key()) == 32


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_one_changed_value_misses(column: str) -> None:
    first, second = PANEL
    values = getattr(second, column).copy()
    values[17] = np.nextafter(values[17], np.inf)
    assert key(Panel((first, replace(second, **{column: values})))) != key()


def test_another_symbol_interval_or_number_of_bars_misses() -> None:
    first, second = PANEL
    others = [
        Panel((first,)),
        Panel((first, replace(second, symbol="C"))),
        Panel((first, second[:-1])),
        Panel(tuple(replace(bars, interval=np.timedelta64(30, "m").astype(SPAN)) for bars in PANEL)),
        Panel((first, replace(second, calendar=False))),
        Panel((first, replace(second, volume=None))),
    ]
    assert len({key(), *map(key, others)}) == 7


@pytest.mark.parametrize(
    "nodes",
    [
        NODES[:1],
        NODES[::-1],
        [("rsi2", NODES[0][1]), NODES[1]],
        [("rsi", {**NODES[0][1], "timeperiod": [7, 15]}), NODES[1]],
        [("rsi", {**NODES[0][1], "timeperiod": [14, 7]}), NODES[1]],
        [NODES[0], ("atr", {**NODES[1][1], "unit": "raw"})],
    ],
)
def test_one_changed_parameter_name_or_order_misses(nodes: Any) -> None:
    assert key(nodes=nodes) != key()


def test_another_setting_of_the_engine_misses() -> None:
    assert key(settings=("refuse",)) != key()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of our source, of which the hash is taken in place of ours."""
    shutil.copytree(REPOSITORY / "src" / "forecastle", tmp_path / "forecastle")
    place = source._place

    def copied(name: str) -> tuple[str, str]:
        path, root = place(name)
        return (path.replace(root, str(tmp_path)), str(tmp_path)) if name.startswith("forecastle.") else (path, root)

    monkeypatch.setattr(source, "_place", copied)
    return tmp_path / "forecastle"


@pytest.mark.parametrize(
    "name",
    [
        "features/talib.py",
        "features/library.py",
        "features/memory.py",
        "features/engine.py",
        "data/bars.py",
        "arrays.py",
    ],
)
def test_one_changed_line_of_what_an_indicator_is_built_on_misses(package: Path, name: str) -> None:
    before = key()
    source_hash.cache_clear()
    assert key() == before
    path = package / name
    path.write_text(path.read_text() + "\nCHANGED = True\n")
    source_hash.cache_clear()
    assert key() != before


@pytest.mark.parametrize("name", ["features/volume.py", "features/cache/disk.py", "models/baseline.py", "pipeline.py"])
def test_a_changed_line_of_what_it_is_not_built_on_still_hits(package: Path, name: str) -> None:
    before = key()
    path = package / name
    path.write_text(path.read_text() + "\nCHANGED = True\n")
    source_hash.cache_clear()
    assert key() == before


@pytest.mark.parametrize("library", ["numpy", "TA-Lib"])
def test_another_version_of_a_library_misses(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    real = module.library_versions
    monkeypatch.setattr(module, "library_versions", lambda: {**real(), library: "0.0.1"})
    assert key() != before


def test_another_kind_of_processor_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr(module, "machine", lambda: "Linux other")
    assert key() != before


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A user's own indicator, which takes something from each kind of place; write one of its files anew."""
    files = {
        "mine/__init__.py": "",
        "mine/indicator.py": "import json, yaml\n"
        "from forecastle.features.trailing import (\n    Trailing,  # (ours)\n)\n"
        "from . import (\n    window,  # noqa\n    level)\nfrom .deep.part import depth\n",
        "mine/window.py": "",
        "mine/level.py": "def later():\n    import beside as other\n",
        "mine/deep/__init__.py": "",
        "mine/deep/part.py": "from ..shallow import depth\n",
        "mine/shallow.py": "depth = 3\n",
        "beside.py": "",
        "unused.py": "",
    }

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        source_hash.cache_clear()

    for name, text in files.items():
        write(name, text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "beside")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "name",
    ["mine/indicator.py", "mine/window.py", "mine/level.py", "mine/deep/part.py", "mine/shallow.py", "beside.py"],
)
def test_one_changed_line_of_a_users_own_code_misses(project: Callable[[str, str], None], name: str) -> None:
    before = key(modules=("mine.indicator",))
    text = Path(str(sys.modules["mine"].__file__)).parent.parent.joinpath(name).read_text()
    project(name, f"{text}# changed\n")
    assert key(modules=("mine.indicator",)) != before


def test_a_file_of_the_user_that_is_not_imported_does_not_matter(project: Callable[[str, str], None]) -> None:
    before = key(modules=("mine.indicator",))
    project("unused.py", "changed = True\n")
    assert key(modules=("mine.indicator",)) == before


def test_what_a_users_indicator_takes_from_ours_counts(project: Callable[[str, str], None], package: Path) -> None:
    before = key(modules=("mine.indicator",))
    path = package / "features" / "trailing.py"
    path.write_text(path.read_text() + "\nCHANGED = True\n")
    source_hash.cache_clear()
    assert key(modules=("mine.indicator",)) != before


def test_the_version_of_a_package_that_a_users_indicator_imports_counts(
    project: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, versions = source_hash(("mine.indicator",))
    assert "yaml" in dict(versions)
    assert "json" not in dict(versions)
    before = key(modules=("mine.indicator",))
    importlib.import_module("yaml")
    monkeypatch.setattr(sys.modules["yaml"], "__version__", "0.0.1")
    module._version.cache_clear()
    source_hash.cache_clear()
    assert key(modules=("mine.indicator",)) != before


def test_a_module_without_source_is_told() -> None:
    with pytest.raises(RunError, match="the source of the module 'builtins' cannot be found"):
        source_hash(("builtins",))
