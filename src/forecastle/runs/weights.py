"""The weights of runs: who keeps them, and how those that nobody keeps are dropped.

A run is *held* by each sweep that counts it among its best, or has it in work, and by whoever asked for it by itself:
a line each of the file ``runs/.holders/RUN``. What nobody holds and nobody protects loses the folder ``model/``; a
file ``dropped.json`` stays in its place and says why. Which runs are the best of a sweep, for each question, stands in
its ``best.json``. All this changes under one lock of the store, which ends with the process that has it. A process that
is killed leaves lines at worst, which keep weights and drop none.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.errors import RunError
from forecastle.runs.claim import claim
from forecastle.runs.process import process
from forecastle.runs.store import Run, read_json, write_json, write_text
from forecastle.runs.tags import tags_of

ALONE = "alone"
"""The holder of a run that was asked for by itself."""


@dataclass(frozen=True)
class Standing:
    """How good a run of a sweep is.

    Parameters
    ----------
    question
        Names what it answers: only runs with the same are ranked among each other.
    loss
        Its objective on the validation part, the lower the better; None, where it is undefined, comes last.
    ratio
        By which runs of the same loss are told apart, the higher the better: its Sharpe ratio, where it was traded, or
        what its search goes by next.
    """

    question: str
    loss: float | None
    ratio: float | None = None


@dataclass(frozen=True)
class Reason:
    """Why a run has no weights.

    Parameters
    ----------
    sweep
        Id of the sweep that dropped them.
    best
        How many of its runs keep theirs.
    """

    sweep: str
    best: int

    def __str__(self) -> str:
        """For people."""
        return f"sweep {self.sweep} keeps those of {f'its best {self.best}' if self.best else 'no run'}"


@contextmanager
def held(store: Path, run: str, holder: str) -> Iterator[None]:
    """Hold a run from here on; where the block fails and there is no such run, as if it had never been held."""
    with _lock(store):
        _hold(store, run, {*_holders(store, run), holder})
    try:
        yield
    except BaseException:
        if not (store / run / paths.MANIFEST).is_file():
            with _lock(store):
                _hold(store, run, _holders(store, run) - {holder})
        raise


def settle(store: Path, sweep: str, run: str, standing: Standing, best: int | None) -> None:
    """Count a finished run of a sweep, which it holds, among the best or not, and drop the weights that nobody holds.

    Parameters
    ----------
    store
        Folder of the runs.
    sweep
        Id of the sweep.
    run
        Id of the run.
    standing
        How good it is.
    best
        So many runs keep their weights, of those that answer the same question; None: all.
    """
    with _lock(store):
        board = _board(store / paths.SWEEPS / sweep / paths.BEST)
        kept, rest = _parted(board.get(standing.question, []), run, standing, best)
        _keep(store, sweep, board, standing.question, kept, rest)


def trim(store: Path, sweep: str, best: int) -> None:
    """Drop the weights of the runs of a sweep that are not among so many of its best; arguments as in `settle`."""
    with _lock(store):
        board = _board(store / paths.SWEEPS / sweep / paths.BEST)
        for question, order in list(board.items()):
            _keep(store, sweep, board, question, order[:best], order[best:])


def recount(store: Path, sweep: str, runs: Collection[str]) -> None:
    """Take runs of a sweep, whose jobs are run again, off the list of its best; their weights stay until `leave`."""
    if not runs:
        return
    place = store / paths.SWEEPS / sweep / paths.BEST
    with _lock(store):
        if board := _board(place):
            left = {question: [each for each in order if each[-1] not in runs] for question, order in board.items()}
            write_json(place, left, durable=False)


def leave(store: Path, sweep: str, run: str, best: int | None) -> None:
    """Let go of a run whose job has another one by now; arguments as in `settle`."""
    with _lock(store):
        _let_go(store, run, Reason(sweep, best or 0))


def misses(store: Path, sweep: str, run: str, standing: Standing, best: int | None, folder: Path) -> Reason | None:
    """Why a run need not keep its weights, written down in the folder that it is about to become; None: it may.

    The best of a sweep only become better: a run that is not among them, and that nobody else holds, never will be. The
    other arguments are those of `settle`.
    """
    with _lock(store):
        if _holders(store, run) - {sweep}:
            return None
        board = _board(store / paths.SWEEPS / sweep / paths.BEST)
    _, rest = _parted(board.get(standing.question, []), run, standing, best)
    if run not in {each[-1] for each in rest}:
        return None
    why = Reason(sweep, best or 0)
    write_json(folder / paths.DROPPED, asdict(why), durable=False)  # all of the folder is put on disk later
    return why


def _parted(board: list[Any], run: str, standing: Standing, best: int | None) -> tuple[list[Any], list[Any]]:
    """The runs that keep their weights, and the others, once a run is counted."""
    order = [each for each in board if each[-1] != run] + [[standing.loss, standing.ratio, run]]
    order.sort(key=lambda each: (each[0] is None, each[0] or 0.0, each[1] is None, -(each[1] or 0.0), each[2]))
    return (order, []) if best is None else (order[:best], order[best:])


def reason(found: Run) -> str:
    """Why a run has no weights, for people."""
    try:
        return str(Reason(**read_json(found.folder / paths.DROPPED)))
    except (RunError, TypeError):
        return f"{found.folder / paths.MODEL} is missing: it was removed by hand"


def _keep(
    store: Path, sweep: str, board: dict[str, list[Any]], question: str, kept: list[Any], rest: list[Any]
) -> None:
    """Let go of the rest and write down what is kept.

    Whoever works with a run just now keeps its weights: it stays on the list until the next run has finished.
    """
    kept = kept + [each for each in rest if not _let_go(store, each[-1], Reason(sweep, len(kept)))]
    if kept != board.get(question):
        board[question] = kept
        place = store / paths.SWEEPS / sweep / paths.BEST
        place.parent.mkdir(parents=True, exist_ok=True)
        write_json(place, board, durable=False)


def _let_go(store: Path, run: str, why: Reason) -> bool:
    """Hold a run no more, and drop its weights where nobody else does; False where somebody works with it just now."""
    others = _holders(store, run) - {why.sweep}
    there = (store / run / paths.MODEL).is_dir()
    if there and not others and not _alone(store, run):
        with claim(store, run, wait=False) as mine:
            if not mine:
                return False
            if not tags_of(store, run):  # which are given under the same claim
                _drop(store, run, why)
    _hold(store, run, others)
    return True


def _drop(store: Path, run: str, why: Reason) -> None:
    write_json(store / run / paths.DROPPED, asdict(why), durable=False)
    aside = store / f".tmp-{process()}-weights-{run}"
    (store / run / paths.MODEL).rename(aside)  # there whole, or gone
    shutil.rmtree(aside, ignore_errors=True)


def _alone(store: Path, run: str) -> bool:
    """Whether a run was made by itself, or cannot tell."""
    try:
        return read_json(store / run / paths.MANIFEST).get("sweep") is None
    except RunError:
        return True


def _board(place: Path) -> dict[str, list[Any]]:
    """Loss, ratio and id of the best runs by question; a damaged list is begun anew, which drops nothing by itself."""
    with suppress(RunError, TypeError):
        found = read_json(place)
        if all(len(each) == 3 for order in found.values() for each in order):
            return found
    return {}


def _holders(store: Path, run: str) -> set[str]:
    with suppress(FileNotFoundError):
        return set((store / paths.HOLDERS / run).read_text().split())
    return set()


def _hold(store: Path, run: str, holders: set[str]) -> None:
    """Write down who holds a run."""
    place = store / paths.HOLDERS / run
    if not holders:
        place.unlink(missing_ok=True)
    elif holders != _holders(store, run):
        write_text(place, "".join(f"{each}\n" for each in sorted(holders)), durable=False)


@contextmanager
def _lock(store: Path) -> Iterator[None]:
    """One process at a time."""
    folder = store / paths.HOLDERS
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
