"""`forecastle compare`: finished runs, ranked on their validation parts, with the uncertainty of each difference."""

from __future__ import annotations

import csv
import io
import json
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from forecastle import logs
from forecastle.errors import ConfigError, nearest
from forecastle.evaluation.layout import WIDTH, skill_text
from forecastle.evaluation.ranking import render_contest
from forecastle.runs.store import RunStore
from forecastle.standings import Group, contests, rows_of

FLAGS = ("--json", "--csv", "--test", "--fast")

USAGE = """\
usage: forecastle compare [RUN | SWEEP | last | KEY=VALUE ...] [baseline=NAME] [--test] [--fast] [--json | --csv]

  RUN, SWEEP     ids or their beginnings; last is the newest sweep; none of them: all finished runs
  KEY=VALUE      only runs with this choice or setting: model=ridge horizon=10 model.estimator.alpha=3
  baseline=NAME  what skill is measured against (random_walk); buy_and_hold ranks accounts by their Sharpe ratio, as
                 runs are that differ in policy or account only
  --test         show the test scores of all runs that opened their test part, not of the best one only
  --fast         rank scores only: no tests, no intervals, no confidence set

Runs are ranked on their validation parts. Those on other data, targets, steps, splits or windows stand in tables of
their own.
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
    for word in words:
        if word.startswith("-") and word not in FLAGS:
            raise ConfigError(f"unknown flag {word!r}{nearest(word, FLAGS)} (allowed: {', '.join(FLAGS)})")
    flags = {word for word in words if word.startswith("-")}
    baseline = next((word.partition("=")[2] for word in words if word.startswith("baseline=")), None)
    meant = [word for word in words if word not in flags and not word.startswith("baseline=")]
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    store = RunStore(Path(os.environ.get("FORECASTLE_OUTPUT", "runs")))
    groups = contests(store, meant, baseline, every_test="--test" in flags, sure="--fast" not in flags)
    if "--json" in flags:
        print(json.dumps([group.to_json() for group in groups], indent=1, allow_nan=False))
    elif "--csv" in flags:
        print(_as_csv(groups), end="")
    else:
        print("\n\n".join(_as_text(group) for group in groups))
    return 0


def _as_text(group: Group) -> str:
    lines = []
    if group.apart:
        lines += [f"not ranked with the first table: other {', '.join(group.apart)}"]
    lines += [f"{key:16} {value}" for key, value in group.question.items() if key in ("data", "target", "steps")]
    lines += [f"{'objective':16} {group.question['objective']}, validation part, {group.question['windows']}"]
    lines += render_contest(group.contest, group.question["objective"].partition(" ")[0])
    for run, test in group.tests.items():
        score, other = ("undefined" if each is None else f"{each:.6g}" for each in (test["score"], test["baseline"]))
        against = f"{group.contest.baseline} {other}"
        if test["skill"]["value"] is not None:
            against = f"skill {skill_text(test['skill'])} against {group.contest.baseline}"
        lines.append(f"test part of {run}: {test['objective']} {score}, {against}")
    for run, name in group.unscored.items():
        lines += textwrap.wrap(f"not ranked, without a score: {run[:8]} {name}", WIDTH, subsequent_indent="  ")
    if group.traded is not None:
        lines += textwrap.wrap(str(group.traded), WIDTH, subsequent_indent="  ")
    return "\n".join([*lines, str(group.tried), group.looks])


def _as_csv(groups: Sequence[Group]) -> str:
    """One line for each run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns, rows = rows_of(groups)
    writer.writerow(columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return stream.getvalue()
