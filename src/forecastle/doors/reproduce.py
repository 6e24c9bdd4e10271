"""Reproducing: compute a kept run again, compare every metric bit for bit, and see that its folder is whole."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.config.compose import read
from forecastle.errors import RunError
from forecastle.experiment import Experiment
from forecastle.reopening import changes
from forecastle.runs.identity import machine
from forecastle.runs.store import AGAIN, Run, read_json

TOLERANCE = 1e-6
"""Largest relative difference of a metric on another family of processors."""

TABLES = (paths.FORECAST, paths.EQUITY, paths.CURVES)
"""Files whose bytes depend on the numbers in them alone."""

UNCACHED = {"_target_": "forecastle.features.cache.memory.MemoryCache", "entries": 0}
"""The cache of a run that is computed again: none, since what it keeps may be what is wrong."""


@dataclass(frozen=True)
class Verdict:
    """What came of computing a run again.

    Parameters
    ----------
    same
        True where every metric is the same (on another family of processors: within 1e-6) and the folder is whole.
    lines
        The verdict for people; where something differs, which metric and what changed; what is missing or damaged.
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
    if not (found.folder / paths.CONFIG).is_file():
        raise RunError(f"run {found.id} cannot be reproduced: {found.damage} in {found.folder} ({AGAIN})")
    config = replace(read(found.folder / paths.CONFIG), force=True, cache=UNCACHED)
    experiment = Experiment(config)
    with tempfile.TemporaryDirectory(prefix="forecastle-") as name:
        folder = Path(name)
        experiment.write(folder, tuple(found.metrics))
        again = dict(_leaves(read_json(folder / paths.METRICS)))
        foreign = found.manifest["platform"] != machine()
        damage = _damage(found, folder, exact=not foreign)
    before = dict(_leaves(found.metrics))
    tolerance = TOLERANCE if foreign else 0.0
    differing = [key for key in (*before, *(set(again) - set(before))) if not _same(before, again, key, tolerance)]
    how = f"within {TOLERANCE:g} relative (another processor than the run's)" if foreign else "bit for bit"
    changed = changes(found, experiment)
    because = [f"  {line}" for line in changed] or ["  data, code, configuration and versions are those of the run"]
    if not differing:
        lines = [f"run {found.id} is reproduced: {len(before)} values compared {how}, all the same"]
        if damage:
            lines = [f"run {found.id} is NOT whole: {'; '.join(damage)} (`forecastle run … force=true` writes it anew)"]
            lines.append(f"  {len(before)} values compared {how}, all the same")
        return Verdict(not damage, (*lines, *(because if changed else [])))
    lines = [f"run {found.id} is NOT reproduced: {len(differing)} of {len(before)} values differ ({how})"]
    lines += [f"  {key}: {before.get(key)} then, {again.get(key)} now" for key in differing[:10]]
    lines += [f"  {each}" for each in damage if each.endswith("missing")]  # other files differ with the metrics
    return Verdict(False, (*lines, "what changed:", *because))


def _damage(found: Run, again: Path, *, exact: bool) -> list[str]:
    """What is missing in a run's folder or not what was computed again, weights that were not kept apart."""
    told = []
    for path in sorted(each for each in again.rglob("*") if each.is_file()):
        name = path.relative_to(again)
        if name.parts[0] == paths.MODEL and (found.folder / paths.DROPPED).is_file() and not found.has_weights:
            continue
        kept = found.folder / name
        if not kept.is_file():
            told.append(f"{name} is missing")
        elif exact and name.name in TABLES and kept.read_bytes() != path.read_bytes():
            told.append(f"{name} is not what was computed again")
    return told


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
