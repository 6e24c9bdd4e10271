"""Inspecting a file of candles: the configuration that would read it, why, and what stays in doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecastle.data.bars import PRICES
from forecastle.data.clock import EPOCH_UNITS, OFFSET
from forecastle.data.columns import find_columns
from forecastle.data.location import SYMBOL, find_files, symbol_of
from forecastle.data.recognition import UNKNOWN, Proposal, time_format
from forecastle.data.sample import Sample, take_sample
from forecastle.data.statistics import describe
from forecastle.errors import DataError, ForecastleError

PROVISIONAL = {"timezone": "UTC", "format.point": 1.0, "symbol": "inspected"}
"""Values with which a file is read for its statistics, where a person has still to say them."""


@dataclass(frozen=True)
class Inspection:
    """What a file of candles is, as far as it tells.

    Parameters
    ----------
    path
        What was inspected.
    dialect
        The choice of ``data`` that fits.
    settings
        Keys below ``data`` that have to be said besides, with their values; ``???`` where a person has to decide.
    evidence
        What was seen.
    doubts
        What the file does not tell; each begins with the setting that it is about, where there is one.
    """

    path: str
    dialect: str
    settings: Mapping[str, Any]
    evidence: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Settings that a person has to decide before the file can be read."""
        return tuple(key for key, value in self.settings.items() if value == UNKNOWN)

    def overrides(self) -> list[str]:
        """The settings as arguments of the command line."""
        return [f"data={self.dialect}", *(f"data.{key}={_written(value)}" for key, value in self.settings.items())]

    def yaml(self) -> str:
        """The settings as a file for conf/data of the user's project."""
        import yaml

        body: dict[str, Any] = {"defaults": [self.dialect]}
        for key, value in self.settings.items():
            _put(body, key, value)
        text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
        return text

    def text(self) -> str:
        """Everything, to be read by a person."""
        arguments = " ".join("'" + each.replace("'", "'\\''") + "'" for each in self.overrides())
        return "\n".join(
            [
                f"{self.path}: data={self.dialect}",
                *("", "seen:", *(f"  - {each}" for each in self.evidence)),
                *("", "in doubt:", *(f"  - {each}" for each in self.doubts or ("nothing",))),
                *("", "as conf/data/mine.yaml, for data=mine:", *(f"  {line}" for line in self.yaml().splitlines())),
                *("", "or on the command line:", f"  {arguments}"),
            ]
        )


def inspect(path: str | Path) -> Inspection:
    """Look at a file of candles and propose the configuration that reads it.

    Nothing is decided that the file does not tell: such settings are ``???``, and what is uncertain is a doubt.

    Parameters
    ----------
    path
        A file, or a pattern for several, of which the first one is looked at.

    Raises
    ------
    DataError
        If there is no such file, or it is empty or no table.
    """
    files = find_files(str(path))
    sample = take_sample(files[0])
    proposal = sample.proposal
    _place(str(path), files[0], proposal)
    if len(files) > 1:
        proposal.evidence.append(f"{len(files)} files match, of which {files[0].name} was looked at")
    try:
        found = find_columns(sample.names, _settled(proposal)["columns"], files[0].name)
    except DataError:  # a column that nothing tells, which is a doubt already
        found = {}
    if found and UNKNOWN not in proposal.settings.values():
        naive = _clock(sample, found["time"])
        _point(sample, found)
        if "symbol" not in found:
            _name(files[0], proposal, alone=len(files) == 1)
        if all(key in PROVISIONAL for key, value in proposal.settings.items() if value == UNKNOWN):
            _describe(files[0], proposal, naive=naive)
    return Inspection(
        str(path), proposal.dialect, proposal.settings, tuple(proposal.evidence), tuple(dict.fromkeys(proposal.doubts))
    )


