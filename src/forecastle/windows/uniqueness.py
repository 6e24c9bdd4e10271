"""Uniqueness: how much of a label's span it shares with others."""

from __future__ import annotations

import numpy as np

from forecastle.arrays import FloatArray, IntArray


def uniqueness(row: IntArray, span: IntArray) -> FloatArray:
    r"""Weights of the labels of one symbol, with mean 1.

    A label that shares its time with many others tells little that they do not. Its uniqueness is the mean, over the
    bars of its span, of one over the number of labels whose span holds the bar. That number, at a bar, follows from
    prices up to that bar: weights look no further ahead than the labels that they weigh.

    Parameters
    ----------
    row
        Number of each origin's bar, ascending, shape (N,), at least one.
    span
        Bars until its label is settled, at least 1, shape (N,): it lies over bars row+1 … row+span.

    Returns
    -------
    FloatArray
        Shape (N,), each above 0.

    References
    ----------
    López de Prado, Advances in Financial Machine Learning (2018), sections 4.3 and 4.4.

    Examples
    --------
    >>> uniqueness(np.array([0, 1, 10]), np.array([2, 2, 2])).round(3)  # bar 2 is shared: ¾, ¾ and 1, over their mean
    array([0.9, 0.9, 1.2])
    """
    ends = row + span
    count = np.zeros(int(ends.max()) + 2)
    np.add.at(count, row + 1, 1.0)
    np.add.at(count, ends + 1, -1.0)
    labels = np.cumsum(count)
    shares = np.concatenate([[0.0], np.cumsum(np.divide(1.0, labels, out=np.zeros_like(labels), where=labels > 0))])
    alone = (shares[ends + 1] - shares[row + 1]) / span
    weight: FloatArray = alone / alone.mean()
    return weight
