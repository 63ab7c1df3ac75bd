"""Each fault does what it says, and nothing does it without the fault."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tests.vitals.synthetic.conftest import make
from tests.vitals.synthetic.reading import (
    OURA,
    SAMSUNG,
    app,
    digest,
    end_ms,
    good_rows,
    header,
    offset_seconds,
    record_id,
    rows,
    start_ms,
    start_zone,
)
from vitals.record_types import BY_AVRO_NAME
from vitals.synthetic.cohort import NO_FAULTS, Fault, TwinSettings

HOUR_MS = 3_600_000


def with_faults(*faults, people=3, days=4, **settings):
    return make(seed=5, people=people, days=days, faults=NO_FAULTS | set(faults), **settings)


def delivered(made):
    return good_rows(made.uploads, made.truth.uploads)


def rows_of_kind(made, kind):
    return [r for (_, k), part in delivered(made).items() if k == kind for r in part]


def states(made):
    return Counter((t.state, t.file_reason) for t in made.truth.uploads)


def test_overlapping_windows_deliver_each_record_in_every_window_that_holds_its_start():
    made = with_faults(Fault.OVERLAPPING_WINDOWS, people=1)
    fetches = made.truth.people[0].fetches_ms
    told = made.truth.records().filter(kind="blood_glucose").filter("delivered")
    for start, modified, n in told.select("start_ms", "modified_ms", "deliveries").iter_rows():
        assert n == sum(start <= f <= start + 24 * HOUR_MS and modified <= f for f in fetches)
    assert told["deliveries"].max() >= 2


def test_source_lag_publishes_hours_after_the_measurement():
    made = with_faults(Fault.SOURCE_LAG, people=3, days=10)
    lags = defaultdict(list)
    for row in [*rows_of_kind(made, "blood_glucose"), *rows_of_kind(made, "heart_rate")]:
        lags[app(row)].append((row["metadata"]["lastModifiedTimeEpochMillis"] - end_ms(row)) / 60_000)
    assert 180 <= min(lags["com.dexcom.stelo"]) <= max(lags["com.dexcom.stelo"]) <= 185
    samsung = np.array(lags[SAMSUNG])
    assert 0.7 <= np.median(samsung) / 60 <= 2.2
    assert 5 <= np.percentile(samsung, 95) / 60 <= 12
    assert samsung.max() / 60 <= 16
    prompt = with_faults(people=3)
    late = [r["metadata"]["lastModifiedTimeEpochMillis"] - end_ms(r) for r in rows_of_kind(prompt, "blood_glucose")]
    assert max(late) < 120_000


def test_a_late_source_loses_data_at_the_same_local_time_every_day():
    made = with_faults(Fault.SOURCE_LAG, Fault.OVERLAPPING_WINDOWS, people=1, days=6, fetches_per_day=1)
    told = made.truth.records().filter(kind="blood_glucose")
    inner = told.filter(pl.col("local_date").is_in(told["local_date"].unique().sort()[1:-1].implode()))
    share = inner["delivered"].mean()
    # 21 of 24 hours: what a source three hours late can deliver to one fetch a day.
    assert share == pytest.approx(21 / 24, abs=0.02)
    assert set(inner.filter(~pl.col("delivered"))["cause"]) <= {"late", "exporter_hole"}


def test_growth_delivers_a_record_again_with_more_samples_and_one_of_the_first_corrected():
    made = with_faults(Fault.GROWTH, Fault.OVERLAPPING_WINDOWS, days=7)
    by_id = defaultdict(dict)
    for row in rows_of_kind(made, "heart_rate"):
        by_id[record_id(row)][row["metadata"]["lastModifiedTimeEpochMillis"]] = row
    grown = [[v[m] for m in sorted(v)] for v in by_id.values() if len(v) > 1]
    sizes = Counter(tuple(len(r["samples"]) for r in revisions) for revisions in grown)
    assert set(sizes) <= {(3, 21), (3, 60), (21, 60), (3, 21, 60)}
    assert sizes[3, 21] + sizes[3, 21, 60] > 0
    for first, second in (p for revisions in grown for p in pairwise(revisions)):
        assert {r["metadata"]["clientRecordVersion"] for r in (first, second)} == {0}
        before = {s["timeEpochMillis"]: s["beatsPerMinute"] for s in first["samples"]}
        after = {s["timeEpochMillis"]: s["beatsPerMinute"] for s in second["samples"]}
        assert before.keys() < after.keys()
        assert sum(before[t] != after[t] for t in before) == (len(before) == 3)


def test_without_growth_no_record_ever_changes():
    made = with_faults(Fault.OVERLAPPING_WINDOWS, Fault.DAY_BUCKETS, Fault.SOURCE_LAG, Fault.TWO_SOURCES)
    for (_, kind), part in delivered(made).items():
        assert len({(record_id(r), digest(kind, r)) for r in part}) == len({record_id(r) for r in part})


def test_false_z_is_written_by_cgm_apps_and_by_nobody_else():
    spoiled, honest = with_faults(Fault.FALSE_Z), with_faults()
    assert {start_zone(r) for r in rows_of_kind(spoiled, "blood_glucose")} == {"Z"}
    assert {start_zone(r) for r in rows_of_kind(honest, "blood_glucose")} == {"-04:00", "+02:00", "+05:30"}
    assert {start_zone(r) for r in rows_of_kind(spoiled, "heart_rate")} == {"-04:00", "+02:00", "+05:30"}


def test_zones_that_are_written_are_true_without_false_z():
    made = with_faults(Fault.TRAVEL, Fault.DST, Fault.DAY_BUCKETS, people=4, days=8)
    timelines = {p.person.user: p.person.timeline for p in made.truth.people}
    for (user, _), part in delivered(made).items():
        told = timelines[user].offset_at(np.array([start_ms(r) for r in part]))
        assert told.tolist() == [offset_seconds(start_zone(r)) for r in part]


def test_null_zone_leaves_most_records_of_the_person_with_one():
    made = with_faults(Fault.NULL_ZONE)
    share = np.mean([start_zone(r) is None for r in rows_of_kind(made, "heart_rate")])
    assert 0.15 < share < 0.4
    assert all(start_zone(r) for part in delivered(with_faults()).values() for r in part)


def test_two_sources_describe_the_same_nights_and_days():
    both, one = with_faults(Fault.TWO_SOURCES), with_faults()
    for kind in ("heart_rate", "sleep", "steps", "active_calories"):
        assert {app(r) for r in delivered(both)["twin0000", kind]} == {SAMSUNG, OURA}
        assert len({app(r) for r in delivered(one)["twin0000", kind]}) == 1
    nights = [
        {r.get("title"): (start_ms(r), end_ms(r)) for r in delivered(both)["twin0000", "sleep"] if day(r) == d}
        for d in {day(r) for r in delivered(both)["twin0000", "sleep"]}
    ]
    for night in nights:
        (a, b), (c, d) = night["Oura"], night[None]
        # The ring starts in bed, the phone at sleep onset.
        assert a < c < d < b


def day(row):
    return end_ms(row) // (24 * HOUR_MS)


def test_day_buckets_end_after_the_fetch_grow_and_never_arrive_final():
    faults = (Fault.DAY_BUCKETS, Fault.GROWTH, Fault.OVERLAPPING_WINDOWS, Fault.SOURCE_LAG, Fault.TWO_SOURCES)
    made = with_faults(*faults, people=1, days=5)
    by_id = defaultdict(list)
    for row in delivered(made)["twin0000", "steps"]:
        by_id[record_id(row)].append(row)
    totals = {p: [] for p in (SAMSUNG, OURA)}
    for part in by_id.values():
        counts = [r["count"] for r in part]
        assert counts == sorted(counts)
        last = part[-1]
        assert last["endTimeEpochMillis"] > last["metadata"]["lastModifiedTimeEpochMillis"]
        totals[app(last)].append(counts[-1])
        hours = (end_ms(last) + 1 - start_ms(last)) / HOUR_MS
        assert hours == (24 if app(last) == SAMSUNG else 20)
    assert sum(totals[OURA]) < sum(totals[SAMSUNG])
    assert any(len({r["count"] for r in part}) > 1 for part in by_id.values())


def test_without_day_buckets_steps_come_as_quarter_hours():
    lengths = {end_ms(r) - start_ms(r) for r in rows_of_kind(with_faults(), "steps")}
    assert lengths == {15 * 60_000}


def test_gaps_pause_sensors_and_miss_fetches():
    made = with_faults(Fault.GAPS, Fault.OVERLAPPING_WINDOWS, days=8)
    assert all(p.missed_fetches_ms for p in made.truth.people)
    causes = {g.cause for p in made.truth.people for g in p.gaps}
    assert causes == {"sensor_gap", "exporter_hole"}
    for person in made.truth.people:
        glucose = np.sort(person.records["blood_glucose"]["start_ms"].to_numpy())
        for gap in (g for g in person.gaps if g.cause == "sensor_gap" and g.kind == "blood_glucose"):
            assert not ((glucose >= gap.from_ms) & (glucose < gap.to_ms)).any()
        assert not set(person.missed_fetches_ms) & {u.fetch_ms for u in made.uploads if u.user == person.person.user}


def test_abutting_windows_lose_exactly_what_a_missed_fetch_would_have_brought():
    made = with_faults(Fault.GAPS, days=8)
    told = made.truth.records()
    assert set(told["cause"].drop_nulls()) == {"exporter_hole"}
    assert told["deliveries"].max() == 1


def test_bad_rows_are_few_in_every_file():
    made = with_faults(Fault.BAD_ROWS, days=6)
    mixed = [t for t in made.truth.uploads if 0 < len(t.bad_rows) < t.rows]
    assert len(mixed) > 30
    assert max(len(t.bad_rows) / t.rows for t in mixed) <= 1 / 3
    assert states(made) == {("processed", None): len(made.uploads)}


def test_unit_slips_are_single_rows_and_change_nothing_else():
    made, plain = with_faults(Fault.UNIT_SLIPS), with_faults()
    assert made.truth.totals() == plain.truth.totals()
    slips = Counter(bad.reason for t in made.truth.uploads for bad in t.bad_rows)
    assert set(slips) == {"unit_suspect:level_mg_dl", "unit_suspect:rmssd_ms"}
    assert max(len(t.bad_rows) for t in made.truth.uploads) <= 2


def test_bad_items_stand_in_good_records_and_change_nothing_else():
    made, plain = with_faults(Fault.BAD_ITEMS), with_faults()
    assert made.truth.totals() == plain.truth.totals()
    for told, without in zip(made.truth.people, plain.truth.people, strict=True):
        for kind, records in told.records.items():
            assert records.equals(without.records[kind])
    lost = [t for t in made.truth.uploads if t.dropped_items]
    assert {BY_AVRO_NAME[t.type_name].kind for t in lost} == {"heart_rate", "sleep"}
    assert {rows(u)[0]["metadata"]["id"] for u in made.uploads} == {rows(u)[0]["metadata"]["id"] for u in plain.uploads}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.LOW_QUALITY, {("quarantined", "low_quality")}),
        (Fault.WRONG_KIND_IN_KEY, {("quarantined", "record_type_mismatch")}),
        (Fault.UNSUPPORTED_KINDS, {("unsupported", "unsupported_record_type")}),
        (Fault.DUPLICATE_UPLOADS, {("duplicate", None)}),
    ],
)
def test_a_fault_of_whole_files_adds_files_and_loses_no_record(fault, expected):
    made, plain = with_faults(fault), with_faults()
    assert set(states(made)) == {("processed", None)} | expected
    assert made.truth.totals() == plain.truth.totals()
    good = {u.key: u.data for u in plain.uploads}
    assert good.items() <= {u.key: u.data for u in made.uploads}.items()


def test_corrupt_files_lie_beside_the_good_ones():
    made = with_faults(Fault.CORRUPT_FILES)
    reasons = {reason for state, reason in states(made) if state == "quarantined"}
    assert reasons == {
        "truncated",
        "not_avro",
        "unreadable_avro",
        "empty",
        "schema_mismatch",
        "bad_key",
        "decompression_limit",
    }
    assert made.truth.totals() == with_faults().truth.totals()
    assert max(len(u.data) for u in made.uploads) < 1_000_000


def test_a_duplicate_upload_has_the_bytes_of_another_under_a_later_day():
    made = with_faults(Fault.DUPLICATE_UPLOADS)
    by_key = {u.key: u for u in made.uploads}
    again = [t for t in made.truth.uploads if t.state == "duplicate"]
    assert len(again) == 2 * made.settings.people
    for truth in again:
        first, second = by_key[truth.same_bytes_as], by_key[truth.key]
        assert first.data == second.data
        assert first.landing_day < second.landing_day


def test_codecs_are_mixed_and_change_nothing_else():
    mixed, plain = with_faults(Fault.CODECS), with_faults()
    assert {header(u)[1] for u in mixed.uploads} == {"null", "deflate", "snappy", "zstandard"}
    assert {header(u)[1] for u in plain.uploads} == {"null"}
    assert [rows(u) for u in mixed.uploads] == [rows(u) for u in plain.uploads]


def test_files_of_unsupported_kinds_are_readable_avro_of_another_name():
    made = with_faults(Fault.UNSUPPORTED_KINDS)
    names = {t.key: t.type_name for t in made.truth.uploads if t.state == "unsupported"}
    assert set(names.values()) == {"WeightRecord", "HydrationRecord"}
    for upload in made.uploads:
        if upload.key in names:
            assert len(rows(upload)) == 1
            assert f"Avro{names[upload.key]}" in header(upload)[0]


def test_odd_user_ids_hold_underscores_dates_and_letters_outside_ascii():
    users = {p.person.user for p in with_faults(Fault.ODD_USER_IDS, people=6).truth.people}
    assert any(u.count("_") >= 2 for u in users)
    assert any(not u.isascii() for u in users)
    assert all(u.isalnum() and u.isascii() for u in {u.user for u in with_faults().uploads})


def test_free_text_stands_in_notes_of_sleep_records_only_with_the_fault():
    notes = {r["notes"] for r in rows_of_kind(with_faults(Fault.FREE_TEXT), "sleep")}
    assert None in notes
    assert len(notes) > 1
    assert {r["notes"] for r in rows_of_kind(with_faults(), "sleep")} == {None}


def test_prefixed_type_names_stand_in_the_keys_of_some():
    folders = {u.type_name for u in with_faults(Fault.PREFIXED_TYPE).uploads}
    assert {"StepsRecord", "AvroStepsRecord"} <= folders
    assert not any(u.type_name.startswith("Avro") for u in with_faults().uploads)


def test_stelo_delivers_only_its_range_and_a_g_series_sensor_its_own():
    made = with_faults(people=7, days=14)
    levels = defaultdict(list)
    for row in rows_of_kind(made, "blood_glucose"):
        levels[app(row)].append(row["levelInMilligramsPerDeciliter"])
    assert min(levels["com.dexcom.stelo"]) > 69.9
    assert max(levels["com.dexcom.stelo"]) < 250.1
    assert min(levels["com.dexcom.g7"]) < 54
    assert max(levels["com.dexcom.g7"]) > 250
    off = [v for part in levels.values() for v in part if v != round(v)]
    assert off
    assert max(abs(v - round(v)) for v in off) < 1e-9


def test_glucose_lies_on_a_jittered_five_minute_grid():
    made = with_faults(people=1)
    at = np.sort([start_ms(r) for r in rows_of_kind(made, "blood_glucose")])
    steps = np.diff(at) / 1000
    on_grid = steps[steps < 400]
    assert len(on_grid) > 0.97 * len(steps)
    assert 294 <= on_grid.min() < on_grid.max() <= 306


def test_heart_rate_is_sampled_every_ten_minutes_awake_and_every_minute_asleep():
    made = with_faults(people=1)
    found = [r for r in rows_of_kind(made, "heart_rate") if app(r) == SAMSUNG]
    spots = [r for r in found if start_ms(r) == end_ms(r)]
    hours = [r for r in found if start_ms(r) != end_ms(r)]
    assert {len(r["samples"]) for r in spots} == {1}
    assert Counter(len(r["samples"]) for r in hours).most_common(1)[0][0] == 60
    asleep = sum(len(r["samples"]) for r in hours)
    assert asleep > 4 * len(spots)


def test_some_nights_are_only_sleeping_some_bare_and_people_nap():
    made = with_faults(Fault.TWO_SOURCES, people=3, days=6)
    shapes = Counter(frozenset(s["stage"] for s in r["stages"]) for r in rows_of_kind(made, "sleep"))
    assert shapes[frozenset()] > 0
    assert shapes[frozenset({"SLEEPING"})] > 0
    assert any({"LIGHT", "DEEP", "REM", "AWAKE"} <= shape for shape in shapes)
    short = [r for r in rows_of_kind(made, "sleep") if end_ms(r) - start_ms(r) < 2 * HOUR_MS]
    assert short


def test_stages_fill_their_session_without_overlap(faultless):
    for row in rows_of_kind(faultless, "sleep"):
        stages = row["stages"]
        if stages:
            assert stages[0]["startTimeEpochMillis"] == start_ms(row)
            assert stages[-1]["endTimeEpochMillis"] == end_ms(row)
            assert all(a["endTimeEpochMillis"] == b["startTimeEpochMillis"] for a, b in pairwise(stages))
            assert all(s["endTimeEpochMillis"] > s["startTimeEpochMillis"] for s in stages)


def test_settings_that_cannot_be_honoured_are_refused():
    with pytest.raises(ValueError, match="unknown kinds"):
        TwinSettings(seed=1, kinds=("weight",))
    with pytest.raises(ValueError, match="positive"):
        TwinSettings(seed=1, people=0)
