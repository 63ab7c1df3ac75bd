"""One record, one row: which delivery of a record is current, whatever the order of arrival.

Belongs here: the fold of deliveries. A delivery is one valid row of one upload, known by keys and a content
hash only. The state of the books and of the table is a pure function of the set of deliveries:

    current content   greatest (modified, client version, fetch, content hash) of the record's deliveries
    representative    the first delivery of that content: least (fetch, landing day, key, row)
    fates             representative = accepted; same content = duplicate; older content = superseded

Does not belong here: where deliveries are stored, or the values of a record.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.record_types import UTC_MS
from vitals.validated.runs import runs

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

_FATES = ("accepted", "duplicate", "superseded")
_ACCEPTED, _DUPLICATE, _SUPERSEDED = range(3)
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Folded:
    """What a batch changes.

    Attributes:
        fates: `upload_id`, `accepted`, `duplicate`, `superseded` of the incoming uploads, absolute.
        shifts: the same columns for other uploads, as differences; rows of zeros are left out.
        winners: per record whose current content or representative changed: the record key,
            `content_hash`, the representative's `fetched_utc`, `source_key_sha256`, `file_quality`, `utc_date`,
            and `incoming_row`, the first row of the batch with that content (null: it holds none).
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
    return deliveries.filter(_ranked(deliveries, batch_from=0).fates == _ACCEPTED)


@dataclass(frozen=True)
class _Ranked:
    """Arrays with one item per delivery.

    Attributes:
        fates: fate as a number (`_FATES`).
        carriers: of an accepted delivery, the first delivery of the same content in this batch, or -1.
    """

    fates: NDArray[np.uint8]
    carriers: _Ints


def _ranked(deliveries: pl.DataFrame, *, batch_from: int) -> _Ranked:
    """Rank deliveries; those from row `batch_from` on are of this batch.

    Most records of a batch have one delivery, which needs no order; only the others are grouped and compared.
    """
    rows = np.arange(deliveries.height)
    ranked = _Ranked(np.zeros(len(rows), dtype=np.uint8), np.where(rows >= batch_from, rows, -1))
    # Equal keys have equal hashes, so a hash that occurs once is a record that occurs once. A collision only
    # sends two records the long way round.
    hashes = deliveries.select(pl.struct(RECORD_KEY).hash()).to_series()
    if hashes.n_unique() < len(hashes):
        _rank_shared(deliveries, np.flatnonzero(hashes.is_duplicated().to_numpy()), ranked, batch_from=batch_from)
    return ranked


def _rank_shared(deliveries: pl.DataFrame, rows: _Ints, ranked: _Ranked, *, batch_from: int) -> None:
    """Rank the deliveries in some rows, all those of their records, into `ranked`."""
    grouped = deliveries.select(RECORD_KEY)[rows].with_columns(row=rows).group_by(RECORD_KEY).agg("row")["row"]
    record = np.repeat(np.arange(len(grouped)), grouped.list.len().to_numpy())
    row = grouped.explode().to_numpy()
    latest = _extreme(deliveries, row, record, REVISION_ORDER, np.maximum)
    content = deliveries["content_hash"].to_numpy()
    is_current = content[row] == content[latest][record]
    ranked.fates[row] = np.where(is_current, _DUPLICATE, _SUPERSEDED)
    row, record = row[is_current], record[is_current]
    first = _extreme(deliveries, row, record, DELIVERY_ORDER, np.minimum)
    ranked.fates[first] = _ACCEPTED
    # Backwards, so that the first of several is what stays.
    in_batch = np.flatnonzero(row >= batch_from)[::-1]
    ranked.carriers[first] = -1
    ranked.carriers[first[record[in_batch]]] = row[in_batch]


def _extreme(deliveries: pl.DataFrame, row: _Ints, record: _Ints, order: list[str], extreme: np.ufunc) -> _Ints:
    """Row of each record that comes last (`np.maximum`) or first (`np.minimum`) in an order of columns.

    Args:
        row: numbers of the rows in question, record after record.
        record: number of the record of each, ascending from 0 without a gap.
        order: columns; a null comes before every value. Of full ties the first row holds.
    """
    for name in order:
        begins = np.flatnonzero(np.diff(record, prepend=-1))
        if len(begins) == len(row):
            break
        values = deliveries[name].gather(row)
        if values.dtype == pl.String or values.null_count():
            values = values.rank("dense").fill_null(0)
        numbers = values.to_physical().cast(pl.Int64).to_numpy()
        best = numbers == extreme.reduceat(numbers, begins)[record]
        row, record = row[best], record[best]
    return row[np.flatnonzero(np.diff(record, prepend=-1))]


