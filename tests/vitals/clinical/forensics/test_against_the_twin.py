"""Windows, lags and gaps of made-up people whose exporter and sources are known: nothing missed, nothing made up."""

import numpy as np
import pytest

from tests.vitals.clinical.forensics.twin_deliveries import PATTERN, case
from vitals.clinical.forensics.deliveries import DAY_MS, HOUR_MS, MINUTE_MS
from vitals.clinical.forensics.gaps import LONGEST_BETWEEN_MS
from vitals.synthetic.faults import Fault

# Person, seed, fetches a day, fetches not yet made: every role with one, two and four fetches.
CASES = [(index, 11 + index, per_day, drop) for index in range(7) for per_day, drop in ((1, 0), (2, 2), (4, 1))]


@pytest.fixture(scope="module", params=CASES, ids=lambda c: "person{}-seed{}-{}fetches-drop{}".format(*c))
def made(request):
    index, seed, per_day, drop = request.param
    one = case(seed, index, fetches_per_day=per_day, drop_fetches=drop)
    return one, one.findings()


def test_the_window_of_every_fetch_is_found(made):
    one, found = made
    assert found.windows.length_ms == DAY_MS
    assert (found.windows.fetch_ms - found.windows.from_ms == DAY_MS).all()
    assert found.windows.fetch_ms[-1] == one.last_fetch_ms


def test_the_lag_of_every_source_is_found_within_a_minute(made):
    one, found = made
    measured = 0
    for (kind, app), lag in found.lags.items():
        true_ms = one.came.filter(kind=kind, source_app=app)["lag_ms"].to_numpy()
        if kind in ("steps", "active_calories"):
            continue  # a running total has no end to be late after
        measured += lag.basis == "records"
        # Records that grow are published again and again: only those that were complete at first show a lag.
        if lag.basis == "records" and kind != "heart_rate":
            assert abs(lag.median_ms - np.quantile(true_ms, 0.5, method="higher")) <= MINUTE_MS
            assert abs(lag.p95_ms - np.quantile(true_ms, 0.95, method="higher")) <= MINUTE_MS
        if lag.basis == "records":
            assert abs(lag.longest_ms - true_ms.max()) <= MINUTE_MS
    assert measured


@pytest.mark.parametrize(("index", "per_day"), [(0, 1), (2, 2), (3, 4), (5, 2)])
def test_the_lag_of_a_phone_that_publishes_now_and_then_is_found_within_a_minute(index, per_day):
    # Without growth: a record that is published anew, complete at last, has no lag of its own.
    one = case(40 + index, index, fetches_per_day=per_day, faults=PATTERN - {Fault.GROWTH})
    lag = one.findings().lags["heart_rate", "com.sec.android.app.shealth"]
    true_ms = one.came.filter(kind="heart_rate", source_app="com.sec.android.app.shealth")["lag_ms"].to_numpy()
    for share, measured in ((0.5, lag.median_ms), (0.95, lag.p95_ms), (1.0, lag.longest_ms)):
        assert abs(measured - np.quantile(true_ms, share, method="higher")) <= MINUTE_MS
    assert lag.longest_ms > 4 * HOUR_MS


def test_every_record_that_never_came_lies_in_a_gap_labelled_with_why(made):
    one, found = made
    wrong, looked_at = [], 0
    for kind, app, start, end, cause in one.missing.iter_rows():
        own = one.delivered.filter(kind=kind, source_app=app)
        starts, ends = (np.sort(own[name].to_physical().to_numpy()) for name in ("start_utc", "end_utc"))
        if not len(starts) or start < starts[0] or start >= min(one.last_fetch_ms, one.files.scene.person.end_ms):
            continue  # nothing is expected there
        # A missing night is put at the usual hours, which may be an hour or two off.
        reach = 3 * HOUR_MS if kind in ("sleep", "hrv_rmssd") or end - start > 2 * HOUR_MS else 0
        of_stream = [g for g in found.gaps if (g.kind, g.source_app) == (kind, app)]
        labels = {g.label for g in of_stream if g.from_ms <= end + reach and start - reach < g.to_ms}
        if labels:
            looked_at += 1
        elif _is_between_close_neighbours(kind, start, starts, ends) or kind == "sleep":
            continue  # no gap to speak of; a nap is not expected
        if cause not in labels:
            wrong.append((kind, app, start, cause, labels))
    assert wrong == []
    assert looked_at or one.last_fetch_ms - found.windows.fetch_ms[-2] < 12 * HOUR_MS


def _is_between_close_neighbours(kind: str, at: int, starts: np.ndarray, ends: np.ndarray) -> bool:
    before = np.maximum.accumulate(ends)[max(int(np.searchsorted(starts, at, side="right")) - 1, 0)]
    after = starts[np.searchsorted(starts, at)] if at < starts[-1] else at
    return bool(before > at or after - before <= LONGEST_BETWEEN_MS.get(kind, 0))


