"""What every transform in conf/transform keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from forecastle.arrays import SPAN, TIME
from forecastle.config.target import build as build_node
from forecastle.data.bars import Bars, Panel
from forecastle.features.frame import FeatureFrame
from forecastle.runs.execution import limited_threads
from forecastle.windows.context import Target, Task, Windows
from forecastle.windows.fold import Fold
from forecastle.windows.sample import make_windows
from forecastle.windows.target import Direction, LogReturn
from forecastle.windows.transform import Chain, Rows, Standardize
from forecastle.windows.transform.regime import HmmRegime

CONF = Path(__file__).resolve().parents[2] / "conf" / "transform"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))
ROOT = {"seed": 3, "threads": 1, "horizon": 3, "context_length": 8}
COLUMNS = ("ordinary", "skewed", "large", "constant", "calm_and_wild", "twin", "telling")
WARMUP, LENGTHS = 44, (800, 500)
TRAIN = np.concatenate([np.arange(20, 300), np.arange(760, 1000)])  # of the first symbol, and of the second
ORIGINS = {*range(70, 350), *range(863, 1103)}
COVERED = {row - back for row in ORIGINS for back in range(8)}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As a run has it; two threads that wait for each other take minutes on a busy machine."""
    with limited_threads(1):
        yield


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def build(*names: str) -> Chain:
    """The chain that `transform=[…]` composes."""
    nodes: dict[str, object] = {}
    for name in names:
        whole = OmegaConf.create({**ROOT, "transform": OmegaConf.load(CONF / f"{name}.yaml")})
        nodes |= OmegaConf.to_container(whole, resolve=True)["transform"]
    return Chain({name: build_node(node, f"transform.{name}") for name, node in nodes.items()})


def panel_of(close: Sequence[np.ndarray]) -> Panel:
    interval = np.timedelta64(60, "m").astype(SPAN)
    start = np.datetime64("2020-01-01", "us").astype(TIME)
    times = [start + np.arange(len(each)) * interval for each in close]
    return Panel(tuple(Bars(f"S{i}", interval, times[i], *[each] * 4) for i, each in enumerate(close)))


def make_closes() -> list[np.ndarray]:
    random = np.random.default_rng(2)
    return [100 * np.exp(np.cumsum(0.01 * random.normal(size=length))) for length in LENGTHS]


