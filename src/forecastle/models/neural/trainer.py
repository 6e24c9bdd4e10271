"""Trainer: Lightning's, quiet, with torch.compile as a setting."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl


class Trainer(pl.Trainer):
    """Lightning's trainer; every setting of it can be given.

    Parameters
    ----------
    compile
        Compile the network (`torch.compile`): the first steps wait for it, later ones are faster on an accelerator.
    max_epochs
        Epochs at most; None: as Lightning has it.
    settings
        Lightning's own: ``accelerator``, ``devices``, ``strategy``, ``precision``, ``gradient_clip_val``, ….
    """

    def __init__(self, compile: bool = False, max_epochs: int | None = None, **settings: Any) -> None:
        super().__init__(max_epochs=max_epochs, **settings)
        self.compile = compile

    @staticmethod
    def accepts(node: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG004  the hook's argument
        """Names of Lightning's settings, so that a mistyped one is told before any work starts."""
        return tuple(inspect.signature(pl.Trainer).parameters)
