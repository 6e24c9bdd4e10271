"""Execution: what is remembered between runs, seeds, threads, and what steps cost."""

from __future__ import annotations

import random

import numpy as np
import pytest

from forecastle.runs.execution import Memory, Steps, limited_threads, seed_everything


def test_the_memory_computes_a_key_once() -> None:
    memory = Memory()
    made: list[int] = []
    for _ in range(3):
        assert memory.get("key", lambda: made.append(1) or len(made)) == 1  # type: ignore[func-returns-value]
    assert made == [1]


def test_the_memory_lets_the_longest_unused_entry_go() -> None:
    memory = Memory(entries=2)
    made: list[str] = []

    def ask(key: str) -> None:
        memory.get(key, lambda: made.append(key))

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert made == ["a", "b", "c", "b"], "c took the place of b, not of a, which was asked for later"


def test_what_fails_is_not_remembered() -> None:
    memory = Memory()

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        memory.get("key", fail)
    assert memory.get("key", lambda: 7) == 7


def test_one_seed_gives_the_same_draws_again() -> None:
    draws = []
    for _ in range(2):
        seed_everything(5)
        draws.append((random.random(), np.random.random()))  # noqa: NPY002  the global state is meant
    assert draws[0] == draws[1]
    seed_everything(6)
    assert (random.random(), np.random.random()) != draws[0]  # noqa: NPY002


def test_steps_stand_in_their_order_with_seconds_and_memory() -> None:
    steps = Steps()
    with steps.step("fit"):
        pass
    with steps.step("score"):
        pass
    assert [step["name"] for step in steps.done] == ["fit", "score"]
    assert all(step["seconds"] >= 0 and step["peak_mb"] > 10 for step in steps.done)


def test_the_threads_of_torch_are_those_of_the_run_and_then_what_they_were() -> None:
    import torch

    before = torch.get_num_threads()
    for threads in (1, 2):
        with limited_threads(threads):
            assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == before
