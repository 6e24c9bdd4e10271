"""What every split in conf/split keeps to; a new YAML there is tested without an edit here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from forecastle.windows.fold import Fold, Split

CONF = Path(__file__).resolve().parents[2] / "conf" / "split"
HORIZON = 30
TIMES = np.datetime64("1990-01-01", "us") + np.arange(7588) * np.timedelta64(1, "D")


@pytest.fixture(params=sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def split(request: pytest.FixtureRequest) -> Split:
    return instantiate(OmegaConf.load(request.param))


def windows() -> tuple[np.ndarray, np.ndarray]:
    """Origins and label ends of two symbols, the second with a hole in its bars."""
    whole = TIMES
    holed = np.delete(TIMES, np.s_[2000:2400])
    origin = np.concatenate([known[50:-HORIZON] for known in (whole, holed)])
    label_end = np.concatenate([known[50 + HORIZON :] for known in (whole, holed)])
    return origin, label_end


def cut(split: Split, order: np.ndarray | None = None) -> tuple[tuple[Fold, ...], np.ndarray, np.ndarray]:
    origin, label_end = windows()
    if order is not None:
        origin, label_end = origin[order], label_end[order]
    return split.split(origin, label_end, TIMES, HORIZON, origin), origin, label_end


def test_parts_are_whole_ascending_and_apart(split: Split) -> None:
    folds, origin, _ = cut(split)
    assert folds
    for fold in folds:
        parts = (fold.train, fold.validation, fold.test)
        together = np.concatenate(parts)
        assert len(np.unique(together)) == len(together)
        assert together.min() >= 0
        assert together.max() < len(origin)
        for part in parts:
            assert len(part)
            assert (np.diff(origin[part]) >= np.timedelta64(0)).all()


def test_no_label_reaches_beyond_the_first_origin_of_a_later_part(split: Split) -> None:
    folds, origin, label_end = cut(split)
    for fold in folds:
        assert label_end[fold.train].max() <= origin[fold.validation].min()
        assert label_end[fold.validation].max() <= origin[fold.test].min()
        assert fold.purged > 0


def test_the_order_in_which_symbols_stand_changes_nothing(split: Split) -> None:
    order = np.random.default_rng(0).permutation(len(windows()[0]))
    for fold, other in zip(cut(split)[0], cut(split, order)[0], strict=True):
        for name in ("train", "validation", "test"):
            np.testing.assert_array_equal(np.sort(order[getattr(other, name)]), np.sort(getattr(fold, name)))
        assert fold.purged == other.purged
