"""The candle store beside what its databases do by themselves: import, reading all, and the newest bars of many.

Four comparisons, each timed in turn and told as a ratio pair by pair:

- import of one million one-minute bars from CSV into the embedded store, judged and cleaned on the way, against
  DuckDB's own ``read_csv`` into a table with the same key (wanted: at most 2),
- reading all of them as the table that a run starts from, against DuckDB's own Arrow read (wanted: at most 1.5),
- the newest 512 of ten million bars, embedded (wanted: at most 10 ms) and, where PostgreSQL's server programs are
  installed, from a server that this script starts (wanted: at most 5 ms at the median); and of a CSV file's million,
- memory: the most that a process needs beyond what it needs before it reads, for the newest 512 and for all of them
  (wanted: at most 2 %).
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
from measure import machine, spread

from forecastle.arrays import SPAN, TIME
from forecastle.data.bars import Bars, Panel
from forecastle.data.files import CsvSource
from forecastle.data.loading import load
from forecastle.data.quality import QualityPolicy
from forecastle.data.store.candle_store import CandleStore
from forecastle.data.store.exporting import export_series
from forecastle.data.store.importing import import_panel
from forecastle.data.store.source import StoreSource

KEYED = """
CREATE TABLE candles (symbol VARCHAR NOT NULL, "interval" VARCHAR NOT NULL, time TIMESTAMP NOT NULL, open DOUBLE,
high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE, spread DOUBLE, PRIMARY KEY (symbol, "interval", time))
"""
COPY = "INSERT INTO candles SELECT symbol, '1min', time, open, high, low, close, volume, NULL FROM read_csv(?)"
ALL = "SELECT time, open, high, low, close, volume FROM candles"

RECENT = 512

MEMORY = """
import sys
from forecastle.data.store.source import StoreSource

def status(name):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])

