"""Where a study is kept: a journal beside its sweep's record, or any database that SQLAlchemy reaches.

A line of the journal is one change. What writes holds a lock that ends with its process, and first cuts off the line
that a killed process has left half written, so that neither stands in the way of those who come after.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.exceptions import StorageInternalError
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from forecastle import paths
from forecastle.data.store.address import Address
from forecastle.errors import ConfigError, MissingExtraError, RunError, nearest

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from sqlalchemy import URL

KINDS = ("sqlite", "postgresql", "mysql", "mariadb")
"""Databases that people keep studies in."""

GONE = (KeyError, FileNotFoundError)
"""What is raised where a study is not in its storage, or the storage not there."""


class Storage:
    """Where a study is kept.

    Parameters
    ----------
    folder
        Of the sweep's record.
    url
        A SQLAlchemy URL without a password; None: a journal in the folder.
    password_env
        Name of the environment variable that holds the database's password.

    Raises
    ------
    ConfigError
        If the URL cannot be one, names no kind of database that there is, or holds a password.
    MissingExtraError
        If the driver of the database is not installed.
    """

    def __init__(self, folder: Path, url: str | None = None, password_env: str | None = None) -> None:
        self.url, self.password_env = url, password_env
        self._journal = folder / paths.JOURNAL
        self._database: RDBStorage | None = None
        self._address: Address | None = None
        if url is not None:
            try:
                self._address = Address(url, password_env)
            except ConfigError as error:
                raise ConfigError(f"hydra.sweeper.storage: {error}") from None
            if self._address.file is not None:
                raise ConfigError(f"hydra.sweeper.storage must be a URL such as sqlite:///search.db, got {url!r}")
            self._url = _checked(self._address)

    @property
    def shown(self) -> str:
        """What it is called in messages."""
        return str(self._journal) if self._address is None else self._address.shown

    def open(self, *, new: bool) -> BaseStorage:
        """Open it.

        Parameters
        ----------
        new
            Whether it may be made; else it has to be there.

        Raises
        ------
        RunError
            If it is gone, locked, damaged, or cannot be reached.
        """
        with self.told():
            if self._address is not None:
                self.close()
                if not new and _gone(self._url):
                    raise FileNotFoundError("the file is gone")
                self._database = _database(self._address, self._url)
                return self._database
            if not new and not self._journal.is_file():
                raise FileNotFoundError("the file is gone")
            return JournalStorage(JournalFileBackend(str(self._journal), _Whole(self._journal)))

    def reach(self) -> None:
        """Try whether a database can be used, and make it where it is not there; see `open`."""
        if self._address is not None:
            self.open(new=True)

    def close(self) -> None:
        """Give the connections to a database back."""
        if self._database is not None:
            self._database.remove_session()
            self._database.engine.dispose()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell in one line, without a password, what goes wrong with the storage in the block."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (StorageInternalError, SQLAlchemyError, KeyError, ValueError, OSError) as error:
            reason = "the study is gone" if isinstance(error, KeyError) else _driver_words(error)
            line = f"{self.shown}: {reason}" if self._address is None else self._address.tell(reason)
            raise RunError(f"the search's storage cannot be used: {' '.join(line.split())}") from error


class _Whole(JournalFileOpenLock):
    """The lock of a journal: whoever gets it finds whole lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._held = -1

    def acquire(self) -> bool:
        """Wait for the lock, and cut off what a killed process left behind."""
        self._held = os.open(self._path, os.O_RDWR)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        size = os.fstat(self._held).st_size
        if size and os.pread(self._held, 1, size - 1) != b"\n":
            os.ftruncate(self._held, self._path.read_bytes().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        """Let others have it."""
        os.close(self._held)


def _checked(address: Address) -> URL:
    """The URL, of a database that there is a driver for."""
    import sqlalchemy as sa

    try:
        url = sa.make_url(address.url)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        url.get_dialect().import_dbapi()
    except (sa.exc.NoSuchModuleError, sa.exc.ArgumentError) as error:
        kind = address.url.partition(":")[0].partition("+")[0]
        raise ConfigError(f"hydra.sweeper.storage: {address.tell(str(error))}{nearest(kind, KINDS)}") from None
    except ImportError as error:
        ours = url.get_backend_name() in ("sqlite", "postgresql")
        how = ": pip install 'forecastle[sql]'" if ours else " and comes with no extra of ours"
        raise MissingExtraError(
            f"hydra.sweeper.storage: {address.shown} needs the package {error.name!r}, which is not installed{how}"
        ) from error
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigError(
            f"hydra.sweeper.storage must be a file or a server, got {address.shown}, which no other process sees"
        )
    return url


def _gone(url: URL) -> bool:
    """Whether an SQLite database would be made, since its file is not there."""
    name = url.database or ""
    return url.get_backend_name() == "sqlite" and not name.startswith("file:") and not Path(name).is_file()


def _database(address: Address, url: URL) -> RDBStorage:
    password = None if url.get_backend_name() == "sqlite" else address.password()
    secret: dict[str, Any] = {} if password is None else {"connect_args": {"password": password}}
    _check_owner(url, secret)
    return RDBStorage(url.render_as_string(hide_password=False), engine_kwargs={"pool_pre_ping": True, **secret})


def _check_owner(url: URL, secret: dict[str, Any]) -> None:
    """Refuse a database in which another program keeps the version of its tables where Optuna would keep its own."""
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.NullPool, **secret)
    try:
        names = sa.inspect(engine).get_table_names()
    finally:
        engine.dispose()
    if "alembic_version" in names and "version_info" not in names:
        raise ValueError("it is the database of another program (MLflow, say); a search wants one of its own")


def _driver_words(error: BaseException) -> str:
    """What the driver says, below what Optuna and SQLAlchemy have wrapped it in."""
    while error.__cause__ is not None:
        error = error.__cause__
    strerror = getattr(error, "strerror", None)
    return strerror or (str(error.args[0]) if error.args else type(error).__name__)
