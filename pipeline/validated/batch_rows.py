"""The rows of one batch of uploads: judged, held back or folded, and written to the lake.

Belongs here: the middle of a batch's way, judge -> fold -> deliveries -> records, and what came of each upload's rows.
Does not belong here: the bytes before it and the books after it (`upload_batch`), what a good row is or which delivery
wins (`vitals.validated`), or how the validated table is brought to it (`records_table`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from pipeline.decisions import fillings, rule_policy
from pipeline.staleness import observed_frame
from pipeline.validated.catalog_rows import judged_by
from pipeline.validated.counts import LISTED_SCHEMA, RESOLVED_SCHEMA
from pipeline.validated.deletions import DeletionChanges, find_deletions
from pipeline.validated.file_validation import JudgedFiles, judge_files
from pipeline.validated.identity_index import add_identities, deliveries_at, locate
from pipeline.validated.records_table import Written, deliveries_table, write_records
from resources.catalog.rows.uploads import Upload, UploadOutcome, UploadState
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.raw.decode import Decoded
from vitals.record_types import UTC_MS, RecordType
from vitals.validated.completions import NUMBERS, Filling, filled, lacking
from vitals.validated.deletions import BROUGHT_SCHEMA
from vitals.validated.landing import believed_fetch
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY, Folded, fold
from vitals.validated.rule_policy import RulePolicy
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS, observations


@dataclass(frozen=True, kw_only=True)
class BatchRows:
    """What came of the rows of a batch; the lake holds it, the books do not yet.

    Attributes:
        outcomes: of the uploads whose rows were read.
        rules: by which the rows were judged.
        quarantined: rows that broke a rule, and those of files that scored too low.
        partial: rows that wait for context, with what is `missing`.
        folded: the fates of the others, and what they changed of earlier uploads'.
        deletions: what they changed in the list of presumed deletions.
        written: rows of the validated table that changed.
        seen: zone observations.
        fetches: `subject_id` and until when the files know of the person (`latest`).
    """

    outcomes: list[UploadOutcome]
    rules: RulePolicy
    quarantined: pl.DataFrame
    partial: pl.DataFrame
    folded: Folded
    deletions: DeletionChanges
    written: Written
    seen: pl.DataFrame
    fetches: pl.DataFrame


def take_rows(
    workspace: Workspace,
    lake: Lake,
    decoded: Decoded,
    *,
    tenant: str,
    record_type: RecordType,
    files: Sequence[Upload],
    withdrawn: Sequence[Upload],
    attempts: Mapping[str, int],
) -> BatchRows:
    """Judge, fold and write the rows of the readable files of a batch.

    Args:
        decoded: the files' rows, by their place in `files`.
        withdrawn: uploads that were settled before and cannot be read any more: what they delivered is folded out.
        attempts: number of the attempt that this is, per upload.
    """
    rules = rule_policy(workspace.catalog, tenant)
    people = sorted({u.subject_id for u in files if u.subject_id is not None})
    said = fillings(workspace.catalog, tenant, record_type, people)
    subjects = pl.DataFrame(
        {"file_index": list(range(len(files))), "subject_id": [u.subject_id for u in files]},
        schema={name: FILE_COLUMNS[name] for name in ("file_index", "subject_id")},
    )
    # A value that a person gave is judged like any other.
    numbers = [one for one in said if one.field in NUMBERS.get(record_type.kind, ())]
    judged = judge_files(
        filled(decoded.frame, subjects, numbers) if numbers else decoded.frame,
        record_type,
        rules=rules,
        score=workspace.policy.score,
        upload_ids=[u.upload_id for u in files],
        landings=[(u.landed_at, u.landing_day) for u in files],
    )
    file_frame = _file_frame(files, attempts, judged.scores)
    good = judged.rows.filter(pl.col("reason").is_null())
    bad = judged.rows.filter(pl.col("reason").is_not_null()).join(file_frame, on="file_index", how="left")
    quarantined = judged_by(bad, record_type, rules)
    rows, seen = _completed(record_type, good, file_frame, said)
    rows, partial = _hold_back(workspace, tenant, record_type, rows, seen)
    folded, written, known = _write(workspace, lake, record_type, rows, [*files, *withdrawn])
    deletions = find_deletions(
        workspace,
        lake,
        tenant=tenant,
        record_type=record_type,
        uploads=[*files, *withdrawn],
        incoming=_deliveries(rows),
        known=known,
        refused=_refused(quarantined, partial),
    )
    return BatchRows(
        outcomes=_outcomes(files, judged, good, folded, deletions, quarantined, partial, resolved=decoded.isolated),
        rules=rules,
        quarantined=quarantined,
        partial=partial,
        folded=folded,
        deletions=deletions,
        written=written,
        seen=seen,
        fetches=_fetches(rows, files),
    )


def _fetches(rows: pl.DataFrame, files: Sequence[Upload]) -> pl.DataFrame:
    """`subject_id` and until when the files know of the person (`latest`)."""
    landings = {u.upload_id: (u.landed_at, u.landing_day) for u in files}
    found = rows.group_by("subject_id", "upload_id").agg(latest=pl.col("fetched_utc").max())
    believed = [believed_fetch(latest, *landings[upload]) for _, upload, latest in found.iter_rows()]
    return (
        found.with_columns(latest=pl.Series(believed, dtype=UTC_MS))
        .group_by("subject_id")
        .agg(pl.col("latest").max())
        .sort("subject_id")
    )


def _file_frame(
    files: Sequence[Upload], attempts: Mapping[str, int], scores: Mapping[int, Mapping[str, Any]]
) -> pl.DataFrame:
    """FILE_COLUMNS of the files."""
    return pl.DataFrame(
        {
            "file_index": list(range(len(files))),
            "upload_id": [u.upload_id for u in files],
            "attempt": [attempts[u.upload_id] for u in files],
            "subject_id": [u.subject_id for u in files],
            "source_key_sha256": [u.key_sha256 for u in files],
            "landing_day": [u.landing_day for u in files],
            "file_quality": [scores[i]["score"] if i in scores else None for i in range(len(files))],
        },
        schema=FILE_COLUMNS,
    )


def _completed(
    record_type: RecordType, good: pl.DataFrame, files: pl.DataFrame, said: Sequence[Filling]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Normalised rows with what people said of their gaps, and zone observations: what is said is none."""
    rows = normalise(good, files, record_type)
    seen = observations(rows)
    return normalise(filled(good, files, said), files, record_type) if said else rows, seen


