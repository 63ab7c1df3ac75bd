"""The sensor of uploads: one tick asks for everything, what failed is asked for again, and it looks everywhere."""

import itertools
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, run_everything
from pipeline.registration import PREMATURE
from sensors.landed_objects import SensorPolicy, SweepCursor, choose, look
from sensors.requests import LANDING_JOB, LOCAL_DAY_JOB, partition_key
from tests.flow import installation, land, run_stages, unbalanced
from tests.small_cohort import uploads
from vitals.errors import VitalgraphError

TODAY = datetime.now(UTC).date()
NOW = datetime.now(UTC)


@pytest.fixture
def home(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        yield settings, workspace, instance, build_definitions(settings)


def tick(definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, cursor: str | None = None):
    """One evaluation, as the daemon does it: the tenant's partition is added before the runs are launched."""
    sensor = next(s for s in definitions.sensors if s.name == name)
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=definitions.resources) as context:
        result = sensor(context)
    for request in result.dynamic_partitions_requests:
        instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
    return result


def hundred_files(day: date = TODAY) -> list[tuple[str, bytes]]:
    keyed = [(key.replace("2025/09/20", f"{day:%Y/%m/%d}"), data) for key, data in uploads()]
    return [entry for entry in keyed if f"{day:%Y/%m/%d}" in entry[0]][:100]


def test_a_hundred_files_landed_at_once_are_asked_for_in_one_tick_and_come_out_exactly_once(home):
    settings, workspace, instance, definitions = home
    files = hundred_files()
    assert len(files) == 100
    land(workspace.lake("default"), files)
    result = tick(definitions, instance, "landed_objects")
    assert [r.partition_key for r in result.run_requests] == [partition_key(TODAY, "default")]
    assert all(r.run_key is None for r in result.run_requests)
    runner = Runner(definitions, instance, log_level="CRITICAL")
    assert runner.run(LANDING_JOB, day=TODAY, tenant="default").success
    assert tick(definitions, instance, "landed_objects", result.cursor).run_requests == []
    assert unbalanced(workspace) == []
    days = tick(definitions, instance, "stale_days").run_requests
    assert days
    for request in days:
        day = date.fromisoformat(request.partition_key.split("|")[0])
        assert runner.run(LOCAL_DAY_JOB, day=day, tenant="default", assets=request.asset_selection).success
    assert tick(definitions, instance, "stale_days").run_requests == []


def test_uploads_of_a_failed_run_are_asked_for_again_without_anyone_s_help(home, tmp_path):
    settings, workspace, instance, definitions = home
    land(workspace.lake("default"), hundred_files())
    in_the_way = settings.home_path / "lake" / "validated"
    in_the_way.write_text("a file where a folder should be: every write of the stage fails")
    first = tick(definitions, instance, "landed_objects")
    runner = Runner(definitions, instance, log_level="CRITICAL")
    assert not runner.run(LANDING_JOB, day=TODAY, tenant="default").success
    in_the_way.unlink()
    again = tick(definitions, instance, "landed_objects", first.cursor)
    assert [r.partition_key for r in again.run_requests] == [partition_key(TODAY, "default")]
    assert runner.run(LANDING_JOB, day=TODAY, tenant="default").success
    assert workspace.catalog.uploads.pending("default") == []
    assert unbalanced(workspace) == []


def test_a_partition_with_an_unfinished_run_is_not_asked_for_twice(home):
    settings, workspace, instance, definitions = home
    land(workspace.lake("default"), hundred_files()[:3])
    key = partition_key(TODAY, "default")
    instance.add_run(
        dg.DagsterRun(
            job_name=LANDING_JOB, run_id=None, status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": key}
        )
    )
    assert tick(definitions, instance, "landed_objects").run_requests == []


def test_a_new_tenant_s_partition_is_added_in_the_tick_that_asks_for_it(home):
    settings, workspace, instance, definitions = home
    workspace.catalog.tenants.add("study-7", now=NOW)
    land(workspace.lake("study-7"), hundred_files()[:3])
    result = tick(definitions, instance, "landed_objects")
    assert [r.partition_key for r in result.run_requests] == [partition_key(TODAY, "study-7")]
    assert instance.get_dynamic_partitions("tenant") == ["study-7"]


def test_a_paused_tenant_is_left_alone(home):
    settings, workspace, instance, definitions = home
    workspace.catalog.tenants.set_paused("default", paused=True)
    land(workspace.lake("default"), hundred_files()[:3])
    assert tick(definitions, instance, "landed_objects").run_requests == []


def test_the_full_sweep_finds_what_landed_under_an_old_day(tmp_path):
    _, workspace = installation(tmp_path)
    land(workspace.lake("default"), hundred_files(date(2024, 2, 29))[:5])
    policy = SensorPolicy(sweep_minutes=60)
    just_swept = SweepCursor(done={"default": NOW.isoformat()})
    assert look(workspace, tenants=["default"], cursor=just_swept, policy=policy, now=NOW).new == 0
    later = NOW + timedelta(hours=2)
    assert look(workspace, tenants=["default"], cursor=just_swept, policy=policy, now=later).new == 5


