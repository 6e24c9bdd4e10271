from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecastle.windows.uniqueness import uniqueness


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=40))
def test_weights_are_the_mean_of_one_over_the_labels_at_each_bar(steps: list[tuple[int, int]]) -> None:
    row = np.cumsum([gap for gap, _ in steps])
    span = np.array([length for _, length in steps])
    labels = {}
    for first, length in zip(row.tolist(), span.tolist(), strict=True):
        for bar in range(first + 1, first + length + 1):
            labels[bar] = labels.get(bar, 0) + 1
    alone = [
        np.mean([1 / labels[bar] for bar in range(first + 1, first + length + 1)])
        for first, length in zip(row.tolist(), span.tolist(), strict=True)
    ]
    np.testing.assert_allclose(uniqueness(row, span), np.array(alone) / np.mean(alone), rtol=1e-9)


def test_labels_of_one_length_weigh_the_same_but_at_the_ends() -> None:
    weight = uniqueness(np.arange(50), np.full(50, 4))
    np.testing.assert_allclose(weight[4:-4], weight[10])
    assert weight[0] > weight[10]
