"""`forecastle data`: bring candles into a store, write them out, list them, check them; look at a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forecastle import logs, paths
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.data.loading import load
from forecastle.data.quality import QualityReport
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.exporting import export_series
from forecastle.data.store.importing import import_panel
from forecastle.data.store.verification import verify
from forecastle.errors import ConfigError, nearest

USAGE = """\
usage: forecastle data VERB [ARGUMENT ...]

  import [KEY=VALUE ...]     read candles as `forecastle run` would, and bring them into the store
         corrections=refuse  import nothing where a stored candle has other values (else they are replaced and counted)
  export SYMBOL FILE         write a series to FILE.parquet, FILE.csv or FILE.csv.gz (interval=1h start=… end=…)
  list                       list symbols and intervals, the number of bars, the first and the last
  verify                     check every candle, and each series against what its imports wrote down
  inspect FILE               look at a file of candles and print the configuration that would read it

store=…         a DuckDB file, or a URL such as sqlite:///candles.sqlite or postgresql://user@host/database
                (default: data/candles.duckdb)
password_env=…  the name of the environment variable that holds the database's password
"""

STORE = ("store", "password_env")


def data(words: Sequence[str]) -> int:
    """Do one thing with candles and return the exit code: 1 where `verify` found a fault, else 0."""
    verbs = {"import": _import, "export": _export, "list": _list, "verify": _verify, "inspect": _inspect}
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if words else 2
    if words[0] not in verbs:
        raise ConfigError(f"no verb {words[0]!r}{nearest(words[0], verbs)} (there are: {', '.join(verbs)})")
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    return verbs[words[0]](words[1:])


def _import(words: Sequence[str]) -> int:
    """Read, judge and keep the candles of a source."""
    options, overrides = _options(words, (*STORE, "corrections"))
    store = _store(options)
    config = compose(overrides)
    logs.configure(config.log_level)
    panel, report = load(build(config.data, "data"), build(config.quality, "quality"), config.start, config.end)
    _print_quality(report)
    for done in import_panel(panel, store, options.get("corrections", "apply")):
        print(
            f"{done.series.title}: {done.added} added, {done.corrected} corrected, {done.unchanged} unchanged; "
            f"{done.series.count} in {store.address.shown}"
        )
    return 0


def _export(words: Sequence[str]) -> int:
    """Write a series to a file."""
    options, rest = _options(words, (*STORE, "interval", "start", "end"))
    _count(rest, 2, "forecastle data export SYMBOL FILE [interval=…] [start=…] [end=…] [store=…]")
    chosen = (options.get(name) for name in ("interval", "start", "end"))
    count = export_series(_store(options), rest[0], Path(rest[1]), *chosen)
    print(f"{count} bars of {rest[0]} written to {rest[1]}")
    return 0


def _list(words: Sequence[str]) -> int:
    """List the series."""
    options, rest = _options(words, STORE)
    _count(rest, 0, "forecastle data list [store=…]")
    found = _store(options).catalogue()
    width = max([6, *(len(series.symbol) for series in found)])
    print(f"{'symbol':{width}}  {'interval':8}  {'bars':>11}  {'first (UTC)':19}  {'last (UTC)':19}")
    for series in found:
        span = (_moment(series.first), _moment(series.last))
        print(f"{series.symbol:{width}}  {series.interval:8}  {series.count:11}  {span[0]:19}  {span[1]:19}")
    return 0


def _verify(words: Sequence[str]) -> int:
    """Check the store."""
    options, rest = _options(words, STORE)
    _count(rest, 0, "forecastle data verify [store=…]")
    verdicts = verify(_store(options))
    for verdict in verdicts:
        state = "; ".join(verdict.faults) or f"{verdict.series.count} bars, checksum {verdict.series.checksum}"
        print(f"{'FAULT' if verdict.faults else 'ok   '}  {verdict.series.title}: {state}")
    return 1 if any(verdict.faults for verdict in verdicts) else 0


def _inspect(words: Sequence[str]) -> int:
    """Look at a file."""
    _count(words, 1, "forecastle data inspect FILE")
    from forecastle.data.inspection import inspect

    print(inspect(Path(words[0])).text())
    return 0


def _store(options: dict[str, str]) -> CandleStore:
    return CandleStore(options.get("store", str(paths.STORE)), options.get("password_env"))


def _options(words: Sequence[str], names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The words that are options of these names, and the others."""
    options: dict[str, str] = {}
    rest = []
    for word in words:
        name, sign, value = word.partition("=")
        if sign and name in names:
            options[name] = value
        else:
            rest.append(word)
    return options, rest


def _count(words: Sequence[str], count: int, usage: str) -> None:
    if len(words) != count:
        raise ConfigError(f"usage: {usage}; got {' '.join(words) or 'no argument'}")


def _print_quality(report: QualityReport) -> None:
    """What was read, and where every row went."""
    for each in report.symbols:
        found = ", ".join(f"{finding.count} x {finding.kind} ({finding.policy})" for finding in each.findings)
        print(
            f"{each.symbol} {report.interval}: {each.rows_in} rows read, {each.dropped} dropped, {each.repaired} "
            f"repaired, {each.inserted} inserted{f'; {found}' if found else ''}"
        )


def _moment(moment: int) -> str:
    return str(np.datetime64(moment, "us").astype("datetime64[s]")).replace("T", " ")
