"""What cannot be an upload now is told of and looked at again; its neighbours flow, and nobody's erasure waits for it."""

import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from dagster_project.installation import build_workspace
from interfaces.cli.main import app
from operations.erasure.erasure import dry_run, forget
from operations.table_maintenance import clear_half_written
from sensors.landed_objects import SensorPolicy, SweepCursor, look, told_left_out
from tests.every_byte import hits
from tests.flow import TENANT, came_out, installation, land, run_stages
from tests.meter_uploads import DAY, meter_upload, reading
from vitals.raw.keys import build_key

FOLDER = "raw/BloodGlucoseRecord/2025/09/20"
SECRET = b"Obj\x01 a secret that only the service may read"


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def key_of(user: str, day: date = DAY) -> str:
    return build_key(
        type_name="BloodGlucoseRecord", landing_day=day, user=user, fetched_ms=1758407139312, content_hash="abc"
    )


def see(workspace, now: datetime | None = None):
    return look(
        workspace,
        tenants=[TENANT],
        cursor=SweepCursor(),
        policy=SensorPolicy(),
        now=now or datetime.now(UTC),
    )


def linked(home, outside):
    (home / "lake" / key_of("eva")).symlink_to(outside)


def hard_linked(home, outside):
    os.link(outside, home / "lake" / key_of("eva"))


def folder_linked(home, outside):
    (home / "lake" / FOLDER / "more").symlink_to(outside.parent)


def looping(home, _):
    (home / "lake" / FOLDER / "loopdir").symlink_to(home)


def pipe(home, _):
    os.mkfifo(home / "lake" / key_of("eva"))


ENTRIES = [linked, hard_linked, folder_linked, looping, pipe]


@pytest.fixture
def begun(tmp_path):
    home = tmp_path / "home"
    settings, workspace = installation(home)
    land(workspace.lake(TENANT), [meter_upload([reading(n) for n in range(4)], user=user) for user in ("anna", "bob")])
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    return settings, workspace, outside / "secret"


@pytest.mark.parametrize("entry", ENTRIES)
def test_one_entry_stops_nobody_and_what_it_shows_is_copied_nowhere(begun, entry):
    settings, workspace, outside = begun
    entry(settings.home_path, outside)
    run_stages(workspace)
    assert {u.state for u in workspace.catalog.uploads.list(TENANT)} == {"processed"}
    assert len(workspace.catalog.left_out.list(TENANT)) == 1
    forget(workspace, tenant=TENANT, user="anna", actor="desk", private_key=bytes(32))
    assert list(workspace.catalog.subjects.subject_ids(TENANT)) == ["bob"]
    assert outside.read_bytes() == SECRET
    outside.unlink()
    if entry is not hard_linked:
        assert hits(settings.home_path, ["a secret that only"]) == {}


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_erasure_removes_entries_that_bear_the_persons_name_and_what_was_noted_of_them(begun, entry):
    settings, workspace, outside = begun
    entry(settings.home_path, outside)
    run_stages(workspace)
    found = {name for name in names_in(settings.home_path / "lake" / FOLDER) if name.startswith("eva")}
    if not found:
        pytest.skip("it bears nobody's name")
    forget(workspace, tenant=TENANT, user="eva", actor="desk", private_key=bytes(32))
    assert not [name for name in names_in(settings.home_path / "lake" / FOLDER) if name.startswith("eva")]
    assert workspace.catalog.left_out.list(TENANT) == []
    entry(settings.home_path, outside)
    see(workspace)
    assert not [name for name in names_in(settings.home_path / "lake" / FOLDER) if name.startswith("eva")]
    assert workspace.catalog.left_out.list(TENANT) == []
    assert outside.read_bytes() == SECRET


def run_cli(settings, *arguments):
    build_workspace.cache_clear()
    environment = {
        "VITALGRAPH_HOME": str(settings.home_path),
        "VITALGRAPH_SUBJECT_KEY": settings.subject_key.get_secret_value(),
    }
    return CliRunner().invoke(app, list(arguments), env=environment)


