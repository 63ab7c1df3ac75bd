"""Rounding of every number that a person reads: half up, on the decimal number that is shown.

Belongs here: rounding a value, a column, and the parts of a whole; writing a rounded number.
Does not belong here: how many decimals a value is written with (`claims`), or the verifier's own rounding (`grounding`).

A value counts as the decimal number that its 12 significant digits spell, which is what prompts show: 0.145 is a half
of a hundredth (0.15) although its binary fraction lies just below. A half goes away from zero: 2.5 is 3, -2.5 is -3.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

import numpy as np
import polars as pl

# As many digits as any float has before its point, and the decimals.
_CONTEXT = Context(prec=340, rounding=ROUND_HALF_UP)
_STEPS = tuple(Decimal(1).scaleb(-places) for places in range(13))

_NEAR_A_HALF = 1e-6
"""How near to a half, in units of the last place, a number has to lie for its binary fraction to mislead."""


@lru_cache(maxsize=65536)
def _rounded(value: float, places: int) -> Decimal:
    # A whole number is exact whatever its size; of others, digits beyond the twelfth are noise of binary fractions.
    exact = Decimal(int(value)) if value == int(value) else Decimal(f"{value:.12g}")
    rounded = exact.quantize(_STEPS[places], context=_CONTEXT)
    return rounded.copy_abs() if rounded.is_zero() else rounded


def round_half_up(value: float, places: int = 0) -> float:
    """Return a number rounded half up to some decimals; never minus zero.

    Raises:
        ValueError, OverflowError: it is not a number, or infinite.
    """
    return float(_rounded(value, places))


def write_rounded(value: float, places: int = 0) -> str:
    """Write a number with exactly so many decimals, rounded half up, with a comma between thousands."""
    return f"{_rounded(value, places):,f}"


def round_series(values: pl.Series, places: int) -> pl.Series:
    """Return a Float64 series rounded as `round_half_up` does it; null and NaN stay."""
    scale = 10.0**places
    number = values.to_numpy()
    scaled = np.abs(number) * scale
    # NumPy divides; Polars would multiply by a reciprocal, and 19 tenths would not be 1.9.
    rounded = np.copysign(np.floor(scaled + 0.5), number) / scale + 0.0
    # A large number has fewer digits after the point among its twelve, so it is near to a half from farther off.
    digit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(number), 1e-300))) - 11) * scale
    is_near = np.abs(scaled - np.floor(scaled) - 0.5) <= _NEAR_A_HALF + digit
    for at in np.flatnonzero(is_near):
        rounded[at] = round_half_up(number[at], places)
    return pl.select(pl.when(values.is_not_null()).then(pl.Series(rounded))).to_series().rename(values.name)


def round_column(column: pl.Expr, places: int) -> pl.Expr:
    """Return an expression that rounds a Float64 column as `round_half_up` does it; null and NaN stay."""
    return column.map_batches(lambda values: round_series(values, places), return_dtype=pl.Float64, is_elementwise=True)


def round_parts(parts: Sequence[float], *, total: float, places: int = 0) -> list[float]:
    """Round the parts of a whole so that what is shown adds up to the whole as it is shown.

    Each part is cut to its decimals, and what is then missing of the rounded whole goes, one unit of the last place
    each, to the parts with the largest remainders; of equals to the larger part, then to the one that comes first.
    So no part is a unit or more away from its value.

    Args:
        parts: the parts, none negative.
        total: the whole; the parts add up to it but for noise.
        places: decimals of all of them.

    Raises:
        ValueError: a part is negative, or the parts do not add up to the whole.
    """
    step = _STEPS[places]
    exact = [Decimal(f"{part:.12g}") for part in parts]
    cut = [int(part / step) for part in exact]
    missing = int(_rounded(total, places) / step) - sum(cut)
    if min(exact, default=Decimal(0)) < 0 or not 0 <= missing <= len(parts):
        message = "the parts of a whole are not negative and add up to it"
        raise ValueError(message)
    order = sorted(range(len(parts)), key=lambda k: (cut[k] - exact[k] / step, -exact[k], k))
    for k in order[:missing]:
        cut[k] += 1
    return [float(units * step) for units in cut]
