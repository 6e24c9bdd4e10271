"""Which backend an address of a database has; the packages that drive it are imported only here."""

from __future__ import annotations

from forecastle.data.store.address import Address
from forecastle.data.store.session import Backend
from forecastle.errors import ConfigError, MissingExtraError, nearest

KNOWN = ("postgresql", "sqlite", "duckdb")
"""Databases that the tests know; SQLAlchemy knows more."""

EXTRAS = {
    "duckdb": "'forecastle[store]'",
    "sqlalchemy": "'forecastle[sql]'",
    "psycopg": "'forecastle[sql]'",
    "MySQLdb": "mysqlclient",
}
"""What installs a package."""


def open_backend(address: Address) -> Backend:
    """The backend of an address; nothing is connected yet.

    Raises
    ------
    MissingExtraError
        If the package that drives the database is not installed.
    ConfigError
        If SQLAlchemy knows no such database.
    """
    try:
        if address.file is not None:
            from forecastle.data.store.duck import DuckBackend

            return DuckBackend(address.file)
        if address.url.startswith("postgresql"):
            from forecastle.data.store.postgres import PostgresBackend

            return PostgresBackend(address)
        from forecastle.data.store.sql import SqlBackend, UnknownDatabaseError

        try:
            return SqlBackend(address)
        except UnknownDatabaseError as error:
            scheme = address.url.partition(":")[0]
            raise ConfigError(f"{address.tell(str(error))}{nearest(scheme, KNOWN)}") from None
    except ModuleNotFoundError as error:
        package = EXTRAS.get(str(error.name), str(error.name))
        raise MissingExtraError(
            f"{address.shown} needs the package {error.name!r}, which is not installed: pip install {package}"
        ) from error
