"""`forecastle run`: Hydra's door, for one experiment or a sweep of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from forecastle import logs
from forecastle.config.compose import ROOT, check_unsearched, choices, compose, conf_folder, explain, opened, validate
from forecastle.config.schema import Config
from forecastle.config.swept import check_output, held_back
from forecastle.errors import ConfigError
from forecastle.runs.command import sweep_id
from forecastle.runs.execution import Memory
from forecastle.sweeps import sweeping
from forecastle.sweeps.limits import LIMITS, limits_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_memory = Memory()
"""What the jobs of one process share: bars, features and baselines by the hash of their content."""


def run(words: Sequence[str], *, anew: bool = False) -> int:
    """Run what the command line asks for and print its table.

    Parameters
    ----------
    words
        Overrides and flags, as Hydra reads them.
    anew
        Whether a search that has changed is begun anew.

    Returns
    -------
    int
        0, or 1 where a job of a sweep failed.

    Raises
    ------
    ForecastleError
        If the configuration cannot be composed, or the one run fails.
    """
    if not any(word.startswith(("-", "hydra.", "hydra/", "+hydra", "~hydra")) for word in words):
        _single(compose(words), words)  # what Hydra's own door would do, without composing twice to learn its mode
        return 0
    limits = limits_of(words)
    asked = [word for word in words if word.partition("=")[0] not in LIMITS]
    words = opened(asked)
    overrides = [word for word in words if ("=" in word and not word.startswith("-")) or word.startswith("~")]
    flags = [word for word in words if word not in overrides]
    if {"-m", "--multirun"}.isdisjoint(flags):
        _check_alone(overrides, flags)
        _hydra([*overrides, *flags])  # Hydra wants overrides side by side
        return 0
    check_output(overrides)
    overrides = [*overrides, f"sweep='{sweep_id(overrides)}'"]
    with sweeping.asked(asked, limits, anew=anew) as sweep:
        held = held_back(overrides)
        sweep.task = tuple(overrides) if held else ()
        _hydra([*(word for word in overrides if word not in held), *flags])
        return sweep.finish(_memory)


SHOWING = ("--help", "-h", "--hydra-help", "--cfg", "-c", "--info", "-i", "--version", "--shell-completion", "-sc")
"""Flags of Hydra's that show something and run nothing."""


def _check_alone(overrides: Sequence[str], flags: Sequence[str]) -> None:
    """Raise ConfigError where a single run is asked for in words of a sweep, which would be passed over."""
    if any(flag.partition("=")[0] in SHOWING for flag in flags):
        return
    of_sweeps = ("hydra/launcher=", "hydra.launcher.", "hydra/sweeper=", "hydra.sweeper.")
    if found := next((word for word in overrides if word.lstrip("+").startswith(of_sweeps)), None):
        raise ConfigError(f"{found} is for many runs, and one alone is asked for: add -m, right after `forecastle run`")


_failed: list[Exception] = []
"""What stopped a job, kept from Hydra, which would print it in its own way."""


def _hydra(words: Sequence[str]) -> None:
    """Let Hydra read the words and call `_kept` for each configuration."""
    import hydra

    _check_flags(words)
    os.environ["HYDRA_FULL_ERROR"] = "1"
    _failed.clear()
    decorate = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name=ROOT)
    with _arguments(["forecastle run", *words]):
        try:
            decorate(_kept)()
        except SystemExit:  # after a flag that shows something
            return
        except ValueError as error:  # flags that exclude each other
            raise ConfigError(str(error)) from error
        except Exception as error:
            raise explain(error) from error
    if _failed:
        raise _failed[0]


def _check_flags(words: Sequence[str]) -> None:
    """Raise ConfigError where Hydra's parser would print its usage and end the process."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise ConfigError(f"{message} (see forecastle run --hydra-help)")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(list(words))


@contextmanager
def _arguments(words: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = before


def _kept(composed: Any) -> str | None:
    """Run one composed configuration, alone or as a job of a sweep."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return sweeping.run_job(composed, _memory)
    try:
        hydra = HydraConfig.get()
        _single(validate(composed, choices(hydra.runtime.choices)), hydra.overrides.task)
    except Exception as error:  # noqa: BLE001  kept from Hydra, and raised again by `_hydra`
        _failed.append(error)
    return None


def _single(config: Config, words: Sequence[str]) -> None:
    from forecastle.keeping import execute
    from forecastle.terminal import print_run

    check_unsearched(config.search, words, "add -m hydra/sweeper=optuna, right after `forecastle run`")
    logs.configure(config.log_level)
    print_run(execute(config, _memory))
