"""The search space: ranges in Hydra's override grammar, from the command line and from the section ``search``.

A range is written as Hydra writes sweeps:

=============================== ====================================================================================
``a,b`` or ``choice(a,b)``      one of these, without order
``range(1,10)``                 1, 2 … 9; ``range(0,1,.25)`` 0, .25, .5, .75: numbers in order, the last one left out
``interval(0,1)``               any number from 0 to 1
``int(interval(1,100))``        any whole number from 1 to 100, both included
``tag(log, interval(.01,100))`` each power of ten as likely as the next; for whole numbers too
=============================== ====================================================================================

The section ``search`` of the configuration holds a space as ``KEY: range``, the key as on the command line::

    search:
      model.estimator.alpha: tag(log, interval(0.01, 1000))
      indicator: choice(minimal, core)

An experiment file may carry it, and a file of the group ``search`` (``conf/search/NAME.yaml``, chosen by
``search=NAME``) is such a section by itself. What stands on the command line goes before it: another range replaces
that of the same key, and a value takes the key out of the search.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forecastle.errors import ConfigError
from forecastle.search.range import Choice, Interval, Range, Steps

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

WANTED = "choice(…), range(…) or interval(…) is wanted"

MOST = 1_000_000
"""Numbers that a range may hold."""

Space = dict[str, Range]
"""Ranges by their plain key, in order."""


def read(section: Mapping[str, Any], command: Sequence[str], loader: Any) -> tuple[Space, list[str]]:
    """The space that a section and a command line make together, and the other words of the command.

    Parameters
    ----------
    section
        The section ``search``.
    command
        Overrides of the command line.
    loader
        Hydra's configuration loader, which knows the groups.

    Raises
    ------
    ConfigError
        If nothing is searched, or something is no range that can be searched.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from forecastle.config.compose import opened

    parser = OverridesParser.create(config_loader=loader)
    for key, value in section.items():
        if isinstance(value, Mapping):
            raise ConfigError(f"search: {key} holds keys of its own; each is written whole, as in {_first(key, value)}")
        if not isinstance(value, str):
            raise ConfigError(f"search: {key} must be a range in words, {WANTED}, got {value!r}")
    written = [f"{key}={value}" for key, value in section.items()]
    space: Space = {}
    for word, parsed in zip(written, parser.parse_overrides(opened(written)), strict=True):
        if not parsed.is_sweep_override():
            raise ConfigError(f"search: {word} is one value and no range: {WANTED}")
        space[_plain(parsed)] = _range(parsed, loader)
    fixed: list[str] = []
    for parsed in parser.parse_overrides(list(command)):
        space.pop(_plain(parsed), None)
        if parsed.is_sweep_override():
            space[_plain(parsed)] = _range(parsed, loader)
        else:
            fixed.append(str(parsed.input_line))
    if not space:
        raise ConfigError(
            "nothing to search: a range is wanted, such as 'model.estimator.alpha=interval(0.01,100)', or search=NAME"
        )
    return space, fixed


def _first(key: str, value: Any) -> str:
    """The first line that is meant by keys in keys."""
    while isinstance(value, Mapping) and value:
        inner, value = next(iter(value.items()))
        key = f"{key}.{inner}"
    return f"'{key}: {value}'"


def _plain(parsed: Override) -> str:
    """The key without a plus."""
    return re.sub(r"^[+~]+", "", str(parsed.get_key_element()))


def _range(parsed: Override, loader: Any) -> Range:
    """The range that a parsed override tells.

    Raises
    ------
    ConfigError
        If its ends are the wrong way round, it holds nothing, or it is tagged as what it cannot be.
    """
    from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep

    sweep: Any = parsed.value()
    key, text = str(parsed.get_key_element()), str(parsed.input_line).partition("=")[2]
    where = f"{_plain(parsed)}={text}"
    if unknown := sorted(getattr(sweep, "tags", set()) - {"log"}):
        raise ConfigError(f"{where}: the tag log is known, got {', '.join(unknown)}")
    if getattr(sweep, "shuffle", False):
        raise ConfigError(f"{where}: the sampler chooses the order, so shuffle cannot be")
    log = "log" in getattr(sweep, "tags", set())
    if isinstance(sweep, (ChoiceSweep, Glob)):
        if log:
            raise ConfigError(f"{where}: the tag log is for numbers, range(…) or interval(…)")
        words = tuple(dict.fromkeys(parsed.sweep_string_iterator()))
        if not words:
            raise ConfigError(f"{where} holds nothing to choose from")
        return Choice(key, text, words)
    if parsed.package is None and loader.get_group_options(_plain(parsed)):
        raise ConfigError(f"{where}: {_plain(parsed)} is a choice of files, which has no numbers: choice(…) is wanted")
    if isinstance(sweep, IntervalSweep):
        low, high = sweep.start, sweep.end
        if low is not None and high is not None and math.isinf(high - low):
            raise ConfigError(f"{where}: both ends must be finite numbers")
        if low is None or high is None or not low < high or (log and low <= 0):
            raise ConfigError(f"{where}: the ends must ascend{' and lie above 0 under log' if log else ''}")
        return Interval(key, text, low, high, log)
    return _steps(key, text, sweep, where, log=log)


def _steps(key: str, text: str, sweep: Any, where: str, *, log: bool) -> Steps:
    if not sweep.step:
        raise ConfigError(f"{where}: the step must not be 0")
    if (sweep.stop - sweep.start) / sweep.step > MOST:
        raise ConfigError(f"{where} holds more than {MOST} numbers: int(interval(…)) is meant for that")
    values = tuple(sorted(sweep.range()))
    if not values:
        raise ConfigError(f"{where} is empty: range(start, stop, step) leaves the stop out")
    if log and not (isinstance(values[0], int) and values[0] > 0 and abs(sweep.step) == 1):
        raise ConfigError(f"{where}: the tag log is for an interval(…), or for a range of whole numbers above 0 by 1")
    return Steps(key, text, values, abs(sweep.step), log)
