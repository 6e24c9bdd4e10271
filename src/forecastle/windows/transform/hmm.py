"""A Gaussian hidden Markov model: fitted by expectation and maximisation, read as a filter.

The model is Rabiner's (A tutorial on hidden Markov models, Proceedings of the IEEE 77 (1989), sections III and IV):
a state that nobody sees follows a Markov chain, and each bar's features are drawn from the Gaussian of its state,
independently of each other given the state. Fitting weighs each training row by what all training rows say of its
state; reading a state, here, never does: only bars at or before t speak of the state at t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecastle.arrays import BoolArray, FloatArray, IntArray

FLOOR = 1e-3
"""Smallest variance of a feature in a state, in the unit in which the training rows have variance 1."""

STAY = 0.95
"""Probability of staying in a state with which a fit begins."""

TINY = 1e-200
"""Smallest density beside that of the likeliest state: keeps the filter from ever dividing nothing by nothing."""


@dataclass(frozen=True, eq=False)
class GaussianHmm:
    """K states.

    Parameters
    ----------
    start
        Probability of each state at the first row of a piece, shape (K,); only fitting uses it.
    transition
        Row i holds the probabilities of the next state after state i, shape (K, K).
    mean, variance
        Of each feature in each state, shape (K, D).
    """

    start: FloatArray
    transition: FloatArray
    mean: FloatArray
    variance: FloatArray

    def stationary(self) -> FloatArray:
        """Share of time that the chain spends in each state in the long run, shape (K,)."""
        count = len(self.transition)
        equations = np.vstack([self.transition.T - np.eye(count), np.ones(count)])
        share = np.linalg.lstsq(equations, np.append(np.zeros(count), 1.0), rcond=None)[0]
        positive = np.maximum(share, 0)
        whole: FloatArray = positive / positive.sum()
        return whole

    def log_density(self, values: FloatArray) -> FloatArray:
        """Logarithm of the density of each row in each state, shape (T, K)."""
        # einsum and no matrix product, here and below: its sums are the same however many rows there are
        apart = np.einsum("td,kd->tk", values**2, 1 / self.variance)
        apart -= np.einsum("td,kd->tk", values, 2 * self.mean / self.variance)
        constant = np.sum(self.mean**2 / self.variance + np.log(2 * np.pi * self.variance), axis=1)
        density: FloatArray = -0.5 * (apart + constant)
        return density

    def filtered(self, values: FloatArray, memory: int) -> FloatArray:
        """Probability of each state at each row of one piece, given rows t − `memory` to t, shape (T, K).

        The state before the first of these rows, or of the piece, follows the long-run shares. A row that holds NaN
        says nothing, as if it had not been seen.
        """
        count, states = len(values), len(self.mean)
        known = np.isfinite(values).all(axis=1)
        density = np.ones((states, memory + count))
        density[:, memory:][:, known] = _relative(self.log_density(values[known]))[0].T
        belief = np.repeat(self.stationary()[:, None], count, axis=1)
        for first in range(memory + 1):
            belief = np.einsum("ij,it->jt", self.transition, belief)
            belief *= density[:, first : first + count]
            belief /= belief.sum(axis=0)
        return belief.T


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model, and how the fit went.

    Parameters
    ----------
    model
        States in order of their mean square, the calmest first.
    shares
        Of the training rows in each state, shape (K,).
    log_likelihood
        Per training row, after each iteration, ascending.
    converged
        Whether the last iteration gained less than the tolerance.
    """

    model: GaussianHmm
    shares: FloatArray
    log_likelihood: list[float]
    converged: bool


