"""Booster: what a library of boosted trees has to offer, and what it is asked to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError
from forecastle.models.examples import Examples
from forecastle.runs.watching import Series


@dataclass(frozen=True)
class Aim:
    """What the trees of one step learn.

    Parameters
    ----------
    levels
        Quantile levels, ascending; none for classes.
    classes
        Number of classes, 0 for a number.
    patience
        Rounds without a better validation loss after which growing stops.
    """

    levels: tuple[float, ...]
    classes: int
    patience: int


@dataclass(frozen=True, eq=False)
class Grown:
    """The trees of one step.

    Parameters
    ----------
    models
        What the library grew: one model for all outputs, or one for each quantile level.
    curves
        ``train/loss`` and ``validation/loss``, one value per round.
    """

    models: list[Any]
    curves: dict[str, list[float]]


class Booster(Protocol):
    """A library with its settings.

    Attributes
    ----------
    name
        Of the library; its module here has the same.
    suffix
        Of a file that holds one model.
    rounds
        Most rounds.
    """

    name: str
    suffix: str
    rounds: int

    def grow(self, train: Examples, watched: Examples, aim: Aim, series: Series) -> Grown:
        """Grow trees on the training examples of one step until the watched ones stop it; keep the best round.

        Raises
        ------
        Pruned
            If who watches the series stops it.
        """
        ...

    @staticmethod
    def answer(models: list[Any], inputs: FloatArray, *, classes: bool) -> FloatArray:
        """Quantiles at the levels, shape (N, Q), in any order, or probabilities of classes, shape (N, K)."""
        ...

    @staticmethod
    def contributions(models: list[Any], inputs: FloatArray, output: int) -> FloatArray:
        """Shapley values of one quantile, or of one class's raw score, by the trees' paths (Lundberg et al. 2020).

        Shape (N, columns + 1): the last is what the trees answer where nothing is known.
        """
        ...

    @staticmethod
    def pack(model: Any) -> bytes:
        """Put one model into the library's own format; the bytes depend on the model alone."""
        ...

    @staticmethod
    def unpack(content: bytes) -> Any:
        """Bring back what `pack` packed, running no code from it."""
        ...


def check_settings(rounds: int, learning_rate: float, share: float, **at_least: tuple[float, float]) -> None:
    """Refuse settings that no library takes; ``name=(value, smallest)`` for those with a bound below."""
    for name, (value, smallest) in {"rounds": (rounds, 1), **at_least}.items():
        if value < smallest:
            raise ConfigError(f"{name} must be at least {smallest}, got {value}")
    for name, value in {"learning_rate": learning_rate, "share of columns": share}.items():
        if not 0 < value <= 1:
            raise ConfigError(f"{name} must lie in (0, 1], got {value}")


def averaged(curves: list[list[float]]) -> list[float]:
    """Mean of several curves, each carried forward at its last value to the length of the longest.

    >>> averaged([[4.0, 2.0], [2.0, 2.0, 1.0]])
    [3.0, 2.0, 1.5]
    """
    longest = max(map(len, curves))
    return [float(np.mean([curve[min(place, len(curve) - 1)] for curve in curves])) for place in range(longest)]
