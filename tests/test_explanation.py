"""What an explanation is made of."""

from __future__ import annotations

import numpy as np
import pytest

from forecastle.errors import ConfigError
from forecastle.evaluation.bootstrap import block_length
from forecastle.explanation import Effort, _spread


def test_of_many_windows_whole_blocks_spread_over_time_are_permuted() -> None:
    origin = np.datetime64("2020-01-01", "us") + np.arange(20_000) * np.timedelta64(1, "h")
    rows = _spread(origin, 5, 5000)
    length = block_length(20_000, 5)
    assert 4500 <= len(rows) <= 5500
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    assert {len(run) % length for run in runs[:-1]} == {0}
    assert rows[0] == 0
    assert rows[-1] == 19_999
    assert np.diff(rows).max() <= 8 * length


def test_few_windows_are_permuted_all() -> None:
    origin = np.datetime64("2020-01-01", "us") + np.arange(50) * np.timedelta64(1, "h")
    assert np.array_equal(_spread(origin, 5, 5000), np.arange(50))


def test_an_effort_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="windows must be at least 1, got 0"):
        Effort(windows=0)
