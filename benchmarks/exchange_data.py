"""The exchange_rate benchmark as windows: protocol `exchange_rate_nips`, horizon 30, 8 currencies × 5 test windows.

Lai et al., Modeling Long- and Short-Term Temporal Patterns with Deep Neural Networks, SIGIR 2018, for the data; split
and score are those of GluonTS, which the tables in papers use. What selects sees rows before 6071 only.
The data are not part of the project: they are read from ``FORECASTLE_SHARED``, or ``../shared`` beside the checkout.
"""

from __future__ import annotations

import gzip
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecastle.arrays import SPAN, TIME, FloatArray
from forecastle.config.schema import Config
from forecastle.data.bars import Bars, Panel
from forecastle.models.forecast import Forecast, SampleForecast
from forecastle.pipeline import compute_features, make_sample
from forecastle.windows.context import Windows
from forecastle.windows.fold import Fold, Sample

HORIZON, WINDOWS, TRAIN_ROWS, VALIDATION_ROWS = 30, 5, 6071, 900
LEVELS = tuple(k / 10 for k in range(1, 10))
SERIES = ("AUD", "GBP", "CAD", "CHF", "CNY", "JPY", "NZD", "SGD")


def load() -> Panel:
    """All rates as daily bars whose open is the close before; the dates are an order only."""
    shared = Path(os.environ.get("FORECASTLE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    path = shared / "data" / "exchange_rate" / "exchange_rate.txt.gz"
    if not path.is_file():
        sys.exit("the exchange rates are absent: set FORECASTLE_SHARED to the folder that holds data/exchange_rate")
    with gzip.open(path) as stream:
        rates = np.loadtxt(stream, delimiter=",")
    day = np.timedelta64(1, "D").astype(SPAN)
    time = np.datetime64("1990-01-01", "us").astype(TIME) + np.arange(len(rates)) * day
    bars = []
    for name, close in sorted(zip(SERIES, rates.T, strict=True)):
        open_ = np.concatenate([close[:1], close[:-1]])
        high, low = np.maximum(open_, close), np.minimum(open_, close)
        bars.append(Bars(name, day, time, open_, high, low, close, calendar=False))
    return Panel(tuple(bars))


def split(config: Config, panel: Panel) -> Sample:
    """Windows of training and validation with all labels before row 6071, and the 40 windows of the test."""
    sample = make_sample(config, panel, compute_features(config, panel))
    context = sample.windows.context
    length = len(next(iter(panel)))
    origin = context.row - context.symbol * length
    last = origin + HORIZON
    first = TRAIN_ROWS - VALIDATION_ROWS
    test = np.isin(origin, TRAIN_ROWS - 1 + HORIZON * np.arange(WINDOWS))
    train, validation = last < first, (origin >= first) & (last < TRAIN_ROWS)
    parts = [np.flatnonzero(part) for part in (train, validation, test)]
    return Sample(sample.windows, (Fold(*parts, purged=int(((origin < first) & (last >= first)).sum())),))


@dataclass(frozen=True)
class Score:
    """CRPS as the papers have it, and the share of values inside the central 80 %."""

    crps: float
    coverage: float


def score(forecast: Forecast, asked: Windows) -> Score:
    """Mean over the levels .1 … .9 of twice the pinball loss of the price, over the sum of all prices."""
    found = forecast.quantiles(LEVELS) if isinstance(forecast, SampleForecast) else forecast
    chosen = [int(np.argmin(np.abs(np.array(found.levels) - level))) for level in LEVELS]
    start = np.exp(asked.context.past[:, -1])[:, None]
    quantiles: FloatArray = start[:, :, None] * np.exp(found.values[:, :, chosen].astype(float))
    price = start * np.exp(asked.target)
    error = price[:, :, None] - quantiles
    loss = 2 * np.maximum(np.array(LEVELS) * error, (np.array(LEVELS) - 1) * error)
    inside = (price >= quantiles[:, :, 0]) & (price <= quantiles[:, :, -1])
    return Score(float(loss.sum(axis=(0, 1)).mean() / price.sum()), float(inside.mean()))
