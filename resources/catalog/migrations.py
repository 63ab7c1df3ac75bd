"""The catalog's schema over time: upgrade, downgrade, where it is, whether it equals the models.

Belongs here: running Alembic from the installed package, without an ini file.
Does not belong here: the revisions (`migrations.versions`), the models.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import JSON, Column, Connection, MetaData, select
from sqlalchemy.exc import SQLAlchemyError

from resources.catalog.catalog import Catalog
from resources.catalog.models.every import METADATA
from resources.catalog.row_security import bypassed, unprotected
from vitals.errors import ConflictError, NotFoundError


def _default_differs(
    _context: MigrationContext,
    _found_column: Column[Any],
    column: Column[Any],
    found: str | None,
    _wanted: object,
    rendered: str | None,
) -> bool | None:
    """PostgreSQL cannot compare two JSON values, which is how Alembic compares defaults; so their text is."""
    if not isinstance(column.type, JSON):
        return None
    return (found or "").removesuffix("::json") != (rendered or "")


COMPARISON: dict[str, Any] = {
    "compare_type": True,
    "compare_server_default": _default_differs,
    # SQLite alters a table by copying it.
    "render_as_batch": True,
}
"""How the tables are compared with the models."""

_LANE = "catalog-migrations"

_ALEMBIC = threading.Lock()
"""Alembic keeps what it migrates in its modules: two threads that migrate two catalogs would take it from each other."""


def upgrade(catalog: Catalog, revision: str = "head") -> str:
    """Bring the schema up to a revision, in one transaction; the revision it is then at.

    Processes that start together may all call it: one migrates, the others wait and find it done.
    """
    with _migrating(catalog, "upgrade the catalog") as connection:
        command.upgrade(_config(connection), revision)
        return str(_current(connection))


def downgrade(catalog: Catalog, revision: str, *, export_to: Path) -> list[Path]:
    """Take the schema back to a revision, in one transaction, after writing every row of it to files.

    Args:
        catalog: what to take back.
        revision: where to, `base` for nothing at all.
        export_to: a folder for one `<table>.jsonl` per table that has rows, readable by its owner only: they
            hold external user ids and partial records.

    Returns:
        The files.

    Raises:
        ConflictError: the folder holds an export already.
        NotFoundError: no such revision.
    """
    with _migrating(catalog, "downgrade the catalog") as connection:
        written = _export(connection, export_to)
        command.downgrade(_config(connection), revision)
        return written


def current(catalog: Catalog) -> str | None:
    """Revision the schema is at; None if it was never migrated."""
    return catalog.database.read("look up the schema's revision", _current)


def check(catalog: Catalog) -> list[str]:
    """What keeps this catalog from fitting this code; empty if nothing does."""

    def work(connection: Connection) -> list[str]:
        head = ScriptDirectory.from_config(_config(connection)).get_current_head()
        at = _current(connection)
        if at != head:
            return [f"the schema is at revision {at}, the code needs {head}: run `vitalgraph db upgrade`"]
        context = MigrationContext.configure(connection, opts=COMPARISON)
        return [*(str(one) for one in compare_metadata(context, METADATA)), *unprotected(connection)]

    return catalog.database.read("compare the schema with the models", work)


def bypasses(catalog: Catalog) -> list[str]:
    """Why row-level security does not bind the role that this catalog is opened as; empty if it does."""
    return catalog.database.read("look up the rights of the catalog's role", bypassed)


def draft(catalog: Catalog, message: str, *, folder: Path) -> Path:
    """Write the revision that would take this catalog, at head, to the models: the start of a migration.

    For developers; read it before it is used, for what Alembic does not see: checks, moved data.
    """
    with _migrating(catalog, "draft a revision") as connection:
        config = _config(connection)
        config.set_main_option("version_locations", f"{_versions()}{os.pathsep}{folder}")
        config.set_main_option("path_separator", "os")
        script = command.revision(config, message, autogenerate=True, version_path=folder)
        assert script is not None
        assert not isinstance(script, list)
        return Path(script.path)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _versions() -> Path:
    return Path(str(files("migrations.versions")))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_versions().parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(catalog: Catalog, attempted: str) -> Iterator[Connection]:
    """A connection in a transaction that nobody else migrates in. Not tried again: a person is waiting for it."""
    database = catalog.database
    try:
        with catalog.exclusive(_LANE, wait=True), _ALEMBIC, database.migrating() as connection:
            yield connection
    except CommandError as error:
        raise NotFoundError(attempted, database.where, str(error), "See the revisions in `migrations`.") from None
    except SQLAlchemyError as error:
        failure = database.explain(error, attempted)
    else:
        return
    raise failure


def _export(connection: Connection, folder: Path) -> list[Path]:
    # What is there, not what the models say: the catalog may be at an older revision.
    found = MetaData()
    found.reflect(connection)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for table in found.sorted_tables:
        rows = connection.execute(select(table)).mappings()
        first = rows.fetchone()
        if first is None:
            continue
        path = folder / f"{table.name}.jsonl"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            failure = ConflictError(
                "export the catalog", str(path), "it holds an export already", "Name another folder."
            )
            raise failure from None
        with os.fdopen(descriptor, "w") as file:
            file.writelines(json.dumps(dict(row), default=_iso) + "\n" for row in chain([first], rows))
        written.append(path)
    return written


def _iso(value: date) -> str:
    # Not `date.isoformat`: called that way it drops the time of a datetime.
    return value.isoformat()
