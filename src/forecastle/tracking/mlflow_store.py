"""An MLflow store: reached quietly, by one process at a time where it is a file, and searched by our own ids."""

from __future__ import annotations

import fcntl
import importlib.util
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from forecastle.errors import ConfigError, MissingExtraError

ID = "forecastle.run"
"""Tag that holds our id of a run."""
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""What MLflow reads from the environment, where that does not say it: it reports to nobody and gives up in a minute."""
TRIES = 4
"""How often a database is tried that does not answer; MLflow would go on for 100 seconds."""
SERVERS = ("http://", "https://", "databricks://")
"""How the URI of a server begins; any other is that of a database."""
SECRET = re.compile(r"://[^/@]*:[^/@]*@|[?&](password|passwd|pwd|sslpassword)=", re.IGNORECASE)


class MlflowStore:
    """The experiment of a tracking URI; see `forecastle.tracking.mlflow.MlflowTracker` for the parameters."""

    def __init__(self, uri: str, experiment: str, artifacts: str | None, password_env: str | None) -> None:
        if SECRET.search(uri):
            raise ConfigError(
                "uri must hold no password: put it into an environment variable and name that in password_env "
                "(tracker.uri)"
            )
        if "://" not in uri:
            raise ConfigError(
                f"uri must be one of MLflow's, such as sqlite:///runs/mlflow.db, got {uri!r} (tracker.uri)"
            )
        for name in ("mlflow",) if uri.startswith(SERVERS) else ("mlflow", "sqlalchemy", "alembic"):
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:  # a plain folder of that name has no origin
                raise MissingExtraError(
                    f"tracker=mlflow needs the package {name}, which is not installed: pip install 'forecastle[mlflow]'"
                )
        self.file = Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None
        self.place = f"mlflow {experiment} in {self.file or uri}"
        self._uri = uri if self.file is None else f"sqlite:///{self.file}"
        self._name, self._password_env = experiment, password_env
        beside = None if self.file is None else str(self.file.parent / f"{self.file.stem}-artifacts")
        self._artifacts = artifacts or beside
        self._client: Any = None
        self._experiment: str = ""

    @contextmanager
    def reached(self) -> Iterator[Any]:
        """MLflow's client, for a few calls; a file is locked meanwhile, and no password is in what it raises."""
        password = self._password()
        with self._locked(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own use of its libraries
            try:
                if self._client is None:
                    self._client = _client(self._with(password))
                    self._experiment = self._found_or_made()
                yield self._client
            except Exception as error:
                if password is None or password not in f"{error}":
                    raise
                raise RuntimeError(f"{type(error).__name__}: {error}".replace(password, "***")) from None

    def find(self, client: Any, identity: str) -> Any:
        """The run of our id, the oldest where there are several; None where there is none, or it was deleted."""
        found = client.search_runs(
            [self._experiment], f"tags.`{ID}` = '{identity}'", order_by=["attributes.start_time", "attributes.run_id"]
        )
        return found[0] if found else None

    def open(self, client: Any, identity: str, tags: Mapping[str, str], start: int) -> Any:
        """The run of our id with these tags, made where it is missing; `start` is in milliseconds since 1970.

        Of two that are made at once by processes that share no file, the one that is found first stays.
        """
        run = self.find(client, identity)
        if run is None:
            made = client.create_run(self._experiment, start_time=start, tags={ID: identity, **tags})
            run = self.find(client, identity) or made
            if run.info.run_id != made.info.run_id:
                client.delete_run(made.info.run_id)
        for key, value in tags.items():
            if run.data.tags.get(key) != value:
                client.set_tag(run.info.run_id, key, value)
        return run

    def _found_or_made(self) -> str:
        there = self._client.get_experiment_by_name(self._name)
        return str(there.experiment_id if there else self._client.create_experiment(self._name, self._artifacts))

    def _password(self) -> str | None:
        if self._password_env is None:
            return None
        found = os.environ.get(self._password_env)
        if found is None:
            raise ConfigError(f"the environment variable {self._password_env} is not set (tracker.password_env)")
        return found

    def _with(self, password: str | None) -> str:
        scheme, _, rest = self._uri.partition("://")
        user, at, host = rest.rpartition("@")
        return self._uri if password is None else f"{scheme}://{user}:{quote(password, safe='')}{at or '@'}{host}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self.file is None:
            yield
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_name(f".{self.file.name}.lock").open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # its end is that of the file
            yield


def _client(uri: str) -> Any:
    """MLflow's client, imported without a word."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if not uri.startswith(SERVERS):
        import mlflow.store.db.utils

        mlflow.store.db.utils.MAX_RETRY_COUNT = TRIES
    return MlflowClient(tracking_uri=uri)
