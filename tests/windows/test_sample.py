from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecastle.data.bars import Bars, Panel
from forecastle.errors import ConfigError, FeatureError, SplitError
from forecastle.features.frame import FeatureFrame
from forecastle.windows.context import Task
from forecastle.windows.sample import Missing, latest_context, make_windows, missing_features
from forecastle.windows.target import LogReturn
from forecastle.windows.volatility import EARLIEST

FrameOf = Callable[..., FeatureFrame]
Daily = Callable[..., Bars]


def spoilt(frame: FeatureFrame, *cells: tuple[int, int], value: float = np.nan) -> FeatureFrame:
    values = frame.values.copy()
    for cell in cells:
        values[cell] = value
    return replace(frame, values=values)


def by_loop(panel: Panel, frame: FeatureFrame, horizon: int, context_length: int, past_length: int) -> list[int]:
    """Rows of the timeline at which a window is complete, found bar by bar."""
    found, start = [], 0
    for bars in panel:
        for local in range(len(bars)):
            first = local - context_length + 1
            whole = (
                first >= frame.warmup - 1
                and local - past_length + 1 >= 0
                and local + 1 >= EARLIEST
                and local + horizon < len(bars)
                and bool(np.isfinite(frame.values[start + first : start + local + 1]).all())
            )
            if whole:
                found.append(start + local)
        start += len(bars)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    horizon=st.integers(1, 25),
    context_length=st.integers(1, 25),
    extra=st.integers(0, 20),
    warmup=st.integers(1, 12),
    holes=st.lists(st.tuples(st.integers(0, 179), st.integers(0, 1)), max_size=3),
)
def test_windows_are_those_that_a_loop_over_the_bars_finds(
    panel: Panel,
    frame_of: FrameOf,
    horizon: int,
    context_length: int,
    extra: int,
    warmup: int,
    holes: list[tuple[int, int]],
) -> None:
    frame = spoilt(frame_of(panel, warmup=warmup), *holes)
    past_length = context_length + extra
    expected = by_loop(panel, frame, horizon, context_length, past_length)
    task = Task(LogReturn(), horizon, (0.5,))
    if not expected:
        with pytest.raises(SplitError):
            make_windows(panel, frame, task, context_length, past_length)
        return
    windows = make_windows(panel, frame, task, context_length, past_length)
    assert windows.context.row.tolist() == expected
    close = np.concatenate([bars.close for bars in panel])
    known = np.concatenate([bars.known for bars in panel])
    for index, row in enumerate(expected):
        np.testing.assert_allclose(windows.target[index], np.log(close[row + 1 : row + horizon + 1] / close[row]))
        assert windows.label_end[index] == known[row + horizon]
    np.testing.assert_array_equal(windows.context.origin, known[expected])
    np.testing.assert_array_equal(windows.weight, np.ones(len(expected)))


