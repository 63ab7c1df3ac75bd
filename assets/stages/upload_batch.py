"""One batch of uploads of a kind on its way from bytes to the books.

Belongs here: the order of events that makes a crash at any point harmless:

    claim -> fetch -> decode -> judge -> fold -> deliveries -> records -> settle

Deliveries and records are Delta tables, the books are SQL; no transaction spans them. So deliveries carry the
attempt that wrote them, and only the attempt that the catalog settled counts. A crash before `settle` leaves
rows that nobody believes and an upload that is taken again; the second attempt ends in the same tables.

Does not belong here: which uploads make a batch (`validation`), what a good row is (`vitals.validated`), or bytes
(`vitals.raw`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from assets.stages.decisions import fillings, rule_policy
from assets.stages.judging import judge_files
from assets.stages.ledger_rows import (
    epoch_ms,
    file_quarantine,
    judged_by,
    partial_rows,
    refused,
    row_quarantine,
    zone_rows,
)
from assets.stages.quarantine_files import write_quarantine
from assets.stages.records_table import deliveries_table, write_records
from assets.stages.registration import utc_now
from assets.stages.settled_counts import LISTED_SCHEMA, RESOLVED_SCHEMA, SHIFTING, Validated
from assets.stages.staleness import observed_frame, stale_marks
from resources.catalog_rows.days import FetchMark
from resources.catalog_rows.uploads import FateShift, Upload, UploadOutcome, UploadState
from resources.catalog_settlement import Settlement
from resources.lake import Lake, ReadFailure
from resources.workspace import Workspace
from vitals.raw.decode import Decoded, RawObject, decode
from vitals.record_types import RecordType
from vitals.validated.completions import ZONE, filled, lacking
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY, REVISION_SPAN_DAYS, Folded, fold
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS, observations


@dataclass
class UploadBatch:
    """One batch on its way through; holds nothing beyond it."""

    workspace: Workspace
    tenant: str
    record_type: RecordType
    run_id: str
    result: Validated

    def settle(self, uploads: list[Upload]) -> None:
        """Take the uploads, and leave each settled or to be taken again; what came of them is added to `result`."""
        started = time.monotonic()
        attempts = self.workspace.catalog.uploads.claim(
            [u.upload_id for u in uploads], run_id=self.run_id, now=utc_now()
        )
        lake = self.workspace.lake(self.tenant)
        outcomes: dict[str, UploadOutcome] = {}
        fetchable = []
        for upload in uploads:
            if attempts[upload.upload_id] - (upload.settled_attempt or 0) > self.workspace.policy.max_attempts:
                outcomes[upload.upload_id] = UploadOutcome(upload_id=upload.upload_id, state="failed", reason="gave_up")
            elif upload.size_bytes > self.workspace.policy.limits.max_file_bytes:
                outcomes[upload.upload_id] = refused(upload, "too_large", None)
            else:
                fetchable.append(upload)
        objects = self._fetch(lake, fetchable, outcomes)
        decoded = decode(
            [RawObject(data) for _, data in objects],
            kind=self.record_type.kind,
            limits=self.workspace.policy.limits,
        )
        files = [upload for upload, _ in objects]
        for index, rejected in decoded.rejected.items():
            outcomes[files[index].upload_id] = refused(files[index], rejected.reason, rejected.detail)
        # What an upload delivered before it was refused is folded out, whatever it was refused for.
        read = {u.upload_id for u in files}
        withdrawn = [
            u for u in uploads if u.settled_attempt is not None and u.upload_id in outcomes and u.upload_id not in read
        ]
        self._settle_rows(lake, files, withdrawn, attempts, decoded, outcomes)
        duration_ms = round(1000 * (time.monotonic() - started) / max(1, len(uploads)))
        self._finish(lake, uploads, objects, outcomes, duration_ms)

    def _fetch(
        self, lake: Lake, uploads: list[Upload], outcomes: dict[str, UploadOutcome]
    ) -> list[tuple[Upload, bytes]]:
        found = lake.read_objects([u.key for u in uploads], concurrency=self.workspace.policy.fetch_concurrency)
        objects: list[tuple[Upload, bytes]] = []
        for upload in uploads:
            data = found[upload.key]
            if not isinstance(data, ReadFailure):
                objects.append((upload, data))
            elif data.kind == "missing":
                outcomes[upload.upload_id] = UploadOutcome(
                    upload_id=upload.upload_id, state="failed", reason="object_missing"
                )
        return objects

    def _settle_rows(
        self,
        lake: Lake,
        files: list[Upload],
        withdrawn: list[Upload],
        attempts: dict[str, int],
        decoded: Decoded,
        outcomes: dict[str, UploadOutcome],
    ) -> None:
        """Judge, fold and write the rows of the readable files, and leave everything to settle in `self`."""
        self.rules = rules = rule_policy(self.workspace.catalog, self.tenant)
        files_judged = judge_files(
            decoded.frame,
            self.record_type,
            rules=rules,
            score=self.workspace.policy.score,
            upload_ids=[u.upload_id for u in files],
        )
        judged, scores, low = files_judged.rows, files_judged.scores, files_judged.low
        file_frame = pl.DataFrame(
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
        good = judged.filter(pl.col("reason").is_null())
        rows = self._completed(good, file_frame)
        rows, self.partial = self._hold_back(rows)
        quarantined = judged.filter(pl.col("reason").is_not_null()).join(file_frame, on="file_index", how="left")
        self.quarantined = judged_by(quarantined, self.record_type, rules)
        self.folded = self._write(lake, rows, [*files, *withdrawn])
        self.fetches = rows.group_by("subject_id").agg(latest=pl.col("fetched_utc").max())
        spans = {
            row["file_index"]: row
            for row in good.group_by("file_index")
            .agg(fetched=pl.col("fetched_ms").max(), first=pl.col("start_ms").min(), last=pl.col("start_ms").max())
            .to_dicts()
        }
        self.resolved = decoded.isolated
        self._row_outcomes(files, scores, low, spans, outcomes)

    def _completed(self, good: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
        """Normalised rows, with what people said of their gaps; what they said of zones is no observation."""
        rows = normalise(good, files, self.record_type)
        self.seen = observations(rows)
        people = files["subject_id"].drop_nulls().unique().to_list()
        said = fillings(self.workspace.catalog, self.tenant, self.record_type, people)
        return normalise(filled(good, files, said), files, self.record_type) if said else rows

    def _hold_back(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Split off rows that lack what the tenant demands, or a zone that nothing known can resolve."""
        demanded = self.workspace.catalog.completions.required(self.tenant).get(self.record_type.kind, [])
        unzoned = pl.col("start_offset_seconds").is_null()
        people = rows.filter(unzoned).get_column("subject_id").unique().to_list()
        if not people and not demanded:
            return rows, rows.clear().with_columns(missing=pl.lit([], dtype=pl.List(pl.String)))
        evidence = pl.concat([observed_frame(self.workspace.catalog, self.tenant, people), self.seen])
        known = evidence.filter(pl.col("offset_seconds") != NO_OFFSET_SECONDS)["subject_id"].unique().to_list()
        judged = lacking(rows, demanded, unplaced=~pl.col("subject_id").is_in(known))
        held = pl.col("missing").list.len() > 0
        return judged.filter(~held).drop("missing"), judged.filter(held)

    def _write(self, lake: Lake, rows: pl.DataFrame, uploads: list[Upload]) -> Folded:
        # In the order in which both tables keep them: sorted once.
        rows = rows.sort(*RECORD_KEY, "upload_id", "row_index")
        incoming = rows.select(DELIVERY_SCHEMA.names()).cast(DELIVERY_SCHEMA)
        known, distrusted = self._known(lake, incoming, uploads)
        folded = fold(known=known, incoming=incoming, upload_ids=[u.upload_id for u in uploads])
        # Deliveries first: a crash after this line leaves their unsettled rows as the sign that the records
        # table cannot be trusted for these keys.
        if incoming.height:
            lake.append(deliveries_table(self.record_type), incoming, partition_by="utc_date")
        self.written = write_records(
            lake, self.record_type, rows=rows, folded=folded, known=known, distrusted=distrusted
        )
        return folded

    def _known(self, lake: Lake, incoming: pl.DataFrame, uploads: list[Upload]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Deliveries around this batch: those that count, and those of attempts that were never settled."""
        catalog = self.workspace.catalog
        dates = set(incoming.get_column("utc_date").unique().to_list())
        again = [u for u in uploads if u.settled_attempt is not None]
        for upload in again:
            dates |= {d for d in (upload.first_utc_date, upload.last_utc_date) if d is not None}
        if not dates:
            return incoming.clear(), incoming.clear()
        span = timedelta(days=REVISION_SPAN_DAYS)
        around = pl.date_range(min(dates) - span, max(dates) + span, eager=True).to_list()
        deliveries = lake.scan(
            deliveries_table(self.record_type), schema=DELIVERY_SCHEMA, partitions=("utc_date", around)
        )
        records = incoming["record_id"]
        if again:
            # A record that one of them does not deliver any more may stand on another upload's delivery.
            theirs = deliveries.filter(pl.col("upload_id").is_in([u.upload_id for u in again]))
            records = pl.concat([records, theirs.select("record_id").collect()["record_id"]])
        found = deliveries.filter(pl.col("record_id").is_in(records.unique().implode())).collect()
        settled = {
            u.upload_id: u.settled_attempt for u in catalog.uploads.get(found["upload_id"].unique().to_list()).values()
        }
        is_settled = pl.col("attempt") == pl.col("upload_id").replace_strict(
            settled, default=None, return_dtype=pl.Int32
        )
        found = found.with_columns(is_settled=is_settled.fill_null(value=False))
        return (
            found.filter("is_settled").drop("is_settled"),
            found.filter(~pl.col("is_settled")).drop("is_settled"),
        )

    def _row_outcomes(
        self,
        files: list[Upload],
        scores: Mapping[int, Mapping[str, Any]],
        low: list[int],
        spans: dict[int, dict[str, Any]],
        outcomes: dict[str, UploadOutcome],
    ) -> None:
        fates = {row["upload_id"]: row for row in self.folded.fates.to_dicts()}
        quarantined = dict(self.quarantined.group_by("upload_id").len().iter_rows())
        partial = dict(self.partial.group_by("upload_id").len().iter_rows())
        for index, upload in enumerate(files):
            if index not in scores:
                continue
            fate, total = fates[upload.upload_id], scores[index]["rows_total"]
            state: UploadState = (
                "quarantined" if index in low else "duplicate" if fate["duplicate"] == total else "processed"
            )
            span = spans.get(index, {})
            outcomes[upload.upload_id] = UploadOutcome(
                upload_id=upload.upload_id,
                state=state,
                reason="low_quality" if index in low else None,
                rows_total=total,
                rows_accepted=fate["accepted"],
                rows_duplicate=fate["duplicate"],
                rows_superseded=fate["superseded"],
                rows_partial=partial.get(upload.upload_id, 0),
                rows_quarantined=quarantined.get(upload.upload_id, 0),
                score=scores[index]["score"],
                schema_hash=RESOLVED_SCHEMA if index in self.resolved else LISTED_SCHEMA,
                fetched_utc=_instant(span.get("fetched")),
                first_utc_date=_utc_date(span.get("first")),
                last_utc_date=_utc_date(span.get("last")),
            )

    def _finish(
        self,
        lake: Lake,
        uploads: list[Upload],
        objects: list[tuple[Upload, bytes]],
        outcomes: dict[str, UploadOutcome],
        duration_ms: int,
    ) -> None:
        by_id = {u.upload_id: u for u in uploads}
        bad_rows = row_quarantine(self.tenant, self.record_type, self.quarantined)
        bad_files = [
            file_quarantine(by_id[o.upload_id], o.reason or "", self.rules)
            for o in outcomes.values()
            if o.state == "quarantined"
        ]
        write_quarantine(lake, by_id, {u.upload_id: data for u, data in objects}, outcomes, bad_rows)
        catalog = self.workspace.catalog
        marks = stale_marks(
            catalog,
            tenant=self.tenant,
            record_type=self.record_type,
            changed=self.written.now,
            replaced=self.written.before,
            seen=self.seen,
            fetches=self.fetches,
            first_day=self.workspace.policy.first_day,
        )
        catalog.settle(
            Settlement(
                run_id=self.run_id,
                outcomes=[replace(o, duration_ms=duration_ms) for o in outcomes.values()],
                deltas={
                    row["upload_id"]: FateShift(**{fate: row[fate] for fate in SHIFTING})
                    for row in self.folded.shifts.to_dicts()
                },
                quarantine_rows=[*bad_files, *bad_rows],
                partial_rows=partial_rows(self.tenant, self.record_type, self.partial),
                zone_observations=zone_rows(self.tenant, self.seen),
                fetches=[
                    FetchMark(
                        tenant=self.tenant, subject_id=s, kind=self.record_type.kind, latest_fetch_ms=epoch_ms(latest)
                    )
                    for s, latest in self.fetches.iter_rows()
                ],
                stale_marks=marks,
            ),
            now=utc_now(),
        )
        unresolved = [u.upload_id for u in uploads if u.upload_id not in outcomes]
        catalog.uploads.release(unresolved)
        catalog.uploads.reland({*self.folded.unavailable, *self._resolvable()} - set(by_id))
        self.result.unresolved += len(unresolved)
        self.result.stale_days += len({(m.kind, m.local_date) for m in marks})
        for outcome in outcomes.values():
            self.result.count(outcome, by_id[outcome.upload_id].size_bytes)
        for row in [*bad_files, *bad_rows]:
            self.result.reasons[row.reason] = self.result.reasons.get(row.reason, 0) + 1

    def _resolvable(self) -> set[str]:
        """Uploads whose waiting rows the evidence of this batch can place: they are read again."""
        people = self.seen.filter(pl.col("offset_seconds") != NO_OFFSET_SECONDS)["subject_id"].unique().to_list()
        return self.workspace.catalog.partials.waiting_uploads(self.tenant, people, lacking=ZONE)


def _instant(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _utc_date(epoch_ms: int | None) -> date | None:
    instant = _instant(epoch_ms)
    return None if instant is None else instant.date()
