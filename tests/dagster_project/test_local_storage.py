"""Dagster's storage of a home keeps its connections, and nobody can tell from outside."""

import sqlite3
import threading
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from dagster_project.execution import local_instance
from dagster_project.installation import INSTANCE_FILE, prepare_home
from dagster_project.local_storage import OPEN_FILES, KeptConnections, LocalEventLogStorage, LocalRunStorage
from dagster_project.settings import Settings
from tests.flow import installation


@pytest.fixture
def settings(tmp_path):
    return installation(tmp_path / "home")[0]


@dg.asset
def numbers():
    """Something to materialise."""
    return dg.MaterializeResult(metadata={"rows": 3})


def open_files(folder: Path) -> int:
    return sum(1 for link in Path("/proc/self/fd").iterdir() if link.exists() and folder in link.resolve().parents)


def insert_and_fail(connection: sa.Connection) -> None:
    connection.execute(sa.text("insert into t values (1)"))
    raise ZeroDivisionError


def test_a_home_uses_it_and_its_files_are_those_of_dagsters_own_storage(settings):
    with local_instance(settings) as instance:
        assert isinstance(instance.event_log_storage, LocalEventLogStorage)
        assert isinstance(instance.run_storage, LocalRunStorage)
        run = dg.materialize([numbers], instance=instance)
    theirs = DagsterSqliteStorage.from_local(str(settings.home_path))
    [stored] = theirs.run_storage.get_runs()
    assert stored.run_id == run.run_id
    assert stored.status is dg.DagsterRunStatus.SUCCESS
    events = [entry.dagster_event.event_type_value for entry in theirs.event_log_storage.get_logs_for_run(run.run_id)]
    assert {event.event_type_value for event in run.all_events} <= set(events)
    assert theirs.event_log_storage.get_latest_materialization_events([numbers.key])[numbers.key] is not None


def test_the_files_of_all_runs_of_a_process_are_alike(settings):
    with local_instance(settings) as instance:
        runs = [dg.materialize([numbers], instance=instance).run_id for _ in range(3)]
    theirs = DagsterSqliteStorage.from_local(str(settings.home_path)).event_log_storage
    assert len({len(theirs.get_logs_for_run(run)) for run in runs}) == 1
    for run in runs:
        assert {entry.run_id for entry in theirs.get_logs_for_run(run)} == {run}
    files = [sqlite3.connect(theirs.path_for_shard(run)) for run in runs]
    described = [
        [
            file.execute("select type, name, sql from sqlite_master order by type, name").fetchall(),
            file.execute("select * from alembic_version").fetchall(),
            file.execute("pragma journal_mode").fetchall(),
        ]
        for file in files
    ]
    assert described[0] == described[1] == described[2]
    assert described[0][2] == [("wal",)]
    left = {file.suffix for file in (settings.home_path / "history" / "runs").iterdir()}
    assert left <= {".db", ".db-wal", ".db-shm"}


def test_whoever_watches_a_run_hears_of_an_event_while_the_file_stays_open(settings):
    with local_instance(settings) as writer, local_instance(settings) as reader:
        run = dg.materialize([numbers], instance=writer)
        heard = threading.Event()
        end = reader.event_log_storage.get_records_for_run(run.run_id).cursor
        reader.watch_event_logs(run.run_id, end, lambda *_: heard.set())
        writer.report_engine_event("something happened", job_name="any", run_id=run.run_id)
        assert heard.wait(20)


def test_only_the_files_used_last_stay_open(tmp_path):
    kept = KeptConnections()
    for number in range(3 * OPEN_FILES):
        with kept.begin(f"sqlite:///{tmp_path / str(number)}.db") as connection:
            connection.execute(sa.text("create table t (x int)"))
    assert 0 < open_files(tmp_path) <= OPEN_FILES
    kept.close()
    assert open_files(tmp_path) == 0


def test_a_connection_may_be_asked_for_while_another_is_in_use_and_a_failure_leaves_nothing(tmp_path):
    kept = KeptConnections()
    url = f"sqlite:///{tmp_path / 'one'}.db"
    with kept.begin(url) as connection:
        connection.execute(sa.text("create table t (x int)"))
    with kept.begin(url) as outer, kept.begin(url) as inner:
        assert outer.execute(sa.text("select count(*) from t")).scalar() == 0
        assert inner.execute(sa.text("select count(*) from t")).scalar() == 0
    with pytest.raises(ZeroDivisionError), kept.begin(url) as connection:
        insert_and_fail(connection)
    with kept.begin(url) as connection:
        assert connection.execute(sa.text("select count(*) from t")).scalar() == 0
    kept.close()


def test_nothing_of_a_home_stays_open_when_its_instance_is_closed(settings):
    with local_instance(settings) as instance:
        dg.materialize([numbers], instance=instance)
        assert open_files(settings.home_path / "history") > 0
    assert open_files(settings.home_path / "history") == 0


def test_a_home_that_was_made_before_gets_it_and_a_storage_that_its_operator_chose_stays(tmp_path):
    home = tmp_path / "home"
    settings = Settings(home=home)
    prepare_home(settings)
    written = (home / "dagster.yaml").read_text()
    (home / "dagster.yaml").write_text(INSTANCE_FILE.read_text())
    prepare_home(settings)
    assert (home / "dagster.yaml").read_text() == written
    chosen = INSTANCE_FILE.read_text() + "\nstorage:\n  sqlite:\n    base_dir: elsewhere\n"
    (home / "dagster.yaml").write_text(chosen)
    prepare_home(settings)
    assert (home / "dagster.yaml").read_text() == chosen
