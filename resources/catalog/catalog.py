"""The catalog: what must be transactional, in one SQL database.

Belongs here: the one class that callers hold, and what its parts are.
Does not belong here: Dagster, settings, queries (a module per topic), migrations (`catalog_migrations`).
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from resources.catalog.audit import CatalogAudit
from resources.catalog.batches import CatalogBatches
from resources.catalog.books import CatalogBooks
from resources.catalog.compaction import compact
from resources.catalog.completions import CatalogCompletions
from resources.catalog.consents import CatalogConsents
from resources.catalog.database import MAX_OVERFLOW, POOL_SIZE, CatalogDatabase
from resources.catalog.datasets import CatalogDatasets
from resources.catalog.deletions import CatalogDeletions
from resources.catalog.erasures import CatalogErasures
from resources.catalog.installation import CatalogInstallation
from resources.catalog.lanes import exclusive, shared
from resources.catalog.left_out import CatalogLeftOut
from resources.catalog.partials import CatalogPartials
from resources.catalog.quarantine import CatalogQuarantine
from resources.catalog.rule_policies import CatalogRulePolicies
from resources.catalog.scope import TenantCatalog
from resources.catalog.sessions import CatalogSessions
from resources.catalog.settlement import Settlement, settle
from resources.catalog.stale_days import CatalogStaleDays
from resources.catalog.subjects import CatalogSubjects
from resources.catalog.tenant_settings import CatalogTenantSettings
from resources.catalog.tenants import CatalogTenants
from resources.catalog.tokens import CatalogTokens
from resources.catalog.uploads import CatalogUploads
from resources.catalog.zones import CatalogZones


class Catalog:
    """The catalog of a SQLite file or a PostgreSQL database. Its tables are there after `catalog_migrations.upgrade`.

    Every method runs in a transaction of its own and tries again, within bounds, when the database is locked
    or out of reach; what lasts is a TransientError. What the database refuses is a PermanentError.

    Args:
        url: SQLAlchemy URL, `sqlite:///path` or `postgresql://…`.
        pool_size: connections kept open.
        max_overflow: connections opened beyond those under load.
        sleep: waits between attempts, in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = POOL_SIZE,
        max_overflow: int = MAX_OVERFLOW,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.database = CatalogDatabase(url, pool_size=pool_size, max_overflow=max_overflow, sleep=sleep)
        self.installation = CatalogInstallation(self.database)
        self.tenants = CatalogTenants(self.database)
        self.subjects = CatalogSubjects(self.database)
        self.uploads = CatalogUploads(self.database)
        self.left_out = CatalogLeftOut(self.database)
        self.books = CatalogBooks(self.database)
        self.quarantine = CatalogQuarantine(self.database)
        self.partials = CatalogPartials(self.database)
        self.deletions = CatalogDeletions(self.database)
        self.stale_days = CatalogStaleDays(self.database)
        self.zones = CatalogZones(self.database)
        self.datasets = CatalogDatasets(self.database)
        self.audit = CatalogAudit(self.database)
        self.tokens = CatalogTokens(self.database)
        self.sessions = CatalogSessions(self.database)
        self.rule_policies = CatalogRulePolicies(self.database)
        self.tenant_settings = CatalogTenantSettings(self.database)
        self.completions = CatalogCompletions(self.database)
        self.batches = CatalogBatches(self.database)
        self.consents = CatalogConsents(self.database)
        self.erasures = CatalogErasures(self.database)

    def of_tenant(self, tenant: str) -> TenantCatalog:
        """The catalog as one tenant may see it, for whatever answers people of that tenant.

        Raises:
            NotFoundError: no such tenant.
        """
        self.tenants.get(tenant)
        parts = {name: type(part) for name, part in vars(self).items() if part is not self.database}
        return TenantCatalog(self.database, tenant, parts)

    def settle(self, batch: Settlement, *, now: datetime) -> bool:
        """Everything that processing a batch changed, in one transaction; see `catalog_settlement.settle`."""
        return settle(self.database, batch, now=now)

    def exclusive(self, lane: str, *, wait: bool) -> AbstractContextManager[bool]:
        """Hold a lane across processes until the block ends or the process dies; see `catalog_lanes.exclusive`."""
        return exclusive(self.database, lane, wait=wait)

    def shared(self, lane: str) -> AbstractContextManager[None]:
        """Hold a lane together with others who share it, and with nobody who holds it alone; see `catalog_lanes.shared`."""
        return shared(self.database, lane)

    def compact(self) -> None:
        """Rewrite the catalog's files so that nothing that was deleted is left in them; see `catalog_compaction`."""
        compact(self.database)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
