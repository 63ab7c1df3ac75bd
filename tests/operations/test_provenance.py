"""A zone that a record does not give is inferred from its person's other records, and says how far to trust it."""

import polars as pl
import pytest

from operations.completions import complete, discard, require_context
from operations.provenance import inferred_zones, provenance_of_partial
from operations.review_queue import waiting_records
from pipeline.validated.records_table import records_table
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


WHO = {"tenant": TENANT, "actor": "rev", "reason": "asked"}


@pytest.mark.parametrize(
    ("zone", "specimen", "meal", "said", "expected"),
    [
        ("-05:00", "UNKNOWN", "UNKNOWN", {}, ("avro", "missing", "missing")),
        (None, "UNKNOWN", "UNKNOWN", {}, ("inferred", "missing", "missing")),
        (None, "CAPILLARY_BLOOD", "UNKNOWN", {}, ("inferred", "avro", "missing")),
        ("Z", "UNKNOWN", "FASTING", {}, ("inferred", "missing", "avro")),
        ("-05:00", "UNKNOWN", "UNKNOWN", {"specimen_source": "SERUM"}, ("avro", "manual", "missing")),
        (None, "UNKNOWN", "UNKNOWN", {"relation_to_meal": "FASTING"}, ("inferred", "missing", "manual")),
    ],
)
def test_each_field_of_a_record_that_waits_says_where_it_is_from(tmp_path, zone, specimen, meal, said, expected):
    _, workspace = installation(tmp_path)
    require_context(workspace, kind="blood_glucose", fields=["specimen_source", "relation_to_meal"], **WHO)
    waits = reading(1, zone=zone, specimen=specimen, app="com.example.z") | {"relationToMeal": meal}
    land(workspace.lake(TENANT), [meter_upload([reading(0), waits])])
    run_stages(workspace)
    (item,) = (one for one in waiting_records(workspace, tenant=TENANT) if one.record_id == "reading-1")
    if said:
        complete(workspace, ids=[item.partial_id], said=said, **WHO)
        run_stages(workspace)
    row = workspace.catalog.partials.get(TENANT, item.partial_id)
    fields = provenance_of_partial(workspace, TENANT, row, hidden=False)
    assert fields.pop("level_mg_dl") == {"provenance": "avro"}
    names = ("start_offset_seconds", "specimen_source", "relation_to_meal")
    assert tuple(fields[name]["provenance"] for name in names) == expected
    if expected[0] == "inferred":
        zone_from = fields["start_offset_seconds"]
        assert (zone_from["confidence"], zone_from["evidence_hours"]) == ("high", 0.5)
    for name, value in said.items():
        assert (fields[name]["value"], fields[name]["by"], fields[name]["reason"]) == (value, "rev", "asked")
    # Of somebody who does not allow summaries only what people did is told.
    hidden = provenance_of_partial(workspace, TENANT, row, hidden=True)
    assert set(hidden) == set(said)
    assert all("value" not in one for one in hidden.values())


def test_a_zone_that_nothing_tells_is_missing_and_given_up_stays_so(tmp_path):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [meter_upload([reading(0, zone=None)])])
    run_stages(workspace)
    (item,) = waiting_records(workspace, tenant=TENANT)
    discard(workspace, ids=[item.partial_id], **WHO)
    row = workspace.catalog.partials.get(TENANT, item.partial_id)
    fields = provenance_of_partial(workspace, TENANT, row, hidden=False)
    assert fields["start_offset_seconds"] == {"provenance": "missing"}
