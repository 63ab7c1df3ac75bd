"""Another subject key: every pseudonym and every digest of a key in the lake is replaced.

Belongs here: which ids become which, and rewriting what the lake holds of them. Each function may be called again and
then finishes what was interrupted: an id that is new already is left.
Does not belong here: the order and the lanes (`dagster_project.key_change`), the catalog (`resources.catalog.rekeying`).

Nothing but the catalog knows whose a pseudonym is, so it is changed last: until then former ids can be told from new
ones, and afterwards nobody can tell them any more. Training lines are not rewritten but rendered anew: which lines a
person's day gets, and in which words, follows from the pseudonym. Releases are immutable and keep what they hold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson
import polars as pl

from operations.erasure.search import tables
from pipeline.clinical import clinical_table
from pipeline.row_accounting import every_upload
from pipeline.training_paths import JOURNAL
from pipeline.validated.identity_index import complete_index, identities_table
from pipeline.validated.quarantine_files import quarantine_path
from pipeline.validated.records_table import PROVENANCE, deliveries_table, records_table
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.uploads import FateShift, Upload
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES, RecordType
from vitals.validated.pseudonyms import keyed_digest, object_digest, upload_id
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY, reordered

OnStep = Callable[[str], None]

RENAMED_COLUMNS = frozenset({"subject_id", "upload_id", "source_key_sha256", "source_keys_sha256"})
"""Columns of tables that hold ids made with the subject key, or lists of them."""

ERASED = "erased_subject"


@dataclass(frozen=True, kw_only=True)
class LakeChanges:
    """What follows for the catalog from new ids in a tenant's lake.

    Attributes:
        shifts: upload, by its new id, to the rows of it whose fate is another.
        deletions: records presumed deleted that stand on another upload now: kind, person and upload by their new
            ids, record id.
        marks: days to compute or render again.
    """

    shifts: dict[str, FateShift]
    deletions: list[tuple[str, str, str, str]]
    marks: list[StaleMark]


def new_ids(workspace: Workspace, tenant: str) -> dict[str, str]:
    """Former to new ids of a tenant's people, uploads and keys; the workspace has the new key.

    Of refused uploads of erased people nothing is known but the former ids: those are kept under the new key.
    """
    key, lake = workspace.subject_key, workspace.unchecked_lake(tenant)
    known = workspace.catalog.subjects.subject_ids(tenant)
    ids = {former: workspace.subject_id(tenant, user) for user, former in known.items()}
    taken: set[str] = set()
    for upload in sorted(every_upload(workspace, tenant=tenant), key=lambda one: one.upload_id):
        if upload.reason == ERASED:
            ids[upload.upload_id] = keyed_digest(upload.upload_id, key=key)
            ids[upload.key_sha256] = keyed_digest(upload.key_sha256, key=key)
            continue
        ids[upload.key_sha256] = object_digest(tenant=tenant, object_key=upload.key, key=key)
        marks = (_mark(lake, upload), upload.etag, upload.upload_id)
        new = (upload_id(tenant=tenant, object_key=upload.key, mark=mark, key=key) for mark in marks)
        ids[upload.upload_id] = next(one for one in new if one not in taken)
        taken.add(ids[upload.upload_id])
    return {former: new for former, new in ids.items() if former != new}


def _mark(lake: Lake, upload: Upload) -> str:
    """What told the version from others when it was entered, as far as it is known (`object_versions`)."""
    if not lake.is_local:
        return upload.etag
    return upload.content_sha256 or f"{upload.size_bytes} bytes"


def rename_lake(
    workspace: Workspace, tenant: str, ids: Mapping[str, str], *, former_ids: Iterable[Upload], on_step: OnStep
) -> LakeChanges:
    """Bring the new ids into a tenant's lake; its training files and what releases note for comparisons go.

    Args:
        former_ids: the tenant's uploads as the catalog has them, under their former ids.
    """
    lake = workspace.unchecked_lake(tenant)
    entered = list(former_ids)
    changes = LakeChanges(shifts={}, deletions=[], marks=[])
    done: set[str] = set()
    for record_type in RECORD_TYPES:
        on_step(f"{tenant}: validated/{record_type.kind}")
        done |= {name(record_type) for name in (deliveries_table, records_table, identities_table)}
        _rename_validated(workspace, tenant, record_type, ids, entered, changes)
    for table in tables(lake):
        if table not in done:
            on_step(f"{tenant}: {table}")
            _rename_table(lake, table, ids, None)
    on_step(f"{tenant}: quarantine")
    _rename_quarantine(lake, ids, entered)
    on_step(f"{tenant}: training")
    lake.delete_objects([found.key for found in lake.objects("training/")])
    lake.delete_objects([found.key for found in lake.objects("release_traces/")])
    changes.marks.extend(_training_days(lake, tenant))
    return changes


def _rename_validated(
    workspace: Workspace,
    tenant: str,
    record_type: RecordType,
    ids: Mapping[str, str],
    uploads: Sequence[Upload],
    changes: LakeChanges,
) -> None:
    """Rename the tables of a kind. Of records that follow another delivery now, the row accounting follows."""
    lake = workspace.unchecked_lake(tenant)
    stored = lake.scan(deliveries_table(record_type), schema=DELIVERY_SCHEMA).collect()
    # Some of it may be renamed already, if this was interrupted.
    before = _with_ids(stored, {new: former for former, new in ids.items()})
    settled = {one.upload_id: one.settled_attempt for one in uploads}
    attempt = pl.col("upload_id").replace_strict(settled, default=None, return_dtype=pl.Int32)
    before = before.filter((pl.col("attempt") == attempt).fill_null(value=False))
    found = reordered(before, _with_ids(before, ids))
    for upload, *moved in found.shifts.select("upload_id", "accepted", "duplicate", "superseded").iter_rows():
        changes.shifts[upload] = FateShift(accepted=moved[0], duplicate=moved[1], superseded=moved[2])
    _move_deletions(workspace, tenant, record_type, ids, found.winners, changes)
    changes.marks.extend(
        StaleMark(tenant=tenant, stage="clinical", kind=record_type.kind, local_date=day, reason="key")
        for utc_date in found.winners["utc_date"].unique().to_list()
        for day in (utc_date - timedelta(days=1), utc_date, utc_date + timedelta(days=1))
    )
    _rename_table(lake, deliveries_table(record_type), ids, None)
    _rename_table(lake, records_table(record_type), ids, found.winners)
    # The index holds hashes of pseudonyms; it is made anew of the deliveries.
    lake.delete_objects([one.key for one in lake.objects(identities_table(record_type))])
    complete_index(lake, record_type)


def _move_deletions(
    workspace: Workspace,
    tenant: str,
    record_type: RecordType,
    ids: Mapping[str, str],
    winners: pl.DataFrame,
    changes: LakeChanges,
) -> None:
    """Count a row that is presumed deleted with the upload whose row counts now."""
    moved = {
        (subject, record): (former, new)
        for subject, record, former, new in winners.select(
            "subject_id", "record_id", "former_upload_id", "upload_id"
        ).iter_rows()
    }
    kind, catalog = record_type.kind, workspace.catalog
    dates = catalog.deletions.dates(tenant, kind) if moved else []
    for row in catalog.deletions.between(tenant, kind, first=min(dates), last=max(dates)) if dates else ():
        subject = ids.get(row.subject_id, row.subject_id)
        if (subject, row.record_id) not in moved:
            continue
        former, new = moved[subject, row.record_id]
        changes.deletions.append((kind, subject, row.record_id, new))
        for upload, more in ((former, -1), (new, 1)):
            shift = changes.shifts.get(upload, FateShift())
            changes.shifts[upload] = replace(
                shift, accepted=shift.accepted - more, presumed_deleted=shift.presumed_deleted + more
            )


def _rename_table(lake: Lake, table: str, ids: Mapping[str, str], winners: pl.DataFrame | None) -> None:
    column = lake.partitioned_by(table)
    if column is None:
        return
    for day in sorted(lake.partitions(table, partition_by=column)):
        # One partition at a time: memory is bounded by a day, and whoever goes on finds whole days.
        rows = lake.table(table).filter(pl.col(column) == day).collect()
        new = renamed(rows, ids)
        if winners is not None and not winners.is_empty():
            new = _with_provenance(new, winners)
        if not new.equals(rows):
            lake.replace(table, new, partition_by=column, values=[day])
    lake.forget_history(table)


def _with_provenance(rows: pl.DataFrame, winners: pl.DataFrame) -> pl.DataFrame:
    found = rows.join(winners.select(*RECORD_KEY, *PROVENANCE), on=RECORD_KEY, how="left", suffix="_new")
    return found.with_columns(
        pl.coalesce(f"{name}_new", name).alias(name) for name in PROVENANCE if name in rows.columns
    ).select(rows.columns)


def renamed(rows: pl.DataFrame, ids: Mapping[str, str]) -> pl.DataFrame:
    """The rows with new ids, in the order that they have by their ids."""
    replaced = _with_ids(rows, ids)
    order = [name for name in ("subject_id", "record_id", "upload_id", "row_index") if name in rows.columns]
    return replaced.sort(order, maintain_order=True) if order else replaced


def _with_ids(rows: pl.DataFrame, ids: Mapping[str, str]) -> pl.DataFrame:
    """The rows with new ids, in the order that they have."""
    replaced = rows
    for name, dtype in rows.schema.items():
        if name not in RENAMED_COLUMNS:
            continue
        if isinstance(dtype, pl.List):
            replaced = replaced.with_columns(pl.col(name).list.eval(pl.element().replace(dict(ids)).sort()))
        else:
            replaced = replaced.with_columns(pl.col(name).replace(dict(ids)))
    return replaced


def _rename_quarantine(lake: Lake, ids: Mapping[str, str], uploads: Iterable[Upload]) -> None:
    for upload in uploads:
        path = quarantine_path(upload)
        new = path.replace(upload.upload_id[:32], ids.get(upload.upload_id, upload.upload_id)[:32])
        for ending in (".avro", ".metadata.json"):
            if new == path or not lake.exists(f"{path}{ending}"):
                continue
            data = lake.read_object(f"{path}{ending}")
            if ending != ".avro":
                told = orjson.loads(data)
                told = {
                    name: ids.get(value, value) if isinstance(value, str) else value for name, value in told.items()
                }
                data = orjson.dumps(told, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
            lake.write_object(f"{new}{ending}", data)
            lake.delete_objects([f"{path}{ending}"])


def _training_days(lake: Lake, tenant: str) -> list[StaleMark]:
    marks = {
        (kind, day)
        for record_type in RECORD_TYPES
        for day in lake.partitions(clinical_table(record_type), partition_by="local_date")
        for kind in (record_type.kind, JOURNAL)
    }
    return [
        StaleMark(tenant=tenant, stage="training", kind=kind, local_date=day, reason="key")
        for kind, day in sorted(marks)
    ]
