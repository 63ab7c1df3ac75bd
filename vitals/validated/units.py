"""Values that are plausible only in another unit than their field's.

Belongs here: which values of a file are held as `unit_suspect`, and by what context: the plausible range of either unit, the
other values of their source in the file, decimals, and neighbours in time.
Does not belong here: converting them (a person decides), or values that are plausible in no unit (`rules`).

    majority     the source's median in the file is plausible only in the other unit: all its rows
    alone        the value is implausible in the field's unit and plausible in the other
    decimals     in both ranges, and written with decimals as its source does not write the field's unit
    neighbours   in both ranges, and only in the other unit near the readings just before and after

The last two never hold a value beside low readings: a fall is no slip. Only the file counts, not what was read before it: a
verdict must not depend on which file comes first.
"""

import numpy as np
import polars as pl

from vitals.record_types import OtherUnit
from vitals.validated.decoded_values import rounded

MIN_ROWS_FOR_UNIT = 3
"""Below this many rows of a source in a file, a median says nothing about its unit."""
NOISE = 1e-6
"""Float noise of a unit round trip: what is nearer to a whole number was one."""
SOURCE = ("file_index", "source_app")
NEAR_MS = 20 * 60_000
"""A reading so near bounds what the value can be: glucose moves by some mg/dL a minute at most."""
AROUND_MS = 60 * 60_000
LOW_NEIGHBOUR = 80.0
"""A reading under this within the hour makes a very low value credible."""
FIT = 0.35
"""How far, as a share, the value in the other unit may be from its neighbours."""
_CONVERSIONS = (1.8, 1.8016, 1.8018)
"""mg/dL in a tenth of a mmol/L as programs compute it."""
_CONVERTED_WITHIN = 0.03


def in_other_unit(
    name: str, column: str, other: OtherUnit, *, shared: tuple[float, float], bounds: tuple[float, float]
) -> pl.Expr:
    """Whether each value of a decoded frame is suspected to be in another unit.

    Args:
        name: the value's column in the decoded frame.
        column: the same in the validated table.
        other: what it looks like in the other unit.
        shared: plausible range in the field's own unit.
        bounds: the same by the tenant's own bounds: what a tenant takes in although it is not in `shared` is no slip.
    """
    low, high = bounds

    def judged(rows: pl.Series) -> pl.Series:
        frame = rows.struct.unnest().with_row_index("row")
        value = frame["value"]
        # Nearly every batch has no value that would be plausible in the other unit at all.
        if not value.is_between(other.low, other.high).any():
            return pl.repeat(value=False, n=frame.height, eager=True, dtype=pl.Boolean)
        plausible = rounded(pl.col("value"), column).is_between(low, high)
        frame = frame.with_columns(
            plausible=plausible, looks=pl.col("value").is_between(other.low, other.high).fill_null(value=False)
        )
        median = pl.col("value").median()
        majority = (
            (pl.len() >= MIN_ROWS_FOR_UNIT)
            & median.is_between(other.low, other.high)
            & ~rounded(median, column).is_between(low, high)
        ).over(SOURCE)
        alone = pl.col("looks") & ~pl.col("plausible")
        suspect = frame.select((majority | alone).fill_null(value=False)).to_series()
        in_both = pl.col("looks") & pl.col("plausible") & rounded(pl.col("value"), column).is_between(*shared)
        frame = frame.with_columns(in_both=in_both.fill_null(value=False))
        if other.factor is not None and frame["in_both"].any():
            found = _in_context(frame, other, other.factor)
            suspect = suspect.scatter(found, values=True) if len(found) else suspect
        return suspect

    return pl.struct(*SOURCE, "start_ms", value=pl.col(name).cast(pl.Float64)).map_batches(
        judged, return_dtype=pl.Boolean
    )


def _in_context(frame: pl.DataFrame, other: OtherUnit, factor: float) -> pl.Series:
    """Rows whose value is plausible in both units and, by its context, meant in the other."""
    sources = frame.filter("in_both").select(SOURCE).unique()
    rows = frame.join(sources, on=SOURCE, how="semi").sort(*SOURCE, "start_ms", "value", "row")
    # What is certainly in the field's unit.
    certain = pl.col("value").is_finite() & (pl.col("value") > other.high)
    fraction = (pl.col("value") - pl.col("value").round()).abs() > NOISE
    sides = {
        f"{side}_{part}": getattr(pl.when(certain).then(pl.col(column)), fill)().over(SOURCE)
        for side, fill in (("before", "forward_fill"), ("after", "backward_fill"))
        for part, column in (("value", "value"), ("ms", "start_ms"))
    }
    rows = rows.with_columns(
        **sides,
        certain=certain.sum().over(SOURCE),
        certain_with_fraction=(certain & fraction).sum().over(SOURCE),
        fraction=fraction,
    ).filter("in_both")

    def within(milliseconds: int) -> list[pl.Expr]:
        return [
            pl.when((pl.col(f"{side}_ms") - pl.col("start_ms")).abs() <= milliseconds).then(pl.col(f"{side}_value"))
            for side in ("before", "after")
        ]

    beside_low = (pl.min_horizontal(within(AROUND_MS)) < LOW_NEIGHBOUR).fill_null(value=False)
    nearby = pl.mean_horizontal(within(NEAR_MS))
    fits = ((pl.col("value") * factor - nearby).abs() <= FIT * nearby).fill_null(value=False)
    # Decimals tell nothing if the source writes them anyway, as programs do that convert; without another value, if a
    # conversion gives this one.
    telling = (
        pl.when(pl.col("certain") > 0)
        .then(pl.col("certain_with_fraction") == 0)
        .otherwise(~pl.col("value").map_batches(_is_converted, return_dtype=pl.Boolean))
    )
    suspect = ~beside_low & (fits | (pl.col("fraction") & telling))
    return rows.filter(suspect)["row"]


def _is_converted(values: pl.Series) -> pl.Series:
    """Whether a value is what a conversion makes of a mmol/L with one decimal."""
    numbers = values.to_numpy()
    steps = np.stack([numbers / step for step in _CONVERSIONS])
    return pl.Series((np.abs(steps - np.rint(steps)) < _CONVERTED_WITHIN).any(axis=0))
