"""SelectModel: the features that a scikit-learn model leans on when it forecasts the training targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, FeatureError, TargetError
from forecastle.windows.transform.selection import Selection, Verdicts, ranked, standardized
from forecastle.windows.transform.step import Training


class SelectModel(Selection):
    """The features that weigh most in a model of the training targets.

    The model sees the features at the origins, standardised so that linear weights can be compared, and is fitted on
    all steps of the horizon at once where it can, else on each by itself. A feature's importance is the mean over
    steps of ``feature_importances_`` (trees) or of the absolute ``coef_`` (linear models). A regressor is asked for
    the membership of each class but the first where the target has classes.

    Parameters
    ----------
    estimator
        An unfitted scikit-learn regressor or classifier; it is cloned. Its `random_state` is its seed.
    count
        Features that are kept, at least 1; all where there are fewer.

    Raises
    ------
    TargetError
        If `estimator` is neither.
    ConfigError
        If `count` is below 1.
    """

    def __init__(self, estimator: Any, count: int = 10) -> None:
        super().__init__()
        from sklearn.base import is_classifier, is_regressor

        if isinstance(estimator, type) or not (is_regressor(estimator) or is_classifier(estimator)):
            name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
            raise TargetError(f"estimator must be a scikit-learn regressor or classifier, got {name}")
        if count < 1:
            raise ConfigError(f"count must be at least 1, got {count}")
        self.estimator = estimator
        self.count = count

    def judge(self, training: Training) -> Verdicts:
        """Fit the model and rank the features by their importance in it.

        Raises
        ------
        FeatureError
            If the model is not made for the target, cannot be fitted, or does not say what it leans on.
        """
        inputs = standardized(training.inputs)
        name = type(self.estimator).__name__
        try:
            scores = np.mean([_importance(fitted) for fitted in self._fitted(training, inputs)], axis=0)
        except ValueError as error:
            message = " ".join(str(error).split())
            raise FeatureError(f"{name} cannot select among {inputs.shape[1]} features: {message}") from error
        return ranked(training.rows.columns, scores.tolist(), self.count, "importance")

    def _fitted(self, training: Training, inputs: FloatArray) -> list[Any]:
        from sklearn.base import clone, is_classifier
        from sklearn.utils import get_tags

        target = training.target
        if is_classifier(self.estimator):
            if not training.classes:
                raise ValueError("it forecasts classes, but the target is a number: choose a regressor")
            labels = [step for step in target.T.astype(np.int64) if len(np.unique(step)) > 1]
            if not labels:
                raise ValueError("the training windows have one class only")
            return [clone(self.estimator).fit(inputs, step) for step in labels]
        if training.classes:
            target = (target[:, :, None] == np.arange(1, training.classes)).reshape(len(target), -1).astype(np.float64)
        if target.shape[1] > 1 and get_tags(self.estimator).target_tags.multi_output:
            return [clone(self.estimator).fit(inputs, target)]
        return [clone(self.estimator).fit(inputs, step) for step in target.T]


def _importance(fitted: Any) -> FloatArray:
    """Importance of each feature in a fitted model, shape (D,)."""
    if hasattr(fitted, "feature_importances_"):
        return np.asarray(fitted.feature_importances_, dtype=np.float64)
    if hasattr(fitted, "coef_"):
        weights: FloatArray = np.abs(np.atleast_2d(np.asarray(fitted.coef_, dtype=np.float64)))
        importance: FloatArray = weights.mean(axis=0)
        return importance
    raise ValueError("it has neither feature_importances_ nor coef_ once it is fitted")
