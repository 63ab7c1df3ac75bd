"""Settings: documented, bounded, and loud about what they do not know."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dagster_project.settings import PREFIX, Settings, daemon_environment, load_settings
from vitals.errors import PermanentError

ROOT = Path(__file__).parents[2]


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(monkeypatch):
    monkeypatch.setenv("VITALGRAPH_HOEM", "somewhere")
    with pytest.raises(PermanentError, match=r"VITALGRAPH_HOEM.*VITALGRAPH_HOME"):
        load_settings()


def test_a_value_out_of_bounds_is_an_error_that_names_the_setting_and_not_the_value(monkeypatch):
    monkeypatch.setenv("VITALGRAPH_QUALITY_THRESHOLD", "17.5")
    with pytest.raises(PermanentError, match="VITALGRAPH_QUALITY_THRESHOLD") as raised:
        load_settings()
    assert "17.5" not in str(raised.value)


def test_the_subject_key_is_made_once_and_kept_from_other_users(tmp_path):
    settings = Settings(home=tmp_path / "home")
    assert settings.read_subject_key() is None
    key = settings.make_subject_key()
    assert Settings(home=tmp_path / "home").read_subject_key() == key == settings.make_subject_key()
    assert (tmp_path / "home" / "subject.key").stat().st_mode & 0o077 == 0


def test_a_short_subject_key_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_text("short")
    with pytest.raises(PermanentError, match="fewer than 16"):
        Settings(home=tmp_path, subject_key_file=file).read_subject_key()


def test_a_key_file_that_is_named_and_not_there_is_an_error_and_is_not_made(tmp_path):
    for file in (tmp_path / "none", tmp_path / "none" / "below"):
        with pytest.raises(PermanentError, match="VITALGRAPH_SUBJECT_KEY_FILE"):
            Settings(home=tmp_path, subject_key_file=file).read_subject_key()
        assert not file.exists()


def test_a_short_key_in_the_environment_does_for_a_trial_with_a_warning_that_does_not_show_it(tmp_path, caplog):
    assert Settings(home=tmp_path, subject_key="trial").read_subject_key() == b"trial"
    assert "fewer than 16" in caplog.text
    assert "trial" not in caplog.text
    with pytest.raises(PermanentError, match="fewer than 16"):
        Settings(home=tmp_path, subject_key="").read_subject_key()


def test_a_first_day_that_is_in_no_calendar_is_named_with_its_setting(monkeypatch):
    monkeypatch.setenv("VITALGRAPH_FIRST_DAY", "2020-13-45")
    with pytest.raises(PermanentError, match="VITALGRAPH_FIRST_DAY"):
        load_settings()


def test_secrets_do_not_show_in_the_settings_text():
    text = repr(Settings(subject_key="a very secret key", s3_secret_access_key="also secret"))
    assert "secret key" not in text
    assert "also secret" not in text


def test_a_child_process_works_on_the_same_home(tmp_path):
    environment = daemon_environment(Settings(home=tmp_path, sensor_interval_seconds=5))
    assert environment["DAGSTER_HOME"] == environment["VITALGRAPH_HOME"] == str(tmp_path)
    assert environment["VITALGRAPH_SENSOR_INTERVAL_SECONDS"] == "5"


def test_every_setting_is_in_the_operations_manual_and_no_other():
    text = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(rf"`{PREFIX}([A-Z0-9_]+)`", text))
    assert named == {name.upper() for name in Settings.model_fields}


def test_only_the_settings_module_reads_the_environment():
    readers = [
        file
        for package in (
            "vitals",
            "resources",
            "pipeline",
            "operations",
            "assets",
            "sensors",
            "dagster_project",
            "interfaces",
            "migrations",
        )
        for file in (ROOT / package).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", file.read_text()) and file.name != "settings.py"
    ]
    assert readers == []


def test_processes_that_start_together_on_a_fresh_home_all_get_a_working_one(tmp_path):
    code = "from dagster_project.definitions import defs; from dagster import DagsterInstance; import sys; DagsterInstance.from_config(sys.argv[1]).get_runs_count()"
    home = tmp_path / "home"
    environment = daemon_environment(Settings(home=home))
    together = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, str(home)], env=environment) for _ in range(3)
    ]
    assert [process.wait(timeout=120) for process in together] == [0, 0, 0]
