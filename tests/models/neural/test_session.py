"""Training: resumed, diverging, stopped early, and quiet."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from forecastle.errors import ConfigError, ModelError
from forecastle.models.baseline import RandomWalk
from forecastle.models.epochwise import callback as epochwise
from forecastle.models.epochwise.trainer import EpochTrainer
from forecastle.models.neural.checkpoint import LAST, TopCheckpoints
from forecastle.models.neural.forecaster import LightningForecaster
from forecastle.models.neural.lstm import LSTM
from forecastle.models.neural.recording import CURVES, FINAL
from forecastle.models.neural.stopping import EarlyStopping
from forecastle.models.neural.trainer import Trainer
from forecastle.models.ranking import RANKING, Ranking


class StoppedError(Exception):
    """Somebody pulled the plug."""


class Plug(pl.Callback):
    """Stops everything in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if trainer.current_epoch == self.epoch and index == 1:
            raise StoppedError


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def stop_in_epoch(new: Any, parts: Any, folder: Path, epoch: int, network: str, **settings: Any) -> None:
    stopped = new(network, callbacks={"plug": Plug(epoch)}, **settings)
    stopped.checkpoints = folder
    with pytest.raises(StoppedError):
        stopped.fit(*parts[:2])


def test_a_training_that_was_stopped_ends_with_the_numbers_of_one_that_was_not(new, parts, network, tmp_path) -> None:
    whole = new(network, epochs=5).fit(*parts[:2])
    stop_in_epoch(new, parts, tmp_path, epoch=2, network=network, epochs=5)
    assert LAST in files(tmp_path)
    resumed = new(network, epochs=5)
    resumed.checkpoints = tmp_path
    resumed.fit(*parts[:2])
    assert resumed.curves == whole.curves
    assert len(resumed.curves["train/loss"]) == 5
    context = parts[2].context
    np.testing.assert_array_equal(resumed.predict(context).values, whole.predict(context).values)


def test_a_training_that_was_stopped_twice_and_early_ends_with_the_same_numbers(new, parts, tmp_path) -> None:
    whole = new(epochs=5).fit(*parts[:2])
    for epoch in (0, 1, 4):
        stop_in_epoch(new, parts, tmp_path, epoch=epoch, network="lstm", epochs=5)
    resumed = new(epochs=5)
    resumed.checkpoints = tmp_path
    assert resumed.fit(*parts[:2]).curves == whole.curves


def test_a_finished_training_is_not_done_again(new, parts, tmp_path, monkeypatch) -> None:
    first = new()
    first.checkpoints = tmp_path
    first.fit(*parts[:2])
    monkeypatch.setattr(pl.Trainer, "fit", None)
    second = new()
    second.checkpoints = tmp_path
    assert second.fit(*parts[:2]).curves == first.curves


