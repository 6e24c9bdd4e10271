"""EpochTrainer: an estimator fitted by `partial_fit` or warm start, one epoch after the other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

from forecastle.errors import ConfigError, ModelError, Pruned
from forecastle.models.epochwise.callback import EpochCallback, Progress
from forecastle.models.epochwise.watch import LOSS, measure
from forecastle.models.examples import Examples
from forecastle.runs.watching import Series


class EpochTrainer:
    """Trains an estimator in epochs, as callbacks want it.

    An epoch is one `partial_fit` on all training windows; of estimators without it but with a warm start, one more
    `fit` from where the last one ended: by their ``n_estimators`` more members where they have members (a forest), by
    their ``max_iter`` more iterations else (a logistic regression).

    Parameters
    ----------
    max_epochs
        At most so many.

    Raises
    ------
    ConfigError
        If `max_epochs` is below 1.
    """

    def __init__(self, max_epochs: int = 60) -> None:
        if max_epochs < 1:
            raise ConfigError(f"max_epochs must be at least 1, got {max_epochs}")
        self.max_epochs = max_epochs

    @staticmethod
    def check(estimator: Any, callbacks: Mapping[str, Any]) -> None:
        """Refuse an estimator that cannot go on from where it is, and what is no callback of such a training.

        Raises
        ------
        ConfigError
            The message says what would do.
        """
        name = type(estimator).__name__
        if not hasattr(estimator, "partial_fit") and "warm_start" not in estimator.get_params():
            raise ConfigError(f"{name} cannot be trained in epochs: it has neither partial_fit nor warm_start")
        for key, callback in callbacks.items():
            if not isinstance(callback, EpochCallback):
                got = type(callback).__name__
                raise ConfigError(
                    f"callback {key} must be one for scikit-learn's estimators (callback=epochs), got {got}"
                )

    def fit(
        self,
        estimator: Any,
        train: Examples,
        watched: Examples,
        callbacks: Mapping[str, Any],
        folder: Path | None,
        series: Series | None = None,
    ) -> Any:
        """A trained clone, of the best epoch where a callback keeps epochs; its curves stand in ``epochs_``.

        Parameters
        ----------
        estimator
            Unfitted.
        train, watched
            What is learnt, and what is watched and never learnt.
        callbacks
            By name; each is asked after each epoch, and one is enough to stop.
        folder
            Where callbacks save what is worth it if training fails; None: nowhere.
        series
            What the validation loss of each epoch is told; None: nobody.

        Raises
        ------
        ModelError
            If there is nothing to watch, or the estimator cannot learn these examples.
        Pruned
            If who watches the series stops it.
        """
        if not len(watched.inputs):
            raise ModelError(
                "training in epochs needs validation windows, got none (of classes that training has seen)"
            )
        trained = clone(estimator)
        progress = Progress(trained)
        members = trained.get_params().get("n_estimators")
        if series is not None:
            series.begin()
        try:
            for epoch in range(1, self.max_epochs + 1):
                _advance(trained, train, members and members * epoch)
                for name, value in measure(trained, train, watched).items():
                    progress.curves.setdefault(name, []).append(value)
                if series is not None:
                    series.tell(epoch, progress.curves[LOSS][-1])
                wishes = [callback.epoch_ended(progress) for callback in callbacks.values()]
                if any(wishes):
                    break
        except Pruned:
            raise
        except BaseException:
            if folder is not None:
                for callback in callbacks.values():
                    callback.failed(progress, folder)
            raise
        best = progress.kept[0][2] if progress.kept else trained
        best.epochs_ = progress.curves
        return best


def _advance(estimator: Any, train: Examples, members: int | None) -> None:
    """Train for one epoch more."""
    weight = {} if train.weight is None else {"sample_weight": train.weight}
    if hasattr(estimator, "partial_fit"):
        classes = {"classes": np.unique(train.target)} if is_classifier(estimator) else {}
        estimator.partial_fit(train.inputs, train.target, **classes, **weight)
        return
    estimator.set_params(warm_start=True, **({} if members is None else {"n_estimators": members}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it goes on in the next epoch
        estimator.fit(train.inputs, train.target, **weight)
