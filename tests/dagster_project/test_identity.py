"""Keys, catalog and lake belong together: what is lost is noticed and never remade, and each refusal names a way out."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from dagster_project.adoption import adopt
from dagster_project.installation import build_workspace, open_catalog, s3_access
from dagster_project.settings import Settings
from operations.consent import decide
from operations.erasure.erasure import forget
from resources.lake.marker import MARKER
from tests.flow import TENANT, came_out, land, run_stages, unbalanced
from tests.meter_uploads import meter_upload, reading
from vitals.errors import ConflictError, PermanentError
from vitals.validated.pseudonyms import key_check

pytest_plugins = ["tests.servers.catalogs"]

READINGS = [reading(index) for index in range(6)]
CATALOG = ("catalog.db", "catalog.db-wal", "catalog.db-shm")


def opened(settings: Settings):
    """A workspace as a process that starts now gets it, its lake included."""
    build_workspace.cache_clear()
    workspace = build_workspace(settings)
    workspace.lake(TENANT)
    return workspace


def begun(home: Path, **settings):
    """An installation with somebody's data, whose keys lie under its home."""
    made = Settings(home=home, **settings)
    workspace = opened(made)
    for user in ("anna", "berta", "carla"):
        land(workspace.lake(TENANT), [meter_upload(READINGS, user=user)])
    run_stages(workspace)
    return made, workspace


@pytest.fixture(scope="module")
def two_homes(tmp_path_factory):
    """Two installations, to be copied."""
    folder = tmp_path_factory.mktemp("homes")
    for name in ("ours", "theirs"):
        begun(folder / name)[1].catalog.close()
    return folder


@pytest.fixture
def home(two_homes, tmp_path):
    shutil.copytree(two_homes / "ours", tmp_path / "home")
    shutil.copytree(two_homes / "theirs", tmp_path / "other")
    return tmp_path / "home"


