"""NixtlaNetwork: the architectures of Nixtla's neuralforecast, trained and kept like every network here."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from neuralforecast import models as nixtla
from neuralforecast.losses.pytorch import MQLoss
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor, nn

from forecastle.errors import ConfigError, nearest
from forecastle.models.grid import FITTED, fill
from forecastle.models.neural.network import Batch, MarginalNetwork

OURS = ("h", "input_size", "loss", "hist_exog_list", "futr_exog_list", "stat_exog_list", "random_seed")
"""Arguments of an architecture that the data and this adapter give."""


class NixtlaNetwork(MarginalNetwork):
    r"""An architecture of neuralforecast that answers with the quantiles of its ``MQLoss``.

    Only the architecture is taken over. Windows, scaling, early stopping, checkpoints and files are those of every
    network here (`LightningForecaster`); its own data frames, trainer and pickled checkpoints have no part. It sees the
    path of the log close up to the origin, over :math:`\sigma \sqrt C`, and the features as historic exogenous
    variables where it takes them. Seven levels are learnt by their mean pinball loss, as z (see
    `forecastle.models.neural.network`), and the others follow from them (`forecastle.models.grid`).

    The answer is :math:`\Phi^{-1}(\tau) + g\, f(x)` with the output f of the architecture and a learnt gain g of each
    step and level that begins at zero (Bachlechner et al., ReZero is all you need, UAI 2021), so that training begins
    at the random walk.

    Parameters
    ----------
    features, context_length, horizon, symbols
        D, C, H and K, from the data; symbols share all weights.
    model
        Class of ``neuralforecast.models``, of those that forecast one series, all steps at once: ``NHITS``, ``TFT``,
        ``NBEATSx``, ``TiDE``, ``TCN``, ``BiTCN``, ``KAN``, ….
    settings
        Its arguments, by their names there; those that only train are of no use here.

    Raises
    ------
    ConfigError
        If there is no such model, it is recurrent in its own forecasts or of several series, or refuses the settings.

    References
    ----------
    Olivares et al., NeuralForecast: user friendly state-of-the-art neural forecasting models, PyCon 2022; Challu et
    al., NHITS: neural hierarchical interpolation for time series forecasting, AAAI 2023.
    """

    def __init__(
        self,
        features: int,
        context_length: int,
        horizon: int,
        symbols: int,  # noqa: ARG002 (the contract's argument)
        model: str = "NHITS",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.horizon = horizon
        kind = _architecture(model)
        given = dict(settings or {})
        _check_settings(model, kind, given)
        self._columns = features if kind.EXOGENOUS_HIST else 0
        seed = int(torch.initial_seed() % 2**31)
        with _own_seed():
            try:
                self.inner: nn.Module = kind(
                    h=horizon,
                    input_size=context_length,
                    loss=MQLoss(quantiles=list(FITTED)),
                    random_seed=seed,
                    **({"hist_exog_list": [f"f{place}" for place in range(features)]} if self._columns else {}),
                    **given,
                )
            except (TypeError, ValueError, AssertionError, RuntimeError) as error:
                message = " ".join(str(error).split())
                raise ConfigError(f"{model} of neuralforecast refuses its settings: {message}") from error
        self.gain = nn.Parameter(torch.zeros(horizon, len(FITTED)))

    def fitted(self, batch: Batch) -> Tensor:
        """Quantiles of z at the levels that are learnt, shape (B, H, 7), in any order."""
        path = (batch.past / batch.past.shape[1] ** 0.5).unsqueeze(2)
        windows = {
            "insample_y": path,
            "insample_mask": torch.ones_like(path),
            "hist_exog": batch.features if self._columns else None,
            "futr_exog": None,
            "stat_exog": None,
        }
        told: Tensor = self.inner(windows).reshape(len(path), self.horizon, len(FITTED))
        values: Tensor = torch.special.ndtri(torch.tensor(FITTED).to(path)) + self.gain * told
        return values

    def loss(self, batch: Batch) -> Tensor:
        """Mean pinball loss over windows, steps and the learnt levels."""
        values = self.fitted(batch)
        levels = torch.tensor(FITTED).to(values)
        error = batch.answers().unsqueeze(2) - values
        return torch.maximum(levels * error, (levels - 1) * error).mean()

    def quantiles(self, batch: Batch, levels: Tensor) -> Tensor:
        """Quantiles of z at the levels (Q,), shape (B, H, Q), ascending along Q."""
        values = self.fitted(batch)
        filled = fill(values.detach().double().cpu().numpy(), FITTED, levels.double().cpu().tolist())
        answer: Tensor = torch.as_tensor(filled).to(values)
        return answer


@contextmanager
def _own_seed() -> Iterator[None]:
    """Give the global generators back as they were, and say nothing: an architecture seeds all of them."""
    talker = logging.getLogger("lightning_fabric")
    before = talker.level
    talker.setLevel(logging.WARNING)
    try:
        with isolate_rng(include_cuda=False):
            yield
    finally:
        talker.setLevel(before)


def _architecture(name: str) -> Any:
    """The class of a name.

    Raises
    ------
    ConfigError
        If there is none, or it is none that this adapter can ask.
    """
    if name not in nixtla.__all__:
        raise ConfigError(f"model must be one of neuralforecast.models, got {name!r}{nearest(name, nixtla.__all__)}")
    kind = getattr(nixtla, name)
    if getattr(kind, "MULTIVARIATE", True) or getattr(kind, "RECURRENT", True):
        raise ConfigError(f"model must forecast one series, all steps at once, which {name} does not: try NHITS")
    return kind


def _check_settings(name: str, kind: Any, settings: Mapping[str, Any]) -> None:
    """Refuse arguments that an architecture does not name: it would hand them to a trainer that never is.

    Raises
    ------
    ConfigError
        For an unknown argument, and for one that is not the user's to give.
    """
    known = [argument for argument in inspect.signature(kind).parameters if argument not in OURS]
    for argument in settings:
        if argument in OURS:
            raise ConfigError(f"settings of {name} may not hold {argument}, which comes from the data")
        if argument not in known or argument.endswith("kwargs"):
            raise ConfigError(f"settings of {name}: unknown argument {argument!r}{nearest(argument, known)}")
