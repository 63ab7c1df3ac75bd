"""A version of an object is its content: not its inode, its times, its etag, or the machine it lies on."""

import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from dagster_project.backfills import ask_again, make_plan
from dagster_project.installation import build_workspace
from dagster_project.settings import Settings
from pipeline.registration import register
from pipeline.row_accounting import every_upload
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from tests.meter_uploads import meter_upload, reading
from tests.servers.s3 import BUCKET

TODAY = date(2025, 9, 21)
READINGS = [reading(index) for index in range(12)]


def listed_now(workspace):
    found = list(workspace.lake(TENANT).objects("raw/"))
    return register(workspace, tenant=TENANT, listed=found, today=TODAY)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "lake" / "raw").rglob("*") if path.is_file())


def rewritten(folder: Path) -> None:
    for path in files_of(folder):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)


def touched(folder: Path) -> None:
    for path in files_of(folder):
        os.utime(path, (1, 1))


def its_mode_changed(folder: Path) -> None:
    for path in files_of(folder):
        path.chmod(0o600)


def moved_away_and_back(folder: Path) -> None:
    for path in files_of(folder):
        path.rename(path.with_suffix(".aside"))
        path.with_suffix(".aside").rename(path)


def copied_and_put_back(folder: Path) -> None:
    shutil.copytree(folder / "lake", folder / "kept")
    shutil.rmtree(folder / "lake")
    shutil.copytree(folder / "kept", folder / "lake", copy_function=shutil.copy)


def hard_linked_by_a_backup(folder: Path) -> None:
    shutil.copytree(folder / "lake", folder / "backup", copy_function=os.link)
    shutil.rmtree(folder / "backup")


CHANGES = [rewritten, touched, its_mode_changed, moved_away_and_back, copied_and_put_back, hard_linked_by_a_backup]


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_content_at_the_same_key_is_the_same_upload_whatever_was_done_to_its_file(tmp_path, change):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [meter_upload(READINGS), ("raw/StepsRecord/2025/09/20/no-form.avro", b"x")])
    assert listed_now(workspace).new == 2
    before = every_upload(workspace, tenant=TENANT)
    change(tmp_path)
    assert listed_now(workspace).new == 0
    assert {u.upload_id for u in every_upload(workspace, tenant=TENANT)} == {u.upload_id for u in before}


@pytest.mark.parametrize("copying", [shutil.copy, shutil.copy2], ids=["other times", "the same times"])
def test_a_copied_home_is_the_same_installation(tmp_path, copying):
    settings, workspace = installation(tmp_path / "home")
    land(workspace.lake(TENANT), [meter_upload(READINGS[:6]), meter_upload(READINGS[3:])])
    run_stages(workspace)
    before = came_out(workspace)
    shutil.copytree(tmp_path / "home", tmp_path / "copy", copy_function=copying)
    copy = build_workspace(settings.model_copy(update={"home": tmp_path / "copy"}))
    assert run_stages(copy) == 0
    assert came_out(copy) == before


def test_what_lies_where_it_lay_is_not_read_again(tmp_path, monkeypatch):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [meter_upload(READINGS)])
    listed_now(workspace)
    touched(tmp_path)
    listed_now(workspace)
    monkeypatch.setattr("resources.local_files.os.read", lambda *_: pytest.fail("it was read"))
    assert listed_now(workspace).new == 0


def test_other_content_of_the_same_size_and_times_is_another_upload(tmp_path):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [("raw/StepsRecord/2025/09/20/no-form.avro", b"one")])
    listed_now(workspace)
    (path,) = files_of(tmp_path)
    times = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert listed_now(workspace).new == 1
    path.write_bytes(b"one")
    assert listed_now(workspace).new == 0


def test_the_ids_of_two_installations_with_one_key_are_the_same_and_say_nothing_without_it(tmp_path):
    ids = []
    for name, key in (("one", "the same key in both"), ("two", "the same key in both"), ("three", "quite another key")):
        workspace = build_workspace(Settings(home=tmp_path / name, subject_key=key))
        land(workspace.lake(TENANT), [meter_upload(READINGS)])
        listed_now(workspace)
        ids.append([u.upload_id for u in every_upload(workspace, tenant=TENANT)])
    assert ids[0] == ids[1] != ids[2]


