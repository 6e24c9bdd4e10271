"""An entry: a FeatureFrame in one file, which is a ``.npy`` of its values with a trailer behind them.

::

    header of .npy │ values, float32 (T, D) │ JSON: columns, lengths, …, hash of the values │ length of the JSON,
    hash of header and JSON, eight letters

It is one file, so that one rename puts it in its place, and anything that reads ``.npy`` reads it. Whoever has it open
holds a shared lock on it, for as long as the values live: nobody clears it away meanwhile.
"""

from __future__ import annotations

import fcntl
import io
import json
import mmap
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from forecastle.errors import FeatureError
from forecastle.features.frame import FeatureFrame

SMALL = 4_000_000
"""Bytes up to which values are checked whenever they are opened (.3 ms) rather than put safely on disk (5 ms)."""

FOOTER = struct.Struct("<QQ8s")
LETTERS = b"FORECST1"


def write_entry(path: Path, frame: FeatureFrame, seconds: float) -> None:
    """Write a frame into a new file; one that is not `SMALL` is put safely on disk.

    Parameters
    ----------
    path
        Temporary: the caller renames it.
    frame
        What was computed.
    seconds
        How long that took.
    """
    values = np.ascontiguousarray(frame.values, dtype="<f4")
    data = values.reshape(-1).view(np.uint8).data
    trailer = {
        "columns": list(frame.columns),
        "lengths": frame.lengths.tolist(),
        "warmup": frame.warmup,
        "left_out": frame.left_out,
        "seconds": seconds,
        "values": xxhash.xxh3_128_hexdigest(data),
    }
    told = json.dumps(trailer).encode()
    header = _header(*values.shape)
    with path.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        stream.write(header)
        stream.write(data)
        stream.write(told)
        stream.write(FOOTER.pack(len(told), xxhash.xxh3_64_intdigest(header + told), LETTERS))
        if values.nbytes > SMALL:
            stream.flush()
            os.fsync(stream.fileno())


def open_entry(path: Path, *, whole: bool = False) -> tuple[FeatureFrame, float]:
    """Map an entry into memory.

    Header, trailer and length are checked; the values too where they are `SMALL`, or where `whole` is asked for.

    Returns
    -------
    FeatureFrame
        Its values are read-only.
    float
        Seconds that it took to compute.

    Raises
    ------
    FeatureError
        If the entry is damaged.
    FileNotFoundError
        If there is none.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        size = os.fstat(descriptor).st_size
        if size < FOOTER.size:
            raise FeatureError(f"at least {FOOTER.size} bytes wanted, got {size}")
        content = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)  # has the file open too, and so keeps the lock
    finally:
        os.close(descriptor)
    length, found, letters = FOOTER.unpack(content[-FOOTER.size :])
    begin = size - FOOTER.size - length
    if letters != LETTERS or begin < 0:
        raise FeatureError("the end is not that of an entry")
    told = content[begin : begin + length]
    trailer = _read(told)
    shape = (sum(trailer["lengths"]), len(trailer["columns"]))
    header = _header(*shape)
    if xxhash.xxh3_64_intdigest(content[: len(header)] + told) != found:
        raise FeatureError("header and trailer are not what was written")
    if begin != len(header) + 4 * shape[0] * shape[1]:
        raise FeatureError(f"values of shape {shape} wanted, got {begin - len(header)} bytes")
    values = np.frombuffer(content, "<f4", shape[0] * shape[1], len(header)).reshape(shape)
    checked = whole or values.nbytes <= SMALL
    if checked and xxhash.xxh3_128_hexdigest(values.reshape(-1).view(np.uint8).data) != trailer["values"]:
        raise FeatureError("the values are not what was written")
    lengths = np.array(trailer["lengths"], dtype=np.int64)
    frame = FeatureFrame(values, tuple(trailer["columns"]), lengths, trailer["warmup"], trailer["left_out"])
    return frame, trailer["seconds"]


def remove_closed(path: Path) -> bool:
    """Remove a file that nobody holds a lock on; whether it was removed by this."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _header(rows: int, columns: int) -> bytes:
    stream = io.BytesIO()
    described: dict[str, Any] = {"descr": "<f4", "fortran_order": False, "shape": (rows, columns)}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


def _read(told: bytes) -> dict[str, Any]:
    try:
        trailer: dict[str, Any] = json.loads(told)
    except ValueError as error:
        raise FeatureError(f"the trailer is no JSON: {error}") from error
    if not isinstance(trailer, dict) or not {"columns", "lengths", "warmup", "left_out", "seconds"} <= set(trailer):
        raise FeatureError("the trailer is not that of an entry")
    return trailer
