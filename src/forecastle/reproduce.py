"""Reproducing: compute a kept run again and compare every metric bit for bit."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.config.compose import read
from forecastle.experiment import Experiment
from forecastle.reopening import changes
from forecastle.runs.identity import machine
from forecastle.runs.store import Run, read_json

TOLERANCE = 1e-6
"""Largest relative difference of a metric on another family of processors."""

UNCACHED = {"_target_": "forecastle.features.cache.memory.MemoryCache", "entries": 0}
"""The cache of a run that is computed again: none, since what it keeps may be what is wrong."""


@dataclass(frozen=True)
class Verdict:
    """What came of computing a run again.

    Parameters
    ----------
    same
        True where every metric is the same (on another family of processors: within 1e-6).
    lines
        The verdict for people; where something differs, which metric and what changed.
    """

    same: bool
    lines: tuple[str, ...]


def reproduce(found: Run) -> Verdict:
    """Compute a finished run again from its configuration, beside it, and compare the metrics.

    Raises
    ------
    ForecastleError
        If the run is damaged or cannot be computed any more (its data are gone, say).
    """
    config = replace(read(found.folder / paths.CONFIG), force=True, cache=UNCACHED)
    experiment = Experiment(config)
    with tempfile.TemporaryDirectory(prefix="forecastle-") as name:
        folder = Path(name)
        experiment.write(folder, tuple(found.metrics))
        again = dict(_leaves(read_json(folder / paths.METRICS)))
    before = dict(_leaves(found.metrics))
    foreign = found.manifest["platform"] != machine()
    tolerance = TOLERANCE if foreign else 0.0
    differing = [key for key in (*before, *(set(again) - set(before))) if not _same(before, again, key, tolerance)]
    how = f"within {TOLERANCE:g} relative (another processor than the run's)" if foreign else "bit for bit"
    changed = changes(found, experiment)
    because = [f"  {line}" for line in changed] or ["  data, code, configuration and versions are those of the run"]
    if not differing:
        lines = [f"run {found.id} is reproduced: {len(before)} values compared {how}, all the same"]
        return Verdict(True, (*lines, *(because if changed else [])))
    lines = [f"run {found.id} is NOT reproduced: {len(differing)} of {len(before)} values differ ({how})"]
    lines += [f"  {key}: {before.get(key)} then, {again.get(key)} now" for key in differing[:10]]
    return Verdict(False, (*lines, "what changed:", *because))


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{prefix}[{number}]")
    else:
        yield prefix, value


def _same(before: Mapping[str, Any], again: Mapping[str, Any], key: str, tolerance: float) -> bool:
    if key not in before or key not in again:
        return False
    one, other = before[key], again[key]
    if tolerance and isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-12)
    return bool(one == other)
