"""What several trainings tell, one after the other."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from forecastle.errors import Pruned, RunError
from forecastle.runs.watching import Measure, Series, Told, tell_again

LOSS, RIGHT = Measure("loss", "min"), Measure("accuracy", "max")


def told(measure: Measure, trainings: list[list[float]], most: int = 10) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    series = Series(lambda _, step, value: found.append((step, value)), measure, most)
    for training in trainings:
        series.begin()
        for step, value in enumerate(training, start=1):
            series.tell(step, value)
    return found


def test_one_training_tells_what_it_measures() -> None:
    assert told(LOSS, [[3.0, 1.0, 2.0]]) == [(1, 3.0), (2, 1.0), (3, 2.0)]


def test_a_later_training_begins_at_its_own_step_and_tells_the_mean_of_the_best_before_and_its_latest() -> None:
    assert told(LOSS, [[3.0, 1.0, 2.0], [5.0, 2.0], [9.0]]) == [
        (1, 3.0), (2, 1.0), (3, 2.0),
        (11, (1 + 5) / 2), (12, (1 + 2) / 2),
        (21, (1 + 2 + 9) / 3),
    ]  # fmt: skip


def test_the_best_is_the_highest_where_higher_is_better() -> None:
    assert told(RIGHT, [[0.5, 0.75, 0.25], [0.25]])[-1] == (11, (0.75 + 0.25) / 2)


def test_what_is_not_finite_is_not_told_and_does_not_count() -> None:
    found = told(LOSS, [[math.nan, 4.0, math.inf], [math.nan], [2.0]])
    assert found == [(2, 4.0), (21, 3.0)]


def test_nobody_need_watch_and_who_watches_may_stop() -> None:
    silent = Series(None, LOSS, 10)
    silent.begin()
    silent.tell(1, 2.0)
    assert not silent.watched

    def stop(*_: object) -> None:
        raise Pruned("enough")

    series = Series(stop, LOSS, 10)
    series.begin()
    with pytest.raises(Pruned, match="enough"):
        series.tell(1, 2.0)


def test_what_was_told_is_told_again_from_its_file(tmp_path: Path) -> None:
    heard: list[Any] = []
    again: list[Any] = []
    told, path = Told(lambda *what: heard.append(what)), tmp_path / "told.json"
    told.write(path)
    tell_again(path, lambda *what: again.append(what))
    assert not path.exists(), "nothing was told"
    measure = Measure("crps", "min", latest=True)
    for step, value in ((1, 0.1 + 0.2), (5, 1e-17), (11, 2.0)):
        told(measure, step, value)
    told.write(path)
    tell_again(path, lambda *what: again.append(what))
    assert heard == again == [(measure, 1, 0.1 + 0.2), (measure, 5, 1e-17), (measure, 11, 2.0)]
    path.write_text('{"measure": {"name": "crps"}, "values": {}}')
    with pytest.raises(RunError, match=r"told\.json is damaged: "):
        tell_again(path, lambda *what: None)
