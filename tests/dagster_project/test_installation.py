"""The first start of a home, and every start after it."""

import os
from datetime import UTC, datetime

import pytest

from dagster_project.installation import INSTANCE_FILE, build_workspace, make_home, prepare_home
from dagster_project.settings import Settings
from tests.flow import TENANT, installation, land, run_stages
from tests.meter_uploads import meter_upload, reading
from vitals.errors import PermanentError


def test_a_home_follows_the_projects_instance_file_until_its_operator_chooses_a_storage(tmp_path):
    settings = Settings(home=tmp_path / "home")
    file = settings.home_path / "dagster.yaml"
    prepare_home(settings)
    assert file.read_text() == INSTANCE_FILE.read_text()
    file.write_text("# as an earlier version of the project had it\n")
    prepare_home(settings)
    assert file.read_text() == INSTANCE_FILE.read_text()
    chosen = f"{INSTANCE_FILE.read_text()}\nstorage:\n  sqlite:\n    base_dir: elsewhere\n"
    file.write_text(chosen)
    prepare_home(settings)
    assert file.read_text() == chosen


def test_a_home_that_cannot_be_made_is_named_with_its_setting(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for home in (file, file / "below"):
        with pytest.raises(PermanentError, match=f"VITALGRAPH_HOME {home}"):
            prepare_home(Settings(home=home))


@pytest.fixture
def careless():
    """A process that lets everybody read what it writes, as most shells do."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless")
def test_nothing_of_an_installation_can_be_read_by_others(tmp_path):
    for home in (tmp_path / "new", tmp_path / "below" / "new", tmp_path / "empty"):
        if home.name == "empty":
            home.mkdir()
        os.umask(0o022)
        _, workspace = installation(home)
        land(workspace.lake(TENANT), [meter_upload([reading(index) for index in range(4)])])
        run_stages(workspace)
        everything = [home, *home.rglob("*")]
        assert len(everything) > 30
        assert [path for path in everything if path.stat().st_mode & 0o077] == []


@pytest.mark.usefixtures("careless")
def test_a_home_with_something_in_it_keeps_its_mode_and_its_operator_gets_the_command(tmp_path, caplog):
    home = tmp_path / "my home"
    home.mkdir()
    (home / "something").touch()
    make_home(home)
    assert home.stat().st_mode & 0o777 == 0o755
    assert f"chmod -R go-rwx '{home}'" in caplog.text
    home.chmod(0o700)
    caplog.clear()
    make_home(home)
    assert caplog.text == ""


def test_a_tenant_in_a_bucket_is_reached_with_the_settings_wherever_the_others_are(tmp_path, s3):
    workspace = build_workspace(
        Settings(
            home=tmp_path,
            s3_endpoint_url=s3.access.endpoint_url,
            s3_access_key_id=s3.access.access_key_id,
            s3_secret_access_key=s3.access.secret_access_key,
        )
    )
    workspace.catalog.tenants.add("study-7", root_url=f"{s3.root_url}/study-7", now=datetime.now(UTC))
    workspace.lake("study-7").write_object("raw/a", b"1")
    assert [found.key for found in workspace.lake("study-7").objects("raw/")] == ["raw/a"]
