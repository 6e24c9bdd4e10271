"""Nested values as names and plain values, as trackers want them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def flatten(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | str]]:
    """Yield one name and value for each number of a nested mapping; members of a sequence are numbered from 1.

    A missing value (None) is left out, NaN is kept.

    >>> dict(flatten({"test": {"crps": 0.5, "skill": [0.1, None, 0.3]}}))
    {'test/crps': 0.5, 'test/skill/1': 0.1, 'test/skill/3': 0.3}
    """
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}/")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from flatten({str(number): member for number, member in enumerate(value, start=1)}, f"{name}/")
        elif value is not None:
            yield name, value


def settings(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield one dotted key and value for each setting of a configuration; a list is one value.

    >>> dict(settings({"model": {"alpha": 1.0, "lags": [1, 2]}, "horizon": 5}))
    {'model.alpha': 1.0, 'model.lags': [1, 2], 'horizon': 5}
    """
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