def test_nothing_is_left_where_no_folder_is_given_and_nothing_is_printed(
    new, parts, tmp_path, monkeypatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    new().fit(*parts[:2])
    assert list(tmp_path.iterdir()) == []
    printed = capfd.readouterr()
    assert printed.out == printed.err == ""


def test_the_folder_of_a_training_holds_the_best_three_epochs_and_the_last_state(new, parts, tmp_path) -> None:
    made = new(epochs=5)
    made.checkpoints = tmp_path
    made.fit(*parts[:2])
    scores = made.curves["validation/crps"]
    best = sorted(range(1, 6), key=lambda epoch: scores[epoch - 1])[:3]
    assert files(tmp_path) == {RANKING, LAST, CURVES, FINAL, *(f"epoch_{epoch:04d}.pt" for epoch in best)}
    kept = torch.load(tmp_path / f"epoch_{best[0]:04d}.pt", weights_only=True)
    made.save(Path(tmp_path))
    used = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert all(torch.equal(kept[name], used[name]) for name in kept)


class Poison(pl.Callback):
    """Makes every weight NaN after a number of epochs."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        if trainer.current_epoch == self.epoch:
            with torch.no_grad():
                for weights in module.parameters():
                    weights.fill_(float("nan"))


def test_a_training_that_diverges_stops_at_once_and_its_best_epoch_is_kept(new, parts, tmp_path) -> None:
    made = new(epochs=5, callbacks={"poison": Poison(2)})
    made.checkpoints = tmp_path
    with pytest.raises(ModelError, match=r"diverged in epoch 3: train/loss is nan .*best checkpoint so far is kept"):
        made.fit(*parts[:2])
    assert {"epoch_0000.pt", "epoch_0001.pt", "epoch_0002.pt", RANKING, LAST} <= files(tmp_path)


def test_early_stopping_saves_epochs_and_says_so(new, parts, caplog) -> None:
    caplog.set_level(logging.INFO, "forecastle")
    made = new(epochs=40, callbacks={"stop": EarlyStopping(patience=2, min_delta=10.0)}).fit(*parts[:2])
    assert len(made.curves["train/loss"]) == 2
    assert "stopped early after 2 of 40 epochs, 38 saved" in caplog.text


@pytest.mark.parametrize("monitor", ["validation/crps", "validation/loss"])
def test_training_never_makes_a_network_worse_than_it_began(new, make, monitor, tmp_path, caplog) -> None:
    train, contrary = make(300, signal=1.5), make(200, signal=-1.5, seed=1)
    stop = EarlyStopping(monitor, patience=3, min_delta=0.0)
    made = new(partial(LSTM, width=8, law="gaussian"), 20, callbacks={"stop": stop, "top": TopCheckpoints(monitor)})
    made.checkpoints = tmp_path
    made.fit(train, contrary)
    assert len(made.curves["train/loss"]) == 3
    assert min(made.curves["validation/crps"]) > 0.57
    walk = RandomWalk().predict(contrary.context)
    np.testing.assert_allclose(made.predict(contrary.context).values, walk.values, rtol=2e-6, atol=1e-9)
    assert [epoch for _, epoch, _ in Ranking(tmp_path, 3, "min").entries()] == [0, 1, 2]
    assert "no epoch was better on the validation part than the untrained network, which is used" in caplog.text


def test_the_untrained_network_is_watched_once_and_changes_no_number_of_training(new, parts, tmp_path) -> None:
    class Watch(pl.Callback):
        def on_sanity_check_end(self, trainer: pl.Trainer, module: Any) -> None:
            Path(trainer.default_root_dir, "begun").touch()

    class Without(Trainer):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**{**settings, "num_sanity_val_steps": 0})

    stop_in_epoch(new, parts, tmp_path, epoch=2, network="lstm", epochs=4)
    resumed = new(epochs=4, callbacks={"watch": Watch()})
    resumed.checkpoints = tmp_path
    resumed.fit(*parts[:2])
    assert not (tmp_path / "begun").exists()
    without = new(epochs=4)
    without.trainer = partial(Without, **without.trainer.keywords)
    assert resumed.curves == without.fit(*parts[:2]).curves


def test_a_training_that_had_stopped_early_stays_stopped(new, parts, tmp_path) -> None:
    stop = {"stop": EarlyStopping(patience=2, min_delta=10.0)}
    made = new(epochs=40, callbacks=stop)
    made.checkpoints = tmp_path
    made.fit(*parts[:2])
    (tmp_path / CURVES).unlink()  # as if it had been killed right after its last epoch
    again = new(epochs=40, callbacks=stop)
    again.checkpoints = tmp_path
    assert again.fit(*parts[:2]).curves == made.curves


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told_in_one_line(new, parts) -> None:
    with pytest.raises(ConfigError, match=r"^trainer.accelerator 'gpu' needs a GPU, and torch .* finds none here$"):
        new(trainer={"accelerator": "gpu"}).fit(*parts[:2])


def test_a_trainer_and_callbacks_for_estimators_are_refused_before_any_work(new) -> None:
    with pytest.raises(ConfigError, match=r"callback stop must be one of Lightning's \(callback=default\), got Early"):
        new(callbacks={"stop": epochwise.EarlyStopping()})
    with pytest.raises(ConfigError, match=r"trainer must make one of Lightning's \(trainer=cpu\), got EpochTrainer"):
        LightningForecaster(partial(LSTM), None, EpochTrainer(), {})


def test_a_setting_that_lightning_refuses_is_told_in_one_line(new, parts) -> None:
    with pytest.raises(ConfigError, match=r"^trainer cannot be made: .*precision.*"):
        new(trainer={"precision": "99"}).fit(*parts[:2])


def test_a_damaged_last_checkpoint_is_told_in_one_line(new, parts, tmp_path) -> None:
    stop_in_epoch(new, parts, tmp_path, epoch=2, network="lstm", epochs=5)
    whole = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(whole[: len(whole) // 2])
    made = new(epochs=5)
    made.checkpoints = tmp_path
    with pytest.raises(ModelError, match=r"last\.ckpt cannot be opened as weights, it is missing or damaged: "):
        made.fit(*parts[:2])


def test_a_last_checkpoint_of_another_architecture_is_told_in_one_line(new, parts, tmp_path) -> None:
    stop_in_epoch(new, parts, tmp_path, epoch=2, network="lstm", epochs=5)
    made = new("nlinear", epochs=5)
    made.checkpoints = tmp_path
    with pytest.raises(ModelError, match=r"last\.ckpt holds weights of another architecture than this NLinear"):
        made.fit(*parts[:2])


def test_two_trainings_in_one_folder_do_not_disturb_each_other(new, parts, tmp_path, caplog) -> None:
    import fcntl

    caplog.set_level(logging.INFO, "forecastle")
    made = new()
    made.checkpoints = tmp_path
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made.fit(*parts[:2])
    assert files(tmp_path) == set()
    assert "another process trains in" in caplog.text
    assert made.predict(parts[2].context).values.shape[0] == len(parts[2])


class Interrupt(pl.Callback):
    """Somebody presses Ctrl+C in the third epoch."""

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if trainer.current_epoch == 2:
            raise KeyboardInterrupt


def test_ctrl_c_stays_ctrl_c_and_the_training_can_be_gone_on_with(new, parts, tmp_path) -> None:
    import signal

    handler = signal.getsignal(signal.SIGINT)
    made = new(epochs=5, callbacks={"interrupt": Interrupt()})
    made.checkpoints = tmp_path
    with pytest.raises(KeyboardInterrupt):
        made.fit(*parts[:2])
    assert signal.getsignal(signal.SIGINT) is handler
    again = new(epochs=5)
    again.checkpoints = tmp_path
    assert again.fit(*parts[:2]).curves == new(epochs=5).fit(*parts[:2]).curves


def test_training_leaves_the_process_as_it_was(new, parts) -> None:
    talker = logging.getLogger("pytorch_lightning")
    before = talker.level, torch.are_deterministic_algorithms_enabled()
    new(epochs=1, trainer={"deterministic": True}).fit(*parts[:2])
    assert (talker.level, torch.are_deterministic_algorithms_enabled()) == before == (before[0], False)


def test_mixed_precision_and_compilation_train_what_full_precision_does(new, parts, monkeypatch) -> None:
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    whole = new("nlinear").fit(*parts[:2])
    assert compiled == []
    assert new("nlinear", trainer={"compile": True}).fit(*parts[:2]).curves == whole.curves
    assert [function.__name__ for function in compiled] == ["loss"]
    half = new("nlinear", trainer={"precision": "bf16-mixed"}).fit(*parts[:2])
    np.testing.assert_allclose(half.curves["validation/crps"], whole.curves["validation/crps"], rtol=0.01)


def test_the_callbacks_of_a_forecaster_stay_fresh_for_another_fit(new, parts) -> None:
    made = new(epochs=40, callbacks={"stop": EarlyStopping(patience=2, min_delta=10.0)})
    first = made.fit(*parts[:2]).curves
    assert made.fit(*parts[:2]).curves == first
