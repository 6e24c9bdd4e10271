from __future__ import annotations

from typing import Any

from forecastle.report.table import scores_table, steps_table, symbols_table

SCORES: dict[str, Any] = {
    "objective": "crps",
    "direction": "min",
    "unit": "log return",
    "windows": 20,
    "origins": 10,
    "steps": [1, 2],
    "start": "2020-01-01T00:00:00Z",
    "end": "2020-02-01T00:00:00Z",
    "metrics": {"crps": {"direction": "min"}, "hit_rate": {"direction": "max"}, "coverage_80": {"direction": "none"}},
    "scores": {
        "model": {"hit_rate": 0.51, "crps": 0.01234, "coverage_80": 0.8},
        "last_value": {"hit_rate": None, "crps": 0.02, "coverage_80": float("nan")},
        "random_walk": {"hit_rate": 0.5, "crps": 0.0125, "coverage_80": 0.79},
    },
    "interval": {"model": {"low": 0.011, "high": 0.013}, "random_walk": {"low": 0.0121, "high": 0.0134}},
    "skill": {"random_walk": {"value": 0.0128, "low": -0.01, "high": 0.03}, "last_value": {"value": 0.383}},
    "by_step": {"model": {"crps": [0.01, 0.02]}, "random_walk": {"crps": [0.011]}},
    "by_symbol": {"A": {"model": 0.1, "last_value": 0.2, "random_walk": 0.3}, "B": {"model": 0.4}},
}


def test_the_table_of_scores_begins_with_the_model_and_the_objective() -> None:
    table = scores_table("test", SCORES, "ridge")
    assert table.head == [
        "", "crps\u00a0↓", "crps, 95\u202f%", "model’s skill", "skill, 95\u202f%", "hit rate\u00a0↑", "coverage 80"
    ]  # fmt: skip
    assert table.rows == [
        ["ridge", "0.01234", "0.01100\u00a0… 0.01300", "", "", "0.5100", "0.8000"],
        [
            "random walk",
            "0.01250",
            "0.01210\u00a0… 0.01340",
            "+1.3\u202f%",
            "−1.0\u202f%\u00a0… +3.0\u202f%",
            "0.5000",
            "0.7900",
        ],
        ["last value", "0.02000", "–", "+38.3\u202f%", "", "–", "–"],
    ]
    assert table.caption == "Test part, 2020-01-01 to 2020-02-01: 20 windows at 10 origins"


def test_the_table_of_steps_fills_what_is_missing() -> None:
    table = steps_table(SCORES, "ridge")
    assert table is not None
    assert table.rows == [["ridge", "0.01000", "0.02000"], ["random walk", "0.01100", "–"]]
    assert steps_table({"objective": "crps"}, "ridge") is None


def test_symbols_get_a_table_where_there_are_two() -> None:
    table = symbols_table(SCORES, "ridge")
    assert table is not None
    assert table.head == ["symbol", "ridge", "random walk", "last value"]
    assert table.rows == [["A", "0.1000", "0.3000", "0.2000"], ["B", "0.4000", "–", "–"]]
    assert symbols_table({"by_symbol": {"A": {"model": 0.1}}}, "ridge") is None
