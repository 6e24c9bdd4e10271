"""The key of a frame: everything that can change a bit of it, hashed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any

from forecastle.data.bars import Panel
from forecastle.runs.identity import digest, library_versions, machine
from forecastle.runs.source import reach

FORMAT = 1
"""Grows when entries of the cache change their form or the way in which a frame is put together."""

ENGINE = ("forecastle.features.engine", "forecastle.features.timeframes")
"""Modules that every frame is computed by."""


def frame_key(panel: Panel, indicators: Sequence[Any], settings: Sequence[Any], modules: Sequence[str]) -> str:
    """Name a frame by what it is computed from, 32 hexadecimal digits.

    Parameters
    ----------
    panel
        Bars; their content, symbols, interval and order count.
    indicators
        Names and nodes of the configuration, in the order of the columns.
    settings
        What else the engine was told.
    modules
        Where the indicators are defined. Their source counts, that of every module of the same project that they are
        built on, and the versions of the libraries that any of them imports.

    Raises
    ------
    RunError
        If the source of a module cannot be found.
    """
    source, versions = source_hash(tuple(sorted({*modules, *ENGINE})))
    bars = [[each.symbol, each.content] for each in panel]
    return digest([FORMAT, bars, list(indicators), list(settings), source, library_versions(), versions, machine()])


@lru_cache(maxsize=64)
def source_hash(modules: tuple[str, ...]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Hash the source of modules and of all that they import from their own project or from ours.

    Read once in a process, as Python does.

    Returns
    -------
    str
        The hash, 32 hexadecimal digits.
    tuple
        Names and versions of the other packages that any of them imports.
    """
    source = reach(modules)
    packages = [name for name in source.packages if name not in sys.stdlib_module_names]
    return source.digest, tuple((name, _version(name)) for name in packages)


@lru_cache(maxsize=64)
def _version(package: str) -> str:
    version = getattr(sys.modules.get(package), "__version__", None)
    if version is not None:
        return str(version)
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
