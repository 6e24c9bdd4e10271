"""The bytes of a file, whatever it was packed with."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pyarrow as pa

from forecastle.errors import DataError

UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_content(path: Path) -> pa.Buffer:
    """Read a file whole: as it is, unpacked where its name ends in .gz, .bz2, .zst or .zip, and as UTF-8.

    A zip archive must hold one file, or one that ends in .csv beside others (as some providers add a note). A text in
    UTF-16, which MetaTrader writes, is told by its first two bytes.

    Raises
    ------
    DataError
        If the file is empty or broken, or its archive holds several files or is locked.
    """
    try:
        if path.suffix.lower() == ".zip":
            content = _unzip(path)
        else:
            with pa.input_stream(str(path), compression="detect") as stream:
                content = stream.read()
        if content[:2] in UTF16:
            content = content.decode("utf-16").encode()
    except (pa.ArrowException, OSError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not content.strip():
        raise DataError(f"{path}: the file is empty")
    return pa.py_buffer(content)


def _unzip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [each.filename for each in archive.infolist() if not each.is_dir()]
        tables = [name for name in names if name.lower().endswith(".csv")]
        wanted = names if len(names) == 1 else tables
        if len(wanted) != 1:
            shown = ", ".join(names[:5]) or "none"
            raise DataError(f"{path}: one file wanted, got {len(names)} ({shown}); unpack it and say data.path=…/*.csv")
        try:
            return archive.read(wanted[0])
        except (RuntimeError, NotImplementedError) as error:  # locked, or packed in a way that is not known
            raise DataError(f"{path}: cannot be unpacked: {' '.join(str(error).split())}") from None
