"""Which records are one sleep: a table of nights, days and shifts as people's apps write them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import sleep_oracle
from tests.vitals.clinical.sleep_cases import OURA, SAMSUNG, Session, at, context, numbered, sleep_records
from tests.vitals.clinical.sleep_strategies import people, pieces, zones
from tests.vitals.clinical.test_sleep import facts, one, reason
from vitals.clinical import sleep
from vitals.clinical.context import SleepGaps

UTC = [(0, 0)]
DAYS = (date(2025, 3, 26), date(2025, 4, 2))


def asleep(start: str, end: str, stage: str | None = "LIGHT", **fields: Any) -> Session:
    """A record of one stage; times are those of 2025-03-29 in UTC, from 21:00 of the evening before, or as named."""
    begin, finish = (at(text if len(text) > 5 else f"2025-03-29 {text}") for text in (start, end))
    if len(start) == 5 and start >= "21:00":
        begin, finish = begin - 86_400, finish - (86_400 if end > start else 0)
    stages = () if stage is None else ((begin, finish, stage),)
    return replace(Session(start=begin, end=finish, stages=stages), **fields)


def told(*sessions: Session, **fields: Any) -> dict[date, dict[str, Any]]:
    return facts(numbered(list(sessions)), UTC, days=DAYS, **fields)


def of_29(*sessions: Session, **fields: Any) -> tuple[Any, ...]:
    """Number of sleeps on the 29th, time asleep and length of the main one, start times of the naps."""
    row = told(*sessions, **fields)[date(2025, 3, 29)]
    return row["n_sessions"], row["tst"], row["tib"], [f"{nap['start_local']:%H:%M}" for nap in row["naps"]]


NIGHT_23_TO_7 = asleep("23:00", "07:00")

ONE_SLEEP: dict[str, tuple[Sequence[Session], tuple[Any, ...]]] = {
    "records that abut": ((asleep("23:00", "02:00"), asleep("02:00", "07:00")), (1, 480, 480, [])),
    "a gap of 55 min": ((asleep("23:00", "03:00"), asleep("03:55", "07:00")), (1, 425, 480, [])),
    "a gap of 119 min": ((asleep("22:00", "01:00"), asleep("02:59", "07:00")), (1, 421, 540, [])),
    "a gap over midnight": ((asleep("22:00", "23:50"), asleep("00:15", "07:00")), (1, 515, 540, [])),
    "four pieces": (
        (asleep("22:30", "23:30"), asleep("23:50", "01:30"), asleep("01:31", "04:00"), asleep("05:10", "07:00")),
        (1, 60 + 100 + 149 + 110, 510, []),
    ),
    "a fragment before the night": ((asleep("21:50", "21:56"), NIGHT_23_TO_7), (1, 486, 550, [])),
    "a fragment after the night": ((NIGHT_23_TO_7, asleep("07:40", "07:50")), (1, 490, 530, [])),
    "pieces that overlap a little": ((asleep("22:00", "02:00"), asleep("01:30", "06:00")), (1, 480, 480, [])),
    "14 min in the day": ((asleep("11:00", "13:00"), asleep("13:14", "15:30")), (1, 256, 270, [])),
    "a night that ends by day": ((asleep("04:00", "08:30"), asleep("09:45", "11:00")), (1, 345, 420, [])),
    "a session per stage, wake not written": (
        (
            asleep("23:00", "23:40"),
            asleep("23:40", "00:30", "DEEP"),
            asleep("00:52", "02:00", "REM"),
            asleep("02:00", "06:40"),
        ),
        (1, 40 + 50 + 68 + 280, 460, []),
    ),
    "a session per stage, wake written": (
        (
            asleep("22:45", "23:00", "AWAKE"),
            asleep("23:00", "02:00"),
            asleep("02:00", "02:20", "AWAKE"),
            asleep("02:20", "06:00", "REM"),
        ),
        (1, 400, 435, []),
    ),
    "the same night written twice": ((NIGHT_23_TO_7, asleep("23:10", "07:02")), (1, 480, 480, [])),
    "the stages beside the whole night without any": (
        (asleep("23:00", "07:00", None), asleep("23:05", "03:00", "DEEP"), asleep("03:00", "06:58")),
        (1, 473, 473, []),
    ),
}

SEVERAL_SLEEPS: dict[str, tuple[Sequence[Session], tuple[Any, ...]]] = {
    "a gap of 120 min": ((asleep("22:00", "01:00"), asleep("03:00", "07:00")), (2, 240, 240, ["22:00"])),
    "a gap of 121 min": ((asleep("22:00", "01:00"), asleep("03:01", "07:00")), (2, 239, 239, ["22:00"])),
    "16 min in the day": ((asleep("11:00", "13:00"), asleep("13:16", "16:30")), (2, 194, 194, ["11:00"])),
    "an afternoon nap": ((NIGHT_23_TO_7, asleep("14:00", "14:40")), (2, 480, 480, ["14:00"])),
    "naps at 13:00 and 17:00": (
        (NIGHT_23_TO_7, asleep("13:00", "13:30"), asleep("17:00", "17:20")),
        (3, 480, 480, ["13:00", "17:00"]),
    ),
    "a nap 80 min after another": (
        (NIGHT_23_TO_7, asleep("13:00", "13:30"), asleep("14:50", "15:10")),
        (3, 480, 480, ["13:00", "14:50"]),
    ),
    "a shift worker's two sleeps": ((asleep("08:00", "12:00"), asleep("14:00", "18:00")), (2, 240, 240, ["14:00"])),
    "a shift worker's two sleeps, nearer": (
        (asleep("08:00", "12:00"), asleep("13:00", "18:00")),
        (2, 300, 300, ["08:00"]),
    ),
    "two sleeps with 3 h between": ((asleep("21:30", "01:00"), asleep("04:00", "08:00")), (2, 240, 240, ["21:30"])),
    "an evening nap and a night of the next date": (
        (NIGHT_23_TO_7, asleep("18:00", "19:00")),
        (2, 480, 480, ["18:00"]),
    ),
    "3 h awake, written as such": (
        (asleep("21:30", "01:00"), asleep("01:00", "04:00", "AWAKE"), asleep("04:00", "08:00")),
        (2, 240, 240, ["21:30"]),
    ),
}

OTHER_SOURCES: dict[str, tuple[Sequence[Session], tuple[Any, ...]]] = {
    "a second app with a session per stage": (
        (
            asleep("23:00", "07:00", app=SAMSUNG),
            *(asleep(f"0{hour}:00", f"0{hour + 1}:00", "DEEP", app="com.c") for hour in range(6)),
        ),
        (1, 480, 480, []),
    ),
    "two apps that do not overlap": (
        (asleep("23:00", "03:00", app=SAMSUNG), asleep("03:20", "07:00", app=OURA)),
        (2, 240, 240, ["03:20"]),
    ),
    "two devices that contradict each other": (
        (asleep("22:00", "06:00", device="RING"), asleep("01:00", "10:00", device="WATCH")),
        (1, 540, 540, []),
    ),
    "two devices one after the other": (
        (asleep("22:00", "02:00", device="RING"), asleep("02:10", "07:00", device="WATCH")),
        (2, 290, 290, ["22:00"]),
    ),
    "a device that is not told in one record": (
        (asleep("22:00", "02:00", device=None), asleep("02:10", "07:00", device="UNKNOWN")),
        (1, 530, 540, []),
    ),
}


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        pytest.param(*case, id=name)
        for table in (ONE_SLEEP, SEVERAL_SLEEPS, OTHER_SOURCES)
        for name, case in table.items()
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_pieces_of_one_sleep_are_joined_and_sleeps_are_not(sessions, expected, *, backwards) -> None:
    assert of_29(*(reversed(sessions) if backwards else sessions)) == expected


def test_the_date_of_a_sleep_is_that_of_the_end_of_the_whole() -> None:
    rows = told(asleep("2025-03-28 22:00", "2025-03-28 23:50"), asleep("2025-03-29 00:15", "2025-03-29 07:00"))
    assert rows.keys() == {date(2025, 3, 29)}
    assert rows[date(2025, 3, 29)]["records"] == 2


def test_a_gap_below_an_hour_is_awake_and_any_other_is_not_scored() -> None:
    short = told(asleep("23:00", "03:00"), asleep("03:59", "07:00"))[date(2025, 3, 29)]
    assert (short["waso"], short["unscored"], short["awakenings_ge5"], short["se"]) == (
        59,
        0,
        1,
        pytest.approx(100 * 421 / 480),
    )
    assert (short["session_records"], short["between_awake_minutes"], short["between_unscored_minutes"]) == (2, 59, 0)
    assert [(s["stage"], f"{s['start_local']:%H:%M}") for s in short["stages"]] == [
        ("LIGHT", "23:00"),
        ("AWAKE", "03:00"),
        ("LIGHT", "03:59"),
    ]
    long = told(asleep("23:00", "03:00"), asleep("04:00", "07:00"))[date(2025, 3, 29)]
    assert (long["between_awake_minutes"], long["between_unscored_minutes"], long["unscored"]) == (0, 60, 60)
    # The records are fully scored: time asleep is known, time awake is not.
    assert (long["tst"], long["waso"], long["se"], long["coverage_percent"]) == (420, None, None, 87.5)
    assert reason(long, "waso") == "more than 10 % of the session is unscored"


def test_a_record_without_stages_among_others_is_not_scored() -> None:
    row = told(asleep("23:00", "23:20", None), asleep("23:20", "07:00"))[date(2025, 3, 29)]
    assert (row["tst"], row["unscored"], row["tib"]) == (460, 20, 480)
    row = told(asleep("23:00", "01:00", None), asleep("01:00", "07:00"))[date(2025, 3, 29)]
    assert (row["tst"], row["unscored"], row["tib"]) == (None, 120, 480)


def test_records_without_any_stage_state_the_length_of_the_whole() -> None:
    row = told(asleep("23:00", "03:00", None), asleep("03:30", "07:00", None))[date(2025, 3, 29)]
    assert (row["n_sessions"], row["tib"], row["tst"], row["unscored"]) == (1, 480, None, 480)
    assert row["stages"] is None
    assert row["between_awake_minutes"] == 30


@pytest.mark.parametrize(
    ("alone", "is_main"),
    [
        (asleep("02:00", "02:20"), False),
        (asleep("02:00", "02:29"), False),
        (asleep("02:00", "02:30"), True),
        (asleep("14:00", "15:00"), False),
        (asleep("12:00", "14:59"), False),
        (asleep("12:00", "15:00"), True),
        (asleep("09:00", "13:00"), True),
        (asleep("19:00", "20:10"), False),
        (asleep("09:00", "10:30"), True),
    ],
)
def test_a_short_sleep_and_one_of_the_day_are_no_main_sleep_even_alone(alone: Session, *, is_main: bool) -> None:
    row = told(alone)[date(2025, 3, 29)]
    minutes = (alone.end - alone.start) / 60
    assert (row["n_sessions"], row["total_tst_all_sessions"]) == (1, minutes)
    if is_main:
        assert (row["tst"], row["naps"]) == (minutes, [])
    else:
        assert (row["tst"], row["tib"], row["midpoint_local_minutes"]) == (None, None, None)
        assert [nap["tst_minutes"] for nap in row["naps"]] == [minutes]
        assert {reason(row, metric) for metric in ("tst", "tib", "light", "waso", "sol")} == {sleep.NO_MAIN_SLEEP}


def test_fragments_far_apart_are_no_main_sleep_however_long_they_take() -> None:
    row = told(asleep("01:00", "01:06"), asleep("02:50", "02:56"))[date(2025, 3, 29)]
    assert (row["n_sessions"], row["tst"], row["total_tst_all_sessions"]) == (1, None, 12)


def test_time_awake_all_day_joins_nothing_and_is_no_sleep_beside_one() -> None:
    awake = [asleep(f"2025-03-29 {hour:02d}:00", f"2025-03-29 {hour + 1:02d}:00", "AWAKE") for hour in range(7, 22)]
    evening = asleep("2025-03-29 22:00", "2025-03-30 06:00")
    rows = told(NIGHT_23_TO_7, *awake, evening)
    assert {day: (row["n_sessions"], row["tst"]) for day, row in rows.items()} == {
        # The first hour awake touches the night, and is as long as an interruption might be.
        date(2025, 3, 29): (1, 480),
        date(2025, 3, 30): (1, 480),
    }


def test_what_never_ends_is_not_joined() -> None:
    endless = [
        asleep(f"2025-03-{day} {hour:02d}:00", f"2025-03-{day} {hour:02d}:59")
        for day in (27, 28, 29, 30)
        for hour in range(24)
    ]
    row = told(*endless)[date(2025, 3, 29)]
    assert row["n_sessions"] == 24


@pytest.mark.parametrize(
    ("gaps", "sleeps"), [(SleepGaps(), 1), (SleepGaps(night_minutes=55), 2), (SleepGaps(night_minutes=56), 1)]
)
def test_a_tenant_may_set_how_far_apart_pieces_of_a_night_lie(gaps: SleepGaps, sleeps: int) -> None:
    records = sleep_records(numbered([asleep("23:00", "03:00"), asleep("03:55", "07:00")]), UTC)
    given_days = replace(context(UTC, *DAYS), sleep_gaps=gaps)
    assert sleep.summarise(records, given_days)["n_sessions"].to_list() == [sleeps]


@pytest.mark.parametrize(
    ("gaps", "sleeps"), [(SleepGaps(), 2), (SleepGaps(day_minutes=40), 2), (SleepGaps(day_minutes=41), 1)]
)
def test_a_tenant_may_set_how_far_apart_pieces_of_a_day_lie(gaps: SleepGaps, sleeps: int) -> None:
    records = sleep_records(numbered([asleep("11:00", "13:00"), asleep("13:40", "15:00")]), UTC)
    given_days = replace(context(UTC, *DAYS), sleep_gaps=gaps)
    assert sleep.summarise(records, given_days)["n_sessions"].to_list() == [sleeps]


def test_a_night_in_pieces_across_a_clock_change_is_measured_in_elapsed_time() -> None:
    zone = [(0, 3600), (at("2025-03-30 01:00"), 7200)]
    parts = [asleep("2025-03-29 22:00", "2025-03-30 00:50"), asleep("2025-03-30 01:20", "2025-03-30 05:00")]
    row = one(numbered(parts), zone)
    assert (row["local_date"], row["tib"], row["tst"], row["waso"]) == (date(2025, 3, 30), 420, 390, 30)
    assert row["session_start_local"] == datetime(2025, 3, 29, 23)
    assert row["session_end_local"] == datetime(2025, 3, 30, 7)


def test_who_sleeps_on_a_plane_has_the_clock_of_where_each_piece_began_and_ended() -> None:
    # 22:00 to 23:00 in Berlin, then 80 minutes awake, by New York's clock from 17:00 to 18:20: that is no night.
    zone = [(0, 3600), (at("2025-03-29 22:10"), -18000)]
    rows = facts(
        numbered([asleep("2025-03-29 21:00", "2025-03-29 22:00"), asleep("2025-03-29 23:20", "2025-03-30 06:00")]), zone
    )
    assert [row["n_sessions"] for row in rows.values()] == [1, 1]


def test_heart_rate_and_hrv_see_the_whole_night() -> None:
    records = sleep_records(numbered([asleep("23:00", "03:00"), asleep("03:55", "07:00")]), UTC)
    (period,) = sleep.choose_sessions(records, priorities=context(UTC, *DAYS).priorities).to_dicts()
    assert (period["start_utc"].hour, period["end_utc"].hour, period["is_main"]) == (23, 7, True)
    assert (period["onset_utc"], period["final_wake_utc"]) == (period["start_utc"], period["end_utc"])


EVERY_DAY = (date(2025, 3, 24), date(2025, 4, 6))


@settings(max_examples=40, deadline=None)
@given(st.one_of(people, pieces), zones)
def test_a_record_changes_no_day_but_its_own_and_their_neighbours(sessions, zone) -> None:
    """What `SLEEP.reach_days` and that of the kinds which read sleep promise."""
    without = facts(sessions[:-1], zone, days=EVERY_DAY) if sessions[:-1] else {}
    with_it = facts(sessions, zone, days=EVERY_DAY)
    changed = {day for day in without.keys() | with_it.keys() if without.get(day) != with_it.get(day)}
    own = [sleep_oracle.wall_date(zone, instant) for instant in (sessions[-1].start, sessions[-1].end)]
    assert all(min(own) - timedelta(days=1) <= day <= max(own) + timedelta(days=1) for day in changed)


@settings(max_examples=10, deadline=None)
@given(st.lists(pieces, min_size=2, max_size=4), zones)
def test_a_day_follows_from_the_records_of_the_two_days_around_it(parts, zone) -> None:
    """What `summaries.MARGIN_DAYS` reads is enough, also of somebody whose records never end."""
    shifted = [
        replace(
            s,
            start=s.start + i * 86_400,
            end=s.end + i * 86_400,
            stages=tuple((a + i * 86_400, b + i * 86_400, x) for a, b, x in s.stages),
        )
        for i, sessions in enumerate(parts)
        for s in sessions
    ]
    sessions = numbered(shifted)
    everything = facts(sessions, zone, days=EVERY_DAY)
    for day in everything:
        near = sleep_records(sessions, zone).filter(
            pl.col("utc_date").is_between(day - timedelta(days=2), day + timedelta(days=2))
        )
        (row,) = sleep.summarise(near, context(zone, day, day)).to_dicts()
        assert row == everything[day]
