"""Which source is believed: the order of sources, and the two totals that follow from it.

Belongs here: the order of a person's sources (CLINICAL.md G10), what the phone would show for that order (S1),
and which source's total is the one to state (S2). All of it is about sources, none about a kind.
Does not belong here: what a source can deliver (`source_capabilities`), how records are cut into local days
(`interval_totals`), or any metric.
"""

from collections.abc import Sequence

import polars as pl

PHONE = "PHONE"


def is_phone() -> pl.Expr:
    """Whether a record's `device_type` is PHONE; never null."""
    return pl.col("device_type").eq_missing(pl.lit(PHONE))


def device_of_source() -> pl.Expr:
    """Aggregation of a source's `device_type` to one value: PHONE only if every record of it says PHONE."""
    return pl.when(is_phone().all()).then(pl.lit(PHONE)).alias("device_type")


def rank_sources(frame: pl.DataFrame, *, keys: Sequence[str], priorities: pl.DataFrame, total: str) -> pl.DataFrame:
    """Order the candidates of each group, the one to believe first.

    The order is: explicit rank of the person's source, then body-worn before phone, then the larger total,
    then the app's name. Only PHONE is put back: a device of unknown type proves nothing, and the apps of rings
    and watches often leave the type out (CLINICAL.md section 5, "Default priority"; DATA_FACTS.md "Nulls").

    Args:
        frame: one row per candidate, with `subject_id`, `source_app`, `device_type`, the keys and the total.
        keys: columns of the group within which candidates compete, such as subject and local date.
        priorities: `context.PRIORITIES_SCHEMA`. A listed source comes before every unlisted one.
        total: column of the quantity that decides when nothing else does; more is better, null is least.

    Returns:
        The frame in its own order, with `source_rank` (Int32, from 1 within its group, no two alike).
    """
    ranked = frame.with_row_index("__row").join(
        priorities.select("subject_id", "source_app", pl.col("rank").alias("__explicit")),
        on=["subject_id", "source_app"],
        how="left",
        maintain_order="left",
    )
    order = ranked.select(*keys, "__row", "__explicit", "source_app", is_phone().alias("__phone"), __total=total).sort(
        *keys,
        "__explicit",
        "__phone",
        "__total",
        "source_app",
        "__row",
        descending=[False] * len(keys) + [False, False, True, False, False],
        nulls_last=True,
    )
    first = pl.struct(*keys) != pl.struct(*keys).shift(1)
    place = pl.int_range(pl.len())
    start = pl.when(first.fill_null(value=True)).then(place).forward_fill()
    order = order.select("__row", source_rank=(place - start + 1).cast(pl.Int32)).sort("__row")
    return ranked.drop("__row", "__explicit").with_columns(order["source_rank"])
