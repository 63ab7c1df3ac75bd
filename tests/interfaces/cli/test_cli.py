"""The command line as its user meets it: help with examples, JSON, exit codes, and no name where it does not belong."""

import json
import re
from pathlib import Path

import pytest
import typer.main
from click import Group
from typer.testing import CliRunner

from interfaces.cli.main import app
from tests.flow import installation, land, run_stages
from tests.small_cohort import uploads

ROOT = Path(__file__).parents[3]
runner = CliRunner()


def commands(group: Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        nested = hasattr(command, "commands")
        found += commands(command, (*path, name)) if nested else [(*path, name)]
    return found


EVERY_COMMAND = commands(typer.main.get_command(app))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VITALGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", "a key for tests only, of no worth")
    return tmp_path / "home"


def run(*arguments: str, code: int = 0):
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_every_command_explains_itself_with_an_example(command):
    assert "Example: vitalgraph " + " ".join(command) in re.sub(r"\s+", " ", run(*command, "--help").output)


def test_a_tenant_whose_lake_does_not_answer_is_not_added(home, tmp_path):
    (tmp_path / "file").touch()
    assert "neither a folder nor a bucket" in run("tenant", "add", "study-7", "--root", "nonsense", code=2).output
    run("tenant", "add", "study-7", "--root", (tmp_path / "file" / "lake").as_uri(), code=4)
    run("tenant", "add", "study-7", "--root", (tmp_path / "lake").as_uri())
    assert [t["name"] for t in json.loads(run("tenant", "list", "--json").output)["tenants"]] == ["default", "study-7"]


def test_ingest_says_which_partition_failed_and_why(home):
    _, workspace = installation(home)
    land(workspace.lake("default"), uploads()[:3])
    (home / "lake" / "validated").write_text("a file where a folder should be: every write of the stage fails")
    result = run("ingest", code=1)
    assert "error: 2025-09-20|default: could not write the table" in re.sub(r"\s+", " ", result.stderr)
    again = json.loads(run("ingest", "--json", code=1).stdout)
    assert again["failed"] == list(again["reasons"]) == ["2025-09-20|default"]


def test_a_damaged_table_is_named_file_by_file_and_no_command_ends_in_a_stack_trace(home):
    _, workspace = installation(home)
    land(workspace.lake("default"), uploads()[:3])
    run_stages(workspace)
    table = next(name for name in workspace.lake("default").tables_below("validated") if "deliveries" not in name)
    damaged = next((home / "lake" / table).rglob("*.parquet"))
    damaged.write_bytes(b"what a full disk leaves behind")
    for arguments in (["status"], ["uploads", "list"]):
        assert "A damaged table" in re.sub(r"\s+", " ", run(*arguments, code=1).stderr)
    found = json.loads(run("check", "--json", code=1).stdout)["not_passed"]
    assert [(one["asset"], one["check"]) for one in found] == [(table, "readable")]
    assert found[0]["figures"] == f"unreadable: {table}/{damaged.parent.name}/{damaged.name}"


def test_a_broken_storage_of_dagster_is_an_error_that_says_what_to_look_at(home):
    run("status")
    (home / "history" / "runs.db").write_bytes(b"what a full disk leaves behind")
    assert "(Dagster's storage): file is not a database" in re.sub(r"\s+", " ", run("ingest", code=1).stderr)


@pytest.mark.parametrize(
    "days",
    [("2025-09-20", "2025-09-19"), ("0001-01-01", "0001-01-02"), ("2025-01-01", "9999-12-31")],
    ids=["backwards", "before all data", "for ever"],
)
@pytest.mark.parametrize("command", [["summary", "anna"], ["forensics", "anna"], ["forensics", "--all"]], ids=" ".join)
def test_days_that_cannot_be_read_are_wrong_usage_at_once(home, command, days):
    run(*command, "--from", days[0], "--to", days[1], code=2)


A_DAY = {
    "summary": ["anna", "--to", "2025-09-20", "--from"],
    "examples": ["anna", "--day"],
    "forensics": ["--all", "--from", "2025-09-20", "--to"],
    "ingest": ["--to"],
    "audit": ["--since"],
    "backfill": ["clinical", "--in-process", "--to", "2025-09-20", "--from"],
    "dataset build": ["n", "1.0.0", "--license", "cc-by-4.0", "--profile", "none", "--to"],
    "twin generate": ["cohort", "--first-day"],
}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1999-12-31", "2100-01-01", "2025-02-30", "x"])
@pytest.mark.parametrize("command", A_DAY)
def test_a_day_outside_the_calendar_is_wrong_usage_everywhere(home, command, day):
    run(*command.split(), *A_DAY[command], day, code=2)


def test_every_day_option_is_read_in_the_one_way():
    for path in (ROOT / "interfaces" / "cli").glob("*.py"):
        assert "formats=[" not in path.read_text(), path
        options = re.findall(r"datetime[^=]*typer\.Option\([^)]*", path.read_text())
        assert all(re.search("formats=(DAY|INSTANT)_FORMATS, callback=in_calendar", option) for option in options), path


def test_keys_are_listed_with_their_end_and_names_of_ended_ones_are_free(home):
    run("token", "create", "desk", "--expires-days", "0.5", "--role", "reviewer")
    run("token", "create", "desk", code=5)
    run("token", "revoke", "desk")
    run("token", "create", "desk")
    keys = json.loads(run("token", "list", "--json").output)["keys"]
    assert [(k["name"], k["role"], k["expires"] is None, k["revoked"] is None) for k in keys] == [
        ("desk", "reviewer", False, False),
        ("desk", "reader", True, True),
    ]
    for wrong in (
        ["x", "--expires-days", "0"],
        ["x", "--expires-days", "-3"],
        ["x", "--expires-days", "1e9"],
        [""],
        ["a\nb"],
    ):
        run("token", "create", *wrong, code=2)


def test_wrong_windows_and_ingests_backwards_are_wrong_usage(home):
    days = ["--from", "2025-09-19", "--to", "2025-09-20"]
    for window in ("-3", "1", "999999"):
        run("summary", "anna", *days, "--window", window, code=2)
    run("ingest", "--from", "2025-09-20", "--to", "2025-09-19", code=2)


def test_every_group_of_commands_is_in_the_operations_manual():
    text = (ROOT / "docs" / "operations.md").read_text()
    assert {f"`{command[0]}`" for command in EVERY_COMMAND} <= set(re.findall(r"`[a-z]+`", text))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["summary", "nobody", "--from", "2025-01-01", "--to", "2025-01-02"], 4),
        (["uploads", "show", "raw/none"], 4),
        (["tenant", "add", "Not A Tenant"], 2),
        (["tenant", "pause", "none"], 4),
        (["tenant", "add", "default"], 5),
        (["subject", "set", "nobody", "--diabetes", "perhaps"], 2),
        (["subject", "set", "nobody"], 2),
        (["quarantine", "show", "7", "--json"], 4),
        (["backfill", "clinical,validated", "--from", "2025-01-01", "--to", "2025-01-02", "--dry-run"], 2),
        (["backfill", "nothing", "--from", "2025-01-01", "--to", "2025-01-02", "--dry-run"], 2),
        (["uploads", "list", "--kind", "heartrate"], 2),
        (["uploads", "list", "--state", "done"], 2),
        (["quarantine", "list", "--kind", "heartrate"], 2),
        (["quarantine", "list", "--status", "done"], 2),
        (["summary", "nobody", "--from", "2025-01-02", "--to", "2025-01-01"], 2),
        (["status", "--no-such-option"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_wrong_requests_end_with_the_documented_exit_code(home, arguments, code):
    run(*arguments, code=code)


def test_a_dry_run_of_a_backfill_says_which_assets_and_partitions(home):
    result = run("backfill", "clinical", "--from", "2025-01-01", "--to", "2025-01-03", "--dry-run", "--json")
    plan = json.loads(result.stdout)
    assert len(plan["assets"]) == 6
    assert plan["partitions"] == [f"2025-01-0{n}|default" for n in (1, 2, 3)]


def test_landing_names_a_file_from_the_exporter_s_own_name_and_landing_it_again_changes_nothing(home, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    _, data = uploads()[0]
    (folder / "StepsRecord_1758407139312.avro").write_bytes(data)
    first = json.loads(run("land", str(folder), "--user", "a_b", "--day", "from-file", "--json").stdout)
    assert len(first["landed"]) == 1
    assert first["landed"][0].startswith("raw/StepsRecord/2025/09/20/a_b_1758407139312_")
    again = json.loads(run("land", str(folder), "--user", "a_b", "--day", "from-file", "--json").stdout)
    assert (again["landed"], again["already_there"]) == ([], first["landed"])


def test_a_file_that_cannot_be_named_is_refused_with_what_to_do(home, tmp_path):
    (tmp_path / "notes.avro").write_bytes(b"x")
    assert "Name it" in run("land", str(tmp_path / "notes.avro"), "--user", "anna", code=2).output


def test_a_folder_with_one_file_that_cannot_be_named_lands_nothing_and_the_file_is_listed(home, tmp_path):
    for name in ("StepsRecord_1758407139312.avro", "holiday.avro"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.avro").mkdir()
    result = run("land", str(tmp_path), "--user", "anna", code=2)
    assert "holiday.avro" in result.output
    assert "StepsRecord_1758407139312.avro" not in result.output
    assert not list((home / "lake").rglob("*.avro"))
    (tmp_path / "holiday.avro").unlink()
    assert "1 landed" in run("land", str(tmp_path), "--user", "anna").output


def test_a_copy_of_a_lake_lands_whole_and_what_tells_of_nobody_is_refused_in_the_books(home, tmp_path):
    run("twin", "generate", str(tmp_path / "cohort"), "--people", "1", "--days", "1")
    files = sorted((tmp_path / "cohort" / "raw").rglob("*.avro"))
    unnamed = [f for f in files if f.name.startswith("export-")]
    assert unnamed
    said = json.loads(run("land", str(tmp_path / "cohort" / "raw"), "--day", "from-file", "--json").stdout)
    # One that was uploaded twice on different days is there already: it has one fetch time.
    assert len(said["landed"]) + len(said["already_there"]) == len(files)
    run("ingest")
    refused = json.loads(run("uploads", "list", "--state", "quarantined", "--json").stdout)["uploads"]
    of_nobody = [upload["key"].rsplit("/", 1)[1] for upload in refused if upload["reason"] == "bad_key"]
    assert sorted(of_nobody) == sorted(f.name for f in unnamed)


@pytest.mark.parametrize("day", ["1990-01-01", "2099-01-01", "from-file"])
def test_a_landing_day_that_no_run_would_ever_read_is_refused(home, tmp_path, day):
    (tmp_path / "StepsRecord_4102444800000.avro").write_bytes(b"x")
    assert "landing day" in run("land", str(tmp_path), "--user", "anna", "--day", day, code=2).output
    assert not list((home / "lake").rglob("*.avro"))


def test_a_file_does_not_take_the_place_of_another_that_landed_under_its_key(home, tmp_path):
    folder = tmp_path / "raw" / "StepsRecord"
    for day, data in (("19", b"x"), ("20", b"y")):
        (folder / "2025" / "09" / day).mkdir(parents=True)
        (folder / "2025" / "09" / day / "u_20250919_120000_123456.avro").write_bytes(data)
    run("land", str(folder), code=5)
    (landed,) = (home / "lake").rglob("*.avro")
    assert landed.read_bytes() == b"x"
    assert "2 landed" in run("land", str(folder), "--user", "u").output


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    home = tmp_path_factory.mktemp("processed")
    _, workspace = installation(home)
    land(workspace.lake("default"), uploads())
    run_stages(workspace)
    return home, workspace


@pytest.fixture
def processed_home(processed, monkeypatch):
    monkeypatch.setenv("VITALGRAPH_HOME", str(processed[0]))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", "a key for tests only, of no worth")
    return processed[1]


def test_the_books_are_printed_in_the_shape_others_rely_on(processed_home):
    books = json.loads(run("uploads", "list", "--json").stdout)
    assert {"key", "kind", "state", "reason", "rows"} <= set(books["uploads"][0])
    for totals in books["totals"].values():
        fates = ("accepted", "duplicate", "superseded", "presumed_deleted", "partial", "quarantined")
        assert totals["total"] == sum(totals[fate] for fate in fates)
        assert totals["records"] == totals["accepted"]
    shown = json.loads(run("uploads", "show", books["uploads"][0]["key"], "--json").stdout)
    assert shown["versions"][0]["rows"] == books["uploads"][0]["rows"]


def test_a_person_s_facts_are_values_or_withheld_and_a_window_has_its_own(processed_home):
    user = min(processed_home.catalog.subjects.subject_ids("default"))
    facts = json.loads(
        run("summary", user, "--from", "2025-09-14", "--to", "2025-09-17", "--window", "3", "--json").stdout
    )
    assert facts["days"]
    for day in facts["days"].values():
        assert day["values"]
        assert not set(day["values"]) & set(day["withheld"])
        assert day["zone"]
    assert facts["window"]["withheld"]


def test_a_profile_makes_the_person_s_days_stale_and_is_shown(processed_home):
    user = min(processed_home.catalog.subjects.subject_ids("default"))
    assert (
        "to compute again" in run("subject", "set", user, "--age-years", "40", "--source-priority", "steps=a,b").output
    )
    shown = json.loads(run("subject", "show", user, "--json").stdout)
    assert (shown["age_years"], shown["source_priority"]) == (40, {"steps": ["a", "b"]})
    assert processed_home.catalog.stale_days.list("default", "clinical")


def test_a_setting_of_a_tenant_is_shown_with_its_source_and_makes_the_days_stale_that_follow_from_it(processed_home):
    before = {row["setting"]: row for row in json.loads(run("tenant", "settings", "--json").stdout)["settings"]}
    assert before["sleep_gap_night_minutes"]["value"] == before["sleep_gap_night_minutes"]["default"] == "120"
    assert all(row["source"] and row["meaning"] for row in before.values())
    said = run("tenant", "set", "default", "sleep_gap_night_minutes=90", "--reason", "a protocol", "--by", "rev").output
    assert "sleep_gap_night_minutes is 90" in said
    after = {
        row["setting"]: row for row in json.loads(run("tenant", "settings", "default", "--json").stdout)["settings"]
    }
    assert (after["sleep_gap_night_minutes"]["value"], after["sleep_gap_night_minutes"]["set_by"]) == ("90", "rev")
    stale = processed_home.catalog.stale_days.list("default", "clinical")
    assert {mark.kind for mark in stale if mark.reason == "policy"} == {"sleep", "heart_rate", "hrv_rmssd"}
    (event,) = processed_home.catalog.audit.list("default", action="setting.change")
    assert event.details["value"] == "90"
    run("tenant", "set", "default", "sleep_gap_night_minutes=900", "--reason", "x", code=2)
    run("tenant", "set", "default", "sleep_gap_night_minutes=90", code=2)


def test_the_books_of_a_run_hold_no_name_but_in_the_keys(processed_home):
    status = run("status", "--json").stdout
    for user in processed_home.catalog.subjects.subject_ids("default"):
        assert user not in status


def test_the_schema_commands_go_up_and_down(home, tmp_path):
    run("db", "upgrade")
    assert run("db", "current").output.strip()
    run("db", "check")
    run("db", "downgrade", "base", "--export-to", str(tmp_path / "export"))
    run("db", "check", code=1)


def test_a_cohort_is_generated_into_a_new_folder_and_not_over_an_old_one(tmp_path):
    folder = str(tmp_path / "cohort")
    run("twin", "generate", folder, "--people", "1", "--days", "1", "--faults", "none")
    assert json.loads((tmp_path / "cohort" / "truth.json").read_bytes())["people"]
    run("twin", "generate", folder, code=2)
    run("twin", "generate", str(tmp_path / "other"), "--faults", "no_such", code=2)


def test_brackets_in_a_key_are_printed_as_they_are(home):
    _, workspace = installation(home)
    land(workspace.lake("default"), [("raw/[bold]Steps[/x]/a.avro", b"no Avro")])
    run("ingest")
    assert "raw/[bold]Steps[/x]/a.avro" in run("uploads", "list").output
