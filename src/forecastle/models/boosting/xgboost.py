"""XGBoost, with all quantile levels in one booster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xgboost

from forecastle.arrays import FloatArray
from forecastle.errors import ModelError
from forecastle.models.boosting.booster import Aim, Grown, check_settings
from forecastle.models.boosting.rounds import Rounds
from forecastle.models.examples import Examples
from forecastle.runs.watching import Series


@dataclass(frozen=True)
class XGBoost:
    """Settings of XGBoost, under its own names.

    Quantiles are grown with the objective ``reg:quantileerror``, a tree for each level in each round, stopped together;
    classes with ``multi:softprob``.

    Parameters
    ----------
    rounds
        Most rounds.
    learning_rate
        Share of each tree that is added.
    max_depth
        Most splits on the way to a leaf.
    min_child_weight
        Smallest sum of second derivatives in a leaf: for quantiles the number of windows, for classes less.
    reg_lambda
        Penalty on the squares of the leaves.
    colsample_bynode
        Share of the columns that each split may choose from.
    seed
        Of the draws of columns.
    nthread
        Threads.

    References
    ----------
    Chen and Guestrin, XGBoost: a scalable tree boosting system, KDD 2016.
    """

    rounds: int = 300
    learning_rate: float = 0.03
    max_depth: int = 3
    min_child_weight: float = 50.0
    reg_lambda: float = 10.0
    colsample_bynode: float = 0.5
    seed: int = 0
    nthread: int = 1

    name: ClassVar[str] = "xgboost"
    suffix: ClassVar[str] = "json"

    def __post_init__(self) -> None:
        bounds = {
            "max_depth": (self.max_depth, 1.0),
            "min_child_weight": (self.min_child_weight, 0.0),
            "reg_lambda": (self.reg_lambda, 0.0),
        }
        check_settings(self.rounds, self.learning_rate, self.colsample_bynode, **bounds)

    def grow(self, train: Examples, watched: Examples, aim: Aim, series: Series) -> Grown:
        """Grow one booster for all levels, or for all classes.

        Raises
        ------
        ModelError
            If XGBoost refuses the examples.
        Pruned
            If who watches the series stops it.
        """
        settings = {name: value for name, value in vars(self).items() if name != "rounds"}
        if aim.classes:
            objective: dict[str, Any] = {"objective": "multi:softprob", "num_class": aim.classes}
        else:
            objective = {"objective": "reg:quantileerror", "quantile_alpha": list(aim.levels)}
        told: dict[str, dict[str, list[float]]] = {}
        try:
            data = xgboost.QuantileDMatrix(train.inputs, train.target, weight=train.weight, nthread=self.nthread)
            judged = xgboost.QuantileDMatrix(
                watched.inputs, watched.target, weight=watched.weight, ref=data, nthread=self.nthread
            )
            model = xgboost.train(
                {**objective, **settings, "tree_method": "hist", "verbosity": 0},
                data,
                self.rounds,
                evals=[(data, "train"), (judged, "validation")],
                early_stopping_rounds=aim.patience,
                callbacks=[_Tell(Rounds(series, train, watched, aim.levels))],
                evals_result=told,
                verbose_eval=False,
            )
        except (xgboost.core.XGBoostError, ValueError) as error:
            raise ModelError(f"XGBoost cannot be fitted: {' '.join(str(error).split())}") from error
        curves = {f"{part}/loss": [float(v) for v in next(iter(each.values()))] for part, each in told.items()}
        return Grown([self.unpack(self.pack(model[: model.best_iteration + 1]))], curves)

    @staticmethod
    def answer(models: list[Any], inputs: FloatArray, *, classes: bool) -> FloatArray:  # noqa: ARG004 (the booster's argument)
        """Quantiles, shape (N, Q), or probabilities, shape (N, K)."""
        (model,) = models
        values = np.asarray(model.inplace_predict(inputs), dtype=np.float64)
        return values.reshape(len(inputs), -1)

    @staticmethod
    def contributions(models: list[Any], inputs: FloatArray, output: int) -> FloatArray:
        """Shapley values of one quantile or class, shape (N, columns + 1)."""
        (model,) = models
        found = np.asarray(model.predict(xgboost.DMatrix(inputs), pred_contribs=True), dtype=np.float64)
        return found.reshape(len(inputs), -1, inputs.shape[1] + 1)[:, output]

    @staticmethod
    def pack(model: Any) -> bytes:
        """Put a model into XGBoost's JSON."""
        return bytes(model.save_raw("json"))

    @staticmethod
    def unpack(content: bytes) -> Any:
        """Read XGBoost's JSON."""
        model = xgboost.Booster({"nthread": 1})
        try:
            model.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            raise ModelError(f"no model of XGBoost: {' '.join(str(error).split())}") from error
        return model


class _Tell(xgboost.callback.TrainingCallback):
    """XGBoost's callback after each round."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 (XGBoost's arguments)
        """Tell the validation loss; never stop in XGBoost's own way."""
        self._rounds.tell(epoch + 1, float(next(iter(evals_log["validation"].values()))[-1]))
        return False
