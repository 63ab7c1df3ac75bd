"""One batch of uploads of a kind on its way from bytes to the books.

Belongs here: the order of events that makes a crash at any point harmless:

    claim -> fetch -> decode -> judge -> fold -> deliveries -> records -> settle

Deliveries and records are Delta tables, the books are SQL; no transaction spans them. So deliveries carry the
attempt that wrote them, and only the attempt that the catalog settled counts. A crash before `settle` leaves
rows that nobody believes and an upload that is taken again; the second attempt ends in the same tables.

Does not belong here: which uploads make a batch (`validation`), what becomes of its rows (`batch_rows`), or bytes
(`vitals.raw`).
"""

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256

import polars as pl

from pipeline.registration import utc_now
from pipeline.staleness import stale_marks
from pipeline.validated.batch_rows import BatchRows, take_rows
from pipeline.validated.catalog_rows import epoch_ms, file_quarantine, partial_rows, refused, row_quarantine, zone_rows
from pipeline.validated.counts import Validated
from pipeline.validated.fetch_marks import lowered_marks
from pipeline.validated.quarantine_files import write_quarantine
from resources.catalog.rows.days import FetchMark
from resources.catalog.rows.uploads import FateShift, Upload, UploadOutcome
from resources.catalog.settlement import Settlement
from resources.lake.lake import Lake, ReadFailure
from resources.workspace import Workspace
from vitals.errors import TransientError, VitalgraphError
from vitals.raw.decode import RawObject, decode
from vitals.record_types import RecordType
from vitals.validated.completions import ZONE
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS


