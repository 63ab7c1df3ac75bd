"""Erasure of a person: what the catalog forgets, and the little it keeps so that they stay erased.

Belongs here: the `erasure` table, and removing a person's rows from every other one.
Does not belong here: the lake, the order of the steps (`operations.erasure.erasure`), compaction (`catalog_compaction`).

Every table with a column `subject_id` or `upload_id` is searched, so a table that is added later is not forgotten.
Who is in which release is kept until the releases are done: `CatalogDatasets.forget_contributor` removes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, text, update
from sqlalchemy.sql.elements import ColumnElement

from resources.catalog.database import CatalogDatabase, table_of
from resources.catalog.models import days, decisions, people, tenants, uploads
from resources.catalog.models.every import METADATA
from resources.catalog.rows.people import Erasure
from resources.catalog.rows.uploads import Upload
from resources.catalog.sql import chunks, fetch, selecting
from vitals.errors import NotFoundError
from vitals.raw.mentions import ERASED, Mentions

LEFT_TO_RELEASES = frozenset({"dataset_contributor"})
FREE_TEXTS = ("reason", "detail", "reasons", "scope")
"""Columns that people or errors write into, in whatever table."""

READ_BATCH_SIZE = 5_000


@dataclass(frozen=True, kw_only=True)
class Person:
    """How a person appears in the catalog; never stored.

    Attributes:
        external_user: id in the keys of uploads.
        subject_id: pseudonym.
        keys: keys of uploads that are theirs although nothing could be read from the key.
        others: ids of everybody else who is known, from whom they have to be told.
        texts: what their uploads call their apps and devices, where nobody else's do.
    """

    external_user: str
    subject_id: str
    keys: frozenset[str] = frozenset()
    others: frozenset[str] = field(default=frozenset(), repr=False)
    texts: frozenset[str] = field(default=frozenset(), repr=False)


class CatalogErasures:
    """The erasures of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def begin(self, tenant: str, tombstone: str, *, actor: str, now: datetime) -> Erasure:
        """Enter an erasure, or find the one that was begun before."""
        table = people.Erasure
        row = {
            "erasure_id": tombstone[:16],
            "tenant": tenant,
            "tombstone": tombstone,
            "actor": actor,
            "begun_at": now,
            "steps": {},
        }
        statement = self._database.insert(table).on_conflict_do_nothing()

        def work(connection: Connection) -> Erasure:
            connection.execute(statement, [row])
            return _of(connection, tenant, tombstone)

        return self._database.write("begin an erasure", work)

    def again(self, tenant: str, tombstone: str) -> None:
        """Forget which steps are done, so that all of them are done again."""
        table = people.Erasure
        statement = (
            update(table).where(table.tenant == tenant, table.tombstone == tombstone).values(steps={}, finished_at=None)
        )
        self._database.write("begin an erasure", lambda connection: connection.execute(statement))

    def done(self, tenant: str, tombstone: str, step: str, counts: Mapping[str, Any]) -> Erasure:
        """Enter that a step is done."""
        table = people.Erasure

        def work(connection: Connection) -> Erasure:
            found = _of(connection, tenant, tombstone)
            statement = update(table).where(table.tenant == tenant, table.tombstone == tombstone)
            connection.execute(statement.values(steps={**found.steps, step: dict(counts)}))
            return _of(connection, tenant, tombstone)

        return self._database.write("enter a step of an erasure", work)

    def finish(self, tenant: str, tombstone: str, certificate: Mapping[str, Any], *, now: datetime) -> None:
        """Enter that everything is done, with its certificate."""
        table = people.Erasure
        statement = (
            update(table)
            .where(table.tenant == tenant, table.tombstone == tombstone)
            .values(certificate=dict(certificate), finished_at=now)
        )
        self._database.write("finish an erasure", lambda connection: connection.execute(statement))

    def list(self, tenant: str) -> Sequence[Erasure]:
        """Erasures of a tenant, oldest first."""
        table = people.Erasure
        statement = selecting(table, Erasure).where(table.tenant == tenant).order_by(table.begun_at, table.erasure_id)
        return self._database.read("list erasures", lambda connection: fetch(connection, statement, Erasure))

    def tombstones(self, tenant: str) -> frozenset[str]:
        """Tombstones of everybody whose erasure was begun."""
        statement = select(people.Erasure.tombstone).where(people.Erasure.tenant == tenant)
        return self._database.read("look up erasures", lambda connection: frozenset(connection.scalars(statement)))

    def uploads(self, tenant: str, person: Person) -> Sequence[Upload]:
        """A person's uploads of any state."""
        statement = selecting(uploads.Upload, Upload).where(_theirs(tenant, person)).order_by(uploads.Upload.upload_id)
        return self._database.read("look up uploads", lambda connection: fetch(connection, statement, Upload))

    def count(self, tenant: str, person: Person) -> dict[str, int]:
        """Rows of a person by table, of those that have any."""

        def work(connection: Connection) -> dict[str, int]:
            found = {
                table.name: int(connection.scalar(select(func.count()).select_from(table).where(wanted)) or 0)
                for table, wanted in _rows_of(connection, tenant, person)
            }
            return {name: rows for name, rows in sorted(found.items()) if rows}

        return self._database.read("count the rows of a person", work)

    def apps(self, tenant: str, subject_id: str) -> tuple[set[str], set[str]]:
        """Apps that the catalog names of a person, and of everybody else of the tenant."""
        theirs: set[str] = set()
        others: set[str] = set()
        partial = uploads.PartialRecord

        def work(connection: Connection) -> None:
            for table in (days.ZoneObservation, decisions.Completion):
                is_theirs = table.subject_id == subject_id
                named = select(table.source_app, is_theirs).where(table.tenant == tenant).distinct()
                for app, is_mine in connection.execute(named):
                    (theirs if is_mine else others).add(app)
            waiting = select(partial.payload, partial.subject_id == subject_id).where(partial.tenant == tenant)
            for payload, is_mine in connection.execute(waiting):
                if isinstance(app := payload.get("source_app"), str):
                    (theirs if is_mine else others).add(app)

        self._database.read("look up apps", work)
        return theirs, others

    def mentions(self, tenant: str, person: Person) -> Mentions:
        """By what texts about something else could name a person or what is theirs."""

        def work(connection: Connection) -> Mentions:
            return _to_look_for(person, _mentions(connection, tenant, person))

        return self._database.read("look up what a person is named by", work)

    def forget(self, tenant: str, person: Person) -> dict[str, int]:
        """Remove a person's rows, all or none, and their mention in any other; rows removed or changed by table."""

        def work(connection: Connection) -> dict[str, int]:
            if connection.dialect.name == "sqlite":
                # What is deleted is overwritten at once, so that a crash before the compaction leaves nothing either.
                connection.execute(text("PRAGMA secure_delete = ON"))
            mentions = _mentions(connection, tenant, person)
            rows = _rows_of(connection, tenant, person)
            removed = {table.name: connection.execute(delete(table).where(wanted)).rowcount for table, wanted in rows}
            removed["audit_event"] = _redact_audit(connection, tenant, person, mentions)
            for table in METADATA.sorted_tables:
                if redacted := _redact_texts(connection, table, tenant, _to_look_for(person, mentions)):
                    removed[table.name] = removed.get(table.name, 0) + redacted
            return {name: count for name, count in sorted(removed.items()) if count}

        return self._database.write("forget a person", work)


