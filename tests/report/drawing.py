"""Reads a drawn chart back: marks as fractions of the plot, (0, 0) at the lower left."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

NAMESPACE = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def of_class(svg: str, tag: str, *classes: str) -> list[ElementTree.Element]:
    return [each for each in parse(svg).iter(NAMESPACE + tag) if set(classes) <= set(each.get("class", "").split())]


def paths(svg: str, *classes: str) -> list[list[np.ndarray]]:
    """For each path, its pieces of shape (points, 2)."""
    found = []
    for path in of_class(svg, "path", *classes):
        pieces = [re.findall(r"-?\d+", re.sub(r"l0 0|Z", "", piece)) for piece in path.get("d", "").split("M")[1:]]
        points = [np.array(piece, dtype=float).reshape(-1, 2) / 10_000 for piece in pieces]
        found.append([np.column_stack([piece[:, 0], 1 - piece[:, 1]]) for piece in points])
    return found


def per_cent(element: ElementTree.Element, name: str) -> float:
    text = element.get(name, "")
    assert text.endswith("%")
    return float(text[:-1]) / 100


def texts(svg: str, *classes: str) -> list[str]:
    return [each.text or "" for each in of_class(svg, "text", *classes)]
