"""The key of a frame: everything that can change a bit of it, hashed."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import xxhash

from forecastle.data.bars import Panel
from forecastle.errors import FeatureError
from forecastle.runs.identity import digest, library_versions, machine

FORMAT = 1
"""Grows when entries of the cache change their form or the way in which a frame is put together."""

ENGINE = ("forecastle.features.engine", "forecastle.features.timeframes")
"""Modules that every frame is computed by."""

_COMMENT = re.compile("#.*")
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n;]+)|import[ \t]+([^\n;]+))", re.MULTILINE
)


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
    FeatureError
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
    found: dict[str, bytes] = {}
    outside: set[str] = set()
    waiting = [(name, *_place(name)) for name in modules]
    _, ours = _place(__name__)
    while waiting:
        name, path, home = waiting.pop()
        if name in found:
            continue
        found[name] = Path(path).read_bytes()
        package = name if Path(path).stem == "__init__" else name.rpartition(".")[0]
        for parent, member in _imports(found[name].decode(errors="replace"), package):
            top = parent.partition(".")[0]
            root = ours if top == "forecastle" else home
            same = top in ("forecastle", name.partition(".")[0])
            if not same and (top in sys.stdlib_module_names or _is_installed(root)):
                outside.add(top)
                continue
            meant, place = parent, _file(root, parent)
            if member and (place is None or place.endswith("__init__.py")):
                inner = _file(root, f"{parent}.{member}")
                meant, place = (f"{parent}.{member}", inner) if inner else (meant, place)
            if place:
                waiting.append((meant, place, root))
            else:
                outside.add(top)
    hashed = xxhash.xxh3_128()
    for name, content in sorted(found.items()):
        hashed.update(f"{name}\0{len(content)}\0".encode())
        hashed.update(content)
    packages = sorted(outside - sys.stdlib_module_names)
    return hashed.hexdigest(), tuple((name, _version(name)) for name in packages)


def _place(module: str) -> tuple[str, str]:
    """File of a module, and the folder in which its dotted name begins."""
    name = getattr(importlib.import_module(module), "__file__", None)
    if name is None:
        raise FeatureError(f"the source of the module {module!r} cannot be found, so its features have no key")
    path = Path(name)
    return name, str(path.parents[module.count(".") + (path.stem == "__init__")])


def _is_installed(root: str) -> bool:
    """Whether other packages lie beside the one that begins there."""
    return root.endswith(("site-packages", "dist-packages"))


@lru_cache(maxsize=1024)
def _file(root: str, module: str) -> str | None:
    """File of a module below a folder, or None."""
    place = f"{root}/{module.replace('.', '/')}"
    return next((path for path in (f"{place}.py", f"{place}/__init__.py") if os.path.isfile(path)), None)  # noqa: PTH113


def _imports(text: str, package: str) -> Iterator[tuple[str, str]]:
    """Each thing that is imported: the module that is named, and what is taken from it, which may be a module too."""
    for dots, parent, names, plain in _IMPORT.findall(text):
        if plain:
            yield from ((each.split()[0], "") for each in plain.split(",") if each.strip())
            continue
        parts = package.split(".")
        above = ".".join(parts[: len(parts) - len(dots) + 1]) if dots else ""
        members = _COMMENT.sub("", names).strip("()").split(",")
        whole = ".".join(filter(None, (above, parent)))
        yield from ((whole, each.split()[0]) for each in members if each.strip())


@lru_cache(maxsize=64)
def _version(package: str) -> str:
    version = getattr(sys.modules.get(package), "__version__", None)
    if version is not None:
        return str(version)
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
