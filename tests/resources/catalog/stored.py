"""What a catalog holds, read past its own queries.

Belongs here: whole tables as rows, for tests of what was written. Does not belong here: an expectation.
"""

from resources.catalog.catalog import Catalog
from resources.catalog.models import days
from resources.catalog.rows.days import FetchMark, ZoneObservation
from resources.catalog.sql import fetch, selecting


def fetch_marks(catalog: Catalog, tenant: str) -> list[FetchMark]:
    """Latest fetch per person and kind, by both."""
    table = days.SubjectFetch
    statement = selecting(table, FetchMark).where(table.tenant == tenant).order_by(table.subject_id, table.kind)
    return catalog.database.read("look", lambda connection: fetch(connection, statement, FetchMark))


def zone_observations(catalog: Catalog, tenant: str) -> list[ZoneObservation]:
    """Zone evidence, by person, date, source and offset."""
    table = days.ZoneObservation
    order = (table.subject_id, table.utc_date, table.source_app, table.offset_seconds)
    statement = selecting(table, ZoneObservation).where(table.tenant == tenant).order_by(*order)
    return catalog.database.read("look", lambda connection: fetch(connection, statement, ZoneObservation))
