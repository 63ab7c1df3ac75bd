"""A real PostgreSQL server for tests: on loopback, in a temporary folder, gone afterwards.

Belongs here: starting and stopping it, and the fixture that hands out its address.
Does not belong here: databases with tables of ours (`tests.servers.catalogs`).
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

START_SECONDS = 60


@dataclass
class PostgresqlServer:
    """A server process of its own data folder; use it as a context manager.

    The server refuses to run as root, so under root it runs as `postgres`, or else as `nobody`.
    """

    folder: Path = field(init=False)
    port: int = field(init=False)
    password: str = field(init=False, default_factory=lambda: secrets.token_hex(16))
    process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __enter__(self) -> Self:
        self.binaries = find_binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="vitalgraph-postgresql-"))
        self.as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = _unprivileged_account()
            self.as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        try:
            self._initialise()
            self.port = _free_port()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of one of its databases."""
        return f"postgresql://vitalgraph:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement outside any transaction, as the superuser."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it on its port and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    self.binaries / "postgres",
                    *("-D", self.folder / "data"),
                    *("-c", "listen_addresses=127.0.0.1"),
                    *("-c", f"port={self.port}"),
                    *("-c", f"unix_socket_directories={self.folder}"),
                    # Nothing here outlives the test, so nothing waits for a disk.
                    *("-c", "fsync=off"),
                    *("-c", "max_connections=120"),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.as_user,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop it, ending all sessions."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self.as_user:
            os.chown(secret, self.as_user["user"], self.as_user["group"])
        done = subprocess.run(
            [
                self.binaries / "initdb",
                *("--pgdata", self.folder / "data"),
                *("--username", "vitalgraph"),
                *("--pwfile", secret),
                *("--auth", "scram-sha-256"),
                *("--encoding", "UTF8"),
                "--no-locale",
                "--no-sync",
            ],
            capture_output=True,
            check=False,
            cwd=self.folder,
            **self.as_user,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stderr.decode(errors='replace')}")


def find_binaries() -> Path:
    """The folder of the newest installed server's programs.

    Raises:
        RuntimeError: none is installed.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    if found:
        return found[-1].parent
    # Elsewhere than on Debian all programs are on the path.
    if (initdb := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(initdb).parent
    raise RuntimeError(
        "no PostgreSQL server is installed: `make test` installs it (apt-get install postgresql); "
        "`pytest -m 'not integration'` does without."
    )


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("PostgreSQL does not run as root, and there is neither an account `postgres` nor `nobody`")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for all tests of the session."""
    with PostgresqlServer() as server:
        yield server
