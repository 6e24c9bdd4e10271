"""Architecture: which network stands behind a forecaster, how it is made, and how a file names it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import torch

from forecastle.errors import ConfigError, ModelError
from forecastle.models.neural.network import MarginalNetwork, Network, PathNetwork


class Architecture:
    """A factory of networks, which can be named in a file.

    Parameters
    ----------
    factory
        A class of networks, or a partial of one with its settings; called with ``features, context_length, horizon,
        symbols``.
    """

    def __init__(self, factory: Any) -> None:
        self.factory = factory

    @property
    def name(self) -> str:
        """Class name of the network, for messages."""
        return str(getattr(getattr(self.factory, "func", self.factory), "__name__", self.factory))

    def build(self, shape: Mapping[str, int], seed: int) -> MarginalNetwork | PathNetwork:
        """A network for data of a shape (``features`` …), with its first weights, which the seed gives.

        Raises
        ------
        ConfigError
            If the settings do not fit, or what is built is no network.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                network = self.factory(**shape)
            except TypeError as error:
                raise ConfigError(f"network {self.name} cannot be built: {error}") from error
        if not isinstance(network, (MarginalNetwork, PathNetwork)):
            raise ConfigError(f"network must be a MarginalNetwork or a PathNetwork, got {type(network).__name__}")
        return network

    def to_json(self) -> dict[str, Any]:
        """Class and settings of the network, plain."""
        kind = getattr(self.factory, "func", self.factory)
        settings = dict(getattr(self.factory, "keywords", {}))
        return {"class": f"{kind.__module__}.{kind.__qualname__}", "settings": settings}

    @classmethod
    def from_json(cls, node: Mapping[str, Any]) -> Self:
        """What `to_json` gave; the class is one of this package, or of a module that is loaded already.

        Raises
        ------
        ModelError
            If there is no such class of networks.
        """
        return cls(partial(_network_class(node["class"]), **node["settings"]))


def _network_class(name: str) -> type[Network]:
    """The network class of a dotted name; nothing else is imported because a file names it."""
    module, _, kind = name.rpartition(".")
    if module.startswith("forecastle.models.neural."):
        importlib.import_module(module)
    found = getattr(sys.modules.get(module), kind, None)
    if not (isinstance(found, type) and issubclass(found, Network)):
        raise ModelError(f"{name!r} is no network that is known here; is its module among the configuration's?")
    return found