def _of(connection: Connection, tenant: str, tombstone: str) -> Erasure:
    table = people.Erasure
    wanted = (table.tenant == tenant, table.tombstone == tombstone)
    found = fetch(connection, selecting(table, Erasure).where(*wanted), Erasure)
    if not found:
        raise NotFoundError("find the erasure", f"tenant {tenant}", "none was begun", "Begin it.")
    return found[0]


def _theirs(tenant: str, person: Person) -> ColumnElement[bool]:
    table = uploads.Upload
    return (table.tenant == tenant) & ((table.subject_id == person.subject_id) | table.key.in_(sorted(person.keys)))


def _rows_of(connection: Connection, tenant: str, person: Person) -> list[tuple[Table, ColumnElement[bool]]]:
    """Tables with rows of a person and which those are; tables that refer to others come first."""
    # Read first: the uploads' own rows go last, and the others are found by them.
    upload_ids = list(connection.scalars(select(uploads.Upload.upload_id).where(_theirs(tenant, person))))
    found: list[tuple[Table, ColumnElement[bool]]] = []
    for table in reversed(METADATA.sorted_tables):
        if table.name in LEFT_TO_RELEASES:
            continue
        wanted: list[ColumnElement[bool]] = []
        if "subject_id" in table.c:
            wanted.append(table.c.subject_id == person.subject_id)
        if "upload_id" in table.c:
            wanted += [table.c.upload_id.in_(some) for some in chunks(upload_ids)]
        elif "key" in table.c:
            # Not an upload, and what it is is not known: only its name tells whose it is.
            wanted += [(table.c.tenant == tenant) & table.c.key.in_(some) for some in chunks(person.keys)]
        if not wanted:
            continue
        condition = wanted[0]
        for one in wanted[1:]:
            condition |= one
        found.append((table, condition))
    return found


