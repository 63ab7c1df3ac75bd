"""Which local days are asked for again after an upload."""

from datetime import UTC, date, datetime

from assets.stages.validation import validate_day
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from tests.flow import TENANT, installation, land
from tests.meter_uploads import DAY, meter_upload, reading
from vitals.record_types import BLOOD_GLUCOSE


def test_a_record_from_before_the_first_partition_is_kept_and_leaves_nothing_that_waits_for_ever(tmp_path):
    _, workspace = installation(tmp_path, first_day="2020-01-01")
    ancient = reading(0) | {"timeEpochMillis": round(datetime(2001, 6, 1, tzinfo=UTC).timestamp() * 1000)}
    land(workspace.lake(TENANT), [meter_upload([ancient, reading(1)])])
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    result = validate_day(workspace, tenant=TENANT, record_type=BLOOD_GLUCOSE, landing_day=DAY, run_id="test")
    assert result.rows["accepted"] == 2
    stale = {mark.local_date for mark in workspace.catalog.stale_days.list(TENANT, "clinical")}
    assert stale == {date(2025, 9, 20)}
