"""Two tenants in one installation: whatever one asks, with whatever it asks, it gets nothing of the other."""

import re
from datetime import UTC, date, datetime
from itertools import product
from urllib.parse import quote

import orjson
import polars as pl
import pytest

from operations.consent import decide
from operations.erasure.erasure import dry_run, forget
from operations.erasure.search import tables
from pipeline.release.releases import release
from resources.catalog.rows.tenants import NewAuditEvent
from sensors.requests import partition_key
from tests.flow import came_out, installation, land, run_stages
from tests.interfaces.api.serving import client, serving
from vitals.errors import NotFoundError, UsageError
from vitals.release.spec import read_spec
from vitals.synthetic.cohort import generate
from vitals.synthetic.settings import TwinSettings

OURS, THEIRS = "default", "other"
SECRET = "theirs-and-nobody-elses"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Both tenants have the same people by name, uploads, a release, and events; and an API over both."""
    settings, workspace = installation(tmp_path_factory.mktemp("two"), api_requests_per_minute=100_000)
    workspace.catalog.tenants.add(THEIRS, now=datetime.now(UTC))
    for tenant, seed in ((OURS, 5), (THEIRS, 6)):
        cohort = TwinSettings(
            seed=seed, people=3, days=1, first_day=date(2025, 9, 15), kinds=("heart_rate", "steps"), fetches_per_day=1
        )
        land(workspace.lake(tenant), [(upload.key, upload.data) for upload in generate(cohort)])
    run_stages(workspace)
    for tenant, name in ((OURS, "ours"), (THEIRS, SECRET)):
        asked = {"name": name, "version": "1", "license": "cc-by-4.0", "profile": "none", "provisional": True}
        made = release(workspace, read_spec({**asked, "tenant": tenant, "formats": ["text"]}), run_id=None)
        assert made.published
        event = NewAuditEvent(tenant=tenant, at=datetime.now(UTC), actor=name, action="look", target=name)
        workspace.catalog.audit.record([event])
    with serving(settings, workspace) as address:
        yield address, workspace


def ids_of(workspace, tenant) -> set[str]:
    """Everything that names something of a tenant."""
    catalog, lake = workspace.catalog, workspace.lake(tenant)
    found = set(catalog.subjects.subject_ids(tenant).values())
    for upload in catalog.uploads.list(tenant, limit=10_000):
        found.add(upload.upload_id)
    for one in lake.objects("training/"):
        found |= {orjson.loads(line)["id"] for line in lake.read_object(one.key).splitlines()}
    return found | {row.name for row in catalog.datasets.list(tenant)}


def paths(http) -> dict[str, dict]:
    return http.get("/v1/openapi.json").json()["paths"]


def filled(path: str, value: str) -> str:
    return re.sub(r"\{[^}]+\}", quote(value, safe=""), path)


def test_what_the_two_have_shares_no_id_although_people_files_and_days_are_named_alike(two):
    _, workspace = two
    people = [workspace.catalog.subjects.subject_ids(tenant) for tenant in (OURS, THEIRS)]
    assert people[0].keys() == people[1].keys()
    assert not ids_of(workspace, OURS) & ids_of(workspace, THEIRS)


def test_no_list_and_no_page_of_the_api_shows_anything_of_the_other_tenant(two):
    address, workspace = two
    foreign = ids_of(workspace, THEIRS)
    with client(address, workspace) as http:
        seen = 0
        for path, methods in paths(http).items():
            if "get" not in methods or "{" in path:
                continue
            answer = http.get(path)
            assert answer.status_code < 500, path
            assert not [one for one in foreign if one in answer.text], path
            seen += 1
    assert seen >= 6


def test_an_id_of_the_other_tenant_is_found_at_no_path_with_any_method(two):
    address, workspace = two
    foreign = sorted(ids_of(workspace, THEIRS))
    sample = [SECRET, *foreign[:: max(1, len(foreign) // 4)], *workspace.catalog.subjects.subject_ids(THEIRS).values()]
    before = came_out(workspace, THEIRS)
    with client(address, workspace) as http:
        asked = 0
        for (path, methods), value in product(paths(http).items(), sample):
            if "{" not in path:
                continue
            for method in methods:
                answer = http.request(method, filled(path, value), params={"from": "2025-09-15", "to": "2025-09-15"})
                assert 400 <= answer.status_code < 500, (method, path, answer.status_code)
                assert not [one for one in foreign if one != value and one in answer.text], path
                asked += 1
    assert asked > 30
    assert came_out(workspace, THEIRS) == before


TRICKS = (
    "../other", "..%2Fother", "%2e%2e/tenants/other/raw", "tenants/other", "other", "default|other", "2025-09-15|other",
    "' OR '1'='1", "x'; DROP TABLE upload; --", "%' UNION SELECT external_user FROM subject --", "\u2025/other", "a\x00b",
)  # fmt: skip


def test_no_trick_in_a_path_or_a_filter_reaches_the_other_tenant_or_breaks_the_api(two):
    address, workspace = two
    foreign = ids_of(workspace, THEIRS)
    uploads = len(workspace.catalog.uploads.list(THEIRS, limit=10_000))
    with client(address, workspace) as http:
        for path, methods in paths(http).items():
            operation = methods.get("get")
            if operation is None:
                continue
            names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
            for trick in TRICKS:
                answers = [http.get(filled(path, trick))] if "{" in path else []
                answers += [http.get(filled(path, "1"), params={name: trick}) for name in names]
                answers += [http.get(filled(path, "1"), params={"tenant": THEIRS})]
                for answer in answers:
                    assert answer.status_code < 500, (path, trick)
                    assert not [one for one in foreign if one in answer.text], (path, trick)
    assert len(workspace.catalog.uploads.list(THEIRS, limit=10_000)) == uploads


def test_a_key_under_the_other_tenants_root_is_no_key_of_an_upload(two):
    address, workspace = two
    theirs = next(iter(workspace.lake(THEIRS).objects("raw/"))).key
    before = ids_of(workspace, OURS)
    with client(address, workspace) as http:
        for key in (
            f"tenants/{THEIRS}/{theirs}",
            f"raw/../tenants/{THEIRS}/{theirs}",
            f"raw/%2e%2e/tenants/{THEIRS}/{theirs}",
        ):
            answer = http.post("/v1/uploads/references", json={"keys": [key]})
            assert 400 <= answer.status_code < 500
    assert ids_of(workspace, OURS) == before


def test_one_tenants_lake_lists_reads_and_writes_nothing_of_the_other(two):
    _, workspace = two
    ours, theirs = workspace.lake(OURS), workspace.lake(THEIRS)
    mine = {found.key for stage in ("raw", "training", "releases", "quarantine") for found in ours.objects(stage)}
    assert not [key for key in mine if SECRET in key or "tenants/" in key]
    assert not [table for table in tables(ours) if "tenants" in table]
    people = set(workspace.catalog.subjects.subject_ids(OURS).values())
    assert set(ours.table("validated/steps").collect()["subject_id"]) <= people
    assert not set(theirs.table("validated/steps").collect()["subject_id"]) & people
    for key in ("../../raw/x", "/raw/x", "raw/../../x", "raw/..", "raw//x"):
        for method in (
            theirs.read_object,
            theirs.head,
            lambda k: theirs.write_object(k, b"x"),
            lambda k: theirs.delete_objects([k]),
        ):
            with pytest.raises(UsageError):
                method(key)
    for table in ("../default/validated/steps", "validated/../../x", "validated/steps' OR 1=1"):
        with pytest.raises(UsageError):
            theirs.scan(table, schema=pl.Schema({"subject_id": pl.String()}))


@pytest.mark.parametrize(
    "name", ["..", "../default", "a/b", "a|b", "A", "", "a" * 42, "default\n", "a'; --", "%2e", "-a", "ä"]
)
def test_no_name_of_a_tenant_can_leave_its_folder_or_split_a_partition_key(two, name):
    _, workspace = two
    with pytest.raises(UsageError):
        workspace.catalog.tenants.add(name, now=datetime.now(UTC))
    with pytest.raises(NotFoundError):
        workspace.lake(name)
    with pytest.raises(NotFoundError):
        workspace.catalog.of_tenant(name)


def test_a_partition_key_names_one_day_of_one_tenant(two):
    _, workspace = two
    keys = {
        partition_key(day, t.name): (day, t.name)
        for day in (date(2025, 9, 15), date(2025, 9, 16))
        for t in workspace.catalog.tenants.list()
    }
    assert len(keys) == 4
    assert all(key.split("|") == [day.isoformat(), tenant] for key, (day, tenant) in keys.items())


@pytest.mark.parametrize("trick", TRICKS)
def test_sql_in_a_filter_of_the_catalog_is_text(two, trick):
    _, workspace = two
    catalog = workspace.catalog.of_tenant(OURS)
    assert catalog.uploads.list(kind=trick) == []
    assert catalog.audit.list(target=trick) == []
    assert catalog.subjects.subject_ids([trick]) == {}
    assert catalog.consents.history(trick) == []
    assert workspace.catalog.uploads.counts(OURS)
    with pytest.raises(NotFoundError):
        catalog.datasets.get(trick, "1")


def test_a_decision_of_one_tenant_moves_nothing_of_the_other(two):
    _, workspace = two
    before = came_out(workspace, THEIRS)
    decide(workspace, tenant=OURS, subject_id=None, granted={"training": False}, actor="desk")
    run_stages(workspace)
    assert came_out(workspace, THEIRS) == before
    assert came_out(workspace, OURS).examples == {}
    decide(workspace, tenant=OURS, subject_id=None, granted={"training": True}, actor="desk")
    run_stages(workspace)


def test_erasing_a_person_of_one_tenant_leaves_the_person_of_the_same_name_in_the_other(two):
    _, workspace = two
    user = min(workspace.catalog.subjects.subject_ids(OURS))
    before = came_out(workspace, THEIRS), dry_run(workspace, tenant=THEIRS, user=user)
    forget(workspace, tenant=OURS, user=user, actor="desk", private_key=bytes(range(32)))
    assert (came_out(workspace, THEIRS), dry_run(workspace, tenant=THEIRS, user=user)) == before
    assert user not in workspace.catalog.subjects.subject_ids(OURS)
    assert workspace.catalog.datasets.get(THEIRS, SECRET, "1").state == "published"


def test_a_file_of_an_erased_person_is_refused_by_the_api_and_not_kept(two):
    address, workspace = two
    user = max(workspace.catalog.subjects.subject_ids(OURS))
    forget(workspace, tenant=OURS, user=user, actor="desk", private_key=bytes(range(32)))
    with client(address, workspace) as http:
        answer = http.post("/v1/uploads", params={"user": user, "record_type": "StepsRecord"}, content=b"Obj")
        assert answer.status_code == 409
        assert user not in answer.text
        listed = http.get("/v1/uploads", params={"state": "quarantined"}).json()["items"]
    assert "erased_subject" in {item["reason"] for item in listed}
    assert not [found.key for found in workspace.lake(OURS).objects("raw/") if user in found.key]
