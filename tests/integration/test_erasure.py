"""Erasure, end to end: twenty people, one of them erased; nothing of that one is left, everything of the others is."""

import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import orjson
import polars as pl
import pytest
from typer.testing import CliRunner

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance
from dagster_project.stores import STORES, files, store_of
from interfaces.cli.main import app
from operations.erasure.erasure import dry_run, forget, replay
from operations.erasure.search import is_nothing
from pipeline.registration import register
from pipeline.release.reading import compare
from pipeline.release.releases import release
from resources.catalog.rows.tenants import NewAuditEvent
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from sensors.requests import FORENSICS_JOB, LANDING_JOB, LOCAL_DAY_JOB, TENANT_TAG
from tests.dagster_project.test_run_history import sensor_at, ticks_of
from tests.erasure_study import APP, OWN_APP, TITLE, USER, lines_of, needles, others, people_of, spec, study, uploads
from tests.every_byte import hits
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from vitals.certificate import as_bytes, faults
from vitals.errors import NotFoundError

KEY, DAY = bytes(range(32)), date(2025, 9, 15)
PROJECT = Path(__file__).parents[2]


def run_cli(settings, *arguments):
    environment = {
        "VITALGRAPH_HOME": str(settings.home_path),
        "VITALGRAPH_SUBJECT_KEY": "a key for tests only, of no worth",
    }
    return CliRunner().invoke(app, list(arguments), env=environment)


def test_of_twenty_people_one_is_erased_and_nothing_of_that_one_is_left_anywhere(tmp_path):
    home = tmp_path / "home"
    settings, workspace = installation(home)
    land(workspace.lake(TENANT), uploads(20))
    register(workspace, tenant=TENANT, listed=workspace.lake(TENANT).objects("raw/"), today=date(2025, 9, 16))
    # One run through Dagster, so that its storage has something to say of all twenty.
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
        assert runner.run(LANDING_JOB, day=date(2025, 9, 15), tenant=TENANT).success
    study(home, 20, releases=True)
    sought, kept = needles(workspace), others(workspace)
    before = came_out(workspace)
    assert set(hits(home, sought)) >= {USER, TITLE, APP, workspace.subject_id(TENANT, USER)}  # the scan finds things
    assert dry_run(workspace, tenant=TENANT, user=USER)["dataset_versions"] == [
        {"name": "nights", "version": "1.0", "successor": "1.0-e1"},
        {"name": "days", "version": "1.0", "successor": "1.0-e1"},
    ]
    assert came_out(workspace) == before  # a dry run changes nothing

    shown = run_cli(settings, "subject", "forget", USER, "--dry-run", "--json")
    assert shown.exit_code == 0, shown.output
    assert not any(needle in shown.stdout for needle in sought)
    done = run_cli(settings, "subject", "forget", USER, "--certificate", str(tmp_path / "certificate.json"), "--json")
    assert done.exit_code == 0, done.output
    assert hits(tmp_path, sought) == {}
    assert others(workspace) == kept == lines_of(workspace)
    assert unbalanced(workspace) == []
    assert people_of(workspace) == 19

    versions = {(row.name, row.version): row for row in workspace.catalog.datasets.list(TENANT)}
    assert {key: row.state for key, row in versions.items()} == {
        ("nights", "1.0"): "tombstoned", ("nights", "1.0-e1"): "published",
        ("days", "1.0"): "tombstoned", ("days", "1.0-e1"): "published",
    }  # fmt: skip
    assert versions["days", "1.0"].successor == "1.0-e1"
    assert list(workspace.lake(TENANT).objects("releases/days/1.0")) == []
    moved = compare(workspace, tenant=TENANT, before=("days", "1.0"), after=("days", "1.0-e1"))
    assert {one.cause for one in moved} == {"consent_or_erasure"}
    released = workspace.lake(TENANT).read_object("releases/days/1.0-e1/data/messages/train.jsonl")
    assert released.count(b"\n") > 10

    certificate = orjson.loads((tmp_path / "certificate.json").read_bytes())
    assert certificate["removed"]["raw_objects"] == sum(USER in key for key, _ in uploads(20))
    assert certificate["removed"]["table_rows"]["validated/heart_rate"] > 0
    assert is_nothing(certificate["left"])
    assert run_cli(settings, "certificate", "verify", str(tmp_path / "certificate.json")).exit_code == 0
    public = run_cli(settings, "certificate", "key").stdout.strip()
    assert (
        run_cli(settings, "certificate", "verify", str(tmp_path / "certificate.json"), "--key", public).exit_code == 0
    )
    data = (tmp_path / "certificate.json").read_bytes()
    (tmp_path / "altered.json").write_bytes(data.replace(b'"raw_objects": ', b'"raw_objects": 1', 1))
    assert run_cli(settings, "certificate", "verify", str(tmp_path / "altered.json")).exit_code == 1

    # Uploaded again, in every form of key: refused, and no id, no hash of it and no value is kept.
    land(workspace.lake(TENANT), [one for one in uploads(20) if USER in one[0]])
    run_stages(workspace)
    assert hits(home, sought) == {}
    refused = [
        u for u in workspace.catalog.uploads.list(TENANT, states=["quarantined"]) if u.reason == "erased_subject"
    ]
    assert len(refused) == sum(USER in key for key, _ in uploads(20))
    assert {u.subject_id for u in refused} == {None}
    assert lines_of(workspace) == kept
    assert run_cli(settings, "subject", "show", USER).exit_code == 4