def test_what_was_written_over_after_it_was_listed_is_not_taken_for_what_was_listed(tmp_path):
    _, workspace = installation(tmp_path)
    key, first = meter_upload(READINGS[:4])
    _, second = meter_upload(READINGS[6:])
    land(workspace.lake(TENANT), [(key, first)])
    run_stages(workspace)
    before = came_out(workspace)
    workspace.lake(TENANT).write_object(key, second)
    # Asked to read everything of the day again, it reads what is there, and keeps what came of what was.
    settings = Settings(home=tmp_path, subject_key="a key for tests only, of no worth")
    day = date(2025, 9, 20)
    plan = make_plan(settings, selection="validated/blood_glucose", tenant=TENANT, first_day=day, last_day=day)
    assert ask_again(workspace, plan) == 1
    run_stages(workspace)
    versions = workspace.catalog.uploads.versions(TENANT, key)
    assert sorted(u.rows_accepted for u in versions) == [4, 6]
    assert unbalanced(workspace) == []
    assert len(came_out(workspace).records["blood_glucose"]) > len(before.records["blood_glucose"])


def test_a_file_that_is_listed_while_it_is_written_becomes_one_upload(tmp_path):
    _, workspace = installation(tmp_path)
    key, data = meter_upload(READINGS)
    land(workspace.lake(TENANT), [(key, data[:-100])])
    listed_now(workspace)
    land(workspace.lake(TENANT), [(key, data)])
    from pipeline.validated.landing_day import validate_day
    from vitals.record_types import BLOOD_GLUCOSE

    day = date(2025, 9, 20)
    validate_day(workspace, tenant=TENANT, record_type=BLOOD_GLUCOSE, landing_day=day, run_id="a")
    assert listed_now(workspace).new == 0
    (upload,) = workspace.catalog.uploads.versions(TENANT, key)
    assert (upload.state, upload.rows_accepted) == ("processed", len(READINGS))


def test_a_file_too_large_to_be_read_is_known_by_its_size(tmp_path):
    _, workspace = installation(tmp_path, max_file_size_mb=0.00001)
    key, data = meter_upload(READINGS)
    land(workspace.lake(TENANT), [(key, data)])
    assert listed_now(workspace).new == 1
    touched(tmp_path)
    assert listed_now(workspace).new == 0


def test_an_upload_of_an_earlier_version_of_the_project_is_known_by_size_and_time(tmp_path):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [meter_upload(READINGS)])
    (found,) = workspace.lake(TENANT).objects("raw/")
    listed_now(workspace)
    (version,) = workspace.catalog.uploads.listed(TENANT, [found.key])[found.key]
    state = files_of(tmp_path)[0].stat()
    former = f'"{state.st_ino:x}-{state.st_mtime_ns // 1000:x}-{state.st_size:x}"'
    forget = "UPDATE upload SET content_sha256 = NULL"
    workspace.catalog.database.write("forget", lambda connection: connection.exec_driver_sql(forget))
    workspace.catalog.uploads.relisted([type(version)(**{**vars(version), "etag": former, "content_sha256": None})])
    assert listed_now(workspace).new == 0
    (now,) = workspace.catalog.uploads.listed(TENANT, [found.key])[found.key]
    assert (now.etag, now.content_sha256) == (found.etag, version.content_sha256)


@pytest.mark.integration
def test_an_object_of_a_bucket_that_was_sent_in_other_parts_is_the_same_upload(tmp_path, s3):
    import boto3

    access = {
        "s3_endpoint_url": s3.access.endpoint_url,
        "s3_access_key_id": s3.access.access_key_id,
        "s3_secret_access_key": s3.access.secret_access_key,
    }
    prefix = uuid4().hex
    _, workspace = installation(tmp_path, lake=f"s3://{BUCKET}/{prefix}", **access)
    key, data = meter_upload(READINGS)
    land(workspace.lake(TENANT), [(key, data)])
    run_stages(workspace)
    (before,) = workspace.lake(TENANT).objects("raw/")
    client = boto3.client("s3", **s3.access.boto3_options())
    place = {"Bucket": BUCKET, "Key": f"{prefix}/{key}"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    part = client.upload_part(**place, UploadId=upload, PartNumber=1, Body=data)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    (after,) = workspace.lake(TENANT).objects("raw/")
    assert after.etag != before.etag
    assert run_stages(workspace) == 0
    (upload,) = workspace.catalog.uploads.versions(TENANT, key)
    assert upload.etag == after.etag
    # What another store holds of a local lake is known by its content, too.
    workspace.lake(TENANT).write_object(key, meter_upload(READINGS[:2])[1])
    assert (
        register(
            workspace, tenant=TENANT, listed=workspace.lake(TENANT).objects("raw/"), today=datetime.now(UTC).date()
        ).new
        == 1
    )
