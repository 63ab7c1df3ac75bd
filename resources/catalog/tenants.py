"""Tenants: isolated organisations or studies.

Belongs here: the `tenant` table. Does not belong here: opening a tenant's lake, Dagster's dynamic partitions.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import tenants as models
from resources.catalog.rows.tenants import Tenant
from resources.catalog.sql import fetch, selecting, values_of
from vitals.errors import ConflictError, NotFoundError, UsageError

DEFAULT_TENANT = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class CatalogTenants:
    """The tenants of a catalog. `default` is there from the first migration on."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def add(self, name: str, *, root_url: str | None = None, now: datetime) -> Tenant:
        """Add a tenant.

        Raises:
            UsageError: the name does not fit `[a-z0-9][a-z0-9-]{0,40}`.
            ConflictError: it is there already.
        """
        if not _NAME.fullmatch(name):
            raise UsageError("add the tenant", repr(name), "the name does not fit", "Use [a-z0-9][a-z0-9-]{0,40}.")
        tenant = Tenant(name=name, root_url=root_url, paused=False, created_at=now)
        statement = self._database.insert(models.Tenant).on_conflict_do_nothing().returning(models.Tenant.name)
        added = self._database.write(
            "add the tenant", lambda connection: connection.execute(statement, [values_of(tenant)]).all()
        )
        if not added:
            raise ConflictError("add the tenant", name, "it exists", "Choose another name.")
        return tenant

    def list(self) -> Sequence[Tenant]:
        """All tenants by name."""
        statement = selecting(models.Tenant, Tenant).order_by(models.Tenant.name)
        return self._database.read("list the tenants", lambda connection: fetch(connection, statement, Tenant))

    def get(self, name: str) -> Tenant:
        """One tenant.

        Raises:
            NotFoundError: no such tenant.
        """
        statement = selecting(models.Tenant, Tenant).where(models.Tenant.name == name)
        found = self._database.read("find the tenant", lambda connection: fetch(connection, statement, Tenant))
        if not found:
            raise _unknown(name)
        return found[0]

    def set_paused(self, name: str, *, paused: bool) -> None:
        """Pause a tenant, or let it go on.

        Raises:
            NotFoundError: no such tenant.
        """
        statement = (
            update(models.Tenant).where(models.Tenant.name == name).values(paused=paused).returning(models.Tenant.name)
        )
        if not self._database.write("pause the tenant", lambda connection: connection.execute(statement).all()):
            raise _unknown(name)

    def set_attempts_before(self, name: str, attempts: int) -> None:
        """Let new uploads count their attempts from here."""
        statement = update(models.Tenant).where(models.Tenant.name == name).values(attempts_before=attempts)
        self._database.write("set the attempts", lambda connection: connection.execute(statement))

    def active(self) -> Sequence[str]:
        """Names of the tenants that are not paused."""
        statement = select(models.Tenant.name).where(~models.Tenant.paused).order_by(models.Tenant.name)
        return self._database.read("list the tenants", lambda connection: list(connection.scalars(statement)))


def _unknown(name: str) -> NotFoundError:
    return NotFoundError("find the tenant", name, "no such tenant", "See `vitalgraph tenant list`.")
