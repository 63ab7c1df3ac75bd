"""The tables of the catalog, as SQLAlchemy models.

Belongs here: columns, keys, checks and indexes; a change here needs a migration, and a test compares the two.
Does not belong here: queries (one module per topic), the rows that callers see (`catalog_rows`).

No health value lives in these tables, except in the payload of a partial record that waits for a person.
The external user id lives in `subject` and, because uploaders write it there, in the keys of uploads.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware datetimes only, always UTC on the way out. SQLite keeps no zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC for the driver; a naive datetime is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no instant")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(value: str) -> str:
    """Text of an upload as the catalog keeps it."""
    return value.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")


class ForeignText(TypeDecorator[str]):
    """Text that came out of an upload. PostgreSQL stores neither NUL nor lone surrogates, so both are replaced."""

    impl = String()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The text with what cannot be stored replaced, on writing and on comparing alike."""
        return None if value is None else storable(value)


PENDING = "state IN ('landed', 'processing')"
"""Uploads to process, written out: a database uses the small index over them only if it sees these words."""

_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only in a column whose type is exactly INTEGER."""


class Base(DeclarativeBase):
    """Base of all models; constraint names are the same in every database."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - the name and the form are SQLAlchemy's
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, Any]: JSON(),
        dict[str, list[str]]: JSON(),
        list[str]: JSON(),
    }


class Tenant(Base):
    """An isolated organisation or study."""

    __tablename__ = "tenant"

    name: Mapped[str] = mapped_column(primary_key=True)
    root_url: Mapped[str | None]
    paused: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]


class Subject(Base):
    """A person: external user id to pseudonym, and what some metrics need to know of them."""

    __tablename__ = "subject"
    __table_args__ = (
        UniqueConstraint("tenant", "external_user"),
        CheckConstraint("diabetes IN ('yes', 'no', 'unknown')", name="diabetes"),
        CheckConstraint("age_years >= 0 AND age_years <= 130", name="age_years"),
        CheckConstraint("weight_kg > 0 AND weight_kg <= 700", name="weight_kg"),
    )

    subject_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    external_user: Mapped[str]
    created_at: Mapped[datetime]
    age_years: Mapped[float | None]
    weight_kg: Mapped[float | None]
    diabetes: Mapped[str] = mapped_column(server_default="unknown")
    source_priority: Mapped[dict[str, list[str]]] = mapped_column(server_default=text("'{}'"))


class Upload(Base):
    """One version of one object: where it stands, and what became of each of its rows."""

    __tablename__ = "upload"
    __table_args__ = (
        UniqueConstraint("tenant", "key", "etag"),
        CheckConstraint(
            "state IN ('landed', 'processing', 'processed', 'quarantined', 'duplicate', 'failed', 'unsupported')",
            name="state",
        ),
        CheckConstraint(
            "state NOT IN ('processed', 'quarantined', 'duplicate') OR rows_total = "
            "rows_accepted + rows_duplicate + rows_superseded + rows_partial + rows_quarantined",
            name="books",
        ),
        CheckConstraint(
            "rows_total >= 0 AND rows_accepted >= 0 AND rows_duplicate >= 0 AND rows_superseded >= 0 "
            "AND rows_partial >= 0 AND rows_quarantined >= 0",
            name="counts",
        ),
        # A pending upload without a kind would be in no partition, and forgotten.
        CheckConstraint("kind IS NOT NULL OR state NOT IN ('landed', 'processing')", name="pending_has_kind"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
        CheckConstraint("size_bytes >= 0 AND attempts >= 0 AND duration_ms >= 0", name="measures"),
        Index(None, "tenant", "landing_day", "kind", "state"),
        Index(None, "tenant", "state"),
        Index(
            "ix_upload_pending",
            "tenant",
            "landing_day",
            "kind",
            "state",
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
        Index(None, "tenant", "subject_id"),
    )

    upload_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    key: Mapped[str]
    key_sha256: Mapped[str] = mapped_column(index=True)
    etag: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger())
    type_name: Mapped[str]
    kind: Mapped[str | None]
    subject_id: Mapped[str | None]
    landing_day: Mapped[date]
    landed_at: Mapped[datetime]
    fetched_utc: Mapped[datetime | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str | None] = mapped_column(ForeignText())
    rows_total: Mapped[int] = mapped_column(server_default=text("0"))
    rows_accepted: Mapped[int] = mapped_column(server_default=text("0"))
    rows_duplicate: Mapped[int] = mapped_column(server_default=text("0"))
    rows_superseded: Mapped[int] = mapped_column(server_default=text("0"))
    rows_partial: Mapped[int] = mapped_column(server_default=text("0"))
    rows_quarantined: Mapped[int] = mapped_column(server_default=text("0"))
    score: Mapped[float | None]
    schema_hash: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    # The attempt whose rows the counts describe; rows that another attempt wrote into the lake are not real.
    settled_attempt: Mapped[int | None]
    # UTC dates of the rows it delivered: where to look for them when it is read again.
    first_utc_date: Mapped[date | None]
    last_utc_date: Mapped[date | None]
    run_id: Mapped[str | None]
    trace_id: Mapped[str | None]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger())


