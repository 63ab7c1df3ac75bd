"""Partial records: valid rows that lack context and wait for a person.

Belongs here: the `partial_record` table. Does not belong here: which fields are needed, and completing them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.models.base import storable
from resources.catalog.rows.uploads import PartialRow, PartialStatus, WaitingRow
from resources.catalog.sql import chunks, fetch, fetch_among, selecting, values_of
from resources.catalog.uploads import reland_uploads
from vitals.errors import ConflictError, NotFoundError

_RECORD = ("tenant", "kind", "subject_id", "record_id")
_RECOMPUTED = ("tenant", "kind", "subject_id", "record_id", "missing", "payload")


class CatalogPartials:
    """The partial records of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def list(
        self,
        tenant: str,
        *,
        status: PartialStatus | None = "waiting",
        kind: str | None = None,
        upload_id: str | None = None,
        subject_id: str | None = None,
        once: bool = False,
        limit: int = 1000,
        after: int = 0,
    ) -> Sequence[WaitingRow]:
        """Partial records in the order in which they came; the next page starts after the last id.

        Args:
            tenant: whose.
            status, kind, upload_id, subject_id: only these.
            once: of several deliveries of a record in the status only the one that came first.
            limit: at most so many.
            after: only ids greater than this.
        """
        table = models.PartialRecord
        wanted = {table.status: status, table.kind: kind, table.upload_id: upload_id, table.subject_id: subject_id}
        statement = (
            selecting(table, WaitingRow)
            .where(table.tenant == tenant, table.id > after)
            .where(*(column == value for column, value in wanted.items() if value is not None))
            .order_by(table.id)
            .limit(limit)
        )
        if once:
            earlier = aliased(table)
            same = (getattr(earlier, name) == getattr(table, name) for name in (*_RECORD, "status"))
            statement = statement.where(~exists().where(*same, earlier.id < table.id))
        return self._database.read(
            "list the partial records", lambda connection: fetch(connection, statement, WaitingRow)
        )

    def deliveries(self, tenant: str, rows: Iterable[WaitingRow]) -> dict[int, int]:
        """In how many uploads the record of each row is delivered in the row's status, by id of the row."""
        wanted = list(rows)
        found: dict[tuple[str, str, str, str], int] = {}
        for kind in sorted({row.kind for row in wanted}):
            for one in self.of_records(tenant, kind, sorted({row.record_id for row in wanted if row.kind == kind})):
                key = one.kind, one.subject_id, one.record_id, one.status
                found[key] = found.get(key, 0) + 1
        return {row.id: found.get((row.kind, row.subject_id, row.record_id, row.status), 0) for row in wanted}

    def discard(self, tenant: str, versions: Mapping[int, int]) -> None:
        """Give waiting records up: their rows stay accounted as partial, and wait for nobody.

        Args:
            tenant: whose.
            versions: partial id to the version that was seen.

        Raises:
            ConflictError: somebody decided on one of them meanwhile.
        """
        self._database.write(
            "discard partial records",
            lambda connection: decide(connection, tenant, versions, status="discarded"),
        )

    def restore(self, tenant: str, versions: Mapping[int, int], *, upload_ids: Iterable[str]) -> None:
        """Let records that were given up wait again, and land the uploads that deliver them again.

        Args:
            tenant: whose.
            versions: partial id to the version that was seen.
            upload_ids: uploads that deliver the records.

        Raises:
            ConflictError: somebody decided on one of them meanwhile.
        """

        def work(connection: Connection) -> None:
            decide(connection, tenant, versions, status="waiting", former="discarded")
            reland_uploads(connection, upload_ids)

        self._database.write("take records up again", work)

    def waiting_uploads(self, tenant: str, subject_ids: Iterable[str], *, lacking: str) -> set[str]:
        """Uploads of these people that hold rows which wait for a field."""
        table = models.PartialRecord
        statement = select(table.upload_id, table.missing).where(table.tenant == tenant, table.status == "waiting")

        def work(connection: Connection) -> set[str]:
            return {
                upload_id
                for some in chunks(subject_ids)
                for upload_id, missing in connection.execute(statement.where(table.subject_id.in_(some)))
                if lacking in missing
            }

        return self._database.read("look up who waits", work)

    def get(self, tenant: str, partial_id: int) -> WaitingRow:
        """One partial record.

        Raises:
            NotFoundError: no such record in the tenant.
        """
        table = models.PartialRecord
        statement = selecting(table, WaitingRow).where(table.tenant == tenant, table.id == partial_id)
        found = self._database.read(
            "look up a partial record", lambda connection: fetch(connection, statement, WaitingRow)
        )
        if not found:
            raise NotFoundError(
                "find the partial record", f"{tenant}, id {partial_id}", "it does not exist", "See `partial list`."
            )
        return found[0]

    def of_records(self, tenant: str, kind: str, record_ids: Iterable[str]) -> Sequence[WaitingRow]:
        """Partial records of these records, in whichever upload and status, by id."""
        table = models.PartialRecord
        statement = selecting(table, WaitingRow).where(table.tenant == tenant, table.kind == kind)

        def work(connection: Connection) -> list[WaitingRow]:
            return fetch_among(connection, statement, table.record_id, record_ids, WaitingRow)

        return sorted(self._database.read("look up partial records", work), key=lambda row: row.id)

    def counts(self, tenant: str) -> dict[tuple[str, PartialStatus], int]:
        """Number of partial records by (kind, status), each once however often it was delivered."""
        table = models.PartialRecord
        records = (
            select(table.kind, table.status, table.subject_id, table.record_id)
            .where(table.tenant == tenant)
            .distinct()
            .subquery()
        )
        statement = select(records.c.kind, records.c.status, func.count()).group_by(records.c.kind, records.c.status)
        found = self._database.read("count the partial records", lambda connection: connection.execute(statement).all())
        return {(kind, status): n for kind, status, n in found}