def _counts(deliveries: pl.DataFrame, ranked: _Ranked) -> pl.DataFrame:
    # The rows of an upload mostly stand together: each run of them is counted at once.
    run, upload_ids = runs(deliveries["upload_id"])
    numbers = run.astype(np.int64) * len(_FATES) + ranked.fates
    counted = np.bincount(numbers, minlength=len(upload_ids) * len(_FATES)).reshape(-1, len(_FATES))
    return (
        pl.DataFrame(counted, schema=dict.fromkeys(_FATES, pl.Int64))
        .with_columns(upload_id=upload_ids)
        .group_by("upload_id")
        .agg(pl.col(_FATES).sum())
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
    others = known.filter(~mine)
    after = incoming if others.is_empty() else pl.concat([others, incoming])
    ranked_before = _ranked(known, batch_from=len(known))
    ranked = _ranked(after, batch_from=len(others))
    counts = _counts(after, ranked)
    fates = (
        pl.DataFrame({"upload_id": upload_ids}, schema={"upload_id": pl.String})
        .join(counts, on="upload_id", how="left")
        .with_columns(pl.col(_FATES).fill_null(0))
        .sort("upload_id")
    )
    shifts = (
        pl.concat([counts, _counts(known, ranked_before).with_columns(-pl.col(_FATES))])
        .filter(~mine)
        .group_by("upload_id")
        .agg(pl.col(_FATES).sum())
        .filter(pl.any_horizontal(pl.col(_FATES) != 0))
        .sort("upload_id")
    )
    keep = [*RECORD_KEY, "content_hash", "fetched_utc", "source_key_sha256", "file_quality", "utc_date"]
    was = known.select(keep).filter(ranked_before.fates == _ACCEPTED)
    carriers = pl.Series(np.where(ranked.carriers < 0, -1, ranked.carriers - len(others)))
    now = after.select(*keep, incoming_row=carriers.set(carriers < 0, None)).filter(ranked.fates == _ACCEPTED)
    winners = _changed(now, was)
    gone = was if was.is_empty() else was.join(now, on=RECORD_KEY, how="anti")
    removed = gone.select(RECORD_KEY).sort(RECORD_KEY)
    # Deliveries that are only added make either a stored or an incoming content current; it takes the removal of
    # some to bring back a content that is neither.
    unavailable = [] if known.filter(mine).is_empty() else _unavailable(winners, was, after, incoming)
    return Folded(fates=fates, shifts=shifts, winners=winners, removed=removed, unavailable=unavailable)


@dataclass(frozen=True)
class Reordered:
    """What changes when deliveries get other ids, by which those that came at once are told apart.

    Attributes:
        shifts: `upload_id` (the new one) and the differences of its fates; rows of zeros are left out.
        winners: the record keys of which another delivery is the representative now, and its `upload_id`,
            `fetched_utc`, `source_key_sha256`, `file_quality` and `utc_date`; `former_upload_id`: that of the former one.
    """

    shifts: pl.DataFrame
    winners: pl.DataFrame


def reordered(before: pl.DataFrame, after: pl.DataFrame) -> Reordered:
    """Compare the settled deliveries of a kind with the same rows, in the same order, under other ids.

    The ids decide nothing but which of several deliveries of one fetch, day and content is the first.
    """
    was, now = (_ranked(one, batch_from=one.height) for one in (before, after))
    shifts = (
        pl.concat([_counts(after, now), _counts(after, was).with_columns(-pl.col(_FATES))])
        .group_by("upload_id")
        .agg(pl.col(_FATES).sum())
        .filter(pl.any_horizontal(pl.col(_FATES) != 0))
        .sort("upload_id")
    )
    keep = [*RECORD_KEY, "upload_id", "fetched_utc", "source_key_sha256", "file_quality", "utc_date"]
    is_new = (now.fates == _ACCEPTED) & (was.fates != _ACCEPTED)
    is_former = (was.fates == _ACCEPTED) & (now.fates != _ACCEPTED)
    former = after.filter(pl.Series(is_former)).select(*RECORD_KEY, former_upload_id="upload_id")
    return Reordered(shifts=shifts, winners=after.select(keep).filter(pl.Series(is_new)).join(former, on=RECORD_KEY))


def _changed(now: pl.DataFrame, was: pl.DataFrame) -> pl.DataFrame:
    """Rows of `now` that `was` does not hold exactly so."""
    if was.is_empty():
        return now
    values = [c for c in was.columns if c not in RECORD_KEY]
    both = now.join(was.with_columns(stood=pl.lit(value=True)), on=RECORD_KEY, how="left", suffix="_was")
    same = pl.all_horizontal("stood", *(pl.col(c).eq_missing(pl.col(f"{c}_was")) for c in values))
    return both.filter(~same.fill_null(value=False)).select(now.columns)


def _unavailable(winners: pl.DataFrame, was: pl.DataFrame, after: pl.DataFrame, incoming: pl.DataFrame) -> list[str]:
    """Uploads that hold a current content which is neither stored nor incoming."""
    content = [*RECORD_KEY, "content_hash"]
    lost = winners.join(was, on=content, how="anti").join(incoming, on=content, how="anti")
    return after.join(lost, on=content, how="semi").get_column("upload_id").unique().sort().to_list()
