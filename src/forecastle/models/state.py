"""State: what a fitted model keeps as JSON, and reads back whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecastle.errors import ConfigError, ModelError

BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, ConfigError)
"""What reading a state that is missing, damaged or made up raises."""


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state as JSON; numbers come back bit for bit."""
    path.write_text(json.dumps(state) + "\n", encoding="utf-8")


@contextmanager
def read_state(path: Path, what: str) -> Iterator[dict[str, Any]]:
    """Give what `write_state` wrote to a block that makes a model of it.

    Parameters
    ----------
    path
        The file.
    what
        That it should hold, for the message: ``HAR``.

    Raises
    ------
    ModelError
        If the file is missing or damaged, or the block cannot make anything of it.
    """
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except BROKEN as error:
        raise ModelError(f"{path} holds no {what}: {' '.join(str(error).split())}") from error
