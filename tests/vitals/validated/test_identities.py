"""Where deliveries stand: equal identities have equal hashes for ever, others have others."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.validated.content_hash import identity_hash
from vitals.validated.identities import identities

texts = st.text(max_size=40)


def hashes(pairs):
    return identity_hash(
        pl.DataFrame(list(pairs), schema={"subject_id": pl.String, "record_id": pl.String}, orient="row")
    ).to_list()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["anna", "", "annab"]), texts), min_size=1, max_size=30))
def test_a_hash_depends_on_its_own_person_and_record_only(pairs):
    together = hashes(pairs)
    assert together == [hashes([pair])[0] for pair in pairs]
    assert len(set(together)) == len(set(pairs))


def test_ids_that_look_alike_have_different_hashes():
    ids = ["", "\0", "\0" * 7, "\0" * 8, "a", "a\0", "b", "12345678", "12345678\0", "87654321", "é", "e\u0301"]
    ids += ["1234567812345678", "12345678" * 3, "A", " a", "a ", "\U0001f634"]
    assert len(set(hashes([("anna", one) for one in ids]))) == len(ids)
    assert not set(hashes([("anna", one) for one in ids])) & set(hashes([("berta", one) for one in ids]))


def test_a_stored_hash_is_found_again_by_any_later_version():
    # Lakes hold these numbers: another hash would not find what was stored.
    found = hashes([("somebody", "oura:daily_steps_1"), ("somebody", ""), ("", "é" * 20)])
    assert found == [9169947759861215079, 9169907453656102498, -5426178380705399760]


def test_a_record_on_two_dates_has_two_rows_and_one_delivered_twice_has_one():
    days = [date(2025, 12, 31), date(2025, 12, 31), date(2021, 1, 1)]
    rows = identities(pl.DataFrame({"subject_id": "anna", "record_id": "r", "utc_date": days}))
    assert rows["utc_date"].to_list() == [date(2021, 1, 1), date(2025, 12, 31)]
    assert rows["utc_month"].to_list() == [date(2021, 1, 1), date(2025, 12, 1)]
    assert rows["identity_hash"].n_unique() == 1
