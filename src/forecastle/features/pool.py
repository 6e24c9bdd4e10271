"""The pool: calls of a pure function, one after the other or side by side in threads or processes."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from forecastle.errors import ConfigError, nearest
from forecastle.runs.execution import limited_threads

T = TypeVar("T")

POOLS = ("thread", "process")


def reach(workers: int = 1, pool: str = "thread") -> str:
    """How far away `run` makes its calls.

    Returns
    -------
    str
        ``here``: in this process. ``machine``: in joblib's own processes, beside this one. ``anywhere``: wherever the
        backend of joblib takes them that ``joblib.parallel_config`` chose (Ray, Dask).

    Raises
    ------
    ConfigError
        If `pool` is neither word or `workers` is below 1.
    """
    if pool not in POOLS:
        raise ConfigError(f"pool must be thread or process, got {pool!r}{nearest(pool, POOLS)}")
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}")
    if workers == 1 or pool == "thread":
        return "here"
    from joblib.parallel import LokyBackend, get_active_backend

    return "machine" if type(get_active_backend(prefer="processes")[0]) is LokyBackend else "anywhere"


def run(
    task: Callable[..., T], calls: Sequence[tuple[Any, ...]], workers: int = 1, pool: str = "thread"
) -> Iterable[T]:
    """Call a function with each tuple of arguments and give the results in this order, as they come.

    The libraries that it calls (BLAS, OpenMP) have one thread, here and in every worker: sums in another order are
    other numbers.

    Parameters
    ----------
    task
        A function of a module, without side effects.
    calls
        Its arguments; for processes they can be pickled.
    workers
        How many calls are made at once.
    pool
        ``thread``: in this process; what holds Python's lock does not run at once. ``process``: joblib's processes,
        which live on between calls, or the backend of joblib that ``joblib.parallel_config`` chose: for Ray, install
        the extra ``ray``, call ``ray.util.joblib.register_ray()`` and then this in
        ``with joblib.parallel_config(backend="ray")`` (scripts/on_ray.py does).

    Raises
    ------
    ConfigError
        If `pool` is neither word or `workers` is below 1.
    """
    place = reach(workers, pool)
    if workers == 1 or len(calls) == 1:
        with limited_threads(1):
            for arguments in calls:
                yield task(*arguments)
        return
    import joblib

    kind = {"require": "sharedmem"} if place == "here" else {"prefer": "processes"}
    backend, _ = joblib.parallel.get_active_backend(**kind)
    order = "generator" if backend.supports_return_generator else "list"  # Ray gives all results at the end
    if place == "machine":
        _begin_tracker()
    parallel = joblib.Parallel(workers, return_as=order, max_nbytes=None, **kind)
    with limited_threads(1):
        yield from _given_up(parallel(joblib.delayed(_limited)(task, arguments) for arguments in calls))


def _begin_tracker() -> None:
    """Begin Python's process that looks after the others', which unblocks Ctrl-C here as it does.

    What the main thread has blocked for a sweep stays blocked, and with it in the processes that begin next.
    """
    from multiprocessing import resource_tracker

    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _given_up(results: Iterable[T]) -> Iterator[T]:
    """The results; where the rest is not wanted any more, the calls are ended without joblib's advice about it."""
    try:
        for result in results:  # noqa: UP028  `yield from` would end them before the advice is silenced
            yield result
    except GeneratorExit:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*tasks have been successfully executed +but not used.*")
            warnings.filterwarnings("ignore", ".*tasks which were still being processed.*")
            if isinstance(results, Generator):
                results.close()
        raise


def _limited(task: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    with limited_threads(1):
        return task(*arguments)
