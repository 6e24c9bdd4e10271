from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.report.drawing import of_class, paths, per_cent

from forecastle.report.fan import bands_of, fan_figure
from forecastle.report.figure import Figure
from forecastle.report.forecasts import Forecasts

LEVELS = (0.025, 0.25, 0.5, 0.75, 0.975)


def make_forecasts(count: int, horizon: int, every: int = 1, levels: tuple[float, ...] = LEVELS) -> Forecasts:
    """Price 100, 101, 102, … on business days, each forecast one short of what happens, ± 2 % at the ends."""
    days = pd.bdate_range("2020-01-06", periods=count * every + horizon).to_numpy().astype("datetime64[us]")
    log_price = np.log(100.0 + np.arange(len(days)))
    at = np.arange(count) * every
    target = log_price[at[:, None] + np.arange(1, horizon + 1)] - log_price[at][:, None]
    width = np.interp(levels, [0.025, 0.5, 0.975], [-0.02, 0.0, 0.02])
    values = target[..., None] + width
    symbol = np.array(["X"] * count, dtype=object)
    steps = tuple(range(1, target.shape[1] + 1))
    return Forecasts(symbol, days[at], log_price[at], target, values, levels, (), {}, steps, np.zeros(len(at), int))


def price_fans(forecasts: Forecasts, interval: str = "1D") -> Figure:
    return fan_figure(forecasts, "X", "log_return", "log return", interval)


def y_range(svg: str) -> tuple[float, float]:
    ticks = [float((each.text or "").replace("−", "-")) for each in of_class(svg, "text", "y")]
    return ticks[0], ticks[-1]


def test_fans_start_at_the_price_and_follow_each_other_without_overlap() -> None:
    figure = price_fans(make_forecasts(200, 5))
    (fans,) = paths(figure.svg, "band95")
    starts, ends = [fan[:, 0].min() for fan in fans], [fan[:, 0].max() for fan in fans]
    assert len(fans) == 12
    assert np.allclose(starts[1:], ends[:-1])
    low, high = y_range(figure.svg)
    assert [fan.shape for fan in fans] == [(12, 2)] * 12  # 6 points forth, 6 back
    first = low + (high - low) * fans[0][0, 1]
    assert first == pytest.approx(100.0 + 199 - 55, abs=0.02)


def test_a_price_line_goes_through_history_and_what_happened() -> None:
    forecasts = make_forecasts(200, 5)
    (line,) = paths(price_fans(forecasts).svg, "line", "actual")
    assert len(line[0]) == 15 + 12 * 5 + 1
    low, high = y_range(price_fans(forecasts).svg)
    price = low + (high - low) * line[0][:, 1]
    assert price == pytest.approx(np.arange(304.0 - 75, 305.0), abs=0.02)


def test_a_fan_ends_at_the_forecast_quantiles_in_price() -> None:
    forecasts = make_forecasts(200, 5)
    svg = price_fans(forecasts).svg
    low, high = y_range(svg)
    last = paths(svg, "band95")[0][-1]
    top = low + (high - low) * last[5, 1]
    assert top == pytest.approx(304.0 * np.exp(0.02), abs=0.03)


def test_weekends_leave_no_hole() -> None:
    (line,) = paths(price_fans(make_forecasts(200, 5)).svg, "line", "actual")
    assert np.allclose(np.diff(line[0][:, 0]), 1 / 75, atol=2e-4)


def test_windows_far_apart_make_fans_that_join() -> None:
    (fans,) = paths(price_fans(make_forecasts(5, 30, every=30)).svg, "band95")
    assert len(fans) == 3


@pytest.mark.parametrize(("count", "horizon"), [(1, 1), (1, 5), (2, 5), (3, 24)])
def test_a_few_windows_are_enough(count: int, horizon: int) -> None:
    figure = price_fans(make_forecasts(count, horizon))
    assert of_class(figure.svg, "path", "line", "actual")


def test_one_step_ahead_is_a_band_over_time() -> None:
    figure = price_fans(make_forecasts(40, 1))
    ((band,),) = paths(figure.svg, "band95")
    assert len(band) == 80
    low, high = y_range(figure.svg)
    assert low + (high - low) * band[39, 1] == pytest.approx(140 * np.exp(0.02), abs=0.03)


@pytest.mark.parametrize("interval", ["", "nonsense", "1440 minutes"])
def test_an_interval_that_is_not_known_is_taken_from_the_origins(interval: str) -> None:
    assert price_fans(make_forecasts(200, 5), interval).svg == price_fans(make_forecasts(200, 5), "1D").svg


def test_volatility_is_drawn_in_its_unit() -> None:
    figure = fan_figure(make_forecasts(300, 5), "X", "volatility", "log return", "1D")
    assert "volatility (log return)" in figure.svg
    assert len(paths(figure.svg, "line", "actual")[0][0]) == 120


def test_classes_are_drawn_as_probability_and_what_happened() -> None:
    base = make_forecasts(50, 2)
    up = np.random.default_rng(0).random((50, 2))
    target = np.zeros((50, 2))
    target[:20, 0] = 1.0
    forecasts = Forecasts(
        base.symbol,
        base.origin,
        base.log_close,
        target,
        np.stack([1 - up, up], axis=-1),
        (),
        ("down", "up"),
        {},
        (1, 2),
        base.path,
    )
    figure = fan_figure(forecasts, "X", "direction", "class", "1D")
    assert paths(figure.svg, "line", "s1")[0][0][:, 1] == pytest.approx(up[:, 0], abs=1e-4)
    heights = [per_cent(each, "cy") for each in of_class(figure.svg, "circle")]
    assert (heights.count(0.0), heights.count(1.0)) == (20, 30)
    assert [name for name, _, _ in figure.legend] == ["probability of up", "up happened", "down happened"]


def test_bands_need_both_of_their_levels() -> None:
    assert bands_of((0.1, 0.25, 0.75)) == [(0.5, 1, 2)]
    assert bands_of(()) == []


def test_the_folder_of_a_run_gives_the_same_fans(run_folder: Path) -> None:
    from forecastle.report.forecasts import read_forecasts

    forecasts = read_forecasts(run_folder / "forecast.parquet", "test")
    assert forecasts is not None
    assert len(paths(price_fans(forecasts).svg, "band80")[0]) == 12
