"""Zone evidence: which offset a source wrote, from when to when, per UTC date.

Belongs here: the `zone_observation` table; merging is by minimum and maximum, so the order of arrival and
repetition do not matter.
Does not belong here: which evidence is trusted (`vitals.clinical.local_day`).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection, select

from resources.catalog.database import CatalogDatabase, greatest, least, table_of
from resources.catalog.models import days
from resources.catalog.models.base import storable
from resources.catalog.rows.days import ZoneChange, ZoneObservation
from resources.catalog.sql import chunks, fetch_among, selecting, values_of

_KEY = ["tenant", "subject_id", "source_app", "utc_date", "offset_seconds"]
_Key = tuple[str, str, str, str, int]


class CatalogZones:
    """The zone evidence of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def upsert(self, observations: Iterable[ZoneObservation]) -> list[ZoneChange]:
        """Merge observations; what changed, with the old and the new span. Repeating it changes nothing."""
        rows = list(observations)
        return self._database.write(
            "merge zone evidence", lambda connection: merge_zones(connection, self._database, rows)
        )

    def spans(self, tenant: str, subject_ids: Iterable[str]) -> list[tuple[str, str, date, int, int, int]]:
        """Observations of people as (person, source, UTC date, offset seconds, first and last epoch ms), in no order."""
        table = days.ZoneObservation
        statement = select(
            table.subject_id,
            table.source_app,
            table.utc_date,
            table.offset_seconds,
            table.first_utc_ms,
            table.last_utc_ms,
        ).where(table.tenant == tenant)

        def work(connection: Connection) -> list[tuple[str, str, date, int, int, int]]:
            return [
                row
                for some in chunks(subject_ids)
                for row in connection.execute(statement.where(table.subject_id.in_(some))).tuples()
            ]

        return self._database.read("read zone evidence", work)


def merge_zones(
    connection: Connection, database: CatalogDatabase, observations: Iterable[ZoneObservation]
) -> list[ZoneChange]:
    """`CatalogZones.upsert` inside a transaction."""
    merged: dict[_Key, ZoneObservation] = {}
    for row in observations:
        # As the column stores it, or the same evidence would look new for ever.
        clean = replace(row, source_app=storable(row.source_app))
        known = merged.get(_key(clean))
        merged[_key(clean)] = clean if known is None else _union(known, clean)
    people: dict[str, set[str]] = {}
    for row in merged.values():
        people.setdefault(row.tenant, set()).add(row.subject_id)
    stored = {
        _key(row): row
        for tenant in sorted(people)
        for row in _of(connection, tenant, people[tenant])
        if _key(row) in merged
    }
    changes = []
    for key in sorted(merged):
        old = stored.get(key)
        new = merged[key] if old is None else _union(old, merged[key])
        if new != old:
            changes.append(ZoneChange(old=old, new=new))
    if changes:
        table = table_of(days.ZoneObservation)
        insert = database.insert(days.ZoneObservation)
        # Merged once more by the database: another transaction may have been here since the rows were read.
        statement = insert.on_conflict_do_update(
            index_elements=_KEY,
            set_={
                "first_utc_ms": least(table.c.first_utc_ms, insert.excluded.first_utc_ms),
                "last_utc_ms": greatest(table.c.last_utc_ms, insert.excluded.last_utc_ms),
            },
        )
        connection.execute(statement, [values_of(change.new) for change in changes])
    return changes


def _of(connection: Connection, tenant: str, subject_ids: Iterable[str]) -> list[ZoneObservation]:
    statement = selecting(days.ZoneObservation, ZoneObservation).where(days.ZoneObservation.tenant == tenant)
    found = fetch_among(connection, statement, days.ZoneObservation.subject_id, subject_ids, ZoneObservation)
    return sorted(found, key=lambda row: (row.subject_id, row.utc_date, row.source_app, row.offset_seconds))


def _union(a: ZoneObservation, b: ZoneObservation) -> ZoneObservation:
    return replace(a, first_utc_ms=min(a.first_utc_ms, b.first_utc_ms), last_utc_ms=max(a.last_utc_ms, b.last_utc_ms))


def _key(row: ZoneObservation) -> _Key:
    return row.tenant, row.subject_id, row.source_app, row.utc_date.isoformat(), row.offset_seconds
