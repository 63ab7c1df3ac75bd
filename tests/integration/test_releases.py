"""From uploads to a published release, through Dagster and the command line, and to those who load it."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import mlcroissant
import pytest
from datasets import load_dataset
from typer.testing import CliRunner

from assets.release import RELEASE_KEY
from dagster_project.execution import local_instance
from interfaces.cli.main import app
from pipeline.release.quality_gates import GATES
from tests.flow import installation, land, run_stages
from tests.small_cohort import uploads
from vitals.release.spec import FORMAT_NAMES

runner = CliRunner()
COMMAND = Path(sys.executable).parent / "vitalgraph"

BUILD = ["--license", "cc-by-4.0", "--validation-share", "0.4"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    home = tmp_path_factory.mktemp("study") / "home"
    settings, workspace = installation(home)
    land(workspace.lake("default"), uploads())
    run_stages(workspace)
    return settings, workspace


@pytest.fixture
def run(study, monkeypatch):
    monkeypatch.setenv("VITALGRAPH_HOME", str(study[0].home_path))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", study[0].subject_key.get_secret_value())

    def call(*arguments, code=0):
        words = ["dataset", *map(str, arguments)]
        if arguments[0] == "build":
            # Dagster catches what a run prints at the level of file descriptors, which a test's capture does not bear.
            made = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)
            assert made.returncode == code, made.stderr
            return json.loads(made.stdout) if "--json" in arguments else made
        result = runner.invoke(app, words)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if "--json" in arguments else result

    return call


@pytest.fixture(scope="module")
def built():
    """Whether the release that the tests below share is there; the first that needs it builds it."""
    return {}


@pytest.fixture
def nights(run, built):
    if not built:
        built.update(run("build", "nights", "1.0.0", "--profile", "standard", *BUILD, "--json"))
    return built


def test_a_release_from_real_stages_is_published_and_its_run_tells_what_came_out(study, nights):
    assert nights["state"] == "published"
    assert nights["counts"]["people"] == 3
    assert nights["fates"]["read"] == nights["fates"]["released"] + sum(
        count for fate, count in nights["fates"].items() if fate not in {"read", "released"}
    )
    with local_instance(study[0]) as instance:
        event = instance.get_latest_materialization_event(RELEASE_KEY)
        assert event.run_id == nights["run_id"]
        figures = event.asset_materialization.metadata
        assert figures["state"].value == "published"
        assert figures["examples"].value == nights["examples"]
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(RELEASE_KEY, name) for name in GATES]
        )
        assert {record.status.value for record in checks.values()} == {"SUCCEEDED"}
        assert len(checks) == len(GATES)


def test_no_external_user_and_no_pseudonym_of_the_lake_is_in_any_file_or_run(study, nights):
    settings, workspace = study
    people = workspace.catalog.subjects.subject_ids("default")
    canaries = [text.encode() for text in (*people, *people.values())]
    lake = workspace.lake("default")
    files = [found.key for found in lake.objects("releases/nights/1.0.0")]
    assert len(files) == len(nights["files"]) + 2
    for key in files:
        assert not [canary for canary in canaries if canary in lake.read_object(key)], key
    with local_instance(settings) as instance:
        run = instance.get_run_by_id(nights["run_id"])
        assert not [canary for canary in canaries if canary in str(run.tags).encode() + str(run.run_config).encode()]


def test_what_is_exported_loads_offline_in_every_format_and_croissant_is_valid(run, nights, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    run("export", "nights", "1.0.0", tmp_path / "out")
    # A format that no example of the small cohort has a place in has no files, and no entry in the card.
    for name in (name for name in FORMAT_NAMES if f"data/{name}/train.parquet" in nights["files"]):
        records = load_dataset(str(tmp_path / "out"), name, cache_dir=str(tmp_path / "cache"))
        ids = load_dataset(str(tmp_path / "out"), f"{name}_ids", cache_dir=str(tmp_path / "cache"))
        assert {s: records[s].num_rows for s in records} == {s: ids[s].num_rows for s in ids}
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    journals = sorted((tmp_path / "out").rglob("health_journal_*.jsonl"))
    assert run("verify", *journals, "--json")["passed"]
    assert run("build", "--from-manifest", tmp_path / "out" / "manifest.json", "--json")["reproduced"]


def test_the_release_verifies_is_listed_and_is_shown(run, nights):
    assert run("verify", "nights", "1.0.0", "--json")["passed"]
    [row] = [row for row in run("list", "--json")["releases"] if row["name"] == "nights"]
    assert (row["version"], row["state"]) == ("1.0.0", "published")
    assert run("show", "nights", "1.0.0", "--json")["manifest_sha256"] == row["manifest_sha256"]
    assert "nights" in run("list").output
    assert "health_journal" in run("show", "nights", "1.0.0").output


def test_what_another_filter_leaves_out_is_put_down_to_policy(run, nights):
    run("build", "nights", "1.1.0", "--profile", "standard", *BUILD, "--task", "question", "--format", "text")
    found = run("diff", "nights/1.0.0", "nights/1.1.0", "--json")
    assert found["by_cause"]["policy"] == len(found["differences"]) > 0
    assert run("diff", "nights/1.0.0", "nights/1.0.0", "--json")["differences"] == []


def test_a_file_with_a_number_that_no_claim_holds_does_not_verify(study, run, tmp_path):
    lake = study[1].lake("default")
    key = next(found.key for found in lake.objects("training/physical_activity"))
    lines = [json.loads(line) for line in lake.read_object(key).splitlines()]
    place = next(place for place, line in enumerate(lines) if line["metadata"]["task"] == "daily_summary")
    lines[place]["output"] += " The step total was 99,999 steps."
    lines[place]["messages"][1]["content"] = lines[place]["output"]
    file = tmp_path / "spoiled.jsonl"
    file.write_text("".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))
    found = run("verify", file, "--json", code=1)["files"][str(file)]
    assert found["gates"]["grounding"]["first_lines"] == [place + 1]
    assert "99,999" not in run("verify", file, code=1).output


def test_households_are_named_by_user_and_kept_by_pseudonym(study, run, nights, tmp_path):
    people = study[1].catalog.subjects.subject_ids("default")
    file = tmp_path / "households.json"
    file.write_text(json.dumps([sorted(people)]))
    made = run(
        *("build", "families", "1", "--profile", "none", *BUILD, "--households", file, "--format", "text", "--json")
    )
    assert len(made["counts"]["examples_by_side"]) == 1
    assert made["spec"]["households"] == 1
    stored = study[1].catalog.datasets.get("default", "families", "1").spec["households"]
    assert sorted(stored[0]) == sorted(people.values())
    file.write_text(json.dumps([["nobody"]]))
    run("build", "families", "2", "--profile", "none", *BUILD, "--households", file, code=4)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["build", "nights", "1.0.0", "--profile", "standard", "--license", "mit"], 5),
        (["build", "nights", "2", "--license", "mit"], 2),
        (["build", "nights", "2", "--profile", "standard"], 2),
        (["build", "nights", "2", "--profile", "some", "--license", "mit"], 2),
        (["build", "nights", "2", "--profile", "none", "--license", "mit", "--to", "2001-01-01"], 1),
        (["build", "nights", "2", "--profile", "none", "--license", "mit", "--tenant", "nobody"], 4),
        (["show", "nights", "9"], 4),
        (["verify", "nights", "9"], 4),
        (["verify", "none.jsonl"], 4),
        (["verify", "a", "b", "c"], 2),
        (["diff", "nights", "nights/1.0.0"], 2),
        (["diff", "nights/9", "nights/1.0.0"], 4),
        (["export", "nights", "9", "out"], 4),
    ],
    ids=str,
)
def test_what_cannot_be_done_ends_with_its_exit_code(run, nights, arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(*arguments, code=code)
