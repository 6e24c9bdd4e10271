"""The same work as `forecastle run model=ridge`, by hand: the yardstick of startup.py.

Read the packaged S&P 500 candles with pandas, compute twenty columns with TA-Lib, fit scikit-learn's ridge with a
held-out calibration, forecast quantiles for two parts, print their CRPS and that of a random walk.
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import talib
from sklearn.linear_model import Ridge

HORIZON = 5
LEVELS = np.arange(1, 40) / 40


def features(bars: pd.DataFrame) -> np.ndarray:
    """Twenty columns, shape (T, 20)."""
    high, low, close = (bars[name].to_numpy(float) for name in ("High", "Low", "Close"))
    volume = bars["Volume"].to_numpy(float)
    upper, middle, lower = talib.BBANDS(close, 20)
    line, signal, histogram = talib.MACD(close)
    slowk, slowd = talib.STOCH(high, low, close)
    columns = [
        *(np.log(close) - np.log(talib.MA(close, n)) for n in (5, 10, 20, 50)),
        talib.ATR(high, low, close) / close,
        *((close - lower) / (upper - lower), (upper - lower) / middle),
        *(line / close, signal / close, histogram / close),
        *(slowk, slowd),
        *(talib.RSI(close, 14), talib.CCI(high, low, close, 20), talib.ADX(high, low, close, 14)),
        *(talib.ROC(close, 10), talib.WILLR(high, low, close, 14)),
        *(talib.EMA(close, 10) / close, talib.EMA(close, 50) / close),
        talib.OBV(close, volume),
    ]
    return np.stack(columns, axis=1)


def crps(quantiles: np.ndarray, target: np.ndarray) -> float:
    """Mean over the levels of twice the pinball loss."""
    error = target[:, :, None] - quantiles
    return float(2 * np.maximum(LEVELS * error, (LEVELS - 1) * error).mean())


def main() -> None:
    folder = Path(importlib.util.find_spec("arch").origin).parent / "data" / "sp500"
    with gzip.open(folder / "sp500.csv.gz") as stream:
        bars = pd.read_csv(stream)
    bars["Date"] = pd.to_datetime(bars["Date"], format="%m/%d/%Y")
    log_close = np.log(bars["Close"].to_numpy(float))
    returns = pd.Series(np.diff(log_close, prepend=log_close[0]))
    scale = np.sqrt((returns**2).ewm(alpha=0.06).mean().to_numpy())
    x = features(bars)
    y = np.stack([np.roll(log_close, -step) - log_close for step in range(1, HORIZON + 1)], axis=1)
    rows = np.arange(300, len(x) - HORIZON)
    spread = scale[:, None] * np.sqrt(np.arange(1, HORIZON + 1))
    cut = rows[[int(0.6 * len(rows)), int(0.8 * len(rows))]]
    train = rows[rows < cut[0]]
    x = (x - x[train].mean(0)) / x[train].std(0)
    early, late = np.split(train, [int(0.75 * len(train))])
    model = Ridge(1000.0).fit(x[early], y[early] / spread[early])
    residual = np.quantile(y[late] / spread[late] - model.predict(x[late]), LEVELS, axis=0).T
    model = Ridge(1000.0).fit(x[train], y[train] / spread[train])
    normal = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    for part in (rows[(rows >= cut[0]) & (rows < cut[1])], rows[rows >= cut[1]]):
        ridge = spread[part][:, :, None] * (model.predict(x[part])[:, :, None] + residual)
        walk = spread[part][:, :, None] * normal
        print(f"ridge {crps(ridge, y[part]):.6f}  random walk {crps(walk, y[part]):.6f}")


if __name__ == "__main__":
    main()