@pytest.fixture(scope="module")
def small_home(tmp_path_factory) -> Path:
    """Three people, and two releases of them; copied by the tests that erase."""
    home = tmp_path_factory.mktemp("small") / "home"
    _, workspace = study(home, 3, releases=True)
    workspace.catalog.close()
    return home


@pytest.fixture
def small(small_home, tmp_path):
    shutil.copytree(small_home, tmp_path / "home")
    return installation(tmp_path / "home")


def erase(workspace, **more):
    return forget(workspace, tenant=TENANT, user=USER, actor="desk", private_key=KEY, **more)


def killed_at(home: Path, step: int) -> bool:
    """Whether an erasure was killed at a step; False if it was done before."""
    worker = subprocess.run(
        [sys.executable, "-m", "tests.erasure_worker", str(home), USER, str(step)], cwd=PROJECT, check=False
    )
    assert worker.returncode in {0, -signal.SIGKILL}
    return worker.returncode != 0


def test_an_erasure_that_is_killed_again_and_again_goes_on_and_ends_as_if_it_had_not_been(small, tmp_path):
    settings, workspace = small
    sought, kept = needles(workspace), others(workspace)
    uninterrupted = tmp_path / "uninterrupted"
    # Copying opens and closes the catalog's file, by which a process loses its locks on it.
    workspace.catalog.close()
    shutil.copytree(settings.home_path, uninterrupted)
    for step in (3, 6, 16, 4, 2):
        assert killed_at(settings.home_path, step), step
    certificate = erase(workspace)
    assert hits(settings.home_path, sought) == {}
    assert lines_of(workspace) == kept
    assert faults(as_bytes(certificate), public_key=None) == []
    _, other = installation(uninterrupted)
    expected = erase(other)
    volatile = {"begun_at", "finished_at", "signature"}
    assert {k: v for k, v in certificate.items() if k not in volatile} == {
        k: v for k, v in expected.items() if k not in volatile
    }
    assert came_out(workspace) == came_out(other)
    assert released(workspace) == released(other)


def released(workspace) -> dict[str, bytes]:
    """Files of all releases without what counts attempts: numbers of table versions, and the manifest's sum."""
    lake = workspace.lake(TENANT)
    files = {found.key: lake.read_object(found.key) for found in lake.objects("releases/")}
    for key, data in files.items():
        if key.endswith("/manifest.json"):
            files[key] = orjson.dumps({**orjson.loads(data), "tables": None})
        elif key.endswith("/SHA256SUMS"):
            files[key] = b"".join(line for line in data.splitlines(keepends=True) if b"manifest.json" not in line)
    return files


def test_erasing_again_gives_the_same_certificate_and_changes_nothing(small):
    _, workspace = small
    first = erase(workspace)
    state = came_out(workspace), released(workspace)
    steps: list[str] = []
    assert erase(workspace, on_step=steps.append) == first
    assert steps == []
    assert (came_out(workspace), released(workspace)) == state


def test_nobody_is_erased_whom_nobody_knows(small):
    _, workspace = small
    before = came_out(workspace)
    for call in (forget, dry_run):
        more = {"actor": "desk", "private_key": KEY} if call is forget else {}
        with pytest.raises(NotFoundError):
            call(workspace, tenant=TENANT, user="somebody-else", **more)
    with pytest.raises(NotFoundError):
        forget(workspace, tenant="nobody", user=USER, actor="desk", private_key=KEY)
    assert came_out(workspace) == before
    assert workspace.catalog.erasures.list(TENANT) == []