def test_it_is_told_in_the_tick_and_named_to_the_operator(begun):
    settings, workspace, outside = begun
    linked(settings.home_path, outside)
    folder_linked(settings.home_path, outside)
    looked = see(workspace)
    (said,) = told_left_out(looked.left_out)
    assert said.startswith("default: 2 entries below raw/ are left out (2 is a symbolic link)")
    assert "eva" not in said
    listed = run_cli(settings, "uploads", "list", "--json")
    assert {one["key"] for one in orjson.loads(listed.stdout)["left_out"]} == {key_of("eva"), f"{FOLDER}/more"}
    assert "symbolic link" in run_cli(settings, "uploads", "list").stdout
    status = run_cli(settings, "status", "--json")
    assert orjson.loads(status.stdout)["default"]["left_out"] == {"is a symbolic link": 2}


def test_once_mended_it_is_an_upload_and_once_gone_it_is_not_told_of(begun):
    settings, workspace, outside = begun
    linked(settings.home_path, outside)
    folder_linked(settings.home_path, outside)
    see(workspace)
    path = settings.home_path / "lake" / key_of("eva")
    path.unlink()
    path.write_bytes(meter_upload([reading(9)], user="eva")[1])
    (settings.home_path / "lake" / FOLDER / "more").unlink()
    assert see(workspace).left_out == {}
    run_stages(workspace)
    assert "eva" in workspace.catalog.subjects.subject_ids(TENANT)


@pytest.mark.parametrize("days", [2, 3, 40, 400, 20_000])
def test_a_landing_day_that_has_not_come_is_not_yet_and_never_a_bad_key(begun, days):
    """A clock that is late by so many days lists uploads of what it takes for the future."""
    _, workspace, _ = begun
    before = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC) - timedelta(days=days)
    looked = see(workspace, now=before)
    assert (looked.new, workspace.catalog.uploads.counts(TENANT)) == (0, {})
    assert sum(looked.left_out[TENANT].values()) == 2
    run_stages(workspace)
    assert workspace.catalog.uploads.counts(TENANT) == {"processed": 2}
    assert workspace.catalog.left_out.list(TENANT) == []


def test_tomorrow_is_soon_enough_and_a_day_before_all_partitions_stays_a_bad_key(begun):
    _, workspace, _ = begun
    land(workspace.lake(TENANT), [(key_of("carl", date(1999, 12, 31)), b"x"), (key_of("dora", date(2300, 1, 1)), b"x")])
    see(workspace, now=datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC) - timedelta(days=1))
    assert workspace.catalog.uploads.counts(TENANT) == {"landed": 2, "quarantined": 1}
    assert [one.key for one in workspace.catalog.left_out.list(TENANT)] == [key_of("dora", date(2300, 1, 1))]


def test_the_api_says_why_a_reference_is_not_taken(begun, tmp_path):
    from tests.interfaces.api.serving import client, serving

    settings, workspace, outside = begun
    hard_linked(settings.home_path, outside)
    land(workspace.lake(TENANT), [(key_of("dora", date(2300, 1, 1)), b"x")])
    with serving(settings, workspace) as address, client(address, workspace) as http:
        for key, why in ((key_of("eva"), "second name"), (key_of("dora", date(2300, 1, 1)), "has not come")):
            answer = http.post("/v1/uploads/references", json={"keys": [key]})
            assert (answer.status_code, why in answer.text) == (409, True)
        assert http.post("/v1/uploads/references", json={"keys": [key_of("nobody")]}).status_code == 404
        (settings.home_path / "lake" / key_of("fay")).symlink_to(outside)
        assert http.post("/v1/uploads/references", json={"keys": [key_of("fay")]}).status_code == 404


