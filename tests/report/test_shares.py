"""Importance of settings as it is drawn and told."""

from __future__ import annotations

from forecastle.evaluation.fanova import Importance, Share
from forecastle.report.shares import shares_figure, shares_note

FOUND = Importance(
    40, 0.62, {"model.alpha": Share(0.5, 0.3, 0.7), "seed": Share(0.1, 0.0, 0.2)}, Share(0.4, 0.2, 0.6), 2
)


def test_every_setting_has_a_row_and_the_rest_is_told() -> None:
    figure = shares_figure(FOUND, {"model.alpha": "alpha", "seed": "seed"})
    assert figure is not None
    assert "alpha: 50\u202f%, 30 to 70\u202f%" in figure.svg
    assert ">only together</text>" in figure.svg
    told = shares_note(FOUND, 40, 2)
    assert "foretells 62\u202f% of the variance" in told
    assert "2 runs far behind" in told


def test_what_foretells_nothing_is_not_drawn_and_few_runs_are_told() -> None:
    blind = Importance(40, -0.2, FOUND.shares, FOUND.together, 0)
    assert shares_figure(blind, {"model.alpha": "alpha", "seed": "seed"}) is None
    assert "it is not shown that any setting matters" in shares_note(blind, 40, 2)
    assert shares_note(None, 7, 2) == "7 runs are too few to tell which setting matters: at least 20 are wanted."
    assert shares_note(None, 30, 2) == "The scores do not vary."
    assert shares_note(None, 30, 0) == "No setting varies."
