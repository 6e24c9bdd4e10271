"""Where the process of a sweep, or a worker, composes jobs from: noted once, before the first of them."""

from __future__ import annotations

from typing import Any

from forecastle.runs.ground import Sources, Stamp

_composed_from: list[tuple[Sources, Stamp]] = []
"""Where this process composes jobs from, and its stamp from before the first of them."""


def composes_from(hydra: Any) -> None:
    """Note, once, where this process composes jobs from, given the ``hydra`` node of what they have in common."""
    if not _composed_from:
        sources = Sources.of(hydra)
        _composed_from.append((sources, sources.stamp()))


def origin() -> tuple[Sources, Stamp] | None:
    """What was noted; None where nothing was."""
    return _composed_from[-1] if _composed_from else None


def forget_origin() -> None:
    """Forget it when the sweep is over."""
    _composed_from.clear()
