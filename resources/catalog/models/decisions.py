"""Tables of what people decide on rows and facts: bounds, exemptions, required context, completions, settings.

Belongs here: columns, keys, checks and indexes.
Does not belong here: the rows they decide on (`uploads`), consent (`people`), queries.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import ID, Base, ForeignText


class RulePolicy(Base):
    """A change of a bound by which a tenant's rows are judged. Changes are added, never edited: the last counts."""

    __tablename__ = "rule_policy"
    __table_args__ = (UniqueConstraint("tenant", "rule", "version"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    rule: Mapped[str]
    bound: Mapped[str]
    value: Mapped[float]
    version: Mapped[int]
    actor: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str]


class TenantSetting(Base):
    """A change of how a tenant's facts are computed. Changes are added, never edited: the last of a name counts."""

    __tablename__ = "tenant_setting"
    __table_args__ = (Index(None, "tenant", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    name: Mapped[str]
    value: Mapped[str]
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

    id: Mapped[int] = mapped_column(ID, primary_key=True)
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

    id: Mapped[int] = mapped_column(ID, primary_key=True)
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
