"""One experiment: the verbs of the pipeline, what they share with other experiments, and what it writes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from forecastle import folds, paths, pipeline, scoring
from forecastle.config.compose import dump
from forecastle.config.schema import Config
from forecastle.config.target import build, target_modules
from forecastle.data.bars import Panel
from forecastle.data.quality import QualityReport
from forecastle.evaluation.score import Scored
from forecastle.features.cache.memory import Cache
from forecastle.features.frame import FeatureFrame
from forecastle.pipeline import Fitted
from forecastle.record import Part, curves_text, details, manifest, write_tables
from forecastle.runs.execution import Memory, Steps
from forecastle.runs.identity import Identity, code_hash, digest
from forecastle.runs.store import json_text
from forecastle.runs.watching import Told, Watch
from forecastle.windows.fold import TEST, VALIDATION, Sample

logger = logging.getLogger(__name__)


class Experiment:
    """A configuration and what follows from it, computed when it is asked for.

    What several experiments have in common (bars, features, windows, the scores of the baselines) is taken from the
    memory, by the hash of everything that it was computed from.

    Parameters
    ----------
    config
        A checked configuration.
    memory
        Shared with other experiments of the process, or its own.

    Attributes
    ----------
    checkpoints : Path or None
        Folder from which a run that was stopped is gone on with (`forecastle.folds`); None: it begins anew.
    watch : Watch or None
        What the fit tells how well it does while it runs, and which may stop it; None: nobody. Set before `fitted`.
    job : int or None
        Its number in its sweep, for others to see which jobs are computed now; None: it is none of a sweep.
    """

    def __init__(self, config: Config, memory: Memory | None = None) -> None:
        self.config = config
        self.steps = Steps()
        self.checkpoints: Path | None = None
        self.watch: Watch | None = None
        self.job: int | None = None
        self._told = Told()
        self._memory = memory or Memory()
        self._source = build(config.data, "data")
        self._code = code_hash(target_modules(config))

    def _recall(self, name: str, parts: Sequence[Any], make: Any) -> Any:
        def timed() -> Any:
            with self.steps.step(name):
                return make()

        return self._memory.get(f"{name}-{digest([self._code, *parts])}", timed)

    @cached_property
    def _bars(self) -> tuple[Panel, QualityReport]:
        config = self.config
        grid = [config.resample, config.day_start]
        key = [config.data, config.quality, config.start, config.end, grid, self._source.fingerprint()]
        found: tuple[Panel, QualityReport] = self._recall("bars", key, lambda: pipeline.load_bars(config))
        return found

    @property
    def panel(self) -> Panel:
        """Validated bars of all symbols."""
        return self._bars[0]

    @property
    def quality(self) -> QualityReport:
        """What the quality check found."""
        return self._bars[1]

    @cached_property
    def identity(self) -> Identity:
        """What makes this experiment the one it is."""
        return pipeline.identify(self.config, self.panel)

    @cached_property
    def _features_key(self) -> list[Any]:
        config = self.config
        settings = [config.timeframes, config.day_start, config.missing_inputs, config.on_error]
        return [self.panel.content, config.identity["indicator"], settings]

    @cached_property
    def frame(self) -> FeatureFrame:
        """Features of all bars."""
        with self.steps.step("features"):
            return pipeline.compute_features(self.config, self.panel, self._cache)

    @cached_property
    def _cache(self) -> Cache:
        node = self.config.cache
        found: Cache = self._memory.get(f"cache-{digest(node)}", lambda: build(node, "cache"))
        return found

    @cached_property
    def _sample_key(self) -> list[Any]:
        config = self.config
        shape = [config.horizon, config.context_length, pipeline.past_length(config), config.levels]
        return [self._features_key, config.target, config.split, shape, pipeline.allows_missing(config)]

    @cached_property
    def sample(self) -> Sample:
        """Windows and the parts that they are split into."""
        found: Sample = self._recall(
            "windows", self._sample_key, lambda: pipeline.make_sample(self.config, self.panel, self.frame)
        )
        return found

    @cached_property
    def fitted(self) -> tuple[Fitted, ...]:
        """Transforms and model of each fold, fitted on its training part."""
        sample = self.sample
        with self.steps.step("fit"):
            self._told = Told(self.watch)
            return folds.fit_folds(self.config, sample, self.checkpoints, self._told)

    def baselines(self, part: str) -> dict[str, Scored]:
        """Scores of the baselines on a part."""
        config = self.config
        key = [self._sample_key, config.season, config.identity["metric"], config.objective, config.seed, part]
        found: dict[str, Scored] = self._recall(
            f"baselines/{part}", key, lambda: scoring.score_baselines(config, self.sample, part)
        )
        return found

    def score(self, part: str, fitted: Sequence[Fitted]) -> Part:
        """Scores on a part of what the models of all folds forecast, beside those of the baselines."""
        baselines = self.baselines(part)
        with self.steps.step(f"score/{part}"):
            outcomes = folds.forecast_folds(self.config, self.sample, fitted, part, self.checkpoints)
            scored = scoring.score(self.config, self.sample, outcomes, part, baselines)
            return scoring.trade(self.config, self.panel, self.sample, part, scored)

    def write(
        self,
        folder: Path,
        parts: Sequence[str],
        look: Callable[[], dict[str, Any]] | None = None,
        keeps: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> None:
        """Compute what is not computed yet and write a whole run, but for its report, into a folder.

        `look` writes down that the test part is opened; it is called when all else has gone well. `keeps` tells by the
        scores of the validation part whether the weights are kept; without it they are.
        """
        sample, fitted = self.sample, self.fitted
        scored, looks = {}, None
        for part in parts:
            if part == TEST and look is not None:
                looks = look()
            scored[part] = self.score(part, fitted)
        with self.steps.step("write"):
            if keeps is None or keeps(scored[VALIDATION].scores):
                folds.save_folds(fitted, folder / paths.MODEL, self.checkpoints)
            write_tables([part.table for part in scored.values()], folder / paths.FORECAST)
            write_tables([part.equity for part in scored.values() if part.equity is not None], folder / paths.EQUITY)
            (folder / paths.CURVES).write_text(curves_text(folds.curves(fitted)))
            self._told.write(folder / paths.TOLD)
            (folder / paths.CONFIG).write_text(dump(self.config.node))
            (folder / paths.QUALITY).write_text(json_text(self.quality.to_json()))
            (folder / paths.METRICS).write_text(json_text({name: part.scores for name, part in scored.items()}))
        reports = [each.transforms.report() for each in fitted]
        facts = details(sample.windows, sample.folds, reports, self.steps.done, looks)
        told = manifest(self.config, self.identity, self.panel, self.frame, facts)
        (folder / paths.MANIFEST).write_text(json_text(told))
