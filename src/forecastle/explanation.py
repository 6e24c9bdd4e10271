"""Why: what the models of a run lean on, measured on the validation part of each fold."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecastle import scoring
from forecastle.arrays import IntArray, TimeArray
from forecastle.config.schema import Config
from forecastle.data.bars import Panel
from forecastle.errors import ConfigError, MissingExtraError
from forecastle.evaluation.attribution import attribute
from forecastle.evaluation.bootstrap import block_length
from forecastle.evaluation.importance import Ask, Importance, Increase, importances, permutation_increase
from forecastle.evaluation.substitution import PAST, inputs_of
from forecastle.features.timeframes import build_indicators
from forecastle.models.forecast import ClassForecast, Forecaster, QuantileForecast, SampleForecast
from forecastle.models.per_symbol import PerSymbol
from forecastle.pipeline import Fitted
from forecastle.runs.execution import limited_threads
from forecastle.windows.context import Context, Windows
from forecastle.windows.fold import VALIDATION, Sample

logger = logging.getLogger(__name__)

MOST = 5000
"""Validation windows that are permuted, over all folds: of more, blocks spread evenly over time."""

KEPT = 20
"""Features that are written down."""

LOGGED = 10
"""Features that are logged."""


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Parameters
    ----------
    repeats
        Permutations of each feature.
    windows
        Windows whose forecasts are attributed, over all folds.

    Raises
    ------
    ConfigError
        If one is below 1.
    """

    repeats: int = 5
    windows: int = 100

    def __post_init__(self) -> None:
        for name in ("repeats", "windows"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")


def explain(config: Config, panel: Panel, sample: Sample, fitted: Sequence[Fitted], effort: Effort) -> dict[str, Any]:
    """Measure what the models of all folds lean on, and log the first ten features.

    Features are the columns that the model sees, after the transforms; networks also see the path of closes, which
    stands among them as ``past closes``. A conformal correction is left out: it is the model that is explained.

    Parameters
    ----------
    config
        Of the run.
    panel
        Its bars.
    sample
        Its windows and folds.
    fitted
        What was fitted in each fold.
    effort
        How much is computed.

    Returns
    -------
    dict
        ``part objective unit windows repeats block seed features groups shap``, ready for JSON. ``features`` are the
        first `KEPT` with ``feature value low high folds``: by how much the objective rises when the feature is permuted
        in blocks (`forecastle.evaluation.importance`). ``groups`` are the indicators of several columns, permuted
        together. ``shap`` has ``method unit windows features`` (`forecastle.evaluation.attribution`), or ``missing``:
        why there is none.

    Raises
    ------
    ModelError
        If there are too few validation windows for five blocks.
    """
    views = [_View.of(config, sample, number, each, len(fitted)) for number, each in enumerate(fitted)]
    metrics, objective = scoring.measures(config, sample.windows.context.task)
    metric = metrics[objective]
    names = list(dict.fromkeys(name for view in views for name in inputs_of(view.validation.context)))
    single = {name: [name] for name in names}
    several = _indicators(config, panel, names)
    groups = {**single, **{f"{name} (all)": columns for name, columns in several.items()}}
    with limited_threads(config.threads):
        increases = [
            permutation_increase(view.ask, view.validation, metric, groups, effort.repeats, config.seed)
            for view in views
        ]
        ranking = importances(list(groups), increases, config.bars_ahead, config.seed)
        shap = _shapley(views, effort, config.seed)
    features = [each for each in ranking if each.name in single and not _unread(each)]
    together = [each for each in ranking if each.name not in single]
    unit = sample.windows.context.task.target.unit if metric.unit == "target" else metric.unit
    for place, each in enumerate(features[:LOGGED], start=1):
        logger.info("importance %2d: %s, %s %+.3g%s", place, each.name, objective, each.value, _between(each))
    for place, row in enumerate(shap.get("features", ())[:LOGGED], start=1):
        logger.info("Shapley %2d: %s, %.3g %s", place, row["feature"], row["value"], shap["unit"])
    return {
        "part": VALIDATION,
        "objective": objective,
        "unit": unit,
        "windows": sum(len(view.validation) for view in views),
        "repeats": effort.repeats,
        "block": _block(increases, config.bars_ahead),
        "seed": config.seed,
        "features": [_row(each) for each in features[:KEPT]],
        "groups": [{**_row(each), "columns": groups[each.name]} for each in together],
        "shap": shap,
    }


@dataclass(frozen=True, eq=False)
class _View:
    """What one fold's model sees: transformed training contexts and validation windows; and the model, to be asked."""

    forecaster: Forecaster | PerSymbol
    train: Context
    validation: Windows

    @classmethod
    def of(cls, config: Config, sample: Sample, number: int, fitted: Fitted, folds: int) -> _View:
        fold, windows = sample.folds[number], sample.windows
        rows = fold.validation[_spread(windows.context.origin[fold.validation], config.bars_ahead, MOST // folds)]
        context = fitted.transforms.apply(windows.context)
        return cls(fitted.forecaster, context[fold.train], replace(windows[rows], context=context[rows]))

    @property
    def ask(self) -> Ask:
        """The model, with sample paths as quantiles."""

        def answer(context: Context) -> QuantileForecast | ClassForecast:
            forecast = self.forecaster.predict(context)
            if isinstance(forecast, SampleForecast):
                return forecast.quantiles(context.task.quantile_levels)
            return forecast

        return answer


def _spread(origin: TimeArray, horizon: int, most: int) -> IntArray:
    """Windows of whole blocks of origins, spread evenly over time, about `most` of them; ascending."""
    if len(origin) <= most:
        return np.arange(len(origin))
    distinct, place = np.unique(origin, return_inverse=True)
    block = place // block_length(len(distinct), horizon)
    count = int(block.max()) + 1
    kept = np.unique(np.linspace(0, count - 1, max(5, most * count // len(origin))).astype(int))
    return np.flatnonzero(np.isin(block, kept))


def _indicators(config: Config, panel: Panel, names: Sequence[str]) -> dict[str, list[str]]:
    """Columns of each indicator that has several among the names."""
    built = build_indicators(config.indicator, panel.interval, config.timeframes, config.day_start)
    found = {name: [column for column in each.columns if column in names] for name, each in built.items()}
    return {name: columns for name, columns in found.items() if len(columns) > 1}


def _shapley(views: Sequence[_View], effort: Effort, seed: int) -> dict[str, Any]:
    """Mean absolute Shapley values over the folds, or why there are none."""
    share = -(-effort.windows // len(views))
    strengths: list[dict[str, float]] = []
    found = None
    for view in views:
        context = view.validation.context
        rows = np.unique(np.linspace(0, len(context) - 1, min(share, len(context))).astype(int))
        try:
            found = attribute(view.forecaster, view.ask, context[rows], view.train, seed)
        except MissingExtraError as error:
            logger.warning("no Shapley values: %s", error)
            return {"missing": str(error)}
        strengths.append(dict(zip(found.names, found.strength().tolist(), strict=True)))
    assert found is not None
    folds = {name: [each.get(name, 0.0) for each in strengths] for each in strengths for name in each}
    mean = {name: float(np.mean(values)) for name, values in folds.items()}
    ranking = sorted((name for name in mean if name != PAST or mean[name] > 0), key=lambda name: -mean[name])
    used = [{"feature": name, "value": mean[name], "folds": folds[name]} for name in ranking]
    return {"method": found.method, "unit": found.unit, "windows": share * len(views), "features": used[:KEPT]}


def _unread(each: Importance) -> bool:
    """Whether it is the path of closes of a model that does not read it."""
    return each.name == PAST and not any(each.folds)


def _row(each: Importance) -> dict[str, Any]:
    return {"feature": each.name, "value": each.value, "low": each.low, "high": each.high, "folds": list(each.folds)}


def _between(each: Importance) -> str:
    return "" if each.low is None else f" [{each.low:+.3g}, {each.high:+.3g}]"


def _block(increases: Sequence[Increase], horizon: int) -> int:
    """Origins of a block of the first fold."""
    return block_length(len(np.unique(increases[0].origin)), horizon)
