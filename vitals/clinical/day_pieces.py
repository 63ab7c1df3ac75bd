"""Records cut into local days.

Belongs here: which part of an interval belongs to which local day of its person (G5), journeys included.
Does not belong here: which record counts (`sources`), or what is made of the parts (`interval_totals`).
"""

import polars as pl

from vitals.clinical.devices import device_identity, device_type

DAY_MS = 24 * 3_600_000
BUCKET_MS = DAY_MS // 2
# Writers end a day at 23:59:59.999, at 23:59:59 or at midnight.
SHORT_END_MS = 1
TOUCH_MS = 1_000
KEYS = ("subject_id", "local_date")


def day_pieces(records: pl.DataFrame, days: pl.DataFrame, value: str) -> pl.DataFrame:
    """The part of each record in each local day it touches.

    A record whose ends have one wall date belongs to it whole, also where a journey moved the bounds of the day. So does
    one that ends on an earlier date than it began, which only a journey does: the first clock was in force until then.
    Others are cut at the bounds; where a date comes back (over the date line), two days overlap, and the cut is midnight
    of the record's own clock, or what lies in the overlap would count on both.

    A bucket (12 hours or more) that reaches into another day by more than a second `crosses`: how much of it belongs to
    which day is not known, so that its share of time may order sources but is no fact. By a second or less it only ends
    at midnight in its writer's way, and is whole.

    Args:
        records: validated columns of the kind with LOCAL_COLUMNS.
        days: `context.DAYS_SCHEMA` with `day`, their number.
        value: value column of the kind.

    Returns:
        One row per record and day: what identifies both, `from_ms` and `to_ms` (the part in the day), `start_ms`,
        `end_ms`, `modified_ms`, `value` (of the whole record), `is_bucket`, `crosses`.
    """
    base = records.select(
        *("subject_id", "source_app", "modified_utc", "offset_seconds", "end_offset_in_force_seconds"),
        *("source_key_sha256", "file_quality"),
        device_type(),
        device_identity(),
        first_date="local_date",
        last_date="end_local_date",
        start_ms=pl.col("start_utc").to_physical(),
        end_ms=pl.col("end_utc").to_physical(),
        modified_ms=pl.col("modified_utc").to_physical(),
        value=pl.col(value).cast(pl.Float64),
    )
    within = pl.col("first_date") >= pl.col("last_date")
    whole = base.filter(within).with_columns(local_date=pl.col("first_date"))
    crossing = base.filter(~within).with_columns(local_date=pl.date_ranges("first_date", "last_date"))
    on_days = pl.concat([whole, crossing.explode("local_date")]).join(_bounds(days), on=KEYS)
    midnight = pl.col("local_date").cast(pl.Datetime("ms")).to_physical() - 1_000 * pl.col("offset_seconds")
    is_first, is_last = (pl.col("local_date") == pl.col(name) for name in ("first_date", "last_date"))
    begins = pl.when("comes_back").then(pl.when(is_first).then("start_ms").otherwise(midnight)).otherwise("day_start")
    ends = pl.when("comes_back").then(pl.when(is_last).then("end_ms").otherwise(midnight + DAY_MS)).otherwise("day_end")
    inside = on_days.with_columns(
        from_ms=pl.when(within).then("start_ms").otherwise(pl.max_horizontal("start_ms", begins)),
        to_ms=pl.when(within).then("end_ms").otherwise(pl.min_horizontal("end_ms", ends)),
        is_bucket=pl.col("end_ms") - pl.col("start_ms") + SHORT_END_MS >= BUCKET_MS,
    )
    length = pl.col("to_ms") - pl.col("from_ms")
    outside = pl.col("end_ms") - pl.col("start_ms") - length
    least = pl.when("is_bucket").then(TOUCH_MS).otherwise(0)
    is_whole = pl.col("is_bucket") & (outside <= TOUCH_MS)
    return inside.filter(within | (length > least)).with_columns(
        from_ms=pl.when(is_whole).then("start_ms").otherwise("from_ms"),
        to_ms=pl.when(is_whole).then("end_ms").otherwise("to_ms"),
        crosses=pl.col("is_bucket") & (outside > TOUCH_MS),
    )


def _bounds(days: pl.DataFrame) -> pl.DataFrame:
    """First instant of each day and the first after it, and whether another date lies between them."""
    start, end = (pl.col(name).to_physical() for name in ("day_start_utc", "day_end_utc"))
    return days.select(
        "day",
        *KEYS,
        day_start=start,
        day_end=end,
        comes_back=end - start > pl.col("day_minutes") * 60_000 + SHORT_END_MS,
    )
