"""The best runs side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.report.conftest import make_run

from forecastle.report.folder import Equity
from forecastle.report.forecasts import Forecasts, read_forecasts
from forecastle.report.rivals import (
    Rival,
    capital_figure,
    course_figure,
    horizon_figures,
    learning_figures,
    left_out,
)

JUDGED = ("random_walk", 5, 0.0)


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> Forecasts:
    found = read_forecasts(make_run(tmp_path_factory.mktemp("run") / "a") / "forecast.parquet", "validation")
    assert found is not None
    return found


def test_each_run_has_its_picture_by_horizon_and_a_line_over_time(forecasts: Forecasts) -> None:
    rivals = [Rival(1, "one", "s1", forecasts), Rival(2, "two", "s2", forecasts), Rival(3, "none", "s3")]
    pictures = horizon_figures(rivals, *JUDGED)
    assert [each.title for each in pictures] == ["1. one", "2. two"]
    assert "step 5: " in pictures[0].svg
    figure = course_figure(rivals, *JUDGED)
    assert figure is not None
    assert [name for name, style, _ in figure.legend if style in ("s1", "s2")] == ["1. one", "2. two"]
    skill = 1 - forecasts.loss["model"].mean() / forecasts.loss["random_walk"].mean()
    assert f"{100 * skill:+.1f}".replace("-", "−") in figure.svg


def test_a_baseline_that_is_far_off_is_named_and_not_drawn(forecasts: Forecasts) -> None:
    walk = np.abs(forecasts.loss["random_walk"])
    losses = {"model": 0.9 * walk, "random_walk": walk, "last_value": 9 * walk}
    rivals = [Rival(1, "one", "s1", replace(forecasts, loss=losses))]
    (told,) = left_out(rivals, *JUDGED)
    assert told == "last value (−800.0\u202f%)"
    assert "last value" not in course_figure(rivals, *JUDGED).svg


def test_one_step_has_no_picture_by_horizon_and_no_loss_none_over_time(forecasts: Forecasts) -> None:
    short = replace(forecasts, steps=(1,), loss={name: loss[:, :1] for name, loss in forecasts.loss.items()})
    assert horizon_figures([Rival(1, "one", "s1", short)], *JUDGED) == []
    bare = [Rival(1, "one", "s1", replace(forecasts, loss={}))]
    assert horizon_figures(bare, *JUDGED) == []
    assert course_figure(bare, *JUDGED) is None
    assert left_out(bare, *JUDGED) == []


def test_learning_curves_are_those_of_the_validation_part_where_there_are_some() -> None:
    curves = {"train/loss": ([1.0, 2.0], [9.0, 8.0]), "validation/loss": ([1.0, 2.0], [3.0, 2.0])}
    alone = {"train/loss": ([1.0, 2.0], [2.5, 2.2]), "train/rate": ([1.0], [0.1])}
    figures = learning_figures([(Rival(1, "one", "s1"), curves), (Rival(4, "four", "s2"), alone)])
    assert [each.title for each in figures] == ["Loss", "Rate"]
    assert figures[0].svg.count("<path") == 2
    assert ">9" not in figures[0].svg


def test_accounts_on_the_same_bars_share_a_picture() -> None:
    time = np.datetime64("2020-01-01", "us") + np.arange(50) * np.timedelta64(1, "D")
    grown = np.linspace(1, 1.2, 50)
    equity = Equity(time, grown, grown - 1, np.linspace(1, 1.1, 50))
    other = Equity(time + np.timedelta64(1, "D"), grown, grown - 1, grown)
    figure = capital_figure([(Rival(1, "one", "s1"), equity), (Rival(2, "two", "s2"), other)])
    assert figure is not None
    assert [name for name, _, _ in figure.legend] == ["1. one", "buy and hold"]
    assert "+20.0" in figure.svg
    assert capital_figure([]) is None


def test_the_folder_of_a_run_is_enough(tmp_path: Path) -> None:
    classes = read_forecasts(make_run(tmp_path / "b", target="direction") / "forecast.parquet", "validation")
    assert course_figure([Rival(1, "one", "s1", classes)], "random_walk", 5, 0.0) is not None