def test_a_sweep_that_runs_out_of_time_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("sensors.landed_objects.REGISTER_AT_ONCE", 2)
    _, workspace = installation(tmp_path)
    land(workspace.lake("default"), hundred_files(date(2024, 2, 29))[:5])
    cursor, found, ticks = SweepCursor(), 0, 0
    while "default" not in cursor.done:
        # Each look at the clock is 100 seconds later than the one before: every tick ends after one batch.
        clock = itertools.count(0.0, 100.0).__next__
        found += look(workspace, tenants=["default"], cursor=cursor, policy=SensorPolicy(), now=NOW, clock=clock).new
        ticks += 1
        assert SweepCursor.parse(cursor.text()) == cursor
    assert (found, ticks) == (5, 4)


def test_a_tenant_with_more_than_a_tick_can_list_keeps_nobody_and_no_sweep_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr("sensors.landed_objects.REGISTER_AT_ONCE", 2)
    _, workspace = installation(tmp_path)
    workspace.catalog.tenants.add("study-7", now=NOW)
    old = [(key.replace(".avro", "_old.avro"), data) for key, data in hundred_files(date(2024, 2, 29))[:3]]
    land(workspace.lake("default"), hundred_files()[:9] + old)
    land(workspace.lake("study-7"), hundred_files()[:3])
    tenants = ["default", "study-7"]
    cursor, found, states = SweepCursor(), 0, []
    while sorted(cursor.done) != tenants and len(states) < 100:
        clock = itertools.count(0.0, 100.0).__next__
        found += look(workspace, tenants=tenants, cursor=cursor, policy=SensorPolicy(), now=NOW, clock=clock).new
        assert SweepCursor.parse(cursor.text()) == cursor
        states.append(sorted(cursor.recent))
    # A round: five ticks for the first tenant's recent objects, two for the other's, one more for a sweep.
    assert states[:8] == [["default"]] * 5 + [["study-7"]] * 2 + [[]]
    assert found == 15
    assert sorted(cursor.done) == tenants


def test_a_tenant_whose_lake_cannot_be_read_holds_nobody_else_up(home):
    settings, workspace, instance, definitions = home
    broken = settings.home_path / "elsewhere"
    workspace.catalog.tenants.add("broken", now=NOW, root_url=broken.as_uri())
    (broken / "raw").parent.mkdir()
    (broken / "raw").symlink_to(broken / "raw")
    land(workspace.lake("default"), hundred_files()[:3])
    result = tick(definitions, instance, "landed_objects")
    assert [r.partition_key for r in result.run_requests] == [partition_key(TODAY, "default")]
    work = run_everything(
        workspace, Runner(definitions, instance, "CRITICAL"), tenants=["broken", "default"], settings=settings
    )
    assert (work.landing, work.failed, list(work.unreachable)) == (1, [], ["broken"])
    assert (
        "broken: could not list"
        in tick(definitions, instance, "landed_objects", result.cursor).skip_reason.skip_message
    )
    workspace.catalog.tenants.set_paused("default", paused=True)
    with pytest.raises(VitalgraphError, match="could not list"):
        tick(definitions, instance, "landed_objects", result.cursor)


def test_an_unreadable_cursor_starts_the_sweep_over():
    for text in (None, "", "{", "[]", '{"after": 3}'):
        assert SweepCursor.parse(text) == SweepCursor()


def test_the_newest_days_are_asked_for_first_and_never_a_day_that_is_no_partition():
    days = [(date(2025, 1, n), "default") for n in (1, 2, 3, 4)]
    chosen = choose(days, running={partition_key(date(2025, 1, 3), "default")}, possible=lambda d: d.day > 1, limit=5)
    assert chosen == [(date(2025, 1, 4), "default"), (date(2025, 1, 2), "default")]


def test_kinds_that_are_not_processed_and_unreadable_keys_have_their_row_in_the_books(tmp_path):
    _, workspace = installation(tmp_path)
    land(
        workspace.lake("default"),
        [
            (f"raw/WeightRecord/{TODAY:%Y/%m/%d}/anna_1758407139312_ab12.avro", b"kept"),
            ("raw/StepsRecord/no-date/anna.avro", b"kept too"),
            (
                f"raw/StepsRecord/{TODAY + timedelta(days=400):%Y/%m/%d}/anna_1758407139312_ab12.avro",
                b"from the future",
            ),
        ],
    )
    run_stages(workspace)
    assert workspace.catalog.uploads.counts("default") == {"unsupported": 1, "quarantined": 1}
    # A day that has not come, by this clock, is not judged: it waits.
    assert [one.why for one in workspace.catalog.left_out.list("default")] == [PREMATURE]
