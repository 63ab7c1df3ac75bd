"""People: external user id to pseudonym, and the profile that some metrics need.

Belongs here: the `subject` and `subject_fetch` tables.
Does not belong here: how a pseudonym is made; which days a changed profile makes stale.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import Connection, delete, func, select, update

from resources.catalog.database import CatalogDatabase, greatest
from resources.catalog.models import days, people
from resources.catalog.rows.days import FetchMark
from resources.catalog.rows.people import Diabetes, Profile
from resources.catalog.sql import chunks, fetch, fetch_among, selecting, values_of
from vitals.errors import ConflictError, NotFoundError
from vitals.external_ids import external_id, written_forms


class ProfileChange(TypedDict, total=False):
    """The parts of a profile to change; None clears a value."""

    age_years: float | None
    weight_kg: float | None
    diabetes: Diabetes
    source_priority: Mapping[str, list[str]]


class CatalogSubjects:
    """The people of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def ensure(self, tenant: str, subject_ids: Mapping[str, str], *, now: datetime) -> None:
        """Make sure that people are known.

        Args:
            tenant: whose people.
            subject_ids: external user id to pseudonym.
            now: when those who are new came.

        Raises:
            ConflictError: somebody is known by another pseudonym, so the subject key has changed.
        """
        rows = [
            {"tenant": tenant, "external_user": user, "subject_id": subject_id, "created_at": now}
            for user, subject_id in sorted(subject_ids.items())
        ]
        insert = self._database.insert(people.Subject).on_conflict_do_nothing()

        others = {form for user in subject_ids for form in written_forms(user)} - set(subject_ids)

        def work(connection: Connection) -> None:
            if _known(connection, tenant, others):
                raise ConflictError(
                    "register people",
                    f"tenant {tenant}",
                    "somebody is known by their id in another Unicode form, under another pseudonym: an older version",
                    "Nothing was changed. See 'Ids in another Unicode form' in docs/operations.md.",
                )
            connection.execute(insert, rows)
            if _known(connection, tenant, subject_ids) != dict(subject_ids):
                raise ConflictError(
                    "register people",
                    f"tenant {tenant}",
                    "somebody is known by another pseudonym: VITALGRAPH_SUBJECT_KEY is not the one used before",
                    "Nothing was changed. Restore the former key.",
                )

        if rows:
            self._database.write("register people", work)

    def subject_ids(self, tenant: str, external_users: Iterable[str] | None = None) -> dict[str, str]:
        """External user id to pseudonym, of those who are known; of all people if none are named."""
        return self._database.read("look up people", lambda connection: _known(connection, tenant, external_users))

    def profile(self, tenant: str, external_user: str) -> Profile:
        """One person's profile.

        Raises:
            NotFoundError: no such person in the tenant.
        """
        statement = selecting(people.Subject, Profile).where(
            people.Subject.tenant == tenant, people.Subject.external_user == external_id(external_user)
        )
        found = self._database.read("look up a person", lambda connection: fetch(connection, statement, Profile))
        if not found:
            raise _unknown(tenant)
        return found[0]

    def set_profile(self, tenant: str, external_user: str, change: ProfileChange) -> Profile:
        """Change the named parts of a profile and return the whole.

        Raises:
            NotFoundError: no such person in the tenant.
            PermanentError: a value is outside what is possible.
        """
        person = (people.Subject.tenant == tenant, people.Subject.external_user == external_id(external_user))
        values: dict[str, Any] = dict(change)

        def work(connection: Connection) -> list[Profile]:
            if values:
                connection.execute(update(people.Subject).where(*person).values(values))
            return fetch(connection, selecting(people.Subject, Profile).where(*person), Profile)

        found = self._database.write("change a profile", work)
        if not found:
            raise _unknown(tenant)
        return found[0]

    def profiles(self, tenant: str, subject_ids: Iterable[str] | None = None) -> list[Profile]:
        """Profiles by pseudonym; of all people of the tenant if none are named."""
        statement = selecting(people.Subject, Profile).where(people.Subject.tenant == tenant)

        def work(connection: Connection) -> list[Profile]:
            if subject_ids is None:
                return fetch(connection, statement.order_by(people.Subject.subject_id), Profile)
            found = fetch_among(connection, statement, people.Subject.subject_id, subject_ids, Profile)
            return sorted(found, key=lambda row: row.subject_id)

        return self._database.read("look up profiles", work)

    def latest_fetch_ms(self, tenant: str, subject_ids: Iterable[str]) -> dict[str, int]:
        """Latest fetch of each person's exports in epoch ms, over all kinds: one session stamps them all alike."""
        table = days.SubjectFetch
        statement = (
            select(table.subject_id, func.max(table.latest_fetch_ms))
            .where(table.tenant == tenant)
            .group_by(table.subject_id)
        )

        def work(connection: Connection) -> dict[str, int]:
            return {
                subject_id: latest
                for some in chunks(subject_ids)
                for subject_id, latest in connection.execute(statement.where(table.subject_id.in_(some)))
            }

        return self._database.read("look up fetches", work)

    def fetch_marks(self, tenant: str, subject_ids: Iterable[str], kind: str) -> dict[str, int]:
        """Latest fetch of each person's exports of one kind in epoch ms; people without any are left out."""
        table = days.SubjectFetch
        statement = select(table.subject_id, table.latest_fetch_ms).where(table.tenant == tenant, table.kind == kind)

        def work(connection: Connection) -> dict[str, int]:
            return {
                subject_id: latest
                for some in chunks(subject_ids)
                for subject_id, latest in connection.execute(statement.where(table.subject_id.in_(some)))
            }

        return self._database.read("look up fetches", work)

    def kinds_fetched(self, tenant: str, subject_ids: Iterable[str]) -> set[str]:
        """Kinds of which at least one of these people has a fetch."""
        table = days.SubjectFetch
        statement = select(table.kind).where(table.tenant == tenant).distinct()

        def work(connection: Connection) -> set[str]:
            return {
                kind
                for some in chunks(subject_ids)
                for kind in connection.scalars(statement.where(table.subject_id.in_(some)))
            }

        return self._database.read("look up fetches", work)


