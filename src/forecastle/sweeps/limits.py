"""What a sweep is told to do about failures, in words that are no configuration."""

from __future__ import annotations

from collections.abc import Sequence

from forecastle.errors import ConfigError
from forecastle.runs.sweep import Limits

LIMITS = ("retry", "max_failures", "stop_on_error")
"""The words."""


def limits_of(words: Sequence[str]) -> Limits:
    """What the words of a command say that a sweep does about failures.

    Raises
    ------
    ConfigError
        If one of them has a value that it cannot have.
    """
    given = {key: value for key, _, value in (word.partition("=") for word in words) if key in LIMITS}
    retry, most = given.get("retry", "failed"), given.get("max_failures", "null")
    stop = given.get("stop_on_error", "false")
    if retry not in ("failed", "none"):
        raise ConfigError(f"retry must be failed or none, got {retry!r}")
    if most != "null" and not (most.isdigit() and int(most)):
        raise ConfigError(f"max_failures must be a number of at least 1 or null, got {most!r}")
    if stop not in ("true", "false"):
        raise ConfigError(f"stop_on_error must be true or false, got {stop!r}")
    limit = 1 if stop == "true" else None if most == "null" else int(most)
    return Limits("none" if retry == "none" else "failed", limit)
