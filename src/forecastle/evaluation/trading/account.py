"""Account: the money that is traded with, how it is shared between symbols, and what its broker takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, nearest
from forecastle.evaluation.trading.cost import Costs
from forecastle.evaluation.trading.policy import Policy


@dataclass(frozen=True)
class Account:
    """An account.

    Each symbol has a part of the capital for itself, from the beginning to the end: what one symbol wins is not lent to
    another. Prices are taken as they are quoted: profit in quote currency is a fraction of the equity like any other.

    Parameters
    ----------
    capital
        At the beginning, in account currency.
    weights
        Part of the capital of each symbol, by its name; they sum to 1. None: equal parts.
    leverage
        How many times the equity a position may be worth when it is ordered; a policy's limits must keep to it.
    costs
        What trading costs.

    Raises
    ------
    ConfigError
        If the capital is not above 0, the leverage not above 0, or the weights are not above 0 or do not sum to 1.
    """

    capital: float = 100_000.0
    weights: Mapping[str, float] | None = None
    leverage: float = 1.0
    costs: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        for name in ("capital", "leverage"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.weights is None:
            return
        for symbol, weight in self.weights.items():
            if not (isinstance(weight, int | float) and 0 < weight <= 1):
                raise ConfigError(f"weights.{symbol} must be a fraction above 0 and at most 1, got {weight!r}")
        if abs(sum(self.weights.values()) - 1) > 1e-9:
            raise ConfigError(f"weights must sum to 1, got {sum(self.weights.values()):g}: {dict(self.weights)}")

    def shares(self, symbols: Sequence[str]) -> FloatArray:
        """Part of the capital of each symbol, in their order.

        Raises
        ------
        ConfigError
            If the weights name other symbols, or not all.
        """
        if self.weights is None:
            return np.full(len(symbols), 1.0 / len(symbols))
        for symbol in self.weights:
            if symbol not in symbols:
                raise ConfigError(
                    f"account.weights: no symbol {symbol!r}{nearest(symbol, symbols)} (there are: {', '.join(symbols)})"
                )
        if absent := [symbol for symbol in symbols if symbol not in self.weights]:
            raise ConfigError(f"account.weights must name every symbol, got none for {', '.join(absent)}")
        return np.array([self.weights[symbol] for symbol in symbols], dtype=np.float64)


def check_policy(policy: Policy, account: Account) -> None:
    """Refuse a policy that the account does not allow, before any work.

    Raises
    ------
    ConfigError
        If its limits are wider than the leverage.
    """
    widest = max(abs(limit) for limit in policy.limits)
    if widest > account.leverage:
        raise ConfigError(
            f"policy.limits {list(policy.limits)} need a leverage of {widest:g}, "
            f"got account.leverage={account.leverage:g}"
        )
