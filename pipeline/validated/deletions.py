"""Which records a batch shows to be deleted, and which it brings back.

Belongs here: reading the deliveries around a batch, asking the domain, and comparing with what the catalog has.
Does not belong here: what is evidence of a deletion (`vitals.validated.deletions`), or what facts do with it (`summaries`).

The rows of such records stay in the validated table; the catalog lists them, and changes the list in the transaction that
commits the batch. So a crash leaves the list as it was, and the row accounting with it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipeline.validated.identity_index import deliveries_of
from pipeline.validated.records_table import deliveries_table, read_records
from resources.catalog.rows.uploads import PresumedDeletion, Upload
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.record_types import RecordType
from vitals.tenant_settings import OFF, ON, PRESUME_DELETIONS
from vitals.validated.deletions import BROUGHT_SCHEMA, PLACES_SCHEMA, presumed_deletions
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY, current

REACH_DAYS = 2
"""How far a record may lie from one that is evidence for it (`deletions.NEIGHBOUR_MS`)."""


@dataclass(frozen=True, kw_only=True)
class DeletionChanges:
    """What a batch changes in the list of presumed deletions.

    Attributes:
        deleted: records that the list gains, or holds with another upload or other evidence than before.
        restored: records that it loses.
        before, after: rows of each upload that are on the list, of the records around the batch.
        rows: validated rows of the records that came on the list or left it.
    """

    deleted: list[PresumedDeletion]
    restored: list[PresumedDeletion]
    before: Counter[str]
    after: Counter[str]
    rows: pl.DataFrame

    def shift(self, upload_id: str) -> int:
        """Return how many rows of an upload more are presumed deleted than before."""
        return self.after[upload_id] - self.before[upload_id]


def find_deletions(
    workspace: Workspace,
    lake: Lake,
    *,
    tenant: str,
    record_type: RecordType,
    uploads: Sequence[Upload],
    incoming: pl.DataFrame,
    known: pl.DataFrame,
    refused: pl.DataFrame,
) -> DeletionChanges:
    """Compare what the deliveries show now with the tenant's list. The batch's records stand in the table already.

    Args:
        uploads: the uploads of the batch; what they delivered before is replaced by `incoming`.
        incoming, known: deliveries of the batch, and the committed ones of its records (DELIVERY_SCHEMA).
        refused: rows of the batch that were quarantined or wait for a person (BROUGHT_SCHEMA): they came, too.
    """
    touched = pl.concat([frame.select("subject_id", "utc_date") for frame in (incoming, known)]).unique()
    dates = _around(touched["utc_date"].to_list())
    subjects = touched["subject_id"].unique().sort().to_list()
    around = read_records(lake, record_type, _around(dates)).filter(pl.col("subject_id").is_in(subjects)).collect()
    found: list[PresumedDeletion] = []
    if touched.height and _setting(workspace, tenant) != OFF:
        batch = _Batch(workspace, lake, tenant, record_type, {u.upload_id for u in uploads})
        found = batch.presumed(around, pl.concat([incoming, known]), incoming, refused, dates)
    listed = (
        [
            row
            for row in workspace.catalog.deletions.between(tenant, record_type.kind, first=min(dates), last=max(dates))
            if row.subject_id in set(subjects) and row.utc_date in dates
        ]
        if dates
        else []
    )
    deleted = sorted(set(found) - set(listed), key=_key)
    still = {_key(row) for row in found}
    restored = [row for row in listed if _key(row) not in still]
    changed = pl.DataFrame(
        [(row.subject_id, row.record_id) for row in [*deleted, *restored]],
        schema=dict.fromkeys(RECORD_KEY, pl.String),
        orient="row",
    )
    return DeletionChanges(
        deleted=deleted,
        restored=restored,
        before=Counter(row.upload_id for row in listed),
        after=Counter(row.upload_id for row in found),
        rows=around.join(changed, on=RECORD_KEY, how="semi"),
    )


def without_deletions(
    workspace: Workspace, tenant: str, record_type: RecordType, records: pl.LazyFrame, dates: Sequence[date]
) -> pl.LazyFrame:
    """Return the records that facts may use, of those on some UTC dates: without what is presumed deleted.

    A tenant may have deletions flagged only, or not looked for; then all of them.
    """
    if not dates or _setting(workspace, tenant) != ON:
        return records
    listed = workspace.catalog.deletions.between(tenant, record_type.kind, first=min(dates), last=max(dates))
    if not listed:
        return records
    keys = pl.LazyFrame(
        [(row.subject_id, row.record_id) for row in listed],
        schema=dict.fromkeys(RECORD_KEY, pl.String),
        orient="row",
    )
    return records.join(keys, on=RECORD_KEY, how="anti")


def _setting(workspace: Workspace, tenant: str) -> str:
    return workspace.catalog.tenant_settings.values(tenant).get(PRESUME_DELETIONS.name, PRESUME_DELETIONS.default)


def _key(row: PresumedDeletion) -> tuple[str, str]:
    return row.subject_id, row.record_id


def _around(dates: Iterable[date]) -> set[date]:
    return {day + timedelta(days=shift) for day in dates for shift in range(-REACH_DAYS, REACH_DAYS + 1)}


@dataclass(frozen=True)
class _Batch:
    """What is asked on behalf of one batch."""

    workspace: Workspace
    lake: Lake
    tenant: str
    record_type: RecordType
    upload_ids: set[str]

    def presumed(
        self,
        around: pl.DataFrame,
        touched: pl.DataFrame,
        incoming: pl.DataFrame,
        refused: pl.DataFrame,
        dates: set[date],
    ) -> list[PresumedDeletion]:
        """Return the records on some dates that are presumed deleted, by all deliveries around them."""
        subjects = touched["subject_id"].unique().to_list()
        table = self.lake.scan(
            deliveries_table(self.record_type), schema=DELIVERY_SCHEMA, partitions=("utc_date", sorted(_around(dates)))
        )
        stored = self._committed(table.filter(pl.col("subject_id").is_in(subjects)).collect())
        deliveries = pl.concat([stored, incoming])
        places = around.select(PLACES_SCHEMA.names())
        brought = pl.concat([deliveries.select(BROUGHT_SCHEMA.names()), refused])
        first = presumed_deletions(brought, places)
        if first.is_empty():
            return []
        # They may have come at another time of theirs, or with rows that were refused. Both are rare, so they are looked
        # up for these records only; more deliveries never make a deletion of what was none.
        elsewhere = self._committed(deliveries_of(self.lake, self.record_type, first))
        deliveries = pl.concat([deliveries, elsewhere]).unique()
        held = self.workspace.catalog.deletions.refused(
            self.tenant, self.record_type.kind, first["record_id"].to_list(), without=self.upload_ids
        )
        brought = pl.concat(
            [
                deliveries.select(BROUGHT_SCHEMA.names()),
                refused,
                pl.DataFrame([(*row, None) for row in held], schema=BROUGHT_SCHEMA, orient="row"),
            ]
        )
        found = presumed_deletions(brought, places).join(around.select(*RECORD_KEY, "utc_date"), on=RECORD_KEY)
        accepted = current(deliveries.join(found, on=RECORD_KEY, how="semi")).select(*RECORD_KEY, "upload_id")
        rows = found.filter(pl.col("utc_date").is_in(list(dates))).join(accepted, on=RECORD_KEY)
        return [
            PresumedDeletion(tenant=self.tenant, kind=self.record_type.kind, **row)
            for row in rows.select(
                *RECORD_KEY, "upload_id", "utc_date", pl.col("presumed_deleted_utc").dt.replace_time_zone("UTC")
            ).to_dicts()
        ]

    def _committed(self, deliveries: pl.DataFrame) -> pl.DataFrame:
        """Return the deliveries of other uploads that count: those of the attempt that the catalog committed."""
        uploads = self.workspace.catalog.uploads.get(deliveries["upload_id"].unique().to_list())
        attempts = {u.upload_id: u.settled_attempt for u in uploads.values() if u.upload_id not in self.upload_ids}
        attempt = pl.col("upload_id").replace_strict(attempts, default=None, return_dtype=pl.Int32)
        return deliveries.filter((pl.col("attempt") == attempt).fill_null(value=False))
