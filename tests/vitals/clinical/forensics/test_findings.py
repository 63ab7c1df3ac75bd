"""What each label means, on deliveries made for it; and what holds of any deliveries at all."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical.forensics.made_up import (
    DAY_MS,
    FIRST_DAY,
    HOUR_MS,
    MINUTE_MS,
    at,
    exported,
    look,
    readings,
    spans,
)
from vitals.clinical.forensics.deliveries import history_of
from vitals.clinical.forensics.gaps import LONGEST_BETWEEN_MS
from vitals.clinical.forensics.labels import LABELS
from vitals.clinical.forensics.report import GAP_SCHEMA, as_dict, gap_rows

NIGHTLY = [20 + 24 * n for n in range(6)]


def test_a_source_that_publishes_three_hours_late_loses_three_hours_a_day_to_one_fetch_a_day():
    found = look(exported(readings(to_h=130, lag_min=180), NIGHTLY), last=4)
    holes = spans(found, "exporter_hole")
    assert holes == [(17.0 + 24 * n, 20.0 + 24 * n) for n in range(5)]
    assert found.advice.overlap_minutes == 180
    assert found.advice.window_minutes == 27 * 60
    assert found.advice.sentence.startswith("Ask for an overlap of at least 3 h:")
    assert "com.cgm publishes up to 3 h late" in found.advice.sentence


def test_with_the_overlap_asked_for_nothing_is_lost():
    found = look(exported(readings(to_h=130, lag_min=180), NIGHTLY, window_h=27), last=4)
    assert found.windows.length_ms == 27 * HOUR_MS
    assert spans(found, "exporter_hole") == []
    assert found.advice.sentence.startswith("Nothing to change")
    assert found.advice.fetch_interval_minutes == 24 * 60


def test_what_was_published_after_the_last_fetch_is_pending():
    found = look(exported(readings(to_h=130, lag_min=180), [20, 32, 44]), last=1)
    assert spans(found, "late_pending") == [(41.0, 44.0)]
    assert spans(found, "exporter_hole") == []


def test_a_sensor_that_pauses_inside_a_window_has_a_sensor_gap():
    paused = readings(to_h=130, without=lambda h: 30 <= h < 33)
    found = look(exported(paused, range(8, 130, 12)), last=4)
    assert [(g.label, round((g.to_ms - g.from_ms) / MINUTE_MS)) for g in found.gaps] == [("sensor_gap", 185)]


def test_a_pause_beside_a_hole_keeps_its_own_label():
    # Nothing was measured from 14 to 16; from 17 to 20 it was published too late for one fetch a day.
    found = look(exported(readings(to_h=130, lag_min=180, without=lambda h: 14 <= h < 16), NIGHTLY), last=0)
    assert spans(found, "sensor_gap") == [(13.9, 16.0)]
    assert spans(found, "exporter_hole") == [(17.0, 20.0)]


def test_a_source_that_stops_while_another_goes_on_is_silent_and_both_that_stop_cannot_be_told():
    going = readings(app="com.watch", kind="heart_rate", to_h=130, every_min=10)
    stopping = readings(to_h=50)
    found = look(exported([*going, *stopping], range(8, 130, 12)), last=4)
    # The last reading is at 49 h 55 min; the last fetch at 128 h.
    assert spans(found, "source_silent", app="com.cgm") == [(49.9, 120.0)]
    both = look(exported([*readings(app="com.watch", kind="heart_rate", to_h=50), *stopping], range(8, 72, 6)), last=2)
    assert spans(both, "source_silent") == []


def test_a_source_that_stops_and_nothing_else_to_compare_it_with_is_not_assessable():
    totals = [("steps", "com.cgm", f"s{n}", at(24 * n), at(24 * n + 24) - 1, at(24 * n + 30)) for n in range(2)]
    other = [("steps", "com.phone", f"p{n}", at(24 * n), at(24 * n + 24) - 1, at(24 * n + 24)) for n in range(3)]
    found = look(exported([*readings(to_h=50), *totals, *other], range(8, 100, 12), window_h=48), last=3)
    labels = {g.label for g in found.gaps if g.kind == "blood_glucose"}
    assert "not_assessable" in labels
    assert "source_silent" not in labels


def test_a_short_silence_at_the_end_is_a_sensor_gap():
    found = look(exported(readings(to_h=50), [20, 32, 44, 49.5, 55, 60]), last=2)
    gaps = [g.label for g in found.gaps]
    assert set(gaps) <= {"sensor_gap", "late_pending"}


def test_one_fetch_is_too_few_to_tell_anything():
    found = look(exported(readings(to_h=20, without=lambda h: 5 < h < 9), [20]), last=0)
    assert {g.label for g in found.gaps} == {"not_assessable"}
    assert found.advice.sentence.startswith("Not assessable")


def test_without_a_local_day_nothing_is_said():
    delivered = exported(readings(to_h=50), [20, 32])
    nowhere = look(delivered, last=1, span=0)
    assert (nowhere.gaps, nowhere.days) == ((), ())
    assert nowhere.advice.sentence.startswith("Not assessable")


def now_and_then(*, pause: tuple[float, float], unpublished: tuple[float, float]) -> list:
    """A watch every 10 minutes that mostly publishes at once, and took ten hours for its first night."""
    rows = readings(
        app="com.watch", kind="heart_rate", to_h=70, every_min=10, lag_min=5, without=lambda h: pause[0] <= h < pause[1]
    )
    slow = [(*r[:5], r[5] + 10 * HOUR_MS) if r[3] < at(3) else r for r in rows]
    return [(*r[:5], at(20.5)) if at(unpublished[0]) <= r[3] < at(unpublished[1]) else r for r in slow]


def test_records_from_after_a_pause_prove_that_it_was_read_however_long_the_lag_can_be():
    watch = now_and_then(pause=(15, 18), unpublished=(0, 0))
    found = look(exported(watch, [8, 20, 44, 68]), last=1)
    assert found.lags["heart_rate", "com.watch"].sure_ms > 18 * HOUR_MS
    assert spans(found, "sensor_gap") == [(14.8, 18.0)]


def test_one_record_ahead_of_the_others_proves_nothing():
    # At 20 h the phone had published nothing since 14 h but the hour that was still growing.
    watch = now_and_then(pause=(0, 0), unpublished=(14, 19.8))
    found = look(exported(watch, [8, 20, 44, 68]), last=1)
    assert spans(found, "sensor_gap") == []
    assert spans(found, "exporter_hole")[0] == (13.8, 19.8)


def test_a_bucket_that_runs_into_a_day_without_one_is_missing_once():
    # Buckets from 20 to 20 h; none begins on the third day.
    buckets = [("steps", "com.phone", f"b{n}", at(24 * n + 20), at(24 * n + 44) - 1) for n in range(5) if n != 2]
    running = [(*b, at(h)) for b in buckets for h in range(8, 140, 12) if b[3] <= at(h) < b[4]]
    rows = [exported([r], [(r[5] - at(0)) / HOUR_MS]) for r in running]
    rows.append(exported(readings(app="com.watch", kind="heart_rate", to_h=140, every_min=10), range(8, 140, 12)))
    found = look(pl.concat(rows), first=1, last=3)
    gaps = sorted((g.from_ms, g.to_ms) for g in found.gaps if g.kind == "steps")
    assert all(a[1] <= b[0] for a, b in zip(gaps, gaps[1:], strict=False))
    assert any(begin <= at(60) < end for begin, end in gaps)


def test_a_file_that_never_arrived_is_a_hole_and_no_window_would_have_helped():
    both = [*readings(to_h=130), *readings(app="com.watch", kind="heart_rate", to_h=130, every_min=10)]
    fetches = [20 + 23 * n for n in range(6)]
    found = look(exported(both, fetches, lost=lambda fetch, kind: fetch == 66 and kind == "blood_glucose"), last=3)
    assert found.windows.unread[2] == {"blood_glucose"}
    [(begin, end)] = spans(found, "exporter_hole")
    # From the fetch before, less the lag, to the begin of the next window.
    assert (begin, end) == (42.5, 65.0)
    assert {g.kind for g in found.gaps if g.label == "exporter_hole"} == {"blood_glucose"}


def test_a_modification_time_that_is_no_publication_is_seen_through():
    # The source writes the reading's own time as its modification; it appears three hours later.
    late = exported(readings(to_h=60, lag_min=180), range(4, 60))
    honest = look(late, last=1)
    lying = look(late.with_columns(modified_utc=pl.col("start_utc")), last=1)
    [key] = lying.lags
    assert honest.lags[key].median_ms == 180 * MINUTE_MS
    # A fetch an hour tells no more than that it was absent an hour before it came.
    assert 120 * MINUTE_MS <= lying.lags[key].median_ms <= 180 * MINUTE_MS


def test_a_fetch_that_reads_farther_back_is_seen_as_such_and_changes_no_other():
    usual = exported(readings(to_h=130), range(30, 130, 12))
    first = exported(readings(to_h=130), [26], window_h=26)
    found = look(pl.concat([first, usual]), last=4)
    lengths = (found.windows.fetch_ms - found.windows.from_ms).tolist()
    assert lengths[0] == 26 * HOUR_MS
    assert set(lengths[1:]) == {DAY_MS}


def test_a_day_closes_at_the_first_fetch_a_lag_after_its_end_and_says_who_keeps_it_open():
    fetches = [20, 32, 44, 50]
    slow = readings(app="com.slow", kind="heart_rate", to_h=50, every_min=10, lag_min=300)
    found = look(exported([*readings(to_h=50), *slow], fetches), last=1)
    closed, still_open = found.days
    assert closed.closed_ms == at(32)
    assert closed.open_sources == {}
    assert still_open.closed_ms is None
    assert still_open.open_sources == {"com.slow": at(53)}


def test_nights_without_data_are_gaps_at_the_usual_hours_and_naps_are_not_nights():
    nights = [("sleep", "com.ring", f"n{n}", at(24 * n + 23), at(24 * n + 31), at(24 * n + 32)) for n in range(-1, 6)]
    nap = ("sleep", "com.ring", "nap", at(24 * 3 + 14), at(24 * 3 + 15), at(24 * 3 + 16))
    kept = [*nights[:3], *nights[4:], nap]
    found = look(exported(kept, range(8, 150, 8), window_h=26), first=1, last=4)
    assert spans(found, "sensor_gap") == [(71.0, 79.0)]


def test_a_day_without_a_total_is_a_gap_and_a_running_total_lacks_its_last_part():
    buckets = [("steps", "com.phone", f"d{n}", at(24 * n), at(24 * n + 24) - 1) for n in range(6) if n != 3]
    running = [(*b, at(h)) for b in buckets for h in range(8, 140, 12) if b[3] <= at(h) < b[4]]
    rows = [exported([r], [(r[5] - at(0)) / HOUR_MS]) for r in running]
    # The watch shows that there were fetches on the day without a total.
    rows.append(exported(readings(app="com.watch", kind="heart_rate", to_h=140, every_min=10), range(8, 140, 12)))
    found = look(pl.concat(rows), first=1, last=3)
    assert spans(found, "exporter_hole") == [(44.0, 48.0), (68.0, 72.0)]
    assert [g.local_date - FIRST_DAY for g in found.gaps if g.label == "sensor_gap"] == [timedelta(days=3)]
    # From 8 in the morning after, back to the midnight before: 32 h and the lag.
    assert found.advice.total_window_minutes is not None
    assert found.advice.total_window_minutes >= 32 * 60
    assert found.advice.overlap_minutes is None


@st.composite
def deliveries(draw):
    lag = draw(st.integers(0, 600))
    pause = draw(st.tuples(st.floats(0, 90), st.floats(0, 30)))
    fetches = sorted(draw(st.sets(st.integers(1, 120), min_size=1, max_size=8)))
    window = draw(st.sampled_from([12, 24, 30]))
    of_cgm = readings(
        to_h=draw(st.integers(1, 100)), every_min=15, lag_min=lag, without=lambda h: pause[0] <= h < sum(pause)
    )
    of_watch = readings(app="com.watch", kind="heart_rate", to_h=100, every_min=30, lag_min=draw(st.integers(0, 300)))
    of_ring = [
        (kind, "com.ring", f"{kind}{n}", at(24 * n + 23), at(24 * n + 31), at(24 * n + 32))
        for n in draw(st.sets(st.integers(-1, 4)))
        for kind in ("sleep", "heart_rate")
    ]
    of_phone = [
        ("steps", "com.phone", f"d{n}", at(24 * n), at(24 * n + 24) - 1, at(24 * n + draw(st.integers(1, 30))))
        for n in draw(st.sets(st.integers(0, 4)))
    ]
    return exported([*of_cgm, *of_watch, *of_ring, *of_phone], fetches, window_h=window)


@settings(deadline=None, max_examples=60)
@given(deliveries(), st.integers(0, 3), st.integers(0, 2))
def test_of_any_deliveries_labels_and_data_part_the_time_between_them(delivered, first, more):
    found = look(delivered, first=first, last=first + more)
    history = history_of(delivered)
    assert {g.label for g in found.gaps} <= set(LABELS)
    by_stream: dict = {}
    for gap in found.gaps:
        by_stream.setdefault((gap.kind, gap.source_app), []).append(gap)
    assert set(by_stream) <= set(found.expected)
    for key, (begin, end) in found.expected.items():
        gaps = sorted(by_stream.get(key, []), key=lambda g: g.from_ms)
        assert all(begin <= g.from_ms < g.to_ms <= end for g in gaps)
        # No two labels at one instant.
        assert all(a.to_ms <= b.from_ms for a, b in zip(gaps, gaps[1:], strict=False))
        stream = history.streams[key]
        reached = np.minimum(stream.end_ms, stream.latest_modified_ms)
        for gap in gaps:
            # No gap where there are data.
            assert not ((stream.start_ms < gap.to_ms) & (np.maximum(reached, stream.start_ms) > gap.from_ms)).any()
        if key == ("blood_glucose", "com.cgm"):
            # And no stretch without either: what is neither is too short to be a gap.
            inside = stream.start_ms[(stream.start_ms >= begin) & (stream.start_ms < end)].tolist()
            edges = sorted([begin, end, *inside, *(e for g in gaps for e in (g.from_ms, g.to_ms))])
            for a, b in zip(edges, edges[1:], strict=False):
                in_gap = any(g.from_ms <= a and b <= g.to_ms for g in gaps)
                assert in_gap or b - a <= LONGEST_BETWEEN_MS["blood_glucose"]


@pytest.mark.parametrize("every_min", [1, 3, 10, 15])
def test_a_slow_sensor_has_no_gap_between_its_readings_and_one_where_two_are_lost(every_min):
    lost = (30, 30 + 2.5 * every_min / 60) if every_min > 5 else (30, 30.4)
    rows = readings(to_h=72, every_min=every_min, without=lambda hour: lost[0] <= hour < lost[1])
    rows += readings(app="com.other", kind="heart_rate", to_h=72)
    found = look(exported(rows, [h / 2 for h in range(1, 150)]), last=2)
    inside = [span for label in LABELS for span in spans(found, label, app="com.cgm") if span[1] < 70]
    assert len(inside) == 1
    assert abs(inside[0][0] - lost[0]) < 0.3


@settings(deadline=None, max_examples=30)
@given(deliveries(), st.randoms(use_true_random=False))
def test_the_order_and_the_repetition_of_deliveries_do_not_matter(delivered, random):
    rows = list(range(delivered.height)) + [random.randrange(delivered.height) for _ in range(5) if delivered.height]
    random.shuffle(rows)
    mixed = delivered[rows]
    first, last = FIRST_DAY, FIRST_DAY + timedelta(days=4)
    told = [as_dict(look(frame, last=4), first_day=first, last_day=last) for frame in (delivered, mixed)]
    assert told[0] == told[1]


def test_the_minutes_of_a_source_add_up_to_what_was_expected_of_it():
    found = look(exported(readings(to_h=130, lag_min=180), NIGHTLY), last=4)
    [source] = as_dict(found, first_day=FIRST_DAY, last_day=FIRST_DAY)["sources"]
    assert source["expected_from_utc"] == "2025-03-03T00:00:00+00:00"
    assert sum(source["minutes"].values()) == pytest.approx(120 * 60, abs=0.5)
    assert source["minutes"]["exporter_hole"] == pytest.approx(5 * 180, abs=30)


def test_a_gap_over_midnight_is_a_row_on_each_day_and_the_rows_hold_times_only():
    found = look(exported(readings(to_h=130, without=lambda h: 47 <= h < 50), range(8, 130, 12)), last=4)
    rows = gap_rows("s1", found)
    assert rows.schema == GAP_SCHEMA
    assert rows["local_date"].to_list() == [FIRST_DAY + timedelta(days=1), FIRST_DAY + timedelta(days=2)]
    assert rows["to_utc"][0] == rows["from_utc"][1]
    assert rows["minutes"].sum() == pytest.approx(185)


def test_nothing_delivered_gives_nothing():
    found = look(exported([], []), last=1)
    assert (found.gaps, dict(found.lags)) == ((), {})
    assert found.advice.sentence.startswith("Not assessable")
