"""Composing the jobs of a sweep: those that choose the same files share one composition."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

BASES = 64
"""Compositions that are remembered, 30 kB each."""


class ValueLoader:
    """Hydra's configuration loader; jobs that choose the same files share one composition.

    The files that a job chooses are composed by Hydra, once; its values are then set on a copy, as Hydra sets them.
    A test holds the result equal to Hydra's own.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._bases: OrderedDict[tuple[str, ...], bytes] = OrderedDict()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._loader, name)

    def __getstate__(self) -> dict[str, Any]:
        """What a worker process is sent: not what was composed here."""
        return {"_loader": self._loader, "_bases": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """Compose the configuration of one job."""
        words = list(sweep_overrides)
        values = [word for word in words if self._is_value(word)]
        choices = tuple(word for word in words if word not in values)
        if any(word.lstrip("+~").startswith("hydra") for word in words):
            return self._hydra(master_config, words)
        job = self._copy(master_config, choices)
        ConfigLoaderImpl._apply_overrides_to_config([_parse(word) for word in values], job)
        job.hydra.overrides.task = words
        details = job.hydra.job.config.override_dirname
        job.hydra.job.override_dirname = get_overrides_dirname(
            overrides=[_parse(word) for word in words],
            kv_sep=details.kv_sep,
            item_sep=details.item_sep,
            exclude_keys=details.exclude_keys,
        )
        OmegaConf.copy_cache(from_config=master_config, to_config=job)
        return job

    def _copy(self, master_config: DictConfig, choices: tuple[str, ...]) -> DictConfig:
        """A copy of what Hydra composes of these files; unpickling makes one in a seventh of a deep copy's time."""
        if choices not in self._bases:
            self._bases[choices] = pickle.dumps(self._hydra(master_config, list(choices)))
            if len(self._bases) > BASES:
                self._bases.popitem(last=False)
        job: DictConfig = pickle.loads(self._bases[choices])
        return job

    def _hydra(self, master_config: DictConfig, words: list[str]) -> DictConfig:
        composed: DictConfig = self._loader.load_sweep_config(master_config, words)
        return composed

    def _is_value(self, word: str) -> bool:
        """Whether an override sets a value and chooses no file."""
        parsed = _parse(word)
        plain = not parsed.is_delete() and not parsed.is_add() and not parsed.is_force_add() and parsed.package is None
        return plain and not self._loader.repository.group_exists(parsed.key_or_group)


@lru_cache(maxsize=4096)
def _parse(word: str) -> Override:
    return OverridesParser.create().parse_override(word)