def test_forgetting_a_person_leaves_other_peoples_files_and_says_what_is_doubtful(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    lake = workspace.lake(TENANT)
    theirs = meter_upload([reading(n) for n in range(3)], user="34", fetched_ms=1796041200012)
    land(lake, [meter_upload([reading(n) for n in range(3)], user="12"), theirs])
    doubtful = [f"{FOLDER}/patient 34 visit 12.avro", f"{FOLDER}/12 visit.avro"]
    kept = [f"{FOLDER}/34_12.avro", f"{FOLDER}/x12.avro"]
    land(lake, [(key, b"x") for key in [*doubtful, *kept, f"{FOLDER}/12_broken.avro"]])
    half = settings.home_path / "lake" / FOLDER
    for name in ("34_1796041200012_abcdef.avro#7", "12_1796041200000_abcdef.avro#7", "34_1712121212121_12.avro#12"):
        (half / name).write_bytes(b"half")
    run_stages(workspace)
    shown = dry_run(workspace, tenant=TENANT, user="12")
    assert shown["doubtful"] == {"keys": sorted([*doubtful, f"{FOLDER}/34_12.avro"]), "folders": [], "files": []}
    certificate = forget(workspace, tenant=TENANT, user="12", actor="desk", private_key=bytes(32))
    assert certificate["doubtful"]["names"] == 3
    left = {found.key for found in lake.objects("raw/")}
    assert left == {theirs[0], *doubtful, *kept}
    assert {name for name in names_in(half) if "#" in name} == {
        "34_1796041200012_abcdef.avro#7",
        "34_1712121212121_12.avro#12",
    }
    assert came_out(workspace).books[theirs[0]][0] == "processed"


def test_a_file_that_may_be_of_an_erased_person_or_of_somebody_who_is_here_is_not_taken_from_the_latter(tmp_path):
    _, workspace = installation(tmp_path)
    lake = workspace.lake(TENANT)
    land(lake, [meter_upload([reading(n)], user=user) for n, user in enumerate(("anna", "anna_maria"))])
    run_stages(workspace)
    forget(workspace, tenant=TENANT, user="anna", actor="desk", private_key=bytes(32))
    land(lake, [(f"{FOLDER}/anna_maria.avro", b"x"), (f"{FOLDER}/anna_x.avro", b"x")])
    run_stages(workspace)
    assert {found.key for found in lake.objects("raw/")} == {
        f"{FOLDER}/anna_maria.avro",
        meter_upload([reading(1)], user="anna_maria")[0],
    }


def test_half_written_files_go_when_nobody_has_written_to_them_for_a_day(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    workspace.catalog.tenants.add("study-7", now=datetime.now(UTC))
    day_ago = datetime.now(UTC).timestamp() - 90_000
    made = {}
    for tenant in (TENANT, "study-7"):
        land(workspace.lake(tenant), [meter_upload([reading(1)])])
        folder = settings.home_path / re.sub(r"^.*/home/", "", workspace.lake(tenant).root_url) / FOLDER
        for name, old in (("a.avro#1", True), ("b.avro#12", True), ("c.avro#1", False), ("d#1.avro", True)):
            (folder / name).write_bytes(b"half")
            if old:
                os.utime(folder / name, (day_ago, day_ago))
        made[tenant] = folder
    assert clear_half_written(workspace, tenant=TENANT) == 2
    assert {name for name in names_in(made[TENANT]) if "#" in name} == {"c.avro#1", "d#1.avro"}
    assert len([name for name in names_in(made["study-7"]) if "#" in name]) == 4
    assert clear_half_written(workspace, tenant="study-7") == 2


@pytest.mark.parametrize("as_json", [True, False])
def test_land_takes_files_and_says_what_it_left_out(tmp_path, as_json):
    settings, workspace = installation(tmp_path / "home")
    folder = tmp_path / "export"
    (folder / "deep").mkdir(parents=True)
    good = folder / "deep" / "BloodGlucoseRecord_1758407139312.avro"
    good.write_bytes(meter_upload([reading(1)])[1])
    key = tmp_path / "secret.key"
    key.write_bytes(SECRET)
    (folder / "StepsRecord_1796040000000.avro").symlink_to(key)
    (folder / "SleepSessionRecord_1796040000000.avro").symlink_to("deep/BloodGlucoseRecord_1758407139312.avro")
    (folder / "more").symlink_to(tmp_path)
    os.mkfifo(folder / "HeartRateRecord_1796040000000.avro")
    done = run_cli(settings, "land", str(folder), "--user", "anna", *(["--json"] if as_json else []))
    assert done.exit_code == 0, done.output
    assert len(list(workspace.lake(TENANT).objects("raw/"))) == 1
    assert hits(settings.home_path, ["a secret that only"]) == {}
    assert done.stderr.count("left out: ") == 4
    if as_json:
        assert len(orjson.loads(done.stdout)["left_out"]) == 4
    for path in (folder / "StepsRecord_1796040000000.avro", folder / "HeartRateRecord_1796040000000.avro"):
        assert run_cli(settings, "land", str(path), "--user", "anna").exit_code == 2
    assert run_cli(settings, "land", str(good), "--user", "anna").exit_code == 0