_MENTIONED = ("record_id", "subject_id", "upload_id", "key", "key_sha256", "external_user")


def _mentions(connection: Connection, tenant: str, person: Person) -> frozenset[str]:
    """Everything by which the audit trail could name a person or what is theirs."""
    found = {person.subject_id, person.external_user, *person.keys}
    for table, wanted in _rows_of(connection, tenant, person):
        for name in _MENTIONED:
            if name in table.c:
                found |= {value for value in connection.scalars(select(table.c[name]).where(wanted)) if value}
    return frozenset(found)


def _to_look_for(person: Person, mentions: frozenset[str]) -> Mentions:
    return Mentions(user=person.external_user, marks=mentions | person.texts, others=person.others)


def _redact_audit(connection: Connection, tenant: str, person: Person, mentions: frozenset[str]) -> int:
    """That something was decided stays, and by whom and when; on what of the person's does not."""
    table = table_of(tenants.AuditEvent)
    wanted = _to_look_for(person, mentions)
    whole = select(table.c.id, table.c.target, table.c.details).where(table.c.tenant == tenant)
    redacted = []
    for rows in connection.execute(whole).partitions(READ_BATCH_SIZE):
        texts = ["\n".join([row.target, *_words(row.details)]) for row in rows]
        named = {at for at in wanted.candidates(texts) if any(map(wanted.are_in, texts[at].split("\n")))}
        # Ids that are too short to be looked for within a text still count where they are all of it.
        named |= {at for at, text in enumerate(texts) if not mentions.isdisjoint(text.split("\n"))}
        redacted += [rows[at].id for at in sorted(named)]
    for some in chunks(redacted):
        statement = update(table).where(table.c.id.in_(some))
        connection.execute(statement.values(target=ERASED, details={ERASED: True}))
    return len(redacted)


def _redact_texts(connection: Connection, table: Table, tenant: str, wanted: Mentions) -> int:
    """Take a person out of what is written in rows of others and of the tenant; number of rows."""
    columns = [table.c[name] for name in FREE_TEXTS if name in table.c]
    if not columns or "tenant" not in table.c or table.name == "audit_event":
        return 0
    keys = list(table.primary_key)
    changes = []
    for rows in connection.execute(select(*keys, *columns).where(table.c.tenant == tenant)).partitions(READ_BATCH_SIZE):
        texts = ["\n".join(_words(list(row[len(keys) :]))) for row in rows]
        for at in wanted.candidates(texts):
            new = {
                column: wanted.taken_out_of(value)
                for column, value in zip(columns, rows[at][len(keys) :], strict=True)
                if value is not None
            }
            old = dict(zip(columns, rows[at][len(keys) :], strict=True))
            if changed := {column.name: value for column, value in new.items() if value != old[column]}:
                changes.append((list(rows[at][: len(keys)]), changed))
    for values, changed in changes:
        condition = [key == value for key, value in zip(keys, values, strict=True)]
        connection.execute(update(table).where(*condition).values(changed))
    return len(changes)


def _words(value: Any) -> Iterable[str]:
    """Every string within a JSON value, names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name)
            yield from _words(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _words(one)
