"""Times of fixed width: what is read is what strptime reads, and the rest is left to it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecastle.data.stamps import read_fixed

FORMATS = [
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%d.%m.%Y %H:%M:%S.%f",
    "%Y-%m-%d",
    "%Y%m%d",
    "%m/%d/%Y",
]
MOMENT = st.datetimes(datetime(1700, 1, 1), datetime(2200, 12, 31))


@settings(max_examples=200, deadline=None)
@given(st.lists(MOMENT, min_size=1, max_size=20), st.sampled_from(FORMATS))
def test_what_was_written_is_read(moments: list[datetime], time_format: str) -> None:
    texts = pd.Series([moment.strftime(time_format) for moment in moments])
    read = read_fixed(texts, time_format)
    assert read is not None
    assert read[1].all()
    assert [str(each) for each in read[0]] == [
        str(np.datetime64(datetime.strptime(text, time_format), "us")) for text in texts
    ]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(FORMATS))
def test_a_row_is_sound_only_if_strptime_reads_the_same(data: st.DataObject, time_format: str) -> None:
    base = datetime(2019, 12, 31, 23, 58, 59).strftime(time_format)
    texts = []
    for _ in range(data.draw(st.integers(1, 5))):
        text = list(base)
        for at in data.draw(st.lists(st.integers(0, len(base) - 1), max_size=4)):
            text[at] = data.draw(st.sampled_from("0123456789:.-+ /aT"))
        texts.append("".join(text))
    read = read_fixed(pd.Series(texts), time_format)
    assert read is not None
    for text, moment, sound in zip(texts, *read, strict=True):
        try:
            expected = np.datetime64(datetime.strptime(text, time_format), "us")
        except ValueError:
            assert not sound, text
        else:
            assert not sound or moment == expected, text


def test_milliseconds_are_parts_of_a_second() -> None:
    read = read_fixed(pd.Series(["01.02.2020 03:04:05.006"]), "%d.%m.%Y %H:%M:%S.%f")
    assert read is not None
    assert str(read[0][0]) == "2020-02-01T03:04:05.006000"


@pytest.mark.parametrize(
    ("texts", "time_format"),
    [
        (["2020-01-01", "2020-1-01"], "%Y-%m-%d"),
        (["2020-01-01", None], "%Y-%m-%d"),
        (["Jan 2020"], "%b %Y"),
        (["2020-01"], "%Y-%m"),
        (["2020-01-01 2020"], "%Y-%m-%d %Y"),
        (["2020-01-01é"], "%Y-%m-%dé"),
        (["2020-01-01 00:00:00.1234567"], "%Y-%m-%d %H:%M:%S.%f"),
        ([""], "%Y-%m-%d"),
        ([], "%Y-%m-%d"),
    ],
)
def test_what_has_no_fixed_width_is_left_to_others(texts: list[str | None], time_format: str) -> None:
    assert read_fixed(pd.Series(texts, dtype="str"), time_format) is None
