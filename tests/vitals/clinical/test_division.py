import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from vitals.clinical.division import divided


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50), st.sampled_from([7, 1440, 60_000, 3_600_000]))
def test_a_quotient_does_not_depend_on_the_other_rows(numerators, divisor):
    frame = pl.DataFrame({"n": numerators})
    assert frame.select(divided(pl.col("n"), divisor))["n"].to_list() == [n / divisor for n in numerators]


def test_no_value_divided_is_no_value():
    frame = pl.DataFrame({"n": [None, 3]})
    assert frame.select(divided(pl.col("n"), 2))["n"].to_list() == [None, 1.5]


def test_a_quotient_does_not_depend_on_how_many_rows_its_divisor_was_taken_from():
    totals = pl.DataFrame({"person": ["a"] * 9, "n": [1.1 * i for i in range(9)]})
    one = pl.DataFrame({"person": ["a"], "kg": [71.3]})
    found = totals.join(one, on="person", how="left").select(divided(pl.col("n"), pl.col("kg")))["n"]
    assert found.to_list() == [n / 71.3 for n in totals["n"]]
