"""Policies: what may be asked for."""

from __future__ import annotations

import pytest

from forecastle.data.quality import ALLOWED, QualityPolicy
from forecastle.errors import ConfigError


def test_rows_are_refused_and_holes_are_counted_unless_it_is_said_otherwise() -> None:
    policy = QualityPolicy()
    assert {setting: getattr(policy, setting) for setting in ALLOWED} == {
        **dict.fromkeys(("types", "order", "duplicates", "values", "ohlc"), "fail"),
        **dict.fromkeys(("flat", "jumps", "gaps"), "report"),
    }


def test_every_setting_of_the_policy_has_its_table_of_what_is_allowed() -> None:
    assert set(QualityPolicy.__dataclass_fields__) == {*ALLOWED, "session"}
    for setting, allowed in ALLOWED.items():
        for policy in allowed:
            assert getattr(QualityPolicy(**{setting: policy}), setting) == policy


@pytest.mark.parametrize(
    ("setting", "policy", "message"),
    [
        (
            "types",
            "repair",
            r"quality\.types must be one of fail, drop, got 'repair' \(no number can be made of a text\)",
        ),
        ("gaps", "drop", r"quality\.gaps must be one of report, fail, repair, got 'drop' \(there is nothing to drop\)"),
        ("flat", "repair", r"got 'repair' \(nobody knows what the prices were\)"),
        ("jumps", "repair", r"got 'repair' \(only their source knows by what the prices are to be adjusted\)"),
        ("ohlc", "report", r"quality\.ohlc must be one of fail, drop, repair, got 'report'"),
        ("ohlc", "repiar", r"got 'repiar'; did you mean 'repair'\?"),
        ("order", None, "got None"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_the_reason(setting: str, policy: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        QualityPolicy(**{setting: policy})
