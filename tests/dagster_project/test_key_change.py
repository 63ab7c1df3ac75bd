"""Another subject key: everything comes out as if it had always been there, and nothing tells what was before."""

import hashlib
import shutil
from datetime import UTC, date, datetime

import pytest

from dagster_project import key_change
from dagster_project.installation import build_workspace, open_catalog, s3_access
from dagster_project.settings import Settings
from operations.consent import decide
from operations.erasure.erasure import dry_run, forget
from pipeline.release.releases import release
from pipeline.row_accounting import every_upload
from pipeline.validated.records_table import record_count
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from tests.erasure_study import spec
from tests.every_byte import hits
from tests.flow import TENANT, came_out, land, run_stages, unbalanced
from vitals.errors import ConflictError, NotFoundError, UsageError
from vitals.record_types import RECORD_TYPES
from vitals.synthetic.cohort import generate
from vitals.synthetic.settings import TwinSettings

pytest_plugins = ["tests.servers.catalogs"]

REFUSING, ERASED, OTHER = "学生_0003", "zoë-µ0001", "twin_0000"


def opened(settings: Settings):
    build_workspace.cache_clear()
    return build_workspace(settings)


def uploads():
    """Uploads of four people; some files come twice, under other names, and at the same moment."""
    twin = TwinSettings(seed=3, people=4, days=2, first_day=date(2025, 9, 15), fetches_per_day=1)
    found = [(upload.key, upload.data) for upload in generate(twin)]
    again = [(f"{key.removesuffix('.avro')}{n}.avro", data) for key, data in found[::2] for n in range(3)]
    return [*found, *again, ("raw/StepsRecord/2025/09/16/no-form.avro", b"x")]


def filled(settings: Settings, *, refusing: bool = True):
    workspace = opened(settings)
    land(workspace.lake(TENANT), uploads())
    run_stages(workspace)
    if refusing:
        refuse(workspace)
        run_stages(workspace)
    return workspace


