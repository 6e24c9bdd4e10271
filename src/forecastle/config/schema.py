"""The root of the configuration, as a dataclass: its keys, their types, and what takes part in a run's identity."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Literal

from forecastle.config.annotation import check_type
from forecastle.errors import ConfigError, nearest

Node = dict[str, Any]
"""A configuration node: plain Python, resolved."""


@dataclass(frozen=True)
class Config:
    """One experiment, resolved and checked.

    Parameters
    ----------
    data, quality, target, split, model, tracker, cache
        One ``_target_`` node each.
    indicator, transform, metric
        ``_target_`` nodes by name.
    conformal
        A ``_target_`` node that corrects what the model forecasts, or an empty one.
    horizon
        Bars ahead: each of 1 … horizon is forecast; or a list of the steps that are, such as ``[1, 5, 24]``.
    context_length
        C, bars of features that a window shows.
    season
        Period of the seasonal naive baseline, in bars.
    quantile_levels
        Q levels of every forecast of a number, ascending, inside (0, 1); a number Q stands for k/(Q+1), k = 1 … Q.
    policy
        What makes positions of forecasts, so that they are traded; null: nothing is traded.
    account
        Capital, its parts, leverage and the costs of trading; read where there is a policy.
    objective
        Metric that ranks runs on the validation part; null: ``crps`` for numbers, ``log_loss`` for classes.
    pooling
        On several symbols: one model over all (``pooled``) or one for each (``per_symbol``); scores come for each.
    resample
        Timeframe to which the bars are resampled before anything is computed (``1h``); null: as the source has them.
    timeframes
        Timeframes on which every indicator is computed that names none itself, such as ``["1h", "1D"]``; none: the
        bars' own.
    day_start
        When a day of a timeframe begins: time and zone, such as ``17:00 America/New_York``.
    missing_inputs
        What happens to indicators that need volume on bars without: ``skip`` them or ``refuse``.
    on_error
        What happens where an indicator fails: ``stop``, or ``leave_out`` the indicator, which is reported.
    workers, pool
        How many parts of the features are computed at once, each by a ``thread`` or a ``process``; and how many folds,
        always by processes.
    start, end
        Bars with open time in [start, end), ISO dates in UTC; null: all.
    seed
        One seed for everything that draws random numbers.
    threads
        Threads of the libraries that compute. Part of a run's identity.
    allowed_targets
        Module prefixes, beside the built-in ones, that a ``_target_`` may name.
    output
        Folder of the runs.
    force
        Compute the run again even where it is finished.
    keep_models
        So many runs of a sweep keep their weights, the best on the validation part of those that answer the same
        question; null: all.
    explain
        Measure, once the run is finished, what its models lean on, as `forecastle explain` does.
    log_level
        Of the console; ``FORECASTLE_LOG_LEVEL`` sets its default.
    sweep
        Id of the sweep that the run belongs to; set by the command line.
    experiment
        Name that an experiment file gives its runs.
    search
        Ranges by key that a search tries (`forecastle.search.space`); read by ``hydra/sweeper=optuna`` alone.
    choices
        The chosen file of each group, for people; set from what Hydra composed.
    """

    data: Node
    quality: Node
    indicator: Node
    target: Node
    split: Node
    model: Node
    metric: Node
    tracker: Node
    cache: Node
    horizon: int | list[int]
    context_length: int
    season: int
    quantile_levels: int | list[float]
    seed: int
    threads: int
    transform: Node = field(default_factory=dict)
    conformal: Node = field(default_factory=dict)
    policy: Node | None = None
    account: Node = field(default_factory=dict)
    objective: str | None = None
    pooling: Literal["pooled", "per_symbol"] = "pooled"
    resample: str | None = None
    timeframes: list[str] = field(default_factory=list)
    day_start: str = "00:00 UTC"
    missing_inputs: Literal["skip", "refuse"] = "skip"
    on_error: Literal["stop", "leave_out"] = "stop"
    workers: int = 1
    pool: Literal["thread", "process"] = "thread"
    start: str | None = None
    end: str | None = None
    allowed_targets: list[str] = field(default_factory=list)
    output: str = "runs"
    force: bool = False
    keep_models: int | None = 10
    explain: bool = False
    log_level: str = "INFO"
    sweep: str | None = None
    experiment: str | None = None
    search: Node = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.horizon, list) and (
            not self.horizon or any(b <= a for a, b in pairwise([0, *self.horizon]))
        ):
            raise ConfigError(f"the steps of horizon must ascend, the first at least 1, got {self.horizon}")
        numbers = {"horizon": self.bars_ahead}
        numbers |= {name: getattr(self, name) for name in ("context_length", "season", "threads", "workers")}
        for name, value in numbers.items():
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        if self.keep_models is not None and self.keep_models < 0:
            raise ConfigError(f"keep_models must be at least 0, or null for all, got {self.keep_models}")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed must be at least 0 and less than 2**32, got {self.seed}")
        levels = self.levels
        inside = all(0 < level < 1 for level in levels)
        if not levels or not inside or any(b <= a for a, b in pairwise(levels)):
            raise ConfigError(f"quantile_levels must ascend inside (0, 1), got {self.quantile_levels}")
        if not self.indicator:
            raise ConfigError("indicator: at least one is wanted, got none (try indicator=core)")

    @property
    def chosen(self) -> tuple[int, ...]:
        """The steps that are forecast, in bars after the origin; none where each is, up to the horizon."""
        return tuple(self.horizon) if isinstance(self.horizon, list) else ()

    @property
    def bars_ahead(self) -> int:
        """Bars from an origin to the last step that is forecast."""
        return self.horizon if isinstance(self.horizon, int) else self.horizon[-1]

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The Q quantile levels."""
        given = self.quantile_levels
        return tuple(k / (given + 1) for k in range(1, given + 1)) if isinstance(given, int) else tuple(given)

    @property
    def node(self) -> Node:
        """All of it as plain Python, keys in order."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @cached_property
    def settings(self) -> Node:
        """The part that can change a run's numbers: all but paths, tracker and display options."""
        node = {key: value for key, value in self.node.items() if key not in PASSIVE}
        node["data"] = {key: value for key, value in self.data.items() if key not in PATHS}
        node["policy"], node["account"] = (self.policy, self.account) if self.policy else (None, {})
        return node

    @cached_property
    def identity(self) -> Node:
        """The settings, with the members of `MANY` groups as lists: their order is that of columns and steps."""
        return {**self.settings, **{group: list(self.settings[group].items()) for group in MANY}}

    def name(self, group: str) -> str:
        """What people call the choice of a group: its file, or else the class that it builds."""
        node = getattr(self, group)
        inner = node.get("estimator", node)
        return self.choices.get(group, plain_name(inner))


