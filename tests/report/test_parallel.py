"""Parallel coordinates: axes and lines."""

from __future__ import annotations

import re

import numpy as np
import pytest

from forecastle.report.parallel import APART, MOST_LINES, drawn, parallel_figure, track


def test_numbers_lie_on_their_scale_and_decades_on_a_logarithmic_one() -> None:
    values = [float(value) for value in range(1, 21)]
    plain = track("x", "x", values)
    assert np.diff(plain.place) == pytest.approx(np.full(19, np.diff(plain.place)[0]))
    powers = track("x", "x", [10.0 ** (number / 4) for number in range(20)])
    assert np.diff(powers.place) == pytest.approx(np.full(19, np.diff(powers.place)[0]))
    assert [text for _, text in powers.ticks] == ["1", "10", "100", "1000", "10000"]
    assert min(plain.place) > 0
    assert max(plain.place) < 1


def test_choices_stand_apart_with_the_one_of_the_best_run_at_the_top() -> None:
    found = track("model", "model", ["mlp", "ridge", "mlp", "lasso"])
    assert [text for _, text in found.ticks] == ["lasso", "ridge", "mlp"]
    best, ridge, second, lasso = found.place
    assert best > second > ridge > lasso


def test_what_a_run_lacks_stands_at_the_bottom() -> None:
    found = track("alpha", "alpha", [1.0, None, 100.0, 10.0])
    assert found.place.argmin() == 1
    assert found.ticks[0][1] == "–"
    assert track("alpha", "alpha", [True, None]).ticks[1][1] == "true"


def test_labels_do_not_touch_and_are_not_long() -> None:
    found = track("x", "x", [f"a name that is very long {number}" for number in range(40)])
    places = [at for at, _ in found.ticks]
    assert np.diff(places).min() >= APART
    assert max(len(text) for _, text in found.ticks) <= 18


def test_each_run_is_a_line_the_best_above_all() -> None:
    settings = {"model": ["mlp", "ridge", "ridge"]}
    runs = [("aa", "first"), ("bb", "<b>"), ("cc", "third")]
    figure = parallel_figure(settings, {"model": "model"}, ("skill", np.array([0.03, 0.02, -0.01]), True), runs)
    order = re.findall(r'data-run="(\w+)"', figure.svg)
    assert order == ["cc", "bb", "aa"]
    assert "2. &lt;b&gt;: 2.00" in figure.svg
    heights = {run: int(path.split()[-1]) for run, path in re.findall(r'data-run="(\w+)" d="M([^"]+)"', figure.svg)}
    assert heights["aa"] < heights["bb"] < heights["cc"]


def test_a_run_far_behind_does_not_flatten_the_others() -> None:
    skills = np.array([*np.linspace(0.03, 0.0, 20), -5.0])
    runs = [(f"{number}", f"{number}") for number in range(21)]
    figure = parallel_figure({"a": list(range(21))}, {"a": "a"}, ("skill", skills, True), runs)
    assert ">worse</text>" in figure.svg
    heights = [int(path.split()[-1]) for path in re.findall(r' d="M([^"]+)"', figure.svg)]
    assert heights[0] == max(heights)
    assert heights[1] - heights[-1] > 2000


def test_of_many_runs_the_best_and_a_choice_of_the_rest_are_drawn() -> None:
    numbers = drawn(5000)
    assert len(numbers) == len(set(numbers)) == MOST_LINES
    assert numbers[: MOST_LINES // 2] == list(range(MOST_LINES // 2))
    assert numbers[-1] == 4999
