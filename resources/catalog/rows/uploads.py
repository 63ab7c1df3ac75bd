"""Rows of the books: uploads, what became of them, and the rows of them that are held back.

Belongs here: frozen values, closed vocabularies.
Does not belong here: what people decide on held-back rows (`decisions`), tables, queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

UploadState = Literal["landed", "processing", "processed", "quarantined", "duplicate", "failed", "unsupported"]


PENDING_STATES: tuple[UploadState, ...] = ("landed", "processing")


QuarantineStatus = Literal["waiting", "discarded", "released"]


PartialStatus = Literal["waiting", "completed", "discarded"]


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """One version of one object, and what its key says.

    Attributes:
        upload_id: keyed digest (hex) of tenant, key and content, or of the etag where it stands for the content.
        etag: of the object as it was last listed.
    """

    upload_id: str
    tenant: str
    key: str
    key_sha256: str
    etag: str
    size_bytes: int
    type_name: str
    kind: str | None
    subject_id: str | None
    landing_day: date
    landed_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewUpload(ObjectVersion):
    """An object version as it is first seen.

    Attributes:
        content_sha256: digest of its bytes; None until they are read.
        attempts: attempts that count as made, because a catalog that was lost may have made them.
        state: `landed`, or a final state if its key alone decides (`unsupported`, `quarantined`).
    """

    content_sha256: str | None = None
    fetched_utc: datetime | None = None
    state: UploadState = "landed"
    reason: str | None = None
    detail: str | None = None
    trace_id: str | None = None
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Upload(ObjectVersion):
    """An upload as the books have it."""

    content_sha256: str | None
    fetched_utc: datetime | None
    state: UploadState
    reason: str | None
    detail: str | None
    rows_total: int
    rows_accepted: int
    rows_duplicate: int
    rows_superseded: int
    rows_presumed_deleted: int
    rows_partial: int
    rows_quarantined: int
    dropped_items: Mapping[str, int]
    score: float | None
    schema_hash: str | None
    attempts: int
    settled_attempt: int | None
    unsettled_attempts: int
    first_utc_date: date | None
    last_utc_date: date | None
    run_id: str | None
    trace_id: str | None
    claimed_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None


@dataclass(frozen=True, kw_only=True)
class ListedVersion:
    """A version of an object by what a listing may show of it again.

    Attributes:
        etag: of the object as it was last listed.
        content_sha256: digest of its bytes; None if they were never read.
    """

    upload_id: str
    key: str
    etag: str
    content_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class UploadFetch:
    """When a settled upload was fetched, by its own rows, and what its landing says of that."""

    upload_id: str
    subject_id: str
    fetched_utc: datetime
    landed_at: datetime
    landing_day: date


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """An entry below `raw/` that is in no books, and why."""

    key: str
    why: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, kw_only=True)
class UploadOutcome:
    """What became of an upload; counts are absolute.

    `dropped_items` are items of its good rows' lists that were taken out, by reason.
    `failed` says that nothing was written: the counts and dates of an earlier settlement stay as they are.
    """

    upload_id: str
    state: UploadState
    reason: str | None = None
    detail: str | None = None
    rows_total: int = 0
    rows_accepted: int = 0
    rows_duplicate: int = 0
    rows_superseded: int = 0
    rows_presumed_deleted: int = 0
    rows_partial: int = 0
    rows_quarantined: int = 0
    dropped_items: Mapping[str, int] = field(default_factory=dict)
    score: float | None = None
    schema_hash: str | None = None
    content_sha256: str | None = None
    fetched_utc: datetime | None = None
    first_utc_date: date | None = None
    last_utc_date: date | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class FateShift:
    """Rows of another upload that changed fate: differences, which add up to zero."""

    accepted: int = 0
    duplicate: int = 0
    superseded: int = 0
    presumed_deleted: int = 0


@dataclass(frozen=True, kw_only=True)
class PresumedDeletion:
    """A record that is presumed deleted: the upload whose accepted row it is, and the fetch that shows it."""

    tenant: str
    kind: str
    subject_id: str
    record_id: str
    upload_id: str
    utc_date: date
    presumed_deleted_utc: datetime


@dataclass(frozen=True, kw_only=True)
class KindTotals:
    """Sum of the books of one kind."""

    uploads: int
    total: int
    accepted: int
    duplicate: int
    superseded: int
    presumed_deleted: int
    partial: int
    quarantined: int


@dataclass(frozen=True, kw_only=True)
class UploadGroup(KindTotals):
    """Sum of the books of uploads that ended alike."""

    state: UploadState
    reason: str | None
    schema_hash: str | None
    score: float | None


@dataclass(frozen=True, kw_only=True)
class QuarantineRow:
    """A row that failed a rule; `row_index` None means the whole file."""

    upload_id: str
    tenant: str
    kind: str | None
    row_index: int | None
    record_id: str | None
    subject_id: str | None
    rule_id: str
    rule_version: int
    reason: str
    payload_ref: str | None = None
    policy_version: int = 0
    payload_hash: int | None = None

    @property
    def judged_by(self) -> str:
        """Rule, its version and that of the tenant's own bounds, such as `out_of_range:level_mg_dl@1+p3`."""
        own = f"+p{self.policy_version}" if self.policy_version else ""
        return f"{self.reason}@{self.rule_version}{own}"


@dataclass(frozen=True, kw_only=True)
class QuarantinedRow(QuarantineRow):
    """A quarantined row as the catalog has it."""

    id: int
    first_seen: datetime
    released_at: datetime | None
    discarded_at: datetime | None

    @property
    def status(self) -> "QuarantineStatus":
        """`waiting` for a person, `discarded` by one (still accounted as quarantined), or `released`."""
        if self.released_at is not None:
            return "released"
        return "waiting" if self.discarded_at is None else "discarded"


@dataclass(frozen=True, kw_only=True)
class PartialRow:
    """A row that lacks context: the names that are missing, and what is known of it."""

    upload_id: str
    tenant: str
    kind: str
    subject_id: str
    record_id: str
    row_index: int
    missing: list[str]
    payload: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class WaitingRow(PartialRow):
    """A partial record as the catalog has it."""

    id: int
    first_seen: datetime
    status: PartialStatus
    version: int