def removed(*names: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        for name in names:
            (home / name).unlink(missing_ok=True)

    return change


def from_the_other(*names: str) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        removed(*names)(home)
        for name in names:
            there = home.parent / "other" / name
            if there.exists():
                shutil.copy(there, home / name)

    return change


def lake_of_the_other(home: Path) -> None:
    shutil.rmtree(home / "lake")
    shutil.copytree(home.parent / "other" / "lake", home / "lake")


def lake_not_mounted(home: Path) -> None:
    (home / "lake").rename(home / "elsewhere")


def catalog_emptied(home: Path) -> None:
    removed(*CATALOG)(home)
    (home / "catalog.db").touch()


def lake_of_another_tenant(home: Path) -> None:
    marker = orjson.loads((home / "lake" / MARKER).read_bytes())
    (home / "lake" / MARKER).write_bytes(orjson.dumps({**marker, "tenant": "study-7"}))


def marker_damaged(home: Path) -> None:
    (home / "lake" / MARKER).write_bytes(b"{}")


def key_emptied(home: Path) -> None:
    (home / "subject.key").write_text("")


def key_no_text(home: Path) -> None:
    (home / "subject.key").write_bytes(b"\xff\xfe\x00" * 20)


def catalog_lost_and_marker_too(home: Path) -> None:
    removed(*CATALOG)(home)
    (home / "lake" / MARKER).unlink()


LOST = {
    "the subject key is gone": (removed("subject.key"), "key rotate --former-key-lost"),
    "another subject key": (from_the_other("subject.key"), "Use the key of this installation"),
    "the subject key is empty": (key_emptied, "Choose random ones"),
    "the subject key is no text": (key_no_text, "Restore the file"),
    "the erasure key is gone": (removed("erasure.key"), "init --adopt"),
    "another erasure key": (from_the_other("erasure.key"), "init --adopt"),
    "both keys are gone": (removed("subject.key", "erasure.key"), "Restore the file"),
    "the catalog is gone": (removed(*CATALOG), "init --adopt"),
    "the catalog is empty": (catalog_emptied, "init --adopt"),
    "the catalog and the key are gone": (removed(*CATALOG, "subject.key"), "init --adopt"),
    "the catalog and the mark are gone": (catalog_lost_and_marker_too, "init --adopt"),
    "another catalog": (from_the_other(*CATALOG), "Use the key of this installation"),
    "another catalog with its key": (from_the_other(*CATALOG, "subject.key", "erasure.key"), "VITALGRAPH_CATALOG"),
    "another lake": (lake_of_the_other, "VITALGRAPH_LAKE"),
    "the lake is not mounted": (lake_not_mounted, "Mount it"),
    "the lake is another tenant's": (lake_of_another_tenant, "tenant list"),
    "the mark is damaged": (marker_damaged, "Restore it"),
}


@pytest.mark.parametrize(("change", "remedy"), LOST.values(), ids=LOST)
def test_what_is_lost_or_does_not_fit_is_refused_with_what_to_do_and_nothing_is_made(home, change, remedy):
    change(home)
    keys = {path.name: path.read_bytes() for path in home.glob("*.key")}
    with pytest.raises(PermanentError) as refused:
        opened(Settings(home=home))
    assert remedy in str(refused.value)
    assert {path.name: path.read_bytes() for path in home.glob("*.key")} == keys


@pytest.mark.parametrize("setting", ["subject_key", "subject_key_file"])
def test_another_key_of_the_settings_is_refused_like_one_of_the_home(home, setting):
    (home.parent / "file").write_text("a key that has been given by hand")
    value = "a key that has been given by hand" if setting == "subject_key" else home.parent / "file"
    with pytest.raises(ConflictError, match="not the one"):
        opened(Settings(home=home, **{setting: value}))


def test_the_same_key_by_another_way_fits(home):
    key = (home / "subject.key").read_text().strip()
    opened(Settings(home=home, subject_key=key))
    (home / "subject.key").rename(home.parent / "file")
    opened(Settings(home=home, subject_key_file=home.parent / "file"))


def test_a_copied_or_moved_home_fits(home):
    shutil.copytree(home, home.parent / "copy")
    opened(Settings(home=home.parent / "copy"))
    home.rename(home.parent / "moved")
    opened(Settings(home=home.parent / "moved"))


def test_an_empty_installation_may_have_everything_of_its_own(tmp_path):
    uploaded = tmp_path / "with uploads"
    (uploaded / "lake" / "raw" / "StepsRecord").mkdir(parents=True)
    (uploaded / "lake" / "raw" / "StepsRecord" / "x.avro").write_bytes(b"x")
    with_key = tmp_path / "with a key"
    with_key.mkdir()
    (with_key / "subject.key").write_text("a key that was there before")
    (tmp_path / "empty").mkdir()
    checks = set()
    for home in (uploaded, with_key, tmp_path / "empty", tmp_path / "not there"):
        workspace = opened(Settings(home=home))
        assert (home / "lake" / MARKER).exists()
        checks.add(workspace.installation.subject_key_check)
        opened(Settings(home=home))
    assert len(checks) == 4
    assert key_check(b"a key that was there before") in checks


def made_before_there_was_an_installation(home: Path) -> None:
    catalog = open_catalog(Settings(home=home))
    catalog.database.write("forget", lambda connection: connection.exec_driver_sql("DELETE FROM installation"))
    catalog.close()
    (home / "lake" / MARKER).unlink()
    (home / "erasure.key").unlink()


def test_an_installation_of_an_earlier_version_gets_its_name_if_the_key_is_the_one_of_its_people(home):
    made_before_there_was_an_installation(home)
    shutil.copytree(home, home.parent / "copy")
    workspace = opened(Settings(home=home))
    assert (
        orjson.loads((home / "lake" / MARKER).read_bytes())["installation_id"] == workspace.installation.installation_id
    )
    shutil.copy(home.parent / "other" / "subject.key", home.parent / "copy" / "subject.key")
    with pytest.raises(ConflictError, match="not the one"):
        opened(Settings(home=home.parent / "copy"))
    (home.parent / "copy" / "subject.key").unlink()
    with pytest.raises(ConflictError, match="missing"):
        opened(Settings(home=home.parent / "copy"))


def adopted(settings: Settings) -> list[str]:
    return adopt(settings, open_catalog(settings), s3=s3_access(settings))


def test_after_a_catalog_was_lost_refusals_and_erasures_hold_and_the_same_comes_out(home):
    settings = Settings(home=home)
    workspace = opened(settings)
    pseudonym = workspace.subject_id(TENANT, "anna")
    decide(workspace, tenant=TENANT, subject_id=pseudonym, granted={"training": False, "sharing": False}, actor="desk")
    forget(workspace, tenant=TENANT, user="berta", actor="desk", private_key=bytes(32))
    run_stages(workspace)
    before = came_out(workspace)
    assert before.examples
    assert pseudonym.encode() not in b"".join(before.examples.values())
    workspace.catalog.close()
    removed(*CATALOG)(home)
    shutil.rmtree(home / "lake" / "training")
    assert len(adopted(settings)) >= 2
    again = opened(settings)
    land(again.lake(TENANT), [meter_upload(READINGS, user="berta")])
    run_stages(again)
    found = came_out(again)
    assert (found.records, found.facts, found.examples) == (before.records, before.facts, before.examples)
    assert again.catalog.consents.of(TENANT, pseudonym) == {"summary": True, "training": False, "sharing": False}
    assert {u.reason for u in again.catalog.uploads.list(TENANT, states=["quarantined"])} == {"erased_subject"}
    assert unbalanced(again) == []


def test_an_older_catalog_takes_over_what_was_refused_since_and_a_consent_given_again_is_no_refusal(home):
    settings = Settings(home=home)
    workspace = opened(settings)
    people = {user: workspace.subject_id(TENANT, user) for user in ("anna", "berta", "carla")}
    workspace.catalog.close()
    backup = {name: (home / name).read_bytes() for name in CATALOG if (home / name).exists()}
    workspace = opened(settings)
    for granted in ({"training": False, "summary": False}, {"training": True}):
        decide(workspace, tenant=TENANT, subject_id=people["anna"], granted=granted, actor="desk")
    decide(workspace, tenant=TENANT, subject_id=people["carla"], granted={"training": False}, actor="desk")
    decide(workspace, tenant=TENANT, subject_id=None, granted={"sharing": False}, actor="desk")
    workspace.catalog.close()
    removed(*CATALOG)(home)
    for name, data in backup.items():
        (home / name).write_bytes(data)
    restored = opened(settings)
    assert {user: restored.catalog.consents.of(TENANT, one) for user, one in people.items()} == {
        "anna": {"summary": False, "training": True, "sharing": False},
        "berta": {"summary": True, "training": True, "sharing": False},
        "carla": {"summary": True, "training": False, "sharing": False},
    }
    lines = b"".join(came_out(restored).examples.values())
    assert people["carla"].encode() in lines
    run_stages(restored)
    lines = b"".join(came_out(restored).examples.values())
    assert people["carla"].encode() not in lines
    assert people["berta"].encode() in lines
    assert run_stages(restored) == 0


def test_nothing_of_an_erased_persons_refusals_is_left_beside_the_lake(home):
    workspace = opened(Settings(home=home))
    for user in ("anna", "berta"):
        decide(
            workspace,
            tenant=TENANT,
            subject_id=workspace.subject_id(TENANT, user),
            granted={"training": False, "sharing": False},
            actor="desk",
        )
    forget(workspace, tenant=TENANT, user="anna", actor="desk", private_key=bytes(32))
    assert len(list(workspace.lake(TENANT).objects("consents/"))) == 2
    forget(workspace, tenant=TENANT, user="berta", actor="desk", private_key=bytes(32))
    assert list(workspace.lake(TENANT).objects("consents/")) == []


def test_a_lake_that_is_lost_for_good_is_begun_anew_by_hand_only(home):
    lake_not_mounted(home)
    settings = Settings(home=home)
    assert adopted(settings) == [f"The lake of tenant default is this installation's: {(home / 'lake').as_uri()}"]
    assert opened(settings).lake(TENANT).root_url == (home / "lake").as_uri()
    assert adopted(settings) == []


def test_a_lost_erasure_key_is_made_anew_by_hand_only(home):
    removed("erasure.key")(home)
    (said,) = adopted(Settings(home=home))
    assert "Certificates" in said
    opened(Settings(home=home))


@pytest.mark.parametrize(
    "change", [removed("subject.key"), from_the_other("subject.key"), removed(*CATALOG, "subject.key")]
)
def test_no_subject_key_is_made_or_changed_by_adopting(home, change):
    change(home)
    before = sorted((path.name, path.read_bytes()) for path in home.glob("*.key"))
    with pytest.raises(ConflictError, match="subject key"):
        adopted(Settings(home=home))
    assert sorted((path.name, path.read_bytes()) for path in home.glob("*.key")) == before


def test_another_installations_lake_is_not_adopted(home):
    lake_of_the_other(home)
    with pytest.raises(ConflictError, match="another subject key"):
        adopted(Settings(home=home))


def test_tenants_below_a_lake_are_known_again_after_the_catalog_was_lost(home):
    settings = Settings(home=home)
    workspace = opened(settings)
    workspace.catalog.tenants.add("study-7", now=datetime.now(UTC))
    land(workspace.lake("study-7"), [meter_upload(READINGS, user="dora")])
    run_stages(workspace)
    before = came_out(workspace, "study-7")
    workspace.catalog.close()
    removed(*CATALOG)(home)
    assert any("study-7" in said for said in adopted(settings))
    again = opened(settings)
    run_stages(again)
    assert came_out(again, "study-7") == before
    assert unbalanced(again, "study-7") == []


@pytest.mark.integration
def test_two_homes_with_one_catalog_need_the_same_key_and_the_same_lake(tmp_path, postgresql_server):
    from resources.catalog.catalog import Catalog
    from resources.catalog.migrations import upgrade

    postgresql_server.execute("CREATE DATABASE two_homes")
    url = postgresql_server.url("two_homes")
    upgrade(Catalog(url))
    settings, workspace = begun(tmp_path / "one", catalog=url)
    with pytest.raises(ConflictError, match="copy it from the installation's other home"):
        opened(Settings(home=tmp_path / "two", catalog=url))
    (tmp_path / "two" / "subject.key").write_text("a key that this home has made")
    with pytest.raises(ConflictError, match="not the one"):
        opened(Settings(home=tmp_path / "two", catalog=url))
    for name in ("subject.key", "erasure.key"):
        shutil.copy(settings.home_path / name, tmp_path / "two" / name)
    with pytest.raises(ConflictError, match="nothing in it"):
        opened(Settings(home=tmp_path / "two", catalog=url))
    shared = opened(Settings(home=tmp_path / "two", catalog=url, lake=settings.lake_url))
    assert came_out(shared) == came_out(workspace)
