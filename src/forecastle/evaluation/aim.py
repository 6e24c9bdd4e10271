"""What a search is after: figures of a part that are made better, bounds that are kept, and who is beaten by nobody."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.errors import ConfigError, RunError, nearest
from forecastle.evaluation.metric import Direction
from forecastle.evaluation.score import MODEL, REFERENCE
from forecastle.runs.store import read_json

TRADING: dict[str, tuple[tuple[str, ...], Direction]] = {
    "sharpe": (("sharpe", "value"), Direction.MAX),
    "sortino": (("sortino",), Direction.MAX),
    "net": (("net", "bps"), Direction.MAX),
    "drawdown": (("drawdown", "largest"), Direction.MIN),
    "turnover": (("turnover",), Direction.MIN),
    "costs": (("costs", "bps"), Direction.MIN),
    "exposure": (("exposure",), Direction.NONE),
    "in_market": (("in_market",), Direction.NONE),
    "trades": (("trades",), Direction.NONE),
}
"""Figures of a traded part (`forecastle.evaluation.trading.summary`): where they stand, and which way is better."""

UNITS = {
    "sharpe": "ratio per year, net of costs",
    "sortino": "ratio per year, net of costs",
    "net": "in bps of the capital",
    "drawdown": "as a fraction of the equity",
    "turnover": "in times the equity per year",
    "costs": "in bps of the capital",
}
"""In which unit a figure of a traded part is told; a metric that is none of these has that of its objective or none."""

HOLD = "buy_and_hold"
"""What an account is measured against."""

HELD = {"sharpe": ("sharpe", "value"), "net": ("net", "bps"), "drawdown": ("drawdown",)}
"""Where figures of buying and holding stand beside those of an account."""

CONSTRAINT = re.compile(r"\s*(\w+)\s*(<=|>=)\s*(\S+)\s*")


@dataclass(frozen=True)
class Constraint:
    """A bound on a metric.

    Parameters
    ----------
    text
        As it was written, ``turnover <= 10``.
    name
        Of the metric.
    sign
        1 where the bound is the largest value that is allowed, −1 where it is the smallest.
    bound
        In the unit of the metric.
    """

    text: str
    name: str
    sign: int
    bound: float

    @classmethod
    def read(cls, text: Any) -> Constraint:
        """Read it as it is written.

        Raises
        ------
        ConfigError
            If it is not a metric, a sign and a number.
        """
        found = CONSTRAINT.fullmatch(str(text))
        try:
            bound = float(found[3]) if found else math.nan
        except ValueError:
            bound = math.nan
        if found is None or not math.isfinite(bound):
            raise ConfigError(
                f"a constraint is a metric, <= or >=, and a number, such as 'turnover <= 10', got {text!r}"
            )
        return cls(" ".join(str(text).split()), found[1], 1 if found[2] == "<=" else -1, bound)

    def excess(self, value: float) -> float:
        """By how much a value breaks it; at most 0 where it is kept."""
        return self.sign * (value - self.bound)


@dataclass(frozen=True)
class Aim:
    """Figures that runs are ranked by.

    Parameters
    ----------
    objectives
        Which way each figure is better, the one that ranks first.
    constraints
        Bounds that a run has to keep to be the best.
    search
        Id of the sweep whose search was after it.
    """

    objectives: Mapping[str, Direction]
    constraints: tuple[Constraint, ...]
    search: str

    @classmethod
    def of(cls, search: str, study: Mapping[str, Any]) -> Aim:
        """What a search was after, from what is written down of its study."""
        objectives = {name: Direction(way) for name, way in study["objectives"].items()}
        return cls(objectives, tuple(Constraint.read(text) for text in study["constraints"]), search)

    @classmethod
    def sought(cls, sweep: Path) -> Aim | None:
        """What the search of a sweep is after, by the sweep's folder; None where it is no search.

        Raises
        ------
        RunError
            If what is written down of it is damaged.
        """
        path = sweep / paths.STUDY
        if not path.is_file():
            return None
        try:
            return cls.of(sweep.name, read_json(path))
        except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
            raise RunError(f"{path} is damaged: {' '.join(str(error).split())}") from error

    @property
    def first(self) -> str:
        """The figure that ranks."""
        return next(iter(self.objectives))

    @property
    def upward(self) -> bool:
        """Whether it is better the higher it is."""
        return self.objectives[self.first] is Direction.MAX

    @property
    def told(self) -> str:
        """What ranks, for people."""
        unit = f" {UNITS[self.first]}" if self.first in UNITS else ""
        more = ", the first objective of search " if len(self.objectives) > 1 else ", the objective of search "
        return f"{self.first}{unit} ({'higher' if self.upward else 'lower'} is better){more}{self.search}"

    def loss(self, part: Mapping[str, Any]) -> float | None:
        """The figure that ranks, turned so that lower is better; None where it is undefined."""
        value = _reported(part, self.first)
        return None if value is None else _turned(value, self.objectives[self.first])

    def ties(self, part: Mapping[str, Any]) -> tuple[float, ...]:
        """The other figures and the runs' own objective, turned so that lower is better, infinite where undefined."""
        ways = {**self.objectives, part["objective"]: Direction(part["direction"])}
        others = [(_reported(part, name), way) for name, way in ways.items() if name != self.first]
        return tuple(math.inf if value is None else _turned(value, way) for value, way in others)

    def figures(self, part: Mapping[str, Any]) -> dict[str, float | None]:
        """All of them."""
        return {name: _reported(part, name) for name in self.objectives}

    def broken(self, part: Mapping[str, Any]) -> tuple[str, ...]:
        """Texts of the bounds that a run does not keep; one whose figure is undefined is not kept."""
        values = [(each, _reported(part, each.name)) for each in self.constraints]
        return tuple(each.text for each, value in values if value is None or each.excess(value) > 0)


