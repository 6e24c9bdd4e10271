from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecastle.errors import ModelError
from forecastle.models.calibration import error_quantiles, split_in_time

DAY = np.timedelta64(1, "D")
START = np.datetime64("2020-01-01", "us")


@given(
    count=st.integers(120, 400),
    symbols=st.integers(1, 3),
    horizon=st.integers(1, 20),
    share=st.floats(0.25, 0.6),
)
def test_no_label_that_is_learnt_from_reaches_into_the_held_out_part(count, symbols, horizon, share):
    origin = np.concatenate([START + np.arange(count) * DAY] * symbols)
    label_end = origin + horizon * DAY
    earlier, later = split_in_time(origin, label_end, share)
    assert label_end[earlier].max() <= origin[later].min()
    assert len(later) / len(origin) == pytest.approx(share, abs=1.5 / count)
    left_out = len(origin) - len(earlier) - len(later)
    assert left_out == (horizon - 1) * symbols
    assert np.all(np.diff(earlier) > 0)
    assert np.all(np.diff(later) > 0)


def test_too_few_windows_are_refused_with_their_number():
    origin = START + np.arange(40) * DAY
    with pytest.raises(ModelError, match=r"at least 20 held-out windows .* got 10 and 30 from 40 .* calibration=0.25"):
        split_in_time(origin, origin + DAY, 0.25)


def test_labels_that_all_overlap_the_held_out_part_are_refused():
    origin = START + np.arange(100) * DAY
    with pytest.raises(ModelError, match="got 25 and 0"):
        split_in_time(origin, origin + 90 * DAY, 0.25)


@given(st.integers(20, 300), st.integers(0, 1000))
def test_a_new_error_is_below_the_kth_smallest_with_the_level_k_over_n_plus_one(count, seed):
    errors = np.random.default_rng(seed).normal(size=(count, 2))
    levels = np.arange(1, count + 1) / (count + 1)
    np.testing.assert_allclose(error_quantiles(errors, levels), np.sort(errors, axis=0).T, rtol=1e-9, atol=1e-12)


def test_held_out_quantiles_cover_what_they_say_on_average():
    random = np.random.default_rng(1)
    hits = [random.normal() <= error_quantiles(random.normal(size=(25, 1)), [0.9])[0, 0] for _ in range(4000)]
    assert np.mean(hits) == pytest.approx(0.9, abs=0.015)
