"""The hash of a record's content: equal contents are equal, and any difference of a value is one of the hash."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from vitals.validated.content_hash import content_hash


def hash_of(**columns: object) -> list[int]:
    frame = pl.DataFrame(columns)
    return content_hash(frame, frame.columns).to_list()


def test_values_that_differ_only_after_the_point_are_different_contents():
    assert len(set(hash_of(energy_kcal=[1.0, 1.2, 1.7, 1.75, None, 0.0]))) == 6


def test_zero_has_one_hash_whatever_its_sign():
    assert len(set(hash_of(rmssd_ms=[0.0, -0.0]))) == 1


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=20))
def test_equal_numbers_have_equal_hashes_and_others_do_not(numbers):
    hashes = content_hash(pl.DataFrame({"x": numbers}, schema={"x": pl.Float64}), ["x"]).to_list()
    assert len(set(hashes)) == len(set(numbers))
