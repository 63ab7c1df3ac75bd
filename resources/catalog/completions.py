"""What people said of fields that records leave open, and which fields a tenant demands.

Belongs here: the `completion` and `required_context` tables, and the status of the partial records they decide on.
Does not belong here: which values a field may have (`vitals.validated.completions`), or what follows downstream.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import decisions, uploads
from resources.catalog.partials import decide, decided_meanwhile
from resources.catalog.rows.decisions import Completion, Decision, NewCompletion
from resources.catalog.sql import fetch, fetch_among, selecting, values_of
from resources.catalog.uploads import reland_uploads
from vitals.errors import AlreadyDoneError, NotFoundError


class CatalogCompletions:
    """The completions of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def complete(
        self,
        tenant: str,
        completions: Iterable[NewCompletion],
        *,
        decision: Decision,
        completed: Mapping[int, int],
        touched: Mapping[int, int],
        upload_ids: Iterable[str],
    ) -> list[int]:
        """Store completions, decide on partial records and land their uploads again, all or nothing.

        Args:
            tenant: whose.
            completions: what was said.
            decision: by whom.
            completed: partial id to the version that was seen, of records that lack nothing any more.
            touched: the same, of records that still wait for another field.
            upload_ids: uploads that deliver the records.

        Returns:
            Ids of the completions.

        Raises:
            ConflictError: one of them was decided on meanwhile.
        """
        rows = [{"tenant": tenant, **values_of(one), **values_of(decision)} for one in completions]

        def work(connection: Connection) -> list[int]:
            decide(connection, tenant, completed, status="completed")
            decide(connection, tenant, touched, status="waiting")
            statement = insert(decisions.Completion).returning(decisions.Completion.id)
            reland_uploads(connection, upload_ids)
            return sorted(int(connection.execute(statement.values(**row)).scalar_one()) for row in rows)

        return self._database.write("complete records", work)

    def undo(self, tenant: str, ids: Iterable[int], *, actor: str, now: datetime, upload_ids: Iterable[str]) -> None:
        """Take completions back: their records wait again, and the uploads that deliver them are landed again.

        Raises:
            NotFoundError: one of them is not in the tenant.
            AlreadyDoneError: one of them was undone before.
        """
        rows = self.get(tenant, ids)
        if any(row.undone_at is not None for row in rows):
            raise AlreadyDoneError("undo a completion", tenant, "it was undone before", "Nothing was changed.")
        table, partial = decisions.Completion, uploads.PartialRecord

        def work(connection: Connection) -> None:
            reland_uploads(connection, upload_ids)
            for row in rows:
                statement = update(table).where(table.id == row.id, table.undone_at.is_(None))
                if connection.execute(statement.values(undone_at=now, undone_by=actor)).rowcount != 1:
                    raise decided_meanwhile(tenant)
                connection.execute(
                    update(partial)
                    .where(partial.tenant == tenant, partial.kind == row.kind, partial.subject_id == row.subject_id)
                    .where(partial.record_id == row.record_id)
                    .values(status="waiting", version=partial.version + 1)
                )

        self._database.write("undo completions", work)

    def get(self, tenant: str, ids: Iterable[int]) -> Sequence[Completion]:
        """Completions by id, in the order of their ids, undone or not.

        Raises:
            NotFoundError: one of them is not in the tenant.
        """
        table = decisions.Completion
        wanted = sorted(set(ids))

        def work(connection: Connection) -> list[Completion]:
            statement = selecting(table, Completion).where(table.tenant == tenant)
            return fetch_among(connection, statement, table.id, wanted, Completion)

        found = sorted(self._database.read("look up completions", work), key=lambda row: row.id)
        if len(found) < len(wanted):
            raise NotFoundError("find the completions", tenant, "one of them does not exist", "See `partial list`.")
        return found

    def in_force(
        self, tenant: str, subject_ids: Iterable[str] | None = None, *, kind: str | None = None
    ) -> Sequence[Completion]:
        """Completions that count, of these people or of all, by id."""
        table = decisions.Completion
        statement = selecting(table, Completion).where(table.tenant == tenant, table.undone_at.is_(None))
        if kind is not None:
            statement = statement.where(table.kind == kind)

        def work(connection: Connection) -> list[Completion]:
            if subject_ids is None:
                return fetch(connection, statement, Completion)
            return fetch_among(connection, statement, table.subject_id, subject_ids, Completion)

        return sorted(self._database.read("look up completions", work), key=lambda row: row.id)

    def of_records(self, tenant: str, kind: str, record_ids: Iterable[str]) -> Sequence[Completion]:
        """Everything ever said of records, undone or not, by id."""
        table = decisions.Completion
        statement = selecting(table, Completion).where(table.tenant == tenant, table.kind == kind)

        def work(connection: Connection) -> list[Completion]:
            return fetch_among(connection, statement, table.record_id, record_ids, Completion)

        return sorted(self._database.read("look up completions", work), key=lambda row: row.id)

    def require(self, tenant: str, kind: str, fields: Iterable[str], *, decision: Decision) -> None:
        """Make these the fields that the tenant's rows of a kind must have; none is the default."""
        table = decisions.RequiredContext
        rows = [{"tenant": tenant, "kind": kind, "field": one, **values_of(decision)} for one in sorted(set(fields))]

        def work(connection: Connection) -> None:
            connection.execute(delete(table).where(table.tenant == tenant, table.kind == kind))
            if rows:
                connection.execute(insert(table), rows)

        self._database.write("demand context", work)

    def required(self, tenant: str) -> dict[str, list[str]]:
        """Kind to the fields that its rows must have, sorted."""
        table = decisions.RequiredContext
        statement = select(table.kind, table.field).where(table.tenant == tenant).order_by(table.kind, table.field)
        found = self._database.read("look up demanded context", lambda connection: connection.execute(statement).all())
        required: dict[str, list[str]] = {}
        for kind, one in found:
            required.setdefault(kind, []).append(one)
        return required