def test_context_shows_the_bars_up_to_the_origin_of_one_symbol(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    frame = frame_of(panel)
    context = make_windows(panel, frame, task, 6, 9).context
    features, past = context.features, context.past
    assert features.shape == (len(context), 6, 2)
    assert past.shape == (len(context), 9)
    starts = np.cumsum(frame.lengths) - frame.lengths
    members = list(panel)
    assert set(context.symbol.tolist()) == {0, 1, 2}
    for index in range(len(context)):
        symbol = context.symbol[index]
        local = context.row[index] - starts[symbol]
        assert local - 9 + 1 >= 0
        np.testing.assert_array_equal(features[index], frame.values[starts[symbol] :][local - 5 : local + 1])
        np.testing.assert_array_equal(past[index], np.log(members[symbol].close[local - 8 : local + 1]))
        assert context.origin[index] == members[symbol].known[local]


def test_windows_that_follow_each_other_are_views(daily: Daily, frame_of: FrameOf, task: Task) -> None:
    panel = Panel((daily("AAA", 80),))
    windows = make_windows(panel, frame_of(panel), task, 6, 6)
    timeline = windows.context.timeline
    whole, part, single = windows.context, windows[10:30].context, windows[np.array([7])].context
    for context in (whole, part, single):
        assert np.shares_memory(context.features, timeline.features)
        assert np.shares_memory(context.past, timeline.log_close)


def test_windows_apart_are_gathered_and_equal_the_views(daily: Daily, frame_of: FrameOf, task: Task) -> None:
    panel = Panel((daily("AAA", 80),))
    windows = make_windows(panel, frame_of(panel), task, 6, 8)
    chosen = np.array([3, 4, 9, 2, 2])
    some = windows[chosen]
    assert not np.shares_memory(some.context.features, windows.context.timeline.features)
    np.testing.assert_array_equal(some.context.features, windows.context.features[chosen])
    np.testing.assert_array_equal(some.context.past, windows.context.past[chosen])
    np.testing.assert_array_equal(some.context.scale, windows.context.scale[chosen])
    np.testing.assert_array_equal(some.target, windows.target[chosen])
    np.testing.assert_array_equal(some.label_end, windows.label_end[chosen])


@pytest.mark.parametrize("cut", [30, 41, 55])
def test_bars_after_the_origin_change_nothing_in_the_context(
    daily: Daily, frame_of: FrameOf, task: Task, cut: int
) -> None:
    bars = daily("AAA", 70)
    close = bars.close.copy()
    close[cut + 1 :] *= 3
    frame = frame_of(Panel((bars,)))
    later = frame.values.copy()
    later[cut + 1 :] += 7
    before = make_windows(Panel((bars,)), frame, task, 5, 9)
    after = make_windows(
        Panel((replace(bars, open=close, high=close, low=close, close=close),)),
        replace(frame, values=later),
        task,
        5,
        9,
    )
    up_to = before.context.row <= cut
    for name in ("features", "past", "scale", "origin"):
        np.testing.assert_array_equal(getattr(before.context, name)[up_to], getattr(after.context, name)[up_to])
    assert (before.context.past[~up_to] != after.context.past[~up_to]).any()
    reaches = up_to & (before.context.row > cut - 3)
    assert (before.target[reaches] != after.target[reaches]).any()


def test_label_ends_when_a_real_bar_is_known(daily: Daily, frame_of: FrameOf, task: Task) -> None:
    panel = Panel((daily("AAA", 60, weekends=False),))  # 2020-01-01 is a Wednesday
    windows = make_windows(panel, frame_of(panel), task, 5, 5)
    index = windows.context.origin.tolist().index(np.datetime64("2020-01-31", "us").tolist())  # Thursday's bar
    assert windows.label_end[index] == np.datetime64("2020-02-05", "us")  # Tuesday's bar, known on Wednesday


# What is left out


def test_a_missing_feature_costs_the_origins_whose_context_holds_it(
    daily: Daily, frame_of: FrameOf, task: Task
) -> None:
    panel = Panel((daily("AAA", 60),))
    frame = frame_of(panel)
    whole = make_windows(panel, frame, task, 5, 5)
    for value in (np.nan, np.inf):
        holed = spoilt(frame, (40, 1), value=value)
        rows = make_windows(panel, holed, task, 5, 5).context.row
        assert sorted(set(whole.context.row) - set(rows)) == [40, 41, 42, 43, 44]
        assert missing_features(holed, 5) == Missing(bars=1, origins=5, columns={"feature_1": 1})


def test_missing_features_cost_nothing_where_they_may_be_missing(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    whole, holed = frame_of(panel), spoilt(frame_of(panel), (40, 0), (69, 1), (100, 1))
    expected = make_windows(panel, whole, task, 5, 9).context.row
    windows = make_windows(panel, holed, task, 5, 9, allow_missing=True)
    np.testing.assert_array_equal(windows.context.row, expected)
    assert len(make_windows(panel, holed, task, 5, 9)) < len(expected)
    assert np.isnan(latest_context(panel, holed, task, 5, 9, allow_missing=True).features[0, -1, 1])


def test_warmup_does_not_count_as_missing(panel: Panel, frame_of: FrameOf) -> None:
    frame = frame_of(panel, warmup=10)
    assert missing_features(frame, 5) == Missing(bars=0, origins=0, columns={})
    late = spoilt(frame, (9, 0), (9, 1), (70 + 20, 0))
    assert missing_features(late, 5) == Missing(bars=2, origins=5, columns={"feature_0": 2, "feature_1": 1})


def test_windows_need_no_features(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    windows = make_windows(panel, frame_of(panel, columns=0, warmup=0), task, 1, 1)
    assert windows.context.features.shape == (len(windows), 1, 0)
    assert windows.context.row[0] == EARLIEST - 1


def test_a_symbol_without_a_window_is_told(
    daily: Daily, frame_of: FrameOf, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    panel = Panel((daily("AAA", 60), daily("BBB", 12)))
    with caplog.at_level(logging.WARNING):
        windows = make_windows(panel, frame_of(panel), task, 5, 5)
    assert set(windows.context.symbol) == {0}
    assert [record.getMessage() for record in caplog.records] == [
        "BBB: none of its 12 bars is the origin of a complete window"
    ]


# The newest bar


def test_latest_context_is_the_window_that_research_sees_later(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    frame = frame_of(panel)
    windows = make_windows(panel, frame, task, 6, 9)
    known_until = np.array([40, 35, 50])  # bars of each symbol that are known now
    now = Panel(tuple(bars[:count] for bars, count in zip(panel, known_until, strict=True)))
    starts = np.cumsum(frame.lengths) - frame.lengths
    values = [frame.values[start : start + count] for start, count in zip(starts, known_until, strict=True)]
    live = latest_context(now, replace(frame, values=np.concatenate(values), lengths=known_until), task, 6, 9)
    later = windows.context[np.searchsorted(windows.context.row, starts + known_until - 1)]
    for name in ("features", "past", "scale", "origin", "symbol"):
        np.testing.assert_array_equal(getattr(live, name), getattr(later, name))
    assert live.task is task


def test_latest_context_refuses_missing_features_by_name(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    frame = spoilt(frame_of(panel), (70 + 50 - 2, 1))
    with pytest.raises(FeatureError, match=r"BBB: the newest of 50 bars .* missing: \['feature_1'\]"):
        latest_context(panel, frame, task, 6, 6)


def test_latest_context_refuses_too_few_bars_with_numbers(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    with pytest.raises(FeatureError, match="BBB: the newest of 50 bars has no complete context: it needs 53 bars"):
        latest_context(panel, frame_of(panel), task, 50, 50)


# Wrong input


@pytest.mark.parametrize(
    ("horizon", "context_length", "past_length", "error", "message"),
    [
        (0, 5, 5, ConfigError, "horizon must be at least 1, got 0"),
        (3, 0, 5, ConfigError, "context_length must be at least 1, got 0"),
        (3, 5, 4, ConfigError, "past_length must be at least context_length 5, got 4"),
        (70, 5, 5, SplitError, "horizon 70 needs more than 70 bars, the longest series, AAA, has 70"),
        (900, 5, 5, SplitError, "horizon 900 needs more than 900 bars, the longest series, AAA, has 70"),
        (3, 66, 66, SplitError, r"needs 72 bars \(warm-up 4, context_length 66, past 66, .* AAA, has 70"),
        (3, 5, 68, SplitError, r"needs 71 bars \(warm-up 4, context_length 5, past 68, .* AAA, has 70"),
    ],
)
def test_lengths_that_cannot_be_are_refused_with_numbers(
    panel: Panel,
    frame_of: FrameOf,
    horizon: int,
    context_length: int,
    past_length: int,
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        make_windows(panel, frame_of(panel), Task(LogReturn(), horizon, (0.5,)), context_length, past_length)


def test_the_shortest_data_that_suffice_give_one_window(daily: Daily, frame_of: FrameOf, task: Task) -> None:
    panel = Panel((daily("AAA", 3 + 20 + 3),))  # warm-up 4 less one, context, horizon
    assert len(make_windows(panel, frame_of(panel), task, 20, 20)) == 1
    with pytest.raises(SplitError, match="a window needs 27 bars"):
        make_windows(panel, frame_of(panel), task, 21, 21)


def test_features_that_are_never_there_are_named(panel: Panel, frame_of: FrameOf, task: Task) -> None:
    frame = frame_of(panel)
    values = frame.values.copy()
    values[:, 1] = np.nan
    with pytest.raises(SplitError, match=r"missing after the warm-up of 4 bars: \{'feature_1': 171\}"):
        make_windows(panel, replace(frame, values=values), task, 5, 5)
