"""The cache on disk: hits, damage, bounds, and processes beside each other."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.features.cache.conftest import Counted, make_frame, same

from forecastle.errors import ConfigError
from forecastle.features.cache import entry
from forecastle.features.cache.disk import DiskCache, default_folder

Fresh = Callable[..., DiskCache]

COMPUTE_SLOWLY = """\
import sys, time
from pathlib import Path
import numpy as np
from forecastle.features.cache.disk import DiskCache
from forecastle.features.frame import FeatureFrame

def compute():
    with Path("computed").open("a") as stream:
        stream.write("x")
    Path("begun").touch()
    time.sleep(float(sys.argv[1]))
    return FeatureFrame(np.full((5, 2), 7, np.float32), ("a", "b"), np.array([5]), 1, {})

frame = DiskCache("cache").frame("key", compute)
print(frame.values.sum(), flush=True)
if sys.argv[2:] == ["hold"]:
    sys.stdin.readline()
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMPUTE_SLOWLY, *words]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    for _ in range(2000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} did not come")


def entries(cache: DiskCache) -> list[str]:
    return sorted(path.stem for path in cache.folder.glob("*.npy"))


def test_a_frame_is_computed_once_for_all_processes_and_read_to_the_last_bit(fresh: Fresh, counted: Counted) -> None:
    assert same(fresh().frame("key", counted), counted.frame)
    assert same(fresh().frame("key", counted), counted.frame)
    assert counted.times == 1
    fresh().frame("other", counted)
    assert counted.times == 2


def test_the_layer_above_spares_the_disk(fresh: Fresh, counted: Counted) -> None:
    cache = fresh()
    first = cache.frame("key", counted)
    assert cache.frame("key", counted) is first
    tally = cache.status().tally
    assert (tally.memory_hits, tally.disk_hits, tally.misses) == (1, 0, 1)


def test_hits_misses_rate_bytes_and_seconds_are_counted_for_all_processes(fresh: Fresh, counted: Counted) -> None:
    assert fresh().status().tally.rate is None

    def slow() -> object:
        time.sleep(0.05)
        return counted()

    fresh().frame("key", slow)  # type: ignore[arg-type]
    for _ in range(3):
        fresh().frame("key", counted)
    status = fresh().status()
    assert (status.tally.hits, status.tally.misses, status.tally.rate) == (3, 1, 0.75)
    assert status.tally.computing > 0.05
    assert 0.05 < status.tally.saved < 3 * status.tally.computing
    assert status.entries == 1
    assert status.size == (fresh().folder / "key.npy").stat().st_size


def test_a_damaged_entry_is_noticed_thrown_away_and_computed_again(
    fresh: Fresh, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    fresh().frame("key", counted)
    path = fresh().folder / "key.npy"
    good = path.read_bytes()
    for damaged in (good[:-5], b"", b"\0" * len(good), good[:250] + b"\1" + good[251:]):
        path.write_bytes(damaged)
        assert same(fresh().frame("key", counted), counted.frame)
        same_values = np.load(path)
        np.testing.assert_array_equal(same_values, counted.frame.values)
    assert counted.times == 5
    assert fresh().status().tally.damaged == 4
    assert sum("is damaged and thrown away" in line for line in caplog.messages) == 4


def test_a_changed_value_of_a_large_entry_is_found_by_verify_and_by_verify_always(
    fresh: Fresh, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "SMALL", 10)
    fresh().frame("key", counted)
    fresh().frame("fine", counted)
    path = fresh().folder / "key.npy"
    content = bytearray(path.read_bytes())
    content[250] ^= 1
    path.write_bytes(content)
    assert not same(fresh().frame("key", counted), counted.frame)
    assert same(fresh(verify="always").frame("key", counted), counted.frame)
    assert fresh().verify() == []
    path.write_bytes(content)
    assert fresh().verify() == ["key.npy: the values are not what was written"]
    assert entries(fresh()) == ["fine"]


def test_what_computing_raises_is_raised_and_leaves_nothing(fresh: Fresh) -> None:
    def fail() -> None:
        raise OSError("the indicator's own")

    with pytest.raises(OSError, match="the indicator's own"):
        fresh().frame("key", fail)  # type: ignore[arg-type]
    assert entries(fresh()) == []
    assert not list(fresh().folder.glob("*.lock"))


def test_processes_that_want_the_same_wait_for_the_one_that_computes(tmp_path: Path) -> None:
    first = start(tmp_path, "0.5")
    wait_for(tmp_path / "begun")
    others = [start(tmp_path, "0.5") for _ in range(2)]
    outputs = [running.communicate(timeout=60)[0].strip() for running in (first, *others)]
    assert outputs == ["70.0"] * 3
    assert (tmp_path / "computed").read_text() == "x"
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".gitignore", "key.npy", "tally"]


