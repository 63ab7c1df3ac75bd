"""The identity index of a kind: on which UTC dates deliveries of a record stand.

Belongs here: reading the index, adding to it, and building the months that it lacks.
Does not belong here: its rows (`vitals.validated.identities`), what a record's deliveries come to (`batch_rows`).

A record may come again under its id at any other time, years away, so its deliveries cannot be looked for around its
new time. The index is written before the deliveries: whatever a crash leaves, no delivery is in the lake that the
index does not know. It holds nothing that the deliveries do not say, so a month that it lacks altogether (a lake older
than the index, or a table that somebody deleted) is built again from them.
"""

from collections.abc import Collection
from datetime import date
from itertools import groupby

import polars as pl

from pipeline.validated.records_table import deliveries_table
from resources.lake.lake import Lake
from vitals.record_types import RecordType
from vitals.validated.identities import IDENTITY_SCHEMA, SORTED_BY, identities, with_identity_hash
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY

PARTITION = "utc_month"

COMPACT_ABOVE_FILES = 8
"""A month with more files than this is rewritten on the next write to it. Every run reads all months."""

PLACES_SCHEMA = pl.Schema({name: IDENTITY_SCHEMA[name] for name in ("identity_hash", "utc_date")})


def identities_table(record_type: RecordType) -> str:
    """Name of the kind's identity index."""
    return f"validated/{record_type.kind}_identities"


def locate(lake: Lake, record_type: RecordType, records: pl.DataFrame) -> pl.DataFrame:
    """Return where deliveries of records may stand, settled or not: rows of a complete index, read once.

    Args:
        records: RECORD_KEY of the records, repeated or not.

    Returns:
        PLACES_SCHEMA; seldom also rows of another record of the same hash.
    """
    hashes = with_identity_hash(records.select(RECORD_KEY)).get_column("identity_hash").unique()
    if hashes.is_empty():
        return pl.DataFrame(schema=PLACES_SCHEMA)
    found = pl.col("identity_hash")
    # The bounds are what parts of files are skipped by; those of one person's records are narrow.
    is_wanted = found.is_between(hashes.min(), hashes.max()) & found.is_in(hashes.implode())
    return lake.scan(identities_table(record_type), schema=PLACES_SCHEMA).filter(is_wanted).collect()


def deliveries_at(lake: Lake, record_type: RecordType, records: pl.DataFrame, dates: Collection[date]) -> pl.DataFrame:
    """Every delivery of records on some dates that is in the lake, settled or not (DELIVERY_SCHEMA).

    Args:
        records: RECORD_KEY of the records, repeated or not.
        dates: UTC dates, by `locate`.
    """
    if not dates:
        return pl.DataFrame(schema=DELIVERY_SCHEMA)
    wanted = records.select(RECORD_KEY).unique()
    return (
        lake.scan(deliveries_table(record_type), schema=DELIVERY_SCHEMA, partitions=("utc_date", dates))
        # By the id alone while files are read; the same id of somebody else is another record.
        .filter(pl.col("record_id").is_in(wanted["record_id"].implode()))
        .collect()
        .join(wanted, on=RECORD_KEY, how="semi", maintain_order="left")
    )


def deliveries_of(lake: Lake, record_type: RecordType, records: pl.DataFrame) -> pl.DataFrame:
    """Every delivery of records, also while the index lacks months: for readers, who may not build them."""
    dates = {*locate(lake, record_type, records)["utc_date"], *unindexed_dates(lake, record_type)}
    return deliveries_at(lake, record_type, records, dates)


def add_identities(lake: Lake, record_type: RecordType, deliveries: pl.DataFrame, places: pl.DataFrame) -> None:
    """Enter where deliveries will stand, before they are written. Doing it again adds nothing.

    Args:
        deliveries: DELIVERY_SCHEMA.
        places: where deliveries of the same records stand already, by `locate`.
    """
    new = identities(deliveries).join(places, on=["identity_hash", "utc_date"], how="anti")
    table, months = identities_table(record_type), new.get_column(PARTITION).unique().sort().to_list()
    crowded = [m for m in months if lake.files_in(table, partition_by=PARTITION, values=[m]) > COMPACT_ABOVE_FILES]
    if crowded:
        stored = lake.scan(table, schema=IDENTITY_SCHEMA, partitions=(PARTITION, crowded)).collect()
        rows = pl.concat([stored, new.filter(pl.col(PARTITION).is_in(crowded))]).unique().sort(SORTED_BY)
        lake.replace(table, rows, partition_by=PARTITION, values=crowded)
    lake.append(table, new.filter(~pl.col(PARTITION).is_in(crowded)), partition_by=PARTITION)


def unindexed_dates(lake: Lake, record_type: RecordType) -> list[date]:
    """UTC dates with deliveries whose month the index lacks."""
    dates = lake.partitions(deliveries_table(record_type), partition_by="utc_date")
    indexed = lake.partitions(identities_table(record_type), partition_by=PARTITION) if dates else set()
    return sorted(day for day in dates if day.replace(day=1) not in indexed)


def complete_index(lake: Lake, record_type: RecordType) -> None:
    """Build the months of the index that are not there although deliveries of them are.

    A month is built in one commit, and nothing is added to any before all are there: what is there, is whole.
    """
    for month, dates in groupby(unindexed_dates(lake, record_type), key=lambda day: day.replace(day=1)):
        found = lake.scan(
            deliveries_table(record_type), schema=DELIVERY_SCHEMA, partitions=("utc_date", list(dates))
        ).select("subject_id", "record_id", "utc_date")
        rows = identities(found.unique().collect())
        lake.replace(identities_table(record_type), rows, partition_by=PARTITION, values=[month])
