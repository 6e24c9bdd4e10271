from __future__ import annotations

from forecastle.report.words import column, percent


def test_a_column_shares_its_decimals() -> None:
    assert column([12.3456, 0.001, -1.0]) == ["12.35", "0.00", "−1.00"]
    assert column([0.0, None]) == ["0", "–"]


def test_nothing_gained_has_no_sign() -> None:
    assert percent(0.0) == percent(1e-9) == percent(-1e-9) == "0.0\u202f%"
