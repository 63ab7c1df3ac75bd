"""The HTTP API: what it takes and gives, who may, and how it refuses."""

from datetime import UTC, datetime

import httpx
import pytest

from tests.flow import installation, land, run_stages
from tests.interfaces.api.serving import client, serving
from tests.small_cohort import uploads

AN_UPLOAD = {"user": "u1", "record_type": "StepsRecord"}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """An address and its workspace; a cohort has been through every stage."""
    settings, workspace = installation(tmp_path_factory.mktemp("api"), max_file_size_mb=1)
    land(workspace.lake("default"), uploads())
    run_stages(workspace)
    workspace.catalog.tenants.add("other", now=datetime.now(UTC))
    with serving(settings, workspace) as address:
        yield address, workspace


def test_a_file_handed_in_waits_in_the_books_and_its_answer_says_where_to_ask(api):
    address, workspace = api
    with client(address, workspace) as http:
        answer = http.post("/v1/uploads", params=AN_UPLOAD, content=b"Obj not really")
        assert answer.status_code == 202
        found = http.get(f"/v1/uploads/{answer.json()['uploads'][0]}").json()
        assert (found["state"], found["kind"]) == ("landed", "steps")
        assert answer.headers["location"] == f"/v1/batches/{answer.json()['batch_id']}"
        assert "u1" not in str(found)


def test_lists_come_in_pages_that_together_hold_everything_once(api):
    address, workspace = api
    with client(address, workspace) as http:
        seen, after = [], None
        while True:
            params = {"limit": 7} | ({"after": after} if after else {})
            found = http.get("/v1/uploads", params=params).json()
            seen += [item["upload_id"] for item in found["items"]]
            after = found["next"]
            if after is None:
                break
        every = http.get("/v1/uploads", params={"limit": 500}).json()["items"]
        assert seen == [item["upload_id"] for item in every]
        assert len(set(seen)) == len(seen) > 20


def test_a_single_thing_that_has_not_changed_is_not_sent_again(api):
    address, workspace = api
    with client(address, workspace) as http:
        person = http.get("/v1/people").json()["items"][0]["subject_id"]
        first = http.get(f"/v1/people/{person}")
        again = http.get(f"/v1/people/{person}", headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_a_persons_days_and_lines_are_given_with_their_claims(api):
    address, workspace = api
    with client(address, workspace) as http:
        person = http.get("/v1/people").json()["items"][0]["subject_id"]
        days = http.get(f"/v1/people/{person}/days", params={"from": "2025-09-14", "to": "2025-09-17"}).json()["days"]
        assert days
        lines = http.get(f"/v1/people/{person}/days/{min(days)}/examples").json()
        assert lines
        assert all(line["metadata"]["subject_id"] == person for line in lines)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer vg_000000000000_" + "a" * 32}, {"Authorization": "x"}]
)
def test_without_a_key_nothing_is_told(api, headers):
    answer = httpx.get(f"{api[0]}/v1/uploads", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 401


def test_a_key_of_one_tenant_sees_nothing_of_another(api):
    address, workspace = api
    with client(address, workspace) as mine, client(address, workspace, tenant="other") as theirs:
        upload = mine.get("/v1/uploads").json()["items"][0]["upload_id"]
        person = mine.get("/v1/people").json()["items"][0]["subject_id"]
        assert theirs.get("/v1/uploads").json()["items"] == []
        assert theirs.get("/v1/people").json()["items"] == []
        assert theirs.get(f"/v1/uploads/{upload}").status_code == 404
        assert theirs.get(f"/v1/people/{person}").status_code == 404
        assert theirs.get("/v1/runs").json()["items"] == []


@pytest.mark.parametrize(
    "key",
    [
        "raw/../tenants/other/raw/StepsRecord/2025/09/20/u_1758407139312_ab.avro",
        "raw/StepsRecord/2025/09/20/../../../../../catalog.avro",
        "raw/StepsRecord/2025/09/20/%2e%2e%2fu_1758407139312_ab.avro",
        "/etc/passwd",
        "raw/StepsRecord/2025/09/20/u_1758407139312_ab.avro\x00",
    ],
)
def test_a_reference_leads_nowhere_but_into_the_tenants_own_raw_folder(api, key):
    address, workspace = api
    with client(address, workspace) as http:
        answer = http.post("/v1/uploads/references", json={"keys": [key]})
        assert answer.status_code in (404, 422)
        assert key not in answer.text


def test_a_reader_may_read_and_not_hand_in(api):
    address, workspace = api
    with client(address, workspace, role="reader") as http:
        assert http.get("/v1/uploads").status_code == 200
        assert http.post("/v1/uploads", params=AN_UPLOAD, content=b"x").status_code == 403
        assert http.get("/v1/audit").status_code == 403


def test_a_body_longer_than_a_file_may_be_is_refused_before_it_is_read(api):
    address, workspace = api
    with client(address, workspace) as http:
        answer = http.post("/v1/uploads", params=AN_UPLOAD, content=b"x" * (2**20 + 1))
        assert answer.status_code == 413
        chunked = http.post("/v1/uploads", params=AN_UPLOAD, content=iter([b"x" * 2**19] * 3))
        assert chunked.status_code == 413


def test_a_key_that_asks_too_often_is_told_how_long_to_wait(tmp_path):
    settings, workspace = installation(tmp_path, api_requests_per_minute=3)
    with serving(settings, workspace) as address, client(address, workspace) as http:
        answers = [http.get("/v1/people") for _ in range(5)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        with client(address, workspace) as another:
            assert another.get("/v1/people").status_code == 200


def test_what_is_handed_in_is_in_the_audit_trail_without_a_persons_id(api):
    address, workspace = api
    with client(address, workspace) as http:
        batch = http.post("/v1/uploads", params=AN_UPLOAD | {"user": "someone"}, content=b"y").json()["batch_id"]
        event = http.get("/v1/audit", params={"target": batch}).json()[0]
        assert event["action"] == "upload"
        assert "someone" not in str(event)


def test_the_process_says_whether_it_can_work(api):
    assert httpx.get(f"{api[0]}/live").json() == {"status": "ok"}
    assert httpx.get(f"{api[0]}/ready").json() == {"status": "ok"}


def test_a_damaged_table_is_a_problem_document_that_says_what_to_do_and_a_page_of_the_desk(tmp_path):
    settings, workspace = installation(tmp_path)
    land(workspace.lake("default"), uploads()[:3])
    run_stages(workspace)
    damaged = list((settings.home_path / "lake" / "clinical").rglob("*.parquet"))
    for file in damaged:
        file.write_bytes(b"what a full disk leaves behind")
    day = damaged[0].parent.name.removeprefix("local_date=")
    with serving(settings, workspace) as address, client(address, workspace) as http:
        person = http.get("/v1/people").json()["items"][0]["subject_id"]
        answer = http.get(f"/v1/people/{person}/days", params={"from": day, "to": day})
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert "A damaged table" in answer.json()["detail"]
        assert "full disk leaves" not in answer.text
        key = http.headers["authorization"].removeprefix("Bearer ")
        http.post("/desk/sign-in", data={"key": key}, headers={"Origin": address})
        page = http.get(f"/desk/people/{person}/days/{day}")
        assert (page.status_code, "A damaged table" in page.text) == (500, True)
