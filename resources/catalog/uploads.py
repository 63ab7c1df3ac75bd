"""Uploads: the books of every object version, from landed to what became of each of its rows.

Belongs here: the `upload` table. Does not belong here: settling a batch, which touches other tables as well
(`catalog_settlement`); listing objects; decoding.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, text, tuple_, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.outcomes import lock_uploads, not_registered, write_outcomes
from resources.catalog.rows.uploads import (
    PENDING_STATES,
    ListedVersion,
    NewUpload,
    Upload,
    UploadFetch,
    UploadOutcome,
    UploadState,
)
from resources.catalog.sql import chunks, fetch, fetch_among, selecting, values_of
from vitals.errors import NotFoundError


class CatalogUploads:
    """The uploads of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def register(self, uploads: Iterable[NewUpload]) -> list[str]:
        """Add uploads that are not known yet; ids of those that were added. Repeating it changes nothing.

        Raises:
            PermanentError: an unknown tenant, or a pending upload without a kind.
        """
        rows = [values_of(upload) for upload in uploads]
        if not rows:
            return []
        statement = self._database.insert(models.Upload).on_conflict_do_nothing().returning(models.Upload.upload_id)
        return self._database.write("register uploads", lambda connection: list(connection.scalars(statement, rows)))

    def listed(self, tenant: str, keys: Iterable[str]) -> dict[str, list[ListedVersion]]:
        """Versions of these keys that are registered, by key; a key without any is left out."""
        table = models.Upload
        statement = selecting(table, ListedVersion).where(table.tenant == tenant)
        found = self._database.read(
            "look up uploads", lambda connection: fetch_among(connection, statement, table.key, keys, ListedVersion)
        )
        by_key: dict[str, list[ListedVersion]] = {}
        for version in found:
            by_key.setdefault(version.key, []).append(version)
        return by_key

    def relisted(self, versions: Iterable[ListedVersion]) -> None:
        """Note the etag, and the content if it was read, under which known versions were listed now."""
        table = models.Upload
        rows = [
            {"relisted": version.upload_id, "new_etag": version.etag, "new_content": version.content_sha256}
            for version in sorted(versions, key=lambda version: version.upload_id)
        ]
        if not rows:
            return
        statement = (
            update(table)
            .where(table.upload_id == bindparam("relisted"))
            .values(
                etag=bindparam("new_etag"), content_sha256=func.coalesce(bindparam("new_content"), table.content_sha256)
            )
        )
        self._database.write("note uploads again", lambda connection: connection.execute(statement, rows))

    def fetches(self, tenant: str, subject_ids: Iterable[str], kind: str) -> Sequence[UploadFetch]:
        """Fetches of people's settled uploads of one kind that were read."""
        table = models.Upload
        statement = selecting(table, UploadFetch).where(
            table.tenant == tenant,
            table.kind == kind,
            table.settled_attempt.is_not(None),
            table.fetched_utc.is_not(None),
            table.state.in_(("landed", "processing", "processed", "duplicate")),
        )
        return self._database.read(
            "look up fetches",
            lambda connection: fetch_among(connection, statement, table.subject_id, subject_ids, UploadFetch),
        )

    def versions(self, tenant: str, key: str) -> list[Upload]:
        """Every version of an object, oldest first.

        Raises:
            NotFoundError: none is registered.
        """
        table = models.Upload
        statement = (
            selecting(table, Upload)
            .where(table.tenant == tenant, table.key == key)
            .order_by(table.landed_at, table.upload_id)
        )
        found = self._database.read("look up an upload", lambda connection: fetch(connection, statement, Upload))
        if not found:
            raise NotFoundError(
                "find the upload", f"tenant {tenant}", "no such key is registered", "See `vitalgraph uploads list`."
            )
        return found

    def by_id(self, tenant: str, upload_id: str) -> Upload:
        """One upload of a tenant.

        Raises:
            NotFoundError: the tenant has no such upload.
        """
        table = models.Upload
        statement = selecting(table, Upload).where(table.tenant == tenant, table.upload_id == upload_id)
        found = self._database.read("look up an upload", lambda connection: fetch(connection, statement, Upload))
        if not found:
            raise NotFoundError("find the upload", f"tenant {tenant}", "no such id", "See `vitalgraph uploads list`.")
        return found[0]

    def get(self, upload_ids: Iterable[str]) -> dict[str, Upload]:
        """Uploads by id; one that is not known is left out."""
        statement = selecting(models.Upload, Upload)

        def work(connection: Connection) -> dict[str, Upload]:
            return {
                row.upload_id: row
                for some in chunks(upload_ids)
                for row in fetch(connection, statement.where(models.Upload.upload_id.in_(some)), Upload)
            }

        return self._database.read("look up uploads", work)

    def pending(self, tenant: str, *, landing_day: date | None = None, kind: str | None = None) -> list[Upload]:
        """Uploads to process, oldest landing day first.

        One in `processing` is among them: whoever asks holds the lane, so its former holder is gone.
        """
        table = models.Upload
        wanted = {table.landing_day: landing_day, table.kind: kind}
        statement = (
            selecting(table, Upload)
            .where(_is_pending(tenant))
            .where(*(column == value for column, value in wanted.items() if value is not None))
        )
        found = self._database.read("list pending uploads", lambda connection: fetch(connection, statement, Upload))
        # Sorted here: asked for this order, SQLite walks through all keys of the tenant instead.
        return sorted(found, key=lambda row: (row.landing_day, row.key, row.upload_id))

    def pending_partitions(self, tenant: str) -> list[tuple[date, list[str]]]:
        """Landing days with something to process and its kinds, oldest day first."""
        table = models.Upload
        statement = (
            select(table.landing_day, table.kind)
            .where(_is_pending(tenant))
            .distinct()
            .order_by(table.landing_day, table.kind)
        )
        found = self._database.read("list pending days", lambda connection: connection.execute(statement).all())
        return [
            (day, [str(kind) for _, kind in group]) for day, group in groupby(found, key=lambda row: row.landing_day)
        ]

    def claim(self, upload_ids: Iterable[str], *, run_id: str, now: datetime) -> dict[str, int]:
        """Take pending uploads for a run; attempt number by id of those that were taken.

        An upload that is no longer pending is not taken.
        """
        table = models.Upload
        statement = (
            update(table)
            .where(table.state.in_(PENDING_STATES))
            .values(
                state="processing",
                run_id=run_id,
                claimed_at=now,
                attempts=table.attempts + 1,
                unsettled_attempts=table.unsettled_attempts + 1,
            )
            .returning(table.upload_id, table.attempts)
        )

        def work(connection: Connection) -> dict[str, int]:
            return {
                upload_id: attempt
                for some in chunks(upload_ids)
                for upload_id, attempt in connection.execute(statement.where(table.upload_id.in_(some)))
            }

        return self._database.write("claim uploads", work)

    def finish(self, outcomes: Iterable[UploadOutcome], *, now: datetime) -> None:
        """Write what became of uploads, whatever their state; for those that never got as far as a batch.

        Raises:
            NotFoundError: an upload is not registered.
            PermanentError: the counts of an outcome do not add up.
        """
        rows = list(outcomes)

        def work(connection: Connection) -> None:
            known = lock_uploads(connection, [row.upload_id for row in rows])
            if any(row.upload_id not in known for row in rows):
                raise not_registered(self._database)
            write_outcomes(connection, rows, now=now)

        self._database.write("finish uploads", work)

    def reland(self, upload_ids: Iterable[str]) -> list[str]:
        """Put uploads back to be processed again; ids of those that were.

        Counts stay until they are settled again: they describe what is in the lake. One without a kind
        cannot be processed and stays as it is.
        """
        ids = list(upload_ids)
        return self._database.write("land uploads again", lambda connection: reland_uploads(connection, ids))

    def release(self, upload_ids: Iterable[str]) -> None:
        """Give claimed uploads back, because their surroundings failed: the attempt is not held against them."""
        table = models.Upload
        statement = (
            update(table)
            .where(table.state == "processing")
            .values(state="landed", run_id=None, claimed_at=None, unsettled_attempts=table.unsettled_attempts - 1)
        )

        def work(connection: Connection) -> None:
            for some in chunks(upload_ids):
                connection.execute(statement.where(table.upload_id.in_(some)))

        self._database.write("release uploads", work)

    def counts(self, tenant: str) -> dict[UploadState, int]:
        """Number of uploads by state."""
        table = models.Upload
        statement = select(table.state, func.count()).where(table.tenant == tenant).group_by(table.state)
        found = self._database.read("count uploads", lambda connection: connection.execute(statement).all())
        return dict(found)  # type: ignore[return-value]

    def list(
        self,
        tenant: str,
        *,
        states: Iterable[UploadState] | None = None,
        kind: str | None = None,
        subject_id: str | None = None,
        from_day: date | None = None,
        to_day: date | None = None,
        limit: int = 1000,
        after: Upload | None = None,
    ) -> Sequence[Upload]:
        """Uploads, newest landing day first, both days included; the next page starts after its last row."""
        table = models.Upload
        conditions: Mapping[str, ColumnElement[bool] | None] = {
            "states": None if states is None else table.state.in_(states),
            "kind": None if kind is None else table.kind == kind,
            "subject_id": None if subject_id is None else table.subject_id == subject_id,
            "from_day": None if from_day is None else table.landing_day >= from_day,
            "to_day": None if to_day is None else table.landing_day <= to_day,
            "after": None
            if after is None
            else tuple_(table.landing_day, table.upload_id) < tuple_(after.landing_day, after.upload_id),
        }
        statement = (
            selecting(table, Upload)
            .where(table.tenant == tenant, *(one for one in conditions.values() if one is not None))
            .order_by(table.landing_day.desc(), table.upload_id.desc())
            .limit(limit)
        )
        return self._database.read("list uploads", lambda connection: fetch(connection, statement, Upload))


def reland_uploads(connection: Connection, upload_ids: Iterable[str]) -> list[str]:
    """`CatalogUploads.reland` inside a transaction."""
    table = models.Upload
    statement = (
        update(table)
        .where(table.kind.is_not(None))
        .values(state="landed", reason=None, detail=None, finished_at=None, duration_ms=None, unsettled_attempts=0)
        .returning(table.upload_id)
    )
    return [
        upload_id
        for some in chunks(upload_ids)
        for upload_id in connection.scalars(statement.where(table.upload_id.in_(some)))
    ]


def _is_pending(tenant: str) -> ColumnElement[bool]:
    return (models.Upload.tenant == tenant) & text(models.PENDING)
