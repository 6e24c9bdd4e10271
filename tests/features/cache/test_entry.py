"""One file of the cache."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from tests.features.cache.conftest import make_frame, same

from forecastle.errors import FeatureError
from forecastle.features.cache import entry
from forecastle.features.cache.entry import open_entry, remove_closed, write_entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "entry.npy"


def test_what_was_written_is_read_to_the_last_bit_and_cannot_be_written_to(path: Path) -> None:
    frame = make_frame()
    write_entry(path, frame, 1.25)
    found, seconds = open_entry(path, whole=True)
    assert same(found, frame)
    assert seconds == 1.25
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 1


def test_an_entry_is_an_npy_file_for_anything_that_reads_one(path: Path) -> None:
    frame = make_frame()
    write_entry(path, frame, 1)
    np.testing.assert_array_equal(np.load(path), frame.values)


def test_equal_frames_give_equal_bytes_whatever_their_layout_in_memory(path: Path, tmp_path: Path) -> None:
    frame = make_frame()
    write_entry(path, frame, 1)
    turned = make_frame()
    object.__setattr__(turned, "values", np.asfortranarray(turned.values))
    write_entry(tmp_path / "other", turned, 1)
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("place", [0, 8, 60, 127, -1, -9, -17, -24, -60, -200])
def test_one_changed_byte_of_header_or_trailer_is_noticed(path: Path, place: int) -> None:
    write_entry(path, make_frame(), 1)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(FeatureError):
        open_entry(path)


@pytest.mark.parametrize("length", [0, 10, 24, 128, 300, -1, -30])
def test_a_file_that_was_cut_is_noticed(path: Path, length: int) -> None:
    write_entry(path, make_frame(), 1)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FeatureError):
        open_entry(path)


def test_a_file_that_grew_is_noticed(path: Path) -> None:
    write_entry(path, make_frame(), 1)
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\0" * 4 + content[200:])
    with pytest.raises(FeatureError, match=r"values of shape \(50, 3\) wanted, got 604 bytes"):
        open_entry(path)


def test_a_changed_value_is_noticed_in_a_small_entry_always_and_in_a_large_one_where_it_is_asked_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_entry(path, make_frame(), 1)
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(FeatureError, match="the values are not what was written"):
        open_entry(path)
    monkeypatch.setattr(entry, "SMALL", 100)
    open_entry(path)
    with pytest.raises(FeatureError, match="the values are not what was written"):
        open_entry(path, whole=True)


def test_a_large_entry_is_put_safely_on_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    write_entry(path, make_frame(), 1)
    assert not synced
    monkeypatch.setattr(entry, "SMALL", 100)
    write_entry(path, make_frame(), 1)
    assert synced


def test_an_entry_is_open_as_long_as_its_values_live_and_no_longer(path: Path) -> None:
    write_entry(path, make_frame(), 1)
    frame, _ = open_entry(path)
    window = frame.values[10:20, 1]
    expected = window.copy()
    del frame
    assert not remove_closed(path)
    np.testing.assert_array_equal(window, expected)
    del window
    gc.collect()
    assert remove_closed(path)
    assert not path.exists()
    assert not remove_closed(path)
