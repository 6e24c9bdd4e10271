"""One training with Lightning: quiet, seeded, gone on with where it was stopped, its errors in one line of ours."""

from __future__ import annotations

import copy
import fcntl
import json
import logging
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from forecastle.errors import ConfigError, ForecastleError, ModelError
from forecastle.logs import shows_progress
from forecastle.models.neural.checkpoint import LAST
from forecastle.models.neural.examples import Batches, Examples
from forecastle.models.neural.files import load_weights, read_tensors
from forecastle.models.neural.recording import CURVES, FINAL, Recorder
from forecastle.models.neural.telling import Teller
from forecastle.models.neural.training import Training
from forecastle.models.ranking import Ranking
from forecastle.runs.watching import Watch

logger = logging.getLogger(__name__)

KNOWN = (
    ".*does not have many workers.*",
    ".*The number of training batches .* is smaller than the logging interval.*",
    ".*GPU available but not used.*",
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*trainer is starting in barebones.*",
    ".*You defined a `validation_step` but have no `val_dataloader`.*",
    ".*Starting from v.*tensorboardX.*",
)
"""What Lightning warns of and we have chosen: batches are gathered in the process, nothing is logged by steps."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves behind.

    Parameters
    ----------
    weights
        Of the best epoch, the untrained network's among them, or of the last one where no checkpoints were asked for;
        on the CPU.
    curves
        One value for each epoch.
    """

    weights: dict[str, Tensor]
    curves: dict[str, list[float]]


def check_parts(make_trainer: Any, callbacks: Mapping[str, Any]) -> None:
    """Refuse a trainer and callbacks that are not Lightning's.

    Raises
    ------
    ConfigError
        The message says where to find some.
    """
    if make_trainer is not None and not callable(make_trainer):
        got = type(make_trainer).__name__
        raise ConfigError(f"trainer must make one of Lightning's (trainer=cpu), got {got}")
    for name, callback in callbacks.items():
        if not isinstance(callback, pl.Callback):
            got = type(callback).__name__
            raise ConfigError(f"callback {name} must be one of Lightning's (callback=default), got {got}")


def train(
    training: Training,
    make_trainer: Callable[..., pl.Trainer],
    callbacks: Mapping[str, pl.Callback],
    examples: tuple[Examples, Examples],
    batch_size: int,
    seed: int,
    folder: Path | None,
    watch: Watch | None = None,
) -> Trained:
    """Train on the first examples, watched on the second.

    Parameters
    ----------
    training
        The network as a module.
    make_trainer
        Makes the trainer.
    callbacks
        By name; they run in the order of their names, so that no other order can change a number.
    examples
        Training and validation windows.
    batch_size
        Windows of a batch.
    seed
        Of the order of the windows.
    folder
        Where checkpoints are kept and found again; None: in a temporary one.
    watch
        What each epoch tells how well it did; None: nobody.

    Raises
    ------
    ConfigError
        If the trainer cannot be made: no such device, a setting that cannot be.
    ModelError
        If training diverges or a checkpoint cannot be gone on with.
    Pruned
        If who watches stops it.
    """
    with _workplace(folder) as place, _quiet(), torch.random.fork_rng(devices=_devices()):
        if not (place / CURVES).is_file():
            trainer = _trainer(make_trainer, callbacks, place, watch)
            share = lambda: (trainer.global_rank, trainer.world_size)  # noqa: E731
            learnt, watched = examples
            batches = Batches(len(learnt), batch_size, seed, training.epoch, share)
            in_order = Batches(len(watched), max(batch_size, 512), share=share)
            if getattr(trainer, "compile", False):
                training.loss = torch.compile(training.loss)
            _fit(trainer, training, learnt.loader(batches), watched.loader(in_order), place / LAST)
        return _result(place)


def _fit(trainer: pl.Trainer, training: Training, learnt: Any, watched: Any, last: Path) -> None:
    """Fit, from the last checkpoint where there is one."""
    if last.is_file():
        state = read_tensors(last)
        weights = {name.removeprefix("network."): value for name, value in state["state_dict"].items()}
        load_weights(training.network, weights, last)
        logger.info("going on after epoch %d from %s", state["epoch"] + 1, last)
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(training, learnt, watched, ckpt_path=last if last.is_file() else None, weights_only=True)
    except ForecastleError:
        raise
    except SystemExit as error:  # what Lightning makes of Ctrl+C, which it then ignores for good
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error
    except (MisconfigurationException, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(f"training failed: {_line(error)}") from error


def _trainer(
    make: Callable[..., pl.Trainer], callbacks: Mapping[str, pl.Callback], place: Path, watch: Watch | None
) -> pl.Trainer:
    wanted = getattr(make, "keywords", {}).get("accelerator")
    if wanted in ("gpu", "cuda") and not torch.cuda.is_available():
        raise ConfigError(f"trainer.accelerator {wanted!r} needs a GPU, and torch {torch.__version__} finds none here")
    recorder = Recorder()
    tellers = [] if watch is None else [Teller(watch, recorder)]  # the last to act: all else of the epoch is done
    try:
        return make(
            callbacks=[recorder, *(copy.deepcopy(callbacks[name]) for name in sorted(callbacks)), *tellers],
            default_root_dir=place,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=shows_progress(),
            num_sanity_val_steps=0 if (place / LAST).is_file() else -1,  # all: the untrained network takes part
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"trainer cannot be made: {_line(error)}") from error


def _result(place: Path) -> Trained:
    """Weights of the best epoch, and the curves."""
    entries = Ranking(place, 1, "min").entries()
    weights = read_tensors(place / (entries[0][2] if entries else FINAL))
    curves: dict[str, list[float]] = json.loads((place / CURVES).read_text())
    if entries and entries[0][1] == 0:
        logger.warning("no epoch was better on the validation part than the untrained network, which is used")
    return Trained(weights, curves)


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    """The folder, held by one process at a time; a temporary one where there is none or another process holds it."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                logger.info("another process trains in %s: this training cannot be gone on with", folder)
            else:
                yield folder
                return
    with tempfile.TemporaryDirectory(prefix="forecastle-") as name:
        yield Path(name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's remarks off the console, and what it sets for the whole process inside."""
    talkers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning")]
    before = [talker.level for talker in talkers]
    deterministic = torch.are_deterministic_algorithms_enabled()
    with warnings.catch_warnings():
        for pattern in KNOWN:
            warnings.filterwarnings("ignore", pattern)
        try:
            for talker in talkers:
                talker.setLevel(logging.ERROR)
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic)
            for talker, level in zip(talkers, before, strict=True):
                talker.setLevel(level)


def _devices() -> list[int]:
    return list(range(torch.cuda.device_count()))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