def decide(
    connection: Connection,
    tenant: str,
    versions: Mapping[int, int],
    *,
    status: PartialStatus,
    former: PartialStatus = "waiting",
) -> None:
    """Move partial records on, by id and the version that was seen.

    Raises:
        ConflictError: somebody decided on one of them meanwhile.
    """
    table = models.PartialRecord
    for partial_id, version in sorted(versions.items()):
        statement = (
            update(table)
            .where(table.tenant == tenant, table.id == partial_id, table.version == version)
            .where(table.status == former)
            .values(status=status, version=table.version + 1)
        )
        if connection.execute(statement).rowcount != 1:
            raise decided_meanwhile(tenant)


def decided_meanwhile(tenant: str) -> ConflictError:
    """The refusal of a decision on what is not any more as it was seen."""
    return ConflictError(
        "decide on a record", tenant, "somebody decided on it meanwhile", "Nothing was changed; look at it again."
    )


def _given_up(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, ...]]:
    """Which of the records of these rows a person has given up."""
    table = models.PartialRecord
    columns = [getattr(table, name) for name in _RECORD]
    return {
        tuple(found)
        for some in chunks(sorted({row["record_id"] for row in rows}))
        for found in connection.execute(
            select(*columns).where(table.record_id.in_(some), table.status == "discarded").distinct()
        )
    }


def replace_partials(
    connection: Connection, upload_ids: Iterable[str], rows: Sequence[PartialRow], *, now: datetime
) -> None:
    """Make `rows` the partial records of these uploads.

    One that was there keeps its id and first-seen time; it waits again if it had been completed and now lacks
    something else. One that is no longer partial goes, unless a person has decided on it: that decision is kept.
    Another delivery of a record that a person has given up waits for nobody either.
    """
    table = models.PartialRecord
    stored: dict[tuple[str, int], tuple[int, str]] = {}
    for some in chunks(upload_ids):
        known = select(table.upload_id, table.row_index, table.id, table.status).where(table.upload_id.in_(some))
        stored |= {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(known)}
    wanted = {(row.upload_id, row.row_index): values_of(row) for row in rows}
    kept = [
        {"row_id": stored[key][0], **{f"new_{name}": wanted[key][name] for name in _RECOMPUTED}}
        for key in wanted
        if key in stored
    ]
    if kept:
        changed: dict[str, ColumnElement[Any]] = {name: bindparam(f"new_{name}") for name in _RECOMPUTED}
        changed["status"] = case((table.status == "completed", "waiting"), else_=table.status)
        connection.execute(update(table).where(table.id == bindparam("row_id")).values(changed), kept)
    added = [{**wanted[key], "first_seen": now, "status": "waiting"} for key in wanted if key not in stored]
    if added:
        given_up = _given_up(connection, added)
        for row in added:
            if tuple(row[name] if name != "record_id" else storable(row[name]) for name in _RECORD) in given_up:
                row["status"] = "discarded"
        connection.execute(insert(table), added)
    gone = (row_id for key, (row_id, status) in stored.items() if key not in wanted and status == "waiting")
    for some_ids in chunks(gone):
        connection.execute(delete(table).where(table.id.in_(some_ids)))