def make_values() -> np.ndarray:
    """Features of several kinds, two that say the same, and one that knows the next move; NaN in the warm-up."""
    random = np.random.default_rng(3)
    count = sum(LENGTHS)
    wild = np.repeat(random.random(count // 25) < 0.4, 25)
    ordinary = random.normal(size=count)
    following = np.concatenate([np.diff(np.log(close), append=np.log(close[-1])) for close in make_closes()])
    values = [
        ordinary,
        random.lognormal(size=count),
        1e5 + 100 * random.normal(size=count),
        np.ones(count),
        np.where(wild, 3, 0.5) * random.normal(size=count),
        ordinary + 0.01 * random.normal(size=count),
        100 * following + random.normal(size=count),
    ]
    values = np.stack(values, axis=1).astype(np.float32)
    for start in (0, LENGTHS[0]):
        values[start : start + WARMUP - 1] = np.nan
    return values


def make(
    values: np.ndarray, close: Sequence[np.ndarray] | None = None, target: Target | None = None, missing: bool = False
) -> Windows:
    panel = panel_of(close or make_closes())
    frame = FeatureFrame(values, COLUMNS, np.array(LENGTHS), WARMUP, {})
    return make_windows(panel, frame, Task(target or LogReturn(), 3, (0.5,)), 8, 8, allow_missing=missing)


def features(chain: Chain, windows: Windows) -> np.ndarray:
    return chain.apply(windows).context.timeline.features


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def saved(chain: Chain, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    chain.save(folder)
    return files(folder)


def test_the_yaml_says_what_it_is_and_is_named_as_its_file(name: str) -> None:
    assert (CONF / f"{name}.yaml").read_text().startswith("# ")
    assert list(build(name).steps) == ([] if name == "none" else [name])


@pytest.mark.parametrize("target", [LogReturn(), Direction()], ids=lambda target: target.name)
def test_fit_sees_training_rows_and_their_targets_only(name: str, target: Target, tmp_path: Path) -> None:
    values, close = make_values(), make_closes()
    windows = make(values, close, target)
    rows = sorted(COVERED)
    assert set(windows.context.row[TRAIN]) == ORIGINS
    changed = np.full_like(values, 777)
    changed[rows] = values[rows]
    later = [close[0].copy(), close[1].copy()]
    for each, last in zip(later, (349 + 3, 1102 - 800 + 3), strict=True):
        each[last + 1 :] = 50 + 10 * np.sin(np.arange(len(each) - last - 1))
    other = make(changed, later, target, missing=True)
    again = np.flatnonzero(np.isin(other.context.row, windows.context.row[TRAIN]))
    np.testing.assert_array_equal(other.target[again], windows.target[TRAIN])
    first, second = build(name).fit(windows[TRAIN]), build(name).fit(other[again])
    assert saved(first, tmp_path / "first") == saved(second, tmp_path / "second")
    if name != "none":
        apart = build(name).fit(windows[TRAIN - 15])
        assert saved(apart, tmp_path / "apart") != files(tmp_path / "first")


def check_later_rows_do_not_show(chain: Chain) -> None:
    """Change what comes after a bar in one symbol: rows up to it, and the other symbol, keep every bit."""
    values = make_values()
    windows = make(values)
    before = features(chain.fit(windows[TRAIN]), windows)
    for now, end in ((400, 800), (1100, 1300)):
        changed = values.copy()
        changed[now + 1 : end] = -3 * values[now + 1 : end] + 1
        after = features(chain, make(changed))
        elsewhere = np.r_[0 : now + 1, end:1300]
        assert after[elsewhere].tobytes() == before[elsewhere].tobytes(), "a later row shows"
        assert (after[now + 1 : end] != before[now + 1 : end]).any()


def test_a_row_depends_on_no_later_row_and_on_no_other_symbol(name: str) -> None:
    check_later_rows_do_not_show(build(name))


class WholeSample(Standardize):
    """A leak: the mean of all rows, whatever was learned."""

    def apply(self, rows: Rows) -> Rows:
        return rows.become(rows.values - np.nanmean(rows.values, axis=0))


class BackFill(Standardize):
    """A leak: what is missing is taken from the next bar that is known."""

    def apply(self, rows: Rows) -> Rows:
        table = pd.DataFrame(np.where(np.abs(rows.values) < 2, rows.values, np.nan))
        return rows.become(table.bfill().fillna(0).to_numpy())


class Smoother(HmmRegime):
    """A leak: the regime as all bars tell it, later ones too."""

    def apply(self, rows: Rows) -> Rows:
        there, back = super().apply(rows), super().apply(rows.become(rows.values[::-1]))
        return there.become(there.values + back.values[::-1])


@pytest.mark.parametrize("leak", [WholeSample, BackFill, Smoother])
def test_planted_leaks_are_caught(leak: type[Standardize] | type[HmmRegime]) -> None:
    with pytest.raises(AssertionError, match="a later row shows"):
        check_later_rows_do_not_show(Chain({"leak": leak()}))


def test_a_row_depends_on_no_row_before_its_memory(name: str) -> None:
    values = make_values()
    windows = make(values)
    chain = build(name).fit(windows[TRAIN])
    now = 400
    changed = values.copy()
    changed[WARMUP : now - chain.memory] *= -3
    after = features(chain, make(changed))
    assert after[now:].tobytes() == features(chain, windows)[now:].tobytes()


def test_live_rows_are_those_of_the_whole_history(name: str) -> None:
    """Only the last bars of the first symbol are there, and of these as many as the chain claims to need."""
    values = make_values()
    windows = make(values)
    chain = build(name).fit(windows[TRAIN])
    first = 600 - chain.memory
    timeline = windows.context.timeline
    cut = replace(
        timeline,
        **{key: getattr(timeline, key)[first:800] for key in ("features", "log_close", "scale", "known", "symbol")},
    )
    live = chain.apply(replace(windows.context, timeline=cut, row=np.array([799 - first]))).timeline.features
    np.testing.assert_allclose(live[600 - first :], features(chain, windows)[600:800], rtol=1e-6, atol=1e-6)


def test_transformed_features_are_finite_float32_with_names(name: str) -> None:
    windows = make(make_values())
    result = build(name).fit(windows[TRAIN]).apply(windows)
    timeline = result.context.timeline
    assert timeline.features.dtype == np.float32
    assert timeline.features.shape == (sum(LENGTHS), len(timeline.columns))
    assert len(set(timeline.columns)) == len(timeline.columns) > 0
    assert np.isfinite(result.context.features).all()
    assert result.context.features.shape == (len(windows), 8, len(timeline.columns))
    assert result.target is windows.target


@pytest.mark.parametrize(
    "beside", [("standard", None), (None, "standard"), ("select_variance", "pca"), ("impute", None)]
)
def test_it_works_before_and_after_others(name: str, beside: tuple[str | None, str | None], tmp_path: Path) -> None:
    before, after = beside
    names = [each for each in (before, name, after) if each]
    windows = make(make_values())
    chain = build(*names).fit(windows[TRAIN])
    result = chain.apply(windows)
    assert np.isfinite(result.context.features).all()
    assert list(chain.report()) == list(chain.steps)
    chain.save(tmp_path)
    again = build(*names).load(tmp_path).apply(windows.context)
    assert again.timeline.columns == result.context.timeline.columns
    assert again.timeline.features.tobytes() == result.context.timeline.features.tobytes()


def test_what_was_learned_comes_back_bit_for_bit_and_again(name: str, tmp_path: Path) -> None:
    windows = make(make_values())
    chain = build(name).fit(windows[TRAIN])
    chain.save(tmp_path)
    loaded = build(name).load(tmp_path)
    assert features(loaded, windows).tobytes() == features(chain, windows).tobytes()
    assert json.loads(json.dumps(chain.report(), allow_nan=False)) == chain.report() == loaded.report()
    assert saved(loaded, tmp_path / "again") == {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    assert (loaded.memory, loaded.fills) == (chain.memory, chain.fills)


def test_a_second_fit_learns_the_same_and_forgets_the_first(name: str, tmp_path: Path) -> None:
    windows = make(make_values())
    chain = build(name).fit(windows[TRAIN])
    first = saved(chain, tmp_path / "first")
    chain.fit(windows[300:420])
    chain.fit(windows[TRAIN])
    assert saved(chain, tmp_path / "second") == first
    assert saved(build(name).fit(windows[TRAIN]), tmp_path / "third") == first


def test_missing_features_are_filled_or_refused_but_never_passed_on(name: str) -> None:
    values = make_values()
    holes = np.random.default_rng(0).random(values.shape) < 0.02
    values[holes] = np.nan
    windows = make(values, missing=True)
    assert len(windows) > len(make(values)) > 0
    chain = build("impute", name).fit(windows[TRAIN])
    assert chain.fills
    assert np.isfinite(chain.apply(windows).context.features).all()


def test_fold_indices_still_fit(name: str) -> None:
    """Windows are the same ones, in the same order, whatever the columns."""
    windows = make(make_values())
    fold = Fold(TRAIN, np.arange(320, 400), np.arange(420, 500), 0)
    shown = build(name).fit(windows[fold.train]).apply(windows)
    np.testing.assert_array_equal(shown.context.row, windows.context.row)
    np.testing.assert_array_equal(shown[fold.test].context.past, windows[fold.test].context.past)
