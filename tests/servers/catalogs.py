"""Catalogs for tests: migrated, empty, one per test, on SQLite and on a real PostgreSQL server.

Belongs here: fixtures. Load them with `pytest_plugins = ["tests.servers.catalogs"]` in the test module.
Does not belong here: the server (`tests.servers.postgresql`).
"""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, true, update

from resources.catalog import migrations as catalog_migrations
from resources.catalog.catalog import Catalog
from resources.catalog.models.every import METADATA
from resources.catalog.models.tenants import Tenant
from tests.servers.postgresql import PostgresqlServer
from tests.servers.postgresql import postgresql_server as postgresql_server  # noqa: PLC0414 - a fixture, handed on

_numbers = itertools.count()

DIALECTS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)]


def no_sleep(_seconds: float) -> None:
    """Retries in tests do not wait."""


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite catalog at head, to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("catalog") / "template.db"
    catalog = Catalog(f"sqlite:///{path}")
    catalog_migrations.upgrade(catalog)
    catalog.close()
    return path


@pytest.fixture(scope="session")
def migrated_database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """URL of a PostgreSQL database at head, which tests use one after the other."""
    for url in _fresh_database(postgresql_server):
        catalog = Catalog(url)
        catalog_migrations.upgrade(catalog)
        catalog.close()
        yield url


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Both databases in turn."""
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalog.db'}"
        return
    yield from _fresh_database(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def catalog_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated, empty catalog."""
    if dialect == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "catalog.db")
        yield f"sqlite:///{tmp_path / 'catalog.db'}"
        return
    yield request.getfixturevalue("migrated_database")
    _empty(request.getfixturevalue("migrated_database"))


@pytest.fixture
def open_catalog(catalog_url: str) -> Iterator[Callable[[], Catalog]]:
    """Opens the test's catalog; every call is a client of its own."""
    opened: list[Catalog] = []

    def open_one() -> Catalog:
        opened.append(Catalog(catalog_url, sleep=no_sleep))
        return opened[-1]

    yield open_one
    for catalog in opened:
        catalog.close()


@pytest.fixture
def catalog(open_catalog: Callable[[], Catalog]) -> Catalog:
    """The test's catalog."""
    return open_catalog()


def _fresh_database(server: PostgresqlServer) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _empty(url: str) -> None:
    """Back to how a migrated database starts; much faster than a new one."""
    catalog = Catalog(url)

    def work(connection: Connection) -> None:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(delete(table).where(table.c.name != "default" if table.name == "tenant" else true()))
        connection.execute(update(Tenant).values(paused=False))

    catalog.database.write("empty the catalog", work)
    catalog.close()
