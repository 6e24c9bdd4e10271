from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from forecastle.data.bars import Panel
from forecastle.errors import FeatureError
from forecastle.features.frame import FeatureFrame
from forecastle.windows.timeline import build_timeline


def test_each_symbol_has_the_facts_that_it_has_alone(panel: Panel, frame_of: Callable[..., FeatureFrame]) -> None:
    together = build_timeline(panel, frame_of(panel))
    assert together.symbols == ("AAA", "BBB", "CCC")
    for number, bars in enumerate(panel):
        alone = build_timeline(Panel((bars,)), frame_of(Panel((bars,))))
        rows = together.symbol == number
        np.testing.assert_array_equal(together.log_close[rows], np.log(bars.close))
        np.testing.assert_array_equal(together.known[rows], bars.time + bars.interval)
        np.testing.assert_array_equal(together.scale[rows], alone.scale)


def test_features_are_not_copied(panel: Panel, frame_of: Callable[..., FeatureFrame]) -> None:
    frame = frame_of(panel)
    assert build_timeline(panel, frame).features is frame.values


def test_features_of_other_bars_are_refused(panel: Panel, frame_of: Callable[..., FeatureFrame]) -> None:
    frame = frame_of(panel)
    with pytest.raises(FeatureError, match=r"features of \[70, 50, 60\] bars .* got \[70, 60, 50\] in 180 rows"):
        build_timeline(panel, replace(frame, lengths=np.array([70, 60, 50])))
    with pytest.raises(FeatureError, match="in 179 rows"):
        build_timeline(panel, replace(frame, values=frame.values[1:]))
