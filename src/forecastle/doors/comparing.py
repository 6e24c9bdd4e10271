"""`forecastle compare`: finished runs, ranked on their validation parts, with the uncertainty of each difference."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from forecastle import logs
from forecastle.comparison.group import Group, rows_of
from forecastle.comparison.standings import contests
from forecastle.errors import ConfigError, nearest
from forecastle.evaluation.layout import WIDTH
from forecastle.evaluation.placing import render_contest
from forecastle.runs.store import usual_store

FLAGS = ("--json", "--csv", "--html", "--test", "--fast")

USAGE = """\
usage: forecastle compare [RUN | SWEEP | last | KEY=VALUE ...] [baseline=NAME] [--test] [--fast]
                          [--json | --csv] [--html[=FILE.html]]

  RUN, SWEEP     ids or their beginnings; last is the newest sweep; none of them: all finished runs
  KEY=VALUE      only runs with this choice or setting: model=ridge horizon=10 model.estimator.alpha=3
  baseline=NAME  what skill is measured against (random_walk); buy_and_hold ranks accounts by their Sharpe ratio, as
                 runs are that differ in policy or account only
  --test         show the test scores of all runs that opened their test part, not of the best one only
  --fast         rank scores only: no tests, no intervals, no confidence set
  --html[=FILE.html]
                 write a page, too: the table to be sorted, settings and their importance, learning curves, skill by
                 horizon and over time (compare.html, with the sweep that is meant or beside the runs)

Runs are ranked on their validation parts; those of a search by what it was after. Those on other data, targets, steps,
splits or windows stand in tables of their own.
"""


def compare(words: Sequence[str]) -> int:
    """Print the comparison that a command line asks for.

    Raises
    ------
    ForecastleError
        If an argument is unknown, no run is meant, or a run's folder is damaged.
    """
    if words and words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    asked = _read(words)
    flags = asked.flags
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store = usual_store()
    if asked.page is not None:
        _check_place(asked.page)
    groups = contests(store, asked.meant, asked.baseline, every_test="--test" in flags, sure="--fast" not in flags)
    if "--json" in flags:
        print(json.dumps([group.to_json() for group in groups], indent=1, allow_nan=False))
    elif "--csv" in flags:
        print(_as_csv(groups), end="")
    else:
        differing = {key for group in groups for key in group.apart}
        print("\n\n".join(_as_text(group, differing) for group in groups))
    if "--html" in flags:
        from forecastle.comparison.overview import write_overview

        place = write_overview(groups, store, asked.meant, asked.page)
        print(f"\npage  {place}", file=sys.stderr if flags & {"--json", "--csv"} else sys.stdout)
    return 0


@dataclass(frozen=True)
class _Asked:
    """What a command line asks for: runs, a baseline, flags, and where the page goes."""

    meant: list[str]
    baseline: str | None
    flags: frozenset[str]
    page: Path | None


def _read(words: Sequence[str]) -> _Asked:
    meant: list[str] = []
    flags: set[str] = set()
    baseline, page = None, None
    for before, word in zip(("", *words), words, strict=False):
        flag, equals, value = word.partition("=")
        if word.startswith("--html="):
            if not value:
                raise ConfigError("--html=FILE.html: a file is wanted, got nothing behind the sign")
            flags.add(flag)
            page = Path(value)
        elif word.startswith("-"):
            if word not in FLAGS:
                raise ConfigError(f"unknown flag {word!r}{nearest(flag, FLAGS)} (allowed: {', '.join(FLAGS)})")
            flags.add(word)
        elif before == "--html" and not equals and word.endswith((".html", ".htm")):
            page = Path(word)
        elif flag == "baseline":
            if not value:
                raise ConfigError("baseline=NAME: the name of a forecaster is wanted, say random_walk, got nothing")
            baseline = value
        elif not word:
            raise ConfigError("a run, a sweep or KEY=VALUE is wanted, got an empty word")
        else:
            meant.append(word)
    if {"--json", "--csv"} <= flags:
        raise ConfigError("--json or --csv: one of them is wanted, got both")
    return _Asked(meant, baseline, frozenset(flags), page)


def _check_place(page: Path) -> None:
    """Refuse, before anything is computed, a place where no page can be written."""
    if page.is_dir():
        raise ConfigError(f"--html: a file is wanted, got the folder {page}")
    above = next(each for each in (page.parent, *page.parent.parents) if each.exists())
    if not above.is_dir():
        raise ConfigError(f"--html: a page cannot be written to {page}, since {above} is a file")
    if not os.access(page if page.exists() else above, os.W_OK):
        raise ConfigError(f"--html: a page cannot be written to {page}: {above} may not be written to")


def _as_text(group: Group, differing: Collection[str]) -> str:
    lines = []
    if group.apart:
        lines += textwrap.wrap(f"not ranked with the first table: other {', '.join(group.apart)}", WIDTH)
    shown = ("data", "target", "steps", "objective", "windows", *differing)
    told = {key: value.replace("T00:00:00Z", "") for key, value in group.question.items() if key in shown}
    told["objective"] += ", validation part"
    told["ranked by"] = group.ranked_by
    for key, value in told.items():
        for number, line in enumerate(textwrap.wrap(value, WIDTH - 17, break_on_hyphens=False)):
            lines.append(f"{'' if number else key:16} {line}")
    lines += render_contest(group.contest)
    for note in group.notes():
        lines += textwrap.wrap(note, WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def _as_csv(groups: Sequence[Group]) -> str:
    """One line for each run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns, rows = rows_of(groups)
    writer.writerow(columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return stream.getvalue()
