"""A network that tells of its epochs: the same network, a whole series after a restart, and an end where it is told."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl

from forecastle.errors import Pruned
from forecastle.models.forecast import Watched
from forecastle.models.neural.checkpoint import LAST
from forecastle.runs.watching import Measure

CRPS = Measure("validation/crps", "min")


class Listener:
    """Writes down what it is told, and stops a training after an epoch."""

    def __init__(self, last: int | None = None) -> None:
        self.told: list[tuple[Measure, int, float]] = []
        self.last = last

    def __call__(self, measure: Measure, step: int, value: float) -> None:
        self.told.append((measure, step, value))
        if step == self.last:
            raise Pruned(f"enough after epoch {step}")


class Plug(pl.Callback):
    """Stops everything in the middle of an epoch."""

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if trainer.current_epoch == 2 and index == 1:
            raise KeyError("the plug is pulled")


def fitted(model: Any, parts: Any, watch: Any) -> Any:
    assert isinstance(model, Watched)
    model.watch = watch
    return model.fit(*parts[:2])


def test_a_watched_training_is_byte_for_byte_the_one_that_nobody_watches(new, parts, network, tmp_path) -> None:
    found, listener = [], Listener()
    for watch in (None, listener):
        folder = tmp_path / str(watch is None)
        folder.mkdir()
        model = fitted(new(network), parts, watch)
        model.save(folder)
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]
    assert listener.told == [(CRPS, epoch, value) for epoch, value in enumerate(model.curves["validation/crps"], 1)]


def test_a_stopped_training_ends_with_the_epoch_that_stopped_it(new, parts) -> None:
    listener = Listener(last=2)
    with pytest.raises(Pruned, match="enough after epoch 2"):
        fitted(new(epochs=5), parts, listener)
    assert [step for _, step, _ in listener.told] == [1, 2]
    whole = Listener()
    fitted(new(epochs=5), parts, whole)
    assert listener.told == whole.told[:2]


def test_after_a_restart_the_epochs_before_it_are_told_again(new, parts, tmp_path) -> None:
    whole = Listener()
    fitted(new(epochs=4), parts, whole)
    killed = new(epochs=4, callbacks={"plug": Plug()})
    killed.checkpoints = tmp_path
    with pytest.raises(Exception, match="the plug is pulled"):
        fitted(killed, parts, Listener())
    assert (tmp_path / LAST).is_file()
    again, resumed = Listener(), new(epochs=4)
    resumed.checkpoints = tmp_path
    fitted(resumed, parts, again)
    assert again.told == whole.told


@pytest.mark.filterwarnings("ignore:It is recommended to use .self.log")
def test_one_of_several_processes_tells_nothing(new, parts) -> None:
    listener = Listener(last=1)  # would stop the process that is told, and the other one would wait for it
    model = fitted(new(epochs=2, trainer={"devices": 2, "strategy": "ddp_fork"}), parts, listener)
    assert len(model.curves["validation/crps"]) == 2
    assert listener.told == []
