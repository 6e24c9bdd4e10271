"""Networks from the command line: killed and gone on with, a callback of one's own, and mistakes in one line."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.conftest import otherwise

from forecastle.runs.store import RunStore

NEURAL = ["run", "data=synthetic", "data.count=1200", "indicator=minimal", "model=lstm", "model.network.width=8"]

PLUG = '''\
import os, signal
from pathlib import Path

import pytorch_lightning as pl


class Plug(pl.Callback):
    """Kills its process in the middle of an epoch, once."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        if trainer.current_epoch == self.epoch and index == 2 and Path("armed").exists():
            Path("armed").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.fixture
def plug(workplace: Path) -> None:
    """A callback of the user's own, in the user's own conf/."""
    (workplace / "plugs.py").write_text(PLUG)
    place = workplace / "conf" / "callback"
    place.mkdir(parents=True)
    (place / "plug.yaml").write_text("# Pulls the plug.\nplug:\n  _target_: plugs.Plug\n  epoch: 4\n")


def only_run(folder: str) -> Any:
    (found,) = RunStore(Path(folder)).all()
    return found


@pytest.mark.slow
def test_a_killed_training_goes_on_with_the_same_command_and_ends_with_the_same_numbers(
    workplace: Path, process: Callable[..., Any], plug: None
) -> None:
    words = [
        *NEURAL,
        "allowed_targets=[plugs]",
        "callback=[default,plug]",
        "callback.last_checkpoint.seconds=0",
        "callback.early_stopping.min_delta=0",
        "trainer.max_epochs=7",
    ]
    (workplace / "armed").touch()
    killed = process(*words)
    assert killed.code == -signal.SIGKILL, killed.err
    assert RunStore(Path("runs")).all() == []
    (kept,) = (workplace / "runs" / ".checkpoints").iterdir()
    assert (kept / "0" / "fit" / "last.ckpt").is_file()

    resumed = process(*words)
    assert resumed.code == 0, resumed.err
    assert "going on after epoch 4 from" in resumed.err
    assert not kept.exists()
    whole = process(*words, "output=whole")
    assert whole.code == 0, whole.err
    assert "going on" not in whole.err

    one, other = only_run("runs"), only_run("whole")
    assert one.id == other.id == kept.name
    for name in ("metrics.json", "curves.csv", "forecast.parquet"):
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
    assert {"train/loss", "train/learning_rate", "validation/loss", "validation/crps"} == set(one.curves()[1])
    assert len(one.curves()) == 7


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["model.batch_size=5000"], "batch_size must be at most the number of training windows, "),
        (["context_length=1000"], "a window needs 1392 bars"),
        (["callback.early_stopping.monitor=validation/crsp"], "did you mean 'validation/crps'?"),
        (["trainer.max_epocs=3"], "did you mean 'max_epochs'?"),
        (["+trainer.max_epocs=3"], "unknown argument 'max_epocs'; did you mean 'max_epochs'?"),
        (["trainer.accelerator=tqu"], "trainer cannot be made: "),
        (["model=ridge"], "trainer: this model has no trainer; one that trains in epochs has"),
        (["callback=[defualt]"], "callback: no choice 'defualt'; did you mean 'default'?"),
        (["model.network.law=gausian"], "law must be one of gaussian, student_t, got 'gausian'"),
        (["target=direction"], "LSTM forecasts a number, but direction has the classes"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    workplace: Path, forecastle: Callable[..., Any], words: list[str], line: str
) -> None:
    found = forecastle(*otherwise(NEURAL, "trainer=smoke", *words))
    assert found.code == 2, found
    told = [each for each in found.err.splitlines() if each.startswith("forecastle: ")]
    assert len(told) == 1
    assert line in told[0]
    assert "Traceback" not in found.out + found.err
    assert RunStore(workplace / "runs").all() == []


def test_a_run_prints_and_leaves_nothing_of_lightning(workplace: Path, forecastle: Callable[..., Any]) -> None:
    found = forecastle(*NEURAL, "trainer=smoke")
    assert found.code == 0, found.err
    assert sorted(path.name for path in workplace.iterdir() if not path.name.startswith(".")) == ["runs"]
    assert list((workplace / "runs" / ".checkpoints").glob("*")) == []
    lines = found.err.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(": lstm")
    assert lines[1].startswith("trained for 2 epochs, validation/crps ")
    assert not any(word in found.out for word in ("GPU", "Lightning", "Trainer"))
    again = forecastle(*NEURAL, "trainer=smoke")
    assert "finished before: nothing was computed" in again.out


def test_a_network_is_trained_on_a_pooled_panel_and_on_each_symbol(
    workplace: Path, forecastle: Callable[..., Any]
) -> None:
    for pooling in ("pooled", "per_symbol"):
        found = forecastle(*NEURAL, "trainer=smoke", "data.symbols=[A,B]", f"pooling={pooling}")
        assert found.code == 0, found.err
    assert len(RunStore(workplace / "runs").all()) == 2


@pytest.mark.slow
def test_two_processes_give_the_result_of_one(workplace: Path, process: Callable[..., Any]) -> None:
    words = [*NEURAL, "model.network.dropout=0", "trainer.max_epochs=4"]
    one = process(*words, "output=one")
    two = process(*words, "output=two", "trainer=ddp")
    assert (one.code, two.code) == (0, 0), two.err
    curves, other = only_run("one").curves(), only_run("two").curves()
    assert len(curves) == 4
    for step, values in curves.items():
        for name, value in values.items():
            assert other[step][name] == pytest.approx(value, rel=2e-3), (step, name)
    scores = [only_run(name).metrics["test"]["scores"]["model"]["crps"] for name in ("one", "two")]
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)


def test_an_autoencoder_before_a_model_is_kept_found_again_and_reproduced(forecastle: Callable[..., Any]) -> None:
    words = ["run", "data=synthetic", "data.count=1200", "indicator=core", "transform=[standard,autoencoder]"]
    first = forecastle(*words)
    assert first.code == 0, first.err
    run = only_run("runs")
    told = run.manifest["folds"][0]["transform"]["autoencoder"]
    assert told["kept"] == "5 numbers of 20 features that vary"
    assert 0 < told["lost"] < told["lost_by_principal_components"]
    assert run.manifest["versions"]["torch"]
    assert "nothing was computed" in forecastle(*words).out
    assert "compared bit for bit, all the same" in forecastle("reproduce", run.id).out
    refused = forecastle(*words[:-2], "indicator=[log_return,rsi]", words[-1])
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines()[-1].endswith("an encoder of code 5 wants more than 5 features that vary, got 4")
