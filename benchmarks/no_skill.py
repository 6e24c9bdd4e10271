"""No model shows skill where there is none: rejections on pure random walks, model by model.

Each seed is a Gaussian random walk of constant volatility, 1 % a bar. No forecast is better than the walk's own law,
Normal(0, σ² h), nor any probability of a rise better than one half; so a model whose skill against these is significant
and positive in the test part (the 95 % interval of a run lies above 0) is a false alarm of model or interval: 2.5 % of
seeds would be the share of chance alone. The last column is the same against the `random_walk` of every table. That one
does not know the volatility, it estimates it from about 17 bars; a model that has seen that the volatility is constant
is right to beat it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist, median

import numpy as np
from measure import machine

from forecastle import pipeline, scoring
from forecastle.arrays import SPAN, TIME
from forecastle.config.compose import compose
from forecastle.config.schema import Config
from forecastle.data.bars import Bars, Panel
from forecastle.evaluation.metric import Outcome
from forecastle.evaluation.score import evaluate
from forecastle.models.baseline import RandomWalk
from forecastle.models.forecast import ClassForecast, Forecast, QuantileForecast
from forecastle.windows.context import Context
from forecastle.windows.fold import TEST

SIGMA = 0.01
"""Volatility of the walks, log return per bar."""

CLASSIFIERS = ("logistic", "random_forest_classifier")
"""Models of classes only: they are asked for the direction."""

ALLOWED = 0.1
"""Share of seeds above which a model fails."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="of conf/model (default: all but networks)")
    parser.add_argument("--seeds", type=int, default=40, help="walks (default 40; 200 for a verdict)")
    parser.add_argument("--bars", type=int, default=1000, help="of each walk (default 1000)")
    parser.add_argument("--horizon", type=int, default=2, help="bars ahead (default 2)")
    options = parser.parse_args()
    print(machine())
    print(f"{options.seeds} walks of {options.bars} bars, {options.horizon} ahead; significant and positive skill")
    print(f"{'model':26s} {'fit s':>6s} {'against the law':>16s} {'mean skill %':>13s} {'against random_walk':>20s}")
    for model in options.models or plain_models():
        found = [judged(model, seed, options.bars, options.horizon) for seed in range(options.seeds)]
        seconds, law, skill, walk = zip(*found, strict=True)
        verdict = "" if sum(law) <= ALLOWED * len(law) else "  too many"
        print(
            f"{model:26s} {median(seconds):6.2f} {sum(law):8d} of {len(law):4d} {100 * np.mean(skill):13.2f} "
            f"{sum(walk):12d} of {len(walk):4d}{verdict}",
            flush=True,
        )


def plain_models() -> Iterator[str]:
    """All models of conf/model but networks, in the order of their names."""
    folder = Path(__file__).resolve().parents[1] / "conf" / "model"
    for path in sorted(folder.glob("*.yaml")):
        if "LightningForecaster" not in path.read_text():
            yield path.stem


def walk(seed: int, count: int) -> Panel:
    """A pure random walk."""
    interval = np.timedelta64(1, "D").astype(SPAN)
    begin = np.datetime64("2000-01-01", "us").astype(TIME)
    close = 100 * np.exp(np.cumsum(SIGMA * np.random.default_rng(seed).normal(size=count)))
    return Panel((Bars("W", interval, begin + np.arange(count) * interval, close, close, close, close),))


def judged(model: str, seed: int, count: int, horizon: int) -> tuple[float, bool, float, bool]:
    """Seconds of the fit; whether the skill against the law is significant, and how large; against the baseline."""
    target = "direction" if model in CLASSIFIERS else "log_return"
    shared = ["indicator=minimal", f"horizon={horizon}", "context_length=8", f"seed={seed}"]
    config = compose([f"model={model}", f"target={target}", *shared])
    panel = walk(seed, count)
    sample = pipeline.make_sample(config, panel, pipeline.compute_features(config, panel))
    begun = time.perf_counter()
    fitted = pipeline.fit(config, sample, 0)
    seconds = time.perf_counter() - begun
    context = sample.part(TEST, 0).context
    outcomes = {
        "model": pipeline.forecast(config, sample, 0, fitted, TEST),
        "law": scoring.beside(law(context), sample, 0, TEST),
        "random_walk": scoring.beside(RandomWalk().predict(context), sample, 0, TEST),
    }
    skill = scored(config, outcomes, context)
    better = [skill[name]["significant"] and skill[name]["low"] > 0 for name in ("law", "random_walk")]
    return seconds, better[0], float(skill["law"]["value"]), better[1]


def law(context: Context) -> Forecast:
    """What nobody can beat: the walk's own law."""
    task = context.task
    if task.target.classes:
        return ClassForecast(np.full((len(context), len(task.steps), 2), 0.5, np.float32))
    scores = np.array([NormalDist().inv_cdf(level) for level in task.quantile_levels])
    values = SIGMA * np.sqrt(task.steps)[:, None] * scores
    return QuantileForecast(task.quantile_levels, np.tile(values.astype(np.float32), (len(context), 1, 1)))


def scored(config: Config, outcomes: dict[str, Outcome], context: Context) -> dict[str, dict[str, float]]:
    """Skill of the model against each of the others."""
    metrics, objective = scoring.measures(config, context.task)
    return evaluate(outcomes, metrics, objective, config.seed, context.timeline.symbols, context.task)["skill"]


if __name__ == "__main__":
    main()
