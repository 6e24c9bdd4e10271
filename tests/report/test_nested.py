from __future__ import annotations

import pytest

from forecastle.report.nested import MOST_ROWS, flatten, text


def test_a_quality_report_is_laid_flat() -> None:
    first = [{"row": 3, "close": 0.0}, {"row": 9, "close": -1.0}]
    content = {
        "source": "csv",
        "policy": {"values": "drop", "gaps": "report"},
        "symbols": {
            "A": {"symbol": "A", "rows_in": 9, "findings": {"values": {"count": 2, "first": first}}},
            "B": {"symbol": "B", "rows_in": 7, "findings": {}},
        },
    }
    tables = {table.caption: table for table in flatten(content, "Candles")}
    assert tables["Candles"].rows == [["source", "csv"]]
    assert tables["Candles › policy"].rows == [["values", "drop"], ["gaps", "report"]]
    assert tables["Candles › symbols"].head == ["", "rows in", "findings"]
    assert tables["Candles › symbols"].rows == [["A", "9", "–"], ["B", "7", "–"]]
    assert tables["Candles › symbols › A › findings"].rows == [["values", "2"]]
    assert tables["Candles › symbols › A › findings › values › first"].rows == [["1", "3", "0"], ["2", "9", "−1"]]


def test_a_mapping_inside_a_row_gets_columns_of_its_own() -> None:
    (table,) = flatten([{"bars": 1, "after": {"row": 10, "close": 2.5}}], "Gaps")
    assert table.head == ["", "bars", "after row", "after close"]
    assert table.rows == [["1", "1", "10", "2.5"]]


def test_long_lists_are_cut_and_say_so() -> None:
    (table,) = flatten([{"row": number} for number in range(99)], "Rows")
    assert len(table.rows) == MOST_ROWS
    assert table.note == f"The first {MOST_ROWS} of 99."
    assert text(list(range(99))).endswith(f"{MOST_ROWS - 1} … (99)")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (True, "yes"), (-3, "−3"), (0.1 + 0.2, "0.3"),
     (-7.981e8, "−798100000"), ([], "–"), ({"a_b": 1}, "a b 1"),
     ("2009-03-02T00:00:00Z", "2009-03-02"), ("2009-03-02T14:30:00Z", "2009-03-02 14:30 UTC"),
     ("x" * 999, "x" * 160 + "…")],
)  # fmt: skip
def test_plain_values_are_shown_as_people_read_them(value: object, shown: str) -> None:
    assert text(value) == shown