def test_somebody_whose_id_begins_like_the_erased_one_keeps_everything(small):
    _, workspace = small
    longer = [(key.replace(USER, f"{USER}_2"), data) for key, data in uploads(3) if USER in key and "Heart" in key]
    land(workspace.lake(TENANT), longer)
    run_stages(workspace)
    theirs = workspace.subject_id(TENANT, f"{USER}_2").encode()
    kept = [line for line in lines_of(workspace) if theirs in line]
    assert kept
    erase(workspace)
    assert [line for line in lines_of(workspace) if theirs in line] == kept
    assert all(workspace.lake(TENANT).exists(key) for key, _ in longer)


def test_the_last_person_of_a_release_leaves_no_successor(small):
    _, workspace = small
    for user in sorted(set(workspace.catalog.subjects.subject_ids(TENANT)) - {USER}):
        forget(workspace, tenant=TENANT, user=user, actor="desk", private_key=KEY)
    certificate = erase(workspace)
    assert [(v["version"], v["successor"]) for v in certificate["dataset_versions"]] == [("1.0-e2", None)] * 2
    assert {row.state for row in workspace.catalog.datasets.list(TENANT)} == {"tombstoned", "failed"}
    assert list(workspace.lake(TENANT).objects("releases/")) == []
    assert lines_of(workspace) == []


def test_a_restored_backup_is_erased_again_and_refuses_the_person_before_that(small, tmp_path):
    settings, workspace = small
    sought, kept = needles(workspace), others(workspace)
    backup = tmp_path / "backup"
    shutil.copytree(settings.home_path, backup)
    erase(workspace)
    guard = [found.key for found in workspace.lake(TENANT).objects("erasures/")]
    assert len(guard) == 1
    # The catalog and the lake of before, restored over what is there: the guard stays in the lake.
    workspace.catalog.close()
    for name in ("catalog.db", "catalog.db-wal", "catalog.db-shm"):
        (settings.home_path / name).unlink(missing_ok=True)
        if (backup / name).exists():
            shutil.copy(backup / name, settings.home_path / name)
    shutil.copytree(backup / "lake", settings.home_path / "lake", dirs_exist_ok=True)
    shutil.rmtree(backup)
    _, restored = installation(settings.home_path)
    assert restored.catalog.erasures.tombstones(TENANT) == frozenset()
    listed = restored.lake(TENANT).objects("raw/")
    assert register(restored, tenant=TENANT, listed=listed, today=date(2025, 9, 16)).erased > 0
    assert replay(restored, private_key=KEY) == {TENANT: 1}
    assert hits(settings.home_path, sought) == {}
    assert lines_of(restored) == kept
    assert replay(restored, private_key=KEY) == {}


def test_a_version_that_the_person_is_not_in_stays_as_it_is(small):
    _, workspace = small
    lone = min(set(workspace.catalog.subjects.subject_ids(TENANT)) - {USER})
    workspace.catalog.consents.decide(
        TENANT, workspace.subject_id(TENANT, USER), {"sharing": False}, actor="desk", now=datetime.now(UTC)
    )
    assert release(workspace, spec("without", "none"), run_id=None).published
    before = {key: data for key, data in released(workspace).items() if "/without/" in key}
    certificate = erase(workspace)
    assert "without" not in {v["name"] for v in certificate["dataset_versions"]}
    assert {key: data for key, data in released(workspace).items() if "/without/" in key} == before
    assert lone in workspace.catalog.subjects.subject_ids(TENANT)


