"""Tables of a tenant: the organisation itself, its API keys, what was decided in it.

Belongs here: columns, keys, checks and indexes.
Does not belong here: its people (`people`), queries.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import ID, Base

IN_USE = "revoked_at IS NULL"
"""Keys that were not revoked, as the condition of an index."""


class Tenant(Base):
    """An isolated organisation or study."""

    __tablename__ = "tenant"

    name: Mapped[str] = mapped_column(primary_key=True)
    root_url: Mapped[str | None]
    paused: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    # Rows that the lake holds of attempts up to this one are of a catalog that was lost: new attempts count from here.
    attempts_before: Mapped[int] = mapped_column(server_default=text("0"))


class ApiToken(Base):
    """A key of the HTTP API: for one tenant and one role. Only the hash of its secret is kept."""

    __tablename__ = "api_token"
    __table_args__ = (
        # Of those that count: the name of a revoked key may be given again.
        Index(
            "uq_api_token_name_in_use",
            "tenant",
            "name",
            unique=True,
            sqlite_where=text(IN_USE),
            postgresql_where=text(IN_USE),
        ),
        CheckConstraint("role IN ('reader', 'reviewer', 'admin')", name="role"),
    )

    token_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey("tenant.name"))
    name: Mapped[str]
    role: Mapped[str]
    secret_sha256: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class DeskSession(Base):
    """Somebody signed in at the review desk with a key. Only the hash of the session's secret is kept."""

    __tablename__ = "desk_session"
    __table_args__ = (Index(None, "token_id"),)

    session_sha256: Mapped[str] = mapped_column(primary_key=True)
    token_id: Mapped[str] = mapped_column(ForeignKey("api_token.token_id"))
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


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

    id: Mapped[int] = mapped_column(ID, primary_key=True)
    tenant: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    details: Mapped[dict[str, Any]]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger())
