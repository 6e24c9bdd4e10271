r"""Autoencoder: a few numbers for each row of features, from which the row can be drawn again.

.. math:: c = E z + e(z), \qquad \hat z = D c + d(c)

with the standardised features z, K codes c, and two networks e and d of one hidden layer (Hinton and Salakhutdinov,
Reducing the Dimensionality of Data with Neural Networks, Science 313, 2006). E and D begin at the first K principal
components, whitened, and the last layers of e and d at zero: the network begins as that baseline, which is the best of
all linear ones (Baldi and Hornik, Neural Networks 2, 1989), and has only to improve on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from forecastle.arrays import FloatArray
from forecastle.errors import ConfigError, ModelError
from forecastle.models.neural.files import load_weights, tensors_from_text, tensors_to_text

CHUNK = 1 << 16
"""Rows that are encoded at a time."""


class Layers(nn.Module):
    """Encoder and decoder, with the scale of the features.

    Parameters
    ----------
    features
        D, features of a row.
    code
        K, codes of a row.
    width
        Units of each hidden layer.
    """

    middle: Tensor
    spread: Tensor

    def __init__(self, features: int, code: int, width: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.to_code = nn.Linear(features, code, bias=False)
        self.from_code = nn.Linear(code, features, bias=False)
        self.bend_code = _bend(features, width, code)
        self.bend_features = _bend(code, width, features)

    def begin(self, values: FloatArray) -> None:
        """Learn the scale of the features, shape (T, D), and begin at their principal components."""
        middle, spread = values.mean(axis=0), values.std(axis=0)
        spread = np.where(spread > np.finfo(np.float32).eps * np.abs(middle), spread, np.inf)
        scaled = (values - middle) / spread
        variance, directions = np.linalg.eigh(scaled.T @ scaled / len(values))
        code = self.to_code.out_features
        directions = directions.T[::-1][:code]
        sign = np.sign(directions[np.arange(code), np.argmax(np.abs(directions), axis=1)])
        size = np.sqrt(np.maximum(variance[::-1][:code], 1e-6))[:, None]
        kept = directions * sign[:, None]
        with torch.no_grad():
            self.middle.copy_(torch.from_numpy(middle))
            self.spread.copy_(torch.from_numpy(spread))
            self.to_code.weight.copy_(torch.from_numpy(kept / size))
            self.from_code.weight.copy_(torch.from_numpy((kept * size).T))

    def scaled(self, values: Tensor) -> Tensor:
        """Standardised features; those that were constant in training are 0."""
        return (values - self.middle) / self.spread

    def encode(self, scaled: Tensor) -> Tensor:
        """Codes, shape (T, K)."""
        codes: Tensor = self.to_code(scaled) + self.bend_code(scaled)
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Standardised features, shape (T, D)."""
        scaled: Tensor = self.from_code(codes) + self.bend_features(codes)
        return scaled


class Autoencoder:
    """An autoencoder of rows, for `forecastle.windows.transform.encoding.Encode`.

    It learns in float32 by Adam, whose rate falls to 0 by half a cosine, and encodes in float64. The same rows, seed
    and threads give the same bits.

    Parameters
    ----------
    code
        K, codes in place of the features.
    width
        Units of each hidden layer.
    epochs
        How often it sees every training row.
    batch_size
        Rows of a step.
    learning_rate
        Of the first step.
    seed
        Of the first weights and of the order of the rows.

    Raises
    ------
    ConfigError
        If a number is not positive.
    """

    def __init__(
        self,
        code: int = 5,
        width: int = 64,
        epochs: int = 30,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        seed: int = 0,
    ) -> None:
        for name, value in (("code", code), ("width", width), ("epochs", epochs), ("batch_size", batch_size)):
            if value < 1:
                raise ConfigError(f"{name} must be at least 1, got {value}")
        if not 0 < learning_rate < math.inf:
            raise ConfigError(f"learning_rate must be a positive number, got {learning_rate}")
        self.code = code
        self.width = width
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self._layers: Layers | None = None

    def fit(self, values: FloatArray) -> Self:
        """Learn to draw rows again, shape (T, D), finite; what an earlier fit learned is forgotten.

        Raises
        ------
        ModelError
            If training diverges.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            layers = Layers(values.shape[1], self.code, self.width)
            layers.begin(values)
            with torch.no_grad():
                rows = layers.scaled(torch.from_numpy(values)).float()
            self._learn(layers, rows)
        if not all(torch.isfinite(weight).all() for weight in layers.parameters()):
            raise ModelError(f"the autoencoder diverged: choose a learning_rate below {self.learning_rate:g}")
        self._layers = layers.double().eval()
        return self

    def _learn(self, layers: Layers, rows: Tensor) -> None:
        """Make the mean squared error over rows and features small."""
        optimizer = torch.optim.Adam(layers.parameters(), lr=self.learning_rate)
        steps = self.epochs * -(-len(rows) // self.batch_size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(self.epochs):
            order = torch.randperm(len(rows))
            for start in range(0, len(rows), self.batch_size):
                batch = rows[order[start : start + self.batch_size]]
                loss = nn.functional.mse_loss(layers.decode(layers.encode(batch)), batch)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()

    def encode(self, values: FloatArray) -> FloatArray:
        """Codes of rows (T, D), shape (T, K), float64; each row by itself, a NaN makes all of its codes NaN."""
        layers = self._fitted()
        codes = np.empty((len(values), self.code))
        with torch.inference_mode():
            for start in range(0, len(values), CHUNK):
                part = torch.from_numpy(values[start : start + CHUNK].astype(np.float64))
                codes[start : start + CHUNK] = layers.encode(layers.scaled(part)).numpy()
        return codes

    def decode(self, codes: FloatArray) -> FloatArray:
        """Rows that codes (T, K) stand for, shape (T, D), float64, in the features' units."""
        layers = self._fitted()
        finite = torch.where(torch.isfinite(layers.spread), layers.spread, 0.0)
        with torch.inference_mode():
            rows: FloatArray = (layers.middle + finite * layers.decode(torch.from_numpy(codes))).numpy()
        return rows

    def state(self) -> dict[str, Any]:
        """Weights as text, of tensors alone, with the shape of the network."""
        layers = self._fitted()
        weights = {name: value.float() for name, value in layers.state_dict().items()}
        return {"features": len(layers.middle), "weights": tensors_to_text(weights)}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave; no code in it is run.

        Raises
        ------
        ModelError
            If it is damaged or of another architecture.
        """
        where = "the kept autoencoder"
        layers = Layers(int(state["features"]), self.code, self.width)
        load_weights(layers, tensors_from_text(state["weights"], where), where)
        self._layers = layers.double().eval()
        return self

    def _fitted(self) -> Layers:
        if self._layers is None:
            raise ModelError("the autoencoder must be fitted or restored first")
        return self._layers


def _bend(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """A network of one hidden layer, which begins as 0."""
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), last)
