from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from forecastle.data.store.address import Address
from forecastle.data.store.candle_store import CandleStore
from forecastle.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@host/db",
        "postgresql+psycopg://me:hunter2@host:5432/db",
        "postgresql://host/db?user=me&password=hunter2",
        "postgresql://host/db?sslpassword=hunter2",
        "mysql://:hunter2@host/db",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="name that in password_env") as told:
        Address(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("url", ["data/x.duckdb", "duckdb:///data/x.duckdb"])
def test_a_path_is_a_duckdb_file(url: str) -> None:
    address = Address(url)
    assert (address.file, address.shown) == (Path("data/x.duckdb"), "data/x.duckdb")


def test_an_empty_url_is_told() -> None:
    with pytest.raises(ConfigError, match="got nothing"):
        Address(" ")


def test_a_variable_that_is_not_set_is_told() -> None:
    store = CandleStore("postgresql://me@127.0.0.1:1/db", "NOT_SET_ANYWHERE")
    with pytest.raises(ConfigError, match=r"the environment variable NOT_SET_ANYWHERE \(password_env\) is not set"):
        store.catalogue()


def test_a_message_never_holds_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    told = Address("postgresql://me@host/db", "SECRET").tell(
        "cannot use hunter2:\n  postgresql://me:other@host password=x"
    )
    assert told == "postgresql://me@host/db: cannot use ***: postgresql://me:***@host password=***"


@pytest.mark.parametrize(
    ("url", "package", "install"),
    [
        ("x.duckdb", "duckdb", "'forecastle[store]'"),
        ("sqlite:///x", "sqlalchemy", "'forecastle[sql]'"),
        ("postgresql://host/db", "psycopg", "'forecastle[sql]'"),
        ("mysql+pymysql://host/db", "pymysql", "pymysql"),
    ],
)
def test_a_driver_that_is_not_installed_is_named(url: str, package: str, install: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from forecastle.data.store.candle_store import CandleStore\n"
        "from forecastle.errors import MissingExtraError\n"
        f"try: CandleStore({url!r}).catalogue()\n"
        "except MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{url} needs the package '{package}', which is not installed: pip install {install}\n"


def test_an_unknown_database_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'postgresql'"):
        CandleStore("postgresq://host/db").catalogue()


@pytest.mark.parametrize("url", ["{}/no.duckdb", "sqlite:///{}/no.sqlite"])
def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path: Path, url: str) -> None:
    with pytest.raises(DataError, match=r"no candle store at .*/no\.\w+; `forecastle data import` makes one"):
        CandleStore(url.format(tmp_path)).catalogue()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["{}/text.csv", "sqlite:///{}/text.csv"])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, url: str) -> None:
    (tmp_path / "text.csv").write_text("time,open\n" * 100)
    with pytest.raises(DataError, match=r"not a (valid DuckDB )?database") as told:
        CandleStore(url.format(tmp_path), retry="off").catalogue()
    assert "\n" not in str(told.value)
