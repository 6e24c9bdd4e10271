"""Runs reported to MLflow: into an SQLite file beside the runs, another database, or a server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecastle import paths
from forecastle.tracking.flat import flatten, settings
from forecastle.tracking.mlflow_store import MlflowStore
from forecastle.tracking.tracker import RunInfo, Table

SWEEP = "forecastle.sweep"
"""Tag that holds the ids of the sweeps of a run."""
PRUNED = "forecastle.pruned"
"""Tag of a run that a search stopped on the way."""
PARENT, NAME, TABLES = "mlflow.parentRunId", "mlflow.runName", "mlflow.loggedArtifacts"
"""MLflow's own tags, by which it nests and names runs, and finds their tables."""
KEY, VALUE = 250, 6000
"""Longest key and longest value that MLflow takes, in characters."""
PARAMS, METRICS = 100, 1000
"""Parameters and metrics that it takes in one call."""
EVERY = 2.0
"""Seconds between writings of the points of a run that goes on."""
DETAILS = ("slices", "over_time", "by_fold", "by_path", "paths", "metrics", "steps")
"""What stands in the file of metrics alone: hundreds of numbers that nobody ranks runs by."""
FILES = (paths.CONFIG, paths.METRICS, paths.MANIFEST, paths.REPORT, paths.IMPORTANCE)
"""What is kept of a run's folder as artifacts."""


class MlflowTracker:
    """Sends parameters, curves, metrics, tags, and of the files all but forecasts and model, to MLflow.

    MLflow gives ids of its own, so a run is found by its tag ``forecastle.run``; one that is there is brought up to
    date. The runs of a sweep are nested below one that stands for it. Processes that write the same SQLite file wait
    for one another.

    Parameters
    ----------
    uri : str
        MLflow's tracking URI: ``sqlite:///runs/mlflow.db``, another database of SQLAlchemy, ``https://…``.
    experiment : str
        MLflow's experiment; made where it is missing.
    artifacts : str or None
        Where the artifacts of a new experiment go; None: beside an SQLite file, else where the server keeps them.
    password_env : str or None
        Name of the environment variable that holds the password of a database. For a server, MLflow's own variables
        hold it (``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``, or ``MLFLOW_TRACKING_TOKEN``).

    Raises
    ------
    MissingExtraError
        If MLflow, or what it needs for a database, is not installed.
    ConfigError
        If the URI holds a password, since a run's configuration is written into its folder.

    Examples
    --------
    >>> MlflowTracker("postgresql://me:secret@host/db")
    Traceback (most recent call last):
        ...
    forecastle.errors.ConfigError: uri must hold no password: put it into an environment variable and name that in \
password_env (tracker.uri)
    """

    wants_report = True

    def __init__(
        self,
        uri: str = "sqlite:///runs/mlflow.db",
        experiment: str = "forecastle",
        artifacts: str | None = None,
        password_env: str | None = None,
    ) -> None:
        self._store = MlflowStore(uri, experiment, artifacts, password_env)
        self._run = ""
        self._time = 0
        self._end: int | None = None
        self._written = 0.0
        self._points: list[tuple[str, float, int]] = []

    @property
    def place(self) -> str:
        """The experiment and the URI; of a file, its whole path."""
        return self._store.place

    def holds(self, identity: str) -> bool:
        """Whether MLflow has the run, and it was not deleted."""
        if self._store.file is not None and not self._store.file.exists():
            return False
        with self._store.reached() as client:
            return self._store.find(client, identity) is not None

    def start(self, info: RunInfo) -> None:
        """Open the run, or take up the one that is there."""
        self._run, self._points, self._written = "", [], time.monotonic()
        with self._store.reached() as client:
            from mlflow.entities import Param

            run = self._store.open(client, info.id, self._tags(client, info), _milliseconds(info))
            if PRUNED in run.data.tags:  # of a trial of another search
                client.delete_tag(run.info.run_id, PRUNED)
            params = [Param(_key(name), str(value)[:VALUE]) for name, value in settings(info.config)]
            for some in _parts(params, PARAMS):
                client.log_batch(run.info.run_id, params=some)
        self._run, self._time = run.info.run_id, run.info.start_time
        self._end = _milliseconds(info) if info.created else None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each named curve; they are written every few seconds, and at the end."""
        if not self._run:
            return
        self._points += [(name, value, step) for name, value in values.items()]
        if time.monotonic() - self._written > EVERY:
            with self._store.reached() as client:
                self._write(client)

    def finish(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Write metrics and artifacts, and close the run."""
        if not self._run:
            return
        told = {part: {key: each for key, each in node.items() if key not in DETAILS} for part, node in metrics.items()}
        self._points += [(name, value, 0) for name, value in flatten(told) if not isinstance(value, str)]
        with self._store.reached() as client:
            self._write(client)
            for name in FILES:
                if (folder / name).is_file():
                    client.log_artifact(self._run, str(folder / name))
            client.set_terminated(self._run, "FINISHED", self._end)
        self._run = ""

    def abort(self, *, pruned: bool = False) -> None:
        """Close the run as failed, or as killed and tagged where it was pruned, with the points that it told."""
        if not self._run:
            return
        with self._store.reached() as client:
            self._write(client)
            if pruned:
                client.set_tag(self._run, PRUNED, "true")
            client.set_terminated(self._run, "KILLED" if pruned else "FAILED")
        self._run = ""

    def compare(self, info: RunInfo, table: Table) -> None:
        """Keep a comparison as a table of a run of its own, below the one of the sweep."""
        name = "comparison.json"
        shown = {"columns": list(table.columns), "data": [list(row) for row in table.rows]}
        with self._store.reached() as client:
            tags = self._tags(client, info) | {TABLES: json.dumps([{"path": name, "type": "table"}])}
            run = self._store.open(client, info.id, tags, _milliseconds(info)).info.run_id
            client.log_dict(run, shown, name)
            client.set_terminated(run, "FINISHED")

    def _tags(self, client: Any, info: RunInfo) -> dict[str, str]:
        """Tags of a run; the run that stands for its sweep is made where it is missing."""
        chosen = [tag.partition("=") for tag in info.tags]
        tags = {_key(key): value for key, _, value in chosen if key != "sweep"} | {NAME: info.name}
        if info.group is None:
            return tags
        sweep = {NAME: f"sweep {info.group}", SWEEP: info.group}
        parent = self._store.open(client, f"sweep-{info.group}", sweep, _milliseconds(info)).info
        if parent.status != "FINISHED":
            client.set_terminated(parent.run_id, "FINISHED")
        belongs = [value for key, _, value in chosen if key == "sweep"] or [info.group]
        return tags | {SWEEP: " ".join(belongs), PARENT: parent.run_id}

    def _write(self, client: Any) -> None:
        """Write the points; their time is the run's own start, so that a point that is told again is there once."""
        from mlflow.entities import Metric

        told = [Metric(_key(name), float(value), self._time, step) for name, value, step in self._points]
        for some in _parts(told, METRICS):
            client.log_batch(self._run, metrics=some)
        self._points, self._written = [], time.monotonic()


def _milliseconds(info: RunInfo) -> int:
    """When the run was finished, or now, since 1970."""
    return int(1000 * (info.created.timestamp() if info.created else time.time()))


def _key(name: str) -> str:
    """A name with nothing in it that MLflow refuses.

    >>> _key("coverage (80 %)")
    'coverage _80 __'
    """
    return re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)[:KEY]


def _parts(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), most):
        yield items[begin : begin + most]