def test_a_table_that_a_later_stage_adds_is_purged_without_being_named(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    lake, gone = workspace.lake(TENANT), workspace.subject_id(TENANT, USER)
    rows = pl.DataFrame({"subject_id": [gone, "somebody"], "day": [date(2025, 9, 15)] * 2})
    lake.append("later/stage/kind", rows, partition_by="day")
    certificate = erase(workspace)
    assert certificate["removed"]["table_rows"] == {"later/stage/kind": 1}
    assert hits(settings.home_path, [gone, USER]) == {}
    assert lake.table("later/stage/kind").collect()["subject_id"].to_list() == ["somebody"]


def test_an_erasure_does_not_wait_for_runs_that_nobody_runs_and_leaves_its_certificate_in_the_home(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    land(workspace.lake(TENANT), [one for one in uploads(3) if USER in one[0]][:1])
    with local_instance(settings) as instance:
        job = build_definitions(settings).resolve_job_def(LANDING_JOB)
        # Of a daemon that is not there any more: what keeps an erasure apart from runs are its lanes, not their states.
        instance.create_run_for_job(job, tags={TENANT_TAG: TENANT})
    done = run_cli(settings, "subject", "forget", USER)
    assert done.exit_code == 0, done.output
    (kept,) = (settings.home_path / "certificates").iterdir()
    assert faults(kept.read_bytes(), public_key=None) == []
    assert run_cli(settings, "subject", "forget").exit_code == 2


EXPORTED = "export/lines.jsonl"


def written_everywhere(settings, workspace) -> None:
    """The person's texts in every place that something of the installation writes them to, and in a file beside it."""
    home, key = settings.home_path, next(key for key, _ in uploads(3) if USER in key)
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
        for job, asset in ((LANDING_JOB, "raw/steps"), (LOCAL_DAY_JOB, "clinical/steps"), (FORENSICS_JOB, None)):
            assets = None if asset is None else [dg.AssetKey(asset.split("/"))]
            assert runner.run(job, day=DAY, tenant=TENANT, assets=assets).success
        # A sensor that ran out of time at an object of theirs, and has gone on since.
        no_time = SensorPolicy(time_budget_seconds=-1)
        cursor = SweepCursor(after={TENANT: key})
        look(workspace, tenants=[TENANT], cursor=cursor, policy=no_time, now=datetime.now(UTC))
        state = sensor_at("raw/StepsRecord/2025/09/15/berta_1757941803805_ab12.avro")
        ticks_of(instance, state, [SweepCursor(after={TENANT: key}).text(), cursor.text(), SweepCursor().text()])
        instance.create_run_for_job(build_definitions(settings).resolve_job_def(LANDING_JOB), tags={"why": OWN_APP})
    told = [f"{USER} asked for it", f"{OWN_APP} is wrong", f"see {key}"]
    workspace.catalog.audit.record(
        NewAuditEvent(
            tenant=TENANT, at=datetime.now(UTC), actor="desk", action="say", target="rule", details={"why": why}
        )
        for why in told
    )
    (home / "daemon.log").write_text("".join(f"an error: {why}\n" for why in told))
    (home / EXPORTED).parent.mkdir()
    (home / EXPORTED).write_text(f'{{"subject_id":"{workspace.subject_id(TENANT, USER)}"}}\n')


def stores_with(home: Path, sought) -> set[str]:
    """Stores that hold any of what is sought; every file of the home but the one beside it belongs to one."""
    names = {name for found in hits(home, sought).values() for name in found if (home / name).is_file()}
    for name, _ in files(home):
        assert (store_of(name) is not None) == (name != EXPORTED), name
    return {store.name for name in names - {EXPORTED} if (store := store_of(name)) is not None}


def test_every_place_that_a_persons_text_reaches_is_in_the_list_and_holds_nothing_after_an_erasure(small, tmp_path):
    settings, workspace = small
    written_everywhere(settings, workspace)
    sought = needles(workspace)
    held = stores_with(settings.home_path, sought)
    # Whatever erasure has to do with is written to here; the others are listed as naming nobody.
    assert held == {store.name for store in STORES if store.way != "names nobody"} - {"refusals"}
    for name in ("history", "schedules"):
        shutil.copytree(settings.home_path / name, tmp_path / "backup" / name)
    shown = run_cli(settings, "subject", "forget", USER, "--dry-run", "--json")
    assert orjson.loads(shown.stdout)["run_history"] > 0
    assert orjson.loads(shown.stdout)["doubtful"]["files"] == [EXPORTED]
    done = run_cli(settings, "subject", "forget", USER, "--json")
    assert done.exit_code == 0, done.output
    assert {name for found in hits(settings.home_path, sought).values() for name in found} == {EXPORTED}
    certificate = orjson.loads(done.stdout)
    assert certificate["removed"]["run_history"] > 0
    assert certificate["left"]["run_history"] == 0
    assert certificate["doubtful"]["files_beside_the_installation"] == 1

    # Dagster's storage alone is restored from before: whoever it names is found by the guard beside the lake.
    for name in ("history", "schedules"):
        shutil.rmtree(settings.home_path / name)
        shutil.copytree(tmp_path / "backup" / name, settings.home_path / name)
    again = run_cli(settings, "subject", "forget", "--replay")
    assert again.exit_code == 0, again.output
    assert "1 persons" in again.output
    for name in ("history", "schedules"):
        assert hits(settings.home_path / name, sought - {OWN_APP, APP}) == {}
