"""DiskCache: features on disk, for all processes and all times, below a layer in memory.

An entry is a whole frame: all symbols and all indicators of a configuration. So it is opened by one map into memory,
whatever its size, and its pages are shared by all processes that have it open; frames put together from a file for
each indicator would have to be copied, which takes 50 ms for 80 MB.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from forecastle.errors import ConfigError, FeatureError, nearest
from forecastle.features.cache.entry import open_entry, remove_closed, write_entry
from forecastle.features.cache.memory import Entry, MemoryCache
from forecastle.features.cache.tally import Tally, count, read_tally
from forecastle.features.frame import FeatureFrame

logger = logging.getLogger(__name__)

VERIFY = ("open", "always")

ABANDONED = 3600
"""Seconds after which a temporary file or a lock that nobody holds was left behind by a process that was killed."""


def default_folder() -> Path:
    """``FORECASTLE_CACHE``, or else ``.cache/forecastle/features`` below the current folder."""
    return Path(os.environ.get("FORECASTLE_CACHE") or ".cache/forecastle/features")


@dataclass(frozen=True)
class Status:
    """What lies on disk, and what the cache was asked since it was cleared.

    Parameters
    ----------
    entries
        Number of frames.
    size
        Bytes of all of them.
    tally
        Hits, misses and seconds, of all processes.
    """

    entries: int
    size: int
    tally: Tally


class DiskCache:
    """Frames in a folder, within bounds; what was not used for longest goes first.

    One process at a time computes a frame, the others that want it wait and then read it. Frames that anybody has open
    are never cleared away. A folder that cannot be written costs time and never a result: it is told once, and every
    frame is computed.

    Parameters
    ----------
    folder
        Where the entries lie; None: `default_folder`.
    memory
        The layer above; None: a `MemoryCache` with its defaults.
    days
        Entries that were not used for so many days are cleared away.
    gigabytes
        Bound of the size of all entries, in 10⁹ bytes.
    verify
        ``open``: header, trailer and length are checked whenever an entry is opened; ``always``: the values too.

    Raises
    ------
    ConfigError
        If a bound is below 0 or `verify` is neither word.
    """

    def __init__(
        self,
        folder: str | None = None,
        memory: MemoryCache | None = None,
        days: float = 30,
        gigabytes: float = 10,
        verify: str = "open",
    ) -> None:
        for name, value in (("days", days), ("gigabytes", gigabytes)):
            if value < 0:
                raise ConfigError(f"cache: {name} must be at least 0, got {value}")
        if verify not in VERIFY:
            raise ConfigError(f"cache: verify must be open or always, got {verify!r}{nearest(verify, VERIFY)}")
        self.folder = (default_folder() if folder is None else Path(folder)).absolute()
        self.memory = memory or MemoryCache()
        self.days, self.gigabytes = days, gigabytes
        self._whole = verify == "always"
        self._complained = False

    def frame(self, key: str, compute: Callable[[], FeatureFrame]) -> FeatureFrame:
        """Return the frame of a key: from memory, from disk, or computed."""
        found = self.memory.get(key)
        if found:
            self._count(Tally(memory_hits=1, saved=found[1]))
            return found[0]
        found = self._read(key)
        if not found:
            with self._alone(key):
                found = self._read(key) or self._make(key, compute)
        self.memory.put(key, found)
        return found[0]

    def status(self) -> Status:
        """What there is, and what it was good for."""
        sizes = [path.stat().st_size for path in self._entries()]
        return Status(len(sizes), sum(sizes), read_tally(self._tally))

    def clear(self) -> tuple[int, int]:
        """Remove every entry that is not open, and begin to count anew; numbers of those removed and those open."""
        entries = self._entries()
        removed = sum(remove_closed(path) for path in entries)
        self._sweep_out(0)
        self._tally.unlink(missing_ok=True)
        return removed, len(entries) - removed

    def verify(self) -> list[str]:
        """Read every entry whole and throw away those that are damaged; a line for each of these."""
        told = []
        for path in self._entries():
            try:
                open_entry(path, whole=True)
            except FeatureError as error:
                self._throw_away(path)
                told.append(f"{path.name}: {error}")
            except FileNotFoundError:
                continue
        return told

    @property
    def _tally(self) -> Path:
        return self.folder / "tally"

    def _place(self, key: str) -> Path:
        return self.folder / f"{key}.npy"

    def _entries(self) -> list[Path]:
        return sorted(self.folder.glob("*.npy"))

    def _read(self, key: str) -> Entry | None:
        """The entry on disk, or None where there is none that can be read."""
        path = self._place(key)
        try:
            start = time.perf_counter()
            found = open_entry(path, whole=self._whole)
            self._count(Tally(disk_hits=1, saved=found[1] - (time.perf_counter() - start)))
        except FileNotFoundError:
            return None
        except FeatureError as error:
            logger.warning("the cache entry %s is damaged and thrown away: %s", path, error)
            self._throw_away(path)
            return None
        except OSError as error:
            self._complain(error)
            return None
        with suppress(OSError):  # in a folder that can only be read, nothing is cleared away by age
            os.utime(path)
        return found

    def _make(self, key: str, compute: Callable[[], FeatureFrame]) -> Entry:
        """Compute, write, and open what was written: its pages belong to all processes."""
        start = time.perf_counter()
        frame = compute()
        seconds = time.perf_counter() - start
        self._count(Tally(misses=1, computing=seconds))
        temporary = self.folder / f".{key}.{os.getpid()}-{threading.get_ident()}.tmp"
        try:
            write_entry(temporary, frame, seconds)
            temporary.rename(self._place(key))
            found = open_entry(self._place(key))
            self._evict()
        except (OSError, FeatureError) as error:
            self._complain(error)
            return frame, seconds
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return found

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Be the only one that writes an entry; wait until another one has."""
        path = self.folder / f"{key}.lock"
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                (self.folder / ".gitignore").write_text("*\n")
            descriptor = _lock(path)
        except OSError as error:
            self._complain(error)
            yield
            return
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            os.close(descriptor)

    def _evict(self) -> None:
        """Clear away what is too old or too much, longest unused first, and what killed processes left."""
        self._sweep_out(ABANDONED)
        found = []
        for path in self._entries():
            with suppress(FileNotFoundError):
                found.append((path.stat().st_mtime, path.stat().st_size, path))
        oldest, total, gone = time.time() - self.days * 86_400, sum(size for _, size, _ in found), 0
        for used, size, path in sorted(found):
            if (used < oldest or total > self.gigabytes * 1e9) and remove_closed(path):
                total -= size
                gone += 1
        if gone:
            self._count(Tally(evicted=gone))

    def _sweep_out(self, seconds: float) -> None:
        for path in (*self.folder.glob(".*.tmp"), *self.folder.glob("*.lock")):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > seconds:
                    remove_closed(path)

    def _throw_away(self, path: Path) -> None:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            self._count(Tally(damaged=1))

    def _count(self, more: Tally) -> None:
        with suppress(OSError):
            count(self._tally, more)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            logger.warning("features are not kept in %s: %s", self.folder, error)
        self._complained = True


def _lock(path: Path) -> int:
    """Take the lock of a key, which goes with its file; it is free again when its holder ends, however it ends."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("waiting for another process, which computes the same features")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)  # the holder has removed the file meanwhile
