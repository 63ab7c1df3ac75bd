"""Numbers that people read are rounded half up, and parts of a whole add up."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vitals.training.rounding import round_half_up, round_parts, round_series, write_rounded

HALVES = [
    (0.5, 0, "1"),
    (1.5, 0, "2"),
    (2.5, 0, "3"),
    (-2.5, 0, "-3"),
    (-0.4, 0, "0"),
    (0.125, 2, "0.13"),
    (0.145, 2, "0.15"),
    (1.005, 2, "1.01"),
    (2.675, 2, "2.68"),
    (8.345, 2, "8.35"),
    (0.05, 1, "0.1"),
    (0.25, 1, "0.3"),
    (999.5, 0, "1,000"),
    (1234567.5, 0, "1,234,568"),
    (12345678901234.0, 0, "12,345,678,901,234"),
    (0.1 + 0.2 + 0.15 + 0.05, 0, "1"),
    (118.495, 2, "118.50"),
    (99.995, 2, "100.00"),
    (3.0, 2, "3.00"),
]
DECIMALS = st.integers(0, 4)


@pytest.mark.parametrize(("value", "places", "written"), HALVES)
def test_a_half_is_rounded_away_from_zero(value: float, places: int, written: str) -> None:
    assert write_rounded(value, places) == written
    assert round_half_up(value, places) == float(written.replace(",", ""))


@given(st.integers(-(10**9), 10**9), DECIMALS, DECIMALS)
def test_a_decimal_number_is_rounded_as_by_hand(units: int, places: int, decimals: int) -> None:
    value = Fraction(units, 10**decimals)
    scaled = abs(value) * 10**places
    by_hand = Fraction(int(scaled + Fraction(1, 2)), 10**places) * (1 if value >= 0 else -1)
    assert round_half_up(units / 10**decimals, places) == float(by_hand)


@example([1000000.03334786], 4)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e7, 1e7), st.integers(-(10**8), 10**8).map(lambda n: n / 1000))), DECIMALS
)
def test_a_column_is_rounded_like_its_values(values: list[float | None], places: int) -> None:
    one_by_one = [None if value is None else round_half_up(value, places) for value in values]
    assert round_series(pl.Series(values, dtype=pl.Float64), places).to_list() == one_by_one


@given(st.lists(st.integers(0, 200_000).map(lambda n: n / 100), min_size=1, max_size=8), st.integers(0, 1))
def test_parts_add_up_to_the_whole_as_shown(parts: list[float], places: int) -> None:
    total = sum(parts)
    shown = round_parts(parts, total=total, places=places)
    step = 10.0**-places
    assert sum(round(part / step) for part in shown) == round(round_half_up(total, places) / step)
    assert all(abs(part - value) < step for part, value in zip(shown, parts, strict=True))
    # A part that needs no rounding is shown as it is.
    assert all(part == value for part, value in zip(shown, parts, strict=True) if value == round_half_up(value, places))


@pytest.mark.parametrize(
    ("parts", "total", "shown"),
    [
        ([33.333, 33.333, 33.334], 100.0, [33, 33, 34]),
        ([12.5, 12.5, 75.0], 100.0, [13, 12, 75]),
        ([0.4, 0.4, 99.2], 100.0, [1, 0, 99]),
        ([233.5, 80.5, 95.0], 409.0, [234, 80, 95]),
        ([0.0, 0.0], 0.0, [0, 0]),
    ],
)
def test_what_is_missing_goes_to_the_largest_remainder(parts: list[float], total: float, shown: list[int]) -> None:
    assert round_parts(parts, total=total) == shown


@pytest.mark.parametrize(("parts", "total"), [([-1.0, 2.0], 1.0), ([1.0, 1.0], 5.0), ([9.0, 9.0], 10.0)])
def test_parts_that_do_not_make_the_whole_are_refused(parts: list[float], total: float) -> None:
    with pytest.raises(ValueError, match="add up"):
        round_parts(parts, total=total)
