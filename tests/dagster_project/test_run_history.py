"""Dagster's storage forgets a person where an id can get into it, and only there."""

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, SensorInstigatorData

from dagster_project.execution import local_instance
from dagster_project.run_history import forget_in_history
from sensors.landed_objects import SweepCursor
from sensors.requests import RELEASE_JOB
from tests.every_byte import hits
from tests.flow import installation

USER, SUBJECT = "anna-canary-7f3a", "5ca1ab1e" * 4


@pytest.fixture
def instance(tmp_path):
    settings, _ = installation(tmp_path / "home")
    with local_instance(settings) as opened:
        yield opened


@dg.op(config_schema=dg.Permissive())
def build_it():
    """Stands for the release; what counts is the configuration of its run."""


@dg.job(name=RELEASE_JOB)
def release_job():
    build_it()


def run(instance, people):
    config = {"ops": {"build_it": {"config": {"households": [people]}}}}
    return release_job.execute_in_process(instance=instance, run_config=config).run_id


def sensor_at(key: str, *, listing: str = "after") -> InstigatorState:
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "repository")
    cursor = SweepCursor(**{listing: {"default": key}}, done={"other": "2025-01-01T00:00:00+00:00"}).text()
    return InstigatorState(
        RemoteInstigatorOrigin(repository, f"landed_objects_{len(key)}"),
        InstigatorType.SENSOR,
        InstigatorStatus.STOPPED,
        SensorInstigatorData(cursor=cursor),
    )


def test_a_run_that_names_the_person_goes_and_others_stay(instance, tmp_path):
    named, other = run(instance, [SUBJECT, "b"]), run(instance, ["a", "b"])
    assert hits(tmp_path, [SUBJECT])
    assert forget_in_history(instance, tmp_path / "home", user=USER, subject_id=SUBJECT) == 1
    assert [one.run_id for one in instance.get_runs()] == [other] != [named]
    assert hits(tmp_path, [SUBJECT]) == {}


@pytest.mark.parametrize("listing", ["after", "recent"])
def test_a_cursor_at_a_key_of_the_person_is_reset_and_its_sensor_stays_stopped(instance, tmp_path, listing):
    theirs = sensor_at(f"raw/StepsRecord/2025/09/15/{USER}_1757941803805_ab12.avro", listing=listing)
    others = sensor_at("raw/StepsRecord/2025/09/15/berta_1757941803805_ab12.avro")
    for state in (theirs, others):
        instance.add_instigator_state(state)
    assert forget_in_history(instance, tmp_path / "home", user=USER, subject_id=SUBJECT) == 1
    found = {state.name: state for state in instance.all_instigator_state()}
    cursor = SweepCursor.parse(found[theirs.name].instigator_data.cursor)
    assert (cursor.after, cursor.recent, list(cursor.done)) == ({}, {}, ["other"])
    assert found[theirs.name].status is InstigatorStatus.STOPPED
    assert found[others.name] == others
    assert hits(tmp_path, [USER]) == {}


def test_nothing_is_touched_where_nobody_is_named(instance, tmp_path):
    kept = run(instance, ["a"])
    assert forget_in_history(instance, tmp_path / "home", user=USER, subject_id=SUBJECT) == 0
    assert [one.run_id for one in instance.get_runs()] == [kept]
