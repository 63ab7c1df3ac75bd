"""The order of sources, the priority sweep (S1) and the choice of a total (S2)."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical.record_frames import PERSON, PHONE_APP, RING, WRIST, priorities
from tests.vitals.clinical.totals_oracle import priority_total_by_second
from vitals.clinical.context import PRIORITIES_SCHEMA
from vitals.clinical.sources import choose_total, priority_contributions, rank_sources

NONE = priorities()


def candidates(*rows: tuple[str, str | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(PERSON, app, device, device, total) for app, device, total in rows],
        schema={
            "subject_id": pl.String,
            "source_app": pl.String,
            "device_type": pl.String,
            "device": pl.String,
            "total": pl.Float64,
        },
        orient="row",
    )


def order(frame: pl.DataFrame, explicit: pl.DataFrame = NONE) -> list[str]:
    ranked = rank_sources(frame, keys=["subject_id"], priorities=explicit, total="total")
    assert ranked["source_app"].to_list() == frame["source_app"].to_list()
    return ranked.sort("source_rank")["source_app"].to_list()


def test_devices_of_one_app_are_ranked_like_apps() -> None:
    frame = candidates((WRIST, "PHONE", 9), (WRIST, "WATCH", 3), (WRIST, "RING", 4), (RING, "RING", 3.5))
    ranked = rank_sources(frame, keys=["subject_id"], priorities=NONE, total="total")
    assert ranked["source_rank"].to_list() == [4, 3, 1, 2]
    ranked = rank_sources(frame, keys=["subject_id"], priorities=priorities(WRIST), total="total")
    assert ranked["source_rank"].to_list() == [3, 2, 1, 4]


def test_an_explicit_order_comes_before_everything_else() -> None:
    frame = candidates((PHONE_APP, "PHONE", 1), (RING, "RING", 9), (WRIST, "WATCH", 5))
    assert order(frame, priorities(PHONE_APP, WRIST)) == [PHONE_APP, WRIST, RING]


def test_a_listed_source_comes_before_an_unlisted_one() -> None:
    assert order(candidates((RING, "RING", 9), (PHONE_APP, "PHONE", 1)), priorities(PHONE_APP)) == [PHONE_APP, RING]


def test_another_persons_order_does_not_matter() -> None:
    frame = candidates((RING, "RING", 9), (WRIST, "RING", 1))
    assert order(frame, priorities(WRIST, subject="person-b")) == [RING, WRIST]


@pytest.mark.parametrize("device", ["WATCH", "RING", "UNKNOWN", None])
def test_only_a_phone_is_put_behind_a_smaller_total(device: str | None) -> None:
    assert order(candidates((PHONE_APP, "PHONE", 9), (WRIST, device, 1))) == [WRIST, PHONE_APP]
    assert order(candidates((RING, "RING", 9), (WRIST, device, 1))) == [RING, WRIST]


def test_the_larger_total_comes_first_then_the_name_and_no_total_last() -> None:
    assert order(candidates(("b", None, 2), ("a", None, 2), ("c", None, 3), ("d", None, None))) == ["c", "a", "b", "d"]


def test_groups_are_ranked_apart() -> None:
    frame = candidates(("a", None, 1), ("b", None, 2), ("a", None, 2), ("b", None, 1)).with_columns(
        local_date=pl.Series([1, 1, 2, 2])
    )
    ranked = rank_sources(frame, keys=["subject_id", "local_date"], priorities=NONE, total="total")
    assert ranked["source_rank"].to_list() == [2, 1, 1, 2]


def test_no_candidates_have_no_ranks() -> None:
    ranked = rank_sources(candidates(), keys=["subject_id"], priorities=NONE, total="total")
    assert ranked.is_empty()
    assert ranked.schema["source_rank"] == pl.Int32


# --- S1 ---------------------------------------------------------------------------------------------------------

Piece = tuple[int, int, float, int, int]
"""start, end (seconds), value, rank, modified"""


def pieces(groups: list[list[Piece]], length: int) -> pl.DataFrame:
    rows = []
    for group, records in enumerate(groups):
        for start, end, value, rank, modified in records:
            rows.append(
                {
                    "group": group,
                    "from_ms": max(start, 0) * 1000,
                    "to_ms": min(end, length) * 1000,
                    "start_ms": start * 1000,
                    "end_ms": end * 1000,
                    "value": value,
                    "source_rank": rank,
                    "modified_ms": modified,
                }
            )
    schema = dict.fromkeys(("group", "from_ms", "to_ms", "start_ms", "end_ms"), pl.Int64) | {
        "value": pl.Float64,
        "source_rank": pl.Int32,
        "modified_ms": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def totals(groups: list[list[Piece]], length: int) -> list[float]:
    frame = pieces(groups, length)
    shares = frame.with_columns(priority_contributions(frame))
    return [shares.filter(pl.col("group") == group)["contribution"].sum() for group in range(len(groups))]


LENGTH = 60


def record() -> st.SearchStrategy[Piece]:
    # Starts before the group and ends after it, touching ends, zero lengths and full ties all occur.
    return (
        st.tuples(
            st.integers(-20, LENGTH - 1), st.integers(0, 40), st.integers(0, 9), st.integers(1, 3), st.integers(0, 2)
        )
        .map(lambda r: (r[0], max(r[0] + r[1], 0), float(r[2]), r[3], r[4]))
        .filter(lambda r: r[1] > 0 if r[0] < 0 else True)
    )


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(record(), max_size=8), min_size=1, max_size=3))
def test_the_sweep_agrees_with_a_walk_second_by_second(groups: list[list[Piece]]) -> None:
    expected = [priority_total_by_second(records, 0, LENGTH) for records in groups]
    assert totals(groups, LENGTH) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.lists(record(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_change_a_total(records: list[Piece], random: object) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert totals([shuffled], LENGTH) == pytest.approx(totals([records], LENGTH), abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.lists(record(), min_size=1, max_size=8))
def test_a_record_never_adds_more_than_its_share_of_time(records: list[Piece]) -> None:
    frame = pieces([records], LENGTH)
    shares = frame.with_columns(priority_contributions(frame))
    whole = (pl.col("end_ms") - pl.col("start_ms")).clip(lower_bound=1)
    part = (
        pl.when(pl.col("end_ms") > pl.col("start_ms")).then((pl.col("to_ms") - pl.col("from_ms")) / whole).otherwise(1)
    )
    assert shares.select((pl.col("contribution") <= pl.col("value") * part + 1e-9).all()).item()


def test_a_higher_source_counts_where_it_is_open_and_the_lower_one_elsewhere() -> None:
    bucket, walk = (0, 60, 60.0, 2, 0), (10, 20, 50.0, 1, 0)
    assert totals([[bucket, walk]], 60) == [pytest.approx(50 + 50)]
    assert totals([[(0, 60, 60.0, 1, 0), (10, 20, 50.0, 2, 0)]], 60) == [pytest.approx(60)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((0, 10, 1.0, 1, 5), (0, 10, 2.0, 1, 4)),
        ((5, 15, 1.0, 1, 5), (0, 15, 2.0, 1, 5)),
        ((0, 10, 3.0, 1, 5), (0, 10, 2.0, 1, 5)),
    ],
)
def test_of_one_rank_the_later_modified_then_later_started_then_larger_counts(first: Piece, second: Piece) -> None:
    start, end = max(first[0], second[0]), min(first[1], second[1])
    shared = first[2] * (end - start) / (first[1] - first[0])
    rest = second[2] * (start - second[0]) / (second[1] - second[0])
    assert totals([[first, second]], 60) == [pytest.approx(shared + rest)]


def test_records_of_one_rank_that_start_together_are_settled_by_the_later_end() -> None:
    assert totals([[(0, 10, 10.0, 1, 5), (0, 20, 40.0, 1, 5)]], 60) == [pytest.approx(40)]


def test_a_record_of_no_length_counts_once_and_only_where_nothing_comes_before_it() -> None:
    assert totals([[(5, 5, 7.0, 2, 0)]], 60) == [7]
    assert totals([[(5, 5, 7.0, 1, 0), (5, 5, 8.0, 1, 0)]], 60) == [8]
    assert totals([[(5, 5, 7.0, 1, 0), (0, 10, 10.0, 2, 0)]], 60) == [pytest.approx(17)]
    assert totals([[(5, 5, 7.0, 2, 0), (0, 10, 10.0, 1, 0)]], 60) == [pytest.approx(10)]
    assert totals([[(5, 5, 7.0, 2, 0), (0, 5, 10.0, 1, 0)]], 60) == [pytest.approx(10)]
    assert totals([[(5, 5, 7.0, 2, 0), (0, 4, 10.0, 1, 0)]], 60) == [pytest.approx(17)]


def test_ten_thousand_overlapping_day_long_records_count_as_one_day() -> None:
    records: list[Piece] = [(i, i + 80_000, 80_000.0, 1, 0) for i in range(10_000)]
    assert totals([records], 200_000) == [pytest.approx(89_999)]


def test_no_pieces_add_nothing() -> None:
    assert priority_contributions(pieces([], 60)).to_list() == []


# --- S2 ---------------------------------------------------------------------------------------------------------


def chosen(*rows: tuple[int, float, bool]) -> float:
    frame = pl.DataFrame(
        [(1, rank, total, partial) for rank, total, partial in rows],
        schema={"day": pl.Int64, "source_rank": pl.Int32, "total": pl.Float64, "partial": pl.Boolean},
        orient="row",
    )
    return choose_total(frame, keys=["day"])["total"].item()


def test_the_first_source_is_stated_even_if_another_counted_more() -> None:
    assert chosen((1, 10.0, False), (2, 20.0, False)) == 10
    assert chosen((2, 20.0, True), (1, 10.0, False)) == 10


def test_while_the_first_source_still_runs_the_largest_is_stated() -> None:
    assert chosen((1, 10.0, True), (2, 20.0, False), (3, 15.0, True)) == 20
    assert chosen((1, 30.0, True), (2, 20.0, False)) == 30
    assert chosen((1, 20.0, True), (2, 20.0, False)) == 20


def test_days_are_chosen_apart() -> None:
    frame = pl.DataFrame(
        {
            "day": [2, 1, 1, 2],
            "source_rank": [1, 1, 2, 2],
            "total": [1.0, 5.0, 6.0, 2.0],
            "partial": [True, False, False, False],
        }
    )
    assert choose_total(frame, keys=["day"])["total"].to_list() == [5, 2]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], [PHONE_APP, WRIST]),
        ([(PHONE_APP, None, 0)], [PHONE_APP, WRIST]),
        ([(WRIST, None, 0)], [WRIST, PHONE_APP]),
        ([(WRIST, "WATCH", 0)], [WRIST, PHONE_APP]),
        ([(WRIST, "RING", 0)], [PHONE_APP, WRIST]),
        ([(WRIST, "WATCH", -1), (PHONE_APP, None, 0)], [WRIST, PHONE_APP]),
        ([(WRIST, "WATCH", 3), (WRIST, None, 1), (PHONE_APP, None, 2)], [WRIST, PHONE_APP]),
        ([("com.other", None, 0)], [PHONE_APP, WRIST]),
    ],
)
def test_a_choice_of_a_device_holds_for_the_devices_of_its_type_only(said, expected) -> None:
    rows = [
        {"subject_id": PERSON, "source_app": app, "device_type": device, "rank": rank} for app, device, rank in said
    ]
    explicit = pl.DataFrame(rows, schema=PRIORITIES_SCHEMA)
    assert order(candidates((PHONE_APP, "WATCH", 9), (WRIST, "WATCH", 1)), explicit) == expected