def _place(path: str, file: Path, proposal: Proposal) -> None:
    """Write the path, or those of bid and ask, before the other settings."""
    settings, proposal.settings = proposal.settings, {}
    if proposal.dialect == "dukascopy":
        name = file.name.upper()
        side, other = ("ask", "bid") if "ASK" in name and "BID" not in name else ("bid", "ask")
        partner = re.sub(side, lambda found: other.upper() if found[0].isupper() else other, path, flags=re.IGNORECASE)
        proposal.settings[f"path.{side}"] = path
        if partner != path and Path(partner).is_file():
            proposal.settings[f"path.{other}"] = partner
        elif side == "ask":
            proposal.settings["path.bid"] = UNKNOWN
            proposal.doubts.append("path.bid: this is the ask, and the bid's file is not beside it")
        else:
            proposal.doubts.append("path.ask: without the ask's file no spread is known")
    else:
        proposal.settings["path"] = path
    proposal.settings |= settings


def _clock(sample: Sample, columns: list[str]) -> bool:
    """Propose the format of times; tell whether the file's clock is not known."""
    proposal = sample.proposal
    body = _settled(proposal)
    texts = sample.texts(columns)
    written = body["format"]["time"]
    if written is None and texts:
        written, doubt = time_format(texts, _is_iso)
        if written is not None:
            proposal.settings["format.time"] = written
        if doubt is not None:
            proposal.doubts.append(doubt)
    if body["timezone"] not in (None, UNKNOWN):
        return False
    if written in EPOCH_UNITS or (texts and all(re.search(OFFSET, text) for text in texts)):
        proposal.evidence.append(f"times such as {texts[0]!r} say their moment" if texts else "times are numbers")
        return False
    proposal.settings["timezone"] = UNKNOWN
    return True


def _point(sample: Sample, found: Mapping[str, list[str]]) -> None:
    """Propose the size of a point, where it is asked for, from the decimals with which prices are written."""
    proposal = sample.proposal
    if _settled(proposal)["format"]["point"] != UNKNOWN:
        return
    prices = [text for price in PRICES for text in sample.texts(found[price])]
    digits = max((len(text.partition(".")[2]) for text in prices), default=0)
    proposal.settings["format.point"] = float(f"1e-{digits}") if 0 < digits < 9 else UNKNOWN
    proposal.doubts.append(
        f"format.point: prices have {digits} decimals; 1e-{digits} is a point where that is all of them"
    )


def _name(file: Path, proposal: Proposal, *, alone: bool) -> None:
    """Tell how a series that no column names is named."""
    try:
        name = symbol_of(file, _settled(proposal)["symbol"], alone=alone)
    except DataError:
        proposal.settings["symbol"] = UNKNOWN
        proposal.doubts.append(f"symbol: a name, or a pattern such as {SYMBOL}_* for {file.name}")
    else:
        proposal.doubts.append(f"symbol: named {name}, after the file")


def _describe(file: Path, proposal: Proposal, *, naive: bool) -> None:
    """Read the whole file as it is proposed, and add what the numbers tell."""
    from forecastle.config.target import build

    body = _settled(proposal)
    body["path"] = str(file)
    for key, value in PROVISIONAL.items():
        if _got(body, key) == UNKNOWN:
            _put(body, key, value)
    if body["timezone"] is None and naive:
        body["timezone"] = "UTC"
    try:
        source = build(body, "data")
        describe(source.history(), source, proposal, naive=naive)
    except ForecastleError as error:
        proposal.doubts.append(f"it could not be read so: {error}")


def _settled(proposal: Proposal) -> dict[str, Any]:
    """The body of the shipped choice with what is proposed."""
    import yaml

    from forecastle.config.compose import conf_folder

    path = conf_folder() / "data" / f"{proposal.dialect}.yaml"
    body: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in proposal.settings.items():
        _put(body, key, value)
    return body


def _got(body: Mapping[str, Any], key: str) -> Any:
    first, _, rest = key.partition(".")
    return _got(body[first], rest) if rest else body[first]


def _put(body: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key."""
    first, _, rest = key.partition(".")
    if not rest:
        body[first] = value
        return
    if not isinstance(body.get(first), dict):
        body[first] = {}
    _put(body[first], rest, value)


def _written(value: Any) -> str:
    """A value in the grammar of the command line."""
    if isinstance(value, str):
        return value if value == UNKNOWN else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return f"[{','.join(_written(each) for each in value)}]"
    return json.dumps(value)


def _is_iso(text: str) -> bool:
    return not pd.isna(pd.to_datetime(pd.Series([text]), format="ISO8601", errors="coerce").iloc[0])
