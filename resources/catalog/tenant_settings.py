"""What tenants set of how their facts are computed.

Belongs here: the `tenant_setting` table. It only grows: the last change of a setting counts.
Does not belong here: which settings there are, their defaults, or what one does (`vitals.tenant_settings`).
"""

from collections.abc import Sequence

from sqlalchemy import insert

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import decisions as models
from resources.catalog.rows.decisions import Decision, SettingChange
from resources.catalog.sql import fetch, selecting, values_of


class CatalogTenantSettings:
    """The settings of the tenants of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def change(self, tenant: str, *, name: str, value: str, decision: Decision) -> None:
        """Store a new value."""
        row = {"tenant": tenant, "name": name, "value": value, **values_of(decision)}
        self._database.write(
            "change a setting", lambda connection: connection.execute(insert(models.TenantSetting).values(**row))
        )

    def changes(self, tenant: str) -> Sequence[SettingChange]:
        """Every change, oldest first."""
        table = models.TenantSetting
        statement = selecting(table, SettingChange).where(table.tenant == tenant).order_by(table.id)
        return self._database.read(
            "look up the settings", lambda connection: fetch(connection, statement, SettingChange)
        )

    def values(self, tenant: str) -> dict[str, str]:
        """Name to value of what the tenant has set."""
        return {change.name: change.value for change in self.changes(tenant)}
