"""Local days by evidence: which zone is believed, and where a day begins and ends."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.clinical.local_day import (
    changed_spans,
    local_days,
    offset_timeline,
    with_local_time,
    zone_id,
)
from vitals.record_types import UTC_MS
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS, OBSERVATION_SCHEMA

H = 3600
NOBODY_KNOWS = pl.DataFrame(schema={"subject_id": pl.String, "known_until_utc": UTC_MS})


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, 9, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour, minutes=minute)


def evidence(*seen) -> pl.DataFrame:
    """(source, offset hours or None, first, last) of one person."""
    rows = [
        ("p", app, first.date(), NO_OFFSET_SECONDS if hours is None else round(hours * H), first, last)
        for app, hours, first, last in seen
    ]
    return pl.DataFrame(rows, schema=OBSERVATION_SCHEMA, orient="row")


def dates_of(observed: pl.DataFrame, *instants: datetime) -> list[date]:
    records = pl.DataFrame(
        {
            "subject_id": ["p"] * len(instants),
            "start_utc": list(instants),
            "end_utc": list(instants),
            "start_offset_seconds": [0] * len(instants),
            "end_offset_seconds": [0] * len(instants),
        },
        schema_overrides={"start_utc": UTC_MS, "end_utc": UTC_MS},
    )
    return with_local_time(records, offset_timeline(observed))["local_date"].to_list()


def test_a_z_reading_takes_the_offset_that_another_source_of_the_person_reports():
    seen = evidence(("cgm", 0, at(20, 2), at(20, 23)), ("phone", -5, at(20, 1), at(20, 22)))
    assert dates_of(seen, at(20, 4, 59), at(20, 5)) == [date(2025, 9, 19), date(2025, 9, 20)]


def test_z_is_believed_if_no_source_of_the_person_ever_reports_another_offset():
    assert dates_of(evidence(("cgm", 0, at(20, 2), at(20, 23))), at(20, 4)) == [date(2025, 9, 20)]


def test_before_the_first_observation_the_first_one_holds():
    assert dates_of(evidence(("phone", -5, at(20, 12), at(20, 13))), at(20, 3)) == [date(2025, 9, 19)]


def test_between_two_offsets_the_last_observation_at_or_before_the_instant_holds():
    seen = evidence(("phone", -5, at(20, 1), at(20, 4)), ("phone", 1, at(20, 23), at(20, 23, 30)))
    assert dates_of(seen, at(20, 22, 59), at(20, 23), at(20, 23, 1)) == [
        date(2025, 9, 20),
        date(2025, 9, 21),
        date(2025, 9, 21),
    ]


@pytest.mark.parametrize("summer_first", [True, False])
def test_the_order_of_summer_and_winter_does_not_matter_to_london(summer_first):
    days = (1, 20) if summer_first else (20, 1)
    summer, winter = days
    seen = evidence(("phone", 1, at(summer), at(summer, 23)), ("phone", 0, at(winter), at(winter, 23)))
    found = dates_of(seen, at(winter, 23, 30), at(summer, 22, 30))
    assert found == [at(winter).date(), at(summer).date()]


def test_winter_time_of_london_is_believed_because_the_phone_knows_summer_time():
    seen = evidence(("phone", 1, at(1), at(1, 23)), ("phone", 0, at(20), at(20, 23)))
    assert dates_of(seen, at(20, 23, 30)) == [date(2025, 9, 20)]


@pytest.mark.parametrize("home", [-5, 2 + 1 / H, 5.5, 14, -11, 0.5])
def test_z_of_a_source_that_also_writes_other_offsets_is_meant_however_far_those_are(home):
    seen = evidence(("phone", home, at(1), at(1, 23)), ("phone", 0, at(20), at(20, 23)))
    assert dates_of(seen, at(20, 0, 1), at(20, 23, 59)) == [date(2025, 9, 20), date(2025, 9, 20)]


def test_on_a_journey_to_london_and_back_z_holds_from_arrival_to_return():
    seen = evidence(
        ("phone", -5, at(1), at(9, 22)),
        *[("phone", 0, at(day, 8), at(day, 22)) for day in (10, 11, 12)],
        ("phone", -5, at(13, 15), at(20)),
        *[("cgm", 0, at(day), at(day, 23, 55)) for day in range(1, 21)],
    )
    late = [at(day, 2) for day in (9, 11, 12, 14)]
    assert dates_of(seen, *late) == [date(2025, 9, 8), date(2025, 9, 11), date(2025, 9, 12), date(2025, 9, 13)]


@pytest.mark.parametrize("sources", [("cgm",), ("cgm", "meter"), ("cgm", "meter", "scale")])
def test_sources_that_write_nothing_but_z_are_not_believed_against_one_that_knows(sources):
    quiet = [(app, 0, at(day), at(day, 23)) for app in sources for day in (18, 19, 20)]
    assert dates_of(evidence(*quiet, ("phone", -5, at(10), at(10, 2))), at(20, 3)) == [date(2025, 9, 19)]


def test_a_source_that_mixes_z_with_its_offset_day_by_day_is_not_believed_on_its_quiet_days_either():
    mixed = [("band", hours, at(day, 1), at(day, 22)) for day in (15, 16, 17) for hours in (-5, 0)]
    seen = evidence(*mixed, ("band", 0, at(20, 1), at(20, 22)), ("phone", -5, at(14), at(18)))
    assert dates_of(seen, at(20, 3)) == [date(2025, 9, 19)]


def test_a_day_on_which_another_source_lags_behind_does_not_spoil_the_journey():
    seen = evidence(
        ("phone", -5, at(9), at(9, 20)),
        *[("phone", 0, at(day, 1), at(day, 22)) for day in (10, 11, 12)],
        ("ring", -5, at(10, 3), at(10, 12)),
    )
    assert dates_of(seen, at(11, 2), at(12, 23)) == [date(2025, 9, 11), date(2025, 9, 12)]


def test_that_a_person_says_utc_of_a_record_does_not_contradict_a_source():
    seen = evidence(
        ("phone", -5, at(1), at(1, 5)), ("phone", 0, at(20), at(20, 22)), ("manual", 0, at(20, 3), at(20, 4))
    )
    assert dates_of(seen, at(20, 2), at(20, 21)) == [date(2025, 9, 20), date(2025, 9, 20)]


def test_z_written_while_another_source_writes_an_offset_is_not_believed():
    seen = evidence(("phone", 1, at(20), at(20, 23)), ("ring", 1, at(1), at(1, 2)), ("ring", 0, at(20, 3), at(20, 4)))
    assert dates_of(seen, at(20, 23, 30)) == [date(2025, 9, 21)]


def test_a_record_s_own_offset_counts_for_itself():
    records = pl.DataFrame(
        {
            "subject_id": ["p"],
            "start_utc": [at(20, 4)],
            "end_utc": [at(20, 4)],
            "start_offset_seconds": [-5 * H],
            "end_offset_seconds": [None],
        },
        schema_overrides={"start_utc": UTC_MS, "end_utc": UTC_MS, "end_offset_seconds": pl.Int32},
    )
    timeline = offset_timeline(evidence(("phone", 9, at(20, 1), at(20, 2))))
    found = with_local_time(records, timeline).row(0, named=True)
    assert (found["local_date"], found["end_local_date"]) == (date(2025, 9, 19), date(2025, 9, 20))


@pytest.mark.parametrize(
    ("before", "after", "minutes"),
    [(-5, -4, 1380), (-4, -5, 1500), (1, 1, 1440), (-5, 2, 1020), (5.5, 5.5, 1440)],
    ids=["clocks go forward", "clocks go back", "ordinary", "flight east", "half-hour zone"],
)
def test_a_local_day_is_as_long_as_its_wall_clock_says(before, after, minutes):
    seen = evidence(("phone", before, at(18), at(18, 20)), ("phone", after, at(20, 12), at(22)))
    days = local_days(
        offset_timeline(seen), first_date=date(2025, 9, 20), last_date=date(2025, 9, 20), known_until=NOBODY_KNOWS
    )
    assert days["day_minutes"].to_list() == [minutes]


offsets = st.sampled_from([-10, -5, -4, 0, 1, 2, 5.5, 9])


@given(st.lists(st.tuples(st.integers(0, 240), offsets), min_size=1, max_size=6), st.integers(0, 240))
@settings(deadline=None, max_examples=80)
def test_every_instant_lies_in_the_local_day_of_its_wall_date(points, hour):
    seen = evidence(*[("phone", hours, at(10, h), at(10, h)) for h, hours in points])
    timeline = offset_timeline(seen)
    instant = at(10, hour)
    [day] = dates_of(seen, instant)
    days = local_days(timeline, first_date=day, last_date=day, known_until=NOBODY_KNOWS).row(0, named=True)
    assert days["day_start_utc"] <= instant < days["day_end_utc"]


@given(st.lists(st.tuples(st.integers(0, 240), offsets), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_local_days_add_up_to_the_time_between_their_ends(points):
    timeline = offset_timeline(evidence(*[("phone", hours, at(10, h), at(10, h)) for h, hours in points]))
    days = local_days(timeline, first_date=date(2025, 9, 1), last_date=date(2025, 9, 30), known_until=NOBODY_KNOWS)
    span = days["day_end_utc"].max() - days["day_start_utc"].min()
    assert days["day_minutes"].sum() == pytest.approx(span.total_seconds() / 60)


@given(st.lists(st.tuples(st.integers(0, 240), offsets), min_size=2, max_size=6), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_where_two_timelines_agree_is_outside_the_changed_spans_and_nowhere_else(points, cut):
    rows = [("phone", hours, at(10, h), at(10, h)) for h, hours in points]
    before, after = offset_timeline(evidence(*rows[:cut])), offset_timeline(evidence(*rows))
    spans = changed_spans(before, after)
    probes = [at(1), *(at(9, 12) + timedelta(hours=h) for h in range(300))]
    old, new = (dates_offsets(t, probes) for t in (before, after))
    for probe, a, b in zip(probes, old, new, strict=True):
        inside = any(
            (s["from_utc"] is None or s["from_utc"] <= probe) and (s["to_utc"] is None or probe < s["to_utc"])
            for s in spans.to_dicts()
        )
        assert inside == (a != b)


def dates_offsets(timeline: pl.DataFrame, probes: list[datetime]) -> list[int]:
    records = pl.DataFrame(
        {
            "subject_id": ["p"] * len(probes),
            "start_utc": probes,
            "end_utc": probes,
            "start_offset_seconds": [None] * len(probes),
            "end_offset_seconds": [None] * len(probes),
        },
        schema_overrides={
            "start_utc": UTC_MS,
            "end_utc": UTC_MS,
            "start_offset_seconds": pl.Int32,
            "end_offset_seconds": pl.Int32,
        },
    )
    return with_local_time(records, timeline)["offset_seconds"].to_list()


def test_zone_ids_read_like_the_writers_own():
    found = pl.select(zone_id(pl.Series([-18_000, 20_700, 0]))).to_series().to_list()
    assert found == ["-05:00", "+05:45", "+00:00"]