@dataclass
class UploadBatch:
    """One batch on its way through; holds nothing beyond it.

    Attributes:
        contents: digest of what was read, by upload.
    """

    workspace: Workspace
    tenant: str
    record_type: RecordType
    run_id: str
    result: Validated
    contents: dict[str, str] = field(default_factory=dict)

    def settle(self, uploads: list[Upload]) -> None:
        """Take the uploads, and leave each settled or to be taken again; what came of them is added to `result`.

        Raises:
            TransientError, OSError: the lake or the catalog failed; it is not held against the uploads.
        """
        ids = [u.upload_id for u in uploads]
        attempts = self.workspace.catalog.uploads.claim(ids, run_id=self.run_id, now=utc_now())
        try:
            self._settle(uploads, attempts)
        except (TransientError, OSError):
            # If the catalog is what failed, they stay taken, and the next holder of the lane finds them so.
            with suppress(VitalgraphError):
                self.workspace.catalog.uploads.release(ids)
            raise

    def _settle(self, uploads: list[Upload], attempts: dict[str, int]) -> None:
        started = time.monotonic()
        lake = self.workspace.lake(self.tenant)
        outcomes: dict[str, UploadOutcome] = {}
        fetchable = []
        for upload in uploads:
            if upload.unsettled_attempts >= self.workspace.policy.max_attempts:
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
        rows = take_rows(
            self.workspace,
            lake,
            decoded,
            tenant=self.tenant,
            record_type=self.record_type,
            files=files,
            withdrawn=withdrawn,
            attempts=attempts,
        )
        outcomes |= {outcome.upload_id: outcome for outcome in rows.outcomes}
        duration_ms = round(1000 * (time.monotonic() - started) / max(1, len(uploads)))
        self._finish(lake, uploads, objects, outcomes, rows, duration_ms)

    def _fetch(
        self, lake: Lake, uploads: list[Upload], outcomes: dict[str, UploadOutcome]
    ) -> list[tuple[Upload, bytes]]:
        found = lake.read_objects([u.key for u in uploads], concurrency=self.workspace.policy.fetch_concurrency)
        objects: list[tuple[Upload, bytes]] = []
        for upload in uploads:
            data = found[upload.key]
            if not isinstance(data, ReadFailure):
                if self._is_other(upload, sha256(data).hexdigest()):
                    outcomes[upload.upload_id] = _missing(upload, "another object has been written in its place")
                else:
                    objects.append((upload, data))
            elif data.kind in {"missing", "no_object"}:
                outcomes[upload.upload_id] = _missing(upload, None)
        return objects

    def _is_other(self, upload: Upload, content: str) -> bool:
        """Whether what is there is another version: what it came to before, or will come to, is that one's."""
        self.contents[upload.upload_id] = content
        if upload.content_sha256 in (None, content):
            return False
        if upload.settled_attempt is not None:
            return True
        # It may have been listed while it was still being written.
        versions = self.workspace.catalog.uploads.listed(self.tenant, [upload.key]).get(upload.key, [])
        return any(version.content_sha256 == content for version in versions)

    def _finish(
        self,
        lake: Lake,
        uploads: list[Upload],
        objects: list[tuple[Upload, bytes]],
        outcomes: dict[str, UploadOutcome],
        rows: BatchRows,
        duration_ms: int,
    ) -> None:
        by_id = {u.upload_id: u for u in uploads}
        bad_rows = row_quarantine(self.tenant, self.record_type, rows.quarantined)
        bad_files = [
            file_quarantine(by_id[o.upload_id], o.reason or "", rows.rules)
            for o in outcomes.values()
            if o.state == "quarantined"
        ]
        write_quarantine(lake, by_id, {u.upload_id: data for u, data in objects}, outcomes, bad_rows)
        catalog = self.workspace.catalog
        lowered = lowered_marks(
            catalog, tenant=self.tenant, record_type=self.record_type, uploads=uploads, fetches=rows.fetches
        )
        marks = stale_marks(
            catalog,
            tenant=self.tenant,
            record_type=self.record_type,
            changed=pl.concat([rows.written.now, rows.deletions.rows.select(rows.written.now.columns)]),
            replaced=rows.written.before,
            seen=rows.seen,
            fetches=rows.fetches,
            lowered=lowered,
            first_day=self.workspace.policy.first_day,
        )
        catalog.settle(
            Settlement(
                run_id=self.run_id,
                outcomes=[
                    replace(o, duration_ms=duration_ms, content_sha256=self.contents.get(o.upload_id))
                    for o in outcomes.values()
                ],
                deltas=self._shifts(rows, by_id),
                deletions=rows.deletions.deleted,
                restored=rows.deletions.restored,
                quarantine_rows=[*bad_files, *bad_rows],
                partial_rows=partial_rows(self.tenant, self.record_type, rows.partial),
                zone_observations=zone_rows(self.tenant, rows.seen),
                fetches=[
                    FetchMark(
                        tenant=self.tenant, subject_id=s, kind=self.record_type.kind, latest_fetch_ms=epoch_ms(latest)
                    )
                    for s, latest in rows.fetches.iter_rows()
                ],
                fetches_lowered=[mark for mark, _ in lowered],
                stale_marks=marks,
            ),
            now=utc_now(),
        )
        unresolved = [u.upload_id for u in uploads if u.upload_id not in outcomes]
        catalog.uploads.release(unresolved)
        catalog.uploads.reland({*rows.folded.unavailable, *self._resolvable(rows.seen)} - set(by_id))
        self.result.unresolved += len(unresolved)
        self.result.stale_days += len({(m.kind, m.local_date) for m in marks})
        for outcome in outcomes.values():
            self.result.count(outcome, by_id[outcome.upload_id].size_bytes)
        for row in [*bad_files, *bad_rows]:
            self.result.reasons[row.reason] = self.result.reasons.get(row.reason, 0) + 1

    @staticmethod
    def _shifts(rows: BatchRows, of_batch: Collection[str]) -> dict[str, FateShift]:
        """Return what the batch changed in the rows of other uploads; what is presumed deleted is not accepted."""
        folded = {row["upload_id"]: row for row in rows.folded.shifts.to_dicts()}
        moved = {one for one in {*rows.deletions.before, *rows.deletions.after} if rows.deletions.shift(one)}
        none = dict.fromkeys(("accepted", "duplicate", "superseded"), 0)
        shifts = {}
        for upload_id in ({*folded, *moved}) - set(of_batch):
            by, deleted = folded.get(upload_id, none), rows.deletions.shift(upload_id)
            shifts[upload_id] = FateShift(
                accepted=by["accepted"] - deleted,
                duplicate=by["duplicate"],
                superseded=by["superseded"],
                presumed_deleted=deleted,
            )
        return shifts

    def _resolvable(self, seen: pl.DataFrame) -> set[str]:
        """Uploads whose waiting rows the evidence of this batch can place: they are read again."""
        people = seen.filter(pl.col("offset_seconds") != NO_OFFSET_SECONDS)["subject_id"].unique().to_list()
        return self.workspace.catalog.partials.waiting_uploads(self.tenant, people, lacking=ZONE)


def _missing(upload: Upload, detail: str | None) -> UploadOutcome:
    return UploadOutcome(upload_id=upload.upload_id, state="failed", reason="object_missing", detail=detail)
