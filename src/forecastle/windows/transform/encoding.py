"""Encoding: a few learned numbers in place of the features of a row, by an encoder that is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np

from forecastle.arrays import FloatArray
from forecastle.errors import FeatureError, TargetError
from forecastle.windows.transform.step import Rows, Training

FEWEST = 20
"""Training rows that a code wants."""

LARGEST = 3
"""Features that the report names as those that are kept best, and worst."""


class Encoder(Protocol):
    """Turns rows of features into codes and back; `forecastle.models.neural.autoencoder` has one.

    Attributes
    ----------
    code
        K, codes of a row.
    """

    code: int

    def fit(self, values: FloatArray) -> Self:
        """Learn from rows, shape (T, D), float64, finite; what an earlier fit learned is forgotten."""
        ...

    def encode(self, values: FloatArray) -> FloatArray:
        """Codes, shape (T, K), float64; each row by itself, and NaN where the row has a NaN."""
        ...

    def decode(self, codes: FloatArray) -> FloatArray:
        """The rows that codes stand for, shape (T, D), float64, in the features' units."""
        ...

    def state(self) -> dict[str, Any]:
        """What was learned, ready for JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave; no code in it is run."""
        ...


class Encode:
    """Columns ``code_1`` … ``code_K`` in place of the features: what an encoder keeps of each row.

    Parameters
    ----------
    encoder
        Learns on the training rows; it scales the features itself. Wild values weigh by their square: cut them before
        (``transform=[clip,autoencoder]``).

    Raises
    ------
    TargetError
        If `encoder` is none.
    """

    memory = 0
    fills = False

    def __init__(self, encoder: Encoder) -> None:
        wanted = ("code", "fit", "encode", "decode", "state", "restore")
        if lacking := [name for name in wanted if not hasattr(encoder, name)]:
            raise TargetError(f"encoder must be one, got {type(encoder).__name__}: it has no {', '.join(lacking)}")
        self.encoder = encoder
        self._rows = 0
        self._lost: dict[str, float] = {}
        self._linear = 0.0

    def fit(self, training: Training) -> Self:
        """Fit the encoder, and measure what it loses of the training rows.

        Raises
        ------
        FeatureError
            If there are too few rows, or not more features that vary than codes.
        """
        rows, code = training.rows, self.encoder.code
        values = rows.values.astype(np.float64)
        varying = np.ptp(values, axis=0) > 0
        if len(values) < FEWEST * code:
            wanted = FEWEST * code
            raise FeatureError(f"an encoder of code {code} wants at least {wanted} training rows, got {len(values)}")
        if np.count_nonzero(varying) <= code:
            raise FeatureError(
                f"an encoder of code {code} wants more than {code} features that vary, got {np.count_nonzero(varying)}"
            )
        self.encoder.fit(values)
        missed = values - self.encoder.decode(self.encoder.encode(values))
        lost = np.mean(missed[:, varying] ** 2, axis=0) / np.var(values[:, varying], axis=0)
        names = [name for name, varies in zip(rows.columns, varying, strict=True) if varies]
        self._rows = len(values)
        self._lost = dict(zip(names, lost.tolist(), strict=True))
        shares = np.linalg.eigvalsh(np.corrcoef(values[:, varying], rowvar=False))
        self._linear = float(shares[:-code].sum() / shares.sum())
        return self

    def apply(self, rows: Rows) -> Rows:
        """Give the codes of each row; a row that lacks a feature lacks them all."""
        known = np.isfinite(rows.values)
        codes = self.encoder.encode(np.where(known, rows.values, np.nan))
        return rows.become(codes, tuple(f"code_{number + 1}" for number in range(codes.shape[1])))

    def state(self) -> dict[str, Any]:
        """What the encoder learned, and what it loses."""
        return {"rows": self._rows, "lost": dict(self._lost), "linear": self._linear, "encoder": self.encoder.state()}

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what `state` gave.

        Raises
        ------
        ModelError
            If what the encoder learned is damaged.
        """
        self._rows, self._lost, self._linear = int(state["rows"]), dict(state["lost"]), float(state["linear"])
        self.encoder.restore(state["encoder"])
        return self

    def report(self) -> dict[str, Any]:
        """Shares of the training rows' variance that are lost: in all, as by as many principal components, by feature.

        All features weigh the same, those that are constant are left out.
        """
        order = sorted(self._lost, key=lambda name: self._lost[name])
        return {
            "rows": self._rows,
            "encoder": type(self.encoder).__name__,
            "kept": f"{self.encoder.code} numbers of {len(self._lost)} features that vary",
            "lost": float(np.mean(list(self._lost.values()))),
            "lost_by_principal_components": self._linear,
            "kept_best": {name: 1 - self._lost[name] for name in order[:LARGEST]},
            "kept_worst": {name: 1 - self._lost[name] for name in order[: -LARGEST - 1 : -1]},
        }
