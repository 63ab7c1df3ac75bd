"""Versions of releases: where each stands, and who is in it.

Belongs here: the `dataset_version` and `dataset_contributor` tables.
Does not belong here: files of a release (`Lake`), gates, what a specification means.

A version is built once: what was published stays or is taken back, what is building or blocked may be built again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import releases as models
from resources.catalog.models.base import UtcDateTime
from resources.catalog.rows.releases import DatasetVersion
from resources.catalog.sql import chunks, fetch, selecting
from vitals.errors import ConflictError, NotFoundError


class CatalogDatasets:
    """The releases of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def begin(
        self, tenant: str, name: str, version: str, *, spec: Mapping[str, Any], run_id: str | None, now: datetime
    ) -> int:
        """Enter a version that is about to be built, or one that is built again; its id.

        Raises:
            ConflictError: it is published, and what is published does not change, or it was and was taken back.
        """
        table = models.DatasetVersion
        new: dict[str, Any] = {
            "state": "building",
            "spec": dict(spec),
            "reasons": [],
            "manifest_sha256": None,
            "examples": 0,
            "people": 0,
            "run_id": run_id,
            "created_at": now,
            "finished_at": None,
        }

        def work(connection: Connection) -> int:
            found = _find(connection, tenant, name, version)
            if found is None:
                statement = insert(table).values(tenant=tenant, name=name, version=version, **new).returning(table.id)
                return int(connection.execute(statement).scalar_one())
            refuse_to_build_again(found)
            connection.execute(
                delete(models.DatasetContributor).where(models.DatasetContributor.dataset_id == found.id)
            )
            connection.execute(update(table).where(table.id == found.id).values(**new))
            return found.id

        return self._database.write("enter the release", work)

    def finish(
        self,
        dataset_id: int,
        *,
        reasons: Sequence[str],
        manifest_sha256: str,
        contributors: Mapping[str, int],
        now: datetime,
    ) -> None:
        """Publish a version, or block it if there are reasons; its contributors are entered with it.

        Args:
            reasons: what keeps it from being published.
            contributors: pseudonym to number of examples.
        """
        table = models.DatasetVersion
        values = {
            "state": "blocked" if reasons else "published",
            "reasons": list(reasons),
            "manifest_sha256": manifest_sha256,
            "examples": sum(contributors.values()),
            "people": len(contributors),
            "finished_at": now,
        }
        rows = [
            {"dataset_id": dataset_id, "subject_id": subject_id, "examples": examples}
            for subject_id, examples in sorted(contributors.items())
        ]

        def work(connection: Connection) -> None:
            connection.execute(update(table).where(table.id == dataset_id).values(**values))
            if rows:
                connection.execute(insert(models.DatasetContributor), rows)

        self._database.write("finish the release", work)

    def fail(self, dataset_id: int, *, reason: str, now: datetime) -> None:
        """End a version that is being built without a result; it may be built again.

        Args:
            reason: why, in one sentence without content.
        """
        table = models.DatasetVersion
        statement = (
            update(table)
            .where(table.id == dataset_id, table.state == "building")
            .values(state="failed", reasons=[reason], finished_at=now)
        )
        self._database.write("end the release", lambda connection: connection.execute(statement))

    def withdraw(self, tenant: str, dataset_id: int, *, reason: str, now: datetime) -> None:
        """Take a published version back for good.

        Args:
            reason: why, as whoever did it says.
        """
        table = models.DatasetVersion
        statement = (
            update(table)
            .where(table.tenant == tenant, table.id == dataset_id, table.state == "published")
            .values(state="withdrawn", reasons=[reason], tombstoned_at=now)
        )
        self._database.write("withdraw the release", lambda connection: connection.execute(statement))

    def tombstone(self, tenant: str, dataset_id: int, *, successor: str | None, now: datetime) -> None:
        """Take a published version back. When it was taken back first stays; the successor is the last one told.

        Args:
            successor: version that takes its place, None if there is nothing left to release.
        """
        table = models.DatasetVersion
        statement = (
            update(table)
            .where(table.tenant == tenant, table.id == dataset_id, table.state.in_(("published", "tombstoned")))
            .values(
                state="tombstoned",
                reasons=["somebody who was in it may not be in it any more"],
                tombstoned_at=func.coalesce(table.tombstoned_at, literal(now, UtcDateTime())),
                successor=successor,
            )
        )
        self._database.write("take back the release", lambda connection: connection.execute(statement))

    def forget_contributor(self, tenant: str, subject_id: str) -> int:
        """Forget that a person was in any version, and in any household of a specification; entries removed."""
        table, index = models.DatasetVersion, models.DatasetContributor

        def work(connection: Connection) -> int:
            mine = select(table.id).where(table.tenant == tenant)
            gone = connection.execute(
                delete(index).where(index.subject_id == subject_id, index.dataset_id.in_(mine))
            ).rowcount
            specs = connection.execute(select(table.id, table.spec).where(table.tenant == tenant)).all()
            for dataset_id, spec in specs:
                kept = _without(spec, subject_id)
                if kept != spec:
                    connection.execute(update(table).where(table.id == dataset_id).values(spec=kept))
                    gone += 1
            return gone

        return self._database.write("forget a contributor", work)

    def list(self, tenant: str) -> Sequence[DatasetVersion]:
        """All versions of a tenant, by name and in the order they were first entered."""
        table = models.DatasetVersion
        statement = selecting(table, DatasetVersion).where(table.tenant == tenant).order_by(table.name, table.id)
        return self._database.read("list the releases", lambda connection: fetch(connection, statement, DatasetVersion))

    def get(self, tenant: str, name: str, version: str) -> DatasetVersion:
        """One version.

        Raises:
            NotFoundError: no such version.
        """
        found = self._database.read("find the release", lambda connection: _find(connection, tenant, name, version))
        if found is None:
            where = f"{name} {version}"
            raise NotFoundError("find the release", where, "no such version", "See `vitalgraph dataset list`.")
        return found

    def contributors(self, dataset_id: int) -> dict[str, int]:
        """Who is in a version: pseudonym to number of examples."""
        table = models.DatasetContributor
        statement = select(table.subject_id, table.examples).where(table.dataset_id == dataset_id)
        return self._database.read(
            "look up contributors", lambda connection: dict(connection.execute(statement).tuples().all())
        )

    def with_person(self, tenant: str, subject_ids: Iterable[str]) -> Sequence[DatasetVersion]:
        """Versions that any of these people is in, whatever their state."""
        table, index = models.DatasetVersion, models.DatasetContributor

        def work(connection: Connection) -> list[DatasetVersion]:
            found: dict[int, DatasetVersion] = {}
            for some in chunks(subject_ids):
                ids = select(index.dataset_id).where(index.subject_id.in_(some))
                statement = selecting(table, DatasetVersion).where(table.tenant == tenant, table.id.in_(ids))
                found |= {row.id: row for row in fetch(connection, statement, DatasetVersion)}
            return [found[dataset_id] for dataset_id in sorted(found)]

        return self._database.read("look up releases", work)


def refuse_to_build_again(row: DatasetVersion) -> None:
    """Refuse to build a version that is or was published.

    Raises:
        ConflictError: it is, or was and was taken back: what somebody may have does not change.
    """
    if row.state in {"published", "tombstoned", "withdrawn"}:
        raise ConflictError(
            "build the release", f"{row.name} {row.version}", f"it is {row.state}", "Choose another version."
        )


def _without(spec: Mapping[str, Any], subject_id: str) -> dict[str, Any]:
    households = [[person for person in one if person != subject_id] for one in spec.get("households", ())]
    kept = dict(spec)
    if "households" in spec:
        # A household of one says nothing, but its place in the file is part of what was asked for: it stays.
        kept["households"] = [one for one in households if one]
    return kept


def _find(connection: Connection, tenant: str, name: str, version: str) -> DatasetVersion | None:
    table = models.DatasetVersion
    wanted = (table.tenant == tenant, table.name == name, table.version == version)
    found = fetch(connection, selecting(table, DatasetVersion).where(*wanted), DatasetVersion)
    return found[0] if found else None
