from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import hrv_oracle, sleep_oracle
from tests.vitals.clinical.sleep_cases import (
    OURA,
    SAMSUNG,
    Session,
    Value,
    at,
    context,
    hrv_records,
    instant,
    night,
    numbered,
    sleep_records,
)
from tests.vitals.clinical.sleep_strategies import people, zones
from vitals.clinical import hrv_rmssd, sleep
from vitals.clinical.metrics import metrics_of
from vitals.clinical.schema import fact_schema, window_schema

UTC_MINUS_5 = [(0, -18000)]
MARCH = (date(2025, 3, 27), date(2025, 4, 2))
DAY = 86_400
SAMPLES = Path(__file__).parents[4] / "shared" / "samples"

# From 23:00 to 07:00 at -05:00: the values before midnight are of the night before the date.
NIGHT = night(at("2025-03-29 04:00"), ("LIGHT", 480), app=SAMSUNG)


def chosen(sessions, zone):
    priorities = context(zone, *MARCH).priorities
    return sleep.choose_sessions(sleep_records(sessions, zone), priorities=priorities)


def every_five_minutes(start, count, *, level=lambda i: 30 + i % 7, **fields):
    return [Value(at=start + 300 * i, rmssd=level(i), **fields) for i in range(count)]


def build(values, sessions, zone=UTC_MINUS_5, *, days=MARCH, ranks=None, **fields):
    values = numbered(values)
    ctx = context(zone, *days, ranks=ranks, sessions=chosen(sessions, zone), **fields)
    return hrv_records(values, zone), ctx


def facts(values, sessions, *args, **fields):
    records, ctx = build(values, sessions, *args, **fields)
    return {row["local_date"]: row for row in hrv_rmssd.summarise(records, ctx).to_dicts()}


def one(*args, **fields):
    rows = facts(*args, **fields)
    assert len(rows) == 1
    return next(iter(rows.values()))


def window(*args, **fields):
    records, ctx = build(*args, **fields)
    frame = hrv_rmssd.summarise_window(records, ctx)
    assert frame.height == 1
    return frame.to_dicts()[0]


def reason(row, metric):
    return {w["metric"]: w["reason"] for w in row["withheld"]}.get(f"hrv.{metric}")


def assert_equal_to_oracle(row, expected, scope):
    withheld = {w["metric"] for w in row["withheld"]}
    for metric in metrics_of("hrv_rmssd", scope):
        value, wanted = row[metric.column], expected[metric.column]
        assert (value is None) == (wanted is None), metric.id
        assert (metric.id in withheld) == (wanted is None), metric.id
        if wanted is not None:
            assert value == pytest.approx(wanted, abs=max(metric.tol_abs, 1e-9)), metric.id


def oracle_sessions(sessions, zone):
    kept = [s for c, _ in sleep_oracle.choose(sessions, {}, 30, zone) for s in c]
    mains = [d["main"] for d in sleep_oracle.days(sessions, zone).values()]
    return [(s.start, s.end, s in mains, sleep_oracle.wall_date(zone, s.end)) for s in kept]


def test_a_night_has_the_values_one_counts_by_hand():
    values = every_five_minutes(NIGHT.start, 48, level=lambda i: 40 if i % 2 else 20)
    row = one([*values, Value(at=NIGHT.start + 300 * 48, rmssd=30.0)], [NIGHT])
    assert row["local_date"] == date(2025, 3, 29)
    assert (row["n"], row["rmssd_mean"], row["rmssd_median"]) == (49, 30, 30)
    assert row["ln_rmssd"] == pytest.approx(3.4011973817)
    assert row["coverage_percent"] == pytest.approx(100 * 245 / 480)
    assert row["longest_gap_minutes"] == 480 - 245
    assert (row["session_app"], row["night_app"]) == (SAMSUNG, OURA)
    assert row["session_start_local"] == datetime(2025, 3, 28, 23)
    assert len(row["series"]) == row["records"] == 49
    assert row["series"][0] == {"utc": instant(NIGHT.start), "offset_seconds": -18000, "value": 20}
    assert row["withheld"] == []


