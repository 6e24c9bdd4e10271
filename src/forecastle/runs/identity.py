"""Identity: what can change a run's numbers, hashed; and what the machine and the code were."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import xxhash

from forecastle.runs.source import reach

NUMERIC = ("arrays.py", "pipeline.py", "scoring.py", "folds.py", "data", "features", "windows", "models", "evaluation")
"""Files and folders of the package whose source can change a number."""

LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn", "TA-Lib")
"""Distributions that compute in every run."""

BY_PREFIX = {
    "torch.": ("torch",),
    "pytorch_lightning.": ("torch", "pytorch-lightning"),
    "forecastle.models.neural.": ("torch", "pytorch-lightning"),
    "forecastle.models.boosting.lightgbm.": ("lightgbm",),
    "forecastle.models.boosting.xgboost.": ("xgboost-cpu",),
    "forecastle.models.boosting.catboost.": ("catboost",),
    "forecastle.models.neural.nixtla.": ("neuralforecast",),
    "forecastle.models.classical.forecaster.": ("statsmodels",),
    "forecastle.models.classical.garch.": ("arch",),
    "lightgbm.": ("lightgbm",),
    "xgboost.": ("xgboost-cpu",),
    "catboost.": ("catboost",),
}
"""Distributions that compute only where a ``_target_`` names them."""


@dataclass(frozen=True)
class Identity:
    """What can change a run's numbers, each part by its hash.

    Parameters
    ----------
    config
        Hash of the part of the configuration that can change a number (`Config.identity`).
    bars
        Hash of the bars' content.
    code
        Hash of the numeric source (`code_hash`).
    versions
        Version of each library that computes.
    """

    config: str
    bars: str
    code: str
    versions: Mapping[str, str]

    @property
    def id(self) -> str:
        """The run's id: 16 hexadecimal digits."""
        return digest([self.config, self.bars, self.code, dict(self.versions)])[:16]


def digest(value: Any) -> str:
    """Hash of a JSON-ready value, 32 hexadecimal digits; the order of mappings does not matter.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return xxhash.xxh3_128_hexdigest(json.dumps(value, sort_keys=True, allow_nan=True).encode())


@lru_cache(maxsize=32)
def code_hash(modules: tuple[str, ...] = ()) -> str:
    """Hash of the package's numeric source, and of the user's own target modules with all of theirs that they import.

    Read once in a process, as Python does.

    Raises
    ------
    RunError
        If the source of a module cannot be found.
    """
    package = Path(__file__).resolve().parent.parent
    found = xxhash.xxh3_128()
    for name in NUMERIC:
        place = package / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.update(f"{path.relative_to(package).as_posix()}\0".encode())
            found.update(path.read_bytes())
    if modules:
        found.update(reach(modules, ours=False).digest.encode())
    return found.hexdigest()


def library_versions(targets: Sequence[str] = ()) -> dict[str, str]:
    """Version of Python and of each library that computes for these ``_target_`` names."""
    wanted = list(LIBRARIES)
    for prefix, distributions in BY_PREFIX.items():
        if any(target.startswith(prefix) for target in targets):
            wanted.extend(distributions)
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, **{name: version_of(name) for name in dict.fromkeys(wanted)}}


@lru_cache(maxsize=64)
def version_of(distribution: str) -> str:
    """Version of an installed distribution, or ``absent``."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "absent"


@lru_cache(maxsize=1)
def git_state() -> dict[str, Any]:
    """Commit of the code and whether tracked files were changed; nulls outside a checkout."""
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid")), None)
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


@lru_cache(maxsize=1)
def machine() -> str:
    """Platform and family of the processor: bit equality is promised within one family."""
    return f"{platform.system()} {platform.machine()} {_processor()}".strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
