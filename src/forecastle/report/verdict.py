"""What a run says, in one sentence that a sample of this size can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forecastle.evaluation.layout import percent_places
from forecastle.report.folder import baselines
from forecastle.report.words import defined, percent


@dataclass(frozen=True)
class Verdict:
    """A judgement.

    Parameters
    ----------
    word
        ``better``, ``worse``, ``no difference`` or ``unknown``: the CSS class is made of it.
    sentence
        In plain words.
    evidence
        The numbers behind it; empty where there are none.
    """

    word: str
    sentence: str
    evidence: str = ""


def judge(name: str, part: str, scores: dict[str, Any]) -> Verdict:
    """Judge a model against the random walk, or against the next baseline where that is missing or is the model itself.

    Parameters
    ----------
    name
        Of the model.
    part
        ``test`` or ``validation``.
    scores
        Its metrics: skill is positive where the model is better; `significant` says that the 95 % interval excludes 0.

    Examples
    --------
    >>> skill = {"random_walk": {"value": 0.018, "low": -0.004, "high": 0.04, "significant": False}}
    >>> judge("ridge", "test", {"objective": "crps", "skill": skill}).sentence
    'On the test part, ridge against the random walk: no difference that this sample can show.'
    """
    skill = scores.get("skill") or {}
    baseline = next(
        (each for each in baselines(skill) if each != name and defined((skill[each] or {}).get("value"))), None
    )
    if baseline is None:
        return Verdict("unknown", f"On the {part} part, the skill of {name} against the baselines is not defined.")
    other, figures = baseline.replace("_", " "), skill[baseline]
    value, low, high = figures["value"], figures.get("low"), figures.get("high")
    known = defined(low) and defined(high)
    places = percent_places(low, high) if known else 1
    evidence = f"Skill {percent(value, places)} in {scores.get('objective', 'the objective')}"
    if known:
        evidence += f", 95\u202f% interval {percent(low, places)} to {percent(high, places)}"
    if not figures.get("significant"):
        sentence = f"On the {part} part, {name} against the {other}: no difference that this sample can show."
        return Verdict("no difference", sentence, evidence)
    word = "better" if value > 0 else "worse"
    return Verdict(word, f"On the {part} part, {name} is {word} than the {other}.", evidence)
