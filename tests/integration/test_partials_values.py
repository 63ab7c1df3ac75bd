"""A record that lacks nothing but its value waits for it, and a person may give one within its plausible range."""

import json

import pytest

from operations.completions import complete, undo
from operations.review_queue import waiting_records
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from tests.meter_uploads import FETCHED_MS, reading, upload_of
from tests.vitals.raw.making import container, encode
from vitals.errors import AlreadyDoneError, ImplausibleValueError, UsageError
from vitals.raw.schemas import lenient_schema

WHO = {"tenant": TENANT, "actor": "rev", "reason": "read from the meter"}
LEVEL = "level_mg_dl"


def without_values(readings: list[dict], monkeypatch) -> tuple[str, bytes]:
    """A file of a writer whose values may be null."""
    schema = json.loads(lenient_schema("blood_glucose").text)
    monkeypatch.setattr("tests.meter_uploads.upload", lambda _kind, records: container(encode(records, schema), schema))
    return upload_of("blood_glucose", readings, fetched_ms=FETCHED_MS)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """One reading without its value, one with NaN, one without value and in the future, and good ones."""
    _, found = installation(tmp_path)
    readings = [reading(i) for i in range(8)]
    readings[1]["levelInMilligramsPerDeciliter"] = None
    readings[2]["levelInMilligramsPerDeciliter"] = float("nan")
    readings[3] |= {"levelInMilligramsPerDeciliter": None, "timeEpochMillis": FETCHED_MS + 10**8}
    land(found.lake(TENANT), [without_values(readings, monkeypatch)])
    run_stages(found)
    return found


def test_a_value_is_completed_within_its_range_and_can_be_taken_back(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    assert (first.record_id, first.lacks, second.record_id, second.lacks) == (
        "reading-1",
        [LEVEL],
        "reading-2",
        [LEVEL],
    )
    (refused,) = workspace.catalog.quarantine.list(TENANT)
    assert (refused.record_id, refused.reason) == ("reading-3", "time_in_future")
    assert unbalanced(workspace) == []
    before = came_out(workspace)
    for value in ("-100", "0", "5.6", "19.9", "601", "99999", "nan", "inf", "much", ""):
        with pytest.raises(ImplausibleValueError):
            complete(workspace, ids=[first.partial_id], said={LEVEL: value}, **WHO)
    with pytest.raises(UsageError):
        complete(workspace, ids=[first.partial_id], said={"count": "100"}, **WHO)
    done = complete(workspace, ids=[first.partial_id], said={LEVEL: "123"}, **WHO)
    run_stages(workspace)
    records = workspace.lake(TENANT).table("validated/blood_glucose").collect()
    assert dict(records.select("record_id", LEVEL).iter_rows())["reading-1"] == 123
    (facts,) = workspace.lake(TENANT).table("clinical/blood_glucose").collect().to_dicts()
    assert (facts["completions"], facts["n"]) == (done.completions, 6)
    assert [item.record_id for item in waiting_records(workspace, tenant=TENANT)] == ["reading-2"]
    with pytest.raises(AlreadyDoneError):
        complete(workspace, ids=[first.partial_id], said={LEVEL: "124"}, **WHO)
    assert unbalanced(workspace) == []
    undo(workspace, ids=done.completions, **WHO)
    run_stages(workspace)
    assert came_out(workspace) == before


def test_a_lone_record_without_its_value_waits_and_its_file_is_no_bad_one(tmp_path, monkeypatch):
    _, workspace = installation(tmp_path)
    lone = reading(0) | {"levelInMilligramsPerDeciliter": None}
    land(workspace.lake(TENANT), [without_values([lone], monkeypatch)])
    run_stages(workspace)
    (upload,) = workspace.catalog.uploads.list(TENANT)
    assert (upload.state, upload.score, upload.rows_partial, upload.rows_quarantined) == ("processed", 0.7, 1, 0)
    assert workspace.catalog.batches.status(TENANT, upload_id=upload.upload_id).status == "partial"
