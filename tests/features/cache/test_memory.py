"""The layer in memory and its bounds."""

from __future__ import annotations

import pytest
from tests.features.cache.conftest import Counted, make_frame

from forecastle.errors import ConfigError
from forecastle.features.cache.memory import MemoryCache

SIZE = make_frame().values.nbytes
"""600 bytes."""


def put(cache: MemoryCache, *keys: str) -> None:
    for key in keys:
        cache.put(key, (make_frame(), 1.0))


def kept(cache: MemoryCache, keys: str) -> str:
    return "".join(key for key in keys if cache.get(key))


def test_a_frame_is_computed_once_and_the_same_object_is_given(counted: Counted) -> None:
    cache = MemoryCache()
    assert cache.frame("a", counted) is cache.frame("a", counted)
    assert counted.times == 1
    cache.frame("b", counted)
    assert counted.times == 2


def test_the_one_that_was_not_used_for_longest_goes_first() -> None:
    cache = MemoryCache(entries=3)
    put(cache, *"abc")
    assert cache.get("a")
    put(cache, "d")
    assert kept(cache, "abcd") == "acd"


def test_bytes_are_bounded() -> None:
    cache = MemoryCache(megabytes=3.5 * SIZE / 1e6)
    put(cache, *"abcd")
    assert kept(cache, "abcd") == "bcd"
    put(cache, "d", "d", "d")
    assert kept(cache, "abcd") == "bcd", "what is put again counts once"


def test_a_frame_that_is_larger_than_the_bound_is_not_kept_and_drives_out_no_other() -> None:
    cache = MemoryCache(megabytes=1.5 * SIZE / 1e6)
    put(cache, "a")
    cache.put("b", (make_frame(rows=100), 1.0))
    assert kept(cache, "ab") == "a"


def test_a_frame_goes_when_its_time_is_over_however_often_it_was_used() -> None:
    now = [0.0]
    cache = MemoryCache(seconds=10, clock=lambda: now[0])
    put(cache, "a")
    now[0] = 9
    put(cache, "b")
    assert kept(cache, "ab") == "ab"
    now[0] = 11
    assert kept(cache, "ab") == "b"
    now[0] = 30
    put(cache, "c")
    assert len(cache) == 1


def test_a_cache_of_no_entries_keeps_nothing(counted: Counted) -> None:
    cache = MemoryCache(entries=0)
    cache.frame("a", counted)
    cache.frame("a", counted)
    assert (counted.times, len(cache)) == (2, 0)


@pytest.mark.parametrize("bound", ["megabytes", "seconds", "entries"])
def test_a_bound_below_zero_is_refused(bound: str) -> None:
    with pytest.raises(ConfigError, match=f"memory cache: {bound} must be at least 0, got -1"):
        MemoryCache(**{bound: -1})  # type: ignore[arg-type]
