"""What the training of an estimator is watched by, and which way each of them is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import log_loss, mean_squared_error

from forecastle.errors import ConfigError, nearest
from forecastle.models.examples import Examples
from forecastle.runs.watching import Measure

LOSS, SCORE = "validation/loss", "validation/score"
DIRECTIONS: Mapping[str, Literal["min", "max"]] = {LOSS: "min", SCORE: "max"}
"""Mean squared error of z or log loss; and R² or the share of right classes. ``min`` where lower is better."""

TOLD = Measure(LOSS, DIRECTIONS[LOSS])
"""What training in epochs tells who watches it."""


def check_monitor(monitor: str) -> None:
    """Refuse what nobody measures.

    Raises
    ------
    ConfigError
        If there is no such value; the message names those that there are.
    """
    if monitor not in DIRECTIONS:
        known = ", ".join(DIRECTIONS)
        raise ConfigError(f"monitor must be one of {known}, got {monitor!r}{nearest(monitor, DIRECTIONS)}")


def measure(estimator: Any, train: Examples, watched: Examples) -> dict[str, float]:
    """Losses on both parts and the score on the watched one, NaN where the estimator has left the finite numbers."""
    values = {"train/loss": _loss(estimator, train), LOSS: _loss(estimator, watched), SCORE: float("nan")}
    if np.isfinite(values[LOSS]):
        values[SCORE] = float(estimator.score(watched.inputs, watched.target, sample_weight=watched.weight))
    return values


def _loss(estimator: Any, examples: Examples) -> float:
    """Log loss of a classifier, mean squared error of a regressor, over windows and steps."""
    classes = is_classifier(estimator)
    found = (estimator.predict_proba if classes else estimator.predict)(examples.inputs)
    if not np.isfinite(found).all():
        return float("nan")
    if classes:
        return float(log_loss(examples.target, found, sample_weight=examples.weight, labels=estimator.classes_))
    return float(mean_squared_error(examples.target, found, sample_weight=examples.weight))


def gains(scores: Sequence[float], mode: str, min_delta: float) -> list[bool]:
    """Which of some scores beats the best before it by more than `min_delta`; one that is not a number never does.

    >>> gains([3.0, 2.0, 1.99, 1.0, float("nan")], "min", 0.1)
    [True, True, False, True, False]
    """
    sign, best, found = (1 if mode == "min" else -1), float("inf"), []
    for score in scores:
        better = sign * score < best - min_delta
        best = sign * score if better else best
        found.append(better)
    return found
