"""The validated table: exactly one row per record, the representative of its current content.

Belongs here: turning a fold into appends or partition rewrites.
Does not belong here: which delivery wins (`vitals.validated.revisions`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.lake.lake import Lake
from vitals.record_types import RecordType
from vitals.validated.revisions import RECORD_KEY, Folded

COMPACT_ABOVE_FILES = 24
"""A partition with more small files than this is rewritten on the next write to it."""

PROVENANCE = ["fetched_utc", "source_key_sha256", "file_quality"]


@dataclass(frozen=True)
class Written:
    """Rows of the validated table that a batch changed.

    Attributes:
        now: rows as they stand after the batch.
        before: rows they replaced, and rows that went away.
    """

    now: pl.DataFrame
    before: pl.DataFrame


def records_table(record_type: RecordType) -> str:
    """Name of the kind's table of current records."""
    return f"validated/{record_type.kind}"


def deliveries_table(record_type: RecordType) -> str:
    """Name of the kind's table of deliveries (keys and hashes, no values)."""
    return f"validated/{record_type.kind}_deliveries"


def read_records(lake: Lake, record_type: RecordType, dates: Iterable[date]) -> pl.LazyFrame:
    """Current records of the given UTC dates (columns of the validated table)."""
    return lake.scan(
        records_table(record_type), schema=pl.Schema(record_type.columns), partitions=("utc_date", list(dates))
    )


def record_count(lake: Lake, record_type: RecordType, *, without: Collection[str] = ()) -> int:
    """Number of current records of a kind, those of some people left out."""
    table = lake.scan(records_table(record_type), schema=pl.Schema(record_type.columns))
    if without:
        table = table.filter(~pl.col("subject_id").is_in(sorted(without)))
    return int(table.select(pl.len()).collect().item())


def write_records(
    lake: Lake,
    record_type: RecordType,
    *,
    rows: pl.DataFrame,
    folded: Folded,
    known: pl.DataFrame,
    distrusted: pl.DataFrame,
) -> Written:
    """Bring the validated table to what the fold says.

    Args:
        rows: normalised rows of the batch, by record, in the order in which they were folded.
        known: settled deliveries (they tell where a replaced row stands).
        distrusted: record key and `utc_date` of rows that an attempt wrote which was never settled: the table
            may or may not hold them.

    Returns:
        What changed. Nothing was appended twice even if an earlier attempt got as far as this.
    """
    carried = folded.winners.drop_nulls("incoming_row")
    # A record's values are those of a row of the batch with its content, its provenance the first delivery's.
    arrived = (
        rows[carried["incoming_row"]]
        .with_columns(carried[name] for name in PROVENANCE)
        .select(list(record_type.columns))
    )
    if not known.is_empty():
        arrived = arrived.sort(RECORD_KEY)
    keys = pl.concat([folded.winners.select(RECORD_KEY), folded.removed]).unique()
    where = pl.concat([known.select(*RECORD_KEY, "utc_date"), distrusted.select(*RECORD_KEY, "utc_date")])
    old_dates = where.join(keys, on=RECORD_KEY, how="semi").get_column("utc_date").unique().to_list()
    table = records_table(record_type)
    if arrived.is_empty() and not old_dates:
        return Written(now=arrived, before=arrived.clear())
    dates = sorted({*old_dates, *arrived.get_column("utc_date").to_list()})
    # One file per write and partition: comparing with the number of partitions finds the crowded ones.
    crowded = lake.files_in(table, partition_by="utc_date", values=dates) > COMPACT_ABOVE_FILES * len(dates)
    if not old_dates and not crowded:
        lake.append(table, arrived, partition_by="utc_date")
        return Written(now=arrived, before=arrived.clear())
    return _rewrite(lake, record_type, dates=dates, keys=keys, folded=folded, arrived=arrived)


def _rewrite(
    lake: Lake,
    record_type: RecordType,
    *,
    dates: list[date],
    keys: pl.DataFrame,
    folded: Folded,
    arrived: pl.DataFrame,
) -> Written:
    """Rewrite partitions one by one, so that memory is bounded by a day; a crash between two is healed by the retry."""
    before, again = [], []
    for day in dates:
        stored = read_records(lake, record_type, [day]).collect()
        replaced = stored.join(keys, on=RECORD_KEY, how="semi")
        before.append(replaced)
        # Same content, other representative, and nobody delivered the content again: keep the values.
        renamed = (
            replaced.drop(PROVENANCE)
            .join(folded.winners.select(*RECORD_KEY, *PROVENANCE), on=RECORD_KEY)
            .join(arrived, on=RECORD_KEY, how="anti")
            .unique(RECORD_KEY, keep="first")
            .select(stored.columns)
        )
        again.append(renamed)
        fresh = pl.concat(
            [stored.join(keys, on=RECORD_KEY, how="anti"), renamed, arrived.filter(pl.col("utc_date") == day)]
        )
        lake.replace(records_table(record_type), fresh.sort(RECORD_KEY), partition_by="utc_date", values=[day])
    return Written(now=pl.concat([arrived, *again]), before=pl.concat(before))