def _hold_back(
    workspace: Workspace, tenant: str, record_type: RecordType, rows: pl.DataFrame, seen: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split off rows that lack their value, what the tenant demands, or a zone that nothing known can resolve."""
    demanded = workspace.catalog.completions.required(tenant).get(record_type.kind, [])
    unzoned = pl.col("start_offset_seconds").is_null()
    people = rows.filter(unzoned).get_column("subject_id").unique().to_list()
    values = [name for name in NUMBERS.get(record_type.kind, ()) if rows[name].null_count()]
    if not people and not demanded and not values:
        return rows, rows.clear().with_columns(missing=pl.lit([], dtype=pl.List(pl.String)))
    evidence = pl.concat([observed_frame(workspace.catalog, tenant, people), seen])
    known = evidence.filter(pl.col("offset_seconds") != NO_OFFSET_SECONDS)["subject_id"].unique().to_list()
    judged = lacking(rows, demanded, unplaced=~pl.col("subject_id").is_in(known), values=values)
    held = pl.col("missing").list.len() > 0
    return judged.filter(~held).drop("missing"), judged.filter(held)


def _write(
    workspace: Workspace, lake: Lake, record_type: RecordType, rows: pl.DataFrame, uploads: Sequence[Upload]
) -> tuple[Folded, Written, pl.DataFrame]:
    """Fold the rows in, and write them; also the committed deliveries of their records."""
    # In the order in which both tables keep them: sorted once.
    rows = rows.sort(*RECORD_KEY, "upload_id", "row_index")
    incoming = _deliveries(rows)
    again = [u for u in uploads if u.settled_attempt is not None]
    # A record that one of them does not deliver any more may stand on another upload's delivery.
    records = pl.concat([incoming.select(RECORD_KEY), _delivered_before(lake, record_type, again)]).unique()
    places = locate(lake, record_type, records)
    known, distrusted = _known(workspace, deliveries_at(lake, record_type, records, set(places["utc_date"])))
    folded = fold(known=known, incoming=incoming, upload_ids=[u.upload_id for u in uploads])
    # The index before the deliveries: it must know where every one is. Deliveries before the records: a crash
    # between the two leaves their unsettled rows as the sign that the records table cannot be trusted for these keys.
    if incoming.height:
        add_identities(lake, record_type, incoming, places)
        lake.append(deliveries_table(record_type), incoming, partition_by="utc_date")
    written = write_records(lake, record_type, rows=rows, folded=folded, known=known, distrusted=distrusted)
    return folded, written, known


def _deliveries(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(DELIVERY_SCHEMA.names()).cast(DELIVERY_SCHEMA)


def _refused(quarantined: pl.DataFrame, partial: pl.DataFrame) -> pl.DataFrame:
    """BROUGHT_SCHEMA of rows that came and are not in the table."""
    utc = [pl.col(f"{name}_ms").cast(UTC_MS).alias(f"{name}_utc") for name in ("fetched", "modified")]
    return pl.concat(
        [
            quarantined.drop_nulls(["subject_id", "record_id", "fetched_ms"]).select("subject_id", "record_id", *utc),
            partial.select(BROUGHT_SCHEMA.names()),
        ]
    )


def _delivered_before(lake: Lake, record_type: RecordType, again: Sequence[Upload]) -> pl.DataFrame:
    """RECORD_KEY of what uploads delivered when they were settled before."""
    spans = [(u.first_utc_date, u.last_utc_date) for u in again if u.first_utc_date and u.last_utc_date]
    if not spans:
        return pl.DataFrame(schema={name: DELIVERY_SCHEMA[name] for name in RECORD_KEY})
    table = deliveries_table(record_type)
    dates = [d for d in lake.partitions(table, partition_by="utc_date") if any(a <= d <= b for a, b in spans)]
    theirs = lake.scan(table, schema=DELIVERY_SCHEMA, partitions=("utc_date", dates))
    return theirs.filter(pl.col("upload_id").is_in([u.upload_id for u in again])).select(RECORD_KEY).collect()


def _known(workspace: Workspace, found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split deliveries into those that count, and those of attempts that were never settled."""
    settled = {
        u.upload_id: u.settled_attempt
        for u in workspace.catalog.uploads.get(found["upload_id"].unique().to_list()).values()
    }
    is_settled = pl.col("attempt") == pl.col("upload_id").replace_strict(settled, default=None, return_dtype=pl.Int32)
    found = found.with_columns(is_settled=is_settled.fill_null(value=False))
    return (
        found.filter("is_settled").drop("is_settled"),
        found.filter(~pl.col("is_settled")).drop("is_settled"),
    )


def _outcomes(
    files: Sequence[Upload],
    judged: JudgedFiles,
    good: pl.DataFrame,
    folded: Folded,
    deletions: DeletionChanges,
    quarantined: pl.DataFrame,
    partial: pl.DataFrame,
    *,
    resolved: Collection[int],
) -> list[UploadOutcome]:
    """Outcomes of the files that were read; `resolved`: indices of those whose schema had to be resolved."""
    fates = {row["upload_id"]: row for row in folded.fates.to_dicts()}
    quarantined_rows = dict(quarantined.group_by("upload_id").len().iter_rows())
    partial_rows = dict(partial.group_by("upload_id").len().iter_rows())
    spans = {
        row["file_index"]: row
        for row in good.group_by("file_index")
        .agg(fetched=pl.col("fetched_ms").max(), first=pl.col("start_ms").min(), last=pl.col("start_ms").max())
        .to_dicts()
    }
    outcomes = []
    for index, upload in enumerate(files):
        if index not in judged.scores:
            continue
        is_low = index in judged.low
        fate, total = fates[upload.upload_id], judged.scores[index]["rows_total"]
        state: UploadState = "quarantined" if is_low else "duplicate" if fate["duplicate"] == total else "processed"
        span = spans.get(index, {})
        outcomes.append(
            UploadOutcome(
                upload_id=upload.upload_id,
                state=state,
                reason="low_quality" if is_low else None,
                detail=judged.low.get(index),
                rows_total=total,
                rows_accepted=fate["accepted"] - deletions.after[upload.upload_id],
                rows_duplicate=fate["duplicate"],
                rows_superseded=fate["superseded"],
                rows_presumed_deleted=deletions.after[upload.upload_id],
                rows_partial=partial_rows.get(upload.upload_id, 0),
                rows_quarantined=quarantined_rows.get(upload.upload_id, 0),
                dropped_items=judged.dropped.get(index, {}),
                score=judged.scores[index]["score"],
                schema_hash=RESOLVED_SCHEMA if index in resolved else LISTED_SCHEMA,
                fetched_utc=_instant(span.get("fetched")),
                first_utc_date=_utc_date(span.get("first")),
                last_utc_date=_utc_date(span.get("last")),
            )
        )
    return outcomes


def _instant(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _utc_date(epoch_ms: int | None) -> date | None:
    instant = _instant(epoch_ms)
    return None if instant is None else instant.date()
