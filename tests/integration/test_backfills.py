"""Backfills, in this process and through a real daemon: the same tables and books, whatever happens on the way."""

import os
import signal
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.backfills import ask_again, launch, make_plan, run_here
from dagster_project.daemons import running_daemon
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance, run_everything
from operations.table_maintenance import tidy_tenant
from pipeline.row_accounting import every_upload
from tests.flow import came_out, installation, land, run_stages, unbalanced
from tests.small_cohort import uploads

LANDED = date(2025, 9, 20)
LANDING = 'group:"raw" or group:"validated"'
FIVE_MINUTES = 300


def plan_of(settings, selection, first=LANDED, last=LANDED):
    return make_plan(settings, selection=selection, tenant="default", first_day=first, last_day=last)


def wait_for(condition, seconds=FIVE_MINUTES):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found


@pytest.fixture
def settled(tmp_path):
    """An installation whose cohort has been through every stage."""
    settings, workspace = installation(tmp_path)
    land(workspace.lake("default"), uploads())
    run_stages(workspace)
    return settings, workspace


def test_reading_every_upload_again_changes_nothing(settled):
    settings, workspace = settled
    expected = came_out(workspace)
    plan = plan_of(settings, "validated")
    assert ask_again(workspace, plan) > 0
    outcome = run_here(settings, plan, on_step=lambda _: None)
    assert outcome.failed == []
    run_stages(workspace)
    assert came_out(workspace) == expected
    assert unbalanced(workspace) == []


def test_a_local_day_run_again_in_this_process_ends_in_the_same_bytes(settled):
    settings, workspace = settled
    expected = came_out(workspace)
    outcome = run_here(
        settings, plan_of(settings, "clinical", date(2025, 9, 15), date(2025, 9, 16)), on_step=lambda _: None
    )
    assert outcome.failed == []
    run_stages(workspace)
    assert came_out(workspace) == expected


def test_an_upload_whose_object_has_expired_keeps_its_records_when_its_day_is_read_again(settled):
    settings, workspace = settled
    before = came_out(workspace)
    expired = next(u.key for u in every_upload(workspace, tenant="default", kind="steps") if u.rows_accepted)
    workspace.lake("default").delete_objects([expired])
    plan = plan_of(settings, "validated")
    ask_again(workspace, plan)
    run_here(settings, plan, on_step=lambda _: None)
    run_stages(workspace)
    assert came_out(workspace) == before


def test_tidying_every_table_changes_no_row(settled):
    _, workspace = settled
    expected = came_out(workspace)
    assert tidy_tenant(workspace, tenant="default", keep=timedelta(0))
    assert came_out(workspace) == expected


def test_uploads_refused_when_read_again_leave_what_they_alone_delivered_and_nothing_else(settled, tmp_path):
    settings, workspace = settled
    half = sorted(len(data) for _, data in uploads())[len(uploads()) // 2] / 1024 / 1024
    _, stricter = installation(tmp_path, max_file_size_mb=half)
    ask_again(stricter, plan_of(settings, "validated"))
    run_stages(stricter)
    _, strict_from_the_start = installation(tmp_path / "fresh", max_file_size_mb=half)
    land(strict_from_the_start.lake("default"), uploads())
    run_stages(strict_from_the_start)
    found, expected = came_out(workspace), came_out(strict_from_the_start)
    assert found.records == expected.records
    assert found.books == expected.books
    assert unbalanced(workspace) == []


@pytest.mark.integration
def test_a_backfill_through_a_daemon_whose_worker_is_killed_ends_in_the_same_tables(tmp_path):
    _, undisturbed = installation(tmp_path / "undisturbed")
    land(undisturbed.lake("default"), uploads())
    run_stages(undisturbed)
    expected = came_out(undisturbed)

    settings, workspace = installation(tmp_path / "disturbed", sensor_interval_seconds=3600)
    land(workspace.lake("default"), uploads())
    with running_daemon(settings), local_instance(settings) as instance:
        wait_for(lambda: instance.get_daemon_heartbeats().get("BACKFILL"))
        killed = []

        def kill_the_first_worker(_: int) -> None:
            if not killed and (worker := worker_of(instance)):
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)
                # Run monitoring would notice after some minutes; the person at the terminal cancels sooner.
                for run in instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
                    instance.report_run_failed(run)

        outcome = launch(settings, plan_of(settings, LANDING), on_step=kill_the_first_worker)
        assert killed
        assert outcome.backfill_id
        again = launch(settings, plan_of(settings, LANDING), on_step=lambda _: None)
        assert again.failed == []
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
        assert run_everything(workspace, runner, tenants=["default"], settings=settings).failed == []
    assert came_out(workspace) == expected
    assert unbalanced(workspace) == []


def worker_of(instance: dg.DagsterInstance) -> int | None:
    """Process of a run that is under way."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    for run in runs:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if run.run_id.encode() in process.read_bytes():
                    return int(process.parent.name)
            except OSError:
                continue
    return None
