"""Workers: processes that import once and are given one job at a time; one that dies takes no other's job with it."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any

from forecastle.errors import ForecastleError
from forecastle.runs.stopping import Stop

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""What tells libraries at their import how many threads they may have, outside of what a run itself limits."""

PATIENCE = 3.0
"""Seconds that a worker has to clean up where it is told to stop now."""

Task = Callable[[Any, Any], Any]
"""Called by a worker with what all jobs share and with one job; a function of a module."""


class WorkerError(Exception):
    """What became of a job whose worker died, or that raised what cannot be sent between processes."""


class _Worker:
    def __init__(self, task: Task, shared: bytes, threads: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            code = f"from forecastle.runs.workers import serve; serve({theirs.fileno()})"
            environment = {**dict.fromkeys(THREADS, str(threads)), **os.environ}
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], pass_fds=(theirs.fileno(),), env=environment, stdin=subprocess.DEVNULL
            )
        self.connection = Connection(ours.detach())
        self.connection.send(sys.path)  # what is sent next may be found there only
        self.connection.send((task, shared))
        self.index = -1

    def give(self, index: int, job: Any) -> None:
        self.index = index
        self.connection.send(job)


class Crew:
    """So many workers at most, each begun when there is a job for it; they live until the crew is dismissed.

    Parameters
    ----------
    task
        What is done about a job.
    shared
        What all jobs share, pickled; sent to each worker once.
    count
        How many workers there are at most; the cores are divided among them.
    """

    def __init__(self, task: Task, shared: bytes, count: int) -> None:
        self.count = count
        self._begin = partial(_Worker, task, shared, max(1, cores() // count))
        self._idle: list[_Worker] = []

    def run(self, jobs: Sequence[Any], stop: Stop) -> Iterator[tuple[int, Any]]:
        """Have the workers do jobs, and give the index and the result of each as it ends.

        Parameters
        ----------
        jobs
            Can be pickled.
        stop
            Where it has been asked, no further job is begun, and those in progress are waited for.

        Yields
        ------
        tuple
            The index and what the task returned, or the exception that it raised; a WorkerError where the worker died.
        """
        waiting = deque(enumerate(jobs))
        busy: list[_Worker] = []
        try:
            while True:
                while waiting and len(busy) < self.count and not stop.asked:
                    busy.append(self._idle.pop() if self._idle else self._begin())
                    busy[-1].give(*waiting.popleft())
                if not busy:
                    return
                ready = wait([worker.connection for worker in busy])
                for worker in [each for each in busy if each.connection in ready]:
                    index, result, alive = _result(worker)
                    busy.remove(worker)
                    if alive:
                        self._idle.append(worker)
                    yield index, result
        finally:
            _end(busy)

    def dismiss(self) -> None:
        """Let the workers go."""
        for worker in self._idle:
            worker.connection.close()  # which ends it
        for worker in self._idle:
            worker.process.wait()
        self._idle.clear()


def cores() -> int:
    """Cores that this process may use, those of its container where it is in one."""
    import joblib

    return int(joblib.cpu_count())


def _result(worker: _Worker) -> tuple[int, Any, bool]:
    """Index of the job that a worker was given, what came of it, and whether the worker lives."""
    try:
        return worker.index, worker.connection.recv(), True
    except (EOFError, ConnectionError):
        worker.connection.close()
        code = worker.process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        why = " (the system was short of memory, or somebody killed it)" if code == -signal.SIGKILL else ""
        return worker.index, WorkerError(f"the worker of this job ended by {how}{why}"), False


def _end(busy: Sequence[_Worker]) -> None:
    """Stop workers now."""
    for worker in busy:
        worker.process.terminate()
    for worker in busy:
        try:
            worker.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        worker.connection.close()


def serve(descriptor: int) -> None:
    """A worker's life: do what is sent, answer, until nobody sends anything any more."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    connection = Connection(descriptor)
    try:
        sys.path[:] = connection.recv()
        task, content = connection.recv()
        shared = pickle.loads(content)
        while True:
            job = connection.recv()
            try:
                answer = task(shared, job)
            except (ForecastleError, OSError) as error:
                answer = error
            except Exception as error:  # noqa: BLE001  raised again in the process that waits for it
                answer = WorkerError(f"{type(error).__name__}: {error}")
            connection.send(answer)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
