"""A zone that a record does not give is inferred from its person's other records, and says how far to trust it."""

import polars as pl
import pytest

from assets.stages.provenance import inferred_zones
from assets.stages.records_table import records_table
from tests.flow import TENANT, installation, land, run_stages
from tests.meter_uploads import meter_upload, reading
from vitals.record_types import BLOOD_GLUCOSE

HOUR_MS = 3_600_000


def found(tmp_path, *readings: dict) -> dict:
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [meter_upload(list(readings))])
    run_stages(workspace)
    table = workspace.lake(TENANT).scan(records_table(BLOOD_GLUCOSE), schema=pl.Schema(BLOOD_GLUCOSE.columns))
    return inferred_zones(workspace, TENANT, table.collect())


def moved(one: dict, hours: float) -> dict:
    at = one["timeEpochMillis"] - round(hours * HOUR_MS)
    return one | {"timeEpochMillis": at, "metadata": one["metadata"] | {"lastModifiedTimeEpochMillis": at + 60_000}}


@pytest.mark.parametrize(
    ("hours", "confidence"), [(0, "high"), (20, "high"), (30, "medium"), (6 * 24, "medium"), (8 * 24, "low")]
)
def test_the_nearest_evidence_decides_how_far_a_zone_is_trusted(tmp_path, hours, confidence):
    given, silent = moved(reading(0), hours), reading(1, zone=None)
    (zone,) = found(tmp_path, given, silent).values()
    assert (zone.offset_seconds, zone.confidence) == (-18_000, confidence)
    assert zone.evidence_hours == pytest.approx(hours + 0.5)


def test_a_record_that_gives_its_zone_infers_none_and_z_for_want_of_one_does(tmp_path):
    zones = found(tmp_path, reading(0), reading(1), reading(2, zone="Z", app="com.example.z"))
    assert set(zones) == {"reading-2"}
    assert zones["reading-2"].offset_seconds == -18_000


def test_a_true_z_is_no_inference(tmp_path):
    assert found(tmp_path, reading(0, zone="Z"), reading(1, zone="Z")) == {}
