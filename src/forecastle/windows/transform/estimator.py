"""SklearnTransform: any scikit-learn transformer that treats each row by itself, as a step."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import FeatureError, TargetError
from forecastle.runs import archive
from forecastle.windows.transform.step import Rows, Training


class SklearnTransform:
    """A scikit-learn transformer, fitted on training rows.

    It must transform each row by itself: after fitting, both halves of the rows are transformed alone, and one that
    then gives other values is refused, since it could look ahead. It is kept without pickled code; one that cannot be
    kept so is refused when it is fitted, before a model waits for it.

    Parameters
    ----------
    estimator
        An unfitted transformer; it is cloned and never changed. Its `random_state` is its seed.
    supervised
        Fit it on the rows of the training origins, with the target at the last step of the horizon.

    Raises
    ------
    TargetError
        If `estimator` is no scikit-learn transformer.
    """

    memory = 0
    fills = False

    def __init__(self, estimator: Any, supervised: bool = False) -> None:
        wanted = ("fit", "transform", "get_params")
        lacking = [method for method in wanted if not callable(getattr(estimator, method, None))]
        if isinstance(estimator, type) or lacking:
            name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
            reason = "it is a class" if isinstance(estimator, type) else f"it has no {', '.join(lacking)}"
            raise TargetError(f"estimator must be a scikit-learn transformer, got {name}: {reason}")
        self.estimator = estimator
        self.supervised = supervised
        self._rows = 0
        self._columns: tuple[str, ...] = ()
        self._fitted: Any = None
        self._packed = ""

    @property
    def name(self) -> str:
        """Class name of the estimator, for messages."""
        return type(self.estimator).__name__

    def fit(self, training: Training) -> Self:
        """Fit a clone.

        Raises
        ------
        FeatureError
            If it cannot be fitted, gives a value that is not finite, or looks at other rows than its own.
        ModelError
            If it cannot be kept without pickled code.
        """
        from sklearn.base import clone

        values = training.rows.values.astype(np.float64)
        fitted = clone(self.estimator)
        try:
            if self.supervised:
                target = training.target[:, -1]
                fitted.fit(training.inputs, target.astype(np.int64) if training.classes else target)
            else:
                fitted.fit(values)
            given = _given(fitted, values)
            half = len(values) // 2
            apart = np.concatenate([_given(fitted, part) for part in (values[:half], values[half:]) if len(part)])
            columns = _columns(fitted, training.rows.columns, given.shape[1])
        except ValueError as error:
            message = " ".join(str(error).split())
            raise FeatureError(f"{self.name} cannot be fitted on training rows of {values.shape}: {message}") from error
        if not np.isfinite(given).all():
            raise FeatureError(f"{self.name} must give finite values on the training rows, got others")
        if not np.allclose(apart, given, rtol=1e-6, atol=1e-6 * np.abs(given).max(initial=0)):
            raise FeatureError(
                f"{self.name} must transform each row by itself, or it could look ahead; it gives other values when "
                "it is shown half of the training rows"
            )
        self._packed = base64.b64encode(archive.pack({"fitted": fitted})).decode()
        self._rows, self._columns, self._fitted = len(values), columns, fitted
        return self

    def apply(self, rows: Rows) -> Rows:
        """Transform rows; one that lacks a feature lacks every column."""
        known = np.all(np.isfinite(rows.values), axis=1)
        values = np.full((len(known), len(self._columns)), np.nan)
        if known.any():
            values[known] = _given(self._fitted, rows.values[known].astype(np.float64))
        return rows.become(values, self._columns)

    def state(self) -> dict[str, Any]:
        """Names of the columns, and the fitted transformer as an archive (`forecastle.runs.archive`) in base 64."""
        return {"rows": self._rows, "columns": list(self._columns), "archive": self._packed}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave; no code in it is run.

        Raises
        ------
        ModelError
            If the archive is damaged or names a type that is not allowed.
        """
        fitted = archive.unpack(base64.b64decode(state["archive"], validate=True), f"the kept {self.name}")["fitted"]
        if type(fitted) is not type(self.estimator):
            raise ValueError(f"{self.name} wanted, got {type(fitted).__name__}")
        self._packed = state["archive"]
        self._rows, self._columns, self._fitted = int(state["rows"]), tuple(state["columns"]), fitted
        return self

    def report(self) -> dict[str, Any]:
        """Number of training rows, the transformer and the columns that it gives."""
        return {"rows": self._rows, "estimator": self.name, "gives": list(self._columns)}


def _given(fitted: Any, values: FloatArray) -> FloatArray:
    """What the transformer gives, dense, shape (T, any)."""
    given = fitted.transform(values)
    dense = np.asarray(given.toarray() if hasattr(given, "toarray") else given, dtype=np.float64)
    if dense.ndim != 2 or len(dense) != len(values):
        raise ValueError(f"it must give one row for each row, got shape {dense.shape} for {len(values)} rows")
    return dense


def _columns(fitted: Any, columns: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Names that the transformer gives to its columns, or numbered ones."""
    if hasattr(fitted, "get_feature_names_out"):
        return tuple(map(str, fitted.get_feature_names_out(np.array(columns, dtype=object))))
    return tuple(f"{type(fitted).__name__.lower()}_{number + 1}" for number in range(width))
