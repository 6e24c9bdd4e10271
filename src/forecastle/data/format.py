"""Format and TextFormat: how a file writes its times and its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecastle.errors import ConfigError

Size = float | Mapping[str, float]
"""One number for all symbols, or one for each by its name."""

SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Format:
    """How the times and the prices of a file are written.

    Parameters
    ----------
    time
        ``strftime`` format of the times' text, or ``s ms us ns`` for numbers since 1970, or ``epoch`` for such
        numbers whose unit is told by their size, row by row (see `forecastle.data.clock`). None reads ISO 8601 only.
    scale
        Price units of 1 in the price columns: 0.00001 where EURUSD is written as 113652. One number, or one for each
        symbol by its name.
    point
        Price units of 1 in the spread column, where it counts points. None where it is written as the prices are.

    Raises
    ------
    ConfigError
        If a size is not above zero.
    """

    time: str | None = None
    scale: float | Mapping[str, float] = 1.0
    point: float | Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name, size in (("scale", self.scale), ("point", self.point)):
            for each in size.values() if isinstance(size, Mapping) else [size]:
                if each is not None and not (isinstance(each, int | float) and 0 < each < math.inf):
                    raise ConfigError(f"format.{name} must be a number above zero, got {each!r}")


@dataclass(frozen=True)
class TextFormat(Format):
    """How a text file is written.

    Parameters
    ----------
    time, scale, point
        As in `Format`.
    separator
        One character between the columns; None takes the one of comma, semicolon, tab and bar that the first line has
        most often.
    names
        Names of the columns, from the left, of a file without a header line. Where there is a header line all the same
        (a first line of which no field begins with a digit), its names are taken instead. None expects a header line.
    decimal
        ``.`` or ``,``: what stands before the decimals.
    """

    separator: str | None = None
    names: Sequence[str] | None = None
    decimal: str = "."

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator is not None and (len(self.separator) != 1 or self.separator in '\r\n"'):
            raise ConfigError(f"format.separator must be one character, or null to find it, got {self.separator!r}")
        if self.decimal not in (".", ","):
            raise ConfigError(f"format.decimal must be '.' or ',', got {self.decimal!r}")
        if self.separator == self.decimal:
            raise ConfigError(f"format.separator and format.decimal must differ, got {self.decimal!r} for both")
        if self.names is not None and (not self.names or len(set(self.names)) != len(self.names)):
            raise ConfigError(f"format.names must be one or more different names, got {list(self.names)}")

    def separator_of(self, line: str) -> str:
        """The separator as given, or the one that a line has most often."""
        possible = [each for each in SEPARATORS if each != self.decimal]
        return self.separator if self.separator is not None else max(possible, key=line.count)
