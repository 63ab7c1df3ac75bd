"""What counts against an upload that is not settled, and what does not."""

from datetime import UTC, datetime

import pytest

from pipeline.validated.landing_day import LONE_AFTER_ATTEMPTS, validate_day
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from tests.flow import TENANT, installation, land, unbalanced
from tests.meter_uploads import DAY, meter_upload, reading
from vitals.errors import TransientError
from vitals.record_types import BLOOD_GLUCOSE


@pytest.fixture
def landed(tmp_path):
    settings, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [meter_upload([reading(n)]) for n in range(3)])
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    return settings, workspace


def validate(workspace):
    """One run; how many uploads each of its batches had."""
    batches = []
    run = {"tenant": TENANT, "record_type": BLOOD_GLUCOSE, "landing_day": DAY, "run_id": "test"}
    validate_day(workspace, **run, on_progress=batches.append)
    return batches


def test_a_lake_that_cannot_be_written_for_a_night_is_not_held_against_the_uploads(landed):
    settings, workspace = landed
    validate(workspace)
    land(workspace.lake(TENANT), [meter_upload([reading(n)]) for n in range(3, 6)])
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    (folder,) = (settings.home_path / "lake" / "validated" / "blood_glucose").glob("utc_date=*")
    aside = folder.rename(folder.with_name("aside"))
    folder.symlink_to(folder)
    for _ in range(workspace.policy.max_attempts + 2):
        with pytest.raises((TransientError, OSError)):
            validate(workspace)
        assert workspace.catalog.uploads.counts(TENANT) == {"processed": 3, "landed": 3}
    folder.unlink()
    aside.rename(folder)
    assert validate(workspace) == [3]
    assert workspace.catalog.uploads.counts(TENANT) == {"processed": 6}
    assert unbalanced(workspace) == []


def test_an_upload_that_takes_its_process_down_is_read_alone_and_given_up_in_the_end(landed):
    _, workspace = landed
    first, *others = [u.upload_id for u in workspace.catalog.uploads.list(TENANT)]
    for attempt in range(workspace.policy.max_attempts):
        # A process that is killed says nothing: what it took stays taken.
        workspace.catalog.uploads.claim([first], run_id=f"killed-{attempt}", now=datetime.now(UTC))
        if attempt + 1 == LONE_AFTER_ATTEMPTS:
            workspace.catalog.uploads.claim([others[0]], run_id="killed beside it", now=datetime.now(UTC))
    assert validate(workspace) == [2, 1]
    given_up = workspace.catalog.uploads.get([first])[first]
    assert (given_up.state, given_up.reason) == ("failed", "gave_up")
    workspace.catalog.uploads.reland([first])
    assert validate(workspace) == [1]
    assert workspace.catalog.uploads.counts(TENANT) == {"processed": 3}
