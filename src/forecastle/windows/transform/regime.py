"""Regimes: the probability that the market is in each of a few hidden states, as it was known at each bar."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, FeatureError, nearest
from forecastle.windows.transform.hmm import GaussianHmm, cut_blocks, fit_hmm
from forecastle.windows.transform.step import Rows, Training

logger = logging.getLogger(__name__)

LARGEST = 3
"""Features that the report names for each regime."""

FEWEST = 20
"""Training rows that a regime wants."""


class HmmRegime:
    """Columns ``regime_1`` … ``regime_K``, beside the features: probabilities of the states of a hidden Markov model.

    The model is fitted on the training rows by expectation and maximisation; regimes are numbered by their mean
    square, the calmest first. Row t is a *filter*: it depends on the last `memory` bars and on bar t, never on what
    came after (a smoother, the usual output of such models, does, and would leak). Training rows are cut into blocks
    of `memory` + 1 bars, so that fitting sees what filtering sees.

    Parameters
    ----------
    states
        K, at least 2.
    columns
        Names of the features that speak of the regime, ``*`` and ``?`` stand for letters; null: all of them.
    memory
        Bars before t that row t reads, at least 1.
    iterations
        Of the fit, at most.

    Raises
    ------
    ConfigError
        If an argument cannot be.
    """

    fills = False

    def __init__(
        self, states: int = 3, columns: Sequence[str] | None = None, memory: int = 100, iterations: int = 100
    ) -> None:
        for name, value, least in (("states", states, 2), ("memory", memory, 1), ("iterations", iterations, 1)):
            if value < least:
                raise ConfigError(f"{name} must be at least {least}, got {value}")
        if columns is not None and not columns:
            raise ConfigError("columns must name at least one feature, or be null for all of them; got none")
        self.states = states
        self.columns = columns
        self.memory = memory
        self.iterations = iterations
        self._used: tuple[str, ...] = ()
        self._middle: FloatArray = np.zeros(0)
        self._width: FloatArray = np.ones(0)
        self._model = GaussianHmm(np.zeros(0), np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((0, 0)))
        self._facts: dict[str, Any] = {}

    def fit(self, training: Training) -> Self:
        """Fit the model on the training rows.

        Raises
        ------
        FeatureError
            If a name in `columns` leads to no feature, or there are too few rows.
        """
        rows = training.rows
        count = len(rows.values)
        if count < FEWEST * self.states:
            raise FeatureError(f"{self.states} regimes want at least {FEWEST * self.states} training rows, got {count}")
        self._used = self._chosen(rows.columns)
        values = rows.keep(self._used).values.astype(np.float64)
        self._middle = values.mean(axis=0)
        width = values.std(axis=0)
        self._width = np.where(width == 0, 1.0, width)
        blocks = cut_blocks(rows.pieces, self.memory + 1)
        found = fit_hmm(self._scaled(values), blocks, self.states, self.iterations)
        self._model = found.model
        self._facts = {
            "rows": count,
            "log_likelihood": found.log_likelihood[-1],
            "iterations": len(found.log_likelihood),
            "converged": found.converged,
            "shares": found.shares.tolist(),
        }
        if not found.converged:
            logger.info("hidden Markov regimes: not converged after %d iterations", self.iterations)
        return self

    def apply(self, rows: Rows) -> Rows:
        """Add the filtered probabilities; a row that lacks a feature which speaks of the regime lacks them."""
        values = self._scaled(rows.keep(self._used).values)
        filtered = np.empty((len(values), self.states))
        for piece in rows.pieces:
            filtered[piece] = self._model.filtered(values[piece], self.memory)
        filtered[~np.isfinite(values).all(axis=1)] = np.nan
        names = tuple(f"regime_{number + 1}" for number in range(self.states))
        return rows.become(np.concatenate([rows.values, filtered.astype(np.float32)], axis=1), (*rows.columns, *names))

    def state(self) -> dict[str, Any]:
        """The model, the features that it reads with their scale, and how the fit went."""
        model = self._model
        return {
            "used": list(self._used),
            "middle": self._middle.tolist(),
            "width": self._width.tolist(),
            "start": model.start.tolist(),
            "transition": model.transition.tolist(),
            "mean": model.mean.tolist(),
            "variance": model.variance.tolist(),
            "facts": self._facts,
        }

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave."""
        self._used = tuple(state["used"])
        self._middle, self._width, start, transition, mean, variance = (
            np.array(state[name], dtype=np.float64)
            for name in ("middle", "width", "start", "transition", "mean", "variance")
        )
        self._model = GaussianHmm(start, transition, mean, variance)
        self._facts = dict(state["facts"])
        return self

    def report(self) -> dict[str, Any]:
        """How the fit went, and of each regime its share, its mean stay in bars and the features that mark it.

        A mark is the mean of a feature in the regime, in its training standard deviations.
        """
        facts = dict(self._facts)
        regimes = {}
        for number, share in enumerate(facts.pop("shares")):
            leaving = max(1 - float(self._model.transition[number, number]), 1 / facts["rows"])
            regimes[f"regime_{number + 1}"] = {
                "share": share,
                "stay_bars": 1 / leaving,
                "marked_by": self._words(self._model.mean[number]),
            }
        return {**facts, "reads": len(self._used), "regimes": regimes}

    def _chosen(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The features that are read, in their order."""
        if self.columns is None:
            return names
        for pattern in self.columns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise FeatureError(
                    f"hmm_regime reads {pattern!r}, which is none of the features{nearest(pattern, names)} "
                    f"(there are: {', '.join(names)})"
                )
        return tuple(name for name in names if any(fnmatchcase(name, pattern) for pattern in self.columns))

    def _scaled(self, values: FloatArray) -> FloatArray:
        scaled: FloatArray = (values - self._middle) / self._width
        return scaled

    def _words(self, mean: FloatArray) -> str:
        largest = np.argsort(-np.abs(mean), kind="stable")[:LARGEST]
        return ", ".join(f"{mean[number]:+.2f} {self._used[number]}" for number in largest)
