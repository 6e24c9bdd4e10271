"""LightningForecaster: every network as a probabilistic forecaster."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.forecast import Forecast, QuantileForecast, SampleForecast
from forecastle.models.held_out import held_out
from forecastle.models.neural.architecture import Architecture
from forecastle.models.neural.examples import Examples
from forecastle.models.neural.files import load_weights, read_tensors, write_tensors
from forecastle.models.neural.network import MarginalNetwork, PathNetwork
from forecastle.models.neural.sampling import draw
from forecastle.models.neural.scale import Scale
from forecastle.models.neural.session import check_parts
from forecastle.models.neural.session import train as run_training
from forecastle.models.neural.training import Training
from forecastle.runs.watching import Watch
from forecastle.windows.context import Context, Task, Windows

logger = logging.getLogger(__name__)

WEIGHTS, SETTINGS = "weights.pt", "network.json"

CHUNK = 1024
"""Windows of which a network of marginals answers at a time."""


class LightningForecaster:
    r"""A network trained by Lightning, asked for quantiles or for sample paths.

    The network sees the target in the scale of the random walk (`forecastle.models.neural.network`) and begins at that
    baseline. The validation windows stop training and choose the epoch; nothing is fitted to them.

    Quantiles are computed in float64: a forecast does not depend on the windows beside it. Sample paths are computed in
    float32, or in mixed precision where the trainer trains in it, from noise that depends on seed, symbol and origin
    alone; there the windows beside it make a relative difference of at most about 1e-5.

    Parameters
    ----------
    network
        Factory of the network, called with ``features, context_length, horizon, symbols``.
    optimizer
        Factory of the optimizer, called with the parameters.
    trainer
        Factory of the trainer (`forecastle.models.neural.trainer`).
    callbacks
        Lightning callbacks by name.
    batch_size
        Windows of a batch in training; at most as many as there are.
    num_samples
        S, sample paths of each window, for networks of paths.
    seed
        Of the first weights, the order of the windows, and all noise.
    memory
        Budget of a chunk in sampling, MB.

    Attributes
    ----------
    checkpoints : Path or None
        Folder in which training keeps its checkpoints and finds them again; set it before `fit`.
    watch : Watch or None
        What training tells how well it does; set it before `fit`.

    Raises
    ------
    ConfigError
        If a number is below 1, or trainer or callbacks are not Lightning's.
    """

    def __init__(
        self,
        network: Any,
        optimizer: Any,
        trainer: Any,
        callbacks: Mapping[str, Any],
        batch_size: int = 128,
        num_samples: int = 100,
        seed: int = 0,
        memory: float = 256.0,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("num_samples", num_samples), ("memory", memory)):
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        check_parts(trainer, callbacks)
        self.architecture = Architecture(network)
        self.optimizer = optimizer
        self.trainer = trainer
        self.callbacks = callbacks
        self.batch_size = batch_size
        self.num_samples = num_samples
        self.seed = seed
        self.memory = memory
        self.checkpoints: Path | None = None
        self.watch: Watch | None = None
        self.curves: dict[str, list[float]] = {}
        self._fitted: MarginalNetwork | PathNetwork | None = None
        self._state: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """Class name of the network, for messages."""
        return self.architecture.name

    def history(self, horizon: int) -> int:  # noqa: ARG002 (the contract's argument)
        """Bars of past log close that it reads: those of the context, which every window shows, so 1."""
        return 1

    def fit(self, train: Windows, validation: Windows | None = None) -> Self:
        """Train on the training windows, watched on the validation windows.

        Raises
        ------
        ModelError
            If the task is one of classes, there are fewer windows than a batch has, or training fails.
        """
        context = train.context
        task = context.task
        self._check(task, train)
        train, validation = (train, validation) if validation is not None else held_out(train)
        symbols = {context.timeline.symbols[number]: i for i, number in enumerate(np.unique(context.symbol))}
        shape = {
            "features": context.timeline.features.shape[1],
            "context_length": context.context_length,
            "horizon": len(task.steps),
            "symbols": len(symbols),
        }
        network = self.architecture.build(shape, self.seed)
        scale = Scale.of(train, paths=isinstance(network, PathNetwork))
        module = Training(network, self.optimizer, task.quantile_levels, task.steps if scale.steps else (), self.seed)
        learnt = Examples(train.context, symbols, scale.shrink(train))
        watched = Examples(validation.context, symbols, scale.shrink(validation))
        examples = learnt, watched
        trained = run_training(
            module, self.trainer, self.callbacks, examples, self.batch_size, self.seed, self.checkpoints, self.watch
        )
        load_weights(network, trained.weights, self.checkpoints or Path(WEIGHTS))
        self.curves = trained.curves
        settings = getattr(self.trainer, "keywords", {})
        self._state = {
            "network": self.architecture.to_json(),
            "shape": shape,
            "symbols": symbols,
            "scale": scale.to_json(),
            "accelerator": settings.get("accelerator", "auto"),
            "precision": str(settings.get("precision", "32")),
            "num_samples": self.num_samples,
            "seed": self.seed,
            "memory": self.memory,
        }
        self._fitted = network
        return self

    def predict(self, context: Context) -> Forecast:
        """Quantiles at the task's levels, or sample paths, in the target's unit.

        Raises
        ------
        ModelError
            Before `fit`, or if horizon, context length, features or symbols are others than at `fit`.
        """
        network = self._fitted
        if network is None:
            raise ModelError(f"{self.name} must be fitted before it predicts")
        task = context.task
        self._check_shape(context)
        scale = Scale.from_json(self._state["scale"])
        examples = Examples(context, self._state["symbols"])
        device = self._device()
        network.eval().to(device)
        if isinstance(network, PathNetwork):
            half = torch.bfloat16 if self._state["precision"].startswith("bf16") else None
            samples = draw(network.float(), examples, self.num_samples, self.seed, self.memory, device, half)
            return SampleForecast(scale.paths(samples, task, context.scale))
        values = _quantiles(network.double(), examples, task.quantile_levels, device)
        return QuantileForecast(task.quantile_levels, scale.quantiles(values, task, context.scale))

    def save(self, folder: Path) -> None:
        """Write weights and settings into an existing folder.

        Raises
        ------
        ModelError
            Before `fit`.
        """
        if self._fitted is None:
            raise ModelError(f"{self.name} must be fitted before it is saved")
        weights = {name: value.cpu() for name, value in self._fitted.float().state_dict().items()}
        write_tensors(weights, folder / WEIGHTS)
        (folder / SETTINGS).write_text(json.dumps(self._state, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; opening it runs no code from the files.

        The network's class is taken from the modules of this package, or from those that are loaded already; nothing
        is imported because a file names it. What is loaded can forecast, and cannot be trained further.

        Raises
        ------
        ModelError
            If a file is missing, damaged, or of another architecture.
        """
        path = folder / SETTINGS
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            architecture = Architecture.from_json(state["network"])
            model = cls(architecture.factory, None, None, {}, 1, state["num_samples"], state["seed"], state["memory"])
            model._state = state
            model._fitted = architecture.build(state["shape"], model.seed)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} holds no network: {' '.join(str(error).split())}") from error
        load_weights(model._fitted, read_tensors(folder / WEIGHTS), folder / WEIGHTS)
        return model

    def _check(self, task: Task, train: Windows) -> None:
        if self.optimizer is None:
            raise ModelError(f"a saved {self.name} cannot be trained further: build a new one from its configuration")
        if task.target.classes:
            raise ModelError(
                f"{self.name} forecasts a number, but {task.target.name} has the classes "
                f"{', '.join(task.target.classes)}: choose a classifier, such as model=logistic"
            )
        if len(train) < self.batch_size:
            raise ModelError(
                f"batch_size must be at most the number of training windows, {len(train)}, got {self.batch_size}"
            )
        if not np.all(train.weight == 1):
            logger.warning("%s takes no weights: every window counts the same", self.name)

    def _check_shape(self, context: Context) -> None:
        got = {
            "features": context.timeline.features.shape[1],
            "context_length": context.context_length,
            "horizon": len(context.task.steps),
        }
        for name, value in got.items():
            if value != self._state["shape"][name]:
                raise ModelError(f"{self.name} was fitted with {name} {self._state['shape'][name]}, got {value}")

    def _device(self) -> torch.device:
        wanted = self._state["accelerator"] in ("gpu", "cuda", "auto") and torch.cuda.is_available()
        return torch.device("cuda" if wanted else "cpu")


def _quantiles(
    network: MarginalNetwork, examples: Examples, levels: tuple[float, ...], device: torch.device
) -> FloatArray:
    """Quantiles of z, shape (N, H, Q), float64."""
    wanted = torch.tensor(levels, dtype=torch.float64, device=device)
    values = np.empty((len(examples), network.horizon, len(levels)))
    with torch.inference_mode():
        for start in range(0, len(examples), CHUNK):
            rows = np.arange(start, min(start + CHUNK, len(examples)))
            batch = examples.__getitems__(rows).to(device, torch.float64)
            values[rows] = network.quantiles(batch, wanted).cpu().numpy()
    return values
