"""The ranking of checkpoints: direction, ties, NaN, verification, and whose files are removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from forecastle.errors import ConfigError, ModelError
from forecastle.models.neural import checkpoint
from forecastle.models.neural.checkpoint import LastCheckpoint, TopCheckpoints, keep_weights
from forecastle.models.neural.files import read_tensors
from forecastle.models.neural.stopping import EarlyStopping
from forecastle.models.ranking import RANKING, Ranking

NAN = float("nan")


def weights(value: float = 0.0) -> dict[str, torch.Tensor]:
    return {"layer.weight": torch.full((2, 3), value)}


def writer(value: float = 0.0) -> Callable[[Path], None]:
    return partial(keep_weights, weights(value))


def offered(folder: Path, scores: list[float], mode: str = "min", keep: int = 3) -> list[int]:
    """Epochs that are kept, best first, after each score was offered in turn."""
    ranking = Ranking(folder, keep, mode)
    for epoch, score in enumerate(scores):
        ranking.offer(score, epoch, writer(epoch))
    kept = [epoch for _, epoch, _ in ranking.entries()]
    assert sorted(path.name for path in folder.glob("epoch_*")) == sorted(f"epoch_{epoch:04d}.pt" for epoch in kept)
    for epoch in kept:
        assert float(read_tensors(folder / f"epoch_{epoch:04d}.pt")["layer.weight"][0, 0]) == epoch
    return kept


@pytest.mark.parametrize(
    ("scores", "mode", "kept"),
    [
        ([3.0, 1.0, 2.0, 4.0], "min", [1, 2, 0]),
        ([3.0, 1.0, 2.0, 4.0], "max", [3, 0, 2]),
        ([5.0, 4.0, 3.0, 2.0, 1.0], "min", [4, 3, 2]),
        ([1.0, 1.0, 1.0, 1.0], "min", [0, 1, 2]),
        ([1.0, 1.0, 1.0, 1.0], "max", [0, 1, 2]),
        ([NAN, 2.0, NAN, 1.0], "min", [3, 1]),
        ([NAN, 2.0, NAN, 1.0], "max", [1, 3]),
        ([NAN, NAN], "min", []),
        ([float("inf"), 1.0], "min", [1, 0]),
    ],
)
def test_the_best_three_are_kept_in_order(tmp_path, scores, mode, kept) -> None:
    assert offered(tmp_path, scores, mode) == kept


def test_the_ranking_goes_on_in_another_process(tmp_path) -> None:
    offered(tmp_path, [3.0, 1.0, 2.0])
    assert Ranking(tmp_path, 3, "min").offer(1.5, 7, writer(7.0))
    assert [epoch for _, epoch, _ in Ranking(tmp_path, 3, "min").entries()] == [1, 7, 2]


def test_an_epoch_that_comes_again_takes_its_old_place(tmp_path) -> None:
    offered(tmp_path, [3.0, 1.0, 2.0])
    Ranking(tmp_path, 3, "min").offer(1.0, 1, writer(1.0))
    assert [epoch for _, epoch, _ in Ranking(tmp_path, 3, "min").entries()] == [1, 2, 0]


def test_only_files_of_the_ranking_are_ever_removed(tmp_path) -> None:
    other = tmp_path / "epoch_9999.pt"
    other.write_bytes(b"somebody else's")
    ranking = Ranking(tmp_path, 1, "min")
    for epoch in range(4):
        ranking.offer(-float(epoch), epoch, writer())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch_0003.pt", "epoch_9999.pt", RANKING]
    assert other.read_bytes() == b"somebody else's"


def test_a_ranking_cannot_point_out_of_its_folder(tmp_path) -> None:
    outside = tmp_path / "outside.pt"
    outside.write_bytes(b"precious")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / RANKING).write_text(json.dumps([[9.0, 0, "../outside.pt"]]))
    Ranking(inside, 1, "min").offer(1.0, 1, writer())
    assert outside.exists()


def test_a_file_that_does_not_hold_what_was_written_removes_nothing(tmp_path, monkeypatch) -> None:
    offered(tmp_path, [3.0, 2.0, 1.0])
    before = sorted(path.name for path in tmp_path.iterdir())
    monkeypatch.setattr(checkpoint, "read_tensors", lambda path: weights(7.0))
    with pytest.raises(ModelError, match="does not hold what was written"):
        Ranking(tmp_path, 3, "min").offer(0.5, 3, writer(3.0))
    monkeypatch.undo()
    assert [epoch for _, epoch, _ in Ranking(tmp_path, 3, "min").entries()] == [2, 1, 0]
    assert set(before) <= {path.name for path in tmp_path.iterdir()}


def test_a_damaged_ranking_is_told_in_one_line(tmp_path) -> None:
    (tmp_path / RANKING).write_text("[[1.0,")
    with pytest.raises(ModelError, match=r"ranking\.json is no ranking of checkpoints"):
        Ranking(tmp_path, 3, "min").entries()


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="keep must be at least 1, got 0"):
        TopCheckpoints(keep=0)
    with pytest.raises(ConfigError, match="seconds must be at least 0, got -1"):
        LastCheckpoint(seconds=-1)
    with pytest.raises(ConfigError, match=r"monitor must be one of .* got 'validation/crsp'; did you mean"):
        TopCheckpoints("validation/crsp")


def test_a_monitor_of_ones_own_that_nobody_logs_is_told(new, parts) -> None:
    made = new(callbacks={"mine": TopCheckpoints("validation/mine", mode="max")})
    with pytest.raises(ModelError, match=r"monitor 'validation/mine' was not logged \(there are: validation/crps, "):
        made.fit(*parts[:2])
    made = new(callbacks={"mine": EarlyStopping("validation/mine", mode="max")})
    with pytest.raises(
        ModelError, match=r"^training failed: Early stopping [^\n]*`validation/mine` which is not avail[^\n]*$"
    ):
        made.fit(*parts[:2])
