"""Settling a batch: everything that processing some uploads changed, in one transaction.

Belongs here: the order of the writes and what makes a second settlement of the same batch harmless.
Does not belong here: how each table is written (its topic's module).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.deletions import replace_deletions
from resources.catalog.models import uploads as models
from resources.catalog.outcomes import lock_uploads, not_registered, write_outcomes
from resources.catalog.partials import replace_partials
from resources.catalog.quarantine import replace_quarantine
from resources.catalog.rows.days import FetchMark, StaleMark, ZoneObservation
from resources.catalog.rows.uploads import FateShift, PartialRow, PresumedDeletion, QuarantineRow, UploadOutcome
from resources.catalog.stale_days import mark_stale
from resources.catalog.subjects import lower_fetches, merge_fetches
from resources.catalog.zones import merge_zones
from vitals.errors import ConflictError, PermanentError


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What processing a batch of uploads changed.

    Attributes:
        run_id: the run that claimed the uploads.
        outcomes: what became of each upload of the batch; every one of them is claimed by the run.
        deltas: upload id to the rows of it whose fate changed. It may name any upload; one that was never
            settled is passed over, because its own settlement will count what is then in the lake.
        deletions: records that the list of presumed deletions gains, or holds with other evidence.
        restored: records that it loses.
        quarantine_rows: all rows of the batch that are in quarantine.
        partial_rows: all rows of the batch that wait for a person.
        zone_observations: zone evidence of the batch.
        fetches: fetches of the batch.
        fetches_lowered: marks of fetches that no upload supports, as they should be.
        stale_marks: days that the batch made stale.
    """

    run_id: str
    outcomes: Sequence[UploadOutcome]
    deltas: Mapping[str, FateShift] = field(default_factory=dict)
    deletions: Sequence[PresumedDeletion] = ()
    restored: Sequence[PresumedDeletion] = ()
    quarantine_rows: Sequence[QuarantineRow] = ()
    partial_rows: Sequence[PartialRow] = ()
    zone_observations: Sequence[ZoneObservation] = ()
    fetches: Sequence[FetchMark] = ()
    fetches_lowered: Sequence[FetchMark] = ()
    stale_marks: Sequence[StaleMark] = ()


def settle(database: CatalogDatabase, batch: Settlement, *, now: datetime) -> bool:
    """Settle a batch: all of it or nothing, and once, however often it is called. Whether it was settled now.

    A second settlement finds the uploads no longer in `processing` and leaves everything as it is; that also
    covers the connection that breaks after the commit and before its confirmation.

    Raises:
        NotFoundError: an upload of the batch is not registered.
        ConflictError: an upload of the batch is not claimed by this run.
        PermanentError: the books of an upload would not balance.
        TransientError: the database was out of reach.
    """
    _check(database, batch)
    upload_ids = [outcome.upload_id for outcome in batch.outcomes]

    def work(connection: Connection) -> bool:
        # Everything that will be updated is locked at once and in one order, or two batches could deadlock.
        locked = lock_uploads(connection, [*upload_ids, *batch.deltas])
        if not _is_claimed(database, batch, locked):
            return False
        write_outcomes(connection, batch.outcomes, now=now)
        shift_fates(connection, batch.deltas)
        replace_deletions(connection, deleted=batch.deletions, restored=batch.restored)
        replace_quarantine(connection, upload_ids, batch.quarantine_rows, now=now)
        replace_partials(connection, upload_ids, batch.partial_rows, now=now)
        merge_zones(connection, database, batch.zone_observations)
        lower_fetches(connection, batch.fetches_lowered)
        merge_fetches(connection, database, batch.fetches)
        mark_stale(connection, database, batch.stale_marks, now=now)
        return True

    return database.write("settle a batch", work)


def _check(database: CatalogDatabase, batch: Settlement) -> None:
    """Defects of the caller that no constraint of the database would see."""
    of_batch = {outcome.upload_id for outcome in batch.outcomes}
    rows = {row.upload_id for row in batch.quarantine_rows} | {row.upload_id for row in batch.partial_rows}
    unbalanced = any(s.accepted + s.duplicate + s.superseded + s.presumed_deleted for s in batch.deltas.values())
    unfinished = any(outcome.state in {"landed", "processing"} for outcome in batch.outcomes)
    for wrong, why in (
        (len(of_batch) < len(batch.outcomes), "an upload has two outcomes"),
        (rows - of_batch, "rows belong to an upload that has no outcome"),
        (unbalanced, "a shift of fates does not add up to zero"),
        (unfinished, "an outcome is not a final state"),
    ):
        if wrong:
            raise PermanentError("settle a batch", database.where, why, "This is a defect in the caller; report it.")


def _is_claimed(database: CatalogDatabase, batch: Settlement, locked: Mapping[str, tuple[str, str | None]]) -> bool:
    """Whether the batch is this run's to settle; False if this run has settled it already."""
    states = set()
    for outcome in batch.outcomes:
        if outcome.upload_id not in locked:
            raise not_registered(database)
        state, run_id = locked[outcome.upload_id]
        if run_id != batch.run_id or state == "landed":
            raise ConflictError(
                "settle a batch",
                f"run {batch.run_id}",
                f"an upload is {state} and not claimed by this run",
                "Nothing was changed; whoever claimed it will settle it.",
            )
        states.add(state == "processing")
    if states == {True, False}:
        raise ConflictError(
            "settle a batch",
            f"run {batch.run_id}",
            "a part of it has been settled before",
            "Nothing was changed; claim what is pending and process that.",
        )
    return states != {False}


def shift_fates(connection: Connection, deltas: Mapping[str, FateShift]) -> None:
    """Move rows of settled uploads from one fate to another, inside a transaction."""
    table = models.Upload
    shifts = [
        {
            "shifted": upload_id,
            "accepted": by.accepted,
            "duplicate": by.duplicate,
            "superseded": by.superseded,
            "presumed_deleted": by.presumed_deleted,
        }
        for upload_id, by in sorted(deltas.items())
        if by != FateShift()
    ]
    if shifts:
        connection.execute(
            update(table)
            .where(table.upload_id == bindparam("shifted"), table.settled_attempt.is_not(None))
            .values(
                rows_accepted=table.rows_accepted + bindparam("accepted"),
                rows_duplicate=table.rows_duplicate + bindparam("duplicate"),
                rows_superseded=table.rows_superseded + bindparam("superseded"),
                rows_presumed_deleted=table.rows_presumed_deleted + bindparam("presumed_deleted"),
                # An upload is a duplicate if all its rows are, whatever the order in which it came to be so.
                state=case(
                    ((table.state != "processed") & (table.state != "duplicate"), table.state),
                    (table.rows_duplicate + bindparam("duplicate") == table.rows_total, "duplicate"),
                    else_="processed",
                ),
            ),
            shifts,
        )
