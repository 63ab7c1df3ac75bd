"""From decoded to validated columns: units, rounding, types, and a content hash that never changes."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.validated.decoded import FETCH, frame, row
from vitals.record_types import BLOOD_GLUCOSE, HEART_RATE, RECORD_TYPES, SLEEP, STEPS
from vitals.validated.content_hash import content_hash
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.rules import judge
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS, observations

FILES = pl.DataFrame([(0, "u", 1, "s", "k", date(2025, 9, 20), 1.0)], schema=FILE_COLUMNS, orient="row")


def validated(record_type, *rows) -> pl.DataFrame:
    return normalise(judge(frame(list(rows)), record_type).filter(pl.col("reason").is_null()), FILES, record_type)


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_every_kind_ends_in_exactly_the_columns_of_its_table(record_type):
    rows = validated(record_type, row(record_type))
    assert dict(rows.select(list(record_type.columns)).schema) == dict(record_type.columns)


@pytest.mark.parametrize(
    ("raw", "level"), [(88.99999999999999, 89), (151.00000000000003, 151), (70.5, 71), (69.49, 69)]
)
def test_float_noise_is_rounded_away_before_any_threshold(raw, level):
    assert validated(BLOOD_GLUCOSE, row(BLOOD_GLUCOSE, level_raw=raw))["level_mg_dl"].to_list() == [level]


@pytest.mark.parametrize(("hours", "flagged"), [(0.4, True), (0.5, False), (16, False), (16.1, True)])
def test_a_session_of_odd_length_is_kept_and_flagged(hours, flagged):
    start = FETCH - 40 * 3_600_000
    rows = validated(SLEEP, row(SLEEP, start_ms=start, end_ms=start + round(hours * 3_600_000), stages=[]))
    assert rows["duration_implausible"].to_list() == [flagged]


def test_the_fetch_that_brought_a_record_is_not_part_of_its_content():
    first = validated(STEPS, row(STEPS))["content_hash"][0]
    assert validated(STEPS, row(STEPS, fetched_ms=FETCH + 5))["content_hash"][0] == first
    assert validated(STEPS, row(STEPS, count=101))["content_hash"][0] != first
    assert validated(STEPS, row(STEPS, modified_ms=FETCH + 1))["content_hash"][0] != first


def test_the_content_hash_of_a_known_row_is_this_number_for_ever():
    # It is stored in the lake: another number would make every record look revised.
    assert content_hash(pl.DataFrame({"a": [1], "b": ["x"], "c": [0.5]}), ["a", "b", "c"]).to_list() == [
        HASH_OF_KNOWN_ROW
    ]


HASH_OF_KNOWN_ROW = 5_378_648_916_649_837_258

samples = st.lists(
    st.tuples(st.integers(0, 9), st.integers(30, 240)), min_size=1, max_size=5, unique_by=lambda sample: sample[0]
)


@given(samples, samples)
@settings(deadline=None, max_examples=60)
def test_two_lists_of_samples_hash_alike_exactly_if_they_are_alike(a, b):
    rows = [
        row(
            HEART_RATE,
            i,
            record_id="r",
            start_ms=FETCH - 9,
            end_ms=FETCH,
            modified_ms=FETCH,
            samples=[{"time_ms": FETCH + t, "bpm": v} for t, v in found],
        )
        for i, found in enumerate((a, b))
    ]
    left, right = validated(HEART_RATE, *rows)["content_hash"].to_list()
    assert (left == right) == (a == b)


def test_a_record_that_lost_a_sample_is_other_content_and_the_same_when_it_comes_again():
    whole = row(HEART_RATE, 0)
    spoilt = {**whole, "samples": [*whole["samples"], {"time_ms": whole["start_ms"] + 120_000, "bpm": 0}]}
    twice = {**whole, "samples": [*whole["samples"], whole["samples"][0]]}
    hashes = [validated(HEART_RATE, one)["content_hash"][0] for one in (whole, spoilt, spoilt, twice)]
    assert hashes[0] == hashes[3] != hashes[1] == hashes[2]
    assert validated(HEART_RATE, spoilt)["dropped_items"].to_list() == [1]
    assert validated(HEART_RATE, whole)["dropped_items"].to_list() == [None]
    assert validated(HEART_RATE, whole)["content_hash"].to_list() == [HASH_OF_A_WHOLE_RECORD]


HASH_OF_A_WHOLE_RECORD = 3_401_811_222_541_540_189
"""As it was before items could be lost."""


def test_a_hash_does_not_depend_on_the_rows_beside_it():
    rows = [row(HEART_RATE, i) for i in range(3)]
    together = validated(HEART_RATE, *rows)["content_hash"].to_list()
    assert together == [validated(HEART_RATE, one)["content_hash"][0] for one in rows]


def test_observations_hold_the_span_of_each_offset_and_the_days_without_one():
    rows = validated(
        STEPS,
        row(STEPS, 0),
        row(STEPS, 1),
        row(STEPS, 2, start_zone=None, end_zone=None),
    )
    seen = observations(rows)
    assert seen["offset_seconds"].to_list() == [-18_000, NO_OFFSET_SECONDS]
    spoken = seen.row(0, named=True)
    assert spoken["first_utc"].timestamp() * 1000 == FETCH - 3 * 3_600_000
    assert spoken["last_utc"].timestamp() * 1000 == FETCH - 3_600_000
