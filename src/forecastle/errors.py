"""The errors that a user can meet; each message says what, got, wanted and where.

::

    ForecastleError
    ├── ConfigError          a key, a choice or a value that cannot be
    │   └── TargetError      a ``_target_`` that is not allowed, not found, or not what its role wants
    ├── DataError            candles that are missing, empty, malformed or refused by the quality policy
    │   └── AbsentError      no file or store where the configuration says that candles lie
    ├── FeatureError         an indicator that cannot be computed on these bars
    ├── SplitError           a split with an empty part, or labels that reach over a boundary
    ├── ModelError           a model that cannot do what is asked, or a saved one that cannot be opened
    ├── RunError             a run that is missing, damaged, or not reproduced
    ├── MissingExtraError    an optional package that is not installed
    └── Pruned               no failure: a fit that a search stopped on the way, since others did better

Every one of them but the last ends the command line with exit code 2 and one line; ``FORECASTLE_DEBUG=1`` shows the
traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ForecastleError(Exception):
    """Root of all errors that are told to the user in one line."""


class ConfigError(ForecastleError):
    """A key, a choice or a value of the configuration that cannot be."""


class TargetError(ConfigError):
    """A ``_target_`` that is not allowed, not found, or not what its role wants."""


class DataError(ForecastleError):
    """Candles that are missing, empty, malformed or refused by the quality policy."""


class AbsentError(DataError):
    """There is no file or store where the configuration says that candles lie."""


class FeatureError(ForecastleError):
    """An indicator that cannot be computed on these bars."""


class SplitError(ForecastleError):
    """A split with an empty part, or labels that reach over a boundary."""


class ModelError(ForecastleError):
    """A model that cannot do what is asked of it, or a saved one that cannot be opened."""


class RunError(ForecastleError):
    """A run that is missing, damaged, or not reproduced."""


class MissingExtraError(ForecastleError):
    """An optional package that is not installed; the message names the extra."""


class Pruned(ForecastleError):  # noqa: N818  it is no failure
    """A fit that a search stopped on the way, since others did better; no failure."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest allowed name, or an empty string.

    >>> nearest("rigde", ["ridge", "lasso"])
    "; did you mean 'ridge'?"
    >>> nearest("zzz", ["ridge", "lasso"])
    ''
    """
    found = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
