"""What the operator sees of a stage: days that were computed, and days whose last attempt failed."""

import dagster as dg
import pytest

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, run_everything
from dagster_project.stage_status import stages_of
from tests.flow import TENANT, installation, land
from tests.meter_uploads import DAY, meter_upload, reading


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as made:
        yield made


def test_a_day_that_failed_is_named_by_stage_until_it_is_computed(instance, tmp_path):
    settings, workspace = installation(tmp_path / "home")
    runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
    land(workspace.lake(TENANT), [meter_upload([reading(n) for n in range(3)])])
    in_the_way = settings.home_path / "lake" / "clinical"
    in_the_way.write_text("a file where a folder should be")
    assert run_everything(workspace, runner, tenants=[TENANT], settings=settings).failed == [f"{DAY}|{TENANT}"]
    day = DAY.isoformat()
    found = stages_of(instance, TENANT)
    assert {stage: (of.computed, of.failed) for stage, of in found.items()} == {
        "raw": ([day], []),
        "validated": ([day], []),
        "clinical": ([], [day]),
        "training": ([], []),
    }
    assert all(of.computed == of.failed == [] for of in stages_of(instance, "another").values())
    in_the_way.unlink()
    assert run_everything(workspace, runner, tenants=[TENANT], settings=settings).failed == []
    found = stages_of(instance, TENANT)
    assert all((of.computed, of.failed) == ([day], []) for of in found.values())