class Quarantine(Base):
    """A row, or a whole file, that failed a rule. Its bytes are in the lake, not here."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("upload_id", "row_index"),
        # Nulls are distinct in the constraint above, so the whole file needs its own.
        Index(
            "uq_quarantine_whole_file",
            "upload_id",
            unique=True,
            sqlite_where=text("row_index IS NULL"),
            postgresql_where=text("row_index IS NULL"),
        ),
        Index(None, "tenant", "id"),
        Index(None, "tenant", "kind", "rule_id"),
        Index(None, "tenant", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.upload_id"))
    tenant: Mapped[str]
    kind: Mapped[str | None]
    row_index: Mapped[int | None]
    record_id: Mapped[str | None] = mapped_column(ForeignText())
    subject_id: Mapped[str | None]
    rule_id: Mapped[str]
    rule_version: Mapped[int]
    reason: Mapped[str]
    first_seen: Mapped[datetime]
    payload_ref: Mapped[str | None]
    # Which version of the tenant's own bounds judged it; 0 for none.
    policy_version: Mapped[int] = mapped_column(server_default=text("0"))
    # Of what was judged: the same bytes of a record are the same payload, in whichever upload.
    payload_hash: Mapped[int | None] = mapped_column(BigInteger())
    # No row is deleted: one that no longer fails is released, one that a person gave up is discarded.
    released_at: Mapped[datetime | None]
    discarded_at: Mapped[datetime | None]


class PartialRecord(Base):
    """A valid row that lacks context and waits for a person."""

    __tablename__ = "partial_record"
    __table_args__ = (
        UniqueConstraint("upload_id", "row_index"),
        CheckConstraint("status IN ('waiting', 'completed', 'discarded')", name="status"),
        Index(None, "tenant", "status", "kind"),
        Index(None, "tenant", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.upload_id"))
    tenant: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[str]
    record_id: Mapped[str] = mapped_column(ForeignText())
    row_index: Mapped[int]
    missing: Mapped[list[str]]
    payload: Mapped[dict[str, Any]]
    first_seen: Mapped[datetime]
    status: Mapped[str] = mapped_column(server_default="waiting")
    # Grows with every decision on it: whoever decides says which version was seen.
    version: Mapped[int] = mapped_column(server_default=text("1"))


class StaleDay(Base):
    """A local day whose facts or examples no longer follow from the records."""

    __tablename__ = "stale_day"
    __table_args__ = (CheckConstraint("stage IN ('clinical', 'training')", name="stage"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger())
    reason: Mapped[str]
    marked_at: Mapped[datetime]


class ZoneObservation(Base):
    """First and last instant of a UTC date at which a source wrote an offset."""

    __tablename__ = "zone_observation"
    __table_args__ = (CheckConstraint("first_utc_ms <= last_utc_ms", name="span"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    source_app: Mapped[str] = mapped_column(ForeignText(), primary_key=True)
    utc_date: Mapped[date] = mapped_column(primary_key=True)
    offset_seconds: Mapped[int] = mapped_column(primary_key=True)
    first_utc_ms: Mapped[int] = mapped_column(BigInteger())
    last_utc_ms: Mapped[int] = mapped_column(BigInteger())


class SubjectFetch(Base):
    """Latest fetch of any of a person's exports of a kind: nothing is known of later instants."""

    __tablename__ = "subject_fetch"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    latest_fetch_ms: Mapped[int] = mapped_column(BigInteger())


