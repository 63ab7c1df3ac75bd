"""The books of a partition, as the checks and the materializations show them.

Belongs here: sums over the uploads of one kind and landing day, and the comparison of the tenant's books with
its table.
Does not belong here: changing the books (`validation`).
"""

from dataclasses import dataclass
from datetime import date
from itertools import repeat
from math import fsum
from typing import Any

from assets.stages.records_table import record_count
from assets.stages.settled_counts import FATES, RESOLVED_SCHEMA
from resources.catalog_rows.uploads import Upload, UploadState
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
        accepted_of_tenant: accepted rows of the kind in the tenant's books, all landing days.
        table_rows: rows of the tenant's validated table.
    """

    uploads: dict[str, int]
    rows: dict[str, int]
    mean_score: float | None
    unbalanced: list[str]
    unknown_schemas: int
    accepted_of_tenant: int
    table_rows: int


def partition_books(workspace: Workspace, *, tenant: str, record_type: RecordType, landing_day: date) -> PartitionBooks:
    """Read the books of one kind and landing day."""
    books = workspace.catalog.books
    groups = books.groups(tenant, kind=record_type.kind, landing_day=landing_day)
    states: dict[str, int] = {}
    for group in groups:
        states[group.state] = states.get(group.state, 0) + group.uploads
    scores = [score for group in groups if group.score is not None for score in repeat(group.score, group.uploads)]
    totals = books.totals(tenant, kind=record_type.kind).get(record_type.kind)
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
        accepted_of_tenant=totals.accepted if totals else 0,
        table_rows=record_count(workspace.lake(tenant), record_type),
    )


def every_upload(workspace: Workspace, *, tenant: str, **filters: Any) -> list[Upload]:
    """All uploads that match `CatalogUploads.list`'s filters, over all its pages."""
    found: list[Upload] = []
    while page := workspace.catalog.uploads.list(tenant, after=found[-1] if found else None, **filters):
        found += page
    return found
