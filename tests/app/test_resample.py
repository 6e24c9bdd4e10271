"""An experiment on slower bars than those of the source."""

from __future__ import annotations

from pathlib import Path

from forecastle import run


def test_bars_are_resampled_before_anything_is_computed(workplace: Path) -> None:
    words = ["data=synthetic", "data.count=20000", "data.interval=5min", "indicator=minimal"]
    fast, slow = (run([*words, *more]) for more in ([], ["resample=1h"]))
    assert fast.folder.parent.resolve() == (workplace / "runs").resolve()
    assert fast.id != slow.id
    assert (fast.manifest["interval"], slow.manifest["interval"]) == ("5 minutes", "60 minutes")
    count = {each.id: each.metrics["test"]["windows"] for each in (fast, slow)}
    assert 0 < count[slow.id] < count[fast.id] / 10
