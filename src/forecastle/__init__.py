"""Forecastle: market-forecasting experiments that can be believed and repeated.

From Python::

    from forecastle import run
    run(["model=ridge", "horizon=10"]).metrics
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecastle.keeping import run
    from forecastle.runs.store import Run

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "run"]

_HOMES = {"run": "forecastle.keeping", "Run": "forecastle.runs.store"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that ``import forecastle`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'forecastle' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
