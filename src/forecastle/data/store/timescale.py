"""TimescaleDB: the candles become a hypertable where the server offers the extension."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from forecastle.data.store.session import CANDLES

logger = logging.getLogger(__name__)

OFFERED = "SELECT installed_version FROM pg_available_extensions WHERE name = 'timescaledb'"
INSTALL = "CREATE EXTENSION IF NOT EXISTS timescaledb"
HYPERTABLE = (
    f"SELECT create_hypertable('{CANDLES}', 'time', chunk_time_interval => INTERVAL '90 days', "
    "if_not_exists => TRUE, migrate_data => TRUE)"
)


def make_hypertable(connection: sa.Connection) -> bool:
    """Make the table of candles a hypertable, and return whether it is one.

    A server that does not offer the extension, or a user who may not install it, keeps a plain table: the same
    queries run on both.

    Parameters
    ----------
    connection
        In the transaction that made the table.
    """
    found = connection.execute(sa.text(OFFERED)).fetchall()
    if not found:
        return False
    try:
        with connection.begin_nested():
            if found[0][0] is None:
                connection.execute(sa.text(INSTALL))
            connection.execute(sa.text(HYPERTABLE))
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        logger.warning("timescaledb is offered but not used: %s", " ".join(str(error.orig).split()))
        return False
    return True