def fit_hmm(values: FloatArray, blocks: tuple[IntArray, BoolArray], states: int, iterations: int) -> Fit:
    """Fit twice, from two beginnings that need no chance, and take the likelier.

    One begins with equally many rows in each state by their distance from the mean (calm and wild), one by their
    place along the direction in which the rows vary most (down and up).

    Parameters
    ----------
    values
        Training rows, shape (R, D), each feature with mean 0 and variance 1.
    blocks
        Of `cut_blocks`.
    states
        K.
    iterations
        At most so many.
    """
    _, directions = np.linalg.eigh(values.T @ values)
    main = directions[:, -1] * np.sign(directions[np.argmax(np.abs(directions[:, -1])), -1])
    fits = []
    for score in (np.sum(values**2, axis=1), values @ main):
        place = np.argsort(np.argsort(score, kind="stable"), kind="stable")
        belongs = np.eye(states)[place * states // len(values)]
        stay = np.full((states, states), (1 - STAY) / (states - 1))
        np.fill_diagonal(stay, STAY)
        begin = GaussianHmm(np.full(states, 1 / states), stay, *_moments(values, belongs))
        fits.append(improve(begin, values, blocks, iterations))
    return _in_order(max(fits, key=lambda fit: fit.log_likelihood[-1]))


def improve(
    model: GaussianHmm, values: FloatArray, blocks: tuple[IntArray, BoolArray], iterations: int, tolerance: float = 1e-5
) -> Fit:
    """Improve a model by expectation and maximisation until the log-likelihood per row gains less than `tolerance`."""
    history: list[float] = []
    belongs, start, moves, likelihood = _expect(model, values, blocks)
    for _ in range(iterations):
        transition = moves / moves.sum(axis=1, keepdims=True)
        model = GaussianHmm(start, transition, *_moments(values, belongs))
        before = likelihood
        belongs, start, moves, likelihood = _expect(model, values, blocks)
        history.append(likelihood)
        if likelihood - before < tolerance:
            return Fit(model, belongs.mean(axis=0), history, converged=True)
    return Fit(model, belongs.mean(axis=0), history, converged=False)


def cut_blocks(pieces: list[slice], length: int) -> tuple[IntArray, BoolArray]:
    """Cut pieces into blocks of at most `length` rows that a fit takes for independent.

    So its cost is `length` steps over all blocks at once, not one for each row.

    Returns
    -------
    tuple
        Row number, shape (`length`, number of blocks), and where there is a row at all.
    """
    first = np.concatenate([np.arange(piece.start, piece.stop, length) for piece in pieces])
    end = np.concatenate([np.full(len(range(piece.start, piece.stop, length)), piece.stop) for piece in pieces])
    index = first + np.arange(length)[:, None]
    there = index < end
    return np.where(there, index, first), there


def _expect(
    model: GaussianHmm, values: FloatArray, blocks: tuple[IntArray, BoolArray]
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """State weights of each row (R, K), of first rows (K,), expected moves (K, K), and log-likelihood per row.

    Forward and backward recursions with scaling, Rabiner's equations 19 to 27, 37 and 91 to 95.
    """
    index, there = blocks
    relative, peak = _relative(model.log_density(values))
    density = np.where(there[:, :, None], relative[index], 1.0)
    forward = np.empty_like(density)
    total = np.empty(there.shape)
    belief = np.broadcast_to(model.start, density.shape[1:])
    for step in range(len(density)):
        belief = (belief @ model.transition if step else belief) * density[step]
        total[step] = belief.sum(axis=1)
        belief = belief / total[step][:, None]
        forward[step] = belief
    backward = np.ones_like(density)
    for step in range(len(density) - 2, -1, -1):
        onward = density[step + 1] * backward[step + 1] / total[step + 1][:, None]
        backward[step] = onward @ model.transition.T
    onward = (density * backward / total[:, :, None])[1:][there[1:]]
    moves = model.transition * (forward[:-1][there[1:]].T @ onward)
    belongs = np.empty(relative.shape)
    belongs[index[there]] = (forward * backward)[there]
    start = (forward[0] * backward[0]).mean(axis=0)
    likelihood = float(np.sum(np.log(total[there])) + np.sum(peak)) / len(values)
    return belongs, start, np.maximum(moves, TINY), likelihood


def _relative(log_density: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Densities over that of the likeliest state, (T, K), and the logarithm of the latter, (T,)."""
    peak = log_density.max(axis=1)
    return np.maximum(np.exp(log_density - peak[:, None]), TINY), peak


def _moments(values: FloatArray, belongs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted mean and variance of the rows in each state, (K, D) each."""
    weight = np.maximum(belongs.sum(axis=0), TINY)[:, None]
    mean = (belongs.T @ values) / weight
    return mean, np.maximum((belongs.T @ values**2) / weight - mean**2, FLOOR)


def _in_order(fit: Fit) -> Fit:
    """The same fit, states in order of their mean square."""
    model = fit.model
    order = np.argsort(np.sum(model.mean**2 + model.variance, axis=1), kind="stable")
    ordered = GaussianHmm(
        model.start[order], model.transition[np.ix_(order, order)], model.mean[order], model.variance[order]
    )
    return Fit(ordered, fit.shares[order], fit.log_likelihood, fit.converged)
