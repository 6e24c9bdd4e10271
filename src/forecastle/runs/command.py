"""The id of a sweep, made from the command that asks for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from forecastle.config.schema import PASSIVE
from forecastle.runs.identity import digest


def sweep_id(command: Sequence[str]) -> str:
    """Id of the sweep that a command line makes, 8 hexadecimal digits; what can change no number does not count.

    A file of experiment or search counts: its name changes nothing, what it holds may.
    """
    silent = PASSIVE - {"experiment", "search"}
    kept = [word for word in command if re.split(r"[=.]", word.lstrip("+~"), maxsplit=1)[0] not in silent]
    return digest([word for word in kept if not word.startswith(SILENT)])[:8]


SILENT = (
    *("hydra/launcher=", "hydra.launcher."),
    *("hydra.sweeper.n_trials=", "hydra.sweeper.storage=", "hydra.sweeper.password_env="),
)
"""How words of Hydra begin that change nothing but where and how many jobs are run."""
