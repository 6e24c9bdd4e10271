from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from forecastle.data.retry import Retry, retry_policy
from forecastle.errors import ConfigError, DataError, ForecastleError


class Clock:
    """Waits without waiting, and remembers how long."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def failing(*outcomes: Exception | str) -> Callable[[], str]:
    left = list(outcomes)

    def action() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return action


def passing(error: Exception) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError))


def tell(error: Exception) -> ForecastleError:
    return DataError(f"db.example: {error}")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("forecastle"), "propagate", True)
    caplog.set_level("WARNING", "forecastle")
    return caplog


@pytest.mark.parametrize(("name", "waits"), [("research", [1, 2, 4]), ("inference", [0.5, 1, 2])])
def test_three_more_tries_come_after_the_waits_of_the_policy(name: str, waits: list[float]) -> None:
    clock = Clock()
    retry = Retry(retry_policy(name).waits, sleep=clock)
    action = failing(ConnectionError("1"), TimeoutError("2"), ConnectionError("3"), "done")
    assert retry(action, passing=passing, tell=tell) == "done"
    assert len(clock.waits) == 3
    for waited, wait in zip(clock.waits, waits, strict=True):
        assert wait <= waited <= 1.25 * wait
    assert clock.waits != waits, "the waits have jitter"


def test_without_jitter_the_waits_are_exact() -> None:
    clock = Clock()
    Retry((1, 2, 4), jitter=0, sleep=clock)(failing(*[TimeoutError("no")] * 3, "done"), passing=passing, tell=tell)
    assert clock.waits == [1, 2, 4]


def test_every_try_is_logged_and_the_last_error_is_raised(told: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with pytest.raises(DataError, match=r"^db\.example: fourth \(4 tries\)$") as error:
        Retry((1, 2, 4), jitter=0, sleep=clock)(
            failing(*(TimeoutError(word) for word in ("first", "second", "third", "fourth"))),
            passing=passing,
            tell=tell,
        )
    assert isinstance(error.value.__cause__, TimeoutError)
    assert told.messages == [
        "try 1 of 4 failed: db.example: first; again in 1.0 s",
        "try 2 of 4 failed: db.example: second; again in 2.0 s",
        "try 3 of 4 failed: db.example: third; again in 4.0 s",
        "try 4 of 4 failed: db.example: fourth",
    ]


def test_an_error_that_does_not_pass_is_told_at_once(told: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with pytest.raises(DataError, match=r"^db\.example: wrong column$"):
        Retry((1, 2, 4), sleep=clock)(failing(ValueError("wrong column")), passing=passing, tell=tell)
    assert clock.waits == []
    assert told.messages == []


def test_an_error_of_ours_passes_unchanged_and_is_not_tried_again() -> None:
    clock = Clock()
    ours = ConfigError("symbols must name at least one")
    with pytest.raises(ConfigError) as error:
        Retry((1,), sleep=clock)(failing(ours, "done"), passing=lambda error: True, tell=tell)
    assert error.value is ours
    assert clock.waits == []


def test_off_tries_once() -> None:
    with pytest.raises(DataError, match=r"^db\.example: away$"):
        retry_policy("off")(failing(ConnectionError("away"), "done"), passing=passing, tell=tell)


def test_an_interrupt_is_never_tried_again() -> None:
    clock = Clock()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Retry((1,), sleep=clock)(interrupted, passing=lambda error: True, tell=tell)
    assert clock.waits == []


def test_the_global_random_state_is_left_alone() -> None:
    import random

    before = random.getstate()
    Retry((1, 2), sleep=Clock())(failing(TimeoutError(), TimeoutError(), "done"), passing=passing, tell=tell)
    assert random.getstate() == before


def test_a_node_sets_waits_and_jitter() -> None:
    policy = retry_policy({"waits": [0.1, 3], "jitter": 0})
    assert (policy.waits, policy.jitter) == ((0.1, 3.0), 0.0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("reserch", "retry must be one of research, inference, off, got 'reserch'; did you mean 'research'"),
        ({"wait": [1]}, "retry may hold waits and jitter, got 'wait'; did you mean 'waits'"),
        ({"waits": 3}, "waits must be a list of seconds"),
        ({"waits": ["1"]}, "waits must be a list of seconds"),
        ({"waits": [True]}, "waits must be a list of seconds"),
        ({"waits": [-1]}, "must not be below zero"),
        ({"jitter": float("-inf")}, "must not be below zero"),
    ],
)
def test_a_setting_that_cannot_be_is_told(setting: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        retry_policy(setting)  # type: ignore[arg-type]