@st.composite
def nights_with_values(draw):
    sessions = draw(people)
    values = []
    for s in sessions:
        for app, device in ((OURA, "RING"), ("com.example.watch", "WATCH"), ("com.example.phone", "PHONE")):
            if draw(st.integers(0, 2)):
                first = s.start + 60 * draw(st.integers(-30, 30))
                count = draw(st.integers(0, 1 + (s.end - s.start) // 300))
                level = draw(st.integers(1, 200))
                seed = draw(st.integers(1, 50))
                values += every_five_minutes(
                    first, min(count, 60), level=lambda i, a=level, b=seed: a + (i * b) % 37, app=app, device=device
                )
    return sessions, values


@settings(max_examples=80, deadline=None)
@given(nights_with_values(), zones, st.dictionaries(st.sampled_from([OURA, "com.example.phone"]), st.integers(1, 3)))
def test_every_metric_of_a_night_is_that_of_the_oracle(case, zone, ranks):
    sessions, values = case
    rows = facts(values, sessions, zone, ranks=ranks)
    expected = hrv_oracle.days(numbered(values), oracle_sessions(sessions, zone), zone, ranks=ranks)
    assert rows.keys() == expected.keys()
    for day, row in rows.items():
        assert_equal_to_oracle(row, expected[day], "day")
        assert (row["night_app"], row["records"]) == (expected[day]["app"], expected[day]["n"] or 0)
        assert row["longest_gap_minutes"] == pytest.approx(expected[day]["gap"])
        assert {s["app"]: s["n"] for s in row["sources"]} == expected[day]["sources"]
        assert [s["app"] for s in row["sources"] if s["used"]] == [expected[day]["app"]][: bool(row["records"])]


@settings(max_examples=20, deadline=None)
@given(nights_with_values(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(case, random):
    sessions, values = case
    records, ctx = build(values, sessions)
    shuffled = records[random.sample(range(records.height), records.height)]
    assert hrv_rmssd.summarise(records, ctx).equals(hrv_rmssd.summarise(shuffled, ctx))


def test_the_session_bounds_are_half_open():
    inside = every_five_minutes(NIGHT.start, 96)
    edge = [Value(at=NIGHT.start - 1, rmssd=99), Value(at=NIGHT.end, rmssd=99)]
    rows = facts([*inside, *edge], [NIGHT])
    # The value before the session is of the evening's own date, the one at its end of the wake date's.
    # One second apart they would be one reading, but they are readings of two dates.
    assert rows[date(2025, 3, 29)]["n"] == 96
    assert rows[date(2025, 3, 29)]["sources"][0]["n"] == 97
    assert rows[date(2025, 3, 28)]["n"] is None


@pytest.mark.parametrize(
    ("every_minutes", "count", "coverage"), [(1, 240, 50), (3, 80, 50), (5, 96, 100), (10, 24, 50), (15, 32, 100)]
)
def test_a_value_stands_for_the_interval_of_its_device(every_minutes, count, coverage):
    values = [Value(at=NIGHT.start + 60 * every_minutes * i, rmssd=30 + i % 3) for i in range(count)]
    row = one(values, [NIGHT])
    assert (row["n"], row["sampling_interval_minutes"]) == (count, every_minutes)
    assert row["coverage_percent"] == pytest.approx(coverage)
    assert row["longest_gap_minutes"] == pytest.approx(480 * (100 - coverage) / 100)


@pytest.mark.parametrize("late_s", [0, 3, 20, 74])
@pytest.mark.parametrize("copies", [2, 3])
def test_a_value_written_again_covers_no_more_of_the_night(copies, late_s):
    values = [
        Value(at=NIGHT.start + 300 * i + copy * late_s // (copies - 1), rmssd=30 + copy, modified=5 + copy)
        for i in range(48)
        for copy in range(copies)
    ]
    row = one(values, [NIGHT])
    assert (row["n"], row["rmssd_mean"]) == (48, 29 + copies)
    assert row["coverage_percent"] == pytest.approx(50, abs=0.3)


def test_two_devices_of_one_app_are_not_pooled():
    ring = every_five_minutes(NIGHT.start, 90, level=lambda _: 30, device="RING")
    band = every_five_minutes(NIGHT.start + 120, 80, level=lambda _: 90, device="FITNESS_BAND")
    row = one([*ring, *band], [NIGHT])
    assert (row["n"], row["rmssd_mean"]) == (90, 30)
    assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        (OURA, True, 90, 30),
        (OURA, False, 80, 90),
    ]


@pytest.mark.parametrize(("count", "stated"), [(47, False), (48, True)])
def test_a_night_is_stated_from_half_of_the_main_session(count, stated):
    row = one(every_five_minutes(NIGHT.start, count), [NIGHT])
    assert (row["n"], row["coverage_percent"]) == (count, pytest.approx(100 * count * 5 / 480))
    for metric in ("rmssd_mean", "rmssd_median", "ln_rmssd"):
        assert (row[metric] is not None) == stated
    assert row["sources"][0]["value"] == row["rmssd_mean"]
    assert stated or reason(row, "rmssd_mean") == "values cover less than 50 % of the main sleep session"


@pytest.mark.parametrize(("minutes", "stated"), [(59.5, False), (60, True)])
def test_a_night_is_stated_from_an_hour_of_session(minutes, stated):
    session = night(NIGHT.start, ("LIGHT", minutes))
    row = one(every_five_minutes(NIGHT.start, 12), [session])
    assert (row["rmssd_mean"] is not None) == stated
    assert stated or reason(row, "ln_rmssd") == "the main sleep session is shorter than 1 hour"


def test_values_without_a_main_session_have_a_row_that_states_nothing():
    row = one(
        [Value(at=at("2025-03-29 18:00"), rmssd=30)], [replace(NIGHT, start=NIGHT.start + DAY, end=NIGHT.end + DAY)]
    )
    assert {m.column for m in metrics_of("hrv_rmssd", "day") if row[m.column] is not None} == set()
    assert {w["reason"] for w in row["withheld"]} == {"no main sleep session ends on this day"}
    assert (row["records"], row["series"], row["source_keys_sha256"]) == (0, [], [])
    assert row["sources"] == [
        {
            "app": OURA,
            "device": "RING",
            "used": False,
            "n": 1,
            "value": None,
            "as_of_utc": instant(at("2025-03-29 18:10")),
        }
    ]


def test_values_of_a_nap_are_of_its_day_but_not_of_the_night():
    nap = night(at("2025-03-29 19:00"), ("LIGHT", 90))
    row = one(
        [*every_five_minutes(NIGHT.start, 60), *every_five_minutes(nap.start, 10, level=lambda _: 200)],
        numbered([NIGHT, nap]),
    )
    assert row["n"] == 60
    assert row["rmssd_mean"] < 40


def test_two_sources_are_never_pooled_and_the_one_with_more_values_is_taken():
    more = every_five_minutes(NIGHT.start, 70, level=lambda _: 30)
    fewer = every_five_minutes(NIGHT.start + 60, 60, level=lambda _: 90, app="com.example.watch")
    row = one([*more, *fewer], [NIGHT])
    assert (row["night_app"], row["rmssd_mean"]) == (OURA, 30)
    assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        (OURA, True, 70, 30),
        ("com.example.watch", False, 60, 90),
    ]
    assert one([*more, *fewer], [NIGHT], ranks={"com.example.watch": 1})["rmssd_mean"] == 90


def test_a_value_written_twice_counts_once_in_its_latest_version():
    twice = [Value(at=NIGHT.start, rmssd=20, modified=5), Value(at=NIGHT.start, rmssd=50, modified=9)]
    row = one([*twice, *every_five_minutes(NIGHT.start + 300, 60, level=lambda _: 50)], [NIGHT])
    assert (row["n"], row["rmssd_mean"]) == (61, 50)


def test_a_night_is_provisional_until_the_source_can_deliver_no_more():
    values = every_five_minutes(NIGHT.start, 60)
    closed = at("2025-03-30 05:00") + 960 * 60
    assert one(values, [NIGHT], known_until=closed - 1)["provisional"] is True
    assert one(values, [NIGHT], known_until=closed)["provisional"] is False


FIRST_DAY = date(2025, 3, 29)


def many_nights(count, *, app=lambda _: OURA, level=lambda i: 30 + 3 * (i % 5), skip=()):
    sessions = [replace(NIGHT, start=NIGHT.start + i * DAY, end=NIGHT.end + i * DAY) for i in range(count)]
    values = [
        v
        for i, s in enumerate(sessions)
        if i not in skip
        for v in every_five_minutes(s.start, 60, level=lambda _, i=i: level(i), app=app(i))
    ]
    return values, numbered(sessions), (FIRST_DAY, FIRST_DAY + timedelta(days=count - 1))


@pytest.mark.parametrize(
    ("metric", "needed"),
    [("ln_rmssd_mean", 3), ("ln_rmssd_cv_percent", 5), ("swc_low", 14), ("swc_high", 14), ("rolling7_mean_last", 3)],
)
def test_a_window_metric_is_stated_from_its_number_of_nights(metric, needed):
    for nights, stated in ((needed - 1, False), (needed, True)):
        values, sessions, days = many_nights(nights)
        row = window(values, sessions, days=days)
        assert (row[metric] is not None) == stated
        assert (reason(row, metric) is None) == stated


def test_the_rolling_mean_is_of_the_last_seven_local_days_only():
    values, sessions, days = many_nights(10, level=lambda i: 100 if i < 3 else 20)
    assert window(values, sessions, days=days)["rolling7_mean_last"] == pytest.approx(2.995732274)
    values, sessions, days = many_nights(10, skip=(5, 6, 7, 8, 9))
    row = window(values, sessions, days=days)
    assert row["rolling7_mean_last"] is None
    assert row["ln_rmssd_mean"] is not None


def test_nights_of_another_device_are_not_mixed_into_the_baseline():
    values, sessions, days = many_nights(
        9, app=lambda i: OURA if i < 6 else "com.example.watch", level=lambda i: 30 if i < 6 else 90
    )
    row = window(values, sessions, days=days)
    assert row["ln_rmssd_mean"] == pytest.approx(3.4011973817)
    assert (row["days_with_data"], row["ln_rmssd_cv_percent"]) == (9, 0)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_every_metric_of_a_window_is_that_of_the_oracle(data):
    count = data.draw(st.integers(3, 20))
    skip = data.draw(st.sets(st.integers(0, count - 1), max_size=4))
    levels = data.draw(st.lists(st.integers(2, 200), min_size=count, max_size=count))
    devices = data.draw(st.lists(st.sampled_from([OURA, OURA, SAMSUNG]), min_size=count, max_size=count))
    values, sessions, days = many_nights(count, app=devices.__getitem__, level=levels.__getitem__, skip=skip)
    row = window(values, sessions, days=days)
    expected = hrv_oracle.window(values, oracle_sessions(sessions, UTC_MINUS_5), UTC_MINUS_5, *days)
    assert_equal_to_oracle(row, expected, "window")
    assert row["days_with_data"] == expected["days_with_data"]


def test_no_records_give_empty_tables_with_the_full_schema():
    records, ctx = build(every_five_minutes(NIGHT.start, 60), [NIGHT])
    schema = fact_schema("hrv_rmssd", hrv_rmssd.SUPPORT)
    assert hrv_rmssd.summarise(records.clear(), ctx).schema == schema
    assert hrv_rmssd.summarise(records, ctx).schema == schema
    window_row = hrv_rmssd.summarise_window(records.clear(), ctx)
    assert window_row.schema == window_schema("hrv_rmssd")
    assert window_row["days_with_data"].to_list() == [0]


def test_persons_without_any_sleep_session_have_rows_that_state_nothing():
    records, ctx = build(every_five_minutes(NIGHT.start, 60), [NIGHT])
    rows = hrv_rmssd.summarise(records, replace(ctx, sessions=ctx.sessions.clear()))
    assert rows["n"].to_list() == [None, None]


def test_a_context_without_sessions_is_refused():
    records, ctx = build(every_five_minutes(NIGHT.start, 60), [NIGHT])
    with pytest.raises(ValueError, match=r"sleep\.choose_sessions"):
        hrv_rmssd.summarise(records, replace(ctx, sessions=None))


def test_many_persons_at_once_are_each_as_alone():
    values = [replace(v, subject=s) for s in ("p", "q") for v in every_five_minutes(NIGHT.start, 60)]
    values = numbered([v for i, v in enumerate(values) if v.subject == "p" or i % 5])
    sessions = numbered([replace(NIGHT, subject=s) for s in ("p", "q")])
    frames = []
    for names in (("p", "q"), ("p",), ("q",)):
        own = [s for s in sessions if s.subject in names]
        ctx = context(UTC_MINUS_5, *MARCH, subjects=names, sessions=chosen(own, UTC_MINUS_5))
        frames.append(hrv_rmssd.summarise(hrv_records([v for v in values if v.subject in names], UTC_MINUS_5), ctx))
    assert frames[0].equals(pl.concat(frames[1:]))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample uploads here")
def test_real_values_have_the_facts_of_the_oracle():
    fastavro = pytest.importorskip("fastavro")

    def newest(kind):
        found = {}
        for path in sorted(SAMPLES.glob(f"{kind}_*.avro")):
            with path.open("rb") as file:
                found.update({r["metadata"]["id"]: r for r in fastavro.reader(file)})
        return found.values()

    sessions = [
        Session(
            start=r["startTimeEpochMillis"] // 1000,
            end=r["endTimeEpochMillis"] // 1000,
            stages=tuple(
                (s["startTimeEpochMillis"] // 1000, s["endTimeEpochMillis"] // 1000, s["stage"]) for s in r["stages"]
            ),
            app=r["metadata"]["dataOriginPackageName"],
            record_id=r["metadata"]["id"],
        )
        for r in newest("SleepSessionRecord")
    ]
    values = [
        Value(
            at=r["timeEpochMillis"] // 1000,
            rmssd=r["heartRateVariabilityRmssd"],
            app=r["metadata"]["dataOriginPackageName"],
        )
        for r in newest("HeartRateVariabilityRmssdRecord")
    ]
    rows = facts(values, sessions, days=(date(2025, 9, 1), date(2025, 9, 30)))
    main = max(sessions, key=lambda s: sleep_oracle.measures(sleep_oracle.Period((s,)), 1)["tst"])
    expected = hrv_oracle.days(values, [(main.start, main.end, True, date(2025, 9, 20))], UTC_MINUS_5)
    assert rows.keys() == expected.keys()
    assert_equal_to_oracle(rows[date(2025, 9, 20)], expected[date(2025, 9, 20)], "day")
    assert rows[date(2025, 9, 20)]["n"] == 74
