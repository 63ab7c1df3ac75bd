"""Tables of people: who they are to us, what they allow, and that they were erased.

Belongs here: columns, keys, checks and indexes.
Does not belong here: what they uploaded (`uploads`), queries.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import ID, Base


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


class Consent(Base):
    """What a person allows their data to be used for. Decisions are added, never edited: the last of a purpose counts."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("purpose IN ('summary', 'training', 'sharing')", name="purpose"),
        Index(None, "tenant", "purpose"),
        Index(None, "tenant", "subject_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(ID, primary_key=True)
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
