"""Tables of releases: their versions, and who is in each.

Belongs here: columns, keys, checks and indexes.
Does not belong here: queries, the files of a release.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import ID, Base


class DatasetVersion(Base):
    """A version of a release: what was asked for, where it stands, and why it may not be seen if it may not."""

    __tablename__ = "dataset_version"
    __table_args__ = (
        UniqueConstraint("tenant", "name", "version"),
        CheckConstraint(
            "state IN ('building', 'published', 'blocked', 'tombstoned', 'failed', 'withdrawn')", name="state"
        ),
        CheckConstraint("(state IN ('tombstoned', 'withdrawn')) = (tombstoned_at IS NOT NULL)", name="tombstoned"),
        CheckConstraint("state <> 'published' OR manifest_sha256 IS NOT NULL", name="published_has_manifest"),
        CheckConstraint("examples >= 0 AND people >= 0", name="counts"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(ID, primary_key=True)
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
    # Its files are gone: somebody in it may no longer be in it, or it was withdrawn; the version that takes its place.
    tombstoned_at: Mapped[datetime | None]
    successor: Mapped[str | None]


class DatasetContributor(Base):
    """Who is in which version of a release; erasure asks this. It never leaves the catalog."""

    __tablename__ = "dataset_contributor"
    __table_args__ = (Index(None, "subject_id"), CheckConstraint("examples > 0", name="examples"))

    dataset_id: Mapped[int] = mapped_column(ID, ForeignKey("dataset_version.id"), primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    examples: Mapped[int]
