"""Retry: an action is tried again after waits, where the error is one that passes by itself."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from forecastle.errors import ConfigError, ForecastleError, nearest

T = TypeVar("T")

logger = logging.getLogger(__name__)

WAITS: dict[str, tuple[float, ...]] = {"research": (1, 2, 4), "inference": (0.5, 1, 2), "off": ()}
"""Seconds before the second, third and fourth try."""

JITTER = 0.25
"""A wait is made longer by up to this part of it, by chance, so that many clients do not come back at once."""


class Retry:
    """A policy: how often an action is tried again, and after which waits.

    Parameters
    ----------
    waits
        Seconds before the second try, the third, …; empty: one try only.
    jitter
        Each wait is made longer by a random part of it, up to this one.
    sleep
        Waits for some seconds; a test puts its own clock here.

    Raises
    ------
    ConfigError
        If a wait or the jitter is below zero.

    Examples
    --------
    >>> waited = []
    >>> tries = iter([TimeoutError("slow"), 5])
    >>> def ask():
    ...     answer = next(tries)
    ...     if isinstance(answer, Exception):
    ...         raise answer
    ...     return answer
    >>> retry = Retry((1, 2), jitter=0, sleep=waited.append)
    >>> retry(ask, passing=lambda error: isinstance(error, TimeoutError), tell=ConfigError)
    5
    >>> waited
    [1.0]
    """

    def __init__(
        self, waits: Sequence[float] = (), jitter: float = JITTER, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if any(wait < 0 for wait in waits) or jitter < 0:
            raise ConfigError(f"retry: waits and jitter must not be below zero, got {list(waits)} and {jitter}")
        self.waits = tuple(float(wait) for wait in waits)
        self.jitter = float(jitter)
        self._sleep = sleep
        self._random = random.Random()  # not the global one, whose state may matter to a model

    def __call__(
        self,
        action: Callable[[], T],
        *,
        passing: Callable[[Exception], bool],
        tell: Callable[[Exception], ForecastleError],
    ) -> T:
        """Do something, and again where it fails for a reason that passes.

        Parameters
        ----------
        action
            What is done; it must not matter that it was begun before.
        passing
            Whether an error may be gone at the next try (a lost connection, a timeout).
        tell
            Makes of an error the one-line error that people see; no password may be in it. Every failed try is logged
            with it, and the last is raised.

        Raises
        ------
        ForecastleError
            What `tell` makes of the last error; one that the action raised passes unchanged.
        """
        import tenacity

        total = len(self.waits) + 1
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(total),
            wait=lambda state: self._wait(state.attempt_number),
            retry=tenacity.retry_if_exception(lambda error: _is_passing(error, passing)),
            before_sleep=lambda state: _log(state, total, tell),
            sleep=self._sleep,
            reraise=True,
        )
        answers: list[T] = []
        try:
            attempts(lambda: answers.append(action()))  # what is returned would be held for as long as it likes
            return answers.pop()
        except ForecastleError:
            raise
        except Exception as error:
            count = int(attempts.statistics.get("attempt_number", 1))
            told = tell(error)
            if count > 1:
                logger.warning("try %d of %d failed: %s", count, total, told)
                told = type(told)(f"{told} ({count} tries)")
            raise told from error

    def _wait(self, attempt: int) -> float:
        if attempt > len(self.waits):
            return 0.0  # asked for after the last try, too
        return self.waits[attempt - 1] * (1 + self.jitter * self._random.random())


def retry_policy(setting: str | Mapping[str, Any]) -> Retry:
    """Make a policy of a setting: ``research``, ``inference``, ``off`` or ``{waits: [1, 2, 4], jitter: .25}``.

    Raises
    ------
    ConfigError
        If there is no policy of this name, or a setting cannot be.

    Examples
    --------
    >>> retry_policy("inference").waits
    (0.5, 1.0, 2.0)
    """
    if isinstance(setting, str):
        if setting not in WAITS:
            known = ", ".join(WAITS)
            raise ConfigError(f"retry must be one of {known}, got {setting!r}{nearest(setting, WAITS)}")
        return Retry(WAITS[setting])
    for key in setting:
        if key not in ("waits", "jitter"):
            raise ConfigError(f"retry may hold waits and jitter, got {key!r}{nearest(str(key), ('waits', 'jitter'))}")
    waits, jitter = setting.get("waits", []), setting.get("jitter", JITTER)
    if not isinstance(waits, (list, tuple)) or not all(type(each) in (int, float) for each in (*waits, jitter)):
        raise ConfigError(f"retry: waits must be a list of seconds and jitter a number, got {dict(setting)}")
    return Retry(waits, jitter)


def _is_passing(error: BaseException, passing: Callable[[Exception], bool]) -> bool:
    return isinstance(error, Exception) and not isinstance(error, ForecastleError) and passing(error)


def _log(state: Any, total: int, tell: Callable[[Exception], ForecastleError]) -> None:
    logger.warning(
        "try %d of %d failed: %s; again in %.1f s",
        state.attempt_number,
        total,
        tell(state.outcome.exception()),
        state.next_action.sleep,
    )
