"""Tags name runs; each names one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from forecastle.errors import ConfigError, RunError
from forecastle.runs.store import RunStore
from forecastle.runs.tags import check, tag, tags, tags_of, untag


def test_a_run_may_have_several_tags(tmp_path: Path) -> None:
    assert tags(tmp_path) == {}
    for name in ("production", "best", "best"):
        tag(tmp_path, "0a", name)
    tag(tmp_path, "0b", "other")
    assert tags(tmp_path) == {"best": "0a", "other": "0b", "production": "0a"}
    assert tags_of(tmp_path, "0a") == ("best", "production")
    assert untag(tmp_path, "best") == "0a"
    assert tags_of(tmp_path, "0a") == ("production",)


@pytest.mark.parametrize("name", ["production", "v1.2", "Best_of-3", "g"])
def test_names_that_can_be_tags(name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", ["", "1st", "a b", "a/b", "..", "-x", "x" * 65, "last", "deadbeef", "a", "ärger"])
def test_names_that_cannot(name: str) -> None:
    with pytest.raises(ConfigError):
        check(name)


def test_of_many_that_want_a_tag_at_once_one_gets_it(tmp_path: Path) -> None:
    got: list[str] = []
    ready = threading.Barrier(8)

    def want(run: str) -> None:
        ready.wait()
        try:
            tag(tmp_path, run, "production")
        except RunError:
            return
        got.append(run)

    asking = [threading.Thread(target=want, args=(f"{number:016x}",)) for number in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert list(tags(tmp_path).values()) == got


def test_a_tag_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no tag 'prod' in .* \(there are none\)"):
        untag(tmp_path, "prod")
    tag(tmp_path, "0a", "production")
    with pytest.raises(RunError, match=r"did you mean 'production'\? \(there are: production\)"):
        untag(tmp_path, "producton")


def test_a_damaged_tag_is_told_in_one_line(tmp_path: Path) -> None:
    tag(tmp_path, "0a", "production")
    (tmp_path / "tags" / "production").write_text("no id\n")
    with pytest.raises(RunError, match=r"tags/production is damaged: a run's id wanted, got 'no id'"):
        RunStore(tmp_path).get("production")
