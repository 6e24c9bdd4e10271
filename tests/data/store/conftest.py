"""Stores of each kind, a private PostgreSQL server among them."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecastle.data.store.candle_store import CandleStore

PASSWORD = "s3cret 'quoted' word"
PASSWORD_ENV = "FORECASTLE_TEST_PASSWORD"
USER = "forecastle"


def binaries() -> Path | None:
    """Folder of PostgreSQL's server programs, the newest there is."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    return found[-1].parent if found else None


class Server:
    """A PostgreSQL server of our own on loopback, in a temporary folder; as another user where we are root."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        self._as: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        words = folder / "password"
        words.write_text(PASSWORD)
        words.chmod(0o644)
        settings = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={words}", "--no-sync", "-E", "UTF8", "--locale=C"]
        self._do("initdb", "-D", str(folder / "data"), *settings)

    def _do(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self._do("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def crash(self) -> None:
        """End every process of the server at once, as a power cut would."""
        self._do("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def execute(self, text: str) -> list[tuple[object, ...]]:
        import psycopg

        address = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": "postgres"}
        with psycopg.connect(**address, autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def database(self) -> str:
        """URL of a database without tables."""
        self.execute("DROP TABLE IF EXISTS candles, candle_series")
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server (initdb) is absent: `scripts/install-system-packages` installs it")
    folder = Path(tempfile.mkdtemp(prefix="forecastle-pg-"))
    running = Server(folder, programs)
    running.start()
    yield running
    running.crash()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)


KINDS = ("duckdb", "sqlite", "postgres", "postgres without adbc")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an empty store of each kind."""
    if request.param == "duckdb":
        return str(tmp_path / "candles.duckdb")
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'candles.sqlite'}"
    running: Server = request.getfixturevalue("server")
    if request.param == "postgres without adbc":
        monkeypatch.setattr("forecastle.data.store.postgres.find_spec", lambda name: None)
    return running.database()


@pytest.fixture
def store(url: str) -> Iterator[CandleStore]:
    """An empty store of each kind; what goes wrong in it is not tried again."""
    yield (made := CandleStore(url, PASSWORD_ENV, retry="off"))
    close(made)


def close(store: CandleStore) -> None:
    """Give the connections back that a store keeps."""
    engine = getattr(store._backend, "engine", None)
    if engine is not None:
        engine.dispose()