def figure(part: Mapping[str, Any], name: str) -> float | None:
    """A metric of a scored part, or a figure of its account; None where it is undefined.

    Raises
    ------
    ConfigError
        If the part reports no such metric.
    """
    scores = part["scores"][MODEL]
    if name in scores:
        value: float | None = scores[name]
        return value
    if name not in TRADING or "trading" not in part:
        there = [*scores, *(TRADING if "trading" in part else ())]
        raise ConfigError(f"no metric {name!r} is reported{nearest(name, there)} (there are: {', '.join(there)})")
    found: Any = part["trading"]
    for key in TRADING[name][0]:
        found = None if found is None else found[key]
    return None if found is None else float(found)


def measured(part: Mapping[str, Any], name: str) -> tuple[str, float | None]:
    """What a figure is measured against, the random walk or buying and holding, and its figure; None without one."""
    if name in part["scores"][MODEL] or "trading" not in part:
        return REFERENCE, part["scores"].get(REFERENCE, {}).get(name)
    found: Any = part["trading"]["against"][HOLD] if name in HELD else None
    for key in HELD.get(name, ()):
        found = None if found is None else found[key]
    return HOLD, None if found is None else float(found)


def front(figures: Sequence[Mapping[str, float | None]], directions: Mapping[str, Direction]) -> list[bool]:
    """Whether no other beats one in everything: none is as good in all figures and better in some (Pareto's front).

    Who lacks a figure is not on it, and beats nobody.

    >>> up, down = Direction.MAX, Direction.MIN
    >>> front([{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 2.0}, {"a": 0.0, "b": 1.0}], {"a": up, "b": down})
    [False, True, True]
    """
    losses: list[tuple[float, ...] | None] = []
    for each in figures:
        values = [(each.get(name), direction) for name, direction in directions.items()]
        known = tuple(_turned(value, direction) for value, direction in values if value is not None)
        losses.append(known if len(known) == len(values) else None)
    there = [each for each in losses if each is not None]
    return [each is not None and not any(_beats(other, each) for other in there) for each in losses]


def _reported(part: Mapping[str, Any], name: str) -> float | None:
    """A figure; None where it is undefined, or the part does not report it."""
    there = name in part["scores"][MODEL] or (name in TRADING and "trading" in part)
    return figure(part, name) if there else None


def scores_by(part: Mapping[str, Any], name: str, direction: Direction) -> dict[str, Any]:
    """Scores of a part with one of its figures as the objective, beside those of what it is measured against."""
    usual, beaten = measured(part, name)
    baselines = {usual: beaten}
    if usual == REFERENCE:
        baselines = {other: scores.get(name) for other, scores in part["scores"].items() if other != MODEL}
    scored = {MODEL: _reported(part, name), **baselines}
    unknown = {"value": None, "low": None, "high": None}
    return {
        "objective": name,
        "direction": direction.value,
        "perfect": None,
        "horizon": part["horizon"],
        "scores": {each: {name: value} for each, value in scored.items()},
        "skill": dict.fromkeys(baselines, unknown),
    }


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _turned(value: float, direction: Direction) -> float:
    return -value if direction is Direction.MAX else value
