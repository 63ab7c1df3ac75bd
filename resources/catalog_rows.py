"""The rows that callers give to the catalog and get from it.

Belongs here: frozen values, closed vocabularies. `polars.DataFrame(rows)` works on any list of them.
Does not belong here: tables (`catalog_models`), queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, get_args

UploadState = Literal["landed", "processing", "processed", "quarantined", "duplicate", "failed", "unsupported"]
PENDING_STATES: tuple[UploadState, ...] = ("landed", "processing")

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
    "facts",  # the clinical facts that an example reads
    "code",
    "manual",
]
STALE_REASONS: tuple[StaleReason, ...] = get_args(StaleReason)

Diabetes = Literal["yes", "no", "unknown"]
PartialStatus = Literal["waiting", "completed", "discarded"]
QuarantineStatus = Literal["waiting", "discarded", "released"]


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An isolated organisation or study; no root URL means the default lake."""

    name: str
    root_url: str | None
    paused: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What metrics need to know of a person. Holds the pseudonym only."""

    subject_id: str
    age_years: float | None
    weight_kg: float | None
    diabetes: Diabetes
    source_priority: Mapping[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class NewUpload:
    """An object version as it is first seen.

    Attributes:
        upload_id: SHA-256 (hex) of tenant, key and etag.
        state: `landed`, or a final state if its key alone decides (`unsupported`, `quarantined`).
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
    fetched_utc: datetime | None = None
    state: UploadState = "landed"
    reason: str | None = None
    detail: str | None = None
    trace_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload as the books have it."""

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
    fetched_utc: datetime | None
    state: UploadState
    reason: str | None
    detail: str | None
    rows_total: int
    rows_accepted: int
    rows_duplicate: int
    rows_superseded: int
    rows_partial: int
    rows_quarantined: int
    score: float | None
    schema_hash: str | None
    attempts: int
    settled_attempt: int | None
    first_utc_date: date | None
    last_utc_date: date | None
    run_id: str | None
    trace_id: str | None
    claimed_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None


@dataclass(frozen=True, kw_only=True)
class UploadOutcome:
    """What became of an upload; counts are absolute.

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
    rows_partial: int = 0
    rows_quarantined: int = 0
    score: float | None = None
    schema_hash: str | None = None
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


@dataclass(frozen=True, kw_only=True)
class KindTotals:
    """Sum of the books of one kind."""

    uploads: int
    total: int
    accepted: int
    duplicate: int
    superseded: int
    partial: int
    quarantined: int


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
class NewAuditEvent:
    """Something decided. `target` and `details` hold no health value and no external user id."""

    tenant: str
    at: datetime
    actor: str
    action: str
    target: str
    details: Mapping[str, Any] = field(default_factory=dict)
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEvent(NewAuditEvent):
    """A decision as the catalog has it."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decided something, when and why."""

    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class RuleChange:
    """A change of a bound as the catalog has it."""

    id: int
    rule: str
    bound: str
    value: float
    version: int
    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class NewExemption:
    """A payload let through although it breaks a rule; no record id and no payload hash: the whole file."""

    kind: str
    upload_id: str
    subject_id: str | None
    record_id: str | None
    payload_hash: int | None
    rule: str


@dataclass(frozen=True, kw_only=True)
class Exemption(NewExemption):
    """An exemption as the catalog has it."""

    id: int
    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class NewCompletion:
    """What a person said of a field of a record; `scope` is the rule it came from, if any."""

    kind: str
    subject_id: str
    record_id: str
    source_app: str
    start_utc_ms: int
    field: str
    value: str
    scope: Mapping[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Completion(NewCompletion):
    """A completion as the catalog has it; one that was undone no longer counts."""

    id: int
    actor: str
    at: datetime
    reason: str
    undone_at: datetime | None
    undone_by: str | None


DatasetState = Literal["building", "published", "blocked", "tombstoned"]


@dataclass(frozen=True, kw_only=True)
class DatasetVersion:
    """A version of a release as the catalog knows it.

    Attributes:
        state: `building`: files may be there, nobody may rely on them. `published`: every gate passed.
            `blocked`: a gate did not, see reasons. `tombstoned`: its files are gone, because somebody who was in it
            may not be in it any more.
        reasons: names of the gates that did not pass, each with what it found, without content.
        manifest_sha256: checksum of the manifest, which holds those of all other files.
        examples, people: how many are in it.
        tombstoned_at, successor: when, and the version without that person, if there is one.
    """

    id: int
    tenant: str
    name: str
    version: str
    state: DatasetState
    spec: Mapping[str, Any]
    reasons: list[str]
    manifest_sha256: str | None
    examples: int
    people: int
    run_id: str | None
    created_at: datetime
    finished_at: datetime | None
    tombstoned_at: datetime | None
    successor: str | None


Purpose = Literal["summary", "training", "sharing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, kw_only=True)
class ConsentDecision:
    """A decision on a purpose; no subject id: what holds for everybody of the tenant who has decided nothing."""

    id: int
    subject_id: str | None
    purpose: Purpose
    granted: bool
    actor: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """An erasure as the catalog has it.

    Attributes:
        tombstone: keyed hash of tenant and external user id.
        steps: step to counts of what it removed; a step that is here is done.
        certificate: the signed document, once everything is done.
    """

    erasure_id: str
    tenant: str
    tombstone: str
    actor: str
    begun_at: datetime
    finished_at: datetime | None
    steps: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
