"""What the event log says of a stage that fails."""

import dagster as dg
import pytest

from assets.failures import DO_NOT_RETRY_TAG, RETRY_TRANSIENT, typed_failures
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner
from sensors.requests import LOCAL_DAY_JOB
from tests.flow import TENANT, installation, land, run_stages
from tests.meter_uploads import DAY, meter_upload, reading

SECRET = "level 123.4 of anna"


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as made:
        yield made


def run(instance, compute):
    @dg.asset(key=["clinical", "made_up"], retry_policy=RETRY_TRANSIENT)
    def made_up(context: dg.AssetExecutionContext):
        with typed_failures(context):
            compute()

    return dg.materialize([made_up], instance=instance, raise_on_error=False)


def logged(instance, run_id):
    return "\n".join(str(entry) for entry in instance.all_logs(run_id))


def test_an_error_that_nobody_foresaw_is_stored_without_its_message_and_says_where_it_was(instance):
    def quotes_what_it_read():
        raise ValueError(SECRET)

    result = run(instance, quotes_what_it_read)
    said = logged(instance, result.run_id)
    assert SECRET not in said
    assert "clinical/made_up" in said
    assert "an unforeseen ValueError at tests/assets/test_failures.py:" in said
    assert instance.get_run_by_id(result.run_id).tags[DO_NOT_RETRY_TAG] == "false"


def test_a_damaged_table_is_named_as_such_and_its_path_is_not_shown(instance, tmp_path):
    settings, workspace = installation(tmp_path / "home")
    land(workspace.lake(TENANT), [meter_upload([reading(n) for n in range(3)])])
    run_stages(workspace)
    (part,) = (settings.home_path / "lake" / "validated" / "blood_glucose").glob("utc_date=*/*.parquet")
    part.write_bytes(part.read_bytes()[:-40])
    result = Runner(build_definitions(settings), instance, log_level="CRITICAL").run(
        LOCAL_DAY_JOB, day=DAY, tenant=TENANT, assets=[dg.AssetKey(["clinical", "blood_glucose"])]
    )
    assert not result.success
    said = logged(instance, result.run_id)
    assert f"could not compute the partition (clinical/blood_glucose {DAY}|{TENANT})" in said
    assert "A damaged table" in said
    assert str(part.parent) not in said
