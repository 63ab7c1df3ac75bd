"""Dagster's storage forgets a person where an id can get into it, and only there."""

from base64 import b64encode

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from dagster_project.execution import local_instance
from dagster_project.run_history import RunHistory
from sensors.landed_objects import SweepCursor
from sensors.requests import RELEASE_JOB
from tests.every_byte import hits
from tests.flow import installation
from vitals.raw.mentions import Mentions

USER, SUBJECT, APP = "anna-canary-7f3a", "5ca1ab1e" * 4, "CANARY phone of Anna"
KEY = f"raw/StepsRecord/2025/09/15/{USER}_1757941803805_ab12.avro"
PERSON = Mentions(user=USER, marks=frozenset({SUBJECT, APP}), others=frozenset({"berta"}))


@pytest.fixture
def instance(tmp_path):
    settings, _ = installation(tmp_path / "home")
    with local_instance(settings) as opened:
        yield opened


def forget(instance, tmp_path) -> int:
    history = RunHistory(instance, tmp_path / "home")
    named = history.remove(PERSON)
    assert history.count(PERSON) == 0
    return named


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
    assert forget(instance, tmp_path) >= 1
    assert [one.run_id for one in instance.get_runs()] == [other] != [named]
    assert hits(tmp_path, [SUBJECT]) == {}


@pytest.mark.parametrize("listing", ["after", "recent"])
def test_a_cursor_at_a_key_of_the_person_is_reset_and_its_sensor_stays_stopped(instance, tmp_path, listing):
    theirs = sensor_at(f"raw/StepsRecord/2025/09/15/{USER}_1757941803805_ab12.avro", listing=listing)
    others = sensor_at("raw/StepsRecord/2025/09/15/berta_1757941803805_ab12.avro")
    for state in (theirs, others):
        instance.add_instigator_state(state)
    assert forget(instance, tmp_path) == 1
    found = {state.name: state for state in instance.all_instigator_state()}
    cursor = SweepCursor.parse(found[theirs.name].instigator_data.cursor)
    assert (cursor.after, cursor.recent, list(cursor.done)) == ({}, {}, ["other"])
    assert found[theirs.name].status is InstigatorStatus.STOPPED
    assert found[others.name] == others
    assert hits(tmp_path, [USER]) == {}


def test_nothing_is_touched_where_nobody_is_named(instance, tmp_path):
    kept = run(instance, ["a"])
    assert forget(instance, tmp_path) == 0
    assert [one.run_id for one in instance.get_runs()] == [kept]


def ticks_of(instance, state: InstigatorState, cursors: list[str]) -> None:
    """Ticks that ended at these cursors, the last of them where the sensor stands now."""
    instance.add_instigator_state(state)
    for at, cursor in enumerate(cursors):
        tick = instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id,
                instigator_name=state.name,
                instigator_type=InstigatorType.SENSOR,
                status=TickStatus.STARTED,
                timestamp=1_757_941_803.0 + at,
                selector_id=state.selector_id,
            )
        )
        instance.update_tick(tick.with_cursor(cursor).with_status(TickStatus.SKIPPED, skip_reason=f"after {cursor}"))


def test_ticks_of_before_are_cleaned_wherever_the_cursor_stands_now(instance, tmp_path):
    state = sensor_at("raw/StepsRecord/2025/09/15/berta_1757941803805_ab12.avro")
    berta = state.instigator_data.cursor
    ticks_of(
        instance, state, [SweepCursor(recent={"default": KEY}).text(), SweepCursor(after={"t": KEY}).text(), berta]
    )
    assert RunHistory(instance, tmp_path / "home").keys() >= {KEY}
    assert forget(instance, tmp_path) == 2
    assert hits(tmp_path, [USER]) == {}
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    assert len(ticks) == 3  # that they were is kept
    assert ticks[0].cursor == berta
    assert instance.all_instigator_state() == [state]


@dg.op(config_schema=dg.Permissive())
def speaks_of_somebody(context: dg.OpExecutionContext) -> None:
    """Stands for a version of before, or for code of others, which puts texts of uploads into what it says."""
    print(context.op_config["text"])
    context.log.info(context.op_config["text"])
    context.log_event(
        dg.AssetMaterialization(
            "speaks",
            metadata={"md": dg.MetadataValue.md(context.op_config["text"]), "of": {"in": [context.op_config["text"]]}},
        )
    )
    raise dg.Failure(description=context.op_config["text"], metadata={"why": context.op_config["text"]})


@dg.job
def some_job():
    speaks_of_somebody()


PICTURE = "![](data:image/svg+xml;base64," + b64encode(f"<text>{APP}</text>".encode()).decode() + ")"


@pytest.mark.parametrize(
    "text", [KEY, f"person {USER} of", SUBJECT, f"| `{APP}` |", f"lines\n{APP}\tend", PICTURE, '{"x": "' + KEY + '"}']
)
def test_what_events_errors_tags_and_metadata_say_is_cleaned_and_the_run_stays(instance, tmp_path, text):
    for said in (text, "berta has com.fitbit"):
        some_job.execute_in_process(
            instance=instance,
            run_config={"ops": {"speaks_of_somebody": {"config": {"text": said}}}},
            tags={"who": said},
            raise_on_error=False,
        )
    assert RunHistory(instance, tmp_path / "home").count(PERSON) > 3
    RunHistory(instance, tmp_path / "home").remove(PERSON)
    assert hits(tmp_path, [USER, SUBJECT, APP, b64encode(APP.encode()).decode()]) == {}
    assert RunHistory(instance, tmp_path / "home").count(PERSON) == 0
    other, named = instance.get_runs()
    assert named.status is other.status is dg.DagsterRunStatus.FAILURE
    assert other.tags["who"] == "berta has com.fitbit"
    assert named.tags["who"] != text
    for run in (other, named):
        failures = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
        assert len(failures) == 1  # still to be read


def test_logs_are_overwritten_in_place_and_whoever_appends_loses_nothing(instance, tmp_path):
    home = tmp_path / "home"
    logs = [home / "daemon.log", home / "storage" / "run" / "compute_logs" / "step.err", home / "logs" / "api.log"]
    for log in logs:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(f"first\n{KEY} and {USER}\nünd {USER}\nberta\n".encode())
    with logs[0].open("a") as writer:
        sizes = [log.stat().st_size for log in logs]
        assert forget(instance, tmp_path) == 3
        assert [log.stat().st_size for log in logs] == sizes
        writer.write("more\n")
    assert hits(tmp_path, [USER]) == {}
    lines = logs[0].read_text().splitlines()
    assert (lines[0], lines[3], lines[4]) == ("first", "berta", "more")


def test_a_file_that_somebody_put_into_the_home_is_named_and_left(instance, tmp_path):
    home = tmp_path / "home"
    (home / "export").mkdir()
    (home / "export" / "lines.jsonl").write_text(f'{{"metadata":{{"subject_id":"{SUBJECT}"}}}}\n')
    (home / "export" / "berta.jsonl").write_text('{"metadata":{"subject_id":"berta"}}\n')
    (home / "export" / "rows.parquet").write_bytes(b"PAR1\0\0")
    history = RunHistory(instance, home)
    assert history.foreign(PERSON) == ["export/lines.jsonl", "export/rows.parquet"]
    history.remove(PERSON)
    assert SUBJECT in (home / "export" / "lines.jsonl").read_text()
