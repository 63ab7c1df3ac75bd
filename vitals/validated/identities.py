"""Where the deliveries of a record stand, however far its revisions lie apart in time.

Belongs here: the rows of the identity index, a table beside the deliveries: per record and UTC date on which a
delivery of it stands, one row or several equal ones. A row too many costs a look at a date where nothing is found;
a row too few would make two records of one.
Does not belong here: reading and writing the index (`pipeline.validated.identity_index`), which delivery wins (`revisions`).
"""

import polars as pl

from vitals.validated.content_hash import identity_hash

IDENTITY_SCHEMA = pl.Schema(
    {
        # Named so for the sake of erasure, which looks for people by this column in every table.
        "subject_id": pl.String(),
        "identity_hash": pl.Int64(),
        "utc_date": pl.Date(),
        "utc_month": pl.Date(),
    }
)
"""`utc_month` is the first day of the date's month: the table is partitioned by it."""


SORTED_BY = ["identity_hash", "utc_date", "subject_id"]


def with_identity_hash(records: pl.DataFrame) -> pl.DataFrame:
    """Add `identity_hash` to rows with `subject_id` and `record_id`."""
    return records.with_columns(identity_hash(records))


def identities(deliveries: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the index that deliveries need (IDENTITY_SCHEMA), sorted so that one person's stand together.

    Args:
        deliveries: `subject_id`, `record_id` and `utc_date`.
    """
    return (
        with_identity_hash(deliveries.select("subject_id", "record_id", "utc_date"))
        .with_columns(utc_month=pl.col("utc_date").dt.month_start())
        .select(IDENTITY_SCHEMA.names())
        .unique()
        .sort(SORTED_BY)
    )
