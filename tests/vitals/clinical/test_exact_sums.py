import math
import statistics
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.clinical.exact_sums import exact_mean, exact_sd, exact_sd_of_whole_numbers, exact_sum

# Halves of 2^-8 and more: all their digits lie above 2^-60.
measured = st.floats(2.0**-8, 1e9) | st.floats(-1e9, -(2.0**-8)) | st.just(0.0)


def aggregated(values, aggregate):
    return pl.DataFrame({"x": values}, schema={"x": pl.Float64}).select(aggregate(pl.col("x"))).item()


@given(st.lists(measured, max_size=60))
def test_a_sum_is_the_correctly_rounded_one(values):
    assert aggregated(values, exact_sum) == math.fsum(values)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_no_order_changes_a_bit(values, chance):
    shuffled = chance.sample(values, len(values))
    for aggregate in (exact_sum, exact_mean, exact_sd):
        assert aggregated(values, aggregate) == aggregated(shuffled, aggregate)


@given(st.lists(measured, min_size=2, max_size=60))
def test_mean_and_deviation_are_those_of_the_values(values):
    assert aggregated(values, exact_mean) == math.fsum(values) / len(values)
    # The mean that deviations are from is rounded twice: it is off by some units in the last place of the largest value.
    rounding = 3 * math.ulp(max(map(abs, values)))
    expected = pytest.approx(statistics.stdev(map(Fraction, values)), rel=1e-9, abs=1e-9 + rounding)
    assert aggregated(values, exact_sd) == expected


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60))
def test_the_deviation_of_whole_numbers_is_that_of_the_values(values):
    found = pl.DataFrame({"x": values}).select(exact_sd_of_whole_numbers(pl.col("x"))).item()
    assert found == pytest.approx(statistics.stdev(values), rel=1e-15)


@pytest.mark.parametrize("value", [0.1, 36.6, 357_913_941.933_271_77])
def test_equal_values_deviate_by_no_more_than_rounding(value):
    assert aggregated([value] * 3, exact_sd) <= 3 * math.ulp(value)


def test_without_values_a_sum_is_zero_and_the_rest_is_missing():
    frame = pl.DataFrame({"g": [1, 1, 2], "x": [None, None, 2.5], "n": [None, None, 2]}).cast({"x": pl.Float64})
    x, n = pl.col("x"), pl.col("n")
    found = frame.group_by("g").agg(exact_sum(x), mean=exact_mean(x), sd=exact_sd(x), of=exact_sd_of_whole_numbers(n))
    assert sorted(found.rows()) == [(1, 0.0, None, None, None), (2, 2.5, 2.5, None, None)]


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_what_cannot_be_added_exactly_is_refused(value):
    with pytest.raises(pl.exceptions.InvalidOperationError):
        aggregated([1.0, value], exact_sum)