def refuse(workspace) -> None:
    decide(
        workspace,
        tenant=TENANT,
        subject_id=workspace.subject_id(TENANT, REFUSING),
        granted={"training": False, "sharing": False},
        actor="desk",
    )
    forget(workspace, tenant=TENANT, user=ERASED, actor="desk", private_key=bytes(32))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A home with people, one who refuses, one who was erased, duplicates, quarantine, and a release."""
    home = tmp_path_factory.mktemp("study") / "home"
    workspace = filled(Settings(home=home))
    assert release(workspace, spec("days", "none"), run_id=None).published
    workspace.catalog.close()
    return home


@pytest.fixture
def home(study, tmp_path):
    shutil.copytree(study, tmp_path / "home")
    return tmp_path / "home"


def rotated(settings: Settings, **how):
    return key_change.rotate(settings, open_catalog(settings), s3=s3_access(settings), **how)


def ids_of(workspace) -> set[str]:
    """Everything that was made with the subject key."""
    found = set(workspace.catalog.subjects.subject_ids(TENANT).values())
    for upload in every_upload(workspace, tenant=TENANT):
        found |= {upload.upload_id, upload.upload_id[:32], upload.key_sha256}
    found |= {row.tombstone for row in workspace.catalog.erasures.list(TENANT)}
    found |= {one.key.rpartition("/")[2] for one in workspace.lake(TENANT).objects("consents/")}
    return found


def outcome(workspace):
    """What came out, without what another key may make another: ids, and which of several equal files came first."""
    books = came_out(workspace).books.values()
    fates = [sum(book[place] for book in books) for place in range(2, 9)]
    records = {kind.kind: record_count(workspace.lake(TENANT), kind) for kind in RECORD_TYPES}
    return len(books), fates, records


def test_after_a_change_everything_is_as_if_the_new_key_had_always_been_there(home, tmp_path):
    settings = Settings(home=home)
    before = opened(settings)
    former, books = ids_of(before), outcome(before)
    people = len(before.catalog.subjects.subject_ids(TENANT))
    before.catalog.close()
    done = rotated(settings)
    assert (done.people, done.erased_forgotten, done.key_file) == (people, 0, None)
    after = opened(settings)
    # Nobody can tell what was what: not even in free pages, logs, older versions of tables, or names of files.
    # A published version is what others have copies of: it stays, and who changes the key is told which.
    assert done.versions == [(TENANT, "days", "1.0")]
    left = {path for paths in hits(home, former - {"lake"}).values() for path in paths}
    assert {path for path in left if not path.startswith("lake/releases/days/1.0/journal/")} <= {
        f"certificates/{p.name}" for p in home.glob("certificates/*")
    }
    run_stages(after)
    assert outcome(after) == books
    assert unbalanced(after) == []
    fresh = filled(Settings(home=tmp_path / "fresh", subject_key=(home / "subject.key").read_text().strip()))
    now, always = came_out(after), came_out(fresh)
    assert now.records == always.records
    assert now.facts == always.facts
    assert now.examples == always.examples
    assert now.books == always.books


def test_who_refused_and_who_was_erased_is_refused_under_the_new_key_and_the_one_after(home):
    settings = Settings(home=home)
    for _ in range(2):
        rotated(settings)
        workspace = opened(settings)
        pseudonym = workspace.subject_id(TENANT, REFUSING)
        assert workspace.catalog.consents.of(TENANT, pseudonym)["training"] is False
        assert len(list(workspace.lake(TENANT).objects("consents/"))) == 2
        land(workspace.lake(TENANT), [one for one in uploads() if ERASED in one[0]])
        run_stages(workspace)
        assert ERASED not in workspace.catalog.subjects.subject_ids(TENANT)
        assert len(list(workspace.lake(TENANT).objects("erasures/"))) == 1
        # A second call finds the erasure of before, whatever key it was made under.
        forget(workspace, tenant=TENANT, user=ERASED, actor="desk", private_key=bytes(32))
        assert len(workspace.catalog.erasures.list(TENANT)) == 1
        workspace.catalog.close()


def test_a_person_is_erased_whole_after_a_change_releases_included(home):
    settings = Settings(home=home)
    rotated(settings)
    workspace = opened(settings)
    run_stages(workspace)
    found = dry_run(workspace, tenant=TENANT, user=OTHER)
    assert [one["name"] for one in found["dataset_versions"]] == ["days"]
    assert found["catalog_rows"]["upload"]
    assert found["table_rows"]
    forget(workspace, tenant=TENANT, user=OTHER, actor="desk", private_key=bytes(32))
    with pytest.raises(NotFoundError):
        dry_run(workspace, tenant=TENANT, user=OTHER)


class Killed(BaseException):
    """A process that ends here."""


def killed_at(number: int):
    calls = iter(range(10_000))

    def on_step(_: str) -> None:
        if next(calls) == number:
            raise Killed

    return on_step


@pytest.mark.parametrize("number", [0, 3, 9, 14, 15, 16, 17])
def test_killed_anywhere_it_goes_on_and_until_then_nothing_works_on_a_half_changed_installation(home, number):
    settings = Settings(home=home)
    before = opened(settings)
    books = outcome(before)
    before.catalog.close()
    with pytest.raises(Killed):
        rotated(settings, on_step=killed_at(number))
    with pytest.raises(ConflictError, match="key rotate"):
        opened(settings).lake(TENANT)
    with pytest.raises(ConflictError, match="key"):
        before.lake(TENANT)
    rotated(settings)
    after = opened(settings)
    run_stages(after)
    assert outcome(after) == books
    assert unbalanced(after) == []
    assert not (home / "subject.key.next").exists()


def test_a_process_that_began_before_a_change_does_nothing_more(home):
    settings = Settings(home=home)
    old = opened(settings)
    old.lake(TENANT)
    rotated(settings)
    with pytest.raises(ConflictError, match="Restart it"):
        old.lake(TENANT)
    looked = look(old, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    assert list(looked.unreachable) == [TENANT]


def test_a_lost_key_is_replaced_by_hand_only_and_it_is_said_who_is_not_recognised_any_more(home):
    settings = Settings(home=home)
    (home / "subject.key").unlink()
    with pytest.raises(ConflictError, match="missing"):
        rotated(settings)
    done = rotated(settings, former_key_lost=True)
    assert done.erased_forgotten == 1
    workspace = opened(settings)
    run_stages(workspace)
    assert unbalanced(workspace) == []
    assert workspace.catalog.consents.of(TENANT, workspace.subject_id(TENANT, REFUSING))["training"] is False
    land(workspace.lake(TENANT), [one for one in uploads() if ERASED in one[0]])
    run_stages(workspace)
    assert ERASED in workspace.catalog.subjects.subject_ids(TENANT)


@pytest.mark.parametrize("by", ["subject_key", "subject_key_file"])
def test_a_key_that_a_setting_gives_is_changed_by_a_file_and_then_by_the_setting(home, tmp_path, by):
    key = (home / "subject.key").read_text().strip()
    (home / "subject.key").rename(tmp_path / "former")
    (tmp_path / "new").write_text("quite another key, of random letters\n")
    settings = Settings(home=home, **{by: key if by == "subject_key" else tmp_path / "former"})
    with pytest.raises(UsageError, match="new-key-file"):
        rotated(settings)
    with pytest.raises(UsageError, match="counts now"):
        rotated(settings, new_key_file=tmp_path / "former" if by != "subject_key" else written(tmp_path / "same", key))
    done = rotated(settings, new_key_file=tmp_path / "new")
    assert done.key_file == tmp_path / "new"
    with pytest.raises(ConflictError, match="not the one"):
        opened(settings)
    opened(Settings(home=home, subject_key_file=tmp_path / "new")).lake(TENANT)
    assert not (home / "subject.key").exists()


def written(path, text):
    path.write_text(text)
    return path


def test_a_key_too_short_to_protect_anybody_is_not_taken(home, tmp_path):
    with pytest.raises(UsageError, match="too short"):
        rotated(Settings(home=home), new_key_file=written(tmp_path / "short", "0123456789abcde"))
    opened(Settings(home=home)).lake(TENANT)


def as_an_earlier_version_had_it(home) -> set[str]:
    """Give the books digests without a key, and the tables with them; the digests."""
    from operations.rekeying import rename_lake
    from resources.catalog.rekeying import rekey

    settings = Settings(home=home)
    workspace = opened(settings)
    entered = every_upload(workspace, tenant=TENANT)
    plain = {u.key_sha256: hashlib.sha256(u.key.encode()).hexdigest() for u in entered if u.reason != "erased_subject"}
    changes = rename_lake(workspace, TENANT, plain, former_ids=entered, on_step=lambda _: None)
    rekey(
        workspace.catalog.database,
        plain,
        shifts=changes.shifts,
        deletions=changes.deletions,
        marks=changes.marks,
        installation=workspace.installation,
        now=datetime.now(UTC),
    )
    run_stages(workspace)
    assert unbalanced(workspace) == []
    workspace.catalog.close()
    return set(plain.values())


def test_digests_of_an_earlier_version_are_refused_and_made_anew(home, tmp_path):
    plain = as_an_earlier_version_had_it(home)
    assert hits(home / "lake", plain)
    settings = Settings(home=home)
    with pytest.raises(ConflictError, match="key rehash"):
        opened(settings)
    key_change.rehash(settings, open_catalog(settings), s3=s3_access(settings))
    workspace = opened(settings)
    run_stages(workspace)
    assert hits(home / "lake", plain) == {}
    assert hits(home, plain) == {}
    assert unbalanced(workspace) == []
    fresh = filled(Settings(home=tmp_path / "fresh", subject_key=(home / "subject.key").read_text().strip()))
    assert came_out(workspace) == came_out(fresh)


@pytest.mark.integration
def test_a_catalog_on_postgresql_changes_its_ids_likewise(tmp_path, postgresql_server):
    from resources.catalog.catalog import Catalog
    from resources.catalog.migrations import check, upgrade

    postgresql_server.execute("CREATE DATABASE key_change")
    url = postgresql_server.url("key_change")
    upgrade(Catalog(url))
    settings = Settings(home=tmp_path / "home", catalog=url)
    workspace = filled(settings, refusing=False)
    books = outcome(workspace)
    former = set(workspace.catalog.subjects.subject_ids(TENANT).values())
    rotated(settings)
    after = opened(settings)
    run_stages(after)
    assert outcome(after) == books
    assert unbalanced(after) == []
    assert not former & set(after.catalog.subjects.subject_ids(TENANT).values())
    assert check(after.catalog) == []
