"""Decoded rows that passed the rules, in the columns of the validated table.

Belongs here: types, units and rounding on the way from the writer's fields to our columns, and the delivery
keys of each row.
Does not belong here: judgement (`rules`) or which revision wins (`revisions`).
"""

import polars as pl

from vitals.record_types import UTC_MS, RecordType
from vitals.validated.content_hash import content_hash
from vitals.validated.decoded_values import DECODED_NAMES
from vitals.validated.zone_offsets import offset_seconds

FILE_COLUMNS = pl.Schema(
    {
        "file_index": pl.UInt32(),
        "upload_id": pl.String(),
        "attempt": pl.Int32(),
        "subject_id": pl.String(),
        "source_key_sha256": pl.String(),
        "landing_day": pl.Date(),
        "file_quality": pl.Float64(),
    }
)
"""What is known of each file of a batch before its rows are read."""

PLAUSIBLE_SLEEP_HOURS = (0.5, 16.0)

_NOT_CONTENT = {
    *("fetched_utc", "source_key_sha256", "file_quality", "utc_date", "subject_id", "record_id", "dropped_items")
}
"""A later fetch of the same record, in whatever file, is the same content; what it lost is added (`_content_hash`)."""


def normalise(good: pl.DataFrame, files: pl.DataFrame, record_type: RecordType) -> pl.DataFrame:
    """Turn good decoded rows into validated rows.

    Args:
        good: rows of the decoded frame without a reason.
        files: FILE_COLUMNS, one row per file of the batch.

    Returns:
        `upload_id`, `attempt`, `row_index`, `landing_day`, the columns of the validated table and
        `content_hash`, one row per input row, in input order.
    """
    values = [_value(name, dtype) for name, dtype in record_type.value_columns.items()]
    frame = good.join(files, on="file_index", how="left", maintain_order="left").select(
        "upload_id",
        "attempt",
        pl.col("row_index").cast(pl.Int32),
        "landing_day",
        "subject_id",
        "record_id",
        "source_app",
        "device_type",
        "device_manufacturer",
        "device_model",
        pl.col("start_ms").cast(UTC_MS).alias("start_utc"),
        pl.col("end_ms").cast(UTC_MS).alias("end_utc"),
        offset_seconds(pl.col("start_zone")).alias("start_offset_seconds"),
        # The end of an instant is its start.
        offset_seconds(pl.col("start_zone" if record_type.instant else "end_zone")).alias("end_offset_seconds"),
        pl.col("modified_ms").cast(UTC_MS).alias("modified_utc"),
        "client_record_version",
        pl.col("fetched_ms").cast(UTC_MS).alias("fetched_utc"),
        "source_key_sha256",
        "file_quality",
        pl.col("start_ms").cast(UTC_MS).dt.date().alias("utc_date"),
        *values,
    )
    # In one piece: taking rows out of several pieces costs ten times as much, and every later stage takes some.
    return frame.with_columns(_content_hash(frame, record_type)).rechunk()


def _content_hash(frame: pl.DataFrame, record_type: RecordType) -> pl.Series:
    """Hash of what each row keeps, and of how many items it lost where it lost any.

    So a delivery that lost an item is another content than one that never had it, the same delivery again is the same,
    and a record that lost nothing has the hash that it had before items could be lost.
    """
    content = [c for c in record_type.columns if c not in _NOT_CONTENT]
    hashes = content_hash(frame, content)
    if "dropped_items" not in record_type.columns or frame["dropped_items"].null_count() == frame.height:
        return hashes
    rows = frame["dropped_items"].is_not_null().arg_true()
    return hashes.scatter(rows, content_hash(frame[rows], [*content, "dropped_items"]))


def _value(name: str, dtype: pl.DataType) -> pl.Expr:
    if name in DECODED_NAMES:
        return (pl.col(DECODED_NAMES[name]) + 0.5).floor().cast(dtype).alias(name)
    if name == "samples":
        item = pl.element().struct
        fields = pl.struct(item.field("time_ms").cast(UTC_MS).alias("time_utc"), item.field("bpm").cast(pl.Int32))
        return pl.col(name).list.eval(fields).cast(dtype).alias(name)
    if name == "stages":
        item = pl.element().struct
        fields = pl.struct(
            item.field("start_ms").cast(UTC_MS).alias("start_utc"),
            item.field("end_ms").cast(UTC_MS).alias("end_utc"),
            item.field("stage").cast(pl.String),
        )
        return pl.col(name).list.eval(fields).cast(dtype).alias(name)
    if name == "dropped_items":
        return pl.col("dropped").list.eval(pl.element().struct.field("items")).list.sum().cast(dtype).alias(name)
    if name == "duration_implausible":
        hours = (pl.col("end_ms") - pl.col("start_ms")) / 3_600_000
        return (~hours.is_between(*PLAUSIBLE_SLEEP_HOURS)).alias(name)
    return pl.col(name).cast(dtype)
