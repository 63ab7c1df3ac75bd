"""Which local days are asked for again after an upload."""

import json
from datetime import UTC, date, datetime

import pytest

from pipeline.validated.landing_day import validate_day
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from tests.flow import TENANT, came_out, installation, land, run_stages
from tests.meter_uploads import DAY, meter_upload, reading
from tests.vitals.raw.making import make_records, upload
from vitals.record_types import BLOOD_GLUCOSE

DAY_MS = 86_400_000


def test_a_record_from_before_the_first_partition_is_kept_and_leaves_nothing_that_waits_for_ever(tmp_path):
    _, workspace = installation(tmp_path, first_day="2020-01-01")
    ancient = reading(0) | {"timeEpochMillis": round(datetime(2001, 6, 1, tzinfo=UTC).timestamp() * 1000)}
    land(workspace.lake(TENANT), [meter_upload([ancient, reading(1)])])
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    result = validate_day(workspace, tenant=TENANT, record_type=BLOOD_GLUCOSE, landing_day=DAY, run_id="test")
    assert result.rows["accepted"] == 2
    stale = {mark.local_date for mark in workspace.catalog.stale_days.list(TENANT, "clinical")}
    assert stale == {date(2025, 9, 20)}


@pytest.mark.parametrize("shift", [-DAY_MS, DAY_MS])
def test_a_sample_a_day_outside_its_record_is_dropped_whatever_arrives_first(tmp_path, shift):
    record = make_records("heart_rate", 1)[0] | {"startZoneOffsetId": "-05:00", "endZoneOffsetId": "-05:00"}
    at = record["startTimeEpochMillis"]
    record["samples"] = [{"timeEpochMillis": at + by, "beatsPerMinute": 70} for by in (0, shift)]
    # What makes the sample's day one of which anything is known.
    other = reading(0) | {"timeEpochMillis": at + shift}
    folder = f"{DAY:%Y/%m/%d}"
    heart_rate = (f"raw/HeartRateRecord/{folder}/anna_1758407139312_a.avro", upload("heart_rate", [record]))
    glucose = (f"raw/BloodGlucoseRecord/{folder}/anna_1758407139312_a.avro", upload("blood_glucose", [other]))
    ends = []
    for name, order in (("one", [heart_rate, glucose]), ("two", [glucose, heart_rate])):
        _, workspace = installation(tmp_path / name)
        for found in order:
            land(workspace.lake(TENANT), [found])
            run_stages(workspace)
        ends.append(came_out(workspace).facts["heart_rate"])
    assert ends[0] == ends[1]
    assert ends[0].count(b'"local_date"') == 1


def test_a_night_that_crosses_the_date_line_eastwards_has_facts_on_the_day_it_ends(tmp_path):
    _, workspace = installation(tmp_path)
    night = make_records("sleep", 1)[0] | {"startZoneOffsetId": "+13:00", "endZoneOffsetId": "-10:00"}
    start = night["startTimeEpochMillis"]
    end = start + DAY_MS // 3
    night |= {
        "endTimeEpochMillis": end,
        "stages": [{"startTimeEpochMillis": start, "endTimeEpochMillis": end, "stage": "LIGHT"}],
    }
    key = f"raw/SleepSessionRecord/{DAY:%Y/%m/%d}/anna_1758407139312_a.avro"
    land(workspace.lake(TENANT), [(key, upload("sleep", [night]))])
    run_stages(workspace)
    (facts,) = json.loads(came_out(workspace).facts["sleep"])
    # 15 November 11:13 by the clock of the departure, 14 November 20:13 by that of the arrival.
    assert (facts["local_date"], facts["tib"]) == ("2023-11-14", 480)
