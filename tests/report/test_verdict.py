from __future__ import annotations

from typing import Any

import pytest

from forecastle.report.verdict import judge


def skill(value: float, low: float | None, high: float | None, significant: bool) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "significant": significant}


@pytest.mark.parametrize(
    ("figures", "word", "sentence"),
    [
        (skill(0.02, 0.01, 0.03, True), "better", "On the test part, ridge is better than the random walk."),
        (skill(-0.02, -0.03, -0.01, True), "worse", "On the test part, ridge is worse than the random walk."),
        (skill(0.02, -0.01, 0.05, False), "no difference", "no difference that this sample can show."),
        (skill(0.50, None, None, False), "no difference", "no difference that this sample can show."),
    ],
)
def test_the_verdict_claims_no_more_than_the_interval_bears(figures: dict[str, Any], word: str, sentence: str) -> None:
    verdict = judge("ridge", "test", {"objective": "crps", "skill": {"random_walk": figures}})
    assert verdict.word == word
    assert verdict.sentence.endswith(sentence)


def test_the_verdict_says_its_numbers() -> None:
    verdict = judge("ridge", "test", {"objective": "crps", "skill": {"random_walk": skill(0.02, -0.01, 0.05, False)}})
    assert verdict.evidence == "Skill +2.0\u202f% in crps, 95\u202f% interval −1.0\u202f% to +5.0\u202f%"


def test_a_baseline_is_not_judged_against_itself() -> None:
    figures = {"random_walk": skill(0.0, 0.0, 0.0, False), "last_value": skill(0.3, 0.2, 0.4, True)}
    assert "better than the last value" in judge("random_walk", "test", {"skill": figures}).sentence


def test_without_skill_there_is_no_verdict() -> None:
    assert judge("ridge", "test", {"skill": {"random_walk": None}}).word == "unknown"


def test_the_evidence_never_contradicts_the_verdict():
    skill = {"random_walk": {"value": -0.0011, "low": -0.0014, "high": -0.00032, "significant": True}}
    verdict = judge("ridge", "test", {"objective": "crps", "skill": skill})
    assert verdict.word == "worse"
    assert verdict.evidence.startswith("Skill −0.11\u202f% in crps, 95\u202f% interval −0.14\u202f% to −0.03\u202f%")