class AuditEvent(Base):
    """Something that a person or the system decided."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "tenant", "at"),
        Index(None, "tenant", "actor", "at"),
        Index(None, "tenant", "action", "at"),
        Index(None, "tenant", "duration_ms"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    details: Mapped[dict[str, Any]]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger())


class RulePolicy(Base):
    """A change of a bound by which a tenant's rows are judged. Changes are added, never edited: the last counts."""

    __tablename__ = "rule_policy"
    __table_args__ = (UniqueConstraint("tenant", "rule", "version"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    rule: Mapped[str]
    bound: Mapped[str]
    value: Mapped[float]
    version: Mapped[int]
    actor: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]


class RuleExemption(Base):
    """A row, or a whole file, that a person let through although it breaks a rule: this payload, this rule."""

    __tablename__ = "rule_exemption"
    __table_args__ = (
        Index(None, "tenant", "kind"),
        Index(None, "tenant", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    kind: Mapped[str]
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.upload_id"))
    subject_id: Mapped[str | None]
    # Null: the whole file.
    record_id: Mapped[str | None] = mapped_column(ForeignText())
    payload_hash: Mapped[int | None] = mapped_column(BigInteger())
    rule: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]


class RequiredContext(Base):
    """A field without which a tenant's rows of a kind wait for a person."""

    __tablename__ = "required_context"

    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]


class Completion(Base):
    """What a person said of a field that a record leaves open. One that was undone stays, and no longer counts."""

    __tablename__ = "completion"
    __table_args__ = (
        Index(
            "uq_completion_in_force",
            "tenant",
            "kind",
            "subject_id",
            "record_id",
            "field",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index(None, "tenant", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    kind: Mapped[str]
    subject_id: Mapped[str]
    record_id: Mapped[str] = mapped_column(ForeignText())
    source_app: Mapped[str] = mapped_column(ForeignText())
    # Where on the time line the record stands: an offset told by hand is evidence at that instant.
    start_utc_ms: Mapped[int] = mapped_column(BigInteger())
    field: Mapped[str]
    value: Mapped[str]
    # The rule it came from, if it was not said of this record alone.
    scope: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    actor: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]


class BatchMember(Base):
    """An upload that was handed in together with others."""

    __tablename__ = "batch_member"
    __table_args__ = (Index(None, "upload_id"),)

    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"), primary_key=True)
    batch_id: Mapped[str] = mapped_column(primary_key=True)
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.upload_id"), primary_key=True)


class DatasetVersion(Base):
    """A version of a release: what was asked for, where it stands, and why it may not be seen if it may not."""

    __tablename__ = "dataset_version"
    __table_args__ = (
        UniqueConstraint("tenant", "name", "version"),
        CheckConstraint("state IN ('building', 'published', 'blocked', 'tombstoned')", name="state"),
        CheckConstraint("(state = 'tombstoned') = (tombstoned_at IS NOT NULL)", name="tombstoned"),
        CheckConstraint("state <> 'published' OR manifest_sha256 IS NOT NULL", name="published_has_manifest"),
        CheckConstraint("examples >= 0 AND people >= 0", name="counts"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    name: Mapped[str]
    version: Mapped[str]
    state: Mapped[str]
    spec: Mapped[dict[str, Any]]
    reasons: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    manifest_sha256: Mapped[str | None]
    examples: Mapped[int] = mapped_column(server_default=text("0"))
    people: Mapped[int] = mapped_column(server_default=text("0"))
    run_id: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    # Its files are gone because somebody in it may not be in it any more; the version that takes its place, if any.
    tombstoned_at: Mapped[datetime | None]
    successor: Mapped[str | None]


class DatasetContributor(Base):
    """Who is in which version of a release; erasure asks this. It never leaves the catalog."""

    __tablename__ = "dataset_contributor"
    __table_args__ = (Index(None, "subject_id"), CheckConstraint("examples > 0", name="examples"))

    dataset_id: Mapped[int] = mapped_column(_ID, ForeignKey("dataset_version.id"), primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    examples: Mapped[int]


class ApiToken(Base):
    """A key of the HTTP API: for one tenant and one role. Only the hash of its secret is kept."""

    __tablename__ = "api_token"
    __table_args__ = (
        UniqueConstraint("tenant", "name"),
        CheckConstraint("role IN ('reader', 'reviewer', 'admin')", name="role"),
    )

    token_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    name: Mapped[str]
    role: Mapped[str]
    secret_sha256: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Consent(Base):
    """What a person allows their data to be used for. Decisions are added, never edited: the last of a purpose counts."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("purpose IN ('summary', 'training', 'sharing')", name="purpose"),
        Index(None, "tenant", "purpose"),
        Index(None, "tenant", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    # Null: what holds for everybody of the tenant who has decided nothing.
    subject_id: Mapped[str | None]
    purpose: Mapped[str]
    granted: Mapped[bool]
    actor: Mapped[str]
    at: Mapped[datetime]


class Erasure(Base):
    """A person who was erased, by a keyed hash that nobody can turn back: refuses them when they are uploaded again."""

    __tablename__ = "erasure"
    __table_args__ = (UniqueConstraint("tenant", "tombstone"),)

    erasure_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    tombstone: Mapped[str]
    actor: Mapped[str]
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    # Step to counts of what it removed; a step that is here is done.
    steps: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    certificate: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
