"""LightGBM, with one booster for each quantile level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import lightgbm
import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ModelError
from forecastle.models.boosting.booster import Aim, Grown, averaged, check_settings
from forecastle.models.boosting.rounds import Rounds
from forecastle.models.examples import Examples
from forecastle.runs.watching import Series


@dataclass(frozen=True)
class LightGBM:
    """Settings of LightGBM, under its own names.

    Quantiles are grown with the objective ``quantile``, a booster for each level, and each leaf holds the quantile of
    its windows; classes with ``multiclass``.

    Parameters
    ----------
    rounds
        Most rounds.
    learning_rate
        Share of each tree that is added.
    num_leaves
        Most leaves of a tree.
    min_data_in_leaf
        Fewest training windows of a leaf.
    lambda_l2
        Penalty on the squares of the leaves.
    feature_fraction_bynode
        Share of the columns that each split may choose from.
    seed
        Of the draws of columns.
    num_threads
        Threads.

    References
    ----------
    Ke et al., LightGBM: a highly efficient gradient boosting decision tree, NeurIPS 2017.
    """

    rounds: int = 300
    learning_rate: float = 0.03
    num_leaves: int = 8
    min_data_in_leaf: int = 50
    lambda_l2: float = 10.0
    feature_fraction_bynode: float = 0.5
    seed: int = 0
    num_threads: int = 1

    name: ClassVar[str] = "lightgbm"
    suffix: ClassVar[str] = "txt"

    def __post_init__(self) -> None:
        bounds = {
            "num_leaves": (self.num_leaves, 2.0),
            "min_data_in_leaf": (self.min_data_in_leaf, 1.0),
            "lambda_l2": (self.lambda_l2, 0.0),
        }
        check_settings(self.rounds, self.learning_rate, self.feature_fraction_bynode, **bounds)

    def grow(self, train: Examples, watched: Examples, aim: Aim, series: Series) -> Grown:
        """Grow one booster for each level, or one for all classes.

        Raises
        ------
        ModelError
            If LightGBM refuses the examples.
        Pruned
            If who watches the series stops it.
        """
        if aim.classes:
            objectives: list[dict[str, Any]] = [{"objective": "multiclass", "num_class": aim.classes}]
        else:
            objectives = [{"objective": "quantile", "alpha": level} for level in aim.levels]
        models, curves = [], []
        for objective in objectives:
            rounds = Rounds(series, train, watched, (objective["alpha"],) if aim.levels else ())
            model, curve = self._boost(objective, train, watched, aim.patience, rounds)
            models.append(model)
            curves.append(curve)
        return Grown(models, {name: averaged([curve[name] for curve in curves]) for name in curves[0]})

    def _boost(
        self, objective: dict[str, Any], train: Examples, watched: Examples, patience: int, rounds: Rounds
    ) -> tuple[Any, dict[str, list[float]]]:
        """One booster, cut at its best round, and its curves."""
        settings = {name: value for name, value in vars(self).items() if name != "rounds"}
        fixed = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
        data = lightgbm.Dataset(train.inputs, train.target, weight=train.weight, params=fixed)
        judged = lightgbm.Dataset(watched.inputs, watched.target, weight=watched.weight, reference=data, params=fixed)
        told: dict[str, dict[str, list[float]]] = {}
        try:
            model = lightgbm.train(
                objective | settings | fixed,
                data,
                self.rounds,
                valid_sets=[data, judged],
                valid_names=["train", "validation"],
                callbacks=[
                    lightgbm.early_stopping(patience, verbose=False),
                    lightgbm.record_evaluation(told),
                    partial(_tell, rounds),
                ],
            )
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"LightGBM cannot be fitted: {' '.join(str(error).split())}") from error
        curves = {f"{part}/loss": next(iter(values.values())) for part, values in told.items()}
        return self.unpack(model.model_to_string(num_iteration=model.best_iteration).encode()), curves

    @staticmethod
    def answer(models: list[Any], inputs: FloatArray, *, classes: bool) -> FloatArray:  # noqa: ARG004 (the booster's argument)
        """Quantiles, shape (N, Q), or probabilities, shape (N, K)."""
        columns = [np.asarray(model.predict(inputs, num_threads=1), dtype=np.float64) for model in models]
        return columns[0] if columns[0].ndim == 2 else np.stack(columns, axis=1)

    @staticmethod
    def contributions(models: list[Any], inputs: FloatArray, output: int) -> FloatArray:
        """Shapley values of one quantile or class, shape (N, columns + 1)."""
        if len(models) > 1:  # a booster for each quantile
            return np.asarray(models[output].predict(inputs, pred_contrib=True), dtype=np.float64)
        found = np.asarray(models[0].predict(inputs, pred_contrib=True), dtype=np.float64)
        return found.reshape(len(inputs), -1, inputs.shape[1] + 1)[:, output]

    @staticmethod
    def pack(model: Any) -> bytes:
        """Put a model into LightGBM's text format."""
        return str(model.model_to_string()).encode()

    @staticmethod
    def unpack(content: bytes) -> Any:
        """Read LightGBM's text format."""
        try:
            return lightgbm.Booster(model_str=content.decode())
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise ModelError(f"no model of LightGBM: {' '.join(str(error).split())}") from error


def _tell(rounds: Rounds, state: Any) -> None:
    """LightGBM's callback after each round: its list of part, metric, value, …; there is one metric."""
    (loss,) = (value for part, _, value, *_ in state.evaluation_result_list if part == "validation")
    rounds.tell(state.iteration + 1, float(loss))
