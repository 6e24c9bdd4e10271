"""Learning curves that fitted scikit-learn estimators keep, under one set of names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def learning_curves(fitted: Sequence[Any]) -> dict[str, list[float]]:
    """Curves of fitted estimators, one value per iteration.

    Parameters
    ----------
    fitted
        One estimator of all steps, or one for each step 1 … H.

    Returns
    -------
    dict
        ``train/loss``, ``validation/loss`` or ``validation/score`` (higher is better), where the estimator keeps
        them; with several estimators ``train/loss_1`` … ``train/loss_H``.
    """
    several = len(fitted) > 1
    return {
        f"{name}_{step}" if several else name: values
        for step, estimator in enumerate(fitted, 1)
        for name, values in _curves(estimator)
    }


def _curves(estimator: Any) -> Iterable[tuple[str, list[float]]]:
    """Names and values of one estimator's curves."""
    if hasattr(estimator, "epochs_"):  # trained by forecastle.models.epochwise
        yield from estimator.epochs_.items()
    elif hasattr(estimator, "loss_curve_"):  # multi-layer perceptrons
        yield "train/loss", [float(value) for value in estimator.loss_curve_]
        yield from _some("validation/score", estimator.validation_scores_, 1)
    elif hasattr(estimator, "validation_score_"):  # histogram gradient boosting: the negative of a loss, or a score
        kind, sign = ("loss", -1) if estimator.scoring == "loss" else ("score", 1)
        yield from _some(f"train/{kind}", estimator.train_score_, sign)
        yield from _some(f"validation/{kind}", estimator.validation_score_, sign)
    elif hasattr(estimator, "train_score_"):  # gradient boosting: a loss in spite of its name
        yield from _some("train/loss", estimator.train_score_, 1)


def _some(name: str, values: Iterable[float] | None, sign: int) -> Iterable[tuple[str, list[float]]]:
    """The curve, unless the estimator kept none."""
    found = [] if values is None else [sign * float(value) for value in values]
    if found:
        yield name, found
