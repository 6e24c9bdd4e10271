"""MemoryCache: the features that this process used last."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from forecastle.errors import ConfigError
from forecastle.features.frame import FeatureFrame

Entry = tuple[FeatureFrame, float]
"""A frame, and the seconds that it took to compute."""


class Cache(Protocol):
    """What keeps features."""

    def frame(self, key: str, compute: Callable[[], FeatureFrame]) -> FeatureFrame:
        """Return the frame of a key (`frame_key`); compute it where it is not there.

        Its values may be read-only.
        """
        ...


class MemoryCache:
    """The frames that were used last, within bounds; the one that was not used for longest goes first.

    Parameters
    ----------
    megabytes
        Largest size of all values together, in 10⁶ bytes; a larger frame is not kept. Values that are mapped from disk
        count too.
    seconds
        How long a frame stays, from when it was put here.
    entries
        Largest number of frames.
    clock
        Seconds that never go back; a test puts its own here.

    Raises
    ------
    ConfigError
        If a bound is below 0.
    """

    def __init__(
        self,
        megabytes: float = 512,
        seconds: float = 600,
        entries: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("megabytes", megabytes), ("seconds", seconds), ("entries", entries)):
            if value < 0:
                raise ConfigError(f"memory cache: {name} must be at least 0, got {value}")
        self.megabytes, self.seconds, self.entries = megabytes, seconds, entries
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Entry]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def frame(self, key: str, compute: Callable[[], FeatureFrame]) -> FeatureFrame:
        """Return the frame of a key; compute it where it is not here."""
        found = self.get(key)
        if found is None:
            start = time.perf_counter()
            found = compute(), time.perf_counter() - start
            self.put(key, found)
        return found[0]

    def get(self, key: str) -> Entry | None:
        """The entry of a key, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            born, entry = self._kept[key]
            if self._clock() - born > self.seconds:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, and let go what is too old or too much."""
        size = entry[0].values.nbytes
        now = self._clock()
        with self._lock:
            if key in self._kept:
                self._drop(key)
            for old in [each for each, (born, _) in self._kept.items() if now - born > self.seconds]:
                self._drop(old)
            if size > self.megabytes * 1e6 or not self.entries:
                return
            self._kept[key] = now, entry
            self._bytes += size
            while self._bytes > self.megabytes * 1e6 or len(self._kept) > self.entries:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        self._bytes -= self._kept.pop(key)[1][0].values.nbytes
