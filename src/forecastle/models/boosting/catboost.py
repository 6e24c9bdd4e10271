"""CatBoost, with all quantile levels in one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import catboost
import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ModelError, Pruned
from forecastle.models.boosting.booster import Aim, Grown, check_settings
from forecastle.models.boosting.rounds import Rounds
from forecastle.models.examples import Examples
from forecastle.runs.watching import Series

TELLING = ("train_finish_time", "model_guid", "output_options", "training")
"""What a model of CatBoost tells of when and how it was made, beside its trees; left out, so that bytes repeat."""


@dataclass(frozen=True)
class CatBoost:
    """Settings of CatBoost, under its own names.

    Quantiles are grown with the loss ``MultiQuantile``: one symmetric tree a round, whose leaves hold all levels;
    classes with ``MultiClass``.

    Parameters
    ----------
    rounds
        Most rounds.
    learning_rate
        Share of each tree that is added.
    depth
        Splits on the way to each leaf, at most 16.
    l2_leaf_reg
        Penalty on the squares of the leaves.
    rsm
        Share of the columns that each split may choose from.
    seed
        Of the draws of columns and of CatBoost's random order.
    thread_count
        Threads.

    References
    ----------
    Prokhorenkova, Gusev, Vorobev, Dorogush and Gulin, CatBoost: unbiased boosting with categorical features, NeurIPS
    2018.
    """

    rounds: int = 300
    learning_rate: float = 0.03
    depth: int = 3
    l2_leaf_reg: float = 10.0
    rsm: float = 0.5
    seed: int = 0
    thread_count: int = 1

    name: ClassVar[str] = "catboost"
    suffix: ClassVar[str] = "cbm"

    def __post_init__(self) -> None:
        bounds = {"depth": (self.depth, 1.0), "l2_leaf_reg": (self.l2_leaf_reg, 0.0)}
        check_settings(self.rounds, self.learning_rate, self.rsm, **bounds)

    def grow(self, train: Examples, watched: Examples, aim: Aim, series: Series) -> Grown:
        """Grow one model for all levels, or for all classes.

        Raises
        ------
        ModelError
            If CatBoost refuses the examples.
        Pruned
            If who watches the series stops it.
        """
        if aim.classes:
            loss: dict[str, Any] = {"loss_function": "MultiClass", "classes_count": aim.classes}
        else:
            kind = "MultiQuantile" if len(aim.levels) > 1 else "Quantile"
            loss = {"loss_function": f"{kind}:alpha={','.join(map(repr, aim.levels))}"}
        model = catboost.CatBoost(
            loss
            | {
                "iterations": self.rounds,
                "learning_rate": self.learning_rate,
                "depth": self.depth,
                "l2_leaf_reg": self.l2_leaf_reg,
                "rsm": self.rsm,
                "random_seed": self.seed,
                "thread_count": self.thread_count,
                "od_type": "Iter",
                "od_wait": aim.patience,
                "use_best_model": True,
                "allow_writing_files": False,
                "logging_level": "Silent",
            }
        )
        try:
            data = catboost.Pool(train.inputs, train.target, weight=train.weight, thread_count=self.thread_count)
            judged = catboost.Pool(
                watched.inputs, watched.target, weight=watched.weight, thread_count=self.thread_count
            )
            telling = _Tell(Rounds(series, train, watched, aim.levels))
            model.fit(data, eval_set=judged, callbacks=[telling])  # always: a model tells whether it had any
        except catboost.CatBoostError as error:
            raise ModelError(f"CatBoost cannot be fitted: {' '.join(str(error).split())}") from error
        if telling.pruned is not None:
            raise telling.pruned
        told = model.get_evals_result()
        curves = {f"{part}/loss": next(iter(told[key].values())) for part, key in PARTS.items() if key in told}
        return Grown([model], curves)

    @staticmethod
    def answer(models: list[Any], inputs: FloatArray, *, classes: bool) -> FloatArray:
        """Quantiles, shape (N, Q), or probabilities, shape (N, K)."""
        (model,) = models
        kind = "Probability" if classes else "RawFormulaVal"
        values = np.asarray(model.predict(inputs, prediction_type=kind, thread_count=1), dtype=np.float64)
        return values.reshape(len(inputs), -1)

    @staticmethod
    def contributions(models: list[Any], inputs: FloatArray, output: int) -> FloatArray:
        """Shapley values of one quantile or class, shape (N, columns + 1)."""
        (model,) = models
        found = model.get_feature_importance(catboost.Pool(inputs), type="ShapValues", thread_count=1)
        return np.asarray(found, dtype=np.float64).reshape(len(inputs), -1, inputs.shape[1] + 1)[:, output]

    @staticmethod
    def pack(model: Any) -> bytes:
        """Put a model into CatBoost's binary format."""
        told = model.get_metadata()
        for key in TELLING:
            if key in told.keys():  # noqa: SIM118 (CatBoost's own class, which has no __contains__)
                del told[key]
        return bytes(model._serialize_model())

    @staticmethod
    def unpack(content: bytes) -> Any:
        """Read CatBoost's binary format."""
        try:
            return catboost.CatBoost().load_model(blob=content)
        except catboost.CatBoostError as error:
            raise ModelError(f"no model of CatBoost: {' '.join(str(error).split())}") from error


PARTS = {"train": "learn", "validation": "validation"}
"""CatBoost's words for the parts that it judges."""


class _Tell:
    """CatBoost's callback after each round; no error may pass through CatBoost, so it is kept until growing ended."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self.pruned: Pruned | None = None

    def after_iteration(self, info: Any) -> bool:
        """Tell the validation loss; False stops growing."""
        try:
            self._rounds.tell(info.iteration, float(next(iter(info.metrics["validation"].values()))[-1]))
        except Pruned as error:
            self.pruned = error
        return self.pruned is None
