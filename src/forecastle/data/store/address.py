"""Address: where a store lies, and what may be shown of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from forecastle.errors import ConfigError

DUCKDB = "duckdb:///"

SECRETS = ("password", "passwd", "pwd", "sslpassword")
"""Parameters of an address that hold a secret."""


SECRET = re.compile(r"(password=|://[^:/@ ]*:)[^@ ]+")


class Address:
    """A DuckDB file, or an address such as ``sqlite:///candles.sqlite`` or ``postgresql://user@host:5432/database``.

    Parameters
    ----------
    url
        A path (of a DuckDB file, with ``duckdb:///`` before it or not) or a SQLAlchemy URL.
    password_env
        Name of the environment variable that holds the password, read when connecting.

    Raises
    ------
    ConfigError
        If the URL is empty, cannot be one, or holds a password: configurations are written into runs and into
        ``params.yaml``.

    Examples
    --------
    >>> Address("postgresql://me@localhost/candles").shown
    'postgresql://me@localhost/candles'
    """

    def __init__(self, url: str, password_env: str | None = None) -> None:
        if not url.strip():
            raise ConfigError("the store's url must be a path or a database URL, got nothing")
        self.file: Path | None = None
        self.url, self.password_env = url, password_env
        if url.startswith(DUCKDB) or "://" not in url:
            self.file = Path(url.removeprefix(DUCKDB)).expanduser()
            self.shown = str(self.file)
            return
        try:
            parts = urlsplit(url)
            secret = parts.password is not None or any(key.lower() in SECRETS for key, _ in parse_qsl(parts.query))
        except ValueError as error:
            raise ConfigError(f"the store's url is no database URL: {error}") from None
        if secret:
            raise ConfigError(
                "the store's url must hold no password: put it into an environment variable and name that in "
                "password_env"
            )
        self.shown = url

    def password(self) -> str | None:
        """The password, or None where none is named.

        Raises
        ------
        ConfigError
            If the variable is not set.
        """
        if self.password_env is None:
            return None
        found = os.environ.get(self.password_env)
        if found is None:
            raise ConfigError(f"{self.shown}: the environment variable {self.password_env} (password_env) is not set")
        return found

    def tell(self, text: str) -> str:
        """A message about this store in one line, without the password."""
        line = " ".join(text.split())
        secret = os.environ.get(self.password_env or "")
        if secret:
            line = line.replace(secret, "***")
        return self.shown + ": " + SECRET.sub(r"\1***", line)
