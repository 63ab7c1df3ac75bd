"""The first start of a home, and every start after it."""

from dagster_project.installation import INSTANCE_FILE, prepare_home
from dagster_project.settings import Settings


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
