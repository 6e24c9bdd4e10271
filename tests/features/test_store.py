"""A frame in a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_bars

from forecastle.data.bars import Panel
from forecastle.errors import FeatureError
from forecastle.features.engine import compute
from forecastle.features.frame import FeatureFrame
from forecastle.features.returns import LogReturn
from forecastle.features.store import read_frame, write_frame
from forecastle.features.volume import OnBalanceVolume


@pytest.fixture
def frame() -> FeatureFrame:
    panel = Panel((make_bars(60, symbol="A"), make_bars(50, symbol="B", volume=False)))
    return compute(panel, {"log_return": LogReturn([1, 5]), "obv": OnBalanceVolume(20)})


def test_a_frame_comes_back_as_it_was(frame: FeatureFrame, tmp_path: Path) -> None:
    write_frame(frame, tmp_path / "new" / "folder")
    found = read_frame(tmp_path / "new" / "folder")
    assert found.values.dtype == np.float32
    assert found.values.tobytes() == frame.values.tobytes()
    assert (found.columns, found.warmup, found.left_out) == (frame.columns, frame.warmup, frame.left_out)
    np.testing.assert_array_equal(found.lengths, frame.lengths)
    assert found.lengths.dtype == frame.lengths.dtype


def test_equal_frames_give_equal_bytes(frame: FeatureFrame, tmp_path: Path) -> None:
    write_frame(frame, tmp_path / "one")
    write_frame(read_frame(tmp_path / "one"), tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_values_are_mapped_and_cannot_be_written(frame: FeatureFrame, tmp_path: Path) -> None:
    write_frame(frame, tmp_path)
    values = read_frame(tmp_path).values
    assert isinstance(values, np.memmap)
    assert not values.flags.writeable


def test_a_missing_or_damaged_folder_is_told(frame: FeatureFrame, tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"readable features wanted in .*nowhere, got FileNotFoundError"):
        read_frame(tmp_path / "nowhere")
    write_frame(frame, tmp_path)
    (tmp_path / "frame.json").write_text("{")
    with pytest.raises(FeatureError, match="readable features wanted"):
        read_frame(tmp_path)


def test_a_matrix_of_another_frame_is_noticed(frame: FeatureFrame, tmp_path: Path) -> None:
    write_frame(replace(frame, columns=("one", "two", "three")), tmp_path)
    with pytest.raises(FeatureError, match=r"features of shape \(110, 3\) wanted in .*values.npy, got \(110, 2\)"):
        read_frame(tmp_path)
