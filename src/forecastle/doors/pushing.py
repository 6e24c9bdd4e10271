"""`forecastle track`: finished runs sent to a tracker in bulk, read from their folders, and which of them are there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecastle import logs
from forecastle.comparison.group import rows_of
from forecastle.comparison.standings import contests
from forecastle.config.compose import compose
from forecastle.config.target import build
from forecastle.errors import ConfigError, ForecastleError, RunError, nearest
from forecastle.runs.identity import digest
from forecastle.runs.membership import sweeps_by_run
from forecastle.runs.selection import choose
from forecastle.runs.sent import Sending, sendings
from forecastle.runs.store import Run, RunStore
from forecastle.runs.sweep import SweepRecord, named
from forecastle.tracked import Teller
from forecastle.tracking.guard import Guarded
from forecastle.tracking.tracker import RunInfo, Table
from forecastle.tracking.wandb import MODES

USAGE = """\
usage: forecastle track push   [WHICH ...] [tracker=NAME] [tracker.KEY=VALUE ...] [--table | --no-table]
       forecastle track status [WHICH ...] [tracker=NAME] [tracker.KEY=VALUE ...]

  push           send the finished runs that are meant and are not there as they stand; for a sweep, what
                 `forecastle compare` shows of it too
  status         how many of them are there, have changed since, or were never sent
  WHICH          ids of runs or sweeps or their beginnings; last is the newest sweep; KEY=VALUE: only runs with this
                 choice or setting; none of them: all finished runs
  tracker=NAME   wandb (where the configuration names none; online, unless tracker.mode or WANDB_MODE says offline)
                 or mlflow
  --table        send the comparison of other runs than those of one sweep too; --no-table: of none

