"""Forensics over a real installation: the table, the job, the command, and the real uploads where they are here."""

from datetime import date, timedelta

import orjson
import polars as pl
import pytest
from typer.testing import CliRunner

from assets.forensics import FORENSICS_KEY
from dagster_project.backfills import make_plan
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance
from interfaces.cli.main import app
from pipeline.gaps import FORENSICS_TABLE, forensics_of, forensics_partition, read_gaps
from pipeline.validated.records_table import deliveries_table
from sensors.requests import FORENSICS_JOB, LOCAL_DAY_JOB
from tests.flow import SAMPLES, TENANT, installation, land, run_stages, sample_uploads
from tests.small_cohort import SETTINGS, uploads
from vitals.clinical.forensics.labels import LABELS
from vitals.clinical.forensics.report import GAP_SCHEMA
from vitals.record_types import BY_KIND

DAY = SETTINGS.first_day + timedelta(days=1)


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    home = tmp_path_factory.mktemp("forensics")
    settings, workspace = installation(home)
    land(workspace.lake(TENANT), uploads())
    run_stages(workspace)
    return settings, workspace


def people(workspace) -> dict[str, str]:
    return workspace.catalog.subjects.subject_ids(TENANT)


def test_the_table_of_a_day_holds_the_gaps_of_each_person_and_nothing_else(processed):
    _, workspace = processed
    written = forensics_partition(workspace, tenant=TENANT, local_day=DAY)
    stored = read_gaps(workspace, tenant=TENANT, local_day=DAY)
    assert stored.schema == GAP_SCHEMA
    assert stored.equals(written)
    assert set(stored["local_date"]) == {DAY}
    assert set(stored["label"]) <= set(LABELS)
    for subject_id in people(workspace).values():
        report = forensics_of(workspace, TENANT, subject_id, DAY, DAY)
        mine = stored.filter(subject_id=subject_id)
        assert len(report["gaps"]) == mine.height
        assert {(g["kind"], g["source_app"], g["label"]) for g in report["gaps"]} == set(
            mine.select("kind", "source_app", "label").iter_rows()
        )


def test_the_same_day_again_gives_the_same_rows_and_touches_no_other(processed):
    _, workspace = processed
    before = forensics_partition(workspace, tenant=TENANT, local_day=DAY - timedelta(days=1))
    first = forensics_partition(workspace, tenant=TENANT, local_day=DAY)
    again = forensics_partition(workspace, tenant=TENANT, local_day=DAY)
    assert first.equals(again)
    assert read_gaps(workspace, tenant=TENANT, local_day=DAY - timedelta(days=1)).equals(before)


def test_rows_of_an_attempt_that_was_never_settled_are_not_believed(processed):
    _, workspace = processed
    subject_id = min(people(workspace).values())
    before = forensics_of(workspace, TENANT, subject_id, DAY, DAY)
    lake, kind = workspace.lake(TENANT), BY_KIND["heart_rate"]
    table = lake.table(deliveries_table(kind)).collect()
    forged = table.filter(subject_id=subject_id).with_columns(
        attempt=pl.col("attempt") + 1, fetched_utc=pl.col("fetched_utc") + pl.duration(hours=1)
    )
    assert forged.height
    lake.append(deliveries_table(kind), forged, partition_by="utc_date")
    assert forensics_of(workspace, TENANT, subject_id, DAY, DAY) == before


def test_a_report_names_no_person_and_no_value(processed):
    _, workspace = processed
    for user, subject_id in people(workspace).items():
        report = forensics_of(workspace, TENANT, subject_id, DAY - timedelta(days=1), DAY)
        assert user not in orjson.dumps(report).decode()
        assert report["subject_id"] == subject_id
        assert set(report["counts"]) == set(LABELS)


