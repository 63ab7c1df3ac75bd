"""Partitions that fail again and again: sensors ask for them ever more rarely, and never stop asking."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from dagster_project.definitions import build_definitions
from resources.catalog.rows.days import StaleMark
from sensors.requests import (
    FAILURES_COUNT_FOR,
    LANDING_JOB,
    LOCAL_DAY_JOB,
    LONGEST_REST,
    partition_key,
    rest_after,
    resting_partitions,
)
from tests.flow import installation, land
from tests.sensors.test_landed_objects import hundred_files, tick

DAY = date(2025, 9, 20)
KEY = partition_key(DAY, "default")


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as made:
        yield made


def fail(instance: dg.DagsterInstance, job: str = LOCAL_DAY_JOB, key: str = KEY) -> None:
    failed = dg.DagsterRunStatus.FAILURE
    instance.add_run(dg.DagsterRun(job_name=job, run_id=None, status=failed, tags={"dagster/partition": key}))


def test_what_failed_once_is_asked_for_at_once_and_what_fails_again_rests():
    minutes = [rest_after(failures).total_seconds() / 60 for failures in range(9)]
    assert minutes == [0, 0, 1, 2, 4, 8, 15, 15, 15]
    assert rest_after(10_000) == LONGEST_REST


def test_a_rest_ends_and_failures_are_forgotten(instance):
    now = datetime.now(UTC)
    fail(instance)
    assert resting_partitions(instance, LOCAL_DAY_JOB, now=now) == {}
    fail(instance)
    until = resting_partitions(instance, LOCAL_DAY_JOB, now=now)[KEY]
    assert now < until < now + timedelta(minutes=2)
    assert resting_partitions(instance, LOCAL_DAY_JOB, now=until) == {}
    assert resting_partitions(instance, LOCAL_DAY_JOB, now=until + FAILURES_COUNT_FOR) == {}
    assert resting_partitions(instance, "another job", now=now) == {}


def test_the_sensor_leaves_a_day_that_rests_alone_and_says_so(tmp_path, instance):
    settings, workspace = installation(tmp_path / "home")
    mark = StaleMark(tenant="default", stage="clinical", kind="steps", local_date=DAY, reason="records")
    workspace.catalog.stale_days.mark([mark], now=datetime.now(UTC))
    definitions = build_definitions(settings)
    fail(instance)
    assert [r.partition_key for r in tick(definitions, instance, "stale_days").run_requests] == [KEY]
    fail(instance)
    result = tick(definitions, instance, "stale_days")
    assert result.run_requests == []
    assert f"1 rest after failed runs, {KEY} until" in result.skip_reason.skip_message


def test_a_landing_day_that_rests_is_left_alone_and_named(tmp_path, instance):
    settings, workspace = installation(tmp_path / "home")
    day = datetime.now(UTC).date()
    land(workspace.lake("default"), hundred_files(day)[:2])
    definitions = build_definitions(settings)
    fail(instance, LANDING_JOB, partition_key(day, "default"))
    assert len(tick(definitions, instance, "landed_objects").run_requests) == 1
    fail(instance, LANDING_JOB, partition_key(day, "default"))
    result = tick(definitions, instance, "landed_objects")
    assert result.run_requests == []
    assert f"1 rest after failed runs, {partition_key(day, 'default')} until" in result.skip_reason.skip_message
