"""Tail: the last lines of a text file, and a few from before them that show whether it is in order of time."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from forecastle.data.content import UTF16
from forecastle.data.location import PACKED

HEAD = 1 << 16
"""Bytes in which the first line ends."""

SAMPLES = 16
"""Lines that are read, evenly spread, of what lies before the tail."""


class Tail(NamedTuple):
    """Part of a text file.

    Parameters
    ----------
    content
        The header line where there is one, some lines, and then all lines to the end of the file.
    samples
        How many lines stand before those of the end.
    """

    content: pa.Buffer
    samples: int


def read_head(path: Path) -> bytes | None:
    """The beginning of a plain text file, or None of one that has to be read whole (packed, or in UTF-16)."""
    if path.suffix.lower() in PACKED:
        return None
    with path.open("rb") as file:
        head = file.read(HEAD)
    return None if head[:2] in UTF16 else head


def read_tail(path: Path, head: bytes, size: int, *, header: bool) -> Tail | None:
    """Read the last lines of a file.

    Parameters
    ----------
    path
        The file.
    head
        Its beginning.
    size
        Bytes at its end, of which the first lines that are whole are taken.
    header
        Whether its first line holds names, and stands first in what is returned.

    Returns
    -------
    Tail
        None where the end is more than half of the file, which is better read whole, or no line is found.
    """
    total = path.stat().st_size
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    line = text.partition(b"\n")[0] + b"\n"
    begin = head.find(b"\n", len(head) - len(text)) + 1 if header else len(head) - len(text)
    if 2 * size > total or not begin < total - size:
        return None
    with path.open("rb") as file:
        start = _next_line(file, total - size)
        places = [_next_line(file, begin + number * (start - begin) // SAMPLES) for number in range(1, SAMPLES)]
        samples = [_line(file, place) for place in [begin, *places] if place < start]
        end = _line(file, start, total)
    samples = [sample for sample in samples if sample.strip()]
    if not end.strip():
        return None
    return Tail(pa.py_buffer(b"".join([line if header else b"", *samples, end])), len(samples))


def _next_line(file: BinaryIO, position: int) -> int:
    """Where the line begins that follows the one at a position."""
    file.seek(position)
    return position + len(file.readline())


def _line(file: BinaryIO, position: int, end: int | None = None) -> bytes:
    """The line that begins at a position, or everything from there to an end."""
    file.seek(position)
    return file.readline() if end is None else file.read(end - position)