def lower_fetches(connection: Connection, marks: Iterable[FetchMark]) -> None:
    """Set marks that were too late; one of 0 is removed."""
    table = days.SubjectFetch
    for mark in marks:
        whose = (table.tenant == mark.tenant, table.subject_id == mark.subject_id, table.kind == mark.kind)
        if mark.latest_fetch_ms:
            connection.execute(update(table).where(*whose).values(latest_fetch_ms=mark.latest_fetch_ms))
        else:
            connection.execute(delete(table).where(*whose))


def merge_fetches(connection: Connection, database: CatalogDatabase, marks: Iterable[FetchMark]) -> None:
    """Keep the latest fetch per person and kind, in any order and any number of times."""
    latest: dict[tuple[str, str, str], FetchMark] = {}
    for mark in marks:
        key = (mark.tenant, mark.subject_id, mark.kind)
        if key not in latest or latest[key].latest_fetch_ms < mark.latest_fetch_ms:
            latest[key] = mark
    if not latest:
        return
    insert = database.insert(days.SubjectFetch)
    statement = insert.on_conflict_do_update(
        index_elements=["tenant", "subject_id", "kind"],
        set_={
            "latest_fetch_ms": greatest(days.SubjectFetch.__table__.c.latest_fetch_ms, insert.excluded.latest_fetch_ms)
        },
    )
    connection.execute(statement, [values_of(latest[key]) for key in sorted(latest)])


def _known(connection: Connection, tenant: str, external_users: Iterable[str] | None) -> dict[str, str]:
    statement = select(people.Subject.external_user, people.Subject.subject_id).where(people.Subject.tenant == tenant)
    if external_users is None:
        return dict(connection.execute(statement).tuples().all())
    return {
        user: subject_id
        for some in chunks(external_users)
        for user, subject_id in connection.execute(statement.where(people.Subject.external_user.in_(some)))
    }


def _unknown(tenant: str) -> NotFoundError:
    return NotFoundError("find the person", f"tenant {tenant}", "nobody of that name is known", "Check the user id.")