def plain_name(node: Node) -> str:
    """Name of the class that a node builds, as a file would be called.

    >>> plain_name({"_target_": "forecastle.models.baseline.RandomWalk"})
    'random_walk'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(node["_target_"]).rpartition(".")[2]).lower()


MANY = ("indicator", "transform", "metric")
"""Groups of which several can be chosen: nodes by name, in order."""

KEYS = tuple(item.name for item in fields(Config) if item.name != "choices")
"""Root keys that a user may set."""

PASSIVE = frozenset(
    {
        "tracker",
        "cache",
        "workers",
        "pool",
        "output",
        "force",
        "keep_models",
        "explain",
        "log_level",
        "sweep",
        "experiment",
        "search",
        "choices",
        "allowed_targets",
    }
)
"""Root keys that cannot change a number."""

PATHS = frozenset({"path", "folder", "url", "password_env", "retry"})
"""Keys of a data node that say where the bars lie and how they are reached; the bars' own hash stands for them."""


def parse(node: Mapping[str, Any]) -> Config:
    """Check the root's keys and types and return the configuration.

    Raises
    ------
    ConfigError
        For an unknown or missing key or a value of the wrong type; names the key, what it got and what is allowed.
    """
    hints = _hints()
    for key in node:
        if key not in hints:
            raise ConfigError(f"unknown key {key!r}{nearest(key, KEYS)} (allowed: {', '.join(KEYS)})")
    for item in fields(Config):
        if item.name in node:
            check_type(item.name, node[item.name], hints[item.name])
        elif item.name in ("indicator", "metric"):
            raise ConfigError(f"{item.name}: at least one is wanted, got none")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ConfigError(f"key {item.name!r} is missing from the configuration")
    return Config(**{key: node[key] for key in hints if key in node})


@lru_cache(maxsize=1)
def _hints() -> dict[str, Any]:
    """Annotation of each root key."""
    return typing.get_type_hints(Config)