Runs are read from their folders: it makes no difference whether they were tracked when they were computed. A report
goes along where it was drawn (`forecastle show RUN` draws it). What was sent is written down in tracked.jsonl beside
the runs, so that a run is never there twice, and a push that was stopped goes on where it was. The exit code is 1
where a run could not be sent.
"""

FLAGS = ("--table", "--no-table")

PATIENCE = 3
"""Runs in a row that fail before the push gives up."""


def track(words: Sequence[str]) -> int:
    """Push runs, or tell which are there; return the exit code.

    Raises
    ------
    ForecastleError
        If an argument is unknown, no run is meant, or nothing can be sent at all.
    """
    verbs = ("push", "status")
    if not words or {"-h", "--help"} & set(words) or words[0] == "help":
        print(USAGE, end="")
        return 0 if words else 2
    if words[0] not in verbs:
        raise ConfigError(f"no verb {words[0]!r}{nearest(words[0], verbs)} (there are: {', '.join(verbs)})")
    flags = [word for word in words[1:] if word.startswith("-")]
    allowed = FLAGS if words[0] == "push" else ()
    for word in flags:
        if word not in allowed:
            raise ConfigError(f"unknown flag {word!r} of track {words[0]}{nearest(word, allowed)}")
    logs.configure(os.environ.get("FORECASTLE_LOG_LEVEL", "INFO"))
    about = [word for word in words[1:] if word.startswith(("tracker=", "tracker.", "+tracker."))]
    meant = [word for word in words[1:] if word not in flags and word not in about]
    store = RunStore(Path(os.environ.get("FORECASTLE_OUTPUT", "runs")))
    runs, _ = choose(store, meant)
    node = _tracker(about)
    teller = Teller(Guarded(build(node, "tracker"), strict=True), node, store)
    return _status(teller, store, runs) if words[0] == "status" else _push(teller, store, runs, meant, flags)


def _tracker(about: Sequence[str]) -> dict[str, Any]:
    """The tracker that is asked for, else that of the configuration, else W&B; W&B is online unless that is said."""
    if any(word.startswith("tracker=") for word in about):
        node = compose(about).tracker
    else:
        node = compose(()).tracker
        ours = not node["_target_"].endswith("FilesTracker")
        node = compose(about if ours else ["tracker=wandb", *about]).tracker
    if node["_target_"].endswith("WandbTracker") and not any(word.startswith("tracker.mode=") for word in about):
        node = {**node, "mode": _usual_mode()}
    return node


def _usual_mode() -> str:
    """Online, unless W&B's own variable says something else.

    Raises
    ------
    ConfigError
        If it says that nothing is to be sent, or nothing that can be.
    """
    said = os.environ.get("WANDB_MODE") or "online"
    if said not in MODES:
        raise ConfigError(
            f"WANDB_MODE must be {' or '.join(MODES)} for a push, got {said!r}; tracker.mode goes before it"
        )
    if said == "offline":
        print(
            "WANDB_MODE=offline: runs are kept in files, which `wandb sync` sends (tracker.mode=online sends them now)"
        )
    return said


def _push(teller: Teller, store: RunStore, runs: Sequence[Run], meant: Sequence[str], flags: Sequence[str]) -> int:
    place = teller.tracker.place
    if place is None:
        raise ConfigError("tracker=files sends nothing anywhere; tracker=wandb and tracker=mlflow do")
    belongs = sweeps_by_run(store.folder)
    count: Counter[str] = Counter()
    row = 0
    for run in logs.progress(runs, len(runs), "runs"):
        try:
            state = teller.tell(run, belongs.get(run.id, ()))
        except ForecastleError as error:
            if teller.tracker.error is error:  # no login, say: the next fails alike
                raise type(error)(f"{error} ({count['sent']} of {len(runs)} runs sent)") from error
            # one that is damaged is no reason to send nothing of the others
            print(f"run {run.id} is not sent: {error}")
            count["damaged"] += 1
            continue
        count[state] += 1
        row = row + 1 if state == "failed" else 0
        if row == PATIENCE:
            break
    left = len(runs) - sum(count.values())
    failed = count["failed"] + count["damaged"]
    told = f"{count['sent']} sent, {count['known']} there as they stand, {failed} failed"
    print(f"{place}: {told}{f', {left} not tried' if left else ''}")
    if not left and "--no-table" not in flags:
        failed += _show(teller, store, runs, meant, always="--table" in flags)
    return 1 if failed or left else 0


def _show(teller: Teller, store: RunStore, runs: Sequence[Run], meant: Sequence[str], *, always: bool) -> int:
    """Send the comparison of a sweep, or of any runs where that is asked; return the number of failures."""
    sweep = _sweep(store, meant)
    if sweep is None and not always:
        return 0
    try:
        columns, rows = rows_of(contests(store, meant))
    except RunError as error:
        print(f"the comparison is not sent: {error}")
        return 1
    what = f"sweep {sweep.id}" if sweep else f"{len(runs)} runs"
    identity = f"compare-{sweep.id if sweep else digest([run.id for run in runs])[:8]}"
    group = sweep.id if sweep else None
    info = RunInfo(identity, f"comparison of {what}", {"runs": [run.id for run in runs]}, group, ("comparison",))
    state = teller.show(info, Table(tuple(columns), tuple(tuple(row) for row in rows)))
    print(f"comparison of {what}: {'there as it stands' if state == 'known' else state}")
    return int(state == "failed")


def _sweep(store: RunStore, meant: Sequence[str]) -> SweepRecord | None:
    """The sweep that is meant, whole and alone."""
    if len(meant) != 1 or "=" in meant[0]:
        return None
    try:
        return named(store.folder, meant[0])
    except RunError:  # the id of a run
        return None


def _status(teller: Teller, store: RunStore, runs: Sequence[Run]) -> int:
    """Tell for the place that is asked for, and for every other one that has been told of a run."""
    belongs = sweeps_by_run(store.folder)
    before = sendings(store.folder)
    count: dict[str, Counter[str]] = {}
    for place in dict.fromkeys([*filter(None, [teller.tracker.place]), *(place for place, _ in before)]):
        count[place] = Counter()
        keeper = teller.tracker if place == teller.tracker.place else _keeper(place, before)
        for run in runs:
            sent = before.get((place, run.id))
            if sent is None:
                count[place]["never sent"] += 1
                continue
            try:
                same = teller.described(run, belongs.get(run.id, ()))[1] == sent.content
            except ForecastleError:
                count[place]["damaged"] += 1
                continue
            count[place][_state(keeper, run.id) if same else "changed since"] += 1
    for place, states in count.items():
        print(f"{place}: {', '.join(f'{number} {state}' for state, number in sorted(states.items()))}")
    return 0


def _keeper(place: str, before: Mapping[tuple[str, str], Sending]) -> Guarded | None:
    """Who can tell what is at a place, as it was when something was sent there; None where nobody can from here."""
    node = next(sent.tracker for (each, _), sent in before.items() if each == place)
    try:
        tracker = Guarded(build(dict(node), "tracker"), strict=True)
    except ForecastleError:  # its package is not installed, say
        return None
    return tracker if tracker.place == place else None


def _state(keeper: Guarded | None, run: str) -> str:
    """What has become of a run that was sent as it stands."""
    try:
        return "there as they stand" if keeper is None or keeper.holds(run) else "gone"
    except RunError:
        return "out of reach"
