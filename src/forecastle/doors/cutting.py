"""Every metric of a kept run in each slice of its windows, from the forecasts that it keeps."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from forecastle import paths, pipeline, scoring
from forecastle.config.compose import read
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.evaluation.layout import ARROWS, WIDTH, decimals_for, fixed, lay, wide
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.slices import score_slices, slicings
from forecastle.models.forecast import ClassForecast, QuantileForecast
from forecastle.report.forecasts import read_forecasts

KINDS = ("symbol", "hour", "weekday", "regime", "year")


def render_slices(folder: Path, part: str, kind: str) -> str:
    """Table of a part: a row for each slice, a column for each metric of the model.

    Parameters
    ----------
    folder
        Of a run.
    part
        ``validation`` or ``test``.
    kind
        One of `KINDS` (`forecastle.evaluation.slices.slicings`).

    Returns
    -------
    str
        Lines without a newline at the end; metrics that do not fit the width follow in a second table.

    Raises
    ------
    ConfigError
        If there is no such kind.
    RunError
        If the run keeps no forecasts of the part, or they lie in one slice only.
    """
    if kind not in KINDS:
        raise ConfigError(f"by: no slices by {kind!r}{nearest(kind, KINDS)} (there are: {', '.join(KINDS)})")
    found = read_forecasts(folder / paths.FORECAST, part)
    if found is None:
        raise RunError(f"run {folder.name} keeps no forecasts of its {part} part")
    config = read(folder / paths.CONFIG)
    metrics, _ = scoring.measures(config, pipeline.task_of(config))
    values = found.values.astype(np.float32)
    symbols, symbol = np.unique(found.symbol.astype(str), return_inverse=True)
    outcome = Outcome(
        QuantileForecast(found.levels, values) if found.levels else ClassForecast(values),
        found.target, found.log_close, found.origin, symbol,
        regime=np.full(len(symbol), -1) if found.regime is None else found.regime,
    )  # fmt: skip
    cuts = {cut.name: cut for cut in slicings(outcome.origin, outcome.symbol, symbols.tolist(), outcome.regime)}
    if kind not in cuts:
        raise RunError(f"run {folder.name}: all windows of the {part} part lie in one slice by {kind}")
    cut = cuts[kind]
    names = [kind, *cut.labels]
    count = ["windows", *map(str, np.bincount(cut.group[cut.group >= 0]).tolist())]
    columns = []
    for name, metric in metrics.items():
        scores = [value if np.isfinite(value) else None for value in score_slices(outcome, metric, cut).tolist()]
        decimals = 3 if metric.unit == "fraction" else decimals_for(scores)
        columns.append([name + ARROWS[metric.direction.value], *(fixed(score, decimals) for score in scores)])
    lines = textwrap.wrap(f"{part} by {kind}, at the newest bar that is known (UTC)", WIDTH)
    while columns:
        shown = [names, count, columns.pop(0)]
        while columns and wide([*shown, columns[0]]) <= WIDTH:
            shown.append(columns.pop(0))
        lines += [*lay(shown, texts={0}), ""]
    return "\n".join(lines[:-1])
