"""Tables of local days: which are stale, and the evidence of zones and fetches they rest on.

Belongs here: columns, keys, checks and indexes.
Does not belong here: queries, what makes a day stale (`pipeline.staleness`).
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import Base, ForeignText


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
