"""Opening a study: begun, or gone on with where it asks what it asked before."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import RandomSampler

from forecastle import paths
from forecastle.config.schema import Config
from forecastle.errors import RunError
from forecastle.experiment import Experiment
from forecastle.reopening import changes
from forecastle.runs.execution import Memory
from forecastle.runs.store import RunStore, read_json, write_json
from forecastle.runs.sweep import SweepRecord
from forecastle.search.goal import Goals
from forecastle.search.pruning import as_json
from forecastle.search.sampler import quiet
from forecastle.search.space import Space
from forecastle.search.storage import GONE, Storage
from forecastle.search.study import Plan, Study


def open_study(record: SweepRecord, storage: Storage, space: Space, plan: Plan, goals: Goals) -> Study:
    """Begin the study of a sweep, or go on with it.

    Its name in the storage is the sweep's id and a word of its own, so that several folders of runs may share one
    database.

    Raises
    ------
    RunError
        If it was begun with another space, sampler, pruner, storage or goal, or its storage cannot be used.
    """
    asked = _asked(space, plan, goals)
    path = record.folder / paths.STUDY
    if path.is_file():
        before = read_json(path)
        if before.get("storage") != storage.url:
            was = before.get("storage") or record.folder / paths.JOURNAL
            raise RunError(f"search {record.id} is kept in {was}, not in {storage.shown}; {anew(record.id, storage)}")
        for key, value in asked.items():
            if before.get(key) != value:
                raise RunError(f"search {record.id} {_told(key, before.get(key), value)}; {anew(record.id)}")
        if before["password_env"] != storage.password_env:
            write_json(path, {**before, "password_env": storage.password_env})
        try:
            return Study(before["name"], storage, space, plan, goals, new=False)
        except RunError as error:
            if isinstance(error.__cause__, GONE):
                raise RunError(f"{error}; {anew(record.id)}") from error
            raise
    record.folder.mkdir(parents=True, exist_ok=True)
    name = f"{record.id}-{uuid.uuid4().hex[:8]}"
    study = Study(name, storage, space, plan, goals, new=True)
    write_json(path, {"name": name, "storage": storage.url, "password_env": storage.password_env, **asked})
    return study


@contextmanager
def kept(folder: Path) -> Iterator[optuna.Study]:
    """The study in the folder of a sweep as its storage keeps it, for other processes to read or to report to.

    Raises
    ------
    RunError
        If its storage is gone, locked or damaged.
    """
    node = read_json(folder / paths.STUDY)
    storage = Storage(folder, node["storage"], node["password_env"])
    try:
        with quiet(), storage.told():
            study = optuna.load_study(study_name=node["name"], storage=storage.open(new=False), sampler=RandomSampler())
        yield study
    finally:
        storage.close()


def anew(sweep: str, storage: Storage | None = None) -> str:
    """What a user can do about a study that cannot go on, where it is to be kept elsewhere too."""
    where = "" if storage is None else " " + shlex.quote(f"hydra.sweeper.storage={storage.url or 'null'}")
    return f"`forecastle sweep resume {sweep} changed=anew{where}` begins it anew, and finds its finished runs again"


def forget(folder: Path) -> None:
    """Forget the study of a sweep, its jobs and which were best, so that it begins anew; runs stay."""
    for path in (folder / paths.STUDY, folder / paths.JOURNAL, folder / paths.BEST, *folder.glob("[0-9]*.json")):
        path.unlink(missing_ok=True)


def check_unchanged(record: SweepRecord, compose: Callable[[Sequence[str]], Config], memory: Memory) -> None:
    """Refuse to go on where the first finished run of a study would be another today.

    Parameters
    ----------
    record
        Of the study's sweep.
    compose
        Makes the configuration of a job of its overrides.
    memory
        Of this process.

    Raises
    ------
    RunError
        If code, data, libraries or configuration have changed.
    """
    store = RunStore(record.store)
    for job in record.jobs():
        found = store.find(job.run) if job.run else None
        if found is not None and not found.damage:
            config = compose(job.choices)
            experiment = Experiment(config, memory)
            if experiment.identity.id != found.id:
                told = "; ".join(changes(found, experiment))
                raise RunError(f"search {record.id} has changed: {told}; {anew(record.id)}")
            return


def _asked(space: Space, plan: Plan, goals: Goals) -> dict[str, Any]:
    """What has to stay the same while a study goes on; it may become longer."""
    settings = {key: value for key, value in asdict(plan).items() if key not in ("trials", "pruner")}
    return {
        "space": {key: each.text for key, each in space.items()},
        **settings,
        "pruner": as_json(plan.pruner),
        "objectives": {name: direction.value for name, direction in goals.objectives.items()},
        "constraints": [each.text for each in goals.constraints],
    }


def _told(key: str, before: Any, now: Any) -> str:
    if key == "space":
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        parts = [f"{name} was {before.get(name, 'not searched')} and is {now.get(name, 'not')} now" for name in names]
        return f"has another search space: {', '.join(parts) or 'its keys stand in another order'}"
    was, wanted = (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in (before, now))
    return f"was begun with {key} {was}, and {wanted} is asked now"
