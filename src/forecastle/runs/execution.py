"""How a run is executed: its seeds, its threads, and the seconds and memory of its steps."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np

T = TypeVar("T")


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and, where it is loaded, torch; our own code takes its seed from the configuration."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries that draw from the global state are meant
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Limit BLAS, OpenMP and torch to a number of threads: sums in another order are other numbers."""
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with _controller(len(sys.modules)).limit(limits=threads):
        if torch:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:  # noqa: ARG001  libraries are looked for again once more modules are loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class Steps:
    """Seconds and peak memory of each step of a run."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; its peak is the process's highest resident memory so far, in MB."""
        start = time.perf_counter()
        yield
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.done.append({"name": name, "seconds": round(time.perf_counter() - start, 4), "peak_mb": round(peak, 1)})


class Memory:
    """The latest results of pure functions, by the hash of what they were computed from.

    The runs of a sweep share bars, features and baselines. Keys are hashes of content, so an entry is never wrong; the
    oldest one goes when there are more than `entries`.
    """

    def __init__(self, entries: int = 32) -> None:
        self._entries = entries
        self._values: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """Return the value of the key; compute it where it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return cast("T", self._values[key])
        value = make()
        self._values[key] = value
        while len(self._values) > self._entries:
            self._values.popitem(last=False)
        return value
