"""One record, one row: which delivery of a record is current, whatever the order of arrival.

Belongs here: the fold of deliveries. A delivery is one valid row of one upload, known by keys and a content
hash only. The state of the books and of the table is a pure function of the set of deliveries:

    current content   greatest (modified, client version, fetch, content hash) of the record's deliveries
    representative    the first delivery of that content: least (fetch, landing day, key, row)
    fates             representative = accepted; same content = duplicate; older content = superseded

Does not belong here: where deliveries are stored, or the values of a record.
"""

from dataclasses import dataclass

import polars as pl

from vitals.record_types import UTC_MS

DELIVERY_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "record_id": pl.String(),
        "content_hash": pl.Int64(),
        "modified_utc": UTC_MS,
        "client_record_version": pl.Int64(),
        "fetched_utc": UTC_MS,
        "landing_day": pl.Date(),
        "source_key_sha256": pl.String(),
        "upload_id": pl.String(),
        # Which attempt at the upload wrote the row; only the attempt the catalog settled is real.
        "attempt": pl.Int32(),
        "row_index": pl.Int32(),
        "file_quality": pl.Float64(),
        "utc_date": pl.Date(),
    }
)

RECORD_KEY = ["subject_id", "record_id"]
REVISION_ORDER = ["modified_utc", "client_record_version", "fetched_utc", "content_hash"]
DELIVERY_ORDER = ["fetched_utc", "landing_day", "source_key_sha256", "upload_id", "row_index"]

REVISION_SPAN_DAYS = 7
"""How far a revision may move a record in time and still be recognised as the same record.

Known deliveries are looked up around the dates of the incoming ones, so that a run costs the same however
long the history is. Exports re-read 24 hours; a week is ample.
"""


@dataclass(frozen=True)
class Folded:
    """What a batch changes.

    Attributes:
        fates: `upload_id`, `accepted`, `duplicate`, `superseded` of the incoming uploads, absolute.
        shifts: the same columns for other uploads, as differences; rows of zeros are left out.
        winners: per record whose current content or representative changed: the record key,
            `content_hash`, and the representative's `fetched_utc`, `source_key_sha256`, `file_quality`,
            `utc_date`.
        removed: record keys that no longer have any delivery, or whose row may stand in another partition.
        unavailable: uploads whose rows hold a current content that is neither stored nor incoming; they
            must be read again.
    """

    fates: pl.DataFrame
    shifts: pl.DataFrame
    winners: pl.DataFrame
    removed: pl.DataFrame
    unavailable: list[str]


def current(deliveries: pl.DataFrame) -> pl.DataFrame:
    """The representative delivery of each record's current content (DELIVERY_SCHEMA, one row per record)."""
    return _ranked(deliveries).filter(pl.col("fate") == "accepted").drop("fate")


def _ranked(deliveries: pl.DataFrame) -> pl.DataFrame:
    """Deliveries with their fate."""
    winner = (
        deliveries.sort(REVISION_ORDER)
        .group_by(RECORD_KEY, maintain_order=True)
        .agg(current_hash=pl.col("content_hash").last())
    )
    frame = deliveries.join(winner, on=RECORD_KEY, how="left").with_columns(
        is_current=pl.col("content_hash") == pl.col("current_hash")
    )
    first = (
        frame.filter("is_current")
        .sort(DELIVERY_ORDER)
        .unique(RECORD_KEY, keep="first", maintain_order=True)
        .select("upload_id", "attempt", "row_index", represents=pl.lit(value=True))
    )
    fate = (
        pl.when(pl.col("represents"))
        .then(pl.lit("accepted"))
        .when(pl.col("is_current"))
        .then(pl.lit("duplicate"))
        .otherwise(pl.lit("superseded"))
    )
    return (
        frame.join(first, on=["upload_id", "attempt", "row_index"], how="left")
        .with_columns(fate=fate)
        .drop("current_hash", "is_current", "represents")
    )


def _counts(ranked: pl.DataFrame) -> pl.DataFrame:
    return ranked.group_by("upload_id").agg(
        pl.col("fate").eq(fate).sum().cast(pl.Int64).alias(fate) for fate in ("accepted", "duplicate", "superseded")
    )


def fold(*, known: pl.DataFrame, incoming: pl.DataFrame, upload_ids: list[str]) -> Folded:
    """Fold a batch of deliveries into the known ones.

    Args:
        known: settled deliveries of the incoming records and of the records that earlier, settled attempts
            at the same uploads delivered (DELIVERY_SCHEMA).
        incoming: deliveries of this batch.
        upload_ids: the uploads of this batch; what they delivered before is replaced.

    Returns:
        What changes. Folding the same batch again changes nothing.
    """
    mine = pl.col("upload_id").is_in(upload_ids)
    before = _ranked(known)
    after = _ranked(pl.concat([known.filter(~mine), incoming]))
    fates = (
        pl.DataFrame({"upload_id": upload_ids}, schema={"upload_id": pl.String})
        .join(_counts(after), on="upload_id", how="left")
        .with_columns(pl.col("accepted", "duplicate", "superseded").fill_null(0))
        .sort("upload_id")
    )
    fate_columns = ["accepted", "duplicate", "superseded"]
    shifts = (
        pl.concat([_counts(after), _counts(before).with_columns(-pl.col(fate_columns))])
        .filter(~mine)
        .group_by("upload_id")
        .agg(pl.col(fate_columns).sum())
        .filter(pl.any_horizontal(pl.col(fate_columns) != 0))
        .sort("upload_id")
    )
    keep = [*RECORD_KEY, "content_hash", "fetched_utc", "source_key_sha256", "file_quality", "utc_date"]
    was = before.filter(pl.col("fate") == "accepted").select(keep)
    now = after.filter(pl.col("fate") == "accepted").select(keep)
    winners = _changed(now, was)
    removed = was.join(now, on=RECORD_KEY, how="anti").select(RECORD_KEY).sort(RECORD_KEY)
    # Deliveries that are only added make either a stored or an incoming content current; it takes the removal of
    # some to bring back a content that is neither.
    unavailable = [] if known.filter(mine).is_empty() else _unavailable(winners, was, after, incoming)
    return Folded(fates=fates, shifts=shifts, winners=winners, removed=removed, unavailable=unavailable)


def _changed(now: pl.DataFrame, was: pl.DataFrame) -> pl.DataFrame:
    """Rows of `now` that `was` does not hold exactly so."""
    if was.is_empty():
        return now
    values = [c for c in now.columns if c not in RECORD_KEY]
    both = now.join(was.with_columns(stood=pl.lit(value=True)), on=RECORD_KEY, how="left", suffix="_was")
    same = pl.all_horizontal("stood", *(pl.col(c).eq_missing(pl.col(f"{c}_was")) for c in values))
    return both.filter(~same.fill_null(value=False)).select(now.columns)


def _unavailable(winners: pl.DataFrame, was: pl.DataFrame, after: pl.DataFrame, incoming: pl.DataFrame) -> list[str]:
    """Uploads that hold a current content which is neither stored nor incoming."""
    content = [*RECORD_KEY, "content_hash"]
    lost = winners.join(was, on=content, how="anti").join(incoming, on=content, how="anti")
    return after.join(lost, on=content, how="semi").get_column("upload_id").unique().sort().to_list()
