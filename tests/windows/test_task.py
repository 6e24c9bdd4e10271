"""Task: the steps that are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from forecastle.data.bars import Bars
from forecastle.windows.context import Target, Task
from forecastle.windows.target import Direction, LogReturn, Volatility

LEVELS = (0.1, 0.5, 0.9)
SCALE = np.array([0.001, 0.02])


@pytest.mark.parametrize("target", [LogReturn(), Direction(), Volatility()], ids=lambda target: target.name)
def test_chosen_steps_are_those_columns_of_all_steps(target: Target, bars: Bars) -> None:
    whole, some = Task(target, 24, LEVELS), Task(target, 24, LEVELS, (1, 5, 24))
    columns = [0, 4, 23]
    past = np.log(bars.close)[None, :100]
    assert whole.steps == tuple(range(1, 25))
    assert some.steps == (1, 5, 24)
    np.testing.assert_array_equal(some.values(bars, SCALE), whole.values(bars, SCALE)[:, columns])
    np.testing.assert_array_equal(some.spread(SCALE), whole.spread(SCALE)[:, columns])
    np.testing.assert_array_equal(some.random_walk(SCALE), whole.random_walk(SCALE)[:, columns])
    np.testing.assert_array_equal(some.carried(past, 5), whole.carried(past, 5)[:, columns])


def test_all_steps_are_what_the_target_says(bars: Bars) -> None:
    task, target = Task(LogReturn(), 3, LEVELS), LogReturn()
    np.testing.assert_array_equal(task.values(bars, SCALE), target.compute(bars, 3, SCALE))
    np.testing.assert_array_equal(task.random_walk(SCALE), target.random_walk(SCALE, 3, np.array(LEVELS)))
