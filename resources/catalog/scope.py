"""The catalog as one tenant may see it.

Belongs here: binding every query to a tenant, below whatever asks: a handler cannot forget to, nor name another.
Does not belong here: the queries.

Two locks: a method is reachable only if it takes the tenant as its first argument, which is bound here; and on
PostgreSQL the transaction says whose it is, so that row-level security hides every other tenant's rows even from a
query that does not ask.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from resources.catalog.database import CatalogDatabase
from resources.catalog.rows.tenants import NewAuditEvent
from vitals.errors import PermanentError


class TenantPart:
    """A part of the catalog, with the tenant bound: `part.list(kind=…)` for `list(tenant, kind=…)`."""

    def __init__(self, part: Any, tenant: str) -> None:
        self._part = part
        self._tenant = tenant

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._part, name)
        if next(iter(inspect.signature(method).parameters), None) != "tenant":
            message = f"{type(self._part).__name__}.{name} is not bound to a tenant"
            raise AttributeError(message)
        return partial(method, self._tenant)


class TenantCatalog:
    """The catalog of one tenant.

    Args:
        database: the database; its transactions are marked as this tenant's.
        tenant: name of an existing tenant.
        parts: attribute name to the class of a part, as in `Catalog`.
    """

    def __init__(
        self, database: CatalogDatabase, tenant: str, parts: Mapping[str, Callable[[CatalogDatabase], Any]]
    ) -> None:
        self.tenant = tenant
        scoped = database.of_tenant(tenant)
        self._parts = {name: made(scoped) for name, made in parts.items()}

    def __getattr__(self, name: str) -> TenantPart:
        try:
            return TenantPart(self._parts[name], self.tenant)
        except KeyError:
            raise AttributeError(name) from None

    def record(self, events: Iterable[NewAuditEvent]) -> None:
        """Add audit events of this tenant.

        Raises:
            PermanentError: an event is another tenant's.
        """
        given = list(events)
        if any(event.tenant != self.tenant for event in given):
            raise PermanentError("record what was decided", self.tenant, "an event is another tenant's", "Report it.")
        self._parts["audit"].record(given)
