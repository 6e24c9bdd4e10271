"""Pooling: several forecasts into one, and the weights with which that is done best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from forecastle.arrays import FloatArray

Loss = Callable[[FloatArray], tuple[float, FloatArray]]
"""A loss of M weights, and its derivatives."""


def mean_distribution(quantiles: FloatArray, levels: Sequence[float]) -> FloatArray:
    r"""Quantiles of the mean of several distributions: of the average of their distribution functions.

    A distribution function is known at its own quantiles. At another's it is taken as halfway between the levels of
    the quantiles around it (0 and 1 beyond the outermost), so that one distribution alone, or several that are equal,
    come back as they are. The average is inverted linearly.

    Parameters
    ----------
    quantiles
        Shape (M, N, H, Q), ascending along Q.
    levels
        Q levels, ascending, inside (0, 1).

    Returns
    -------
    FloatArray
        Shape (N, H, Q), ascending along Q.

    Examples
    --------
    >>> mean_distribution(np.array([[[[1.0, 2.0, 3.0]]], [[[1.0, 2.0, 3.0]]]]), [0.25, 0.5, 0.75])
    array([[[1., 2., 3.]]])
    """
    count, windows, steps, _ = quantiles.shape
    below = np.tile(np.diff(levels, prepend=0.0), count) / count
    above = np.tile(np.diff(levels, append=1.0), count) / count
    values = np.moveaxis(quantiles, 0, 2).reshape(windows * steps, -1)
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    passed = np.cumsum(below[order], axis=1)
    ahead = 1 - np.cumsum(above[order][:, ::-1], axis=1)[:, ::-1]
    pooled = [np.interp(levels, (p + a) / 2, v) for p, a, v in zip(passed, ahead, values, strict=True)]
    return np.maximum.accumulate(pooled, axis=1).reshape(windows, steps, -1)


def pinball_of(quantiles: FloatArray, levels: Sequence[float], target: FloatArray) -> Loss:
    """Mean pinball loss of weighted quantiles, (M, N, H, Q), on a target (N, H)."""
    tau = np.asarray(levels, dtype=np.float64)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        error = target[:, :, None] - np.tensordot(weights, quantiles, axes=1)
        slope = tau - (error < 0)
        gradient = -np.tensordot(quantiles, slope, axes=3) / slope.size
        return float(np.mean(slope * error)), np.asarray(gradient)

    return loss


def log_loss_of(probabilities: FloatArray, target: FloatArray) -> Loss:
    """Mean log loss, nats, of weighted probabilities, (M, N, H, K), on class numbers (N, H)."""
    happened = np.take_along_axis(probabilities, target.astype(np.intp)[None, :, :, None], axis=3)[..., 0]

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        mixed = np.tensordot(weights, happened, axes=1)
        gradient = -np.mean(happened / mixed, axis=(1, 2))
        return float(-np.mean(np.log(mixed))), np.asarray(gradient)

    return loss


def best_weights(loss: Loss, count: int) -> FloatArray:
    """Weights, none negative, of sum 1, that minimise a convex loss, shape (count,).

    Sequential quadratic programming (Kraft 1988) from equal weights; the equal ones where it finds no better.
    """
    from scipy.optimize import minimize

    equal = np.full(count, 1 / count)
    start, _ = loss(equal)

    def scaled(weights: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = loss(weights)
        return value / start, gradient / start

    found = minimize(
        scaled,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"maxiter": 200, "ftol": 1e-9},
    )
    weights = np.clip(found.x, 0.0, None)
    weights = np.asarray(weights / weights.sum())
    return weights if loss(weights)[0] < start else equal