def test_no_hole_is_made_up(made):
    one, found = made
    pauses = [(kind, app, begin, end) for kind, table in one.files.tables.items() for app, begin, end in table.pauses]
    for gap in found.gaps:
        if gap.label not in ("exporter_hole", "late_pending") or gap.kind in ("steps", "active_calories"):
            continue
        lost = one.missing.filter(kind=gap.kind, source_app=gap.source_app)
        inside = lost.filter((lost["start_ms"] < gap.to_ms) & (lost["end_ms"] >= gap.from_ms))
        # Beside lost data, nobody can tell a pause from more of the same; after the last reading nothing can.
        in_pause = any(p[:2] == (gap.kind, gap.source_app) and p[2] < gap.to_ms and p[3] > gap.from_ms for p in pauses)
        after_life = gap.to_ms >= one.files.scene.person.end_ms
        assert len(inside) or in_pause or after_life, gap


def test_what_an_hourly_fetch_loses_of_a_cgm_is_only_what_its_sensor_did_not_measure():
    one = case(3, 1, fetches_per_day=24, days=3, faults=PATTERN - {Fault.GAPS} | {Fault.SOURCE_LAG})
    found = one.findings(drop_last_days=1)
    labels = {g.label for g in found.gaps if g.kind == "blood_glucose"}
    assert labels <= {"sensor_gap"}


def test_pauses_of_a_sensor_are_told_from_holes():
    one = case(4, 0, fetches_per_day=2)
    found = one.findings(drop_last_days=1)
    pauses = one.files.tables["blood_glucose"].pauses
    holes = one.missing.filter(kind="blood_glucose")
    checked = 0
    for _, begin, end in pauses:
        near = holes.filter((holes["start_ms"] > begin - HOUR_MS) & (holes["start_ms"] < end + HOUR_MS))
        in_days = one.files.scene.person.start_ms < begin and end < one.files.scene.person.end_ms - DAY_MS
        if len(near) or not in_days:
            continue
        middle = (begin + end) // 2
        [gap] = [g for g in found.gaps if g.kind == "blood_glucose" and g.from_ms <= middle < g.to_ms]
        assert gap.label == "sensor_gap"
        assert abs(gap.from_ms - begin) <= 6 * MINUTE_MS
        assert abs(gap.to_ms - end) <= 6 * MINUTE_MS
        checked += 1
    assert checked


def test_the_last_total_of_a_day_never_arrives_with_a_window_of_a_day():
    one = case(5, 0, fetches_per_day=2, faults=PATTERN - {Fault.GAPS})
    found = one.findings(drop_last_days=1)
    tails = [g for g in found.gaps if g.kind == "steps" and g.source_app == "com.sec.android.app.shealth"]
    assert len(tails) == len(found.days)
    assert {g.label for g in tails} == {"exporter_hole"}
    assert found.advice.total_window_minutes is not None


def test_without_lag_and_missed_fetches_nothing_is_to_change_but_for_the_totals():
    faults = PATTERN - {Fault.GAPS, Fault.SOURCE_LAG, Fault.GROWTH, Fault.DAY_BUCKETS}
    one = case(6, 1, fetches_per_day=2, faults=faults)
    found = one.findings(drop_last_days=1)
    assert [g for g in found.gaps if g.label == "exporter_hole"] == []
    assert found.advice.sentence.startswith("Nothing to change")


def test_the_overlap_asked_for_is_the_lag_and_with_the_window_asked_for_nothing_is_lost():
    faults = PATTERN - {Fault.GAPS, Fault.TWO_SOURCES}
    one = case(7, 0, fetches_per_day=1, faults=faults)
    cgm = one.delivered.filter(kind="blood_glucose")
    found = one.findings(cgm, drop_last_days=1)
    assert found.advice.overlap_minutes == 190
    assert "3 h 10 min" in found.advice.sentence
    # Fetches again with the window that was asked for: every reading that was published comes.
    table = one.files.tables["blood_glucose"].rows
    fetches = found.windows.fetch_ms
    window = found.advice.window_minutes * MINUTE_MS
    began = int(fetches[0])
    for start, published in zip(table.start_ms.tolist(), table.modified_ms.tolist(), strict=True):
        if start >= began and published <= int(fetches[-1]):
            assert ((fetches - window <= start) & (fetches >= published)).any()


def test_an_exporter_that_sends_each_change_once_has_no_fixed_window_and_no_holes_while_it_is_not_missed():
    faults = PATTERN - {Fault.OVERLAPPING_WINDOWS, Fault.GAPS, Fault.DAY_BUCKETS}
    one = case(8, 0, fetches_per_day=2, faults=faults)
    found = one.findings(drop_last_days=1)
    assert found.windows.length_ms is None
    assert [g for g in found.gaps if g.label == "exporter_hole"] == []
