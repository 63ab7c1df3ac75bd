"""Rows of local days: which are stale, and the evidence of zones and fetches they rest on.

Belongs here: frozen values, closed vocabularies.
Does not belong here: what makes a day stale (`pipeline.staleness`), tables, queries.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

StaleStage = Literal["clinical", "training"]


StaleReason = Literal[
    "records",  # new or changed records
    "later_fetch",  # a day that was open may be closed now
    "zone_evidence",
    "sleep",  # the sleep sessions that another kind reads
    "profile",
    "policy",  # source priority or another setting
    "completion",
    "consent",
    "erasure",
    "key",  # another subject key, by which lines are chosen and worded
    "facts",  # the clinical facts that an example reads
    "code",
    "manual",
]


STALE_REASONS: tuple[StaleReason, ...] = get_args(StaleReason)


@dataclass(frozen=True, kw_only=True)
class StaleMark:
    """A local day to compute again."""

    tenant: str
    stage: StaleStage
    kind: str
    local_date: date
    reason: StaleReason


@dataclass(frozen=True, kw_only=True)
class StaleDay(StaleMark):
    """A stale day as the catalog has it; `version` grows with every mark and is never used twice."""

    version: int
    marked_at: datetime


@dataclass(frozen=True, kw_only=True)
class ZoneObservation:
    """First and last instant (epoch ms) of a UTC date at which a source wrote an offset (seconds)."""

    tenant: str
    subject_id: str
    source_app: str
    utc_date: date
    offset_seconds: int
    first_utc_ms: int
    last_utc_ms: int


@dataclass(frozen=True, kw_only=True)
class ZoneChange:
    """An observation before (None if it is new) and after a merge."""

    old: ZoneObservation | None
    new: ZoneObservation


@dataclass(frozen=True, kw_only=True)
class FetchMark:
    """A fetch (epoch ms) of a person's export of a kind."""

    tenant: str
    subject_id: str
    kind: str
    latest_fetch_ms: int
