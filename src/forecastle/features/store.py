"""A FeatureFrame in a folder: the matrix as ``.npy``, which can be mapped into memory, and the rest as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from forecastle.errors import FeatureError
from forecastle.features.frame import FeatureFrame

VALUES = "values.npy"
FRAME = "frame.json"


def write_frame(frame: FeatureFrame, folder: Path) -> None:
    """Write a frame into `folder`, which is made where it is missing; equal frames give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / VALUES, np.ascontiguousarray(frame.values), allow_pickle=False)
    told = {
        "columns": list(frame.columns),
        "lengths": frame.lengths.tolist(),
        "warmup": frame.warmup,
        "left_out": frame.left_out,
    }
    (folder / FRAME).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def read_frame(folder: Path) -> FeatureFrame:
    """Read what `write_frame` wrote; the values are mapped into memory, read-only.

    Raises
    ------
    FeatureError
        If a file is missing or damaged, or the two do not belong together.
    """
    try:
        told = json.loads((folder / FRAME).read_text(encoding="utf-8"))
        values = np.load(folder / VALUES, mmap_mode="r", allow_pickle=False)
        frame = FeatureFrame(
            values=values,
            columns=tuple(told["columns"]),
            lengths=np.array(told["lengths"], dtype=np.int64),
            warmup=told["warmup"],
            left_out=told["left_out"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FeatureError(f"readable features wanted in {folder}, got {type(error).__name__}: {error}") from error
    shape = (int(frame.lengths.sum()), len(frame.columns))
    if frame.values.shape != shape:
        raise FeatureError(f"features of shape {shape} wanted in {folder / VALUES}, got {frame.values.shape}")
    return frame
