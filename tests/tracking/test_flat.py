from __future__ import annotations

import math

from forecastle.tracking.flat import flatten, settings


def test_flatten_keeps_nan_and_drops_what_is_missing() -> None:
    flat = dict(flatten({"a": {"b": math.nan, "c": None}, "d": True, "e": "text"}))
    assert math.isnan(flat.pop("a/b"))
    assert flat == {"d": True, "e": "text"}


def test_settings_keep_lists_whole_and_empty_nodes() -> None:
    assert dict(settings({"a": {"b": [1, {"c": 2}], "d": {}}, "e": None})) == {
        "a.b": [1, {"c": 2}],
        "a.d": {},
        "e": None,
    }
