"""A phone whose clock runs ahead: it wins over nothing, closes no day, and what it left is put right."""

from datetime import UTC, date, datetime, timedelta

import pytest

from resources.catalog.rows.days import FetchMark
from resources.catalog.subjects import merge_fetches
from tests.flow import TENANT, installation, land, unbalanced
from tests.made_up_uploads import epoch_ms, made_record, made_upload
from tests.pipeline.test_moved_records import records, validate

DAY = date(2026, 10, 6)
AT = datetime(2026, 10, 6, 6, tzinfo=UTC)
FETCH = datetime(2026, 10, 6, 18, tzinfo=UTC)


def reading(record_id, value, fetched, at=AT):
    return made_record("blood_glucose", record_id, at, value, modified=fetched - timedelta(minutes=1), fetched=fetched)


@pytest.mark.parametrize("lead", [timedelta(days=2), timedelta(days=1825)], ids=["two days", "five years"])
@pytest.mark.parametrize("bad_first", [True, False])
def test_rows_of_a_clock_ahead_are_quarantined_and_their_siblings_flow(tmp_path, lead, bad_first):
    _, workspace = installation(tmp_path)
    ahead = [reading("same", 111, FETCH + lead), reading("honest", 99, FETCH, AT + timedelta(hours=1))]
    uploads = [
        made_upload("blood_glucose", ahead, landing_day=DAY),
        made_upload("blood_glucose", [reading("same", 222, FETCH)]),
    ]
    for one in uploads if bad_first else uploads[::-1]:
        land(workspace.lake(TENANT), [one])
        validate(workspace)
    found = records(workspace, "blood_glucose").sort("record_id")
    assert found["level_mg_dl"].to_list() == [99, 222]
    assert unbalanced(workspace) == []
    [row] = workspace.catalog.quarantine.list(TENANT)
    assert (row.reason, row.record_id) == ("clock_ahead", "same")
    people = found["subject_id"].to_list()
    assert workspace.catalog.subjects.latest_fetch_ms(TENANT, people) == {people[0]: epoch_ms(FETCH)}


def test_a_lead_that_is_borne_closes_no_day_before_it_has_landed(tmp_path):
    _, workspace = installation(tmp_path)
    lead = timedelta(hours=32)
    land(workspace.lake(TENANT), [made_upload("blood_glucose", [reading("r", 100, AT + lead)], landing_day=DAY)])
    validate(workspace)
    [subject] = records(workspace, "blood_glucose")["subject_id"]
    until = datetime(2026, 10, 7, 12, tzinfo=UTC)
    assert workspace.catalog.subjects.latest_fetch_ms(TENANT, [subject]) == {subject: epoch_ms(until)}


@pytest.mark.parametrize("others", [0, 1])
def test_a_mark_that_an_older_version_left_is_lowered_when_uploads_are_read_again(tmp_path, others):
    _, workspace = installation(tmp_path)
    uploads = [reading(f"r{n}", 100 + n, FETCH + timedelta(days=n), AT + timedelta(days=n)) for n in range(1 + others)]
    land(workspace.lake(TENANT), [made_upload("blood_glucose", [one]) for one in uploads])
    validate(workspace)
    subject = records(workspace, "blood_glucose")["subject_id"][0]
    catalog = workspace.catalog
    marks = [
        FetchMark(
            tenant=TENANT,
            subject_id=subject,
            kind="blood_glucose",
            latest_fetch_ms=epoch_ms(datetime(2031, 3, 1, tzinfo=UTC)),
        )
    ]
    catalog.database.write("a test", lambda connection: merge_fetches(connection, catalog.database, marks))
    for mark in catalog.stale_days.list(TENANT, "clinical"):
        catalog.stale_days.clear(TENANT, "clinical", mark.kind, mark.local_date, mark.version)
    first = min(catalog.uploads.list(TENANT), key=lambda upload: upload.landing_day)
    catalog.uploads.reland([first.upload_id])
    validate(workspace)
    assert catalog.subjects.latest_fetch_ms(TENANT, [subject]) == {subject: epoch_ms(FETCH + timedelta(days=others))}
    stale = {mark.local_date for mark in catalog.stale_days.list(TENANT, "clinical")}
    assert DAY + timedelta(days=others) in stale
