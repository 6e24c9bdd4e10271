"""Storages: a journal that a kill cannot hurt, SQLite, and PostgreSQL on loopback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna
import pytest
from tests.data.store import conftest as stores
from tests.data.store.conftest import PASSWORD, PASSWORD_ENV, USER, Server
from tests.search.conftest import Search

from forecastle.errors import ConfigError, MissingExtraError, RunError
from forecastle.search.sampler import quiet
from forecastle.search.storage import Storage

server = stores.server
"""A private PostgreSQL."""


@pytest.fixture
def postgres(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    return f"postgresql://{USER}@127.0.0.1:{server.port}/postgres"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Callable[..., Storage]]:
    """Storages at a URL, whose connections are given back."""
    made: list[Storage] = []

    def make(url: str, password_env: str | None = None) -> Storage:
        made.append(Storage(tmp_path, url, password_env))
        return made[-1]

    yield make
    for storage in made:
        storage.close()


At = Callable[..., Storage]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_study_in_a_database_is_that_of_the_journal_and_goes_on(
    search: Callable[..., Search], kind: str, request: pytest.FixtureRequest, tmp_path: Path, at: At
) -> None:
    url = f"sqlite:///{tmp_path}/search.db" if kind == "sqlite" else request.getfixturevalue("postgres")
    storage = at(url, PASSWORD_ENV if kind == "postgres" else None)
    wanted = search("tpe", trials=8, batch=2).run()
    begun = search("tpe", trials=8, batch=2, name="other", storage=storage)
    batches = begun.open(new=True).batches()
    next(batches)  # proposed and left running
    assert search("tpe", trials=8, batch=2, name="other", storage=storage).run(new=False) == wanted


def test_a_database_that_cannot_be_used_is_told_in_one_line_without_its_password(
    postgres: str, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = at(postgres, PASSWORD_ENV)
    with quiet():
        storage.open(new=True)
    monkeypatch.setenv(PASSWORD_ENV, f"not {PASSWORD}")
    with quiet(), pytest.raises(RunError, match="password authentication failed") as told:
        storage.open(new=True)
    assert PASSWORD not in str(told.value)
    assert "\n" not in str(told.value)
    monkeypatch.delenv(PASSWORD_ENV)
    with pytest.raises(ConfigError, match=f"the environment variable {PASSWORD_ENV} .* is not set"):
        storage.open(new=True)
    with pytest.raises(
        RunError, match=r"the search's storage cannot be used: postgresql://me@127.0.0.1:1/x: .*refused"
    ):
        at("postgresql://me@127.0.0.1:1/x").open(new=True)
    with pytest.raises(ConfigError, match="must hold no password"):
        at("postgresql://me:s3cret@127.0.0.1/x")


def test_a_server_that_goes_away_meanwhile_is_told_and_loses_nothing(
    search: Callable[..., Search], postgres: str, server: Server, at: At
) -> None:
    storage = at(postgres, PASSWORD_ENV)
    wanted = search("tpe", trials=4).run()
    going = search("tpe", trials=4, name="gone", storage=storage, study="gone")
    study = going.open(new=True)
    for batch in study.batches():
        (trial,) = batch.trials
        if trial.number == 2:
            server.crash()
            with pytest.raises(RunError, match="the search's storage cannot be used: postgresql://"):
                study.tell(trial.number, going.outcome(trial.params))
            break
        study.tell(trial.number, going.outcome(trial.params))
    server.start()
    assert going.run(new=False) == wanted


def test_a_locked_database_is_told_in_one_line(tmp_path: Path, at: At) -> None:
    storage = at(f"sqlite:///{tmp_path}/search.db?timeout=0.1")
    with quiet():
        optuna.create_study(storage=storage.open(new=True), study_name="s")
    holder = sqlite3.connect(tmp_path / "search.db")
    holder.execute("BEGIN EXCLUSIVE")
    with quiet(), pytest.raises(RunError, match=r"cannot be used: sqlite:///.*search.db.*: database is locked$"):
        storage.open(new=False)
    holder.close()


def test_the_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path, at: At) -> None:
    other = sqlite3.connect(tmp_path / "mlflow.db")
    other.execute("CREATE TABLE alembic_version (version_num TEXT)")
    other.commit()
    with quiet(), pytest.raises(RunError, match=r"cannot be used: sqlite:///.*: it is the database of another program"):
        at(f"sqlite:///{tmp_path}/mlflow.db").open(new=True)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("alembic_version",)]
    other.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nosuch://host/x", "nosuch"),
        ("search.db", "must be a URL such as sqlite:///search.db, got 'search.db'"),
        ("", "must be a path or a database URL, got nothing"),
    ],
)
def test_an_address_that_cannot_be_is_refused(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"hydra\.sweeper\.storage.*{message}"):
        Storage(tmp_path, url).open(new=True)


def test_a_driver_that_is_missing_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"needs the package 'psycopg'.*forecastle\[sql\]"):
        Storage(tmp_path, "postgresql://me@localhost/x").open(new=True)


def report(folder: Path, worker: int) -> None:
    with quiet():
        study = optuna.load_study(storage=Storage(folder).open(new=False), study_name="s")
        for step in range(40):
            study.set_user_attr(f"{worker}/{step}", step)


def test_processes_that_write_to_a_journal_at_once_lose_nothing(tmp_path: Path) -> None:
    with quiet():
        study = optuna.create_study(storage=Storage(tmp_path).open(new=True), study_name="s")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(report, [tmp_path] * 4, range(4)))
    assert len(study.user_attrs) == 160


def test_a_line_that_a_killed_process_left_half_written_is_cut_off(tmp_path: Path) -> None:
    with quiet():
        study = optuna.create_study(storage=Storage(tmp_path).open(new=True), study_name="s")
        study.set_user_attr("one", 1)
        journal = tmp_path / "study.journal"
        whole = journal.read_bytes()
        journal.write_bytes(whole + whole.splitlines()[-1][:20])
        again = optuna.load_study(storage=Storage(tmp_path).open(new=False), study_name="s")
        again.set_user_attr("two", 2)
    assert journal.read_bytes().startswith(whole)
    with quiet():
        last: Any = optuna.load_study(storage=Storage(tmp_path).open(new=False), study_name="s")
    assert last.user_attrs == {"one": 1, "two": 2}
