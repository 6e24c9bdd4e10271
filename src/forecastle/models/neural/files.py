"""Files of weights: written whole or not at all, opened without running code."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from forecastle.errors import ModelError


def write_tensors(state: dict[str, Any], path: Path) -> None:
    """Write plain values and tensors; whoever looks sees the old file or the whole new one."""
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.replace(path)


def write_text(text: str, path: Path) -> None:
    """Write text in the same way."""
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_tensors(path: Path) -> dict[str, Any]:
    """Read what `write_tensors` wrote, on the CPU; only tensors and plain values are let in.

    Raises
    ------
    ModelError
        If it is missing, cut short, or holds anything else.
    """
    return _opened(path, str(path))


def tensors_to_text(state: dict[str, Tensor]) -> str:
    """The same as a text, for a place in JSON; equal tensors give equal texts."""
    whole = io.BytesIO()
    torch.save(state, whole)
    return base64.b64encode(whole.getvalue()).decode()


def tensors_from_text(text: str, where: str) -> dict[str, Any]:
    """Read what `tensors_to_text` gave; `where` says in messages where it comes from.

    Raises
    ------
    ModelError
        As `read_tensors`.
    """
    return _opened(io.BytesIO(base64.b64decode(text)), where)


def _opened(source: Path | BinaryIO, where: str) -> dict[str, Any]:
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{where} cannot be opened as weights, it is missing or damaged: {reason}") from error
    if not isinstance(state, dict):
        raise ModelError(f"{where} must hold a mapping of tensors, got {type(state).__name__}")
    return state


def load_weights(network: torch.nn.Module, weights: dict[str, Tensor], path: Path | str) -> None:
    """Put weights into a network.

    Raises
    ------
    ModelError
        If they are of another architecture; the message names the first difference.
    """
    own = network.state_dict()
    name = type(network).__name__
    refusal = f"{path} holds weights of another architecture than this {name}"
    for key in sorted(own.keys() ^ weights.keys()):
        raise ModelError(f"{refusal}: only {'the file' if key in weights else 'the network'} has {key}")
    for key, value in own.items():
        if value.shape != weights[key].shape:
            got, wanted = tuple(weights[key].shape), tuple(value.shape)
            raise ModelError(f"{refusal}: {key} is {got}, wanted {wanted}")
    network.load_state_dict(weights)
