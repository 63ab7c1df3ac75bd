"""The books of a partition, as the checks and the materializations show them.

Belongs here: sums over the uploads of one kind and landing day, and what the tenant's books and its table each count
of a kind.
Does not belong here: changing the books (`validation`).
"""

from dataclasses import dataclass
from datetime import date
from itertools import repeat
from math import fsum
from typing import Any

from pipeline.validated.counts import FATES, RESOLVED_SCHEMA
from pipeline.validated.records_table import record_count
from resources.catalog.rows.uploads import Upload, UploadState
from resources.workspace import Workspace
from vitals.record_types import RecordType

BALANCED_STATES: tuple[UploadState, ...] = ("processed", "quarantined", "duplicate")


@dataclass(frozen=True, kw_only=True)
class PartitionBooks:
    """Books of one kind and landing day.

    Attributes:
        uploads: uploads by state.
        rows: `total` and rows by fate.
        mean_score: mean quality score of the files that were read; None without any.
        unbalanced: ids of uploads whose rows do not add up.
        unknown_schemas: files read by resolution of a writer schema that is not on the allow-list, or refused
            because it could not be resolved.
    """

    uploads: dict[str, int]
    rows: dict[str, int]
    mean_score: float | None
    unbalanced: list[str]
    unknown_schemas: int


@dataclass(frozen=True, kw_only=True)
class KeptRows:
    """Current records of a kind, over all landing days of a tenant, without those of people who are being erased.

    Attributes:
        in_books: accepted rows of its uploads, those of presumed deletions included.
        in_table: rows of its validated table.
    """

    in_books: int
    in_table: int


def partition_books(workspace: Workspace, *, tenant: str, record_type: RecordType, landing_day: date) -> PartitionBooks:
    """Read the books of one kind and landing day."""
    books = workspace.catalog.books
    groups = books.groups(tenant, kind=record_type.kind, landing_day=landing_day)
    states: dict[str, int] = {}
    for group in groups:
        states[group.state] = states.get(group.state, 0) + group.uploads
    scores = [score for group in groups if group.score is not None for score in repeat(group.score, group.uploads)]
    return PartitionBooks(
        uploads=states,
        rows={fate: sum(getattr(group, fate) for group in groups) for fate in ("total", *FATES)},
        mean_score=round(fsum(scores) / len(scores), 6) if scores else None,
        unbalanced=books.unbalanced(tenant, kind=record_type.kind, landing_day=landing_day, states=BALANCED_STATES),
        unknown_schemas=sum(
            group.uploads
            for group in groups
            if group.reason == "schema_mismatch" or group.schema_hash == RESOLVED_SCHEMA
        ),
    )


def kept_rows(workspace: Workspace, *, tenant: str, record_type: RecordType) -> KeptRows:
    """Count a kind's current records twice. It takes the longer the more landing days there are."""
    # Of an erasure that was interrupted the tables may be done and the books not: that is nobody else's fault.
    gone = being_erased(workspace, tenant)
    totals = workspace.catalog.books.totals(tenant, kind=record_type.kind, without=gone).get(record_type.kind)
    return KeptRows(
        in_books=totals.accepted + totals.presumed_deleted if totals else 0,
        in_table=record_count(workspace.lake(tenant), record_type, without=gone),
    )


def being_erased(workspace: Workspace, tenant: str) -> frozenset[str]:
    """Pseudonyms of people whose erasure was begun and is not finished."""
    marks = {one.tombstone for one in workspace.catalog.erasures.list(tenant) if one.finished_at is None}
    if not marks:
        return frozenset()
    known = workspace.catalog.subjects.subject_ids(tenant)
    return frozenset(
        subject_id for user, subject_id in known.items() if not marks.isdisjoint(workspace.tombstones(tenant, user))
    )


def every_upload(workspace: Workspace, *, tenant: str, **filters: Any) -> list[Upload]:
    """All uploads that match `CatalogUploads.list`'s filters, over all its pages."""
    found: list[Upload] = []
    while page := workspace.catalog.uploads.list(tenant, after=found[-1] if found else None, **filters):
        found += page
    return found
