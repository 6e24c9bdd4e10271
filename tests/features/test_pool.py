"""Calls side by side."""

from __future__ import annotations

import os
import threading
from typing import Any

import joblib
import pytest
from joblib.parallel import ThreadingBackend, register_parallel_backend
from threadpoolctl import threadpool_info

from forecastle.errors import ConfigError
from forecastle.features.pool import reach, run


def power(base: int, exponent: int) -> int:
    return base**exponent


def where(_: int) -> tuple[int, int, list[int]]:
    return os.getpid(), threading.get_ident(), [library["num_threads"] for library in threadpool_info()]


def fail(number: int) -> int:
    if number == 2:
        raise ConfigError("two")
    return number


CALLS = [(base, 3) for base in range(20)]


@pytest.mark.parametrize(("workers", "pool"), [(1, "thread"), (2, "thread"), (2, "process"), (3, "process")])
def test_results_come_in_the_order_of_the_calls(workers: int, pool: str) -> None:
    assert list(run(power, CALLS, workers, pool)) == [base**3 for base in range(20)]


@pytest.mark.parametrize(("workers", "pool"), [(1, "thread"), (2, "thread"), (2, "process")])
def test_the_work_is_done_where_it_should_be_by_libraries_of_one_thread(workers: int, pool: str) -> None:
    found = list(run(where, [(number,) for number in range(4)], workers, pool))
    processes, threads = {each[0] for each in found}, {each[1] for each in found}
    assert (os.getpid() in processes) == (pool == "thread")
    assert (threading.get_ident() in threads) == (workers == 1)
    assert all(set(each[2]) <= {1} for each in found)


@pytest.mark.parametrize(("workers", "pool"), [(1, "thread"), (2, "thread"), (2, "process")])
def test_an_error_is_raised_as_it_is(workers: int, pool: str) -> None:
    with pytest.raises(ConfigError, match="two"):
        list(run(fail, [(number,) for number in range(4)], workers, pool))


@pytest.mark.parametrize("one_by_one", [True, False])
def test_processes_may_be_those_of_any_backend_of_joblib(one_by_one: bool) -> None:
    """Ray and Dask bring such a backend; here one that writes down what it was given stands for them.

    Ray's gives its results all at once, at the end.
    """
    seen: list[Any] = []

    class Elsewhere(ThreadingBackend):
        supports_return_generator = one_by_one

        def submit(self, func: Any, callback: Any = None) -> Any:
            seen.append(func)
            return super().submit(func, callback)

    register_parallel_backend("elsewhere", Elsewhere)
    with joblib.parallel_config(backend="elsewhere"):
        assert reach(2, "process") == "anywhere"
        assert list(run(power, CALLS, 2, "process")) == [base**3 for base in range(20)]
    assert seen


@pytest.mark.parametrize(
    ("workers", "pool", "place"),
    [(1, "thread", "here"), (1, "process", "here"), (2, "thread", "here"), (2, "process", "machine")],
)
def test_joblibs_own_processes_are_on_this_machine(workers: int, pool: str, place: str) -> None:
    assert reach(workers, pool) == place


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": "proces"}, "pool must be thread or process, got 'proces'; did you mean 'process'"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
    ],
)
def test_words_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        list(run(power, CALLS, **options))
