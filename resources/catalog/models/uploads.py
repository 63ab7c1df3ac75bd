"""Tables of the books: uploads, the rows of them that are held back, and what was handed in together.

Belongs here: columns, keys, checks and indexes.
Does not belong here: what people decide on held-back rows (`decisions`), queries.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import ID, Base, ForeignText

PENDING = "state IN ('landed', 'processing')"
"""Uploads to process, written out: a database uses the small index over them only if it sees these words."""


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
            "rows_accepted + rows_duplicate + rows_superseded + rows_presumed_deleted + rows_partial + rows_quarantined",
            name="books",
        ),
        CheckConstraint(
            "rows_total >= 0 AND rows_accepted >= 0 AND rows_duplicate >= 0 AND rows_superseded >= 0 "
            "AND rows_presumed_deleted >= 0 AND rows_partial >= 0 AND rows_quarantined >= 0",
            name="counts",
        ),
        # A pending upload without a kind would be in no partition, and forgotten.
        CheckConstraint("kind IS NOT NULL OR state NOT IN ('landed', 'processing')", name="pending_has_kind"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
        CheckConstraint("size_bytes >= 0 AND attempts >= 0 AND duration_ms >= 0", name="measures"),
        CheckConstraint("unsettled_attempts >= 0 AND unsettled_attempts <= attempts", name="unsettled_attempts"),
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
    # As it was last listed. The same content may come to have another one, by copying; the content counts.
    etag: Mapped[str]
    content_sha256: Mapped[str | None]
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
    # Accepted rows of records that a later fetch shows to be deleted (`PresumedDeletion`).
    rows_presumed_deleted: Mapped[int] = mapped_column(server_default=text("0"))
    rows_partial: Mapped[int] = mapped_column(server_default=text("0"))
    rows_quarantined: Mapped[int] = mapped_column(server_default=text("0"))
    # Reason to the number of items that it took out of lists of good rows.
    dropped_items: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    score: Mapped[float | None]
    schema_hash: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    # The attempt whose rows the counts describe; rows that another attempt wrote into the lake are not real.
    settled_attempt: Mapped[int | None]
    # Attempts since the last settlement that ended in nothing, those apart that its surroundings made fail.
    unsettled_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    # UTC dates of the rows it delivered: where to look for them when it is read again.
    first_utc_date: Mapped[date | None]
    last_utc_date: Mapped[date | None]
    run_id: Mapped[str | None]
    trace_id: Mapped[str | None]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger())


class LeftOut(Base):
    """An entry below `raw/` that is in no books: no object, or one that cannot be read or is not due yet."""

    __tablename__ = "left_out"

    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"), primary_key=True)
    key: Mapped[str] = mapped_column(ForeignText(), primary_key=True)
    why: Mapped[str]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


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

    id: Mapped[int] = mapped_column(ID, primary_key=True)
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

    id: Mapped[int] = mapped_column(ID, primary_key=True)
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


class PresumedDeletion(Base):
    """A record that a later fetch of its exporter must have brought and did not. It leaves when one brings it again."""

    __tablename__ = "presumed_deletion"
    __table_args__ = (Index(None, "tenant", "kind", "utc_date"), Index(None, "upload_id"))

    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignText(), primary_key=True)
    # The upload whose accepted row it is.
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.upload_id"))
    # Where its row stands in the validated table.
    utc_date: Mapped[date]
    # The first fetch that shows the deletion.
    presumed_deleted_utc: Mapped[datetime]


class BatchMember(Base):
    """An upload that was handed in together with others."""

    __tablename__ = "batch_member"
    __table_args__ = (Index(None, "upload_id"),)

    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"), primary_key=True)
    batch_id: Mapped[str] = mapped_column(primary_key=True)
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.upload_id"), primary_key=True)