def test_one_that_waits_computes_where_the_one_that_computed_was_killed(tmp_path: Path) -> None:
    first = start(tmp_path, "60")
    wait_for(tmp_path / "begun")
    second = start(tmp_path, "0")
    time.sleep(0.3)
    assert second.poll() is None
    first.kill()
    first.communicate()
    assert second.communicate(timeout=60)[0].strip() == "70.0"
    assert (tmp_path / "computed").read_text() == "xx"


def test_threads_of_one_process_wait_for_each_other_too(fresh: Fresh, counted: Counted) -> None:
    caches = [fresh() for _ in range(4)]

    def slow() -> object:
        time.sleep(0.1)
        return counted()

    threads = [threading.Thread(target=cache.frame, args=("key", slow)) for cache in caches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted.times == 1


def test_what_a_live_process_has_open_is_not_cleared_away(tmp_path: Path, fresh: Fresh, counted: Counted) -> None:
    running = start(tmp_path, "0", "hold")
    assert running.stdout
    assert running.stdout.readline().strip() == "70.0"
    cache = fresh(gigabytes=0)
    cache.frame("other", counted)
    assert cache.clear() == (0, 2), "one is open there, one here"
    running.communicate("\n", timeout=60)
    assert cache.clear() == (1, 1)
    del cache
    gc.collect()
    assert fresh().clear() == (1, 0)


def test_the_longest_unused_go_first_when_there_is_too_much(fresh: Fresh, counted: Counted) -> None:
    for number, key in enumerate("abc"):
        fresh().frame(key, counted)
        moment = time.time() - 1000 + number
        os.utime(fresh().folder / f"{key}.npy", (moment, moment))
    fresh().frame("a", counted)
    size = fresh().status().size / 3
    fresh(gigabytes=3.5 * size / 1e9).frame("d", counted)
    assert entries(fresh()) == ["a", "c", "d"]
    assert fresh().status().tally.evicted == 1


def test_what_was_not_used_for_days_goes(fresh: Fresh, counted: Counted) -> None:
    for key, days in (("old", 31), ("young", 29)):
        fresh().frame(key, counted)
        moment = time.time() - days * 86_400
        os.utime(fresh().folder / f"{key}.npy", (moment, moment))
    fresh().frame("new", counted)
    assert entries(fresh()) == ["new", "young"]


def test_what_killed_processes_left_is_swept_out_after_an_hour(fresh: Fresh, counted: Counted) -> None:
    fresh().frame("key", counted)
    folder = fresh().folder
    for name, age in ((".a.1-1.tmp", 4000), (".b.2-2.tmp", 1000), ("c.lock", 4000), ("d.lock", 1000)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age, time.time() - age))
    fresh().frame("other", counted)
    assert {path.name for path in folder.iterdir() if path.suffix in (".tmp", ".lock")} == {".b.2-2.tmp", "d.lock"}


def test_a_folder_that_cannot_be_made_costs_time_and_no_result(
    tmp_path: Path, counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cache = DiskCache(str(tmp_path / "file" / "cache"))
    for key in "ab":
        assert same(cache.frame(key, counted), counted.frame)
    assert counted.times == 2
    assert [line for line in caplog.messages if "features are not kept in" in line] == caplog.messages[:1]


def test_a_full_disk_costs_time_and_no_result(
    fresh: Fresh, counted: Counted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("forecastle.features.cache.disk.write_entry", full)
    assert same(fresh().frame("key", counted), counted.frame)
    assert [path.name for path in fresh().folder.iterdir() if "key" in path.name] == []
    assert "No space left on device" in caplog.text


def test_the_folder_is_that_of_the_environment_or_lies_below_the_current_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FORECASTLE_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert DiskCache().folder == tmp_path / ".cache" / "forecastle" / "features"
    monkeypatch.setenv("FORECASTLE_CACHE", str(tmp_path / "there"))
    assert default_folder() == DiskCache().folder == tmp_path / "there"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"days": -1}, "cache: days must be at least 0, got -1"),
        ({"gigabytes": -0.5}, "cache: gigabytes must be at least 0, got -0.5"),
        ({"verify": "allways"}, "cache: verify must be open or always, got 'allways'; did you mean 'always'"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DiskCache(**options)  # type: ignore[arg-type]


def test_a_waiting_process_is_told_so(fresh: Fresh, counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "forecastle.features.cache.disk")
    inside = threading.Event()

    def slow() -> object:
        inside.set()
        time.sleep(0.2)
        return counted()

    thread = threading.Thread(target=fresh().frame, args=("key", slow))
    thread.start()
    inside.wait(10)
    fresh().frame("key", counted)
    thread.join()
    assert "waiting for another process, which computes the same features" in caplog.text


def test_frames_of_one_shape_and_other_values_are_told_apart(fresh: Fresh) -> None:
    one, other = make_frame(seed=1), make_frame(seed=2)
    fresh().frame("one", lambda: one)
    fresh().frame("other", lambda: other)
    assert same(fresh().frame("other", lambda: one), other)
