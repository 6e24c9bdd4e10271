"""Groups give what `reduceat` gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.data import groups
from forecastle.data.groups import Groups

OPERATIONS = (np.add, np.maximum, np.minimum)


def first_of(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]])


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("missing", [0, 1, 40])
def test_groups_give_the_bits_of_reduceat(operation, size, missing, monkeypatch):
    monkeypatch.setattr(groups, "BLOCK", 64)
    random = np.random.default_rng(size)
    sizes = np.full(1000, size)
    sizes[random.choice(1000, missing, replace=False)] = max(size - 1, 1)
    column = random.lognormal(sigma=5, size=sizes.sum())
    first = first_of(sizes)
    found = Groups(first, len(column)).reduce(operation, column)
    np.testing.assert_array_equal(found.view(np.int64), operation.reduceat(column, first).view(np.int64))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.sampled_from(OPERATIONS), st.integers(1, 7))
def test_each_group_is_reduced_by_itself(sizes, operation, block):
    column = np.random.default_rng(len(sizes)).integers(-100, 100, sum(sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "BLOCK", block)
        found = Groups(first_of(np.array(sizes)), len(column)).reduce(operation, column)
    ends = np.cumsum(sizes)
    assert found.tolist() == [operation.reduce(column[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def test_a_whole_block_is_not_reduced_group_by_group(monkeypatch):
    whole = []
    monkeypatch.setattr(groups, "_reduce_whole", lambda operation, rows, target: whole.append(rows.shape))
    monkeypatch.setattr(groups, "BLOCK", 2)
    Groups(np.array([0, 3, 6, 9]), 11).reduce(np.add, np.arange(11.0))
    assert whole == [(2, 3)]