url, what = sys.argv[1:]
source = StoreSource(url, ["B"])
source.recent(1)
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")
before = status("VmRSS")
source.recent(512) if what == "recent" else source.history()
print(status("VmHWM") - before)
"""
"""Prints kilobytes: the peak while reading, less what the process held before, when everything was imported."""


def candles(symbol: str, count: int, seed: int) -> Bars:
    """One-minute candles of a random walk, with five decimals and a whole volume, as files have them."""
    random = np.random.default_rng(seed)
    close = np.round(np.exp(np.cumsum(random.normal(0, 1e-4, count))), 5)
    open_ = np.concatenate([[1.0], close[:-1]])
    high = np.round(np.maximum(open_, close) + np.abs(random.normal(0, 1e-4, count)), 5)
    low = np.round(np.minimum(open_, close) - np.abs(random.normal(0, 1e-4, count)), 5)
    minute = np.timedelta64(1, "m").astype(SPAN)
    moments = np.datetime64("2005-01-01", "us").astype(TIME) + np.arange(count) * minute
    return Bars(symbol, minute, moments, open_, high, low, close, random.integers(1, 500, count).astype(float))


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(what: str, ours: Callable[[], object], theirs: Callable[[], object], count: int, wanted: float) -> None:
    """Time two ways in turn and print both and their ratio."""
    ours(), theirs()
    timed = [(seconds(ours), seconds(theirs)) for _ in range(count)]
    print(what)
    print(f"  ours                           {spread([one for one, _ in timed])} s")
    print(f"  DuckDB by itself               {spread([other for _, other in timed])} s")
    print(f"  ratio (wanted: at most {wanted})    {spread([one / other for one, other in timed])}")


def importing(file: Path, folder: Path, count: int) -> None:
    """CSV into a store."""

    def ours() -> None:
        (folder / "ours.duckdb").unlink(missing_ok=True)
        panel, _ = load(CsvSource(str(file)), QualityPolicy())
        import_panel(panel, CandleStore(str(folder / "ours.duckdb")))

    def theirs() -> None:
        (folder / "theirs.duckdb").unlink(missing_ok=True)
        with duckdb.connect(str(folder / "theirs.duckdb")) as connection:
            connection.execute(KEYED)
            connection.execute(COPY, [str(file)])

    compare("import 1 M bars from CSV", ours, theirs, count, 2)


def reading(folder: Path, count: int) -> None:
    """A store into a table."""

    def theirs() -> None:
        with duckdb.connect(str(folder / "theirs.duckdb"), read_only=True) as connection:
            connection.sql(ALL).to_arrow_table()

    source = StoreSource(str(folder / "ours.duckdb"))
    compare("read 1 M bars", source.history, theirs, count, 1.5)


def newest(source: StoreSource | CsvSource, what: str, wanted: float, count: int) -> None:
    """The newest bars of many."""
    assert len(source.recent(RECENT)) == RECENT
    timed = [1000 * seconds(lambda: source.recent(RECENT)) for _ in range(20 * count)]
    print(f"recent({RECENT}) of {what}")
    print(f"  each time (wanted: at most {wanted})   {spread(timed)} ms")


def memory(url: str, what: str) -> None:
    """Peaks of two processes."""
    peaks = {}
    for reads in ("recent", "all"):
        command = [sys.executable, "-c", MEMORY, url, reads]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[reads] = int(done.stdout) / 1024
    share = 100 * peaks["recent"] / peaks["all"]
    print(
        f"  memory, {what}: {peaks['recent']:.1f} MiB for {RECENT}, {peaks['all']:.1f} MiB for all: {share:.2f} % "
        "(wanted: at most 2)"
    )


@contextmanager
def postgres() -> Iterator[str | None]:
    """URL of a server of our own on loopback, or None where its programs are absent."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [Path(shutil.which("initdb") or "/absent/x").parent]
    programs = found[-1]
    if not (programs / "initdb").exists():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="forecastle-pg-") as name:
        prefix = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(name, owner.pw_uid, owner.pw_gid)
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

        def do(program: str, *words: str) -> None:
            command = [*prefix, str(programs / program), "-D", f"{name}/data", *words]
            subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        do("initdb", "-U", "bench", "-A", "trust")
        port = 20_000 + os.getpid() % 20_000
        options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={name}"
        do("pg_ctl", "-w", "-l", f"{name}/log", "-o", options, "start")
        try:
            yield f"postgresql://bench@127.0.0.1:{port}/postgres"
        finally:
            do("pg_ctl", "-m", "immediate", "stop")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=9, help="pairs of measurements (default 9)")
    parser.add_argument("--many", type=int, default=10_000_000, help="bars that the newest are read of")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import_panel(Panel((candles("A", 1_000_000, 1),)), CandleStore(str(folder / "from.duckdb")))
        export_series(CandleStore(str(folder / "from.duckdb")), "A", folder / "bars.csv")
        importing(folder / "bars.csv", folder, given.n)
        reading(folder, given.n)
        newest(CsvSource(str(folder / "bars.csv"), symbols=["A"]), "1 M bars in a CSV file", 10, given.n)
        many = Panel((candles("B", given.many, 2),))
        store = CandleStore(str(folder / "many.duckdb"))
        took = seconds(lambda: import_panel(many, store))
        print(f"({given.many:,} bars were imported in {took:.1f} s)")
        newest(StoreSource(store.address.url, ["B"]), "10 M bars, embedded", 10, given.n)
        memory(store.address.url, "embedded")
        with postgres() as url:
            if url is None:
                print("PostgreSQL's server programs are absent: not measured")
                return
            took = seconds(lambda: import_panel(many, CandleStore(url)))
            print(f"({given.many:,} bars were imported into PostgreSQL in {took:.1f} s)")
            newest(StoreSource(url, ["B"]), "10 M bars, PostgreSQL", 5, given.n)
            memory(url, "PostgreSQL")


if __name__ == "__main__":
    main()
