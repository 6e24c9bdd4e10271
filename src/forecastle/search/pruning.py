r"""Pruning: by which rule a trial is stopped on the way, from what it and earlier trials told at each step.

``median`` is the median stopping rule of Golovin et al., Google Vizier: a service for black-box optimization, KDD 2017,
and ``hyperband`` the brackets of Li et al., Hyperband: a novel bandit-based approach to hyperparameter optimization,
JMLR 18 (2018), each run by the asynchronous successive halving of Li et al., A system for massively parallel
hyperparameter tuning, MLSys 2020; both as Optuna has them, as pure functions of what was told. Optuna's own write down
on the way what they have decided, and choose a bracket by a hash of the study's name: neither repeats after a kill or
in another study.

A trial is held against those of earlier batches alone, however far the others of its own batch are. So the same trials
are stopped at the same steps with any number of workers.
"""

from __future__ import annotations

import statistics
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from forecastle.errors import ConfigError, nearest

Values = Mapping[int, float]
"""What a trial told by its step, in the order of the steps; lower is better."""


class Earlier(NamedTuple):
    """A trial of an earlier batch: its number, what it told, and whether it was run to its end."""

    number: int
    values: Values
    complete: bool


@dataclass(frozen=True)
class Median:
    """Stops a trial whose best value so far is worse than the median of complete trials at the same step.

    Parameters
    ----------
    startup
        Complete trials before any is stopped.
    warmup
        Steps that every trial may take.
    every
        Steps between two decisions.

    Raises
    ------
    ConfigError
        If a number is too small.
    """

    startup: int = 5
    warmup: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        _check("median", self, {"startup": 1, "warmup": 0, "every": 1})

    def stops(self, number: int, mine: Values, earlier: Sequence[Earlier]) -> bool:  # noqa: ARG002  another rule's
        """Whether the trial of a number is to be stopped after its latest step."""
        *before, step = mine
        looked = self.warmup + (step - self.warmup) // self.every * self.every
        if step < self.warmup or (before and before[-1] >= looked):
            return False
        complete = [each for each in earlier if each.complete]
        there = [each.values[step] for each in complete if step in each.values]
        return len(complete) >= self.startup and bool(there) and min(mine.values()) > statistics.median(there)


@dataclass(frozen=True)
class Hyperband:
    """Stops trials at rungs of rising steps unless they are among the best there; each bracket begins at a later rung.

    Parameters
    ----------
    first
        Step of the lowest rung.
    most
        Steps of a whole trial, which say how many brackets there are; None: those of the first complete trial.
    factor
        η: the share 1/η of the trials at a rung goes on, to a rung at η times the steps.

    Raises
    ------
    ConfigError
        If a number is too small.
    """

    first: int = 1
    most: int | None = None
    factor: int = 3

    def __post_init__(self) -> None:
        _check("hyperband", self, {"first": 1, "factor": 2, "most": self.first})

    def stops(self, number: int, mine: Values, earlier: Sequence[Earlier]) -> bool:
        """Whether the trial of a number is to be stopped after its latest step."""
        complete = [each for each in earlier if each.complete and each.values]
        if self.most is None and not complete:
            return False
        most = self.most or max(min(complete, key=lambda each: each.number).values)
        bracket = self._bracket(number, most)
        rivals = [each.values for each in earlier if self._bracket(each.number, most) == bracket]
        *before, step = mine
        rung = self.first * self.factor**bracket
        while rung <= step:
            if not before or before[-1] < rung:
                there = [value for each in rivals if (value := _at(each, rung)) is not None]
                if not self._goes_on(mine[step], there):
                    return True
            rung *= self.factor
        return False

    def _goes_on(self, value: float, others: Sequence[float]) -> bool:
        """Whether a value is among the best 1/η at a rung, and the best where they are fewer than η."""
        ranked = sorted([*others, value])
        return value <= ranked[max(len(ranked) // self.factor - 1, 0)]

    def _bracket(self, number: int, most: int) -> int:
        """The bracket of a trial, drawn by its number; each gets trials as Hyperband shares them out."""
        count = 1
        while self.first * self.factor**count <= most:
            count += 1
        shares = [-(-count * self.factor ** (count - 1 - each) // (count - each)) for each in range(count)]
        place = zlib.crc32(str(number).encode()) % sum(shares)
        bracket = 0
        while place >= shares[bracket]:
            place -= shares[bracket]
            bracket += 1
        return bracket


Rule = Median | Hyperband
RULES: dict[str, type[Rule]] = {"median": Median, "hyperband": Hyperband}
"""The rules by name."""


def rule_of(given: Any, objectives: int) -> Rule | None:
    """The rule that ``hydra.sweeper.pruner`` names: ``none``, a name, or ``{NAME: {SETTING: VALUE}}``.

    Raises
    ------
    ConfigError
        If there is no such rule or setting, or the search has several objectives.
    """
    if given is None or given == "none":
        return None
    name, settings = next(iter(given.items())) if isinstance(given, Mapping) and len(given) == 1 else (given, {})
    if not isinstance(name, str) or name not in RULES:
        known = ", ".join(["none", *RULES])
        raise ConfigError(f"hydra.sweeper.pruner must be one of {known}, got {name!r}{nearest(str(name), RULES)}")
    allowed = {item.name: item.default for item in fields(RULES[name])}
    for key, value in dict(settings or {}).items():
        if key not in allowed:
            told = f"pruner {name} has no setting {key!r}{nearest(str(key), allowed)}"
            raise ConfigError(f"hydra.sweeper.pruner: {told} (there are: {', '.join(allowed)})")
        if not isinstance(value, int | type(allowed[key])) or isinstance(value, bool):
            raise ConfigError(f"hydra.sweeper.pruner: {name}.{key} must be a whole number, got {value!r}")
    if objectives > 1:
        raise ConfigError(
            f"hydra.sweeper.pruner: {name} needs one objective, got {objectives}: a fit tells one value on the way, "
            "which is not enough to judge it by several (pruner=none)"
        )
    return RULES[name](**dict(settings or {}))


def as_json(rule: Rule | None) -> dict[str, Any] | None:
    """What `rule_of` reads, with every setting."""
    return None if rule is None else {name: asdict(rule) for name, kind in RULES.items() if type(rule) is kind}


def _at(values: Values, rung: int) -> float | None:
    """What a trial told at a rung: its value after the first step there or beyond; None where it came not so far."""
    return next((value for step, value in values.items() if step >= rung), None)


def _check(name: str, rule: Rule, smallest: Mapping[str, int]) -> None:
    for key, least in smallest.items():
        value = getattr(rule, key)
        if value is not None and value < least:
            raise ConfigError(f"hydra.sweeper.pruner: {name}.{key} must be at least {least}, got {value}")
