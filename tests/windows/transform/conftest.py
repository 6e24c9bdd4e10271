"""Training rows by hand, for the tests of fitted steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from forecastle.windows.transform.step import Rows, Training


def make_rows(values: np.ndarray, columns: Sequence[str] | None = None, starts: Sequence[int] = (0,)) -> Rows:
    """Rows with the columns a, b, c, … unless others are given."""
    names = tuple(columns) if columns else tuple("abcdefghijklmnopqrstuvwxyz"[: values.shape[1]])
    return Rows(np.asarray(values, dtype=np.float32), names, np.array(starts))


def make_training(
    values: np.ndarray,
    columns: Sequence[str] | None = None,
    target: np.ndarray | None = None,
    classes: int = 0,
    starts: Sequence[int] = (0,),
) -> Training:
    """Rows that are all origins, with a target of zeros unless one is given."""
    rows = make_rows(values, columns, starts)
    count = len(rows.values)
    return Training(rows, np.arange(count), np.zeros((count, 1)) if target is None else target, classes)


@pytest.fixture
def rows_of() -> Callable[..., Rows]:
    return make_rows


@pytest.fixture
def training_of() -> Callable[..., Training]:
    return make_training