def test_the_job_shows_the_counts_per_label_and_is_no_part_of_the_local_day(processed):
    settings, workspace = processed
    definitions = build_definitions(settings)
    local_day = definitions.resolve_job_def(LOCAL_DAY_JOB)
    assert FORENSICS_KEY not in local_day.asset_layer.selected_asset_keys
    with local_instance(settings) as instance:
        result = Runner(definitions, instance, "ERROR").run(FORENSICS_JOB, day=DAY, tenant=TENANT)
        assert result.success
        [event] = result.asset_materializations_for_node("clinical__forensics")
    gaps = read_gaps(workspace, tenant=TENANT, local_day=DAY)
    for label in LABELS:
        assert event.metadata[label].value == gaps.filter(label=label).height
    assert event.metadata["dagster/partition_row_count"].value == gaps.height


def test_a_backfill_of_the_stage_leaves_it_out_and_one_of_its_own_runs_its_job(processed):
    settings, _ = processed
    days = {"tenant": TENANT, "first_day": DAY, "last_day": DAY}
    stage = make_plan(settings, selection="clinical", **days)
    assert FORENSICS_KEY not in stage.assets
    assert stage.job == LOCAL_DAY_JOB
    own = make_plan(settings, selection=FORENSICS_TABLE, **days)
    assert (own.job, own.assets) == (FORENSICS_JOB, (FORENSICS_KEY,))


def test_the_command_shows_one_person_or_everybody(processed, monkeypatch):
    settings, workspace = processed
    monkeypatch.setattr("interfaces.cli.forensics.load_settings", lambda: settings)
    user = min(people(workspace))
    days = ["--from", str(DAY - timedelta(days=1)), "--to", str(DAY)]
    run = CliRunner().invoke
    told = run(app, ["forensics", user, *days, "--json"])
    assert told.exit_code == 0, told.output
    expected = forensics_of(workspace, TENANT, people(workspace)[user], DAY - timedelta(days=1), DAY)
    assert orjson.loads(told.stdout) == {"user": user, **expected}
    everybody = orjson.loads(run(app, ["forensics", "--all", *days, "--json"]).stdout)
    assert sorted(everybody) == sorted(people(workspace))
    printed = run(app, ["forensics", user, *days]).output
    assert "Publication lag" in printed
    assert run(app, ["forensics", "--all", *days]).exit_code == 0


def test_the_command_refuses_what_it_cannot_do(processed, monkeypatch):
    settings, _ = processed
    monkeypatch.setattr("interfaces.cli.forensics.load_settings", lambda: settings)
    run = CliRunner().invoke
    days = ["--from", str(DAY), "--to", str(DAY)]
    assert run(app, ["forensics", *days]).exit_code == 2
    assert run(app, ["forensics", "x", "--all", *days]).exit_code == 2
    assert run(app, ["forensics", "--all", "--from", str(DAY), "--to", str(DAY - timedelta(days=1))]).exit_code == 2
    assert run(app, ["forensics", "nobody-here", *days]).exit_code == 4


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder with real uploads is not here")
def test_the_real_uploads_of_one_evening_lose_nothing_and_leave_three_hours_of_glucose_pending(tmp_path):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), sample_uploads())
    run_stages(workspace)
    [subject_id] = people(workspace).values()
    report = forensics_of(workspace, TENANT, subject_id, date(2025, 9, 19), date(2025, 9, 20))
    assert len(report["fetches"]) == 3
    assert report["window_minutes"] == 24 * 60
    [lag] = [s["lag"] for s in report["sources"] if s["source_app"] == "com.dexcom.stelo"]
    assert 180 <= lag["median_minutes"] <= lag["longest_minutes"] <= 185.1
    assert {g["label"] for g in report["gaps"]} == {"late_pending"}
    [pending] = [g["minutes"] for g in report["gaps"] if g["kind"] == "blood_glucose"]
    assert 180 <= pending <= 190
    assert [d["state"] for d in report["days"]] == ["closed", "open"]
    assert report["advice"]["sentence"].startswith("Nothing to change")
