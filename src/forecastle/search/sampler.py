"""Samplers: what proposes the next trials, by name."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from optuna.samplers import BaseSampler, CmaEsSampler, QMCSampler, RandomSampler, TPESampler

from forecastle.errors import ConfigError, MissingExtraError, nearest
from forecastle.search.range import Choice
from forecastle.search.space import Space

SAMPLERS = {
    "tpe": "a tree-structured Parzen estimator",
    "random": "independent draws",
    "grid": "every point, in order",
    "cmaes": "the covariance matrix adaptation evolution strategy, for numbers",
    "qmc": "a scrambled Sobol sequence",
}
"""Names of the samplers, and what they are."""

MOST = 1_000_000
"""Points that a grid may have."""

USUAL = 20
"""Trials of a search where no number is asked for."""


def check(name: str, space: Space, objectives: int) -> None:
    """Refuse a sampler that does not exist, or that cannot search the space.

    Raises
    ------
    ConfigError
        With what can be.
    MissingExtraError
        If a package that it needs is not installed.
    """
    if name not in SAMPLERS:
        raise ConfigError(
            f"hydra.sweeper.sampler: no sampler {name!r}{nearest(name, SAMPLERS)} (there are: {', '.join(SAMPLERS)})"
        )
    for key, each in space.items():
        if name == "grid" and each.samples is None:
            raise ConfigError(f"sampler grid: {key}={each.text} has no end of values; choice(…) or range(…) is wanted")
        if name == "cmaes" and isinstance(each, Choice):
            raise ConfigError(f"sampler cmaes searches numbers only, and {key}={each.text} has no order: try tpe")
    if name == "cmaes" and objectives > 1:
        raise ConfigError(f"sampler cmaes has one objective, got {objectives}: try tpe")
    if name == "cmaes" and find_spec("cmaes") is None:
        raise MissingExtraError(
            "sampler cmaes needs the package 'cmaes', which is not installed: pip install 'forecastle[search]'"
        )


def size(name: str, space: Space, wanted: int | None) -> int:
    """Number of trials: what is wanted, or else `USUAL`; of a grid never more than it has points, and all unless said.

    Raises
    ------
    ConfigError
        If less than one is wanted, or a grid has more points than anybody can try.
    """
    if wanted is not None and wanted < 1:
        raise ConfigError(f"hydra.sweeper.n_trials must be at least 1 or null, got {wanted}")
    if name != "grid":
        return USUAL if wanted is None else wanted
    points = math.prod(len(each.samples or ()) for each in space.values())
    if points > MOST:
        raise ConfigError(f"a grid of {points} points has no end in sight: at most {MOST} are wanted")
    return points if wanted is None else min(points, wanted)


def points(space: Space) -> Iterator[dict[str, Any]]:
    """Every point of a grid; the last key changes fastest, as in a sweep of Hydra's."""
    for values in itertools.product(*(each.samples or () for each in space.values())):
        yield dict(zip(space, values, strict=True))


def make(name: str, seed: int, batch: int) -> BaseSampler:
    """The sampler for one batch; seeded by the study's seed and the batch's number, so that batches repeat.

    A Sobol sequence is one for the whole study, so the seed alone scrambles it. What a grid draws is nothing.
    """
    state = int(np.random.SeedSequence((seed, batch)).generate_state(1)[0])
    if name == "tpe":
        return TPESampler(seed=state)
    if name == "cmaes":
        return CmaEsSampler(seed=state, warn_independent_sampling=False)
    if name == "qmc":
        independent = RandomSampler(seed=state)
        return QMCSampler(scramble=True, seed=seed, independent_sampler=independent, warn_independent_sampling=False)
    return RandomSampler(seed=state)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep from the terminal what Optuna says about its own use, which is decided here and not by the user."""
    import optuna

    optuna.logging.disable_default_handler()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
