"""Names of objects in a configuration, and importing what they lead to.

What is named must lie under a known prefix, and the object that is found must itself be defined under one
(``sklearn.datasets._base.os.system`` is not).
"""

from __future__ import annotations

import importlib
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

from forecastle.errors import MissingExtraError, TargetError, nearest

PREFIXES = ("forecastle.", "sklearn.", "torch.optim.", "pytorch_lightning.", "lightgbm.", "xgboost.", "catboost.")
"""Prefixes that a ``_target_`` may have; ``allowed_targets`` adds the user's own."""

EXTRAS = {
    "torch": "neural",
    "pytorch_lightning": "neural",
    "torchmetrics": "neural",
    "wandb": "wandb",
    "duckdb": "store",
    "sqlalchemy": "sql",
    "psycopg": "sql",
    "adbc_driver_postgresql": "sql",
    "exchange_calendars": "exchange",
    "lightgbm": "boost",
    "xgboost": "boost",
    "catboost": "boost",
    "statsmodels": "classical",
    "neuralforecast": "nixtla",
    "ccxt": "live",
    "yfinance": "live",
    "dvc": "dvc",
}
"""Which extra of ours brings a package."""


def open_project(folder: Path) -> None:
    """Let the modules of the user's project be imported, as ``python -m`` would."""
    for path in (str(folder / "src"), str(folder)):
        if path not in sys.path:
            sys.path.insert(0, path)


def locate(name: Any, allowed: tuple[str, ...]) -> Any:
    """Import the object that a dotted name leads to, and make sure that it is defined under an allowed prefix."""
    if not isinstance(name, str) or not name.startswith(allowed):
        raise TargetError(f"_target_ {name!r} is not allowed: it must begin with one of {', '.join(allowed)}")
    found = imported(name)
    home = f"{getattr(found, '__module__', '')}."
    if not home.startswith(allowed):
        raise TargetError(f"_target_ {name!r} is not allowed: it leads to {home}{getattr(found, '__name__', '')}")
    return found


@lru_cache(maxsize=512)
def imported(name: str) -> Any:
    """The object of a dotted name: the longest part of it that is a module, then attributes."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:cut])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name and not f"{module}.".startswith(f"{error.name}."):
                raise _missing(name, error.name) from error
            continue
        except Exception as error:
            reason = " ".join(str(error).split())
            told = f"{type(error).__name__}: {reason}" + ("" if isinstance(error, SyntaxError) else _where(error))
            raise TargetError(f"_target_ {name!r}: {module} cannot be imported: {told}") from error
        for part in parts[cut:]:
            if not hasattr(found, part):
                raise TargetError(f"_target_ {name!r} not found: no {part!r} there{nearest(part, dir(found))}")
            found = getattr(found, part)
        return found
    if name.startswith(PREFIXES):
        raise _missing(name, parts[0])
    raise TargetError(f"_target_ {name!r} not found: no module named {parts[0]!r}")


def _missing(name: str, package: str) -> MissingExtraError:
    extra = EXTRAS.get(package.partition(".")[0])
    how = f": pip install 'forecastle[{extra}]'" if extra else ""
    return MissingExtraError(f"_target_ {name!r} needs the package {package!r}, which is not installed{how}")


def _where(error: BaseException) -> str:
    """File and line at which an import failed, as Python says them of a syntax error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f" ({Path(last.filename).name}, line {last.lineno})"
