"""`forecastle cache`: what the cache of features holds and was good for; clear it, check it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from forecastle import logs
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.errors import ConfigError, nearest
from forecastle.features.cache.disk import DiskCache

USAGE = """\
usage: forecastle cache VERB [KEY=VALUE ...]

  status     number and size of the entries; hits, misses and seconds saved, of all processes since the last clear
  clear      remove all entries but those that a run has open, and count from 0
  verify     read every entry whole and throw away those that are damaged (exit code 1 where there are any)

The cache is that of the configuration: cache.folder=…, or FORECASTLE_CACHE, or .cache/forecastle/features.
"""


def cache(words: Sequence[str]) -> int:
    """Do one thing with the cache and return the exit code: 1 where `verify` found damage, else 0."""
    verbs = {"status": _status, "clear": _clear, "verify": _verify}
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if words else 2
    if words[0] not in verbs:
        raise ConfigError(f"no verb {words[0]!r}{nearest(words[0], verbs)} (there are: {', '.join(verbs)})")
    if wrong := [word for word in words[1:] if "=" not in word]:
        raise ConfigError(f"KEY=VALUE wanted after {words[0]}, got {wrong[0]!r}")
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    kept = build(compose(words[1:]).cache, "cache")
    if not isinstance(kept, DiskCache):
        raise ConfigError("a cache on disk wanted, got one that keeps nothing there; cache=disk does")
    return verbs[words[0]](kept)


def _status(kept: DiskCache) -> int:
    found = kept.status()
    tally = found.tally
    rate = "" if tally.rate is None else f", hit rate {tally.rate:.1%}"
    print(f"folder       {kept.folder}")
    print(f"entries      {found.entries}, {_size(found.size)} of at most {kept.gigabytes:g} GB")
    print(f"hits         {tally.hits} ({tally.memory_hits:.0f} in memory, {tally.disk_hits:.0f} on disk){rate}")
    print(f"misses       {tally.misses:.0f}, computed in {tally.computing:.3f} s")
    print(f"saved        {tally.saved:.3f} s")
    print(f"thrown away  {tally.damaged:.0f} damaged, {tally.evicted:.0f} too old or too much")
    return 0


def _clear(kept: DiskCache) -> int:
    removed, still = kept.clear()
    print(f"{removed} entries removed" + (f", {still} stay: a run has them open" if still else ""))
    return 0


def _verify(kept: DiskCache) -> int:
    before = kept.status().entries
    damaged = kept.verify()
    print("\n".join([*(f"thrown away: {line}" for line in damaged), f"{before} entries read, {len(damaged)} damaged"]))
    return 1 if damaged else 0


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
