"""Whether a sweep of 200 settings on noise is called luck, and a planted annual Sharpe ratio of 2 is called skill.

Returns of each setting are drawn daily over ten years: independent normal ones, and with half their variance shared,
as settings of one model on one market are. Printed: of how many seeds the verdict is right. Wanted: luck at least 90
of 100, skill at least 80 of 100.

Then, why `forecastle.comparison.trials.FEWEST` accounts are wanted: accounts without skill, few of many trials, over
1,000 days, with none, half and nearly all of their variance shared. Printed: in how many of 100 seeds the best is
called skill, at its worst over the numbers of trials, and how far off the expected luckiest ratio typically is.

    python benchmarks/luck_of_sweeps.py [-n SEEDS]
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from forecastle.comparison.trials import FEWEST
from forecastle.evaluation.luck import SURE, backtest_overfitting, deflated_sharpe

SETTINGS, YEARS, DAYS = 200, 10, 252


def drawn(seed: int, shared: float, sharpe: float) -> np.ndarray:
    """Returns (T, N); the first setting has the annual Sharpe ratio `sharpe`, all others none."""
    random = np.random.default_rng(seed)
    count = YEARS * DAYS
    own = random.standard_normal((count, SETTINGS))
    returns = math.sqrt(1 - shared) * own + math.sqrt(shared) * random.standard_normal((count, 1))
    returns[:, 0] += sharpe / math.sqrt(DAYS)
    return 0.01 * returns


def main(seeds: int) -> None:
    print(f"{SETTINGS} settings, {YEARS} years of {DAYS} days, {seeds} seeds; sure from {SURE}")
    for shared in (0.0, 0.5):
        for sharpe in (0.0, 2.0):
            probability, overfit = [], []
            for seed in range(seeds):
                returns = drawn(seed, shared, sharpe)
                probability.append(deflated_sharpe(returns).probability)
                overfit.append(backtest_overfitting(returns).probability)
            found = sum(value >= SURE for value in probability)
            right = f"skill {found}" if sharpe else f"luck {seeds - found}"
            spread = np.quantile(overfit, (0.05, 0.5, 0.95)).round(2).tolist()
            print(
                f"shared variance {shared:.1f}, planted Sharpe {sharpe:.0f}: called {right} of {seeds}; "
                f"backtest overfitting 5/50/95 %: {spread}"
            )


def few(seeds: int) -> None:
    """Print what becomes of the verdict where the spread of ratios is estimated from few accounts."""
    print(f"\nfewest accounts wanted: {FEWEST}; noise over 1000 days, {seeds} seeds")
    for count in (2, 3, 5, 10, 20, 50):
        told = []
        for shared in (0.0, 0.5, 0.95):
            called, expected = dict.fromkeys((count, 50, 200), 0), []
            for seed in range(seeds):
                random = np.random.default_rng(seed)
                own, common = random.standard_normal((1000, count)), random.standard_normal((1000, 1))
                returns = math.sqrt(1 - shared) * own + math.sqrt(shared) * common
                for trials in called:
                    found = deflated_sharpe(returns, trials)
                    called[trials] += found.probability >= SURE
                expected.append(found.expected)
            off = float(np.std(expected) / np.mean(expected))
            told.append(f"{100 * max(called.values()) / seeds:.1f} of 100 (off by {100 * off:.0f} %)")
        print(f"{count:3} accounts, shared variance 0, .5, .95: called skill {', '.join(told)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=100, help="seeds")
    asked = parser.parse_args().n
    main(asked)
    few(4 * asked)
