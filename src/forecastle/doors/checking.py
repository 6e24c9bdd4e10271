"""`forecastle check`: whether indicators look ahead or claim too short a warm-up, on the user's own candles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecastle.config.compose import compose
from forecastle.config.schema import Config
from forecastle.data.bars import Bars, Panel
from forecastle.errors import ConfigError, FeatureError
from forecastle.features.causality import Verdict, check
from forecastle.features.frame import NEEDS, Indicator
from forecastle.features.timeframes import build_indicators
from forecastle.pipeline import load_bars

NEWEST = 2000
"""Newest bars of each symbol that are looked at, beside ten times the warm-up."""

POINTS = 40
"""Bars at which the future is cut off and changed; an indicator is computed some hundred times."""


@dataclass(frozen=True)
class Finding:
    """What was found about one column, the worst of all symbols.

    Parameters
    ----------
    indicator
        Name under which it was chosen.
    symbol
        Where it was found.
    verdict
        The column's verdict.
    """

    indicator: str
    symbol: str
    verdict: Verdict

    @property
    def words(self) -> str:
        """What is wrong, or ``ok``."""
        told = []
        if self.verdict.ahead:
            told.append(f"LOOKS AHEAD by {self.verdict.ahead} {_bars(self.verdict.ahead)} or more")
        if self.verdict.needed is None:
            told.append("no history is long enough (it remembers its first bar, or is not finite after its warm-up)")
        elif self.verdict.needed > self.verdict.claimed:
            told.append(f"NEEDS {self.verdict.needed} {_bars(self.verdict.needed)} of warm-up")
        return "; ".join(told) or "ok"


def run(words: Sequence[str]) -> int:
    """Check the indicators of a configuration on its bars and print a table of their columns.

    Parameters
    ----------
    words
        Overrides, as for ``forecastle run``.

    Returns
    -------
    int
        0, or 1 where a column looks ahead or claims too short a warm-up.

    Raises
    ------
    ForecastleError
        If the configuration cannot be composed, the bars cannot be read, or an indicator cannot be tried on them.
    """
    if flags := [word for word in words if word.startswith("-")]:
        raise ConfigError(f"forecastle check takes overrides such as indicator=rsi data=sp500, got {' '.join(flags)}")
    config = compose(words)
    panel, _ = load_bars(config)
    findings, left_out = examine(config, panel)
    print(render(findings, left_out, panel))
    return 0 if all(finding.verdict.ok for finding in findings) else 1


def examine(config: Config, panel: Panel) -> tuple[list[Finding], dict[str, str]]:
    """Try every indicator on every symbol.

    Returns
    -------
    list of Finding
        One for each column: the first symbol on which something is wrong with it, or else the first symbol.
    dict
        Indicators that cannot be tried for want of volume or trusted dates, with the reason.
    """
    findings: list[Finding] = []
    left_out: dict[str, str] = {}
    built = build_indicators(config.indicator, panel.interval, config.timeframes, config.day_start)
    for name, indicator in built.items():
        symbols = [bars for bars in panel if all(NEEDS[need](bars) for need in indicator.needs)]
        if not symbols:
            left_out[name] = f"needs {' and '.join(indicator.needs)}, which is missing here"
            continue
        tried = [_try(name, indicator, bars) for bars in symbols]
        for column in zip(*tried, strict=True):
            findings.append(next((finding for finding in column if not finding.verdict.ok), column[0]))
    return findings, left_out


def render(findings: Sequence[Finding], left_out: dict[str, str], panel: Panel) -> str:
    """The table of columns, what was left out, and a line that counts."""
    width = max([len(finding.verdict.column) for finding in findings] + [len("column")])
    lines = [f"{'column':{width}}  {'warm-up':>7}  verdict"]
    for finding in findings:
        where = "" if finding.verdict.ok or len(panel) == 1 else f" ({finding.symbol})"
        lines.append(f"{finding.verdict.column:{width}}  {finding.verdict.claimed:7}  {finding.words}{where}")
    lines += [f"{name}: not tried, {reason}" for name, reason in left_out.items()]
    ahead = sum(finding.verdict.ahead > 0 for finding in findings)
    short = sum(finding.verdict.needed != finding.verdict.claimed for finding in findings)
    lines.append(
        f"{len(findings)} columns on {', '.join(panel.symbols[:3])}{' …' if len(panel) > 3 else ''}: "
        f"{ahead} look ahead, {short} need more warm-up than they claim"
    )
    return "\n".join(lines)


def _try(name: str, indicator: Indicator, bars: Bars) -> list[Finding]:
    """Verdicts of one indicator on the newest bars of one symbol."""
    newest = bars[max(len(bars) - NEWEST - 10 * indicator.warmup, 0) :]
    try:
        return [Finding(name, bars.symbol, verdict) for verdict in check(indicator, newest, POINTS)]
    except FeatureError:
        raise
    except Exception as error:
        raise FeatureError(f"{bars.symbol}: indicator {name!r} failed: {type(error).__name__}: {error}") from error


def _bars(count: int) -> str:
    return "bar" if count == 1 else "bars"
