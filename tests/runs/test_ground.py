"""The ground of a job: resolvers that are seen through, and files that are seen to change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forecastle.config.compose import compose
from forecastle.runs.ground import Sources, ground_of, holds

WORDS = ("data=synthetic", "data.count=1500", "indicator=minimal")


def test_nothing_to_hash_in_our_conf_is_unknown(tmp_path: Path) -> None:
    sources = Sources((f"file://{tmp_path}", "pkg://hydra.conf", "structured://"), "config")
    config = compose(list(WORDS))
    assert ground_of(config, WORDS, sources, sources.stamp()) is not None


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("a: ${oc.env:HOME}", True),
        ("a: ${oc.decode:${oc.env:MINE,0}}", True),
        ("a: ${ oc.env : MINE , 0 }", True),
        ("a: ${other.key}", True),
        ("a: ${oc.env:${which}}", False),
        ("a: ${oc.env:'MINE'}", False),
        ("a: ${now:%Y}", False),
        ("a: ${oc.decode:${now:%Y}}", False),
        ("a: ${mine:1}", False),
    ],
)
def test_only_resolvers_that_are_seen_through_leave_a_ground(tmp_path: Path, text: str, known: bool) -> None:
    (tmp_path / "config.yaml").write_text(text)
    sources = Sources((f"file://{tmp_path}",), "config")
    config = compose(list(WORDS))
    assert (ground_of(config, WORDS, sources, sources.stamp()) is not None) == known
    empty = Sources((), "config")
    assert (ground_of(config, [text], empty, empty.stamp()) is not None) == known, "in a word of the command too"


def test_each_part_of_the_sources_makes_another_ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    file = tmp_path / "model" / "a.yaml"
    file.write_text("a: ${oc.decode:${oc.env:MINE,0}}")
    config = compose(list(WORDS))
    folder = f"file://{tmp_path}"

    def ground(*folders: str, name: str = "config", given: tuple[tuple[str, str], ...] = ()) -> str | None:
        sources = Sources(folders, name, given)
        return ground_of(config, WORDS, sources, sources.stamp())

    found = [ground(folder), ground(folder, "structured://"), ground(folder, name="other")]
    found.append(ground(folder, given=(("MINE", "1"),)))
    monkeypatch.setenv("MINE", "2")
    found.append(ground(folder))
    file.rename(tmp_path / "model" / "b.yaml")
    found.append(ground(folder))
    (tmp_path / "model" / "b.yaml").write_text("b: ${oc.decode:${oc.env:MINE,0}}")
    found.append(ground(folder))
    assert None not in found
    assert len(set(found)) == len(found)
    assert ground(folder) == found[-1]


def test_there_is_no_ground_where_files_changed_while_jobs_were_composed(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("a: 1")
    sources, config = Sources((f"file://{tmp_path}",), "config"), compose(list(WORDS))
    before, times = sources.stamp(), file.stat()
    file.write_text("a: 2")
    file.write_text("a: 1")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert ground_of(config, WORDS, sources, before) is None, "as it was, but not all the time"


def test_a_run_without_a_configuration_stands_on_nothing(tmp_path: Path) -> None:
    sources = Sources((), "config")
    assert not holds("0" * 32, tmp_path, WORDS, sources)
    for text in ("{", "[]", "data: 1", "null"):
        (tmp_path / "config.yaml").write_text(text)
        assert not holds("0" * 32, tmp_path, WORDS, sources)
