"""Ground: what the run of a job follows from beside its overrides, so that an answer of the ledger can be believed.

While it is the same, a job with the same overrides composes the same configuration and has the same run, and neither
needs to be composed to know that. It is a hash of the files of every folder that Hydra searches, of the environment
that they read, of our whole package and the user's own modules, of the versions of the libraries, and of what the
data are known by (for files their paths, sizes and times of change).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import xxhash
import yaml

from forecastle import paths
from forecastle.config.schema import Config, parse
from forecastle.config.target import build, check_group, target_modules, target_names
from forecastle.errors import ForecastleError
from forecastle.runs.identity import code_hash, digest, library_versions, version_of

COMPOSERS = ("hydra-core", "omegaconf", "PyYAML")
"""Distributions that make a configuration of files and words."""

PURE = ("oc.env", "oc.decode", "oc.select", "oc.create", "oc.dict.keys", "oc.dict.values", "hydra", "python_version")
"""Resolvers whose value follows from what is hashed; with any other one, such as ``now``, there is no ground."""

_RESOLVER = re.compile(r"\$\{\s*([\w.]+)\s*:(?=\s*([^,}\s]*))")


@dataclass(frozen=True)
class Sources:
    """Where configurations come from.

    Parameters
    ----------
    folders
        That Hydra searches, in order, and what else it searches.
    name
        Of the root file.
    given
        Environment that Hydra sets for each job.
    """

    folders: tuple[str, ...]
    name: str
    given: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, hydra: Any) -> Sources:
        """Those of the ``hydra`` node of a composed configuration."""
        given = sorted((str(key), str(value)) for key, value in (hydra.job.env_set or {}).items())
        found = tuple(f"{each.schema}://{each.path}" for each in hydra.runtime.config_sources)
        return cls(found, str(hydra.job.config_name), tuple(given))

    def stamp(self) -> Stamp:
        """What tells, without reading them, whether files were changed since."""
        return tuple(
            (path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino) for path, found in self._files()
        )

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        for folder in self.folders:
            scheme, _, place = folder.partition("://")
            if scheme == "file":
                yield from _below(place)


Stamp = tuple[tuple[str, int, int, int, int], ...]
"""Path, size, times of change and inode of files."""


def _below(place: str) -> Iterator[tuple[str, os.stat_result]]:
    """All files below a folder, in order."""
    if not os.path.isdir(place):  # noqa: PTH112  three hundred files at each job
        return
    for entry in sorted(os.scandir(place), key=lambda each: each.name):
        if entry.is_dir():
            yield from _below(entry.path)
        else:
            yield entry.path, entry.stat()


@lru_cache(maxsize=8)
def _texts(sources: Sources, stamp: Stamp) -> tuple[str, frozenset[tuple[str, str]]]:
    """Hash of the names and contents of all files, and the resolvers that they use with their first argument."""
    hashed = xxhash.xxh3_128()
    used: set[tuple[str, str]] = set()
    for path, *_ in stamp:
        content = Path(path).read_bytes()
        hashed.update(f"{path}\0{len(content)}\0".encode())
        hashed.update(content)
        used |= _resolvers(content.decode(errors="replace"))
    return digest([sources.folders, sources.name, sources.given, hashed.hexdigest()]), frozenset(used)


def _resolvers(text: str) -> set[tuple[str, str]]:
    return set(_RESOLVER.findall(text))


@lru_cache(maxsize=1)
def _package() -> str:
    """Hash of the source of our whole package: all of it may take part in composing."""
    home = Path(__file__).resolve().parent.parent
    hashed = xxhash.xxh3_128()
    for path in sorted(home.rglob("*.py")):
        hashed.update(f"{path.relative_to(home)}\0".encode())
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def ground_of(config: Config, choices: Sequence[str], sources: Sources, stamp: Stamp) -> str | None:
    """Hash of the ground that a job stands on, 32 hexadecimal digits.

    Parameters
    ----------
    config
        What was composed.
    choices
        Its overrides.
    sources
        Where from.
    stamp
        Of the sources, from before it was composed.

    Returns
    -------
    str or None
        None where there is none: the sources were changed meanwhile, the configuration depends on the time or on
        something unknown, or the run is to be computed or explained anew in any case.
    """
    if config.force or config.explain or sources.stamp() != stamp:
        return None
    content, used = _texts(sources, stamp)
    used |= _resolvers(" ".join(choices))
    if any(name not in PURE for name, _ in used):
        return None
    names = {argument for name, argument in used if name == "oc.env"}
    if any(not re.fullmatch(r"\w+", name) for name in names):
        return None
    environment = {name: os.environ.get(name) for name in sorted(names)}
    versions = {**library_versions(target_names(config)), **{name: version_of(name) for name in COMPOSERS}}
    bars = [config.data, build(config.data, "data").fingerprint()]
    return digest([content, environment, _package(), code_hash(target_modules(config)), versions, bars])


def holds(ground: str, run: Path, choices: Sequence[str], sources: Sources) -> bool:
    """Whether a job stands on the same ground today.

    Parameters
    ----------
    ground
        What was noted when it was run.
    run
        Folder of its run, whose configuration tells which data, modules and libraries it needs.
    choices
        Its overrides.
    sources
        Where it would be composed from.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node: Mapping[str, Any] = yaml.load((run / paths.CONFIG).read_text(), Loader=loader)
        config = parse(node)
        check_group(config, "data")
        return ground_of(config, choices, sources, sources.stamp()) == ground
    except (ForecastleError, OSError, yaml.YAMLError, TypeError, AttributeError):
        return False
