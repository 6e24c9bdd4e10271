"""Colours of a comparison's lines, as people with and without colour blindness see them."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

SEEN = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What linear colours become: Machado, Oliveira and Fernandes, IEEE Transactions on Visualization 15 (2009)."""

XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
PAGES = {"light": "#ffffff", "dark": "#11161c"}
TELLING = 12.0
"""Distance in CIELAB from which two lines are told apart; about 2 is just to be noticed side by side."""


def palettes(letter: str) -> dict[str, list[str]]:
    text = files("forecastle.report").joinpath("comparison.css").read_text(encoding="utf-8")
    found = [re.findall(rf"--{letter}\d: (#\w{{6}})", block) for block in text.split(":root")[1:]]
    assert len(found) == 3
    assert found[0] == found[2]  # print is light
    return dict(zip(PAGES, found, strict=False))


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    x, y, z = (np.where(each > 0.008856, np.cbrt(each), 7.787 * each + 16 / 116) for each in XYZ @ light / (XYZ.sum(1)))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(first: str, second: str) -> float:
    dark, bright = sorted(float(XYZ[1] @ linear(colour)) for colour in (first, second))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eye", SEEN)
@pytest.mark.parametrize("scheme", PAGES)
def test_lines_of_runs_are_told_apart_by_everybody(scheme: str, eye: str) -> None:
    colours = palettes("l")[scheme]
    assert len(colours) == 5
    seen = [lab(np.clip(np.array(SEEN[eye]) @ linear(colour), 0, 1)) for colour in colours]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > TELLING


@pytest.mark.parametrize("scheme", PAGES)
def test_lines_of_runs_stand_out_from_the_page(scheme: str) -> None:
    assert min(contrast(colour, PAGES[scheme]) for colour in palettes("l")[scheme]) >= 3  # WCAG 1.4.11


@pytest.mark.parametrize("scheme", PAGES)
def test_the_better_a_run_the_more_its_line_stands_out(scheme: str) -> None:
    steps = [contrast(colour, PAGES[scheme]) for colour in palettes("r")[scheme]]
    assert len(steps) == 5
    assert steps == sorted(steps, reverse=True)
    assert min(np.array(steps[:-1]) / steps[1:]) > 1.2
